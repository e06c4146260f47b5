"""The passwords in plain text of a makefile and of the scripts that it calls."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.adopt.parse.passwords import is_variable, passwords_in
from kdrvgen.adopt.parse.signtool import parse_sign_command
from kdrvgen.adopt.parse.toml_values import joined_strings
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.pipeline import Pipeline

__all__ = ["read_passwords"]


def read_passwords(makefile: Makefile, pipeline: Pipeline) -> frozenset[str]:
    """Return the passwords in plain text."""
    of_tasks = {
        password
        for task in makefile.tasks.values()
        for password in passwords_in(joined_strings(task.table))
    }
    of_signtool = {each for each in _signtool_passwords(pipeline) if not is_variable(each)}
    return frozenset(of_tasks | of_signtool)


def _signtool_passwords(pipeline: Pipeline) -> Iterator[str]:
    """Yield the values of `/p` in all calls of signtool, variables among them."""
    for profile in pipeline.profiles:
        if profile.signature:
            yield profile.signature.command.password
    for steps in pipeline.steps.values():
        for step in steps:
            if step.words[:2] == ("signtool", "sign"):
                yield parse_sign_command(step.words[2:]).password
