"""Certificates in files: with a key, without a key, and those for the chain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.doctor import der
from kdrvgen.doctor.check import NO_REMEDY, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.validity import CERTIFICATE, check_validity, current_time
from kdrvgen.model import Signing
from kdrvgen.report.finding import Finding

__all__ = ["missing_files", "pfx_certificate", "provider_certificate"]

_ADD_FILE = Remedy("put the file there, or change the key in the configuration")
_NO_PROVIDER = re.compile("unable to load .*provider|could not load", re.IGNORECASE)
_CONVERT = Remedy(
    "install the provider (Debian: openssl-provider-legacy), or export the certificate again with "
    "AES-256"
)
_GET_CERTIFICATE = "get a certificate for code signing"


def missing_files(host: Host, signing: Signing) -> Iterator[Finding]:
    """Check that every file in the settings exists, except the signer's certificate."""
    if signing.mode == "off":
        return
    files = [("additional-certificates", name) for name in signing.additional_certificates]
    if host.is_windows:
        files += [("dlib", signing.dlib), ("dmdf", signing.dmdf)]
    for key, name in files:
        path = host.folder / name
        if name and not path.is_file():
            yield CERTIFICATE.error(f"signing.{key}: no such file", str(path), _ADD_FILE)


def pfx_certificate(host: Host, signing: Signing) -> Finding:
    """Open a PKCS #12 file with openssl, which gets the password only from the environment."""
    path = host.folder / signing.pfx
    variable = signing.pfx_password_env
    if not path.is_file():
        return CERTIFICATE.error("signing.pfx: no such file", str(path), _ADD_FILE)
    if variable and variable not in host.env:
        return _unset(variable, "the password", "pfx-password-env", str(path))
    openssl = host.which("openssl")
    if host.is_windows or not openssl or host.holds(openssl):
        return CERTIFICATE.ok("not opened on this machine", str(path))
    password = f"env:{variable}" if variable else "pass:"
    command = ("openssl", "pkcs12", "-in", path, "-passin", password, "-nokeys", "-clcerts")
    first = answer = host.run(command)
    if first.code != 0:
        # OpenSSL 3 reads files with older encryption only with its provider "legacy".
        answer = host.run((*command, "-legacy"))
        if "unsupported" in first.text and _NO_PROVIDER.search(answer.text):
            message = (
                "is encrypted with an old algorithm, and OpenSSL's provider `legacy` is missing"
            )
            return CERTIFICATE.error(message, str(path), _CONVERT)
    try:
        certificate = der.parse_pem(answer.text)
    except ValueError:
        reason = f"the password in {variable} is wrong" if variable else "the file has a password"
        return CERTIFICATE.error(
            f"openssl cannot read a certificate from it: {reason}, or it is not a PKCS #12 file",
            str(path),
            NO_REMEDY
            if variable
            else Remedy("set signing.pfx-password-env to the variable that holds the password"),
        )
    return check_validity(certificate, str(path), current_time(host), _GET_CERTIFICATE)


def provider_certificate(host: Host, signing: Signing) -> Finding:
    """Check the public certificate of a key that a key provider of Windows holds."""
    variable = signing.key_container_env
    if variable and variable not in host.env:
        return _unset(variable, "the key's name", "key-container-env", "")
    if not signing.public_certificate:
        return CERTIFICATE.ok("signing.dlib provides the certificate", signing.dlib)
    path = host.folder / signing.public_certificate
    if not path.is_file():
        return CERTIFICATE.error("signing.public-certificate: no such file", str(path), _ADD_FILE)
    try:
        data = path.read_bytes()
        is_text = data.startswith(b"-----")
        certificate = der.parse_pem(data.decode("ascii")) if is_text else der.parse(data)
    except (OSError, ValueError) as error:
        return CERTIFICATE.error(f"cannot be read: {error}", str(path), _ADD_FILE)
    return check_validity(certificate, str(path), current_time(host), _GET_CERTIFICATE)


def _unset(variable: str, content: str, key: str, place: str) -> Finding:
    return CERTIFICATE.error(
        f"the variable {variable}, which must hold {content}, is not set",
        place,
        Remedy(f"set {variable} (see signing.{key})"),
    )
