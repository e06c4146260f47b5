"""What goes wrong when the tasks of a project create a certificate and sign."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.makecert import CertificateCommand
from kdrvgen.adopt.parse.passwords import is_variable
from kdrvgen.adopt.parse.paths import joined, slashes
from kdrvgen.adopt.parse.signtool import SignCommand
from kdrvgen.adopt.parse.steps import is_image
from kdrvgen.adopt.propose.signing_keys import (
    unsupported_certificate_switches,
    unsupported_sign_switches,
)
from kdrvgen.adopt.read.findings import difference, hazard, unknown
from kdrvgen.adopt.read.profile_facts import ProfileFacts
from kdrvgen.report.finding import Finding

__all__ = ["find_signing_hazards"]

_NO_KEY = "`[signing]` has no key for it"


def find_signing_hazards(profile: ProfileFacts) -> Iterator[Finding]:
    """Yield the hazards of signing in one profile."""
    if profile.certificate:
        yield from _certificate(profile.certificate.command, profile.certificate.origin)
    if not profile.signature:
        return
    command, origin, _ = profile.signature
    switches = command.names
    if "fd" not in switches:
        yield hazard(
            origin,
            "`/fd` is missing, and current versions of signtool require it",
            "the generated pipeline always passes it; the default is sha256",
        )
    if "tr" in switches and "td" not in switches:
        yield hazard(
            origin,
            "`/tr` without `/td`: signtool rejects it",
            "the generated pipeline always passes both",
        )
    if "a" in switches and "sha1" not in switches:
        yield hazard(
            origin,
            "`/a` selects one of several certificates with the same name, without a warning",
            "the generated pipeline passes the thumbprint of the certificate",
        )
    if command.password and not is_variable(command.password):
        yield hazard(
            origin,
            "a password in plain text: anyone with this file can sign as you",
            "the proposal does not contain it: put a new password into the variable that it names",
        )
    if "t" in switches:
        yield hazard(
            origin,
            "`/t` uses the old Authenticode protocol for timestamps, which fewer servers support",
            '`timestamp-protocol = "authenticode"` keeps it; without that line it is RFC 3161',
            is_avoided=False,
        )
    yield from _files(profile, command, origin)
    if unsupported := unsupported_sign_switches(command):
        yield difference(origin, f"the task passes {', '.join(unsupported)} to signtool", _NO_KEY)


def _files(profile: ProfileFacts, command: SignCommand, origin: Origin) -> Iterator[Finding]:
    variables = list(filter(is_variable, command.files))
    for variable in variables if len(variables) < len(command.files) else ():
        message = f"signtool gets {variable}, whose value kdrvgen does not know"
        yield unknown(origin, message, "if it has switches, write their values in `[signing]`")
    if image := _signed_copy(profile):
        message = f"this signs {image}, a copy of the image that another command makes"
        remedy = "the generated pipeline signs the image: copy it in a hook of `after-sign`"
        yield difference(origin, message, remedy)


def _signed_copy(profile: ProfileFacts) -> str:
    """Return the file that signtool signs, if it is not the image that a command makes."""
    if not profile.signature or not profile.image or not profile.dll:
        return ""
    made = profile.image.text.lower()
    signed = [file for file in map(slashes, profile.signature.command.files) if is_image(file)]
    is_known = signed and profile.is_placed and not re.search(r"[%$*]", f"{signed[0]}{made}")
    if not is_known:
        return ""
    path = joined(profile.signature.folder, signed[0]).lower()
    return "" if f"/{made}".endswith(f"/{path}") else signed[0]


def _certificate(command: CertificateCommand, origin: Origin) -> Iterator[Finding]:
    defects = [
        *([] if command.is_sha256 else ["uses SHA-1 by default"]),
        *([] if command.is_for_code else ["is not marked for code signing"]),
    ]
    if defects:
        yield hazard(
            origin,
            f"the certificate {' and '.join(defects)}",
            "the generated test certificate uses SHA-256 and is only for code signing",
        )
    if unsupported := unsupported_certificate_switches(command):
        message = f"the command that creates the certificate has {', '.join(unsupported)}"
        yield difference(origin, message, _NO_KEY)
