"""Drivers that others published have no false findings, and their signers are recognized."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.inspection.inspect import inspect_bytes
from tests.inspection.production import DIGESTS, drivers
from tests.inspection.structures import with_one_more_value
from tests.inspection.support import Fields
from tests.packaging.real import packages
from tests.tools import need

pytestmark = pytest.mark.slow

# All errors and warnings, each of them true.
EXPECTED: dict[str, set[str]] = {
    # Imports __chkstk.
    "WeTestUsbNcm-win10": {"code-large-frame"},
    # Unsigned.
    "WinIo-2-x86": {"signature-missing"},
    "WinIo-3-x86": {"signature-missing"},
    # SHA-1, and a test certificate with an RSA key of 1024 bits.
    "WinIo-3-x64": {"signature-weak-digest", "certificate-weak-key"},
    "WinRing0-x64": {"signature-weak-digest"},
    "WinRing0-x86": {"signature-weak-digest"},
}
WINTUN = {"arm": {"image-pdb-path"}}  # the path names a user

ENDINGS = {"inf": "inf", "cat": "catalog"}

SIGNED_BY = {
    "WinIo-2-x86": "NOBODY",
    "WinIo-3-x86": "NOBODY",
    "WinIo-3-x64": "TEST",
    "WinRing0-x64": "CROSS_SIGNED",
    "WinRing0-x86": "CROSS_SIGNED",
}

ALSO_BY = {
    f"WinDivert-1.3-{machine}": "With the signature of Ars Nova Systems: Windows Vista to"
    for machine in ("x64", "x86")
}


def _serious(path: Path) -> set[str]:
    return {
        finding.rule
        for finding in kdrvgen.verify(path).findings
        if finding.severity in ("error", "warning")
    }


@pytest.mark.parametrize("name", DIGESTS)
def test_a_published_driver_has_no_false_error_or_warning(name: str) -> None:
    assert _serious(drivers()[name]) == EXPECTED.get(name, set())


@pytest.mark.parametrize("name", DIGESTS)
def test_the_signer_of_a_published_driver_is_recognized(name: str) -> None:
    loading = kdrvgen.verify(drivers()[name]).loading
    assert loading
    assert loading.signed_by.name == SIGNED_BY.get(name, "ATTESTATION")
    if name not in SIGNED_BY:
        text = "Windows 10 and later, also with Secure Boot. Not Windows Server 2016 and later"
        if "x86" in name or name in ALSO_BY:
            assert loading.windows.startswith(f"{text}. ")
            assert ("Windows for x86 loads it" in loading.windows) == ("x86" in name)
        else:
            assert loading.windows == f"{text}, and nothing before Windows 10."
        also = ALSO_BY.get(name, "")
        assert also in loading.windows
        assert ("Windows Vista" in loading.windows) == bool(also)


def test_the_drivers_of_wintun_have_no_false_findings(tmp_path: Path) -> None:
    signers = {"amd64": "WHCP", "arm64": "WHCP", "x86": "WHCP", "arm": "PUBLISHER"}
    for package in packages():
        path = tmp_path / f"{package.machine}.sys"
        path.write_bytes(package.image)
        loading = kdrvgen.verify(path).loading
        assert _serious(path) == WINTUN.get(package.machine, set()), package.machine
        assert loading
        assert loading.signed_by.name == signers[package.machine]
        if loading.signed_by.name == "WHCP":
            assert loading.windows == (
                "Windows Vista and later, and Windows Server, also with Secure Boot. Windows 7 "
                "needs its update for SHA-2 signatures."
            )


def test_the_catalogs_of_wintun_have_no_false_findings(tmp_path: Path) -> None:
    """Microsoft's timestamps have an attribute certificate."""
    for package in packages():
        folder = tmp_path / package.machine
        folder.mkdir()
        for ending in ("inf", "cat"):
            (folder / f"wintun.{ending}").write_bytes(getattr(package, ENDINGS[ending]))
        (folder / "wintun.sys").write_bytes(package.image)
        found = {
            each.rule: each
            for each in kdrvgen.verify_package(folder).findings
            if each.rule.startswith("catalog-")
        }
        assert {str(each.severity) for each in found.values()} <= {"note"}
        assert found.keys() <= {"catalog-unsigned-part"}


def test_a_cross_signed_driver_has_the_days_until_which_it_counts() -> None:
    loading = kdrvgen.verify(drivers()["WinRing0-x64"]).loading
    assert loading
    assert "Signed on 2008-07-26" in loading.windows
    assert "Windows 10 version 1511" in loading.windows


def test_a_timestamp_that_windows_trusts_counts_also_with_trust(tmp_path: Path) -> None:
    driver = drivers()["WeTestUsbFilter"]
    signature = kdrvgen.verify(driver).signatures[2]
    assert signature.signer
    (tmp_path / "signer.cer").write_bytes(signature.signer.der)

    assessment = kdrvgen.verify(driver, trust=(tmp_path / "signer.cer",)).assessments[2]

    assert assessment.chain
    assert assessment.chain.certificates == (signature.signer,)
    assert assessment.chain.is_trusted
    assert assessment.proven
    assert signature.timestamp
    assert assessment.proven == signature.timestamp.time


def test_faults_beside_a_sound_signature_are_notes() -> None:
    """The first signature is SHA-1, and expired."""
    findings = kdrvgen.verify(drivers()["WeTestUsbFilter"]).findings
    found = {finding.rule: finding.severity for finding in findings}
    assert found["certificate-validity"] == found["signature-weak-digest"] == "note"


@pytest.mark.parametrize("name", ["WinDivert-1.3-x64", "WinIo-3-x64", "WinFsp-x64", "WinRing0-x64"])
def test_a_flipped_bit_in_the_certificates_of_a_published_driver_is_reported(name: str) -> None:
    data = drivers()[name].read_bytes()
    start, size = Fields(data).table
    chance = random.Random(7)
    clean = _named(data)
    for _ in range(150):
        offset = chance.randrange(start, start + size)
        changed = bytearray(data)
        changed[offset] ^= 1 << chance.randrange(8)
        assert _named(bytes(changed)) != clean, offset


@pytest.mark.parametrize("name", ["WinRing0-x64", "WinIo-3-x64"])
def test_a_value_added_to_the_signature_of_a_published_driver_is_reported(name: str) -> None:
    data = drivers()[name].read_bytes()
    clean = _named(data)
    assert all(_named(changed) != clean for changed in with_one_more_value(data, b"payload"))


def _named(data: bytes) -> set[tuple[str, str | None, str]]:
    """Return what a report names, without the checksum, which anyone can correct."""
    findings = inspect_bytes(Path("driver.sys"), data).findings
    return {
        (each.rule, each.source, str(each.severity))
        for each in findings
        if each.rule != "image-checksum"
    }


def test_the_fetched_drivers_are_complete() -> None:
    need("msiextract")
    assert all(path.is_file() for path in drivers().values())
