"""Explains keys of config.toml, terms of the tools, tasks, rules, and errors of Windows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import tomli

from kdrvgen.lexicon.rules import described_rules, host_rules
from kdrvgen.lexicon.tasks import MakeTask, tasks
from kdrvgen.lexicon.windows import WindowsError, find_error, windows_errors
from kdrvgen.model import Driver, Linker
from kdrvgen.model.presets import link_arguments, matches
from kdrvgen.model.reference import keys

__all__ = ["Term", "entries", "look_up", "plain", "rule_term"]

_KINDS = {
    "linker": "linker argument",
    "signtool": "signtool switch",
    "osslsigncode": "osslsigncode option",
    "rust": "cargo and rustc",
    "cargo-make": "cargo-make",
}


class Term(NamedTuple):
    """The explanation of one term.

    Attributes:
        term: The term. A key begins with its table, a switch of a tool with the tool.
        kind: The kind of term, for people.
        does: What it does.
        default: Its default, as TOML; "" if `without` describes it.
        change: When to change it, and with which key.
        without: What happens without it.
        source: The source of these facts.
        also: Other names of the same thing.
    """

    term: str
    kind: str
    does: str
    default: str
    change: str
    without: str
    source: str
    also: str = ""


@cache
def entries() -> Mapping[str, Term]:
    """Return all entries by their term: the keys in the order of the models, then the others."""
    errors = map(_of_error, windows_errors().values())
    others = (*_terms(), *map(_of_task, tasks()), *errors, *_rules())
    return MappingProxyType({entry.term: entry for entry in (*_keys(), *others)})


def look_up(word: str) -> tuple[Term, ...]:
    """Return the entries for a word: all with this name, or those of the switch in it.

    A key can be without its table, or with that of a profile. A linker argument can have a value,
    `-` instead of `/`, or the form of rustc (`-Clink-arg=/ENTRY:x`); it is compared ignoring case.
    """
    if error := find_error(word):
        return (entries()[error.number],)
    argument = re.sub(r"^(-[CZ] ?)?(pre-)?link-arg=", "", word.strip())
    for candidate in _candidates(argument):
        matching = tuple(entry for entry in entries().values() if _is(entry, candidate))
        if matching:
            return matching
    return ()


def _candidates(word: str) -> Iterator[str]:
    """Yield the forms of a word to search for, the most exact one first."""
    yield word
    yield re.sub(r"^profiles\.[^.]+\.", "", word)
    yield re.sub(r"^profiles\.[^.]+\.", "profiles.NAME.", word)
    yield word.partition("[")[0]
    switch, _, value = re.sub("^-", "/", word).partition(":")
    yield f"{switch}:{value.partition('=')[0]}"
    yield switch
    yield word.partition("=")[0]


def _is(entry: Term, word: str) -> bool:
    """Return whether a word is the term, the term without its table or tool, or another name."""
    term = entry.term
    names = (term, term.rpartition(" ")[2], term.rpartition(".")[2], entry.also or term)
    if word.startswith("/"):
        # Switches of the linker ignore case.
        return word.upper() in {term.upper(), names[1].upper()}
    return word in names


def _keys() -> Iterator[Term]:
    for key in keys():
        yield Term(
            term=key.path,
            kind="key of config.toml",
            does=key.text,
            default=key.default,
            change=key.change,
            without=key.without,
            source=key.source,
        )


def _terms() -> Iterator[Term]:
    for name, kind in _KINDS.items():
        text = files(__name__).joinpath(f"terms/{name}.toml").read_text(encoding="utf-8")
        for term, texts in tomli.loads(text).items():
            yield Term(term=term, kind=kind, default=_in_presets(term), **texts)


def _of_error(error: WindowsError) -> Term:
    remedy = plain(error.remedy)
    return Term(
        term=error.number,
        kind="Windows error",
        does=error.cause,
        default="",
        change=f"{remedy[0].upper()}{remedy[1:]}.",
        without="",
        source="https://learn.microsoft.com/windows/win32/debug/system-error-codes",
        also=", ".join((error.name, *error.kernel)),
    )


def _of_task(task: MakeTask) -> Term:
    before = f" It runs {' and '.join(task.before)} first." if task.before else ""
    return Term(
        term=f"cargo make {task.name}",
        kind="task",
        does=f"{task.description}{before}",
        default="",
        change="",
        without="",
        source="https://docs.rs/crate/cargo-make",
    )


def _rules() -> Iterator[Term]:
    for rule, text in described_rules().items():
        yield rule_term(rule, text)
    for rule, host in host_rules().items():
        does = f"What `kdrvgen doctor` checks: {host.checks}. {host.why}"
        yield rule_term(rule, plain(does))._replace(change=plain(host.fix), also=host.name)


def rule_term(rule: str, does: str, source: str = "") -> Term:
    """Return the explanation of a rule that findings name."""
    return Term(rule, "rule of findings", does, "", "", "", source)


def plain(markdown: str) -> str:
    """Return a text of Markdown for a terminal: without links and emphasis."""
    return re.sub(r"\*([^*]+)\*", r"\1", re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", markdown))


def _in_presets(term: str) -> str:
    """Return which presets pass a linker argument; "" for other terms."""
    if not term.startswith("/"):
        return ""
    presets = []
    for preset in ("kernel", "blog-2020"):
        driver, linker = Driver(name="any"), Linker(preset=preset)
        pre, post = link_arguments(driver, linker, driver.triples[0])
        if any(matches(term, argument.partition("=")[0]) for argument in (*pre, *post)):
            presets.append(f"`{preset}`")
    return f"passed by preset {' and '.join(presets)}" if presets else "not passed"
