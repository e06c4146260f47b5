"""Explains the keys of config.toml, and the switches and terms of the tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import tomli

from kdrvgen.model import Driver, Linker
from kdrvgen.model.presets import link_arguments, matches
from kdrvgen.model.reference import keys

__all__ = ["Term", "entries", "look_up"]

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
    """

    term: str
    kind: str
    does: str
    default: str
    change: str
    without: str
    source: str


@cache
def entries() -> Mapping[str, Term]:
    """Return all entries by their term: the keys in the order of the models, then the terms."""
    return MappingProxyType({entry.term: entry for entry in (*_keys(), *_terms())})


def look_up(word: str) -> tuple[Term, ...]:
    """Return the entries for a word: all with this name, or those of the switch in it.

    A key can be without its table, or with that of a profile. A linker argument can have a value,
    `-` instead of `/`, or the form of rustc (`-Clink-arg=/ENTRY:x`); it is compared ignoring case.
    """
    argument = re.sub(r"^(-[CZ] ?)?(pre-)?link-arg=", "", word.strip())
    for candidate in _candidates(argument):
        matching = tuple(entry for term, entry in entries().items() if _is(term, candidate))
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


def _is(term: str, word: str) -> bool:
    """Return whether a word is the term, or the term without its table or tool."""
    names = (term, term.rpartition(" ")[2], term.rpartition(".")[2])
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
