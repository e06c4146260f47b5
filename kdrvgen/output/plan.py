"""Plan what writing a project's texts would do to the files on disk. Changes nothing."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kdrvgen import __version__
from kdrvgen.errors import FileAccessError
from kdrvgen.output.os_errors import explain
from kdrvgen.output.paths import (
    is_within,
    link_target,
    real_path,
    resolve,
    shown,
    sibling_of,
    temporary,
)
from kdrvgen.rendering.header import Ownership, examine, newer_version, normalise
from kdrvgen.report.files import Entry, Report, Status
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = ["Plan", "Step", "make", "read", "written_by_newer"]

_REFUSED = {
    Ownership.EDITED: "edited by hand since kdrvgen wrote it",
    Ownership.FOREIGN: "not written by kdrvgen",
}
_FORCED = {
    Ownership.EDITED: "replaces a file edited by hand",
    Ownership.FOREIGN: "replaces a file that kdrvgen did not write",
}


class Step(NamedTuple):
    """The planned change of one file.

    Attributes:
        entry: The entry of the file in the report.
        real: The file's absolute path with all symbolic links resolved.
        found: The bytes on disk; None if the file does not exist.
    """

    entry: Entry
    real: Path
    found: bytes | None = None


class Plan(NamedTuple):
    """Everything that a run would do, in its order.

    Attributes:
        steps: One for each file, in the order of their paths.
        warnings: Problems of the outputs that kdrvgen must not correct itself.
        leftovers: Absolute paths of files that a killed run left behind.
    """

    steps: tuple[Step, ...]
    warnings: tuple[Finding, ...]
    leftovers: tuple[Path, ...]

    @property
    def report(self) -> Report:
        """The report of the plan, before or after it is applied."""
        return Report(tuple(step.entry for step in self.steps), self.warnings)


def make(texts: Mapping[PurePosixPath, str], root: Path, *, force: bool = False) -> Plan:
    """Compare `texts` with the files below `root`.

    Args:
        texts: The complete text of each output, by its path relative to `root`.
        root: The project's folder; does not have to exist.
        force: Whether to overwrite files that were edited by hand, that kdrvgen did not write, or
            that a newer kdrvgen wrote. A link is still refused if it leads out of the project, or
            to a file that is not kdrvgen's.

    Raises:
        FileAccessError: Something that is not a file has the name of an output, or a file cannot be
            read.
    """
    try:
        return _make(texts, root, real_path(root), force=force)
    except OSError as error:  # from resolving links: `read` explains its own errors
        raise explain("use", error.filename or str(root), error, "Nothing was changed.") from error


def _make(texts: Mapping[PurePosixPath, str], root: Path, real_root: Path, *, force: bool) -> Plan:
    steps = [_step(path, texts[path], root, real_root, force=force) for path in sorted(texts)]
    steps = _without_doubles(steps, real_root)
    warnings: list[Finding] = []
    leftovers: list[Path] = []
    for path, real in [(step.entry.path, step.real) for step in steps]:
        sibling = sibling_of(path)
        reals = (real, resolve(root, sibling)) if sibling else (real,)
        leftovers += (left for left in map(temporary, reals) if _is_left_over(left, real_root))
        if sibling is None or sibling in texts:
            continue
        for found in _stale(root, path, sibling, force=force):
            if isinstance(found, Step):
                steps.append(found)
            else:
                warnings.append(found)
    steps.sort(key=lambda step: step.entry.path)
    return Plan(tuple(steps), tuple(warnings), tuple(leftovers))


def read(path: Path, name: str) -> bytes | None:
    """Return the content of the file at `path`, or None if it does not exist.

    Raises:
        FileAccessError: It is not a regular file, or cannot be read. The message names it `name`.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
            raise FileAccessError(
                f"{name} is {kind}, but kdrvgen writes a file there. Nothing was changed. "
                "Move it away, then run kdrvgen again."
            )
        # The file may have been replaced by a pipe in the meantime. Opening that would block.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise explain("read", name, error, "Nothing was changed.") from error


def written_by_newer(text: str) -> str:
    """Return the reason not to overwrite a file that a newer kdrvgen wrote; "" for others."""
    version = newer_version(text)
    return f"written by kdrvgen {version}, but this is kdrvgen {__version__}" if version else ""


def _step(path: PurePosixPath, text: str, root: Path, real_root: Path, *, force: bool) -> Step:
    real = resolve(root, path)
    if not is_within(real_root, real):
        return Step(
            Entry(path, Status.REFUSED, f"a link leads out of the project, to {real}"), real
        )
    target = link_target(real_root, path, real)
    link = f"a link leads to {target}" if target else ""
    found = read(real, shown(root, path))
    if found is None:
        return Step(Entry(path, Status.CREATED, link, after=text), real)
    if found == text.encode():
        return Step(Entry(path, Status.UNCHANGED, before=text, after=text), real, found)
    before, owner = _inspect(found)
    if before == text:
        return Step(Entry(path, Status.KEPT, "", before, text), real, found)
    if owner is Ownership.EJECTED:
        return Step(Entry(path, Status.EJECTED, link, before, before), real, found)
    status, reason = _verdict(before, owner, is_link=bool(link), force=force)
    reason = "; ".join(part for part in (link, reason) if part)
    return Step(Entry(path, status, reason, before, text), real, found)


def _verdict(before: str, owner: Ownership, *, is_link: bool, force: bool) -> tuple[Status, str]:
    """Return the status of a file whose text is not the generated one, and the reason."""
    newer = written_by_newer(before)
    if owner is Ownership.INTACT and not newer:
        return Status.UPDATED, ""
    # With --force for Makefile.toml, nobody expects to lose the Cargo.toml behind a link.
    if not force or (is_link and owner is Ownership.FOREIGN):
        return Status.REFUSED, newer or _REFUSED[owner]
    return Status.UPDATED, f"replaces a file {newer}" if newer else _FORCED[owner]


def _without_doubles(steps: Sequence[Step], real_root: Path) -> list[Step]:
    """Refuse links that make two outputs the same file."""
    uses = Counter(os.path.normcase(step.real) for step in steps)
    checked = []
    for step in steps:
        is_double = uses[os.path.normcase(step.real)] > 1 and is_within(real_root, step.real)
        target = link_target(real_root, step.entry.path, step.real) if is_double else ""
        if target:
            reason = f"a link leads to {target}, which is another generated file"
            entry = step.entry._replace(status=Status.REFUSED, reason=reason)
            checked.append(step._replace(entry=entry))
        else:
            checked.append(step)
    return checked


def _inspect(found: bytes) -> tuple[str, Ownership]:
    """Return the text of a file for a diff, and who owns the file."""
    try:
        text = found.decode()
    except UnicodeDecodeError:
        return normalise(found.decode(errors="replace")), Ownership.FOREIGN
    return normalise(text), examine(text)


def _is_left_over(path: Path, real_root: Path) -> bool:
    return is_within(real_root, path) and os.path.lexists(path)


def _stale(
    root: Path, path: PurePosixPath, sibling: PurePosixPath, *, force: bool
) -> Iterator[Step | Finding]:
    """Yield the step or warning for the file that must not be beside `path`, if it exists."""
    place = real_path(root) / sibling
    real = real_path(place)
    if not os.path.lexists(place) or real == resolve(root, path):
        return  # absent, or another name of the file that kdrvgen writes
    owner, before, found = Ownership.FOREIGN, "", None
    if place.is_file() and not place.is_symlink():
        found = read(place, shown(root, sibling))
        before, owner = _inspect(found or b"")
    newer = "" if force else written_by_newer(before)
    if owner is Ownership.INTACT and not newer and is_within(real_path(root), real):
        reason = f"no longer used: the configuration now generates {path}"
        yield Step(Entry(sibling, Status.REMOVED, reason, before), real, found)
    else:
        effect, advice = _effect(path, sibling)
        message = f"{newer or _REFUSED_SIBLING[owner]}, and {effect}"
        yield Finding(_TWO_CONFIGURATIONS, message, Place(str(sibling)), Severity.WARNING, advice)


_TWO_CONFIGURATIONS = "cargo-two-configurations"
_REFUSED_SIBLING = {
    Ownership.INTACT: "outside the project",
    Ownership.EJECTED: "ejected from kdrvgen",
    **_REFUSED,
}


def _effect(path: PurePosixPath, sibling: PurePosixPath) -> tuple[str, str]:
    """Return the effect of the file beside `path`, and what to do about it."""
    advice = "move its settings into the configuration, then delete it"
    if sibling.suffix == ".toml":
        effect = f"cargo ignores it because {path} is beside it"
        return effect, f'{advice}; or set cargo-config = "{sibling}" under [toolchain]'
    effect = f"cargo reads it instead of {path}: the driver would not get the generated settings"
    return effect, advice
