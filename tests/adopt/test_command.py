"""`kdrvgen adopt` as a command: what it writes, what it refuses and what it prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import kdrvgen
from tests.adopt.conftest import Adopt

Project = Callable[..., Path]


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_dry_run_writes_nothing(copy: Callable[[str], Path], adopt: Adopt) -> None:
    folder = copy("blog")
    before = content(folder)

    assert adopt(folder, "--dry-run").code == 0

    assert content(folder) == before


def test_only_config_toml_is_written_and_it_is_valid(
    copy: Callable[[str], Path], adopt: Adopt
) -> None:
    folder = copy("blog")
    before = content(folder)

    answer = adopt(folder)

    assert answer.code == 0
    assert "created    config.toml" in answer.out
    after = content(folder)
    config = folder / "config.toml"
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == {config}
    assert kdrvgen.load(config).driver.name == "probe"
    assert 'name = "probe"  # from Cargo.toml:2\n' in config.read_text("utf-8")


def test_every_line_with_a_value_shows_where_it_comes_from(
    copy: Callable[[str], Path], adopt: Adopt
) -> None:
    answer = adopt(copy("blog"), "--dry-run")

    config = answer.out.partition("\nHazards")[0]
    values = [line for line in config.split("\n") if " = " in line]
    assert values
    assert all("# from " in line for line in values)


@pytest.mark.parametrize("has_schema", [True, False])
def test_config_toml_names_a_schema_in_the_folder(
    copy: Callable[[str], Path],
    adopt: Adopt,
    *,
    has_schema: bool,
) -> None:
    folder = copy("blog")
    if has_schema:
        (folder / "kdrvgen.schema.json").write_text("{}")

    proposal = json.loads(adopt(folder, "--format", "json").out)["proposal"]

    lines = (folder / "config.toml").read_text("utf-8").split("\n")
    assert (lines[0] == "#:schema ./kdrvgen.schema.json") == has_schema
    assert "[driver]" in lines[:3]
    origin = next(each for each in proposal["origins"] if each["file"] == "Cargo.toml")
    assert lines[origin["line"] - 1].startswith('name = "probe"')


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_an_existing_config_toml_is_never_overwritten(
    copy: Callable[[str], Path], adopt: Adopt, kind: str
) -> None:
    folder = copy("blog")
    config = folder / "config.toml"
    if kind == "file":
        config.write_text("mine")
    elif kind == "folder":
        config.mkdir()
    else:
        config.symlink_to(folder / "nowhere")

    answer = adopt(folder)

    assert answer.code == 5
    assert f"{config} already exists" in answer.err
    assert not (folder / "nowhere").exists()
    assert kind != "file" or config.read_text() == "mine"
    assert adopt(folder, "--dry-run").code == 0


def test_the_next_steps_are_printed(copy: Callable[[str], Path], adopt: Adopt) -> None:
    folder = copy("scripts")

    answer = adopt(folder)

    steps = answer.out.partition("\nNext:\n")[2]
    assert f"`kdrvgen {folder}/config.toml --diff`" in steps
    assert "delete .cargo/config" in steps
    assert "PFX_PASSWORD" in steps
    assert "--force" in steps


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Makefile.toml", "[tasks\n", "`]` is missing here"),
        (".cargo/config.toml", "[build]\ntarget = x\n", "= help:"),
        ("Cargo.toml", '[package]\nname = "a"\nname = "b"\n', "defined twice"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \n", "value"),
    ],
)
def test_invalid_toml_is_reported_like_in_config_toml(
    project: Project, adopt: Adopt, name: str, text: str, message: str
) -> None:
    folder = project(**{name: text})

    answer = adopt(folder)

    assert answer.code == 3
    assert f"{folder}/{name}:" in answer.err
    assert message in answer.err
    assert "^" in answer.err
    assert not (folder / "config.toml").exists()


def test_the_errors_of_all_files_are_reported_at_once(project: Project, adopt: Adopt) -> None:
    folder = project(makefile="[tasks\n", cargo="[build\n")

    answer = adopt(folder)

    assert answer.code == 3
    assert f"2 errors in {folder}/.cargo/config.toml, {folder}/Makefile.toml" in answer.err


def test_a_password_beside_a_syntax_error_is_hidden(project: Project, adopt: Adopt) -> None:
    folder = project(makefile='[env]\nPFX_PASSWORD = "correct-horse" x\n')

    answer = adopt(folder)

    assert answer.code == 3
    assert "correct-horse" not in answer.err


def test_a_file_in_utf_16_is_an_error(project: Project, adopt: Adopt) -> None:
    folder = project()
    (folder / "Makefile.toml").write_bytes("[tasks]".encode("utf-16"))

    answer = adopt(folder)

    assert answer.code == 3
    assert f"{folder}/Makefile.toml: error: the file is encoded as UTF-16" in answer.err


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"Cargo.toml": '[package]\nname = "02-hello"\n'},
            "`02-hello` is not a valid Cargo package name",
        ),
        ({"Cargo.toml": '[workspace]\nmembers = ["a"]\n'}, "this folder has no package"),
        ({"cargo": ""}, "kdrvgen finds no driver in this package"),
        (
            {
                "cargo": '[build]\ntarget = "x86_64-unknown-uefi"\n'
                'rustflags = ["-Clink-arg=/DRIVER"]\n'
            },
            ".cargo/config.toml:2:11: error: the target is `x86_64-unknown-uefi`",
        ),
    ],
    ids=["name", "workspace", "no driver", "target"],
)
def test_a_project_that_cannot_be_a_driver_is_refused(
    project: Project, adopt: Adopt, files: dict[str, str], message: str
) -> None:
    folder = project(**files)

    answer = adopt(folder)

    assert answer.code == 3
    assert message in answer.err
    assert not (folder / "config.toml").exists()


def test_a_missing_folder_and_a_folder_without_cargo_toml_are_usage_errors(
    tmp_path: Path, adopt: Adopt
) -> None:
    missing = adopt(tmp_path / "missing")
    empty = adopt(tmp_path)

    assert (missing.code, empty.code) == (2, 2)
    assert "does not exist" in missing.err
    assert "has no Cargo.toml" in empty.err


def test_a_project_that_kdrvgen_generated_is_not_adopted(
    copy: Callable[[str], Path], adopt: Adopt
) -> None:
    folder = copy("blog")
    adopt(folder)
    kdrvgen.generate(kdrvgen.load(folder / "config.toml"), folder, force=True)
    (folder / "config.toml").unlink()

    answer = adopt(folder)

    assert answer.code == 2
    assert "kdrvgen generated" in answer.err


def test_json_contains_proposal_origins_and_findings(
    copy: Callable[[str], Path], adopt: Adopt
) -> None:
    folder = copy("blog")

    document = json.loads(adopt(folder, "--dry-run", "--format", "json").out)

    assert document["exit-code"] == 0
    assert kdrvgen.loads(document["proposal"]["text"]).driver.name == "probe"
    lines = document["proposal"]["text"].split("\n")
    origins = {lines[each["line"] - 1]: each for each in document["proposal"]["origins"]}
    preset = origins['preset = "blog-2020"']
    assert (preset["file"], preset["from"]) == (".cargo/config", 5)
    rules = {(each["rule"], each["severity"]) for each in document["findings"]}
    assert rules == {
        ("adopt-hazard", "note"),
        ("adopt-hazard", "warning"),
        ("adopt-equivalent", "note"),
    }
    hazard = next(each for each in document["findings"] if "`ignore_errors`" in each["message"])
    place = {"file": f"{folder}/Makefile.toml", "line": 13, "column": None}
    assert hazard["place"] == place
    assert any("--force" in step for step in document["next"])


def test_github_gets_annotations_and_a_fenced_proposal(
    copy: Callable[[str], Path], adopt: Adopt
) -> None:
    folder = copy("blog")

    out = adopt(folder, "--dry-run", "--format", "github").out

    assert out.startswith("::stop-commands::")
    assert f"::notice file={folder}/Makefile.toml,line=13::`ignore_errors` hides" in out
    assert f"::warning file={folder}/.cargo/config,line=12::rustc passes its own /PDBALTPATH" in out


def test_quiet_leaves_out_avoided_hazards(copy: Callable[[str], Path], adopt: Adopt) -> None:
    out = adopt(copy("blog"), "-q").out

    assert "Hazards of the project that remain:" in out
    assert "avoids:" not in out
    assert "created" not in out


def test_escape_sequences_in_a_file_name_are_not_printed(project: Project, adopt: Adopt) -> None:
    name = "tools\x1b[31m.cmd"
    folder = project(
        **{
            "Makefile.toml": '[tasks.sign]\nscript = { file = "tools\\u001B[31m.cmd" }\n',
            name: "signtool sign /n A /s B hello.sys\n",
        }
    )

    answer = adopt(folder, "--dry-run")

    assert answer.code == 0
    assert "\x1b" not in answer.out
