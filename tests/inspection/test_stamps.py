"""Timestamps that verify, that prove nothing, or that are invalid."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import cms, core
from cryptography.x509.oid import ObjectIdentifier

from kdrvgen.inspection.data import as_data
from kdrvgen.inspection.inspect import Inspection, inspect_bytes
from kdrvgen.inspection.signature.certificates import Certificate, load_all
from kdrvgen.inspection.signature.timestamps import Timestamp
from tests.inspection.assembled import assembled, countersignature, stamp_token
from tests.inspection.support import with_signature, with_stamp
from tests.inspection.test_chains import issued
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity

PROTOCOLS = ("rfc3161", "authenticode")
NOW = dt.datetime.now(dt.UTC)
TOKEN, COUNTER = "microsoft_time_stamp_token", "counter_signature"


def _days_ago(days: int) -> bytes:
    return f"{NOW - dt.timedelta(days):%Y%m%d%H%M%SZ}".encode()


@pytest.fixture(scope="module")
def expired() -> Identity:
    """Code signed by a certificate that was valid until 10 days ago."""
    return Identity.make("Expired", CODE_SIGNING, days=(-60, -10))


@pytest.fixture(scope="module")
def image(expired: Identity) -> bytes:
    return assembled(expired)


@pytest.fixture(scope="module")
def authority() -> Identity:
    return Identity.make("Stamps", TIME_STAMPING, days=(-60, 60))


def _certificate(identity: Identity) -> Certificate:
    return load_all(identity.certificate_pem())[0]


def _inspected(data: bytes, *trusted: Identity) -> Inspection:
    certificates = tuple(map(_certificate, trusted))
    return inspect_bytes(Path("hello.sys"), data, trusted=certificates)


def _found(inspection: Inspection) -> dict[str, str]:
    """Return the rules, without that of the checksum, with severity and evidence."""
    return {
        each.rule: f"{each.severity}: {each.source}"
        for each in inspection.findings
        if each.rule != "image-checksum"
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_trusted_timestamp_proves_the_time(
    image: bytes, expired: Identity, authority: Identity, protocol: str
) -> None:
    stamped = with_stamp(image, authority, _days_ago(30), protocol)

    inspection = _inspected(stamped, expired, authority)

    assert _found(inspection) == {
        "certificate-self-signed": "note: chain of the signature: CN=Expired"
    }
    (assessment,) = inspection.assessments
    assert assessment.proven == assessment.moment
    assert f"{assessment.proven:%Y%m%d%H%M%SZ}".encode() == _days_ago(30)
    (timestamp,) = (each.timestamp for each in inspection.signatures)
    assert timestamp
    assert (timestamp.protocol, timestamp.digest) == (protocol, "sha256")
    assert f'"timestamp": "{NOW - dt.timedelta(30):%Y-%m-%dT}' in json.dumps(as_data(inspection))


def test_no_timestamp_counts_for_a_certificate_of_lifetime_signing(authority: Identity) -> None:
    usages = (CODE_SIGNING, ObjectIdentifier("1.3.6.1.4.1.311.10.3.13"))
    expired = issued("Expired", usages=usages, days=(-60, -10))
    stamped = with_stamp(assembled(expired), authority, _days_ago(30))

    found = _found(_inspected(stamped, expired, authority))

    assert found["certificate-validity"].endswith(
        f"now {NOW.date()}; its usage is lifetime signing, so no timestamp counts"
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_untrusted_timestamp_proves_nothing(
    image: bytes, expired: Identity, authority: Identity, protocol: str
) -> None:
    stamped = with_stamp(image, authority, _days_ago(30), protocol)
    days = f"{NOW - dt.timedelta(60):%Y-%m-%d} to {NOW - dt.timedelta(10):%Y-%m-%d}"

    found = _found(_inspected(stamped, expired))

    assert found["certificate-validity"] == (
        f"error: certificate of the signature: CN=Expired: {days}; now {NOW.date()}; "
        "its timestamp is not from a trusted authority"
    )
    assert found["timestamp-untrusted"] == "note: timestamp of the signature: CN=Stamps"


def test_a_timestamp_after_the_certificate_expired_does_not_help(
    image: bytes, expired: Identity, authority: Identity
) -> None:
    stamped = with_stamp(image, authority, _days_ago(5))

    found = _found(_inspected(stamped, expired, authority))

    assert found["certificate-validity"].endswith(f"; signed {(NOW - dt.timedelta(5)).date()}")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("time", [b"20240229120000", b"00000101000000Z"])
def test_a_time_without_a_zone_or_of_the_year_0_is_no_time(
    image: bytes, expired: Identity, authority: Identity, protocol: str, time: bytes
) -> None:
    stamped = with_stamp(image, authority, time, protocol)

    found = _found(_inspected(stamped, expired, authority))

    assert found["timestamp-invalid"] == "error: timestamp of the signature: it contains no time"
    assert "certificate-validity" in found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_certificate_of_a_timestamp_must_be_for_timestamps_and_valid_then(
    image: bytes, expired: Identity, protocol: str
) -> None:
    other = Identity.make("Not For Time", CODE_SIGNING, days=(-60, 60))
    late = Identity.make("Late", TIME_STAMPING, days=(-20, 60))
    time = (NOW - dt.timedelta(30)).date()
    for authority, problem in (
        (other, "its certificate (CN=Not For Time) is not for timestamps"),
        (late, f"its certificate (CN=Late) was not valid at its time, {time}: it is valid from "),
    ):
        stamped = with_stamp(image, authority, _days_ago(30), protocol)
        found = _found(_inspected(stamped, expired, authority))
        assert found["timestamp-invalid"].startswith(
            f"error: timestamp of the signature: {problem}"
        )
        assert "certificate-validity" in found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_timestamp_of_another_signature_is_invalid(
    image: bytes, authority: Identity, protocol: str
) -> None:
    def change(signed_data: cms.SignedData) -> None:
        signer = signed_data["signer_infos"][0]
        if protocol == "rfc3161":
            token = cms.ContentInfo.load(stamp_token(b"another", authority, _days_ago(1)))
            signer["unsigned_attrs"] = [{"type": TOKEN, "values": [token]}]
        else:
            counter = cms.SignerInfo.load(countersignature(b"another", authority, _days_ago(1)))
            signer["unsigned_attrs"] = [{"type": COUNTER, "values": [counter]}]
            certificate = cms.CertificateChoices.load(_certificate(authority).der)
            signed_data["certificates"].append(certificate)

    problem = {
        "rfc3161": "it belongs to another signature",
        "authenticode": "its message digest does not match its content",
    }[protocol]
    found = _found(_inspected(with_signature(image, change)))
    assert found["timestamp-invalid"] == f"error: timestamp of the signature: {problem}"


def _token(change: Callable[[cms.SignedData], object]) -> Callable[[cms.SignedData], None]:
    """Return a change of the timestamp's token in a signature."""

    def changed(signed_data: cms.SignedData) -> None:
        attributes = signed_data["signer_infos"][0]["unsigned_attrs"]
        change(attributes[0]["values"][0]["content"])

    return changed


def _two_signers(token: cms.SignedData) -> None:
    token["signer_infos"].append(token["signer_infos"][0].copy())


def _another_kind(token: cms.SignedData) -> None:
    token["encap_content_info"]["content_type"] = "data"


def _no_signer(token: cms.SignedData) -> None:
    token["signer_infos"] = []


def _no_certificate(token: cms.SignedData) -> None:
    token["certificates"] = []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_two_signers, "it has several signers, and a timestamp has one"),
        (_another_kind, "its content is 1.2.840.113549.1.7.1, not a timestamp"),
        (_no_signer, "it cannot be read: it has no signer"),
        (_no_certificate, "the signer's certificate is missing"),
    ],
)
def test_a_damaged_token_is_invalid(
    image: bytes,
    expired: Identity,
    authority: Identity,
    change: Callable[[cms.SignedData], None],
    problem: str,
) -> None:
    stamped = with_signature(with_stamp(image, authority, _days_ago(30)), _token(change))

    found = _found(_inspected(stamped, expired, authority))

    assert found["timestamp-invalid"] == f"error: timestamp of the signature: {problem}"
    assert "certificate-validity" in found


def test_a_timestamp_that_cannot_be_read_has_no_values(image: bytes, authority: Identity) -> None:
    stamped = with_signature(with_stamp(image, authority, _days_ago(30)), _token(_no_signer))

    (signature,) = _inspected(stamped).signatures

    problem = "it cannot be read: it has no signer"
    assert signature.timestamp == Timestamp("rfc3161", None, "", None, (), problem)


def test_a_countersignature_with_an_unknown_digest_algorithm_is_invalid(
    image: bytes, authority: Identity
) -> None:
    def change(signed_data: cms.SignedData) -> None:
        counter = signed_data["signer_infos"][0]["unsigned_attrs"][0]["values"][0]
        counter["digest_algorithm"] = {"algorithm": "md2"}

    stamped = with_stamp(image, authority, _days_ago(30), "authenticode")

    found = _found(_inspected(with_signature(stamped, change)))

    assert found["timestamp-invalid"] == (
        "error: timestamp of the signature: its digest algorithm md2 is not supported, or "
        "contradicts its signature"
    )


def _other_version(token: cms.SignedData) -> None:
    token["version"] = "v4"


def test_an_unknown_version_of_a_timestamp_is_reported(image: bytes, authority: Identity) -> None:
    stamped = with_signature(with_stamp(image, authority), _token(_other_version))
    assert (
        _found(_inspected(stamped))["signature-unsigned-part"] == "warning: signature: version v4"
    )


def test_a_countersignature_of_a_bare_digest_verifies(
    image: bytes, expired: Identity, authority: Identity
) -> None:
    """VeriSign's of 2008 have no DigestInfo around the digest."""
    stamped = with_signature(with_stamp(image, authority, _days_ago(30), "authenticode"), _bare)
    assert "timestamp-invalid" in _found(_inspected(stamped, expired, authority))

    def change(signed_data: cms.SignedData) -> None:
        counter = signed_data["signer_infos"][0]["unsigned_attrs"][0]["values"][0]
        attributes = b"\x31" + counter["signed_attrs"].dump()[1:]
        counter["signature"] = _raw(authority, hashlib.sha256(attributes).digest())

    stamped = with_signature(with_stamp(image, authority, _days_ago(30), "authenticode"), change)
    assert list(_found(_inspected(stamped, expired, authority))) == ["certificate-self-signed"]


def _bare(signed_data: cms.SignedData) -> None:
    counter = signed_data["signer_infos"][0]["unsigned_attrs"][0]["values"][0]
    counter["signature"] = bytes(256)


def _raw(authority: Identity, digest: bytes) -> bytes:
    """Return an RSA signature that holds only a digest."""
    numbers = authority.key.private_numbers()
    modulus = numbers.public_numbers.n
    padded = b"\0\1" + b"\xff" * (253 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(padded, "big"), numbers.d, modulus).to_bytes(256, "big")


def _add_nested(token: cms.SignedData) -> None:
    data = cms.ContentInfo({"content_type": "data", "content": core.OctetString(b"payload")})
    attribute = {"type": "microsoft_nested_signature", "values": [data]}
    token["signer_infos"][0]["unsigned_attrs"] = [attribute]


def test_an_attribute_of_a_timestamp_is_reported(image: bytes, authority: Identity) -> None:
    stamped = with_signature(with_stamp(image, authority), _token(_add_nested))

    found = _found(_inspected(stamped))

    assert found["signature-unsigned-part"].startswith("warning: signature: unsigned attribute ")


def test_a_countersignature_beside_a_token_is_a_note(image: bytes, authority: Identity) -> None:
    """Only one timestamp is verified."""

    def change(signed_data: cms.SignedData) -> None:
        signer = signed_data["signer_infos"][0]
        signature = signer["signature"].native
        token = cms.ContentInfo.load(stamp_token(signature, authority, _days_ago(1)))
        counter = cms.SignerInfo.load(countersignature(b"payload", authority, _days_ago(1)))
        signer["unsigned_attrs"] = [
            {"type": COUNTER, "values": [counter]},
            {"type": TOKEN, "values": [token]},
        ]

    found = _found(_inspected(with_signature(image, change)))

    assert "timestamp-invalid" not in found
    part = found["signature-unsigned-part"]
    assert part.startswith("note: signature: unsigned attribute 1.2.840.113549.1.9.6, ")
