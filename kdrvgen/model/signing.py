"""`[signing]`: which certificate signs the image, by which tool, with what time stamp."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Filled, Table, Text, problem
from kdrvgen.model.names import EnvironmentName, RelativePath

__all__ = ["Signing"]

_LONGEST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1


def _subject(value: str) -> str:
    if value.upper().startswith("CN="):
        raise problem("the common name comes without `CN=`", hint=f"write `{value[3:]}`")
    if len(value) > _LONGEST_COMMON_NAME:
        raise problem(f"a common name has {_LONGEST_COMMON_NAME} characters at most (RFC 5280)")
    return value


def _thumbprint(value: str) -> str:
    # Windows' certificate dialog shows it in pairs and puts an invisible mark in front.
    bare = re.sub(r"[\s:\u200e\u200f]", "", value)
    if bare and not re.fullmatch(r"[0-9A-Fa-f]{40}", bare):
        raise problem(
            "a thumbprint has 40 hexadecimal digits",
            hint="the SHA-1 thumbprint, as `certutil -store` and signtool's /sha1 have it",
        )
    return bare.upper()


def _certificate_file(value: str) -> str:
    # It is written over: with another ending it might be a source, or a file that is generated.
    if not value.lower().endswith((".cer", ".crt", ".der")):
        raise problem(
            f"`{value}` is not named as a certificate is",
            hint=f"`.cer`, `.crt` or `.der` at its end, such as `{value}.cer`",
        )
    return value


def _timestamp_url(value: str) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s\"<>\\^`{|}]", value) or not value.isascii():
        raise problem(
            "this is no address of a time stamp server",
            hint='such as `http://timestamp.digicert.com`, or "" for no time stamp',
            secret="@" in value,
        )
    if "@" in parts.netloc:
        raise problem("an address with a password in it would be stored and logged", secret=True)
    return value


def _signtool(value: str) -> str:
    if value and not value.lower().endswith(".exe"):
        raise problem(
            "this is no path of a program of Windows",
            hint="such as `C:/Program Files (x86)/Windows Kits/10/bin/x64/signtool.exe`",
        )
    return value


def _key_container(value: str) -> str:
    # The convention of SafeNet's providers: [READER{{PIN}}]=CONTAINER.
    if "{{" in value:
        raise problem(
            "a PIN in the name of a key container would be stored and logged",
            hint="put the whole name, PIN and all, into an environment variable, and name that "
            "variable by `key-container-env`",
            secret=True,
        )
    return value


_StrictBool = Annotated[bool, Field(strict=True)]


class Signing(Table):
    """The certificate, the signing tool and the time stamp."""

    mode: Literal["test", "certificate", "off"] = "test"
    """Whose certificate signs.

    `test` makes a self-signed one when there is none; `certificate` takes yours; `off` does not
    sign.
    """

    tool: Literal["auto", "signtool", "osslsigncode"] = "auto"
    """`auto` is signtool on Windows and osslsigncode elsewhere."""

    signtool: Annotated[Text, AfterValidator(_signtool)] = ""
    """Path of signtool.exe on Windows; empty to look for the newest that is installed."""

    store: Filled = "PrivateCertStore"
    """Name of the certificate store."""

    machine_store: _StrictBool = False
    """Whether the store is the machine's and not the user's."""

    subject: Annotated[Filled, AfterValidator(_subject)] = "DriverCertificate"
    """Common name of the certificate, without `CN=`."""

    certificate_file: Annotated[RelativePath, AfterValidator(_certificate_file)] = (
        "DriverCertificate.cer"
    )
    """Where a test certificate's public part is exported to, for machines that shall trust it."""

    thumbprint: Annotated[Text, AfterValidator(_thumbprint)] = ""
    """SHA-1 thumbprint of the certificate, 40 hexadecimal digits; preferred over `subject`."""

    pfx: Text = ""
    """Path of a PKCS #12 file with certificate and key."""

    pfx_password_env: EnvironmentName = ""
    """Name of the environment variable that holds the PKCS #12 file's password."""

    public_certificate: Text = ""
    """Path of a certificate file without key: the key is with a provider (`csp`, `dlib`)."""

    csp: Text = ""
    """Name of the provider, CSP or KSP, that holds the key: of a token, an HSM or a cloud's.

    Such as `eToken Base Cryptographic Provider`; `certutil -csplist` lists what is installed.
    signtool's /csp.
    """

    key_container: Annotated[Text, AfterValidator(_key_container)] = ""
    """Name of the key at the provider. signtool's /kc."""

    key_container_env: EnvironmentName = ""
    """Name of the environment variable that holds the key's name, where a PIN is part of it."""

    dlib: Text = ""
    """Path of the library that has a cloud sign the digest. signtool's /dlib."""

    dmdf: Text = ""
    """Path of the file that tells `dlib` of account and certificate. signtool's /dmdf."""

    additional_certificates: tuple[Filled, ...] = ()
    """Files with further certificates for the chain."""

    digest: Literal["sha256", "sha384", "sha512"] = "sha256"
    """Digest algorithm of the signature, and of the time stamp where the tool lets it be chosen."""

    page_hashes: _StrictBool = False
    """Whether the signature holds a hash of every page, which Windows can check page by page."""

    timestamp_url: Annotated[Text, AfterValidator(_timestamp_url)] = "http://timestamp.digicert.com"
    """Address of the time stamp server; empty for no time stamp."""

    timestamp_protocol: Literal["rfc3161", "authenticode"] = "rfc3161"
    """Protocol of the time stamp server."""

    validity_days: Annotated[int, Field(strict=True, ge=1, le=36500)] = 365
    """How many days a test certificate is valid."""
