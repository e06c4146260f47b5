"""`kdrvgen new` without a terminal: words, templates, replaying, errors."""

from __future__ import annotations

import json
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kdrvgen
from kdrvgen.cli import main
from kdrvgen.scaffold import template as templates
from tests.bootstrap.support import bootstrap, kdrvgen_process, tree
from tests.examples import examples

TEMPLATES = templates.names()


@pytest.mark.one_in(8)
@pytest.mark.parametrize("template", TEMPLATES)
def test_the_files_of_a_template_match_its_configuration(template: str, tmp_path: Path) -> None:
    folder = bootstrap(tmp_path, template, "vscode=yes")
    configs = [path for path in folder.rglob("config.toml") if path.parent.name != ".cargo"]
    assert configs
    for config in configs:
        assert not kdrvgen.check(kdrvgen.load(config), config.parent).drifted
    json.loads((folder / ".vscode" / "tasks.json").read_text("utf-8"))
    for path, content in tree(folder).items():
        assert b"\r" not in content, path
        assert content.endswith(b"\n"), path
        if path.endswith(".toml"):
            tomllib.loads(content.decode())


@pytest.mark.one_in(8)
@pytest.mark.parametrize("template", TEMPLATES)
def test_hostile_answers_stay_values(template: str, tmp_path: Path) -> None:
    text = "a \"quote\", a \\, {{ 7 * 7 }} {% raw %} ''' ]] ${HOME} %PATH% # ü"
    config = {
        "bootstrap": {"description": text, "license": text, "authors": [text, "B <b@example>"]},
        "signing": {"subject": 'S"\\${X}'},
    }
    kdrvgen.bootstrap(tmp_path, "hello", template, config=config)
    manifests = [
        tomllib.loads(path.read_text("utf-8")) for path in (tmp_path / "hello").rglob("Cargo.toml")
    ]
    packages = [each["package"] for each in manifests if "package" in each]
    tables = [each.get("workspace", {}).get("package", {}) for each in manifests] + packages
    assert text in [each.get("license") for each in tables]
    for config_file in (tmp_path / "hello").rglob("config.toml"):
        if config_file.parent.name != ".cargo":
            project = kdrvgen.load(config_file)
            if "[bootstrap]" in config_file.read_text("utf-8"):
                assert (project.bootstrap.description, project.bootstrap.license) == (text, text)
            assert project.signing.subject == 'S"\\${X}'


def test_the_tree_and_the_next_two_commands_are_printed(tmp_path: Path) -> None:
    done = kdrvgen_process("new", "hello", "-o", "my work", cwd=tmp_path)
    assert done.returncode == 0
    head, _, end = done.stdout.partition("\nNext:\n")
    assert head.startswith(
        "my work/hello/\n  .cargo/\n    config.toml\n  .gitattributes\n  .gitignore\n"
        "  .kdrvgen/\n    …\n"
    )
    assert end == "  cd 'my work/hello'\n  cargo make sign\n"
    listed = [line.strip() for line in head.splitlines() if not line.endswith(("/", "…"))]
    files = tree(tmp_path / "my work/hello")
    own = [path for path in files if not path.startswith((".kdrvgen/", "kernel/"))]
    assert sorted(listed) == sorted(path.rpartition("/")[2] for path in own)


@pytest.mark.slow
def test_arguments_can_be_before_between_and_after_the_options(tmp_path: Path) -> None:
    words = [
        "bootstrap.license=MIT",
        "-o",
        "a",
        "hello",
        "--no-input",
        "bootstrap.authors=A <a@b>, B",
    ]
    words += ["signing.validity-days=9", "profiles.production.linker.args=['/DEBUG', '/MAP']"]
    assert kdrvgen_process("new", *words, cwd=tmp_path).returncode == 0
    project = kdrvgen.load(tmp_path / "a" / "hello" / "config.toml")
    assert project.bootstrap.license == "MIT"
    assert project.bootstrap.authors == ("A <a@b>", "B")
    assert project.signing.validity_days == 9
    assert project.linker_for("production").args == ("/DEBUG", "/MAP")


def test_json_has_the_same_content(tmp_path: Path) -> None:
    done = kdrvgen_process("new", "hello", "--format", "json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["folder"] == "hello"
    assert {file["path"] for file in document["files"]} == set(tree(tmp_path / "hello"))
    listed = kdrvgen_process("new", "--list-templates", "--format", "json", cwd=tmp_path)
    assert [each["name"] for each in json.loads(listed.stdout)["templates"]] == list(TEMPLATES)


def test_all_templates_are_listed_with_their_options(tmp_path: Path) -> None:
    done = kdrvgen_process("new", "--list-templates", cwd=tmp_path)
    assert done.returncode == 0
    for name in TEMPLATES:
        template = templates.load(name)
        assert template.summary
        assert template.summary in done.stdout
        assert ", ".join(template.options) in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_configuration_contains_everything_to_create_the_project_again(
    template: str, tmp_path: Path
) -> None:
    words = ["vscode=yes", "bootstrap.license=MIT", "driver.target=aarch64-pc-windows-msvc"]
    first = bootstrap(tmp_path, template, *words)
    configs = [path for path in sorted(tree(first)) if path.endswith("config.toml")]
    config, *_ = [path for path in configs if ".cargo" not in path]
    words = ["--config", f"hello/{config}", "-o", "again"]
    again = kdrvgen_process("new", *words, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert tree(tmp_path / "again" / "hello") == tree(first)


def test_every_template_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "new.md").read_text("utf-8")
    for name in TEMPLATES:
        assert f"| `{name}` | {templates.load(name).summary} |" in page


@pytest.mark.slow
def test_a_configuration_is_replayed_and_arguments_override_it(tmp_path: Path) -> None:
    words = [
        "vscode=yes",
        "bootstrap.license=MIT",
        "makefile.env={ A = 'b' }",
        "bootstrap.edition=2024",
    ]
    first = bootstrap(tmp_path, "minimal", *words)
    again = kdrvgen_process("new", "--config", "hello/config.toml", "-o", "again", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert tree(tmp_path / "again" / "hello") == tree(first)
    words = ["other", "--config", "hello/config.toml", "bootstrap.edition=2021"]
    assert kdrvgen_process("new", *words, cwd=tmp_path).returncode == 0
    one, other = (kdrvgen.load(tmp_path / name / "config.toml") for name in ("hello", "other"))
    assert other.bootstrap.edition == "2021"
    assert other.bootstrap.license == one.bootstrap.license
    assert other.makefile == one.makefile
    assert other.bootstrap.model_copy(update={"edition": "2024"}) == one.bootstrap


@pytest.mark.slow
def test_the_shorthand_target_overrides_replayed_targets(tmp_path: Path) -> None:
    bootstrap(tmp_path, "minimal", "driver.targets=i686-pc-windows-msvc,x86_64-pc-windows-msvc")
    words = ["other", "--config", "hello/config.toml", "driver.target=aarch64-pc-windows-msvc"]
    assert kdrvgen_process("new", *words, cwd=tmp_path).returncode == 0
    toolchain = tomllib.loads((tmp_path / "other" / "rust-toolchain.toml").read_text("utf-8"))
    assert toolchain == {"toolchain": {"targets": ["aarch64-pc-windows-msvc"]}}


ERRORS = {
    "no name": ([], 2, "kdrvgen new NAME"),
    "two names": (["a", "b"], 2, "unexpected argument `b`"),
    "a missing template": (["a", "--template", "minmal"], 2, "Did you mean `minimal`?"),
    "a template outside": (
        ["a", "--template", "../../model"],
        2,
        "the template folder ../../model does not exist",
    ),
    "a missing file to replay": (
        ["a", "--config", "x.toml"],
        3,
        "the file does not exist",
    ),
    "a name that leads out": (["hello", "driver.name=../a"], 3, "not a valid Cargo package name"),
    "a name that is absolute": (["hello", "driver.name=/a"], 3, "not a valid Cargo package name"),
    "a keyword": (["match"], 3, "a keyword of Rust"),
    "a device": (["nul"], 3, "a device in Windows"),
    "an option": (["a", "alocator=yes"], 3, "did you mean `allocator`?"),
    "a key without its table": (["a", "store=Mine"], 3, "write `signing.store=…`"),
    "a key": (["a", "bootstrap.licence=MIT"], 3, "did you mean `license`?"),
    "a key that moved": (["a", "driver.license=MIT"], 3, "write `bootstrap.license=…`"),
    "a value": (["a", "bootstrap.edition=2020"], 3, 'did you mean "2021"?'),
    "a switch": (["a", "git=perhaps"], 3, "`bootstrap.git` must be true or false"),
    "a number": (["a", "signing.validity-days=x"], 3, "must be an integer"),
    "twice": (["a", "git=no", "git=yes"], 3, "first set here"),
    "a table and a key in it": (["a", "driver.name.x=1"], 3, "is set twice"),
    "a rule between keys": (["a", "wdk.locate=path"], 3, "needs `path`"),
    "an empty key": (["a", "=b"], 3, "unknown option ``"),
    "an empty part of a key": (["a", "driver..x=1"], 3, "`driver..x` is not a valid key"),
    "a key with underscores": (["a", "validity_days=9"], 3, "write `signing.validity-days=…`"),
    "an option of another template": (
        ["a", "--template", "wdk", "log-level=info"],
        3,
        "does not have the option `log-level`",
    ),
    "the options of a template": (
        ["a", "--template", "wdk", "logger=DbgPrint"],
        3,
        "its options: `git`, `vscode`, `allocator`, `pool-tag`\n",
    ),
    "an escape sequence": (["a", "bootstrap.license=\x1b[2J"], 3, "\\x1b[2J"),
}


@pytest.mark.parametrize(("words", "code", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_reported_and_nothing_is_written(
    words: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["new", *words, "--no-input", "-o", str(tmp_path)]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "\x1b" not in error
    assert list(tmp_path.iterdir()) == []


KEYS = (
    "driver driver.name driver.targets driver.name.x bootstrap bootstrap.template git pool-tag a.b "
    "profiles profiles.x profiles.production linker.args makefile.tasks.a signing.validity-days "
    "wdk.locate driver. "
)
WORDS = st.builds(
    "{}={}".format,
    st.sampled_from(KEYS.split(" ")),
    st.sampled_from(["", "[", "{}", "{a=1}", "1", "yes", "../x", "umdf", "{template='device'}"])
    | st.text(max_size=9),
)


@pytest.mark.slow
@given(st.lists(WORDS, min_size=1, max_size=4))
@settings(max_examples=examples(80), deadline=None)
def test_any_arguments_are_accepted_or_refused(words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        code = main(["new", "hello", "--no-input", "-q", "-o", folder, *words])
        assert code in {0, 2, 3}
        assert list(Path(folder).iterdir()) == ([Path(folder, "hello")] if code == 0 else [])


def test_an_error_points_at_the_argument(tmp_path: Path) -> None:
    done = kdrvgen_process("new", "a", "git=yes", "bootstrap.edition=2020", cwd=tmp_path)
    assert done.stderr == (
        'command line:1:41: error: `bootstrap.edition` cannot be "2020"\n'
        "  1 | kdrvgen new a git=yes bootstrap.edition=2020\n"
        "    |                                         ^^^^\n"
        '    = help: did you mean "2021"?\n'
        '            use one of "2018", "2021", "2024"\n'
        "\n1 error in command line\n"
    )


def test_an_error_points_at_the_name_in_a_path(tmp_path: Path) -> None:
    done = kdrvgen_process("new", "drivers/match", cwd=tmp_path)
    assert done.stderr.splitlines()[1:3] == [
        "  1 | kdrvgen new drivers/match",
        "    |                     ^^^^^",
    ]


def test_a_possible_password_is_not_shown(tmp_path: Path) -> None:
    done = kdrvgen_process("new", "a", "signing.pfx-password-env=hunter2!", cwd=tmp_path)
    assert done.returncode == 3
    assert "hunter2" not in done.stderr


@pytest.mark.slow
def test_a_list_of_targets_takes_the_place_of_the_one_that_was_replayed(tmp_path: Path) -> None:
    bootstrap(tmp_path, "minimal", "driver.target=aarch64-pc-windows-msvc")
    targets = ["i686-pc-windows-msvc", "x86_64-pc-windows-msvc"]
    words = ["other", "--config", "hello/config.toml", f"driver.targets={','.join(targets)}"]
    done = kdrvgen_process("new", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(kdrvgen.load(tmp_path / "other" / "config.toml").driver.triples) == targets


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("name", "tag"), [("ab", "Ab00"), ("a-b", "Ab00"), ("hello", "Hell"), ("x86_driver", "X86d")]
)
def test_a_pool_tag_is_the_first_four_letters_of_the_name_and_zeros(
    tmp_path: Path, name: str, tag: str
) -> None:
    folder = bootstrap(tmp_path, "minimal", "allocator=yes", name=name)
    assert f'*b"{tag}"' in (folder / "src" / "lib.rs").read_text("utf-8")
