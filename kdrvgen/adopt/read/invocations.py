"""How the README and the CI of a project call cargo-make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.read.snapshot import Snapshot

__all__ = ["CARGO_OPTIONS", "MakeCall", "is_about_building", "read_calls"]

_MAX_CALLS = 200
_PLACES = re.compile(
    r"readme(\.\w+)?|contributing\.md|\.gitlab-ci\.yml|azure-pipelines\.ya?ml|appveyor\.yml"
    r"|\.github/workflows/[^/]+\.ya?ml",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"\b(?:cargo(?:\.exe)?[ \t]+(?:\+\S+[ \t]+)?make|makers)(?![\w.:-])"
    r"(?P<rest>[^\n`\"'|;&()<>#]{0,200})"
)
CARGO_OPTIONS = {
    **dict.fromkeys(("--release", "-r", "--all-features", "--no-default-features"), False),
    **dict.fromkeys(("--locked", "--offline", "-v", "--verbose"), False),
    **dict.fromkeys(("--profile", "--target", "--features", "-F", "--jobs", "-j"), True),
}
"""Options of cargo after a task of wdk-build's makefile, each with whether it has a value.

Source: wdk-build 0.2.0 to 0.6.0, src/cargo_make.rs.
"""
# Options of cargo-make before the task, with a value. Source: `cargo make --help`, 0.37.24.
_WITH_VALUE = {
    **dict.fromkeys(("-p", "--profile"), "profile"),
    **dict.fromkeys(("--makefile", "-m"), "makefile"),
    **dict.fromkeys(("-t", "--task"), "task"),
    **dict.fromkeys(("-e", "--env", "-l", "--loglevel", "--env-file", "--cwd"), ""),
    **dict.fromkeys(("--time-summary", "--skip-tasks", "--output-format"), ""),
}


@dataclass(frozen=True, slots=True)
class MakeCall:
    """A call of cargo-make.

    Attributes:
        task: The task; "" for the default one.
        makefile: The makefile that it names, or "".
        profile: The profile that it names, or "".
        arguments: The arguments for the task.
        origin: Where it is.
    """

    task: str
    makefile: str
    profile: str
    arguments: tuple[str, ...]
    origin: Origin

    @property
    def text(self) -> str:
        """The call as one would type it, with `…` for arguments that may be secret."""
        makefile = ("--makefile", self.makefile) if self.makefile else ()
        profile = ("--profile", self.profile) if self.profile else ()
        words = ["cargo", "make", *makefile, *profile, self.task]
        waiting = iter(self.arguments)
        for name in waiting:
            if name.partition("=")[0] not in CARGO_OPTIONS:
                words.append("…")
                break
            words.append(name)
            if CARGO_OPTIONS.get(name):
                words.append(next(waiting, ""))
        return " ".join(word for word in words if word)


def is_about_building(path: str) -> bool:
    """Return whether a file describes or runs the build of the project."""
    return _PLACES.fullmatch(path) is not None


def read_calls(snapshot: Snapshot) -> Iterator[MakeCall]:
    """Yield the first calls of cargo-make in the README and the CI of the project's folder."""
    yield from islice(_calls(snapshot), _MAX_CALLS)


def _calls(snapshot: Snapshot) -> Iterator[MakeCall]:
    for path, text in snapshot.files.items():
        if not is_about_building(path):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for match in _CALL.finditer(line):
                yield _parse(match["rest"].split(), Origin(path, number))


def _parse(words: list[str], origin: Origin) -> MakeCall:
    found = {"profile": "", "makefile": "", "task": ""}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name, has_value, value = rest.pop(0).partition("=")
        if name in _WITH_VALUE:
            value = value if has_value else (rest.pop(0) if rest else "")
            found[_WITH_VALUE[name]] = value
    if not found["task"] and rest:
        found["task"] = rest.pop(0).rstrip(".,:")
    return MakeCall(found["task"], found["makefile"], found["profile"], tuple(rest), origin)
