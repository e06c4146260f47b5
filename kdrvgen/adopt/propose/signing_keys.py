"""The keys of `[signing]` for the switches of signtool and makecert."""

from __future__ import annotations

import re

from kdrvgen.adopt.parse.makecert import CODE_SIGNING, CertificateCommand
from kdrvgen.adopt.parse.signtool import SignCommand

__all__ = [
    "certificate_keys",
    "sign_keys",
    "unsupported_certificate_switches",
    "unsupported_sign_switches",
]

# Source: Learn, "SignTool", options of `sign`.
_SIGN_KEYS = {
    "f": "pfx",
    "n": "subject",
    "s": "store",
    "sha1": "thumbprint",
    "fd": "digest",
    "t": "timestamp-url",
    "tr": "timestamp-url",
    "ac": "additional-certificates",
    "csp": "csp",
    "kc": "key-container",
    "dlib": "dlib",
    "dmdf": "dmdf",
}
_SIGN_FLAGS = {"sm": "machine-store", "ph": "page-hashes"}
_SIGN_SUPPORTED = frozenset({*_SIGN_KEYS, *_SIGN_FLAGS, "td", "p", "v", "q", "debug", "a", "uw"})
_PROTOCOLS = {"t": "authenticode", "tr": "rfc3161"}
# Source: Learn, "MakeCert".
_CERTIFICATE_SUPPORTED = frozenset(
    {"n", "ss", "sr", "a", "eku", "len", "sky", "cy", "r", "pe", "nologo", "$"}
)


def sign_keys(command: SignCommand) -> dict[str, object]:
    """Return the keys for a call of `signtool sign`."""
    keys: dict[str, object] = {}
    additional: list[str] = []
    for name, value in command.switches:
        if name == "ac":
            additional.append(value)
            keys["additional-certificates"] = additional
        elif name in _SIGN_FLAGS:
            keys[_SIGN_FLAGS[name]] = True
        elif name in _SIGN_KEYS:
            keys[_SIGN_KEYS[name]] = value.lower() if name == "fd" else value
        if name in _PROTOCOLS:
            keys["timestamp-protocol"] = _PROTOCOLS[name]
    if "subject" in keys:
        keys["subject"] = re.sub(r"^CN=", "", str(keys["subject"]), flags=re.IGNORECASE)
    return keys


def unsupported_sign_switches(command: SignCommand) -> list[str]:
    """Return the switches of `signtool sign` that `[signing]` has no key for."""
    values = dict(command.switches)
    unsupported = [f"/{name}" for name in values if name not in _SIGN_SUPPORTED]
    timestamp_digest = values.get("td", "").lower()
    digest = values.get("fd", "sha256").lower()
    if timestamp_digest and timestamp_digest not in {digest, "certhash"}:
        unsupported.append(f"/td {timestamp_digest}")
    return unsupported


def certificate_keys(command: CertificateCommand) -> dict[str, object]:
    """Return the keys for a command that creates a certificate."""
    values = dict(command.switches)
    keys: dict[str, object] = {"certificate-file": command.files[-1]} if command.files else {}
    if "n" in values:
        common_name = _common_name(values["n"])
        keys["subject"] = values["n"] if common_name is None else common_name
    if "ss" in values:
        keys["store"] = values["ss"]
    if values.get("sr", "").lower() == "localmachine":
        keys["machine-store"] = True
    return keys


def unsupported_certificate_switches(command: CertificateCommand) -> list[str]:
    """Return the switches of makecert that `[signing]` has no key for."""
    values = dict(command.switches)
    unsupported = [f"-{name}" for name in values if name not in _CERTIFICATE_SUPPORTED]
    if "n" in values and ("," in values["n"] or _common_name(values["n"]) is None):
        unsupported.append("-n with other parts than CN")
    unsupported += [f"-eku {usage}" for usage in sorted(command.usages - {CODE_SIGNING})]
    return unsupported


def _common_name(subject: str) -> str | None:
    match = re.search(r"(?:^|,)\s*CN\s*=\s*([^,]+)", subject, re.IGNORECASE)
    return match[1].strip() if match else None
