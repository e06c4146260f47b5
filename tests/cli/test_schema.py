"""`kdrvgen schema`: what editors' own checkers make of good and bad configurations."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli

from kdrvgen.model import Driver
from kdrvgen.model.reference import keys
from kdrvgen.model.schema import schema_text
from tests.cli.conftest import Run

GOLDEN = Path(__file__).parents[1] / "rendering/golden"
CHECKERS = {"taplo": ["lint"], "tombi": ["lint", "--offline"]}
BAD = """\
[driver]
name = "hello"
moddel = "wdm"

[signing]
mode = "tset"
validity-days = 0

[profiles.lab]
linker.args = "no"
"""


@pytest.fixture
def schema(run: Run, project: Path) -> dict[str, Any]:
    done = run("schema")
    (project / "kdrvgen.schema.json").write_text(done.stdout, encoding="utf-8")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _check(checker: str, config: Path) -> tuple[int, str]:
    program = shutil.which(checker) or str(Path(sys.executable).with_name(checker))
    done = subprocess.run(
        [program, *CHECKERS[checker], config.name],
        cwd=config.parent,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.returncode, re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)


@pytest.mark.slow
@pytest.mark.usefixtures("schema")
@pytest.mark.parametrize("checker", CHECKERS)
def test_schema_checkers_accept_what_kdrvgen_accepts(project: Path, checker: str) -> None:
    for golden in sorted(GOLDEN.glob("*/config.toml")):
        config = project / f"{golden.parent.name}.toml"
        text = golden.read_text(encoding="utf-8")
        config.write_text(f"#:schema ./kdrvgen.schema.json\n{text}", encoding="utf-8")
        code, output = _check(checker, config)
        assert code == 0, output


@pytest.mark.usefixtures("schema")
@pytest.mark.parametrize("checker", CHECKERS)
def test_schema_checkers_point_at_each_invalid_key(project: Path, checker: str) -> None:
    config = project / "bad.toml"
    config.write_text(f"#:schema ./kdrvgen.schema.json\n{BAD}", encoding="utf-8")

    code, output = _check(checker, config)

    assert code != 0
    for line in (4, 7, 8, 11):
        assert re.search(rf"bad\.toml:{line}:", output), output


def test_the_schema_is_readable_draft_7(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["title"] == "config.toml of kdrvgen"
    assert schema["description"].startswith("A Windows kernel driver in Rust")
    text = json.dumps(schema)
    for noise in ('"oneOf"', '"anyOf"', '"$defs"', '"null"', '"title": "Name"'):
        assert noise not in text


def test_texts_for_the_help_of_python_are_not_in_the_schema(run: Run) -> None:
    importlib.import_module("kdrvgen.api")  # adds the fields to the docstrings of the tables
    assert "Attributes:" in str(Driver.__doc__)
    assert "Attributes:" not in schema_text()
    assert schema_text() == run("schema").stdout


def test_every_key_has_a_description_and_its_default(schema: dict[str, Any]) -> None:
    for key in keys():
        last = key.table.rpartition(".")[2]
        own = "".join(word.capitalize() for word in last.split("-"))
        table = "Profile" if key.table.startswith("profiles") else own
        home = schema["definitions"][table] if key.table else schema
        found = home["properties"][key.name]
        assert found["description"] == key.text
        default = tomli.loads(f"x = {key.default}")["x"] if key.default else None
        assert found.get("default") == default


def test_the_schema_is_part_of_the_json_document(run: Run, schema: dict[str, Any]) -> None:
    assert json.loads(run("schema", "--format", "json").stdout)["schema"] == schema


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("template", ["minimal", "workspace"])
def test_a_new_project_contains_the_schema_and_refers_to_it(
    run: Run, project: Path, checker: str, template: str
) -> None:
    assert run("new", "made", "--no-input", "--template", template).returncode == 0

    assert (project / "made/kdrvgen.schema.json").read_text("utf-8") == run("schema").stdout
    configs = sorted((project / "made").rglob("config.toml"))
    own = [config for config in configs if config.parent.name != ".cargo"]
    assert own
    for config in own:
        code, output = _check(checker, config)
        assert code == 0, output
        config.write_text(
            config.read_text("utf-8").replace("[driver]", "[driver]\nmoddel = 1"), "utf-8"
        )
        code, output = _check(checker, config)
        assert code != 0
        assert "moddel" in output
