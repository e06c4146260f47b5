"""Which files `kdrvgen verify` reads and writes, and how much of them it keeps."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inspection.assembled import assembled
from tests.inspection.support import Verify, patched
from tests.inspection.test_comparison import BASE
from tests.pipeline.authority import CODE_SIGNING, Identity

pytest.importorskip("fcntl", reason="needs Linux or macOS")


@pytest.fixture(scope="module")
def signed() -> bytes:
    return assembled(Identity.make("DriverCertificate", CODE_SIGNING))


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # a long path is not allowed


@pytest.fixture
def here(signed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a signed image."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello.sys").write_bytes(signed)
    return tmp_path


IRREGULAR: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/ptmx"),
}


@pytest.mark.parametrize("kind", IRREGULAR)
@pytest.mark.parametrize("role", ["image", "--trust", "certificate", "pfx", "config", "--html"])
def test_only_regular_files_are_opened(here: Path, verify: Verify, kind: str, role: str) -> None:
    names = {"image": "odd.sys", "certificate": "hello.cer", "pfx": "own.pfx"}
    odd = here / names.get(role, "odd")
    IRREGULAR[kind](odd)
    mode = (
        'mode = "certificate"\npfx = "own.pfx"\npfx-password-env = "P"\n' if role == "pfx" else ""
    )
    if role in ("certificate", "pfx"):
        Path("config.toml").write_text(BASE + mode, "utf-8")
    words: dict[str, list[str | Path]] = {"image": [odd], "--trust": ["hello.sys", "--trust", odd]}
    words["config"] = ["hello.sys", "--config", odd]
    words["--html"] = ["hello.sys", "--html", odd]

    result = verify(*words.get(role, ["hello.sys"]))

    assert result.code == (3 if role == "config" else 8), result
    assert "is a device or a pipe" in result.err


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "nowhere"])
def test_a_configuration_beside_the_image_that_cannot_be_read_is_an_error(
    here: Path, verify: Verify, kind: str
) -> None:
    if kind == "nowhere":
        (here / "config.toml").symlink_to(kind)
    else:
        IRREGULAR[kind](here / "config.toml")

    result = verify("hello.sys")

    assert result.code == 3
    assert "config.toml: error: " in result.err
    assert ("is a device or a pipe" in result.err) is (kind != "nowhere")


def test_a_page_replaces_the_old_one_only_when_it_is_complete(
    signed: bytes, tmp_path: Path, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hello.sys").write_bytes(signed)
    assert verify("hello.sys", "--html", "page.html").code == 0
    before = Path("page.html").read_bytes()
    Path("zz.sys").mkdir()

    assert verify("hello.sys", "zz.sys/none.sys", "--html", "page.html").code == 8

    assert Path("page.html").read_bytes() == before
    assert sorted(map(str, Path().iterdir())) == ["hello.sys", "page.html", "zz.sys"]


def test_sarif_is_valid_if_the_configuration_is_not(
    signed: bytes, tmp_path: Path, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hello.sys").write_bytes(signed)
    Path("config.toml").write_text('[driver]\nnme = "hello"\n', "utf-8")

    result = verify("hello.sys", "--format", "sarif")

    (run,) = json.loads(result.out)["runs"]
    assert result.code == 3
    assert {each["ruleId"] for each in run["results"]} >= {"key-unknown"}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "config.toml"


def test_a_result_of_sarif_is_at_the_key_that_corrects_it(
    signed: bytes, tmp_path: Path, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    Path("out/hello.sys").write_bytes(patched(signed, (0x1F0, b"CHANGED")))
    text = BASE + 'timestamp-protocol = "rfc3161"\ndigest = "sha384"\n'
    Path("config.toml").write_text(text.replace('""', '"http://stamp/"'), "utf-8")
    Path("none.sys").write_bytes(signed)

    for name in ("none.sys", "out/hello.sys"):
        (run,) = json.loads(verify(name, "--format", "sarif").out)["runs"]
        for each in run["results"]:
            (place,) = (where["physicalLocation"] for where in each["locations"])
            assert place["artifactLocation"]["uri"] == "config.toml"
            assert place["region"]["startLine"] >= 1
            (related,) = each["relatedLocations"]
            assert related["physicalLocation"]["artifactLocation"]["uri"] == name


def test_the_digests_of_a_changed_file_are_shown_in_one_line(
    signed: bytes, tmp_path: Path, verify: Verify
) -> None:
    path = tmp_path / "hello.sys"
    path.write_bytes(patched(signed, (0x50, b"CHANGED")))

    text = verify(path, "--no-config").out
    (image,) = json.loads(verify(path, "--no-config", "--format", "json").out)["images"]

    (line,) = (each for each in text.splitlines() if "| signature: signed" in each)
    (found,) = image["signatures"]
    assert found["signed-digest"] != found["image-digest"]
    for digest in (found["signed-digest"], found["image-digest"]):
        assert digest[:16] in line


def test_the_signer_and_the_windows_that_load_the_image_are_printed(
    signed: bytes, tmp_path: Path, verify: Verify
) -> None:
    path = tmp_path / "hello.sys"
    path.write_bytes(signed)
    lines = verify(path, "--no-config").out.splitlines()
    at = lines.index(f"{path}: signed by a test certificate (CN=DriverCertificate)")
    assert "test-signing mode" in lines[at + 1]
    assert lines[at + 2].startswith("    see: https://learn.microsoft.com/")
    (image,) = json.loads(verify(path, "--format", "json").out)["images"]
    assert image["loading"]["signed-by"] == "test"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory in /proc")
def test_the_memory_is_that_of_the_largest_image(signed: bytes, tmp_path: Path) -> None:
    """Not of all: 1,000 images of 1 MB."""
    large = signed + bytes(1 << 20)
    for number in range(1000):
        (tmp_path / f"{number}.sys").symlink_to("large")
    (tmp_path / "large").write_bytes(large)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kdrvgen.cli import main\n"
        "main(sys.argv[1:])\n"
        # getrusage() also counts the memory of the process that started this one.
        "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "print(peak, file=sys.stderr)\n"
    )
    argv = [sys.executable, "-c", code, "verify", "--no-config", "-q", "--html", "page.html", "."]

    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False, text=True)

    assert int(done.stderr.split()[-1]) < 200 << 10  # kilobytes
    assert (tmp_path / "page.html").read_text("utf-8").count("<article>") == 1000
