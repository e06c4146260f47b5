"""Cabinets: cabextract restores them, and damaged ones are refused."""

from __future__ import annotations

import datetime as dt
import os
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdrvgen.packaging.cabinet import CabinetFile, read_cabinet, write_cabinet
from tests.examples import examples
from tests.packaging.test_any_input import MANY, mutated
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.tools import need

DATE = dt.date(2025, 7, 1)
FILES = (
    CabinetFile("hello\\hello.sys", bytes(range(256)) * 400),
    CabinetFile("hello\\hello.inf", b"[Version]\r\n"),
    CabinetFile("hello\\empty", b""),
    CabinetFile("hello\\sub\\more.bin", b"abc"),
    CabinetFile("hello\\größe.bin", b"defg"),
)
CABINET = write_cabinet(FILES, DATE)


def read_or_refuse(data: bytes) -> None:
    try:
        found = read_cabinet(data)
    except ValueError:
        return
    assert sum(map(len, found.values())) <= len(data)


@pytest.mark.slow
@pytest.mark.parametrize("is_signed", [False, True])
def test_cabextract_restores_the_files(tmp_path: Path, is_signed: bool) -> None:
    need("cabextract", "osslsigncode")
    path = tmp_path / "a.cab"
    path.write_bytes(CABINET)
    if is_signed:
        path = sign(tmp_path, path)

    subprocess.run(
        # The encoding is for names that are not marked as UTF-8.
        ["cabextract", "-q", "-e", "ISO-8859-1", "-d", tmp_path / "out", path],
        check=True,
        capture_output=True,
    )

    for file in FILES:
        place = tmp_path / "out" / file.path.replace("\\", "/")
        assert place.read_bytes() == file.data
        modified = dt.datetime.fromtimestamp(place.stat().st_mtime).astimezone()
        assert modified.date() == DATE
    assert read_cabinet(path.read_bytes()) == {file.path: file.data for file in FILES}


def sign(folder: Path, path: Path) -> Path:
    identity = Identity.make("DriverCertificate", CODE_SIGNING)
    (folder / "own.pem").write_bytes(identity.certificate_pem())
    (folder / "own.key").write_bytes(identity.key_pem())
    output = folder / "signed.cab"
    subprocess.run(
        [
            *("osslsigncode", "sign", "-certs", "own.pem", "-key", "own.key"),
            *("-in", path, "-out", output),
        ],
        check=True,
        cwd=folder,
        capture_output=True,
    )
    return output


def test_reserved_bytes_in_each_block_are_skipped() -> None:
    data = write_cabinet([CabinetFile("a", b"x" * 40_000), CabinetFile("b", b"y")], DATE)
    header, records, blocks = data[:44], data[44 : 44 + 2 * 18], data[44 + 2 * 18 :]
    size = struct.unpack_from("<H", blocks, 4)[0]
    first, second = blocks[: 8 + size], blocks[8 + size :]
    # Microsoft Cabinet Format: sizes of the reserved areas of the header, a folder and a block.
    reserve = struct.pack("<HBB", 0, 0, 4)
    spread = b"".join(block[:8] + b"\0\0\0\0" + block[8:] for block in (first, second))
    patched = bytearray(header[:36] + reserve + header[36:] + records + spread)
    struct.pack_into("<I", patched, 8, len(patched))
    struct.pack_into("<I", patched, 16, 48)  # the first record
    struct.pack_into("<H", patched, 30, 4)  # cfhdrRESERVE_PRESENT
    struct.pack_into("<I", patched, 40, 48 + len(records))  # the first block

    assert read_cabinet(bytes(patched)) == {"a": b"x" * 40_000, "b": b"y"}


@given(st.lists(st.binary(max_size=100_000), min_size=1, max_size=4))
@settings(max_examples=examples(50), deadline=None)
def test_any_contents_are_read_back(contents: list[bytes]) -> None:
    files = [CabinetFile(f"a\\{number}", data) for number, data in enumerate(contents)]
    found = read_cabinet(write_cabinet(files, DATE))
    assert found == {file.path: file.data for file in files}


def test_each_bit_of_the_contents_counts() -> None:
    start = len(CABINET) - 1000
    for at in range(start, len(CABINET)):
        damaged = bytearray(CABINET)
        damaged[at] ^= 0x10
        with pytest.raises(ValueError, match="checksum"):
            read_cabinet(bytes(damaged))


def test_a_cabinet_needs_files_and_has_a_limit() -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_cabinet([], DATE)


@given(st.binary(max_size=300))
@settings(max_examples=examples(200), deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)
    read_or_refuse(b"MSCF" + data)
    read_or_refuse(CABINET[:60] + data)


@pytest.mark.parametrize("count", [300, pytest.param(MANY, marks=pytest.mark.slow)])
def test_a_damaged_cabinet_is_read_or_refused(count: int) -> None:
    small = write_cabinet([CabinetFile("a\\b", b"x" * 50), CabinetFile("a\\c", b"y" * 20)], DATE)
    for data in mutated(small, count, 9):
        read_or_refuse(data)


def test_a_cabinet_that_lists_its_data_many_times_takes_little_memory() -> None:
    data = bytearray(write_cabinet([CabinetFile("a", os.urandom(32768))], DATE))
    record = data[44 : 44 + 18]
    count = 60_000
    head = bytearray(data[:44]) + bytes(record) * count
    shift = len(record) * (count - 1)
    struct.pack_into("<I", head, 8, len(data) + shift)
    struct.pack_into("<H", head, 28, count)
    struct.pack_into("<I", head, 36, struct.unpack_from("<I", data, 36)[0] + shift)
    start = time.process_time()

    with pytest.raises(ValueError, match="damaged"):
        read_cabinet(bytes(head) + bytes(data[44 + 18 :]))

    assert time.process_time() - start < 5
