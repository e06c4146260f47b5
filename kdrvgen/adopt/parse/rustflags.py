"""Flags for rustc, told apart: for the linker, before and after the objects, and others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kdrvgen.adopt.parse.located import Said
from kdrvgen.adopt.read.findings import difference, note
from kdrvgen.report.finding import Finding

__all__ = ["Flags", "sort_flags"]

# Flags whose value may be a word of its own; the rest carry it after a `=`, or have none.
_WITH_VALUE = frozenset(
    {"-C", "-Z", "--codegen", "-L", "-l", "--cfg", "--check-cfg", "--cap-lints"}
)
# What cargo itself passes: a second one breaks the build.
_CARGOS = frozenset({"--out-dir", "-o", "--target", "--crate-type", "--crate-name", "--emit"})
_LINTS = frozenset({"-A", "-W", "-D", "-F"})


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags for rustc.

    Attributes:
        pre: Arguments for the linker, before the objects: nightly's `-Z pre-link-arg`.
        post: Arguments for the linker, after the objects.
        other: What is no business of the linker's, word by word.
        linker: The linker that `-C linker` names, if one.
        unstable: The first flag that only nightly takes, if there is one.
        findings: What the proposal says in another way.
    """

    pre: tuple[Said, ...] = ()
    post: tuple[Said, ...] = ()
    other: tuple[Said, ...] = ()
    linker: Said | None = None
    unstable: Said | None = None
    findings: tuple[Finding, ...] = ()


def sort_flags(words: Iterable[Said]) -> Flags:
    """Tell flags apart, keeping the order within each kind."""
    flags = Flags()
    for kind, name, value, given in _units(words):
        last = given[-1]
        match kind, name.replace("_", "-"):
            case "-Z", "pre-link-arg":
                flags = replace(flags, pre=(*flags.pre, Said(value, last.origin)))
            case "-Z", "pre-link-args":
                flags = replace(flags, pre=(*flags.pre, *_split(value, last)))
            case "-C", "link-arg":
                flags = replace(flags, post=(*flags.post, Said(value, last.origin)))
            case "-C", "link-args":
                flags = replace(flags, post=(*flags.post, *_split(value, last)))
            case "-C", "linker":
                flags = replace(flags, linker=Said(value, last.origin))
            case "-C", "panic" if value == "abort":
                told = note(
                    last.origin,
                    "`-C panic=abort` is a flag for rustc here",
                    "the generated cargo configuration says it for the profiles dev and release",
                )
                flags = replace(flags, findings=(*flags.findings, told))
            case _ if given[0].text.partition("=")[0] in _CARGOS:
                told = difference(
                    last.origin, f"`{given[0].text}` is set by cargo itself", "left out"
                )
                flags = replace(flags, findings=(*flags.findings, told))
            case _:
                flags = replace(flags, other=(*flags.other, *given))
        if kind == "-Z" and flags.unstable is None:
            flags = replace(flags, unstable=Said(f"-Z {name}", last.origin))
    return flags


def _split(value: str, said: Said) -> Iterator[Said]:
    return (Said(word, said.origin) for word in value.split())


def _units(words: Iterable[Said]) -> Iterator[tuple[str, str, str, tuple[Said, ...]]]:
    """Yield each flag as its kind, its name, its value and the words it was written in."""
    waiting: Said | None = None
    for word in words:
        if waiting is not None:
            kind = "-C" if waiting.text == "--codegen" else waiting.text
            name, _, value = word.text.partition("=")
            yield kind, name, value, (waiting, word)
            waiting = None
        elif word.text in _WITH_VALUE | _LINTS | _CARGOS:
            waiting = word
        elif word.text.startswith(("-C", "-Z", "--codegen=")):
            kind = "-Z" if word.text.startswith("-Z") else "-C"
            bare = word.text.removeprefix("--codegen=").removeprefix(kind)
            name, _, value = bare.partition("=")
            yield kind, name, value, (word,)
        else:
            yield "", word.text, "", (word,)
    if waiting is not None:
        yield "", waiting.text, "", (waiting,)
