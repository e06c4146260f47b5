"""`[signing]`: the certificate that signs the image, the tool, and the timestamp."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from kdrvgen.model.base import Filled, Table, Text, problem, refuse_controls
from kdrvgen.model.names import EnvironmentName, RelativePath

__all__ = ["Signing"]

_TIMESTAMP_SERVER = "http://timestamp.digicert.com"
_LONGEST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1


def _subject(value: str) -> str:
    if value.upper().startswith("CN="):
        raise problem("write the common name without `CN=`", hint=f"write `{value[3:]}`")
    if len(value) > _LONGEST_COMMON_NAME:
        raise problem(
            f"a common name can have at most {_LONGEST_COMMON_NAME} characters (RFC 5280)"
        )
    return value


def _thumbprint(value: str) -> str:
    # The certificate dialog of Windows shows pairs of digits, and an invisible mark at the start.
    value = re.sub(r"[\u200e\u200f]", "", value)
    refuse_controls(value)
    bare = re.sub(r"[\s:]", "", value)
    if bare and not re.fullmatch(r"[0-9A-Fa-f]{40}", bare):
        raise problem(
            "a thumbprint must have 40 hexadecimal digits",
            hint="use the SHA-1 thumbprint, as Windows shows it and for signtool's /sha1",
        )
    return bare.upper()


def _certificate_file(value: str) -> str:
    # The file is overwritten: with another extension it could be a source or a generated file.
    if not value.lower().endswith((".cer", ".crt", ".der")):
        raise problem(
            f"`{value}` does not have the extension of a certificate",
            hint=f"use `.cer`, `.crt` or `.der`, such as `{value}.cer`",
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
            "this is not a valid address of a timestamp server",
            hint='use an address such as `http://timestamp.digicert.com`, or "" for no timestamp',
            secret="@" in value,
        )
    if "@" in parts.netloc:
        raise problem(
            "the address contains a password, which would be stored and logged", secret=True
        )
    return value


def _signtool(value: str) -> str:
    if value and not value.lower().endswith(".exe"):
        raise problem(
            "this is not a valid path of a Windows program",
            hint="use a path such as `C:/Program Files (x86)/Windows Kits/10/bin/x64/signtool.exe`",
        )
    return value


def _key_container(value: str) -> str:
    # The convention of SafeNet's providers: [READER{{PIN}}]=CONTAINER.
    if "{{" in value:
        raise problem(
            "the name of the key container contains a PIN, which would be stored and logged",
            hint="put the whole name with the PIN into an environment variable, and set "
            "`key-container-env` to the name of that variable",
            secret=True,
        )
    return value


_StrictBool = Annotated[bool, Field(strict=True)]


class Signing(Table):
    """The certificate, the signing tool and the timestamp."""

    mode: Literal["test", "certificate", "off"] = "test"
    """Whose certificate signs.

    `test` makes a self-signed certificate unless a valid one exists; `certificate` uses yours;
    `off` does not sign.

    Change: To `certificate` for drivers that you publish, to `off` if another system signs.
    Without: A test certificate signs. Only machines in test-signing mode load the driver.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/test-signing
    """

    tool: Literal["auto", "signtool", "osslsigncode"] = "auto"
    """`auto` is signtool on Windows and osslsigncode elsewhere.

    Change: Rarely changed.
    Without: Each host's own tool.
    Source: https://github.com/mtrojnar/osslsigncode
    """

    signtool: Annotated[Text, AfterValidator(_signtool)] = ""
    """Path of signtool.exe on Windows; empty to look for the newest that is installed.

    Change: To use a certain version, or one in a folder that the search does not cover.
    Without: The newest that is installed for the host's architecture.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    store: Filled = "PrivateCertStore"
    """Name of the certificate store.

    Change: For a certificate of your own in another store, such as `My`.
    Without: `PrivateCertStore`, which the samples of the WDK use.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    machine_store: _StrictBool = False
    """Use the machine's store instead of the user's.

    Change: For a certificate that every user of a build machine uses. Only an administrator can
        write to it.
    Without: The stores of the user.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    subject: Annotated[Filled, AfterValidator(_subject)] = "DriverCertificate"
    """Common name of the certificate, without `CN=`.

    Change: To tell test certificates apart, or to name your own certificate by its common name.
    Without: `DriverCertificate`.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    certificate_file: Annotated[RelativePath, AfterValidator(_certificate_file)] | None = None
    """File that the test certificate is exported to, without its key, for machines that must trust
    it.

    Change: When the file must be at a fixed place in the project, for example to commit it.
    Without: Beside the signed driver, with its name: `hello.cer` for `hello.sys`.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/test-signing
    """

    thumbprint: Annotated[str, StringConstraints(strict=True), AfterValidator(_thumbprint)] = ""
    """SHA-1 thumbprint of the certificate, 40 hexadecimal digits; preferred over `subject`.

    Change: For your own certificate in a store: a thumbprint names exactly one, but several can
        have the same subject.
    Without: `subject` selects the certificate.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    pfx: Text = ""
    """Path of a PKCS #12 file with the certificate and its key.

    Change: For your own certificate in a file.
    Without: The certificate comes from a store.
    Source: RFC 7292
    """

    pfx_password_env: EnvironmentName = ""
    """Name of the environment variable that holds the PKCS #12 file's password.

    Change: When the file has a password. The password itself is never in config.toml.
    Without: The file has no password.
    """

    public_certificate: Text = ""
    """Path of a certificate file without a key: a provider has the key (`csp`, `dlib`).

    Change: For a key in a provider or a cloud service.
    Without: The certificate comes from a store.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    csp: Text = ""
    """Name of the provider (CSP or KSP) of a token, an HSM or a cloud service that holds the key.

    Such as `eToken Base Cryptographic Provider`; its installer registers the name. signtool's /csp.

    Change: For a key on a token or in an HSM that signtool opens by name.
    Without: signtool finds the key by the store or the file.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    key_container: Annotated[Text, AfterValidator(_key_container)] = ""
    """Name of the key container in the provider. signtool's /kc.

    Change: Together with `csp`.
    Without: No key container is named.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    key_container_env: EnvironmentName = ""
    """Name of the environment variable that holds the name of the key container.

    Change: When a PIN is part of the name, as with some tokens. A PIN must never be in config.toml.
    Without: `key-container` names it.
    """

    dlib: Text = ""
    """Path of the library that calls a cloud service to sign the digest. signtool's /dlib.

    Change: For a cloud signing service, such as Microsoft's trusted signing.
    Without: signtool signs by itself.
    Source: https://learn.microsoft.com/azure/trusted-signing/how-to-signing-integrations
    """

    dmdf: Text = ""
    """Path of the file with the account and the certificate for `dlib`. signtool's /dmdf.

    Change: Together with `dlib`, as the service's documentation says.
    Without: The library gets no file.
    Source: https://learn.microsoft.com/azure/trusted-signing/how-to-signing-integrations
    """

    additional_certificates: tuple[Filled, ...] = ()
    """Files with more certificates for the chain.

    Change: For intermediate certificates that the store does not have, and for your own root.
    Without: The chain has the certificates that the tool finds.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    digest: Literal["sha256", "sha384", "sha512"] = "sha256"
    """Digest algorithm of the signature, and of the timestamp if the tool supports it.

    Change: Rarely changed: every Windows that is still in use supports SHA-256.
    Without: SHA-256.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    page_hashes: _StrictBool = False
    """Include a hash of every page in the signature, so that Windows can check page by page.

    Change: For drivers that load early in the boot, and for drivers that protected processes use.
    Without: One hash for the whole image.
    Source: https://learn.microsoft.com/windows/win32/seccrypto/signtool
    """

    timestamp_url: Annotated[Text, AfterValidator(_timestamp_url)] | None = None
    """Address of the timestamp server; empty for no timestamp.

    By default `http://timestamp.digicert.com` for a certificate of your own. A signature by a test
    certificate has no timestamp by default: it needs to be valid while you test, not longer.

    Change: To your certificate authority's server, or to "" if there is no network.
    Without: DigiCert's server with `mode = "certificate"`, none with `mode = "test"`. A signature
        without a timestamp expires with the certificate.
    Source: RFC 3161
    """

    timestamp_protocol: Literal["rfc3161", "authenticode"] = "rfc3161"
    """Protocol of the timestamp server.

    Change: For a server that supports only the older protocol.
    Without: RFC 3161.
    Source:
        https://learn.microsoft.com/windows/win32/seccrypto/time-stamping-authenticode-signatures
    """

    validity_days: Annotated[int, Field(strict=True, ge=1, le=36500)] = 365
    """How many days a test certificate is valid.

    Change: When a test certificate must be valid for a longer or shorter time.
    Without: One year. After that, the next build makes a new one.
    """

    @property
    def timestamp_server(self) -> str:
        """The address of the timestamp server, from `timestamp-url` or its default; "" for none."""
        if self.timestamp_url is not None:
            return self.timestamp_url
        return _TIMESTAMP_SERVER if self.mode == "certificate" else ""
