"""`kdrvgen completion SHELL`: prints the script that completes kdrvgen's words in a shell."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import import_module
from typing import get_args

from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.commands.parser import parser_of
from kdrvgen.completion.words import Command, Values, commands
from kdrvgen.doctor.tasks import Task
from kdrvgen.lexicon import entries
from kdrvgen.model.bootstrap import PACKAGE_KEYS
from kdrvgen.model.driver import Target
from kdrvgen.model.reference import keys
from kdrvgen.report.reporter import Reporter
from kdrvgen.scaffold import template, values
from kdrvgen.scaffold.manifest import OPTIONS

__all__ = ["SHELLS", "described", "populate_parser", "run"]

SHELLS = ("bash", "zsh", "fish", "powershell")
"""The shells, each with a module of its own."""

# What no shell splits, expands or takes for a quotation.
_PLAIN = re.compile(r"[A-Za-z0-9_./:+=,@-]+")


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0.
    """
    script: str = import_module(f"kdrvgen.completion.{arguments.shell}").script(described())
    reporter.answer("script", script, script.removesuffix("\n"))
    return 0


def described() -> tuple[Command, ...]:
    """Return all commands with the words that can follow them."""
    parsers = {verb: (text, parser_of(verb)) for verb, text in VERBS.items()}
    default = ("generate the files of a project", parser_of(DEFAULT))
    known = {
        "NAME KEY=VALUE": Values(tuple(_settings()), has_folders=True),
        "TASKS": Values(tuple(Task)),
        "TEMPLATE": Values(template.names(), has_folders=True),
        "WORD": Values(tuple(_terms())),
    }
    return commands({"": default, **parsers}, known)


def _settings() -> Iterator[str]:
    """Yield each `KEY=` that `kdrvgen new` takes, and each `KEY=VALUE` of a closed set."""
    paths = {name: ("bootstrap", name) for name in (*PACKAGE_KEYS, *OPTIONS)}
    paths |= {
        each.path: (each.table, each.name)
        for each in keys()
        if each.table and "." not in each.table and each.table not in {"bootstrap", "makefile"}
    }
    for key, path in paths.items():
        yield f"{key}="
        choices = values.choices(path)
        if path in {("driver", "target"), ("driver", "targets")}:
            choices = get_args(Target)
        yield from (f"{key}={choice}" for choice in choices)


def _terms() -> Iterator[str]:
    """Yield each word that `kdrvgen explain` knows, without the name of the tool."""
    words = (term.rpartition(" ")[2] for term in entries())
    yield from dict.fromkeys(word for word in words if _PLAIN.fullmatch(word))
