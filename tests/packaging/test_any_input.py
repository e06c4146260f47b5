"""Whatever the bytes of an INF or a catalog are, they are read or refused, and quickly."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.catalog.write import Content, identifier_for, write_catalog
from kdrvgen.packaging.inf.parse import MAX_SIZE, parse
from kdrvgen.packaging.inf.stamp import Stamp, stamp
from kdrvgen.packaging.inf.text import decode, encode
from kdrvgen.packaging.rules import check
from tests.examples import examples
from tests.inspection.assembled import assembled
from tests.packaging.inf_examples import DEVICE, PRIMITIVE
from tests.pipeline.authority import CODE_SIGNING, Identity

MANY = 5000
TODAY = dt.date(2025, 6, 30)
STAMP = Stamp("1.2.3.4", TODAY, "amd64", "hello.cat", "1.15")
PIECES = [*'[]=,;"%\\@.\r\n\t\0\x1aé$\u2028\ud7ff', "%13%", "[Version]", '""', "\\\n", "%%"]
PIECES += ["NTamd64", "DefaultInstall", "AddService = ", "CopyFiles = ", "$ARCH$", "Strings"]


def read_inf(data: bytes) -> None:
    """Read, check and stamp an INF."""
    inf = parse(data, "x.inf")
    lines = inf.source.text.count("\n") + 1
    for found in check(inf, TODAY):
        assert found.place
        assert found.place.line is None or 1 <= found.place.line <= lines
    inf_text = decode(data).text
    stamped = stamp(inf_text, STAMP)
    again = parse(encode(stamped), "x.inf")
    if "version" in inf.sections and not inf.flaws and "\x1a" not in inf_text:
        assert again.text("version", "driverver") == "06/30/2025"


def read_or_refuse(data: bytes) -> None:
    try:
        assert read_catalog(data).digests is not None
    except ValueError:
        return


def catalog(system: str) -> bytes:
    image = assembled(Identity.make("signer", CODE_SIGNING))
    members = (member_of("hello.sys", image), member_of("hello.inf", DEVICE.encode()))
    date = dt.datetime(2025, 6, 30, tzinfo=dt.UTC)
    systems = (WINDOWS[system],)
    return write_catalog(Content(members, systems, ("x",), identifier_for(members), date))


def mutated(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield copies of `data` with a few bytes changed, removed, or taken from elsewhere."""
    chance = random.Random(seed)
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(copy) + 1)
            kind = chance.randrange(4)
            if kind == 0:
                copy[at : at + 1] = bytes([chance.randrange(256)])
            elif kind == 1:
                del copy[at : at + chance.randint(1, 40)]
            elif kind == 2:
                start = chance.randrange(len(data))
                copy[at:at] = data[start : start + chance.randint(1, 40)]
            else:
                copy[at:at] = chance.choice(PIECES).encode("utf-8", "surrogatepass")
        yield bytes(copy)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=40).map("".join))
@settings(max_examples=examples(200), deadline=None)
def test_any_text_is_an_inf_or_has_findings(text: str) -> None:
    read_inf(text.encode("utf-16-le", "surrogatepass"))
    read_inf(b"[Version]\n" + text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200))
@settings(max_examples=examples(200), deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_inf(data)
    read_or_refuse(data)
    member_of("x", b"MZ" + data)


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=60).map("".join))
@settings(max_examples=MANY, deadline=None)
def test_thousands_of_texts_are_read(text: str) -> None:
    read_inf(text.encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@given(st.binary(max_size=400))
@settings(max_examples=MANY, deadline=None)
def test_thousands_of_catalogs_are_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)


@pytest.mark.parametrize("text", [DEVICE, PRIMITIVE], ids=["device", "primitive"])
@pytest.mark.parametrize("count", [100, pytest.param(MANY // 2, marks=pytest.mark.slow)])
def test_a_damaged_inf_is_read(text: str, count: int) -> None:
    for data in mutated(text.encode(), count, 7):
        read_inf(data)


@pytest.mark.parametrize("system", ["7_x64", "10_x64"])
@pytest.mark.parametrize("count", [100, pytest.param(MANY // 2, marks=pytest.mark.slow)])
def test_a_damaged_catalog_is_read_or_refused(system: str, count: int) -> None:
    for data in mutated(catalog(system), count, 8):
        read_or_refuse(data)


def test_a_catalog_in_other_than_strict_der_is_refused() -> None:
    good = catalog("10_x64")
    assert good[:2] == b"\x30\x82"
    longer = b"\x30\x83\0" + good[2:]

    for data in (longer, good + b"\0", good[:-1], b"\x30\x80" + good[4:] + b"\0\0"):
        with pytest.raises(ValueError, match=r"DER|data"):
            read_catalog(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["[", "[a]\n" * 12_000, '"' * 50_000, "[a]\nb = " + "," * 50_000, "\\" * 50_000,
     "[a]\nb = c\\" + " \\" * 25_000, '"x"y' * 15_000,
     "[a]\n" + "%" * 50_000, "[" + ".a" * 120 + "]\nx\n",
     "".join(f"[s{n}]\nCopyFiles = s{n + 1}\n" for n in range(5_000)),
     "[Manufacturer]\n" + "%a% = b,NTamd64\n" * 5_000],
    ids=range(11),
)  # fmt: skip
def test_a_long_inf_takes_little_time(text: str) -> None:
    data = f"[Version]\nDriverVer = 1\n{text}".encode()
    assert len(data) < MAX_SIZE
    start = time.process_time()

    read_inf(data)

    assert time.process_time() - start < 10
