"""Who may load an image, by chains that are made for the test.

test_production_drivers.py has those of Microsoft.
"""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import rsa

from kdrvgen.inspection.data import as_data
from kdrvgen.inspection.inspect import Inspection, inspect_bytes
from kdrvgen.inspection.signature import cross as cross_certificates
from kdrvgen.inspection.signature import roots
from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.inspection.signature.cross import CODE_VERIFICATION_ROOT
from tests.inspection.assembled import assembled
from tests.inspection.support import Fields, with_signature, with_stamp, with_table
from tests.inspection.test_chains import CA, Extensions, certificate_of, issued
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity

NOW = dt.datetime.now(dt.UTC)
OLD = (dt.date(2014, 1, 1) - NOW.date()).days
LATE = "Later versions only without Secure Boot, or if they were upgraded from an older one."
EARLY = "Later versions too, because its certificate is from before 2015-07-29."


@pytest.fixture(scope="module")
def root() -> Identity:
    return issued("Root", constraints=CA, days=(-6000, 1000))


@pytest.fixture(scope="module")
def microsoft() -> Identity:
    return issued(CODE_VERIFICATION_ROOT, constraints=CA)


def _day(days: int) -> str:
    return f"{(NOW + dt.timedelta(days)).date()}"


@cache
def _key(role: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the key of a role, which takes a while to make."""
    del role
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _publisher(root: Identity, *, days: tuple[int, int] = (-10, 10)) -> Identity:
    key = _key("publisher")
    return issued("Publisher", root, usages=(CODE_SIGNING,), days=days, key=key)


def _inspected(data: bytes, *trusted: Identity) -> Inspection:
    certificates = tuple(map(certificate_of, trusted))
    return inspect_bytes(Path("hello.sys"), data, trusted=certificates)


def _on_windows(data: bytes, microsoft: Identity, *known: Identity) -> Inspection:
    """Inspect an image as on a Windows with other roots and another Microsoft."""
    trusted = tuple(map(certificate_of, known))
    modulus = microsoft.key.public_key().public_numbers().n
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_certificates, "_MODULUS", modulus)
        patch.setattr(roots, "windows_roots", lambda: {each.der for each in trusted})
        patch.setattr(roots, "named", lambda name: _named(trusted, name))
        return inspect_bytes(Path("hello.sys"), data)


def _named(certificates: tuple[Certificate, ...], name: bytes) -> tuple[Certificate, ...]:
    return tuple(each for each in certificates if each.x509.subject.public_bytes() == name)


def _with(data: bytes, *others: Identity) -> bytes:
    """Add certificates to the signature."""

    def change(signed_data: cms.SignedData) -> None:
        for other in others:
            choice = cms.CertificateChoices.load(certificate_of(other).der)
            signed_data["certificates"].append(choice)

    return with_signature(data, change)


def _loading(inspection: Inspection) -> tuple[str, str]:
    assert inspection.loading
    return inspection.loading.signed_by.name, inspection.loading.windows


def test_a_publisher_without_a_cross_certificate_needs_test_signing_mode(
    root: Identity, microsoft: Identity
) -> None:
    inspection = _on_windows(assembled(_publisher(root)), microsoft, root)

    name, windows = _loading(inspection)
    assert name == "PUBLISHER"
    assert windows.startswith("No Windows for x64 or ARM64 outside of test-signing mode: ")
    assert windows.endswith("only with a cross-certificate.")
    assert as_data(inspection)["loading"] == {
        "signed-by": "publisher",
        "subject": "CN=Publisher",
        "windows": windows,
        "reference": "https://learn.microsoft.com/windows-hardware/drivers/install/"
        "cross-certificates-for-kernel-mode-code-signing",
    }


@pytest.mark.parametrize(("first", "later"), [(-10, LATE), (OLD, EARLY)])
def test_a_cross_certificate_counts_for_the_root_that_it_repeats(
    root: Identity, microsoft: Identity, first: int, later: str
) -> None:
    cross = issued("Root", microsoft, constraints=CA, days=(-6000, 5), key=root.key)
    publisher = _publisher(root, days=(first, 10))
    data = _with(assembled(publisher), cross)

    inspection = _on_windows(data, microsoft, root)

    name, windows = _loading(inspection)
    assert name == "CROSS_SIGNED"
    assert windows.startswith(f"Windows Vista to Windows 10 version 1511. {later} With the updates")
    assert windows.endswith(f" Without a trusted timestamp, until {_day(5)}.")
    assert not {"certificate-cross", "certificate-unused"} & _rules(inspection).keys()


def test_a_cross_certificate_without_the_signature_of_microsoft_does_not_count(
    root: Identity, microsoft: Identity
) -> None:
    stranger = issued(CODE_VERIFICATION_ROOT, constraints=CA)
    cross = issued("Root", stranger, constraints=CA, key=root.key)

    inspection = _on_windows(_with(assembled(_publisher(root)), cross), microsoft, root)

    assert _loading(inspection)[0] == "PUBLISHER"
    rules = _rules(inspection)
    assert rules["certificate-cross"].startswith("warning: certificate of the signature: CN=Root (")
    assert "certificate-unused" not in rules


def _rules(inspection: Inspection) -> dict[str, str]:
    return {each.rule: f"{each.severity}: {each.source}" for each in inspection.findings}


def test_the_earlier_end_counts_without_a_timestamp(root: Identity, microsoft: Identity) -> None:
    cross = issued("Root", microsoft, constraints=CA, days=(-50, 50), key=root.key)
    data = _with(assembled(_publisher(root)), cross)
    _, windows = _loading(_on_windows(data, microsoft, root))
    assert windows.endswith(f"until {_day(10)}.")


def test_a_timestamp_shows_that_the_cross_certificate_was_valid(
    root: Identity, microsoft: Identity
) -> None:
    authority = Identity.make("Stamps", TIME_STAMPING, days=(-50, 50))
    ended = issued("Root", microsoft, constraints=CA, days=(-50, -20), key=root.key)
    publisher = _publisher(root, days=(-50, 50))
    for days, name, text in (
        (30, "CROSS_SIGNED", f"Signed on {_day(-30)}, and its cross-certificate is valid until "),
        (10, "PUBLISHER", f"Its cross-certificate ended on {_day(-20)}, and the image was signed"),
    ):
        time = f"{NOW - dt.timedelta(days):%Y%m%d%H%M%SZ}".encode()
        data = _with(with_stamp(assembled(publisher), authority, time), ended)
        found, windows = _loading(_on_windows(data, microsoft, root, authority))
        assert found == name
        assert text in windows


def test_a_cross_certificate_of_another_authority_does_not_count(
    root: Identity, microsoft: Identity
) -> None:
    other_key = issued("Root", microsoft, constraints=CA, key=_key("other"))
    other_name = issued("Other", microsoft, constraints=CA, key=root.key)
    data = _with(assembled(_publisher(root)), other_key, other_name)

    assert _loading(_on_windows(data, microsoft, root))[0] == "PUBLISHER"


def test_a_chain_to_a_cross_certificate_is_trusted_by_the_key_of_the_root(
    root: Identity, microsoft: Identity
) -> None:
    """The root itself is not in the signature, as it is not in those of signtool."""
    cross = issued("Root", microsoft, constraints=CA, days=(-50, -20), key=root.key)
    data = _with(assembled(_publisher(root)), cross)

    (assessment,) = _on_windows(data, microsoft).assessments

    assert assessment.chain
    assert [each.common_name for each in assessment.chain.certificates] == ["Publisher", "Root"]
    assert (assessment.chain.is_complete, assessment.chain.is_trusted) == (True, False)
    assert assessment.chain.expired == ()
    expired = _with(assembled(_publisher(root, days=(-20, -10))), cross)
    (assessment,) = _on_windows(expired, microsoft).assessments
    assert assessment.chain
    assert [each.common_name for each in assessment.chain.expired] == ["Publisher"]


def test_an_unknown_root_is_an_own_authority(root: Identity) -> None:
    inspection = _inspected(_with(assembled(_publisher(root)), root))
    assert _loading(inspection) == (
        "OWN_AUTHORITY",
        (
            "Machines in test-signing mode, without Secure Boot. A driver package installs only if "
            "they trust the authority."
        ),
    )
    assert '"signed-by": "own-authority"' in json.dumps(as_data(inspection))
    rules = {each.rule: str(each.source) for each in inspection.findings}
    assert rules["certificate-unknown-root"] == ("chain of the signature: CN=Publisher ← CN=Root")


def test_a_missing_authority_is_named(root: Identity) -> None:
    data = assembled(_publisher(root))
    other = issued("Other", constraints=CA, key=_key("other"))
    for trusted in ((), (other,)):
        rules = {each.rule: str(each.source) for each in _inspected(data, *trusted).findings}
        assert "CN=Publisher (SHA-1 " in rules["certificate-chain"]
    untrusted = _inspected(_with(data, root), other)
    (found,) = (each for each in untrusted.findings if each.rule == "certificate-untrusted")
    assert found.severity == "error"
    assert "--trust FILE" in found.help


@pytest.mark.parametrize(
    "options",
    [
        {"usages": (TIME_STAMPING,)},
        {"usages": (CODE_SIGNING,), "days": (-20, -10)},
        {"usages": (CODE_SIGNING,), "signs": False},
    ],
)
def test_an_image_by_a_certificate_for_something_else_is_not_loaded(
    root: Identity, options: Extensions
) -> None:
    given: Extensions = {**options, "key": _key("publisher")}
    leaf = issued("Leaf", root, **given)
    name, windows = _loading(_inspected(assembled(leaf), root))
    assert (name, windows) == ("INVALID", "No Windows for x64 or ARM64.")

    # Beside it, a fault of another signature is not only a note.
    data, expired = assembled(leaf), assembled(_publisher(root, days=(-20, -10)))
    both = with_table(data, data[Fields(data).table[0] :] + expired[Fields(expired).table[0] :])
    findings = _inspected(both, root).findings
    found = (each for each in findings if "CN=Publisher" in str(each.source))
    severities = {each.rule: str(each.severity) for each in found}
    assert severities["certificate-validity"] == "error"


def test_older_versions_of_windows_do_not_read_a_second_signature(
    root: Identity, microsoft: Identity
) -> None:
    cross = issued("Root", microsoft, constraints=CA, days=(-50, 50), key=root.key)
    other = _with(assembled(_publisher(root)), cross)
    one = assembled(Identity.make("Test", CODE_SIGNING))
    data = with_table(one, one[Fields(one).table[0] :] + other[Fields(other).table[0] :])

    name, windows = _loading(_on_windows(data, microsoft, root))

    assert name == "CROSS_SIGNED"
    assert windows.startswith("Windows 8 to Windows 10 version 1511, which do not need the first ")


def test_trust_does_not_change_who_loads_an_image(root: Identity, microsoft: Identity) -> None:
    data = _with(assembled(_publisher(root)), root)
    assert _loading(_on_windows(data, microsoft, root))[0] == "PUBLISHER"
    assert _loading(_inspected(data, root))[0] == "OWN_AUTHORITY"


def test_of_several_signatures_the_most_accepted_one_counts(root: Identity) -> None:
    one = assembled(Identity.make("Test", CODE_SIGNING))
    other = assembled(_publisher(root))
    data = with_table(one, one[Fields(one).table[0] :] + other[Fields(other).table[0] :])

    inspection = _inspected(data, root)

    assert len(inspection.signatures) == 2
    assert _loading(inspection)[0] == "OWN_AUTHORITY"
    severities = {each.rule: str(each.severity) for each in inspection.findings}
    assert severities["certificate-untrusted"] == "note"
    assert severities["signature-several"] == "note"


def test_a_short_key_is_a_warning() -> None:
    short = issued("Short", usages=(CODE_SIGNING,), key=_key("short", 1024))
    rules = {each.rule: str(each.source) for each in _inspected(assembled(short)).findings}
    assert rules["certificate-weak-key"] == (
        "certificate of the signature: CN=Short: RSA with 1024 bits"
    )
