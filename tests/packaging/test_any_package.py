"""Whatever is in the folder of a package, `kdrvgen verify` reports it, and quickly."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdrvgen.cli import main
from kdrvgen.inspection.inspect import inspect
from kdrvgen.inspection.pe.headers import read_headers
from kdrvgen.inspection.pe.version import file_version
from kdrvgen.inspection.signature import der
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.catalog.signature import read_signatures
from kdrvgen.packaging.catalog.strict import demand_strict
from kdrvgen.packaging.checks.inspect import RULES, as_data, inspect_package
from tests.examples import examples
from tests.inspection.assembled import assembled
from tests.packaging.signed import signed
from tests.packaging.test_any_input import MANY, catalog, mutated
from tests.packaging.versioned import versioned
from tests.pipeline.authority import CODE_SIGNING, Identity

CONFIG = '[driver]\nname = "hello"\n[package]\nkind = "device"\nprovider = "Example"\n'
CONFIG += 'version = "1.2.3.4"\ndate = "2025-07-01"\n'
IDENTITY = Identity.make("DriverCertificate", CODE_SIGNING)
IMAGE = versioned(assembled(IDENTITY), (1, 2, 3, 4))
SIGNED = signed(catalog("10_x64"), IDENTITY)
KNOWN = {each.id for each in RULES}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "hello.sys").write_bytes(IMAGE)
    assert main(["package", "hello.sys", "-q"]) == 0
    path = tmp_path / "package/hello.cat"
    path.write_bytes(signed(path.read_bytes(), IDENTITY))
    return tmp_path / "package"


def read_or_refuse(data: bytes) -> None:
    read_signatures(data)
    for read in (read_catalog, demand_strict):
        try:
            read(data)
        except ValueError:
            continue


@pytest.mark.one_in(8)
@pytest.mark.parametrize("count", [60, pytest.param(MANY // 10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["hello.inf", "hello.cat", "hello.sys"])
def test_a_damaged_file_of_a_package_is_reported(folder: Path, name: str, count: int) -> None:
    assert inspect_package(folder).findings == ()
    path = folder / name
    whole = path.read_bytes()
    of_image = inspect(folder / "hello.sys").findings
    for data in mutated(whole, count, 11):
        path.write_bytes(data)
        found = inspect_package(folder)
        assert {each.rule for each in found.findings} <= KNOWN
        # The catalog has the digest of an image without its signature.
        assert data == whole or found.findings or inspect(folder / "hello.sys").findings != of_image
        assert as_data(found)["infs"]


@pytest.mark.parametrize("count", [300, pytest.param(MANY, marks=pytest.mark.slow)])
def test_a_damaged_signed_catalog_is_read_or_refused(count: int) -> None:
    for data in mutated(SIGNED, count, 12):
        read_or_refuse(data)


@given(st.binary(max_size=300))
@settings(max_examples=examples(200), deadline=None)
def test_any_bytes_are_a_catalog_or_refused(data: bytes) -> None:
    read_or_refuse(data)
    read_or_refuse(SIGNED[:60] + data)


def test_a_damaged_version_resource_is_read_or_ignored() -> None:
    chance = random.Random(13)
    headers = read_headers(IMAGE)
    assert headers
    assert file_version(headers, IMAGE) == (1, 2, 3, 4)
    for _ in range(2000):
        data = bytearray(IMAGE)
        for _ in range(chance.randint(1, 4)):
            at = 0x600 + 0x180 + chance.randrange(0x70)
            struct.pack_into("<I", data, at, chance.choice([0, 1, 0x80000000, 0xFFFFFFFF, at]))
        file_version(headers, bytes(data))
        file_version(headers, bytes(data[: chance.randrange(len(data))]))


def test_resources_that_contain_themselves_take_little_time() -> None:
    data = bytearray(IMAGE)
    root = 0x600 + 0x180
    data[root : root + 0x70] = bytes(0x70)
    struct.pack_into("<HH", data, root + 12, 0, 0xFFFF)
    for index in range(10):
        struct.pack_into("<II", data, root + 16 + 8 * index, 16, 0x80000000)
    headers = read_headers(bytes(data))
    assert headers
    start = time.process_time()

    file_version(headers, bytes(data))

    assert time.process_time() - start < 5


@pytest.mark.slow
def test_a_catalog_of_a_hundred_thousand_members_takes_little_time() -> None:
    member = der.sequence(der.value(der.OCTETS, bytes(20)), der.set_of(()))
    start = time.process_time()

    assert len(der.read_all(member * 100_000)) == 100_000

    assert time.process_time() - start < 5


def test_a_catalog_that_nests_deeply_is_refused() -> None:
    nested = b""
    for _ in range(200):
        nested = der.sequence(nested)
    good = read_catalog(SIGNED).ctl
    data = SIGNED.replace(good, nested.ljust(len(good), b"\0"))
    read_or_refuse(data)
    message = der.sequence(der.integer(1), der.set_of(()), nested, der.set_of(()))
    outer = der.sequence(der.object_id("1.2.840.113549.1.7.2"), der.value(0xA0, message))
    with pytest.raises(ValueError, match="nested"):
        demand_strict(outer)
