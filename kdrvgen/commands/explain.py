"""`kdrvgen explain WORD`: explains a key, a term of the tools, a task, a rule or an error."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from importlib import import_module
from itertools import groupby
from textwrap import fill

from kdrvgen.errors import UsageError
from kdrvgen.lexicon import Term, entries, look_up, rule_term
from kdrvgen.report.reporter import Reporter
from kdrvgen.spelling import nearest

__all__ = ["explain", "populate_parser", "run"]

_WIDTH = 100
_LABELS = {
    "also": "also",
    "default": "default",
    "change": "change it",
    "without": "without it",
    "source": "source",
}
_WITH_REMEDY = ("Windows error", "rule of findings")
_MODULES_WITH_RULES = (
    "kdrvgen.inspection.checks",
    "kdrvgen.packaging.checks.inspect",
    "kdrvgen.packaging.submission",
)


def explain(word: str) -> tuple[Term, ...]:
    """Return the explanations of a key of config.toml, or of another term.

    Args:
        word: Such as `linker.args`, `/INTEGRITYCHECK` or `signtool /fd`, a task such as `sign`, a
            rule of findings such as `cargo-panic` or `[cargo-panic]`, what a line of doctor begins
            with, such as `host linker`, an error number of Windows such as `577` or `0xC0000428`. A
            key can be without its table, and a linker argument can have a value.

    Returns:
        All terms with this name, which can be keys of several tables.

    Raises:
        UsageError: The word is unknown; the message has similar ones.
    """
    word = re.sub(r"^\[([a-z-]+)\]$", r"\1", word.strip())  # as findings name their rule
    found = look_up(word) or tuple(each for each in _checked_rules() if each.term == word)
    if found:
        return found
    if re.fullmatch("[0-9]+|0x[0-9a-f]+", word, re.IGNORECASE):
        raise UsageError(
            f"kdrvgen does not know the number {word}. Windows, or the entry point of the driver, "
            f"returned it: on Windows, `net helpmsg {word}` prints its text."
        )
    raise UsageError(f"`{word}` is unknown.{_nearest(word)}")


def _checked_rules() -> tuple[Term, ...]:
    """Return the rules of images and packages; none without the packages of the extra `verify`."""
    try:
        rules = [rule for name in _MODULES_WITH_RULES for rule in import_module(name).RULES]
    except ImportError:
        return ()
    return tuple(
        rule_term(rule.id, f"{rule.title[0].upper()}{rule.title[1:]}. {rule.why}", rule.reference)
        for rule in rules
    )


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "word",
        metavar="WORD",
        nargs="?",
        help='for example linker.args, /INTEGRITYCHECK, "signtool /fd", the task sign, the rule '
        "cargo-panic, or the error 577 of Windows (default: list all)",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0.

    Raises:
        UsageError: The word is unknown; the message has similar ones.
    """

    def describe(entry: Term) -> str:
        lines = [f"{entry.term} ({entry.kind})", _wrap(entry.does, "  ")]
        for field, label in _LABELS.items():
            if value := getattr(entry, field):
                is_remedy = field == "change" and entry.kind in _WITH_REMEDY
                shown = "what to do" if is_remedy else label
                lines.append(_wrap(f"{shown}: {value}", "    ", hang="      "))
        return "\n".join(lines)

    if arguments.word is None:
        all_entries = (*entries().values(), *_checked_rules())
        reporter.answer("terms", [entry._asdict() for entry in all_entries], _list(all_entries))
        return 0
    matching = explain(arguments.word)
    reporter.answer(
        "terms", [entry._asdict() for entry in matching], "\n\n".join(map(describe, matching))
    )
    return 0


def _wrap(text: str, indent: str, hang: str = "") -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "\n".join(
        fill(
            paragraph,
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=hang or indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for paragraph in paragraphs
    )


def _list(all_entries: Iterable[tuple[str, ...]]) -> str:
    blocks = []
    for kind, group in groupby(all_entries, key=lambda entry: entry[1]):
        terms = ", ".join(entry[0] for entry in group)
        blocks.append(f"{kind}:\n{_wrap(terms, '  ')}")
    return "\n".join((*blocks, "", "`kdrvgen explain WORD` explains one of them."))


def _nearest(word: str) -> str:
    names = {name: term for term in entries() for name in (term, term.rpartition(".")[2])}
    names |= {term.rpartition(" ")[2]: term for term in entries()}
    similar = []
    for _ in range(3):
        near = nearest(word, names)
        if not near:
            break
        similar.append(f"`{names[near]}`")
        names = {name: term for name, term in names.items() if term != names[near]}
    suggestion = f" Did you mean {' or '.join(similar)}?" if similar else ""
    return f"{suggestion} `kdrvgen explain` lists all words."
