"""What single pages say is true: messages, numbers, versions, the workflow, the session."""

from __future__ import annotations

import html
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

import kdrvgen
from kdrvgen.lexicon.windows import windows_errors
from tests.pipeline.support import REPOSITORY, environment, need

DOCS = REPOSITORY / "docs"
PACKAGE = REPOSITORY / "kdrvgen"
SERVICE = PACKAGE / "pipeline/tree/pipeline/src/service/windows.rs"


def _section(page: str, heading: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def _first_column(section: str) -> list[str]:
    return [row.split("|")[1].strip() for row in section.splitlines() if row.startswith("| ")][1:]


def test_troubleshooting_has_every_number_that_the_tasks_explain() -> None:
    advice = SERVICE.read_text(encoding="utf-8").partition("const ADVICE")[2].partition("\n];")[0]
    explained = {
        int(n) for group in re.findall(r"&\[([\d, ]+)\],", advice) for n in group.split(",")
    }
    column = " ".join(
        _first_column(_section("troubleshooting.md", "Windows does not start the driver"))
    )
    listed = set(re.findall(r"\w+", column))
    assert {str(number) for number in explained} <= listed
    assert len(explained) > 10
    assert {*windows_errors()} <= listed


@pytest.mark.parametrize("heading", ["Building and signing", "kdrvgen"])
def test_the_messages_in_troubleshooting_are_messages_of_the_program(heading: str) -> None:
    files = [*PACKAGE.rglob("*.rs"), *PACKAGE.rglob("*.py")]
    sources = "\n".join(file.read_text(encoding="utf-8") for file in files)
    sources = re.sub(r'\\\n\s*|"\n\s*f?"', "", sources)  # texts of several lines
    quoted = re.findall(
        r"`([^`]+)`", " ".join(_first_column(_section("troubleshooting.md", heading)))
    )
    assert quoted
    assert [message for message in quoted if message not in sources] == []


def test_the_step_of_the_guide_matches_the_schema_of_github(tmp_path: Path) -> None:
    text = (DOCS / "howto/ci.md").read_text(encoding="utf-8")
    (step,) = re.findall(r"^```yaml\n(- .*?)^```$", text, re.MULTILINE | re.DOTALL)
    indented = "".join(f"      {line}\n" for line in step.splitlines())
    job = "on: push\njobs:\n  release:\n    runs-on: ubuntu-24.04\n    steps:\n"
    (tmp_path / "driver.yml").write_text(f"{job}{indented}", "utf-8")
    schema = ["--builtin-schema", "vendor.github-workflows"]
    argv = [sys.executable, "-m", "check_jsonschema", *schema, str(tmp_path / "driver.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_pages_name_one_version_of_each_program() -> None:
    setup = (DOCS / "setup.sh").read_text(encoding="utf-8")
    cargo_make = re.search(r"CARGO_MAKE_VERSION=([\d.]+)", setup)
    assert cargo_make
    pages = [path for path in DOCS.rglob("*.md") if path.name != "changelog.md"]
    texts = {path.name: path.read_text(encoding="utf-8") for path in pages}
    texts |= {path.name: path.read_text("utf-8") for path in REPOSITORY.glob(".github/workflows/*")}
    for name, text in texts.items():
        for version in re.findall(r"--version ([\d.]+) cargo-make|cargo-make-([\d.]+)-", text):
            assert cargo_make[1] in version, name
        for version in re.findall(r'"kdrvgen": "([\d.]+)"|rev: v([\d.]+)|^kdrvgen ([\d.]+)$', text):
            assert kdrvgen.__version__ in version, name


def _terminal() -> ModuleType:
    """Return docs/terminal.py, which is a script and not part of a package."""
    spec = importlib.util.spec_from_file_location("terminal", DOCS / "terminal.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_recorded_session_is_what_the_program_prints_today(tmp_path: Path) -> None:
    need("cargo", "cargo-make", "openssl", "osslsigncode", "wine")
    terminal = _terminal()
    program = tmp_path / "kdrvgen"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kdrvgen "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    env = environment(Path(tempfile.gettempdir()))
    env["PATH"] = f"{tmp_path}{os.pathsep}{env['PATH']}"

    picture = terminal.svg(list(terminal.record(env)))

    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        terminal.PICTURE.write_text(picture, encoding="utf-8")
    recorded = terminal.PICTURE.read_text(encoding="utf-8")
    assert _texts(picture) == _texts(recorded), "`python docs/terminal.py` records it again"


def _texts(picture: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>(.*?)</text>", picture)]
