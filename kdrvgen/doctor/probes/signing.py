"""The programs that sign: osslsigncode, openssl and signtool."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kdrvgen.doctor.check import NO_REMEDY, SIGNING_TASKS, Check, Remedy
from kdrvgen.doctor.fix import install
from kdrvgen.doctor.host import Answer, Host
from kdrvgen.doctor.probes.sdk import find_tool
from kdrvgen.model import Project, Signing
from kdrvgen.report.finding import Finding

__all__ = ["signing_tool", "tiny_image"]

_OPENSSL = Check("openssl", SIGNING_TASKS)
_OSSLSIGNCODE = Check("osslsigncode", SIGNING_TASKS)
_SIGNTOOL = Check("signtool", SIGNING_TASKS)
_INSTALL_SDK = Remedy('install the Windows SDK with its component "Signing Tools for Desktop Apps"')
_OLDEST_OSSLSIGNCODE, _FIRST_WITH_CATALOGS = (2, 1), (2, 8)
_NEWER_OSSLSIGNCODE = Remedy("install a newer osslsigncode, from your system or from its sources")
# Exit codes from here on are NTSTATUS errors: Windows could not load the program.
_FIRST_ERROR_STATUS = 0xC000_0000


def signing_tool(host: Host, project: Project) -> Iterator[Finding]:
    """Check the program that signs; where possible, sign a test file with it."""
    for profile in project.profiles:
        signing = project.signing_for(profile)
        if signing.mode == "off":
            continue
        if signing.tool != "auto" and (signing.tool == "signtool") != host.is_windows:
            yield Check(signing.tool, SIGNING_TASKS).error(
                f'signing.tool = "{signing.tool}" does not run on this system',
                remedy=Remedy('set signing.tool = "auto" to use the tool of each system'),
            )
        elif host.is_windows:
            yield _signtool(host, signing)
        else:
            yield _openssl(host)
            yield _osslsigncode(host, has_package="package" in project.model_fields_set)


def _signtool(host: Host, signing: Signing) -> Finding:
    if configured := signing.signtool and str(host.folder / signing.signtool):
        if not host.which(configured):
            return _SIGNTOOL.error("signing.signtool: no such file", configured)
        return _SIGNTOOL.ok("not run: the project names it", configured)
    place = find_tool(host, "signtool.exe")
    if not place:
        return _SIGNTOOL.error("not found on PATH or in a Windows SDK", remedy=_INSTALL_SDK)
    answer = host.run((place, "verify", "/?"))
    if answer.is_refused:
        return _SIGNTOOL.note(answer.text, place)
    if answer.code is None or answer.code & 0xFFFF_FFFF >= _FIRST_ERROR_STATUS:
        return _SIGNTOOL.error(f"does not run: {answer.first_line}", place, _INSTALL_SDK)
    version = re.search(r"[\\/](10\.[\d.]+)[\\/]", place)
    return _SIGNTOOL.ok(version[1] if version else "runs", place)


def _osslsigncode(host: Host, *, has_package: bool) -> Finding:
    place = host.which("osslsigncode")
    if not place:
        return _OSSLSIGNCODE.error("is not installed", "", install(host, "osslsigncode"))
    answer = host.run((place, "--version"))
    if answer.is_refused:
        return _OSSLSIGNCODE.note(answer.text, place)
    version = re.search(r"osslsigncode (\d[\w.]*)", answer.text)
    if version is None:
        return _OSSLSIGNCODE.error(f"does not run: {answer.first_line}", place)
    return _version_of_osslsigncode(host, version[1], place, has_package=has_package)


def _version_of_osslsigncode(host: Host, version: str, place: str, *, has_package: bool) -> Finding:
    numbers = tuple(map(int, re.findall(r"\d+", version)))
    if numbers < _OLDEST_OSSLSIGNCODE:
        message = f"{version} is too old: the tasks need 2.1 or newer, also for passwords"
        return _OSSLSIGNCODE.error(message, place, _NEWER_OSSLSIGNCODE)
    openssl = host.which("openssl")
    can_try = openssl and not host.holds(openssl)
    if can_try and (failed := _try_signing(host, place)):
        message = f"{version} cannot sign and verify a test file: {failed.first_line}"
        return _OSSLSIGNCODE.error(message, place)
    if has_package and numbers < _FIRST_WITH_CATALOGS:
        message = f"{version} cannot sign the catalog of [package] with every certificate; 2.8 can"
        return _OSSLSIGNCODE.note(message, place, _NEWER_OSSLSIGNCODE)
    tried = ", signs and verifies a test file" if can_try else ""
    return _OSSLSIGNCODE.ok(f"{version}{tried}", place)


def _openssl(host: Host) -> Finding:
    """Check openssl, which makes test certificates, and checks every signature."""
    place = host.which("openssl")
    answer = host.run(("openssl", "version"))
    if answer.code == 0:
        return _OPENSSL.ok(answer.first_line.removeprefix("OpenSSL "), place)
    if answer.is_refused:
        return _OPENSSL.note(answer.text, place)
    return _OPENSSL.error(
        answer.first_line, place, NO_REMEDY if place else install(host, "openssl")
    )


def _try_signing(host: Host, program: str) -> Answer | None:
    """Sign and verify a tiny image with a temporary certificate.

    Returns:
        The answer of the program that failed; None if none did.
    """
    with tempfile.TemporaryDirectory(prefix="kdrvgen-") as folder:
        key, certificate, image, signed = (
            Path(folder, name) for name in ("key", "certificate", "image", "signed")
        )
        image.write_bytes(tiny_image())
        request = ("-subj", "/CN=kdrvgen doctor", "-addext", "extendedKeyUsage=codeSigning")
        # An RSA key would take longer to create than everything else here.
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        files = (*kind, "-keyout", key, "-out", certificate)
        for argv in (
            ("openssl", "req", "-x509", *request, *files),
            (program, "sign", "-certs", certificate, "-key", key, "-in", image, "-out", signed),
            (program, "verify", "-CAfile", certificate, "-in", signed),
        ):
            answer = host.run(argv)
            if answer.code != 0:
                return answer
    return None


def tiny_image() -> bytes:
    """Return a PE32+ image with one empty section (Microsoft Learn, "PE Format")."""
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    header = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        *(0x20B, 0, 0, 512, 0, 0, 0x1000, 0x1000, 0x10000, 0x1000, 512),
        *(10, 0, 0, 0, 10, 0, 0, 0x2000, 512, 0, 1, 0, 0, 0, 0, 0, 0, 16),
    ).ljust(240, b"\0")
    section = struct.pack("<8sIIIIIIHHI", b".text", 1, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    return (dos + b"PE\0\0" + header + optional + section).ljust(1024, b"\0")
