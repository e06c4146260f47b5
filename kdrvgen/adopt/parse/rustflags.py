"""Flags for rustc: linker arguments before and after the objects, and other flags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kdrvgen.adopt.parse.located import Located

__all__ = ["Flags", "LinkerArguments", "parse_rustflags"]

# Flags whose value may be the next word. All others have it after a `=`, or have none.
_WITH_VALUE = frozenset(
    {"-C", "-Z", "--codegen", "-L", "-l", "--cfg", "--check-cfg", "--cap-lints"}
)
# Flags that cargo passes itself. A second one breaks the build.
_SET_BY_CARGO = frozenset({"--out-dir", "-o", "--target", "--crate-type", "--crate-name", "--emit"})
_LINTS = frozenset({"-A", "-W", "-D", "-F"})


@dataclass(frozen=True, slots=True)
class LinkerArguments:
    """Linker arguments before the objects (`pre`) and after them (`post`)."""

    pre: tuple[Located, ...]
    post: tuple[Located, ...]

    @property
    def all(self) -> tuple[Located, ...]:
        """All arguments, in their order."""
        return (*self.pre, *self.post)

    @property
    def texts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The texts of `pre` and `post`."""
        return tuple(word.text for word in self.pre), tuple(word.text for word in self.post)


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags for rustc.

    Attributes:
        pre: Linker arguments before the objects: nightly's `-Z pre-link-arg`.
        post: Linker arguments after the objects.
        other: All other flags, word by word.
        linker: The value of `-C linker`.
        unstable: The first flag that only nightly accepts.
        panic_abort: Each `-C panic=abort`.
        set_by_cargo: Each flag that cargo passes itself.
    """

    pre: tuple[Located, ...] = ()
    post: tuple[Located, ...] = ()
    other: tuple[Located, ...] = ()
    linker: Located | None = None
    unstable: Located | None = None
    panic_abort: tuple[Located, ...] = ()
    set_by_cargo: tuple[Located, ...] = ()


def parse_rustflags(words: Iterable[Located]) -> Flags:
    """Sort flags by their kind, keeping the order within each kind."""
    flags = Flags()
    for kind, name, value, written in _flags(words):
        flag, origin = written[0].text, written[-1].origin
        located = Located(value, origin)
        match kind, name.replace("_", "-"):
            case "-Z", "pre-link-arg":
                flags = replace(flags, pre=(*flags.pre, located))
            case "-Z", "pre-link-args":
                flags = replace(flags, pre=(*flags.pre, *_split(located)))
            case "-C", "link-arg":
                flags = replace(flags, post=(*flags.post, located))
            case "-C", "link-args":
                flags = replace(flags, post=(*flags.post, *_split(located)))
            case "-C", "linker":
                flags = replace(flags, linker=located)
            case "-C", "panic" if value == "abort":
                flags = replace(flags, panic_abort=(*flags.panic_abort, located))
            case _ if flag.partition("=")[0] in _SET_BY_CARGO:
                flags = replace(flags, set_by_cargo=(*flags.set_by_cargo, Located(flag, origin)))
            case _:
                flags = replace(flags, other=(*flags.other, *written))
        if kind == "-Z" and flags.unstable is None:
            flags = replace(flags, unstable=Located(f"-Z {name}", origin))
    return flags


def _split(located: Located) -> Iterator[Located]:
    return (Located(word, located.origin) for word in located.text.split())


def _flags(words: Iterable[Located]) -> Iterator[tuple[str, str, str, tuple[Located, ...]]]:
    """Yield each flag as its kind, its name, its value and the words that it is written in."""
    begun: Located | None = None
    for word in words:
        if begun is not None:
            kind = "-C" if begun.text == "--codegen" else begun.text
            name, _, value = word.text.partition("=")
            yield kind, name, value, (begun, word)
            begun = None
        elif word.text in _WITH_VALUE | _LINTS | _SET_BY_CARGO:
            begun = word
        elif word.text.startswith(("-C", "-Z", "--codegen=")):
            kind = "-Z" if word.text.startswith("-Z") else "-C"
            bare = word.text.removeprefix("--codegen=").removeprefix(kind)
            name, _, value = bare.partition("=")
            yield kind, name, value, (word,)
        else:
            yield "", word.text, "", (word,)
    if begun is not None:
        yield "", begun.text, "", (begun,)
