"""How the README, the CI files and the scripts of a repository call cargo-make."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.paths import slashes
from kdrvgen.adopt.read.callers import folder_of_calls, is_about_building
from kdrvgen.adopt.read.snapshot import Snapshot

__all__ = ["CARGO_OPTIONS", "MakeCall", "read_calls"]

_MAX_CALLS = 200
# A word in `<>` stands for any text, but `<br>` is a tag. `${{ }}` is an expression of GitHub.
_CALL = re.compile(
    r"\b(?:cargo(?:\.exe)?[ \t]+(?:\+\S+[ \t]+)?make|makers)(?![\w.:-])"
    r"(?P<rest>(?:\$\{\{[^{}\n]{0,80}\}\}|<(?!br\b)\w[\w -]{0,40}>|[^\n`\"'|;&()<>#]){0,200})"
)
_PLACEHOLDER = re.compile(r"\$\{\{[^{}\n]*\}\}|<[^<>\n]*>")
_UNKNOWN = re.compile(r"[<>$%{}*]")
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
    "--cwd": "cwd",
    **dict.fromkeys(("-e", "--env", "-l", "--loglevel", "--env-file"), ""),
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
        is_near: Whether it runs in the project's folder, as far as the file shows.
    """

    task: str
    makefile: str
    profile: str
    arguments: tuple[str, ...]
    origin: Origin
    is_near: bool = True

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


def read_calls(snapshot: Snapshot) -> Iterator[MakeCall]:
    """Yield the first calls of cargo-make in the README, CI files and scripts of the repository.

    Calls that run in another package's folder are left out, if the call names the folder.
    """
    yield from islice(_calls(snapshot), _MAX_CALLS)


def _calls(snapshot: Snapshot) -> Iterator[MakeCall]:
    for path, text in {**snapshot.files, **snapshot.callers}.items():
        if not is_about_building(path):
            continue
        far: set[str] = set()  # a README of several packages repeats its calls
        for number, line in enumerate(text.split("\n"), 1):
            for match in _CALL.finditer(line):
                rest = _PLACEHOLDER.sub(lambda found: "".join(found[0].split()), match["rest"])
                call, folder = _parse(rest.split(), Origin(path, number))
                is_near = _is_near(snapshot, path, folder)
                if is_near or (is_near is False and call.text not in far):
                    yield replace(call, is_near=is_near)
                if is_near is False:
                    far.add(call.text)


def _is_near(snapshot: Snapshot, path: str, folder: str) -> bool | None:
    """Return whether a call runs in the project's folder, as far as its file shows that.

    Args:
        snapshot: The project.
        path: The file of the call.
        folder: The folder that the call names, or "".

    Returns:
        None if it runs in another folder.
    """
    if not folder:
        return not folder_of_calls(path)
    if _UNKNOWN.search(folder):
        return False
    place = posixpath.join(folder_of_calls(path), slashes(folder), "x")
    return True if snapshot.shortest(place) == "x" else None


def _parse(words: list[str], origin: Origin) -> tuple[MakeCall, str]:
    """Return a call, and the folder that it names, or ""."""
    found = {"profile": "", "makefile": "", "task": "", "cwd": ""}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name, has_value, value = rest.pop(0).partition("=")
        if name in _WITH_VALUE:
            value = value if has_value else (rest.pop(0) if rest else "")
            found[_WITH_VALUE[name]] = value
    if not found["task"] and rest:
        found["task"] = rest.pop(0).rstrip(".,:")
    call = MakeCall(found["task"], found["makefile"], found["profile"], tuple(rest), origin)
    return call, found["cwd"]
