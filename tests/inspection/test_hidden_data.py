"""Every byte of a signed file is signed, or compared with something signed, or in the report."""

from __future__ import annotations

import datetime as dt
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import algos, cms, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

import kdrvgen
from kdrvgen.inspection.inspect import inspect_bytes
from kdrvgen.inspection.signature import der
from kdrvgen.inspection.signature.pkcs7 import octets
from tests.inspection.assembled import assembled
from tests.inspection.structures import with_one_more_value
from tests.inspection.support import (
    Fields,
    patched,
    sign_again,
    signature_in,
    table_entry,
    with_signature,
    with_stamp,
    with_table,
)
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity

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


TABLES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "an entry of another type before the signature": (
        lambda own: table_entry(PAYLOAD, 1) + own,
        "signature-foreign-entry",
    ),
    "an entry of another type after the signature": (
        lambda own: own + table_entry(PAYLOAD, 0xEF),
        "signature-foreign-entry",
    ),
    "an entry between two signatures": (
        lambda own: own + table_entry(PAYLOAD, 4) + own,
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
        lambda own: own + table_entry(PAYLOAD, 1) * 20,
        "signature-foreign-entry",
    ),
    "data behind the signature in its entry": (
        lambda own: table_entry(own[8:] + PAYLOAD),
        "signature-trailing-data",
    ),
    "padding between two entries": (
        lambda own: struct.pack("<IHH", 11, 0x200, 1) + b"abc" + b"PADDI" + own,
        "signature-foreign-entry",
    ),
    "a second signature that is not one": (
        lambda own: own + table_entry(b"\x30\x16" + PAYLOAD[:22]),
        "signature-invalid",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_data_in_the_certificate_table_is_reported(
    signed: bytes, tmp_path: Path, name: str
) -> None:
    change, rule = TABLES[name]
    path = tmp_path / "driver.sys"
    path.write_bytes(with_table(signed, change(signed[Fields(signed).table[0] :])))

    found = [each for each in kdrvgen.verify(path).findings if each.rule == rule]

    assert found
    if "padding" in name:
        assert any("padding, 5 bytes" in str(each.source) for each in found)
    assert all(each.severity in ("error", "warning") for each in found)


def _add_attribute(signed_data: cms.SignedData) -> None:
    signer = signed_data["signer_infos"][0]
    value = core.OctetString(PAYLOAD)
    signer["unsigned_attrs"] = [{"type": UNKNOWN, "values": [value]}]


def _add_certificate(signed_data: cms.SignedData) -> None:
    other = Identity.make("Payload", CODE_SIGNING).certificate.public_bytes(Encoding.DER)
    signed_data["certificates"].append(cms.CertificateChoices.load(other))


def _add_unreadable_certificate(signed_data: cms.SignedData) -> None:
    content = der.sequence(der.value(der.OCTETS, PAYLOAD))
    signed_data["certificates"].append(cms.CertificateChoices.load(content))


def _add_attribute_certificate(signed_data: cms.SignedData) -> None:
    content = der.value(0xA2, der.value(der.OCTETS, PAYLOAD))
    signed_data["certificates"].append(cms.CertificateChoices.load(content))


def _add_revocation_list(signed_data: cms.SignedData) -> None:
    issuer = Identity.make("Payload", CODE_SIGNING)
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateRevocationListBuilder(issuer.certificate.subject, now, now)
    content = builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)
    signed_data["crls"] = [cms.RevocationInfoChoice.load(content)]


def _add_parameters(signed_data: cms.SignedData) -> None:
    md5 = der.object_id("1.2.840.113549.2.5")
    content = der.sequence(md5, der.value(der.OCTETS, PAYLOAD))
    signed_data["digest_algorithms"].append(algos.DigestAlgorithm.load(content))


def _add_algorithm(signed_data: cms.SignedData) -> None:
    signed_data["digest_algorithms"].append({"algorithm": "md5"})


def _change_version_of_signer(signed_data: cms.SignedData) -> None:
    signed_data["signer_infos"][0]["version"] = "v3"


def _add_two_values(signed_data: cms.SignedData) -> None:
    token = cms.ContentInfo({"content_type": "data", "content": core.OctetString(PAYLOAD)})
    attribute = {"type": "microsoft_time_stamp_token", "values": [token, token]}
    signed_data["signer_infos"][0]["unsigned_attrs"] = [attribute]


SIGNATURES = {
    "a certificate that cannot be read": (
        _add_unreadable_certificate,
        "signature-unsigned-part",
        "a certificate that cannot be read, 28 bytes",
    ),
    "an attribute certificate": (
        _add_attribute_certificate,
        "signature-unsigned-part",
        "an attribute certificate, 28 bytes",
    ),
    "a revocation list": (
        _add_revocation_list,
        "signature-unsigned-part",
        "revocation lists, ",
    ),
    "parameters of an algorithm": (
        _add_parameters,
        "signature-unsigned-part",
        "parameters of the algorithm 1.2.840.113549.2.5, 26 bytes",
    ),
    "an algorithm of nobody": (
        _add_algorithm,
        "signature-unsigned-part",
        "a list of digest algorithms: md5, sha256",
    ),
    "an unknown version of the signer": (
        _change_version_of_signer,
        "signature-unsigned-part",
        "version v3 of the signer",
    ),
    "an attribute with two values": (
        _add_two_values,
        "signature-unsigned-part",
        "unsigned attribute 1.3.6.1.4.1.311.3.3.1, ",
    ),
    "an unsigned attribute": (_add_attribute, "signature-unsigned-part", UNKNOWN),
    "a certificate of no chain": (_add_certificate, "certificate-unused", "CN=Payload"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_data_in_the_signature_is_reported(signed: bytes, tmp_path: Path, name: str) -> None:
    change, rule, text = SIGNATURES[name]
    path = tmp_path / "driver.sys"
    path.write_bytes(with_signature(signed, change))

    inspection = kdrvgen.verify(path)

    assert inspection.signatures[0].claimed == inspection.signatures[0].computed
    assert any(text in str(each.source) for each in inspection.findings if each.rule == rule)


def test_an_encoding_that_is_not_der_is_reported(signed: bytes, tmp_path: Path) -> None:
    """A length can be longer than needed in BER: data fits into the redundant bytes."""
    start = Fields(signed).table[0] + 8
    length = int.from_bytes(signed[start + 2 : start + 4], "big")
    loose = b"\x30\x84" + length.to_bytes(4, "big") + signed[start + 4 : start + 4 + length]
    path = tmp_path / "driver.sys"
    path.write_bytes(with_table(signed, table_entry(loose)))

    found = {each.rule: each.source for each in kdrvgen.verify(path).findings}

    assert "not DER at offset 0" in str(found["signature-unsigned-part"])


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["rfc3161", "authenticode"])
def test_a_value_after_the_last_field_of_any_structure_is_reported(
    signed: bytes, protocol: str
) -> None:
    """Readers of ASN.1 ignore it."""
    stamped = with_stamp(signed, Identity.make("Stamps", TIME_STAMPING), kind=protocol)
    clean = _report(stamped)
    reports = [_report(changed) for changed in with_one_more_value(stamped, PAYLOAD)]
    assert len(reports) > 80
    assert clean not in reports
    named = r"signature: data after the last field of (\w+), 26 bytes, "
    sources = (str(source) for report in reports for _, source, _ in report)
    assert {match[1] for source in sources if (match := re.match(named, source))} == {
        *("AlgorithmIdentifier", "Attribute", "ContentInfo", "IssuerAndSerialNumber"),
        *("SignedData", "SignerInfo", "content", "contentInfo"),
    }


def test_a_section_that_reaches_into_the_certificate_table_is_reported() -> None:
    """The signature does not cover it there, and Windows maps it."""
    own = Identity.make("DriverCertificate", CODE_SIGNING)
    last = Fields(assembled(own)).section(3)
    longer = (0x400).to_bytes(4, "little")
    data = assembled(own, lambda image: patched(image, (last + 8, longer), (last + 16, longer)))

    (found,) = (source for rule, source, _ in _report(data) if rule == "image-layout")

    assert found == (
        "attribute certificate table: begins at offset 0xC00 of the file, before the end of "
        "section .reloc (0xE00)"
    )


def _pss(change: Callable[[cms.SignedData], None] = lambda _: None) -> bytes:
    """Return an image with a signature by RSASSA-PSS, with a salt of 20 bytes."""

    def sign_again(signed_data: cms.SignedData) -> None:
        signer = signed_data["signer_infos"][0]
        attributes = b"\x31" + signer["signed_attrs"].dump()[1:]
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 20)
        signer["signature"] = own.key.sign(attributes, scheme, hashes.SHA256())
        mask = {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}}
        parameters = {"hash_algorithm": {"algorithm": "sha256"}, "mask_gen_algorithm": mask}
        signer["signature_algorithm"] = {"algorithm": "rsassa_pss", "parameters": parameters}
        change(signed_data)

    own = Identity.make("DriverCertificate", CODE_SIGNING)
    return with_signature(assembled(own), sign_again)


def _parameters(signed_data: cms.SignedData) -> algos.RSASSAPSSParams:
    return signed_data["signer_infos"][0]["signature_algorithm"]["parameters"]


def _other_mask(signed_data: cms.SignedData) -> None:
    _parameters(signed_data)["mask_gen_algorithm"]["parameters"]["algorithm"] = "sha384"


def _other_hash(signed_data: cms.SignedData) -> None:
    _parameters(signed_data)["hash_algorithm"]["algorithm"] = "sha384"


def _other_salt(signed_data: cms.SignedData) -> None:
    _parameters(signed_data)["salt_length"] = 32


def _huge_salt(signed_data: cms.SignedData) -> None:
    _parameters(signed_data)["salt_length"] = 1 << 70


def _other_trailer(signed_data: cms.SignedData) -> None:
    _parameters(signed_data)["trailer_field"] = 2


@pytest.mark.parametrize(
    "change", [_other_mask, _other_hash, _other_salt, _huge_salt, _other_trailer]
)
def test_the_parameters_of_a_signature_by_pss_must_be_those_of_the_signature(
    change: Callable[[cms.SignedData], None],
) -> None:
    assert "signature-invalid" not in {rule for rule, *_ in _report(_pss())}
    assert "signature-invalid" in {rule for rule, *_ in _report(_pss(change))}


@pytest.mark.slow
def test_a_flipped_bit_and_a_value_added_to_a_signature_by_pss_are_reported() -> None:
    data = _pss()
    assert _missed(data, 1) == []
    clean = _report(data)
    assert all(_report(changed) != clean for changed in with_one_more_value(data, PAYLOAD))


def _of_a_script(image: bytes) -> bytes:
    return image.replace(
        der.object_id("1.3.6.1.4.1.311.2.1.15"), der.object_id("1.3.6.1.4.1.311.2.1.30")
    )


def _for_data(signed_data: cms.SignedData) -> None:
    for attribute in signed_data["signer_infos"][0]["signed_attrs"]:
        if attribute["type"].native == "content_type":
            attribute["values"] = ["data"]


@pytest.mark.parametrize(
    ("prepare", "change", "problem"),
    [
        (_of_a_script, lambda _: None, "it is for another kind of file (1.3.6.1.4.1.311.2.1.30)"),
        (bytes, _for_data, "its signed attributes are for 1.2.840.113549.1.7.1, not for "),
        (bytes, lambda _: None, ""),
    ],
)
def test_the_signature_of_something_else_is_invalid(
    prepare: Callable[[bytes], bytes], change: Callable[[cms.SignedData], None], problem: str
) -> None:
    """Each is signed by the key of the certificate."""
    own = Identity.make("DriverCertificate", CODE_SIGNING)

    def changed(signed_data: cms.SignedData) -> None:
        change(signed_data)
        sign_again(signed_data, own)

    found = _report(with_signature(prepare(assembled(own)), changed))

    sources = [str(source) for rule, source, _ in found if rule == "signature-invalid"]
    assert len(sources) == bool(problem)
    assert all(problem in source for source in sources)


def test_a_signature_without_signed_attributes_is_invalid() -> None:
    own = Identity.make("DriverCertificate", CODE_SIGNING)

    def change(signed_data: cms.SignedData) -> None:
        content = octets(octets(signed_data["encap_content_info"]["content"].dump()))
        signer = signed_data["signer_infos"][0]
        signer["signed_attrs"] = None
        signer["signature"] = own.key.sign(content, padding.PKCS1v15(), hashes.SHA256())

    found = _report(with_signature(assembled(own), change))

    assert ("signature-invalid", "signature: it has no signed attributes", "error") in found


def test_signatures_that_are_not_read_are_reported(signed: bytes) -> None:
    def nested(payload: bytes) -> bytes:
        values = [cms.ContentInfo.load(signature)] * 15 + [_damaged(signature, payload)]

        def change(signed_data: cms.SignedData) -> None:
            signer = signed_data["signer_infos"][0]
            signer["unsigned_attrs"] = [{"type": "microsoft_nested_signature", "values": values}]

        return with_signature(signed, change)

    signature = signature_in(signed)
    one, other = _report(nested(PAYLOAD)), _report(nested(PAYLOAD.upper()))

    assert any("kdrvgen reads at most 16 signatures" in str(source) for _, source, _ in one)
    assert one != other


def _damaged(signature: bytes, payload: bytes) -> cms.ContentInfo:
    info = cms.ContentInfo.load(signature)
    # A set is sorted: the longest signature is the last.
    info["content"]["signer_infos"][0]["signature"] = payload * 20
    return info


def test_a_report_of_a_clean_signature_names_nothing_hidden(signed: bytes) -> None:
    rules = {rule for rule, *_ in _report(signed)}
    assert rules == {"certificate-self-signed", "timestamp-missing"}
