"""The passwords in plain text of a project's makefile, and of its scripts."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.adopt.parse.passwords import is_variable, passwords_in
from kdrvgen.adopt.parse.signtool import parse_sign_command
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.credentials import holds_credential

__all__ = ["read_passwords"]

_SCRIPTS = (".bat", ".cmd", ".ps1", ".sh", ".env", "justfile")


def read_passwords(snapshot: Snapshot, makefile: Makefile, pipeline: Pipeline) -> frozenset[str]:
    """Return the passwords in plain text."""
    found: set[str] = set()
    for task in makefile.tasks.values():
        found |= passwords_in(task.table)
    for path, text in snapshot.files.items():
        if path.lower().endswith(_SCRIPTS):
            found |= passwords_in(text)
    found |= {*_variables(makefile), *_signtool_passwords(pipeline)}
    return frozenset(each for each in found if each and not is_variable(each))


def _variables(makefile: Makefile) -> Iterator[str]:
    for variables in (makefile.env, *makefile.profiles.values()):
        for name, variable in variables.items():
            yield from passwords_in(variable.value)
            if holds_credential(name):
                yield variable.text or ""


def _signtool_passwords(pipeline: Pipeline) -> Iterator[str]:
    """Yield the values of `/p` in all calls of signtool, variables among them."""
    for profile in pipeline.profiles:
        if profile.signature:
            yield profile.signature.command.password
    for steps in pipeline.steps.values():
        for step in steps:
            if step.words[:2] == ("signtool", "sign"):
                yield parse_sign_command(step.words[2:]).password
