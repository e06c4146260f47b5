"""What the command prints, writes and ends with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.cli import main
from kdrvgen.inspection.checks import RULES
from tests.inspection.support import Fields, Tell, long, patched
from tests.pipeline.support import Project


@pytest.fixture
def damaged(image: bytes, tmp_path: Path) -> Path:
    """An image with one error: its checksum is wrong."""
    path = tmp_path / "damaged.sys"
    path.write_bytes(patched(image, (Fields(image).optional + 64, long(1))))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the user stands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_people_get_the_place_the_reason_and_the_remedy(damaged: Path, tell: Tell) -> None:
    said = tell(damaged)

    assert said.code == 6
    title = f"{damaged}:0xD0: error: the checksum is wrong [image-checksum]\n"
    assert said.out.startswith(title)
    assert re.search(r"^    \| CheckSum: 0x1, and 0x[0-9A-F]+ would be", said.out, re.MULTILINE)
    assert re.search(r"^    = why: Windows checks it", said.out, re.MULTILINE)
    assert re.search(r"^    = help: Link with /RELEASE", said.out, re.MULTILINE)
    assert re.search(r"^    = see: https://learn.microsoft.com/", said.out, re.MULTILINE)
    assert said.err == f"error: {damaged}: 1 error, 2 notes.\n"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on", "error"], 0),
        (["--fail-on", "warning"], 0),
        (["--no-config", "--fail-on", "note"], 6),
    ],
)
def test_what_ends_in_an_error_can_be_chosen(
    driver: Project, tell: Tell, options: list[str], code: int
) -> None:
    assert tell(*options, driver.sys).code == code


def test_quiet_leaves_out_the_notes(driver: Project, damaged: Path, tell: Tell) -> None:
    assert "note" in tell("--no-config", driver.sys).out
    assert tell("-q", "--no-config", driver.sys).out == ""
    assert tell("-q", damaged).out.count("[") == 1


def test_programs_get_one_json_document(damaged: Path, tell: Tell) -> None:
    said = tell("--format", "json", damaged)

    document = json.loads(said.out)
    (image,) = document["images"]
    assert document["exit-code"] == said.code == 6
    assert image["path"] == str(damaged)
    assert image["machine"] == "AMD64 (0x8664)"
    assert image["signatures"][0]["subject"] == "CN=DriverCertificate"
    assert image["signatures"][0]["verifies"] is True
    first, *_, last = document["findings"]
    assert first["rule"] == "image-checksum"
    assert first["place"] == {"file": str(damaged), "line": None, "column": None, "offset": 0xD0}
    assert (last["rule"], last["place"]) == ("verification", None)


def test_github_gets_an_annotation_for_each_finding(damaged: Path, tell: Tell) -> None:
    lines = tell("--format", "github", damaged).out.splitlines()

    file = str(damaged).replace(":", "%3A")
    assert lines[0].startswith(f"::error file={file}::")
    assert lines[1].startswith(f"::notice file={file}::")
    assert lines[-1] == f"::error::{damaged}: 1 error, 2 notes."


def test_code_scanning_gets_sarif(damaged: Path, tell: Tell) -> None:
    said = tell("--format", "sarif", damaged)

    log = json.loads(said.out)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    first = run["results"][0]
    assert said.code == 6
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    assert first["ruleId"] == rules[first["ruleIndex"]]["id"] == "image-checksum"
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == damaged.as_uri()
    assert place["region"] == {"byteOffset": 0xD0}


def test_only_this_command_has_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "sarif"]) == 2
    assert "sarif" in capsys.readouterr().err


def test_what_fails_under_sarif_is_said_on_standard_error(tmp_path: Path, tell: Tell) -> None:
    said = tell("--format", "sarif", tmp_path / "none.sys")

    assert (said.code, said.out) == (8, "")
    assert "none.sys" in said.err


def test_all_images_below_a_folder_are_looked_at(
    driver: Project, damaged: Path, tell: Tell
) -> None:
    below = damaged.parent / "some/where"
    below.mkdir(parents=True)
    shutil.copy(driver.sys, below / "HELLO.SYS")

    said = tell("--no-config", damaged.parent)

    assert said.code == 6
    assert f"{below / 'HELLO.SYS'}: 2 notes" in said.out
    assert "2 images: 1 error, 4 notes" in said.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (".", 2, "there is no *.sys"),
        ("", 2, "no image was given"),
        ("none.sys", 8, "none.sys"),
        ("--trust none.pem none.sys", 8, "none.pem"),
        ("--trust text.pem none.sys", 2, "holds no certificate"),
        ("--config none.toml none.sys", 3, "none.toml"),
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path, tell: Tell, words: str, code: int, said: str
) -> None:
    (folder / "text.pem").write_text("no certificate", encoding="utf-8")

    ended = tell(*words.split())

    assert ended.code == code
    assert said in ended.err


def test_an_unknown_profile_is_named_with_those_there_are(driver: Project, tell: Tell) -> None:
    said = tell("--profile", "nightly", driver.sys)

    assert said.code == 2
    assert "no profile `nightly`, but development, production" in said.err


def test_progress_is_shown_on_a_terminal_only(driver: Project, damaged: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs Linux or macOS")
    shutil.copy(driver.sys, damaged.parent / "hello.sys")
    argv: list[str | Path] = [sys.executable, "-m", "kdrvgen", "verify", damaged.parent]
    ours, theirs = pty.openpty()

    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        shown = terminal.read(10_000)

    assert b"1/2" in shown
    assert b"2/2" in shown
    assert b"1/2" not in done.stdout


def test_without_its_libraries_it_says_how_to_get_them(driver: Project, tmp_path: Path) -> None:
    """A module of that name which is not there, as where the extra was not installed."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['lief'] = None\n", encoding="utf-8"
    )
    root = Path(kdrvgen.__file__).parent.parent
    env = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    argv: list[str | Path] = [sys.executable, "-m", "kdrvgen", "verify", driver.sys]

    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=env)

    assert done.returncode == 7
    assert "pip install kdrvgen[verify]" in done.stderr
    assert "Traceback" not in done.stderr


HOSTILE = b"</s>&\x1b[1"


class _Checked(HTMLParser):
    """Collects what a page would load or run, and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "rect", "br"}:
            self.open.append(tag)
        self.addresses += [
            str(value)
            for name, value in attributes
            if name in {"src", "href"} or name.startswith("on")
        ]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(page: str) -> _Checked:
    checked = _Checked()
    checked.feed(page.replace("/>", ">"))
    assert not checked.open
    return checked


def test_the_page_shows_sections_signatures_imports_and_findings(
    damaged: Path, tmp_path: Path, tell: Tell
) -> None:
    assert tell("--html", tmp_path / "report.html", damaged).code == 6

    page = _parsed((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert page.tags.count("rect") == 6
    assert "script" not in page.tags
    assert page.addresses == []
    for text in (".rdata", "ntoskrnl.exe", "CN=DriverCertificate", "image-checksum", "sha256"):
        assert text in page.text


def test_what_stands_in_a_file_cannot_speak_for_the_program(
    image: bytes, tmp_path: Path, tell: Tell
) -> None:
    name = b"\r\n::\xe2\x80\xae\x1b"
    data = patched(image, (Fields(image).section(2), HOSTILE[:8]))
    data = patched(data, (Fields(image).section(1), name[:8]))
    data = data.replace(b"ntoskrnl.exe", b"<script>&'\"a")
    path = tmp_path / "hostile.sys"
    path.write_bytes(data)

    people = tell("--html", tmp_path / "report.html", path).out
    github = tell("--format", "github", path).out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert not set("\x1b\r\u202e") & set(people + github + page)
    assert all(line.startswith("::") for line in github.splitlines())
    assert "<script" not in page
    assert "<script>&'\"a" in _parsed(page).text


def test_a_page_that_cannot_be_written_is_said(driver: Project, tmp_path: Path, tell: Tell) -> None:
    assert tell("--html", tmp_path / "none/report.html", driver.sys).code == 8
