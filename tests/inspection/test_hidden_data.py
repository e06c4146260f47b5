"""Every byte of a signed file is signed, or compared with something signed, or in the report."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives.serialization import Encoding

import kdrvgen
from kdrvgen.inspection.inspect import inspect_bytes
from tests.inspection.assembled import assembled
from tests.inspection.support import Fields, long, patched
from tests.pipeline.authority import CODE_SIGNING, Identity

PAYLOAD = b"hidden payload, 24 bytes"
UNKNOWN = "1.3.6.1.4.1.99999.1"


@pytest.fixture(scope="module")
def signed() -> bytes:
    return assembled(Identity.make("DriverCertificate", CODE_SIGNING))


def _report(data: bytes) -> set[tuple[str, str | None, str]]:
    """Return what the report names, without the checksum, which anyone can correct."""
    found = inspect_bytes(Path("driver.sys"), data).findings
    return {
        (each.rule, each.source, each.severity) for each in found if each.rule != "image-checksum"
    }


def _missed(data: bytes, step: int) -> list[int]:
    """Flip a bit of each byte; return the offsets of those that change nothing in the report."""
    at = Fields(data)
    clean, checksum = _report(data), range(at.optional + 64, at.optional + 68)
    missed = []
    for offset in range(0, len(data), step):
        flipped = bytes([data[offset] ^ 1 << offset % 8])
        if _report(patched(data, (offset, flipped))) == clean and offset not in checksum:
            missed.append(offset)
    return missed


def test_a_flipped_bit_anywhere_changes_the_report(signed: bytes) -> None:
    assert _missed(signed, 13) == []


@pytest.mark.slow
def test_a_flipped_bit_in_each_byte_changes_the_report(signed: bytes) -> None:
    assert _missed(signed, 1) == []


def _with_table(data: bytes, table: bytes) -> bytes:
    """Return an image with another attribute certificate table."""
    at = Fields(data)
    changed = data[: at.table[0]] + table
    return patched(changed, (at.security + 4, long(len(table))))


def _entry(content: bytes, kind: int = 2, revision: int = 0x200) -> bytes:
    padded = content + bytes(-len(content) % 8)
    return struct.pack("<IHH", len(padded) + 8, revision, kind) + padded


TABLES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "an entry of another type before the signature": (
        lambda own: _entry(PAYLOAD, 1) + own,
        "signature-foreign-entry",
    ),
    "an entry of another type after the signature": (
        lambda own: own + _entry(PAYLOAD, 0xEF),
        "signature-foreign-entry",
    ),
    "an entry between two signatures": (
        lambda own: own + _entry(PAYLOAD, 4) + own,
        "signature-foreign-entry",
    ),
    "an unknown revision": (
        lambda own: own[:4] + b"\0\1" + own[6:],
        "signature-foreign-entry",
    ),
    "a rest that is too short for an entry": (
        lambda own: own + b"PAYLOAD",
        "signature-foreign-entry",
    ),
    "more entries than kdrvgen reads": (
        lambda own: own + _entry(PAYLOAD, 1) * 20,
        "signature-foreign-entry",
    ),
    "data behind the signature in its entry": (
        lambda own: _entry(own[8:] + PAYLOAD),
        "signature-trailing-data",
    ),
    "padding between two entries": (
        lambda own: struct.pack("<IHH", 11, 0x200, 1) + b"abc" + b"PADDI" + own,
        "signature-foreign-entry",
    ),
    "a second signature that is not one": (
        lambda own: own + _entry(b"\x30\x16" + PAYLOAD[:22]),
        "signature-invalid",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_data_in_the_certificate_table_is_reported(
    signed: bytes, tmp_path: Path, name: str
) -> None:
    change, rule = TABLES[name]
    path = tmp_path / "driver.sys"
    path.write_bytes(_with_table(signed, change(signed[Fields(signed).table[0] :])))

    found = [each for each in kdrvgen.verify(path).findings if each.rule == rule]

    assert found
    if "padding" in name:
        assert any("padding, 5 bytes" in str(each.source) for each in found)
    assert all(each.severity in ("error", "warning") for each in found)


def _changed(data: bytes, change: Callable[[cms.SignedData], None]) -> bytes:
    """Return an image whose signature `change` was applied to."""
    start = Fields(data).table[0]
    info = cms.ContentInfo.load(data[start + 8 :])
    change(info["content"])
    return _with_table(data, _entry(info.dump(force=True)))


def _add_attribute(signed_data: cms.SignedData) -> None:
    signer = signed_data["signer_infos"][0]
    value = core.OctetString(PAYLOAD)
    signer["unsigned_attrs"] = [{"type": UNKNOWN, "values": [value]}]


def _add_certificate(signed_data: cms.SignedData) -> None:
    other = Identity.make("Payload", CODE_SIGNING).certificate.public_bytes(Encoding.DER)
    signed_data["certificates"].append(cms.CertificateChoices.load(other))


SIGNATURES = {
    "an unsigned attribute": (_add_attribute, "signature-unsigned-part", UNKNOWN),
    "a certificate of no chain": (_add_certificate, "certificate-unused", "CN=Payload"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_data_in_the_signature_is_reported(signed: bytes, tmp_path: Path, name: str) -> None:
    change, rule, text = SIGNATURES[name]
    path = tmp_path / "driver.sys"
    path.write_bytes(_changed(signed, change))

    inspection = kdrvgen.verify(path)

    assert inspection.signatures[0].claimed == inspection.signatures[0].computed
    assert any(text in str(each.source) for each in inspection.findings if each.rule == rule)


def test_an_encoding_that_is_not_der_is_reported(signed: bytes, tmp_path: Path) -> None:
    """A length can be longer than needed in BER: data fits into the redundant bytes."""
    start = Fields(signed).table[0] + 8
    length = int.from_bytes(signed[start + 2 : start + 4], "big")
    loose = b"\x30\x84" + length.to_bytes(4, "big") + signed[start + 4 : start + 4 + length]
    path = tmp_path / "driver.sys"
    path.write_bytes(_with_table(signed, _entry(loose)))

    found = {each.rule: each.source for each in kdrvgen.verify(path).findings}

    assert "not DER at offset 0" in str(found["signature-unsigned-part"])


def test_a_report_of_a_clean_signature_names_nothing_hidden(signed: bytes) -> None:
    rules = {rule for rule, *_ in _report(signed)}
    assert rules == {"certificate-self-signed", "timestamp-missing"}
