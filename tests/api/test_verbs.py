"""Every command as a function: what it returns, and what `repr` shows of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import kdrvgen
from kdrvgen import (
    ConfigError,
    Driver,
    Linker,
    Makefile,
    Profile,
    Project,
    RefusedError,
    Report,
    Signing,
    UsageError,
)
from kdrvgen.commands import VERBS

ROOT = Path(__file__).parents[2]
CONFIG = '[driver]\nname = "hello"\nentry-point = "begin"\n'
FOLDER: Any = Path("drivers")
FUNCTIONS = [name for name in dir(kdrvgen) if inspect.isfunction(getattr(kdrvgen, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_types_and_says_what_it_returns_and_where_it_is_documented(
    name: str,
) -> None:
    function = getattr(kdrvgen, name)
    signature = inspect.signature(function)
    text = inspect.getdoc(function) or ""
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(each.annotation is not each.empty for each in signature.parameters.values())
    assert "Return" in text
    assert f"`{name}(" in (ROOT / "docs" / "python.md").read_text("utf-8")


def test_the_page_names_the_function_of_every_command() -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    assert [verb for verb in VERBS if f"`kdrvgen {verb}" not in page] == []


def test_many_projects_are_generated_also_after_an_error(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(f'[driver]\nname = "{name}"\n', "utf-8")
    (tmp_path / "b" / "build.rs").write_text("fn main() {}\n", "utf-8")
    configs = kdrvgen.find_configs([str(tmp_path)])
    assert [Path(config).parent.name for config in configs] == ["a", "b", "c"]

    results = kdrvgen.generate_all(
        (Path(config).parent, kdrvgen.load(config)) for config in configs
    )

    a, b, c = (results[tmp_path / name] for name in ("a", "b", "c"))
    assert isinstance(a, Report)
    assert isinstance(c, Report)
    assert isinstance(b, RefusedError)
    assert (tmp_path / "c" / "Makefile.toml").exists()
    checked = kdrvgen.generate_all([(tmp_path / "a", kdrvgen.load(configs[0]))], dry_run=True)
    assert [each.changed for each in checked.values() if isinstance(each, Report)] == [False]


def test_many_projects_take_the_options_of_one_and_one_at_a_time(tmp_path: Path) -> None:
    def projects() -> Iterator[tuple[Path, Project]]:
        for name in ("a", "b"):
            assert name == "a" or makefile.exists() == is_written
            yield tmp_path / name, Project(driver=Driver(name=name))

    makefile, is_written = tmp_path / "a" / "Makefile.toml", False
    kdrvgen.generate_all(projects(), dry_run=True)
    assert not makefile.exists()
    is_written = True
    kdrvgen.generate_all(projects())
    makefile.write_text("mine\n", "utf-8")
    refused, _ = kdrvgen.generate_all(projects()).values()
    assert isinstance(refused, RefusedError)
    kdrvgen.generate_all(projects(), force=True)
    assert "mine" not in makefile.read_text("utf-8").splitlines()


def test_propose_returns_the_config_of_a_hand_written_project(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "old"\nversion = "0.1.0"\n[lib]\ncrate-type = ["cdylib"]\n', "utf-8"
    )
    (tmp_path / "build.rs").write_text(
        'fn main() { println!("cargo:rustc-link-arg=/DRIVER"); }\n', "utf-8"
    )
    adoption = kdrvgen.propose(tmp_path)
    assert adoption.project.driver.name == "old"
    assert kdrvgen.loads(adoption.text) == adoption.project
    assert not (tmp_path / "config.toml").exists()
    kdrvgen.generate(adoption.project, tmp_path, force=True)
    with pytest.raises(UsageError, match="generated"):
        kdrvgen.propose(tmp_path)


def test_diagnose_returns_what_was_found_and_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    findings = kdrvgen.diagnose(tmp_path / "config.toml", tasks=["build"])
    assert {each.rule for each in findings} >= {"host-cargo", "host-rustc"}
    assert all("build" in each.tags for each in findings)
    assert kdrvgen.diagnose(tasks=["build"])
    with pytest.raises(UsageError, match="no profile `stage`"):
        kdrvgen.diagnose(tmp_path / "config.toml", profile="stage")
    with pytest.raises(ValueError, match="biuld"):
        kdrvgen.diagnose(tasks=["biuld"])


def test_explain_returns_all_terms_of_a_name() -> None:
    assert {each.term for each in kdrvgen.explain("args")} >= {"build.args", "linker.args"}
    with pytest.raises(UsageError, match="Did you mean"):
        kdrvgen.explain("linker.arg")


@pytest.mark.slow
def test_why_and_eject_take_paths_as_text(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, "utf-8")
    kdrvgen.generate(kdrvgen.load(config), tmp_path)
    lines = (tmp_path / ".cargo/config.toml").read_text("utf-8").splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "/ENTRY:begin" in line)
    text, reasons = kdrvgen.why(config, ".cargo/config.toml", number)
    assert "/ENTRY:begin" in text
    assert (reasons[0].key, reasons[0].line) == ("driver.entry-point", 3)
    assert kdrvgen.why(config, PurePosixPath(".cargo/config.toml"), number) == (text, reasons)

    (entry,) = kdrvgen.eject(["build.rs"], tmp_path).entries
    assert (str(entry.path), entry.status) == ("build.rs", "updated")
    assert not kdrvgen.check(kdrvgen.load(config), tmp_path).drifted


@pytest.mark.parametrize("path", ["../own.rs", "src/../../own.rs", "../crates/kernel/src/own.rs"])
def test_eject_changes_no_file_outside_of_the_project(tmp_path: Path, path: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "build.rs").write_text("mine\n", "utf-8")
    own = project / path.removeprefix("src/../")
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("mine\n", "utf-8")
    with pytest.raises(RefusedError, match=r"own\.rs: the path leads out of the project"):
        kdrvgen.eject(["build.rs", path], project)
    assert own.read_text("utf-8") == (project / "build.rs").read_text("utf-8") == "mine\n"


def test_schema_is_a_json_schema() -> None:
    assert kdrvgen.schema()["$schema"].startswith("http://json-schema.org/")


def test_repr_of_a_project_shows_what_differs_from_the_defaults_and_no_secret() -> None:
    project = Project(
        driver=Driver(name="hello"),
        linker=Linker(args=("/MAP",)),
        profiles={"production": Profile(signing=Signing(digest="sha384"))},
        makefile=Makefile(env={"API_TOKEN": "hunter2"}),
    )
    assert repr(project) == (
        "Project(driver=Driver(name='hello'), linker=Linker(args=('/MAP',)), "
        "profiles=FrozenTable({'development': Profile(cargo_profile='dev'), 'production': "
        "Profile(cargo_profile='release', signing=Signing(digest='sha384'))}), "
        "makefile=Makefile(env=FrozenTable({'API_TOKEN': …})))"
    )
    assert repr(Project(driver=Driver(name="hello"))) == "Project(driver=Driver(name='hello'))"


def test_repr_of_a_report_and_of_a_finding_is_one_line(tmp_path: Path) -> None:
    report = kdrvgen.generate(kdrvgen.loads(CONFIG), tmp_path)
    assert repr(report) == f"Report({len(report.entries)} created)"
    with pytest.raises(ConfigError) as caught:
        kdrvgen.loads(f'{CONFIG}nmae = "x"\n')
    assert repr(caught.value.findings[0]) == (
        "<Finding config.toml:4:1: error: unknown key `nmae` in `[driver]` [key-unknown]>"
    )


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        (lambda: kdrvgen.find_configs("drivers"), "words"),
        (lambda: kdrvgen.find_configs(FOLDER), "words"),
        (lambda: kdrvgen.eject("build.rs", "."), "paths"),
        (lambda: kdrvgen.make_submission("package"), "packages"),
        (lambda: kdrvgen.ci(".", configs="drivers", dry_run=True), "configs"),
        (lambda: kdrvgen.diagnose(tasks="build"), "tasks"),
        (lambda: kdrvgen.verify("hello.sys", trust="root.pem"), "trust"),
    ],
)
def test_one_text_is_not_taken_for_several(call: Callable[[], object], parameter: str) -> None:
    with pytest.raises(TypeError, match=rf"`{parameter}` takes several values: pass \['"):
        call()


def test_paths_can_be_objects(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, "utf-8")
    assert kdrvgen.find_configs([tmp_path]) == [str(config)]
    kdrvgen.generate(kdrvgen.load(config), tmp_path)
    (entry,) = kdrvgen.eject([Path("build.rs")], tmp_path).entries
    assert entry.path == PurePosixPath("build.rs")
    cargo = Path(".cargo", "config.toml")
    assert kdrvgen.why(config, cargo, 12) == kdrvgen.why(config, cargo.as_posix(), 12)
    (workflow,) = kdrvgen.ci(tmp_path, configs=[config], dry_run=True).entries
    assert '"hello"' in (workflow.after or "")
