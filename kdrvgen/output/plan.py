"""What writing a project's texts would do to the files on disk; looks, and never touches."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from kdrvgen.errors import FileAccessError
from kdrvgen.output.access import explain
from kdrvgen.output.paths import is_within, resolve, sibling_of, temporary
from kdrvgen.output.report import Caution, Entry, Report, Status
from kdrvgen.rendering.header import Ownership, examine, normalise

__all__ = ["Plan", "Step", "make", "read"]

_REFUSED = {
    Ownership.EDITED: "edited by hand since kdrvgen wrote it",
    Ownership.FOREIGN: "not written by kdrvgen",
}
_FORCED = {
    Ownership.EDITED: "takes the place of a file edited by hand",
    Ownership.FOREIGN: "takes the place of a file that kdrvgen did not write",
}


class Step(NamedTuple):
    """One file's entry, and what carrying it out needs.

    Attributes:
        entry: What the report says about the file.
        real: The file's absolute path with all symbolic links followed.
        found: The bytes on disk; None when there is no such file.
    """

    entry: Entry
    real: str
    found: bytes | None = None


class Plan(NamedTuple):
    """Everything a run would do, in the order in which it does it.

    Attributes:
        steps: One for each file, in the order of their paths.
        warnings: What spoils the outputs but is not kdrvgen's to change.
        leftovers: Absolute paths of files that a killed run left behind.
    """

    steps: tuple[Step, ...]
    warnings: tuple[Caution, ...]
    leftovers: tuple[str, ...]

    @property
    def report(self) -> Report:
        """What the user is told about the plan, before or after it is carried out."""
        return Report(tuple(step.entry for step in self.steps), self.warnings)


def make(texts: Mapping[PurePosixPath, str], root: str, *, force: bool = False) -> Plan:
    """Compare `texts` with what lies below `root`.

    Args:
        texts: The complete text of each output, by its path relative to `root`.
        root: The project's folder; need not exist.
        force: Whether files that are edited by hand or not kdrvgen's are overwritten. A link that
            leads out of the project is refused all the same.

    Raises:
        FileAccessError: Something that is no file stands in the way, or a file cannot be read.
    """
    steps = [_step(path, text, root, force=force) for path, text in sorted(texts.items())]
    warnings: list[Caution] = []
    leftovers: list[str] = []
    for path in sorted(texts):
        sibling = sibling_of(str(path))
        leftovers += _leftovers(root, str(path), sibling)
        if sibling is None or PurePosixPath(sibling) in texts:
            continue
        for found in _stale(root, str(path), sibling):
            if isinstance(found, Step):
                steps.append(found)
            else:
                warnings.append(found)
    steps.sort(key=lambda step: step.entry.path)
    return Plan(tuple(steps), tuple(warnings), tuple(leftovers))


def read(path: str, told: str) -> bytes | None:
    """Return the content of the file at `path`, or None when there is none.

    Raises:
        FileAccessError: It is not a regular file, or cannot be read. Its text says `told` for it.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - all paths of this room are str
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
            raise FileAccessError(
                f"{told} is {kind}, where kdrvgen writes a file. Nothing was changed. "
                "Move it away, then run kdrvgen again."
            )
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise explain("read", told, error, "Nothing was changed.") from error


def _step(path: PurePosixPath, text: str, root: str, *, force: bool) -> Step:
    real = resolve(root, str(path))
    if not is_within(os.path.realpath(root), real):
        return Step(
            Entry(path, Status.REFUSED, f"a link leads out of the project, to {real}"), real
        )
    found = read(real, _told(root, str(path)))
    if found is None:
        return Step(Entry(path, Status.CREATED, after=text), real)
    if found == text.encode():
        return Step(Entry(path, Status.UNCHANGED, before=text, after=text), real, found)
    before, owner = _inspect(found)
    if before == text:
        return Step(Entry(path, Status.KEPT, "", before, text), real, found)
    if owner is Ownership.INTACT:
        return Step(Entry(path, Status.UPDATED, "", before, text), real, found)
    status, reasons = (Status.UPDATED, _FORCED) if force else (Status.REFUSED, _REFUSED)
    return Step(Entry(path, status, reasons[owner], before, text), real, found)


def _inspect(found: bytes) -> tuple[str, Ownership]:
    """Return the text of a file's bytes, fit for a diff, and whose it is."""
    try:
        text = found.decode()
    except UnicodeDecodeError:
        return normalise(found.decode(errors="replace")), Ownership.FOREIGN
    return normalise(text), examine(text)


def _leftovers(root: str, path: str, sibling: str | None) -> Iterator[str]:
    real_root = os.path.realpath(root)
    for name in filter(None, (path, sibling)):
        left = temporary(resolve(root, name))
        if is_within(real_root, left) and os.path.lexists(left):
            yield left


def _stale(root: str, path: str, sibling: str) -> Iterator[Step | Caution]:
    """Yield what is to be done about the file that must not stand beside `path`, if it does."""
    place = os.path.join(os.path.realpath(root), *sibling.split("/"))  # noqa: PTH118 - likewise
    real = os.path.realpath(place)
    if not os.path.lexists(place) or real == resolve(root, path):
        return  # absent, or two names of one file: cargo reads what kdrvgen writes
    owner, before, found = Ownership.FOREIGN, "", None
    if os.path.isfile(place) and not os.path.islink(place):  # noqa: PTH113, PTH114 - likewise
        found = read(place, _told(root, sibling))
        before, owner = _inspect(found or b"")
    if owner is Ownership.INTACT and is_within(os.path.realpath(root), real):
        reason = f"out of use: the configuration now asks for {path}"
        yield Step(Entry(PurePosixPath(sibling), Status.REMOVED, reason, before), real, found)
    else:
        yield Caution(
            PurePosixPath(sibling), f"{_REFUSED_SIBLING[owner]}, {_effect(path, sibling)}"
        )


_REFUSED_SIBLING = {
    Ownership.INTACT: "lies outside the project",
    **_REFUSED,
}


def _effect(path: str, sibling: str) -> str:
    if sibling.endswith(".toml"):
        return (
            f"and cargo ignores it because {path} stands beside it. Say what it says in the "
            f'configuration, then delete it; or set cargo-config = "{sibling}" under [toolchain].'
        )
    return (
        f"and cargo reads it instead of {path}: the driver would be linked without the generated "
        "settings. Say what it says in the configuration, then delete it."
    )


def _told(root: str, path: str) -> str:
    return os.path.normpath(os.path.join(root, *path.split("/")))  # noqa: PTH118 - likewise
