"""Flags for rustc: linker arguments before and after the objects, and other flags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Located

__all__ = ["Flags", "LinkerArguments", "parse_rustflags"]

# Flags whose value may be the next word. All others have it after a `=`, or have none.
_WITH_VALUE = frozenset(
    {"-C", "-Z", "--codegen", "-L", "-l", "--cfg", "--check-cfg", "--cap-lints"}
)
# Flags that cargo passes itself. A second one breaks the build.
_SET_BY_CARGO = frozenset({"--out-dir", "-o", "--target", "--crate-type", "--crate-name", "--emit"})
_LINTS = frozenset({"-A", "-W", "-D", "-F"})
_BEGINNING = _WITH_VALUE | _LINTS | _SET_BY_CARGO


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
    pre: list[Located] = []
    post: list[Located] = []
    other: list[Located] = []
    panic_abort: list[Located] = []
    set_by_cargo: list[Located] = []
    linker = unstable = None
    for kind, name, value, written in _flags(words):
        flag, origin = written[0].text, written[-1].origin
        located = Located(value, origin)
        match kind, name.replace("_", "-"):
            case "-Z", "pre-link-arg":
                pre.append(located)
            case "-Z", "pre-link-args":
                pre += _split(located)
            case "-C", "link-arg":
                post.append(located)
            case "-C", "link-args":
                post += _split(located)
            case "-C", "linker":
                linker = located
            case "-C", "panic" if value == "abort":
                panic_abort.append(located)
            case _ if flag.partition("=")[0] in _SET_BY_CARGO:
                set_by_cargo.append(Located(flag, origin))
            case _:
                other += written
        if kind == "-Z" and unstable is None:
            unstable = Located(f"-Z {name}", origin)
    return Flags(
        pre=tuple(pre),
        post=tuple(post),
        other=tuple(other),
        linker=linker,
        unstable=unstable,
        panic_abort=tuple(panic_abort),
        set_by_cargo=tuple(set_by_cargo),
    )


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
        elif word.text in _BEGINNING:
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
