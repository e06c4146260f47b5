"""A file that is not UTF-8 text is refused with one clear sentence, without blocking."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.report.finding import Finding
from tests.report.support import span

VALID = '[driver]\nname = "hello"\n'


def refusal(path: str | Path) -> Finding:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(path)
    (only,) = caught.value.findings
    assert only.file == str(path)
    return only


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_crlf_are_accepted(
    tmp_path: Path, start: bytes, line_end: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(start + VALID.replace("\n", line_end).encode())
    assert kdrvgen.load(file).driver.name == "hello"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_with_a_hint_to_convert_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(VALID.encode(encoding))
    found = refusal(file)
    assert "UTF-16" in found.message or "UTF-32" in found.message
    assert "utf8" in found.help
    assert span(found) is None


def test_a_missing_file_gets_a_suggestion_of_a_similar_one(tmp_path: Path) -> None:
    (tmp_path / "config.toml.txt").write_text(VALID)
    found = refusal(tmp_path / "config.toml")
    assert found.message == "the file does not exist"
    assert found.help == f"did you mean {tmp_path / 'config.toml.txt'}?"


def test_a_missing_file_without_a_similar_one_gets_no_suggestion(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("")
    assert not refusal(tmp_path / "config.toml").help
    assert refusal(tmp_path / "no" / "such" / "config.toml").message == "the file does not exist"


def test_a_folder_is_refused_with_a_hint_to_the_file_in_it(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path).message
    (tmp_path / "config.toml").write_text(VALID)
    assert str(tmp_path / "config.toml") in refusal(tmp_path).help


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000])
def test_an_impossible_file_name_is_refused(name: str) -> None:
    assert refusal(name).message


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_an_unreadable_file_is_refused() -> None:
    # Not in `tmp_path`, which only its owner can look into.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "config.toml")
        file.write_text(VALID)
        file.chmod(0)
        before = os.geteuid()
        if before == 0:  # root reads everything
            os.seteuid(65534)
        try:
            assert "cannot be read: Permission denied" in refusal(file).message
        finally:
            os.seteuid(before)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.symlink_to(file)
    assert "cannot be read" in refusal(file).message


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")
def test_pipes_sockets_and_devices_are_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    assert "pipe" in refusal(pipe).message
    assert "device" in refusal("/dev/zero").message
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert "not a file" in refusal(tmp_path / "s").message


def test_the_error_points_at_a_byte_that_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b'\xef\xbb\xbf[driver]\r\nlicense = "\xc3\xbc \xe9"\r\n')
    found = refusal(file)
    assert found.message == "the byte 0xE9 is not UTF-8"
    assert (span(found), found.source) == ((2, 14, 4), 'license = "ü \\xe9"')


def test_the_error_points_at_a_nul_character(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b'[driver]\nname = "hello\0"\n')
    assert span(refusal(file)) == (2, 14, 1)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    assert refusal(file).message.startswith("the file is larger than 1024 KiB")
