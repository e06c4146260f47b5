"""The output, the report file and the exit code of `kdrvgen verify`."""

from __future__ import annotations

import contextlib
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
from tests.inspection.support import Fields, Verify, long, patched
from tests.pipeline.support import Project


@pytest.fixture
def damaged(image: bytes, tmp_path: Path) -> Path:
    """An image with one error: its checksum is wrong."""
    path = tmp_path / "damaged.sys"
    path.write_bytes(patched(image, (Fields(image).optional + 64, long(1))))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_human_format_has_place_reason_and_help(damaged: Path, verify: Verify) -> None:
    result = verify(damaged)

    assert result.code == 6
    title = f"{damaged}:0xD0: error: the checksum is wrong [image-checksum]\n"
    assert result.out.startswith(title)
    assert re.search(r"^    \| CheckSum: 0x1, expected 0x[0-9A-F]+$", result.out, re.MULTILINE)
    assert re.search(r"^    = why: Windows verifies the checksum", result.out, re.MULTILINE)
    assert re.search(r"^    = help: Link with /RELEASE", result.out, re.MULTILINE)
    assert re.search(r"^    = see: https://learn.microsoft.com/", result.out, re.MULTILINE)
    assert result.err == f"error: {damaged}: 1 error, 2 notes.\n"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on", "error"], 0),
        (["--fail-on", "warning"], 0),
        (["--no-config", "--fail-on", "note"], 6),
    ],
)
def test_fail_on_selects_the_severity_that_fails(
    driver: Project, verify: Verify, options: list[str], code: int
) -> None:
    assert verify(*options, driver.sys).code == code


def test_quiet_omits_notes(driver: Project, damaged: Path, verify: Verify) -> None:
    assert "note" in verify("--no-config", driver.sys).out
    assert verify("-q", "--no-config", driver.sys).out == ""
    assert verify("-q", damaged).out.count("[") == 1


def test_the_json_format_is_one_document(damaged: Path, verify: Verify) -> None:
    result = verify("--format", "json", damaged)

    document = json.loads(result.out)
    (image,) = document["images"]
    assert document["exit-code"] == result.code == 6
    assert image["path"] == str(damaged)
    assert image["machine"] == "AMD64 (0x8664)"
    assert image["signatures"][0]["subject"] == "CN=DriverCertificate"
    assert image["signatures"][0]["verifies"] is True
    first, *_, last = document["findings"]
    assert first["rule"] == "image-checksum"
    assert first["place"] == {"file": str(damaged), "line": None, "column": None, "offset": 0xD0}
    assert (last["rule"], last["place"]) == ("verification", None)


def test_the_github_format_annotates_each_finding(damaged: Path, verify: Verify) -> None:
    lines = verify("--format", "github", damaged).out.splitlines()

    file = str(damaged).replace(":", "%3A")
    assert lines[0].startswith(f"::error file={file}::")
    assert lines[1].startswith(f"::notice file={file}::")
    assert lines[-1] == f"::error::{damaged}: 1 error, 2 notes."


def test_the_sarif_format_lists_rules_and_results(damaged: Path, verify: Verify) -> None:
    result = verify("--format", "sarif", damaged)

    log = json.loads(result.out)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    first = run["results"][0]
    assert result.code == 6
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    assert first["ruleId"] == rules[first["ruleIndex"]]["id"] == "image-checksum"
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == damaged.as_uri()
    assert place["region"] == {"byteOffset": 0xD0}


def test_other_commands_reject_the_sarif_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "sarif"]) == 2
    assert "sarif" in capsys.readouterr().err


def test_an_error_with_sarif_is_a_result_and_goes_to_standard_error_too(
    tmp_path: Path, verify: Verify
) -> None:
    result = verify("--format", "sarif", tmp_path / "none.sys")

    (run,) = json.loads(result.out)["runs"]
    assert result.code == 8
    assert [each["ruleId"] for each in run["results"]] == ["access"]
    assert run["invocations"] == [{"executionSuccessful": False}]
    assert "none.sys" in result.err


def test_all_images_below_a_folder_are_checked(
    driver: Project, damaged: Path, verify: Verify
) -> None:
    below = damaged.parent / "some/where"
    below.mkdir(parents=True)
    shutil.copy(driver.sys, below / "HELLO.SYS")

    result = verify("--no-config", damaged.parent)

    assert result.code == 6
    assert f"{below / 'HELLO.SYS'}: 2 notes" in result.out
    assert "2 images: 1 error, 4 notes" in result.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (".", 2, "contains no *.sys"),
        ("", 2, "no kdrvgen.toml or config.toml"),
        ("none.sys", 8, "none.sys"),
        ("hello.cab", 2, "hello.cab is a cabinet. Name the folders of its packages"),
        ("--trust none.pem none.sys", 8, "none.pem"),
        ("--trust text.pem none.sys", 2, "does not contain a certificate"),
        ("--config none.toml none.sys", 3, "none.toml"),
    ],
)
def test_wrong_arguments_are_reported_with_their_exit_code(
    folder: Path, verify: Verify, words: str, code: int, message: str
) -> None:
    (folder / "text.pem").write_text("no certificate", encoding="utf-8")

    result = verify(*words.split())

    assert result.code == code
    assert message in result.err


def test_an_unknown_profile_is_reported_with_the_known_ones(
    driver: Project, verify: Verify
) -> None:
    result = verify("--profile", "nightly", driver.sys)

    assert result.code == 2
    assert "no profile `nightly`. Its profiles are development, production" in result.err


@pytest.mark.slow
def test_progress_is_shown_only_on_a_terminal(driver: Project, damaged: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs Linux or macOS")
    shutil.copy(driver.sys, damaged.parent / "hello.sys")
    argv: list[str | Path] = [sys.executable, "-m", "kdrvgen", "verify", damaged.parent]
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "CI"} | {"TERM": "xterm"}

    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=theirs, env=env)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux's end of a terminal
            while part := terminal.read(4096):  # what has arrived, which may be a part
                shown += part

    assert b"1/2" in shown
    assert b"2/2" in shown
    assert b"1/2" not in done.stdout


def test_without_the_extra_the_error_names_the_pip_command(driver: Project, tmp_path: Path) -> None:
    """The module lief cannot be imported, as without the extra."""
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
    """Collects the tags, addresses and text of a page, and checks that its elements are closed."""

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
    damaged: Path, tmp_path: Path, verify: Verify
) -> None:
    assert verify("--html", tmp_path / "report.html", damaged).code == 6

    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = _parsed(text)

    assert "<code>bcdedit /set testsigning on</code>" in text
    assert "`" not in page.text
    image = kdrvgen.verify(damaged).image
    assert image
    assert page.tags.count("rect") == len(image.sections) + 2  # headers and signatures
    assert "script" not in page.tags
    assert page.addresses == []
    for section in image.sections:
        place = f"{section.size} bytes at 0x{section.offset:X} {section.access}"
        assert f"{section.name}: {place}" in page.text
    for word in (".rdata", "ntoskrnl.exe", "CN=DriverCertificate", "image-checksum", "sha256"):
        assert word in page.text


def test_hostile_names_in_an_image_are_escaped_in_all_output(
    image: bytes, tmp_path: Path, verify: Verify
) -> None:
    name = b"\r\n::\xe2\x80\xae\x1b"
    data = patched(image, (Fields(image).section(2), HOSTILE[:8]))
    data = patched(data, (Fields(image).section(1), name[:8]))
    data = data.replace(b"ntoskrnl.exe", b"<script>&'\"a")
    path = tmp_path / "hostile.sys"
    path.write_bytes(data)

    people = verify("--html", tmp_path / "report.html", path).out
    github = verify("--format", "github", path).out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert not set("\x1b\r\u202e") & set(people + github + page)
    assert all(line.startswith("::") for line in github.splitlines())
    assert "<script" not in page
    assert "<script>&'\"a" in _parsed(page).text


def test_a_page_that_cannot_be_written_is_an_error(
    driver: Project, tmp_path: Path, verify: Verify
) -> None:
    assert verify("--html", tmp_path / "none/report.html", driver.sys).code == 8


@pytest.mark.parametrize("place", ["", "src", "target/driver"])
def test_without_words_the_images_of_the_project_here_or_above_are_checked(
    project: Project, verify: Verify, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)
    monkeypatch.chdir(project.folder / place)

    result = verify("--format", "json")

    images = [Path(image["path"]).parts[-3:] for image in json.loads(result.out)["images"]]
    here = [path.parts[-3:] for path in (project.folder / "target/driver").rglob("*.sys")]
    assert sorted(images) == sorted(here) != []


def test_a_configuration_means_the_images_of_its_project(
    project: Project, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(project.folder / "elsewhere"))
    (project.folder / "target").rename(project.folder / "elsewhere")
    result = verify(project.folder / "config.toml", "--format", "json")
    assert all("elsewhere" in image["path"] for image in json.loads(result.out)["images"])


PLACES = {
    "": "driver/target/driver/hello/x86_64-pc-windows-msvc/production",
    'workspace-root = ".."': "target/driver/hello/x86_64-pc-windows-msvc/production",
    'output-dir = "out/{profile}/{target}"': "driver/out/production/x86_64-pc-windows-msvc",
    'output-dir = "out"\nworkspace-root = ".."': "driver/out",
}
"""The folder of an image in a workspace, by the keys of the driver in it."""


@pytest.mark.parametrize("keys", PLACES)
def test_images_are_where_the_configuration_puts_them(
    folder: Path, image: bytes, verify: Verify, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)
    driver = folder / "workspace" / "driver"
    driver.mkdir(parents=True)
    (folder / "link").symlink_to(driver)
    (driver / "config.toml").write_text(f'[driver]\nname = "hello"\n{keys}\n', "utf-8")
    built = driver.parent / PLACES[keys] / "hello.sys"
    built.parent.mkdir(parents=True)
    built.write_bytes(image)
    for name in ("workspace/driver", "link"):
        result = verify(folder / name / "config.toml", "--format", "json")
        paths = {Path(each["path"]).resolve() for each in json.loads(result.out)["images"]}
        assert paths == {built.resolve()}


def test_a_project_without_an_image_is_an_error_that_names_the_task(
    project: Project, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(project.folder / "target")
    monkeypatch.chdir(project.folder)
    result = verify()
    assert result.code == 2
    assert "`cargo make sign` creates one" in result.err
