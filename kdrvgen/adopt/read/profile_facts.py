"""What the tasks do in one profile: the calls that build, rename and sign the driver."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from kdrvgen.adopt.parse.cargo_build import CargoBuild, parse_cargo_build
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.makecert import (
    CertificateCommand,
    parse_makecert,
    parse_new_self_signed_certificate,
)
from kdrvgen.adopt.parse.paths import joined, slashes
from kdrvgen.adopt.parse.signtool import SignCommand, parse_sign_command
from kdrvgen.adopt.parse.steps import Action, Step

__all__ = ["Invocation", "ProfileFacts", "profile_facts"]

_Command = TypeVar("_Command")


class Invocation(NamedTuple, Generic[_Command]):
    """A parsed call of a tool, where it is, and the folder that it runs in."""

    command: _Command
    origin: Origin
    folder: str | None


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """What the pipeline does in one profile of cargo-make.

    Attributes:
        name: The profile.
        is_declared: Whether the makefile has variables for it.
        build: The call of cargo.
        dll: The path of the .dll that becomes the image.
        image: The path of the image that is renamed or signed.
        is_placed: Whether the folder of the image is known.
        signature: The call of signtool.
        certificate: The call that creates a certificate.
    """

    name: str
    is_declared: bool
    build: Invocation[CargoBuild] | None = None
    dll: Located | None = None
    image: Located | None = None
    is_placed: bool = True
    signature: Invocation[SignCommand] | None = None
    certificate: Invocation[CertificateCommand] | None = None


def profile_facts(name: str, steps: Sequence[Step], *, is_declared: bool) -> ProfileFacts:
    """Return what the commands of the main tasks, in their order, do in a profile."""
    first: dict[Action, Step] = {}
    for step in steps:
        first.setdefault(step.action, step)
    build, rename = first.get(Action.BUILD), first.get(Action.RENAME)
    sign, certificate = first.get(Action.SIGN), first.get(Action.CERTIFICATE)
    dll, image = _renamed_files(rename) if rename else (None, None)
    signature = _invocation(sign, parse_sign_command(sign.words[2:])) if sign else None
    if image is None and signature:
        files = [file for file in signature.command.files if re.search(r"(?i)\.(sys|dll)$", file)]
        path = joined(signature.folder, files[0]) if files else ""
        image = Located(path, signature.origin) if files else None
    making = rename or (sign if image else None)
    return ProfileFacts(
        name=name,
        is_declared=is_declared,
        build=_invocation(build, parse_cargo_build(build.words[1:])) if build else None,
        dll=dll,
        image=image,
        is_placed=making is None or making.folder is not None or _is_absolute(image),
        signature=signature,
        certificate=(
            _invocation(certificate, _parse_certificate(certificate)) if certificate else None
        ),
    )


def _is_absolute(image: Located | None) -> bool:
    return image is not None and re.match(r"/|[A-Za-z]:|[%$]", image.text) is not None


def _invocation(step: Step, command: _Command) -> Invocation[_Command]:
    return Invocation(command, step.origin, step.folder)


def _parse_certificate(step: Step) -> CertificateCommand:
    if step.words[0] == "makecert":
        return parse_makecert(step.words[1:])
    return parse_new_self_signed_certificate(step.words[1:])


def _renamed_files(step: Step) -> tuple[Located, Located]:
    """Return the paths of the .dll and of the image that a command makes from it."""
    files = [word for word in step.words[1:] if not re.match(r"[-/]\w*$", word)]
    source = joined(step.folder, files[0])
    target = slashes(files[1])
    if step.words[0] in {"rename", "ren"}:  # the new name has no folder: the file stays in its own
        target = posixpath.join(posixpath.dirname(source), posixpath.basename(target))
    else:
        target = joined(step.folder, target)
    return Located(source, step.origin), Located(target, step.origin)
