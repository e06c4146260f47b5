"""The programs that sign: run for real where they can be."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kdrvgen.doctor.host import Answer, Host
from kdrvgen.doctor.packages import Remedy, install
from kdrvgen.doctor.sdk import find_tool
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project, Signing
from kdrvgen.report.finding import Finding, Severity

__all__ = ["signing_tool", "time_stamp"]

_SIGNING = (Task.SIGN, Task.VERIFY)
_SDK = 'install the Windows SDK with its component "Signing Tools for Desktop Apps"'
# NTSTATUS of a program that Windows could not load, such as for want of a library.
_NOT_LOADED = 0xC000_0000


def signing_tool(host: Host, project: Project) -> Iterator[Finding]:
    """Look for the program that signs, and have it do so."""
    for profile in project.profiles:
        signing = project.signing_for(profile)
        if signing.mode == "off":
            continue
        if signing.tool != "auto" and (signing.tool == "signtool") != host.is_windows:
            yield outcome(
                signing.tool,
                Severity.ERROR,
                f'signing.tool = "{signing.tool}" is not for this system',
                _SIGNING,
                advice='"auto" takes what each host has',
            )
        elif host.is_windows:
            yield _signtool(host, signing)
        else:
            yield from _osslsigncode(host, signing)


def time_stamp(host: Host, project: Project) -> Iterator[Finding]:
    """Ask the time stamp servers whether they are there; this needs the network."""
    from urllib.error import HTTPError  # noqa: PLC0415 - for this probe only, which few ask for
    from urllib.request import Request, urlopen  # noqa: PLC0415 - likewise

    every = [project.signing_for(profile) for profile in project.profiles]
    for url in sorted({each.timestamp_server for each in every if each.mode != "off"} - {""}):
        try:
            # The model takes http and https only.
            with urlopen(Request(url, method="HEAD"), timeout=host.time_limit):  # noqa: S310
                pass
        except HTTPError:
            pass  # it answers; a HEAD is no request for a time stamp
        except (OSError, ValueError) as error:
            yield outcome(
                "time stamp",
                Severity.ERROR,
                f"{url} does not answer: {error}",
                (Task.SIGN,),
                advice="without one, for a run: cargo make -e DRIVER_TIMESTAMP_URL= sign",
            )
            continue
        yield outcome("time stamp", Severity.OK, "answers", (Task.SIGN,), url)


def _signtool(host: Host, signing: Signing) -> Finding:
    own = signing.signtool and str(host.folder / signing.signtool)
    place = host.which(own) if own else find_tool(host, "signtool.exe")
    if own and not place:
        return _broken("signtool", "signing.signtool: there is no such file", own)
    if not place:
        return outcome(
            "signtool", Severity.ERROR, "not on PATH and in no kit", _SIGNING, advice=_SDK
        )
    answer = host.run((place, "verify", "/?"))
    if answer.code is None or answer.code & 0xFFFF_FFFF >= _NOT_LOADED:
        reason = answer.first_line or f"it ended with {answer.code:#x}"
        return outcome(
            "signtool", Severity.ERROR, f"does not run: {reason}", _SIGNING, place, advice=_SDK
        )
    version = re.search(r"[\\/](10\.[\d.]+)[\\/]", place)
    return outcome("signtool", Severity.OK, version[1] if version else "runs", _SIGNING, place)


def _osslsigncode(host: Host, signing: Signing) -> Iterator[Finding]:
    yield from _openssl(host, signing)
    place = host.which("osslsigncode")
    if not place:
        yield _broken("osslsigncode", "is not installed", "", install(host, "osslsigncode"))
        return
    version = re.search(r"osslsigncode (\d[\w.]*)", host.run((place, "--version")).text)
    if version is None:
        yield _broken("osslsigncode", "does not tell its version", place)
        return
    told = version[1]
    if host.which("openssl"):
        if failed := _try_signing(host, place):
            reason = f"{told} does not sign and verify a test file: {failed.first_line}"
            yield _broken("osslsigncode", reason, place)
            return
        told += ", signs and verifies a test file"
    yield outcome("osslsigncode", Severity.OK, told, _SIGNING, place)


def _openssl(host: Host, signing: Signing) -> Iterator[Finding]:
    if signing.mode != "test" and not signing.additional_certificates:
        return
    answer = host.run(("openssl", "version"))
    if answer.code != 0:
        yield _broken("openssl", answer.first_line, host.which("openssl"), install(host, "openssl"))
        return
    told = answer.first_line.removeprefix("OpenSSL ")
    yield outcome("openssl", Severity.OK, told, _SIGNING, host.which("openssl"))


def _broken(name: str, reason: str, place: str, remedy: Remedy = Remedy()) -> Finding:  # noqa: B008 - frozen
    return outcome(
        name, Severity.ERROR, reason, _SIGNING, place, remedy.advice, tuple(remedy.commands)
    )


def _try_signing(host: Host, program: str) -> Answer | None:
    """Sign and verify a tiny image with a certificate of the moment.

    Returns:
        The answer of what failed; None when nothing did.
    """
    with tempfile.TemporaryDirectory(prefix="kdrvgen-") as folder:
        key, certificate, image, signed = (
            Path(folder, name) for name in ("key", "certificate", "image", "signed")
        )
        image.write_bytes(_tiny_image())
        request = ("-subj", "/CN=kdrvgen doctor", "-addext", "extendedKeyUsage=codeSigning")
        # RSA's primes would take longer to find than all the rest.
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        made = (*kind, "-keyout", key, "-out", certificate)
        for argv in (
            ("openssl", "req", "-x509", *request, *made),
            (program, "sign", "-certs", certificate, "-key", key, "-in", image, "-out", signed),
            (program, "verify", "-CAfile", certificate, "-in", signed),
        ):
            answer = host.run(argv)
            if answer.code != 0:
                return answer
    return None


def _tiny_image() -> bytes:
    """Return a PE32+ image with one empty section (PE Format, Microsoft Learn)."""
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    header = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        *(0x20B, 0, 0, 512, 0, 0, 0x1000, 0x1000, 0x10000, 0x1000, 512),
        *(10, 0, 0, 0, 10, 0, 0, 0x2000, 512, 0, 1, 0, 0, 0, 0, 0, 0, 16),
    ).ljust(240, b"\0")
    section = struct.pack("<8sIIIIIIHHI", b".text", 1, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    return (dos + b"PE\0\0" + header + optional + section).ljust(1024, b"\0")
