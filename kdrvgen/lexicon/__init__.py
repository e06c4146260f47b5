"""What every word means that kdrvgen reads or writes: keys, switches, terms of the tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Entry", "entries", "look_up"]

_KINDS = {
    "linker": "linker argument",
    "signtool": "signtool switch",
    "osslsigncode": "osslsigncode option",
    "rust": "cargo and rustc",
    "cargo-make": "cargo-make",
}


class Entry(NamedTuple):
    """What one word means.

    Attributes:
        term: The word. A key has its table in front, a tool's switch its tool.
        kind: What sort of word it is, in words.
        does: What it does.
        default: What counts when nothing is said, as it would be written; "" where that is told
            in `without`.
        change: When to change it, and by which key.
        without: What happens without it.
        source: Where the facts are from.
    """

    term: str
    kind: str
    does: str
    default: str
    change: str
    without: str
    source: str


@cache
def entries() -> Mapping[str, Entry]:
    """Return every entry by its term: the keys in the order of the models, then the terms."""
    return MappingProxyType({entry.term: entry for entry in (*_keys(), *_terms())})


def look_up(word: str) -> tuple[Entry, ...]:
    """Return what a word means: every entry of that name, or that of the switch it begins with.

    A key may come without its table, or with that of a profile; a linker argument with its value,
    with `-` for `/`, and as cargo is told of it (`-Clink-arg=/ENTRY:x`). Case does not count for a
    linker argument.
    """
    argument = re.sub(r"^(-[CZ] ?)?(pre-)?link-arg=", "", word.strip())
    for candidate in _candidates(argument):
        found = tuple(entry for term, entry in entries().items() if _is(term, candidate))
        if found:
            return found
    return ()


def _candidates(word: str) -> Iterator[str]:
    """Yield the forms in which a word may be known, the most exact first."""
    yield word
    yield re.sub(r"^profiles\.[^.]+\.", "", word)
    yield re.sub(r"^profiles\.[^.]+\.", "profiles.NAME.", word)
    yield word.partition("[")[0]
    switch, _, value = re.sub("^-", "/", word).partition(":")
    yield f"{switch}:{value.partition('=')[0]}"
    yield switch
    yield word.partition("=")[0]


def _is(term: str, word: str) -> bool:
    """Tell whether a word means the term: as a whole, or without its table or its tool."""
    names = (term, term.rpartition(" ")[2], term.rpartition(".")[2])
    if word.startswith("/"):
        # Of the linker's switches case does not count.
        return word.upper() in {term.upper(), names[1].upper()}
    return word in names


def _keys() -> Iterator[Entry]:
    from kdrvgen.model.reference import keys  # noqa: PLC0415 - pulls in pydantic

    for key in keys():
        yield Entry(
            term=key.path,
            kind="key of config.toml",
            does=key.text,
            default=key.default,
            change=key.change,
            without=key.without,
            source=key.source,
        )


def _terms() -> Iterator[Entry]:
    import tomli  # noqa: PLC0415 - to be read only when something is asked

    for name, kind in _KINDS.items():
        text = files(__name__).joinpath(f"terms/{name}.toml").read_text(encoding="utf-8")
        for term, told in tomli.loads(text).items():
            yield Entry(term=term, kind=kind, default=_in_presets(term), **told)


def _in_presets(term: str) -> str:
    """Return which presets pass a linker argument; "" for a term of another kind."""
    from kdrvgen.model import Driver, Linker  # noqa: PLC0415 - as in _keys
    from kdrvgen.model.presets import link_arguments, matches  # noqa: PLC0415 - likewise

    if not term.startswith("/"):
        return ""
    found = []
    for preset in ("kernel", "blog-2020"):
        driver, linker = Driver(name="any"), Linker(preset=preset)
        pre, post = link_arguments(driver, linker, driver.triples[0])
        if any(matches(term, each.partition("=")[0]) for each in (*pre, *post)):
            found.append(f"`{preset}`")
    return f"passed by preset {' and '.join(found)}" if found else "not passed"
