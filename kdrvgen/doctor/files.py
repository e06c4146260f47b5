"""Certificates in files: with a key, without one, and those for the chain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from kdrvgen.doctor import der
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.judging import judge
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Signing
from kdrvgen.report.finding import Finding, Severity

__all__ = ["missing_files", "pfx_certificate", "provider_certificate"]

_SIGNING = (Task.SIGN, Task.VERIFY)
_PUT = "put it there, or change the key in the configuration"


def missing_files(host: Host, signing: Signing) -> Iterator[Finding]:
    """Look for every file that the settings name, but for the one with the certificate."""
    if signing.mode == "off":
        return
    named = [("additional-certificates", name) for name in signing.additional_certificates]
    if host.is_windows:
        named += [("dlib", signing.dlib), ("dmdf", signing.dmdf)]
    for key, name in named:
        path = host.folder / name
        if name and not path.is_file():
            yield _wrong(f"signing.{key}: there is no such file", str(path), _PUT)


def pfx_certificate(host: Host, signing: Signing) -> Finding:
    """Look into a PKCS #12 file. Its password goes by the environment to openssl, nowhere else."""
    path = host.folder / signing.pfx
    variable = signing.pfx_password_env
    if not path.is_file():
        return _wrong("signing.pfx: there is no such file", str(path), _PUT)
    if variable and variable not in host.env:
        return _unset(variable, "the password", "pfx-password-env", str(path))
    if host.is_windows or not host.which("openssl"):
        return outcome("certificate", Severity.OK, "not opened here", _SIGNING, str(path))
    password = f"env:{variable}" if variable else "pass:"
    # Files of older makers are encrypted by what OpenSSL 3 calls legacy.
    for legacy in ((), ("-legacy",)):
        answer = host.run(
            ("openssl", "pkcs12", "-in", path, "-passin", password, "-nokeys", "-clcerts", *legacy)
        )
        if answer.code == 0:
            break
    try:
        certificate = der.parse_pem(answer.text)
    except ValueError:
        reason = f"the password in {variable} is another" if variable else "it has a password"
        return _wrong(
            f"openssl reads no certificate in it: {reason}, or it is no PKCS #12 file",
            str(path),
            "" if variable else "name the password's variable by signing.pfx-password-env",
        )
    return judge(certificate, str(path), _now(host), "get a certificate for code signing")


def provider_certificate(host: Host, signing: Signing) -> Finding:
    """Look at the public certificate of a key that a provider of Windows holds."""
    variable = signing.key_container_env
    if variable and variable not in host.env:
        return _unset(variable, "the key's name", "key-container-env", "")
    if not signing.public_certificate:
        message = "signing.dlib has one of its own"
        return outcome("certificate", Severity.OK, message, _SIGNING, signing.dlib)
    path = host.folder / signing.public_certificate
    if not path.is_file():
        return _wrong("signing.public-certificate: there is no such file", str(path), _PUT)
    try:
        data = path.read_bytes()
        is_text = data.startswith(b"-----")
        certificate = der.parse_pem(data.decode("ascii")) if is_text else der.parse(data)
    except (OSError, ValueError) as error:
        return _wrong(f"cannot be read: {error}", str(path), _PUT)
    return judge(certificate, str(path), _now(host), "get a certificate for code signing")


def _unset(variable: str, what: str, key: str, place: str) -> Finding:
    return _wrong(
        f"the variable {variable}, which holds {what}, is not set",
        place,
        f"set {variable} (signing.{key})",
    )


def _wrong(message: str, place: str, advice: str) -> Finding:
    return outcome("certificate", Severity.ERROR, message, _SIGNING, place, advice)


def _now(host: Host) -> dt.datetime:
    return dt.datetime.fromtimestamp(host.now, dt.UTC)
