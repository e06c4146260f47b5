"""What `kdrvgen` reports about a Cargo.toml that contradicts the configuration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.agreement.check import disagreements
from kdrvgen.report.human import draw
from tests.program import run_kdrvgen

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/config.toml"))
Run = Callable[..., subprocess.CompletedProcess[str]]


def case(name: str, folder: Path) -> Path:
    """Return a copy of a case, in which files can be generated."""
    return Path(shutil.copytree(Path(__file__).parent / "cases" / name, folder / "project"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the program in the project's folder."""

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        return run_kdrvgen(*words, cwd=tmp_path / "project", env=env)

    return start


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_the_report_is_the_golden_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = disagreements(kdrvgen.load("config.toml"), Path(), Path("config.toml"))
    text = draw(found).replace(os.sep, "/") if found else "nothing\n"
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        Path("report.txt").write_text(text, "utf-8")
    assert text == Path("report.txt").read_text("utf-8")


@pytest.mark.slow
def test_contradictions_do_not_stop_a_run_but_fail_a_check(tmp_path: Path, run: Run) -> None:
    project = case("all_at_once", tmp_path)
    for _ in range(2):  # a second run with nothing to change reports it again
        done = run("config.toml")
        assert done.returncode == 0
        assert (project / "Makefile.toml").is_file()
        assert "Cargo.toml:2:8: warning: the package name is `other`" in done.stderr
    done = run("config.toml", "--check")
    assert done.returncode == 3
    assert "Cargo.toml:2:8: error: the package name is `other`" in done.stderr
    assert "config.toml:3:8: note: `driver.name` is set here" in done.stderr
    assert "rust-toolchain.toml:3:11: warning: rustup does not install" in done.stderr


@pytest.mark.slow
def test_a_log_of_both_streams_has_the_files_before_the_contradictions(tmp_path: Path) -> None:
    project = case("all_at_once", tmp_path)
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    log = run_kdrvgen("config.toml", cwd=project, env=env, merged=True).stdout
    assert 0 <= log.index("created    Makefile.toml") < log.index("Cargo.toml:2:8: warning")


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["Makefile.toml", "build.rs"])
def test_contradictions_are_reported_beside_drift(tmp_path: Path, run: Run, missing: str) -> None:
    project = case("all_at_once", tmp_path)
    run("config.toml")
    (project / missing).unlink()
    done = run("config.toml", "--check")
    assert done.returncode == 4
    assert f"create     {missing}\n" in done.stdout
    assert "Cargo.toml:2:8: warning: the package name is `other`" in done.stderr
    assert "error: " in done.stderr.splitlines()[-1]


def test_a_loop_of_inheriting_profiles_ends(tmp_path: Path, run: Run) -> None:
    project = case("agrees", tmp_path)
    with (project / "Cargo.toml").open("a", encoding="utf-8") as file:
        file.write('[profile.lab]\ninherits = "field"\n[profile.field]\ninherits = "lab"\n')
    with (project / "config.toml").open("a", encoding="utf-8") as file:
        file.write('[profiles.lab]\ncargo-profile = "lab"\n')
    assert run("config.toml").returncode == 0
    done = run("config.toml", "--check")
    assert done.returncode == 3
    assert "the profile `lab` unwinds on a panic" in done.stderr


def test_a_change_of_cargo_toml_is_noticed_after_a_run_with_nothing_to_do(
    tmp_path: Path, run: Run
) -> None:
    project = case("agrees", tmp_path)
    for _ in range(2):
        assert run("config.toml").stderr == ""
        assert run("config.toml", "--check").returncode == 0
    (project / "Cargo.toml").write_text('[package]\nname = "other"\n', "utf-8")
    assert run("config.toml", "--check").returncode == 3
    (project / "Cargo.toml").unlink()
    assert run("config.toml", "--check").returncode == 0


def test_json_and_github_contain_the_places(tmp_path: Path, run: Run) -> None:
    case("all_at_once", tmp_path)
    found = json.loads(run("config.toml", "--format", "json").stdout)["findings"]
    assert (found[0]["place"]["file"], found[0]["severity"]) == ("Cargo.toml", "warning")
    assert found[0]["related"][0]["place"]["file"] == "config.toml"
    github = run("config.toml", "--format", "github").stdout
    assert "::warning file=Cargo.toml,line=2,col=8,endColumn=15::the package name is" in github


def test_doctor_reports_contradictions(tmp_path: Path, run: Run) -> None:
    case("all_at_once", tmp_path)
    done = run("doctor", "--for", "build", "--format", "json")
    found = [
        each
        for each in json.loads(done.stdout)["findings"]
        if each["rule"].startswith(("cargo-", "toolchain-"))
    ]
    assert {each["place"]["file"] for each in found} == {
        "Cargo.toml",
        "rust-toolchain.toml",
    }


def test_a_member_is_compared_with_its_workspace_and_nothing_else_above_is_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "Cargo.toml").write_text("not TOML", "utf-8")
    member = tmp_path / "workspace" / "driver"
    member.mkdir(parents=True)
    lab = '[profile.lab]\ninherits = "dev"\npanic = "abort"\n'
    (member.parent / "Cargo.toml").write_text(f"[workspace]\n{lab}", "utf-8")
    text = '[package]\nname = "hello"\n[lib]\ncrate-type = ["cdylib"]\n'
    (member / "Cargo.toml").write_text(text, "utf-8")
    config = '[driver]\nname = "hello"\nworkspace-root = ".."\n'
    config += '[profiles.development]\ncargo-profile = "lab"\n'
    assert disagreements(kdrvgen.loads(config), member) == ()
    alone = kdrvgen.loads('[driver]\nname = "hello"\n')
    assert disagreements(alone, member.parent) != ()
    (member.parent / "Cargo.toml").unlink()
    (member.parent / "Cargo.toml").symlink_to("../Cargo.toml")
    assert disagreements(alone, member.parent) == ()


def test_a_workspace_is_found_from_a_link_to_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = tmp_path / "workspace" / "driver"
    member.mkdir(parents=True)
    (member.parent / "Cargo.toml").write_text("[workspace]\n", "utf-8")
    (member / "Cargo.toml").write_text('[package]\nname = "hello"\n', "utf-8")
    (member / "config.toml").write_text(
        '[driver]\nname = "hello"\nworkspace-root = ".."\n'
        '[profiles.development]\ncargo-profile = "lab"\n',
        "utf-8",
    )
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "link").symlink_to(member)
    (place / "Cargo.toml").write_text("not TOML", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = run_kdrvgen("link/config.toml", cwd=place)
    assert done.returncode == 0, done.stderr
    assert (member.parent / ".kdrvgen" / "kit.rs").is_file()
    assert "link/../Cargo.toml: warning: the profile `lab`" in done.stderr.replace(os.sep, "/")


TEMPLATES = ("minimal", "device", "process", "worker", "filter", "workspace", "wdk")
OTHER_CHOICES = {"allocator": False, "logger": "DbgPrint"}


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("template", "choices"),
    # The template wdk does not have these options.
    [(each, {}) for each in TEMPLATES] + [(each, OTHER_CHOICES) for each in TEMPLATES[:-1]],
)
def test_every_template_agrees_with_itself(
    template: str, choices: dict[str, object], tmp_path: Path
) -> None:
    kdrvgen.bootstrap(tmp_path, "hello", template, config={"bootstrap": choices})
    configs = [
        each for each in (tmp_path / "hello").rglob("config.toml") if each.parent.name != ".cargo"
    ]
    assert configs
    for config in configs:
        project = kdrvgen.load(config)
        assert disagreements(project, config.parent, config) == ()


# --- cargo's configuration in the folders up to the root of the workspace ---------------------


@pytest.fixture
def member(tmp_path: Path) -> Path:
    """A driver two folders below the root of its workspace, with a profile of its own."""
    folder = tmp_path / "root/drivers/hello"
    folder.mkdir(parents=True)
    (tmp_path / "root/Cargo.toml").write_text('[workspace]\nmembers = ["drivers/*"]\n', "utf-8")
    manifest = '[package]\nname = "hello"\n[lib]\ncrate-type = ["cdylib"]\n'
    (folder / "Cargo.toml").write_text(manifest, "utf-8")
    config = '[driver]\nname = "hello"\nworkspace-root = "../.."\n'
    config += '[profiles.lab]\ncargo-profile = "lab"\n'
    (folder / "config.toml").write_text(config, "utf-8")
    return folder


def _configure(folder: Path, text: str, name: str = "config.toml") -> Path:
    path = folder / ".cargo" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def _messages(member: Path) -> list[str]:
    config = member / "config.toml"
    return [each.message for each in disagreements(kdrvgen.load(config), member, config)]


LAB = '[profile.lab]\ninherits = "release"\npanic = "%s"\n'
UNWINDS = "the profile `lab` unwinds on a panic, but the kernel cannot unwind"


def test_a_profile_can_be_in_a_cargo_configuration_of_the_workspace(member: Path) -> None:
    assert _messages(member) == ["the profile `lab` of `profiles.lab` does not exist"]

    _configure(member.parents[1], LAB % "abort")
    assert _messages(member) == []

    # The nearer one has priority, and the name without `.toml`.
    nearer = _configure(member.parent, LAB % "unwind")
    assert _messages(member) == [UNWINDS]
    config = member / "config.toml"
    (found,) = disagreements(kdrvgen.load(config), member, config)
    assert (found.file, found.place and found.place.line) == (str(nearer), 3)
    _configure(member.parent, LAB % "abort", "config")
    assert _messages(member) == []

    (member.parents[1] / "Cargo.toml").write_text(LAB % "unwind", "utf-8")
    assert _messages(member) == []  # Cargo.toml has the lowest priority


def test_a_configuration_of_the_workspace_that_stops_cargo_is_an_error(member: Path) -> None:
    text = LAB % "abort" + "[build]\nrustflags = ['-Ca']\n[target.x86_64-pc-windows-msvc]\n"
    path = _configure(member.parents[1], text + 'rustflags = "-Cx=y"\n')

    config = member / "config.toml"
    (found,) = disagreements(kdrvgen.load(config), member, config)

    assert found.rule == "cargo-clash"
    assert found.message.startswith(
        "`target.x86_64-pc-windows-msvc.rustflags` is a single value here and an array in .cargo/"
    )
    assert (found.file, found.place and found.place.line) == (str(path), 7)

    path.write_text("[build\n", "utf-8")
    (found,) = disagreements(kdrvgen.load(config), member, config)
    assert (found.rule, found.file) == ("toml-syntax", str(path))


def test_a_configuration_above_the_workspace_is_not_read(member: Path) -> None:
    _configure(member.parents[2], "[build\n")
    assert _messages(member) == ["the profile `lab` of `profiles.lab` does not exist"]


def test_a_change_of_the_configuration_of_the_workspace_is_noticed_by_the_next_run(
    member: Path, tmp_path: Path
) -> None:
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    root = member.parents[1]
    _configure(root, LAB % "abort")
    for _ in range(2):
        done = run_kdrvgen("config.toml", cwd=member, env=env)
        assert "unwinds" not in done.stderr, done.stderr

    _configure(root, LAB % "unwind")

    assert UNWINDS in run_kdrvgen("config.toml", cwd=member, env=env).stderr
