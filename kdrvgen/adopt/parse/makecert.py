"""The arguments of makecert and of PowerShell's New-SelfSignedCertificate."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.switches import ToolCall, parse_switches

__all__ = [
    "CODE_SIGNING",
    "CertificateCommand",
    "parse_makecert",
    "parse_new_self_signed_certificate",
]

CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
"""The extended key usage "code signing". Source: RFC 5280, section 4.2.1.12."""

# Learn: "MakeCert", options that have a value.
_WITH_VALUE = frozenset(
    {
        *("n", "ss", "sr", "a", "eku", "len", "m", "b", "e", "sv", "sk", "sky", "sp", "sy", "cy"),
        *("d", "i", "ic", "ik", "iky", "in", "ip", "ir", "is", "iv", "l", "nscp"),
    }
)
_POWERSHELL = {
    "subject": "-n",
    "dnsname": "-n",
    "certstorelocation": "store",
    "hashalgorithm": "-a",
}


@dataclass(frozen=True, slots=True)
class CertificateCommand(ToolCall):
    """A command that creates a self-signed certificate, with makecert's switches and its files."""

    @property
    def usages(self) -> frozenset[str]:
        """The extended key usages of the certificate."""
        return frozenset(self.value("eku").split(",")) - {""}

    @property
    def is_sha256(self) -> bool:
        """Whether the certificate uses SHA-256 or better."""
        return self.value("a").lower() in {"sha256", "sha384", "sha512"}

    @property
    def is_for_code(self) -> bool:
        """Whether the certificate is marked for code signing."""
        return CODE_SIGNING in self.usages


def parse_makecert(words: Sequence[str]) -> CertificateCommand:
    """Parse the arguments after `makecert`."""
    return CertificateCommand(*parse_switches(words, _WITH_VALUE))


def parse_new_self_signed_certificate(words: Sequence[str]) -> CertificateCommand:
    """Parse the arguments after `New-SelfSignedCertificate`."""
    waiting = deque(words)
    switches: list[str] = []
    while waiting:
        name = waiting.popleft().lower().lstrip("-")
        switch = _POWERSHELL.get(name)
        if switch == "store" and waiting:
            location, store = [*waiting.popleft().strip("\\").split("\\"), "", "", ""][1:3]
            switches += ["-ss", store]
            switches += ["-sr", location] if location.lower() == "localmachine" else []
        elif switch and waiting:
            value = waiting.popleft()
            switches += [switch, f"CN={value}" if name == "dnsname" else value]
        elif name == "type" and waiting and waiting.popleft().lower() == "codesigningcert":
            switches += ["-eku", CODE_SIGNING]
    # PowerShell's own default is SHA-256.
    return parse_makecert([*switches, *([] if "-a" in switches else ["-a", "sha256"])])
