"""The files in the folder of a package, and where its INF expects them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kdrvgen.errors import FileAccessError
from kdrvgen.output.regular import read_regular
from kdrvgen.packaging.inf.document import Field, Inf
from kdrvgen.packaging.inf.parse import MAX_SIZE, parse

__all__ = ["Listed", "files_in", "is_package", "listed", "umdf_drivers"]

_DEEPEST = 4
_MOST_FILES = 4096


class Listed(NamedTuple):
    """A file in `[SourceDisksFiles]`.

    Attributes:
        path: Its path from the folder of the INF, with `/`, in lower case.
        machine: The machine that the section is for, such as `amd64`; "" for all.
        field: The place of its name.
    """

    path: str
    machine: str
    field: Field

    @property
    def name(self) -> str:
        """The file name without folder."""
        return self.path.rpartition("/")[2]


def is_package(folder: Path) -> bool:
    """Return whether a folder has an INF and a catalog.

    Raises:
        FileAccessError: The folder cannot be read.
    """
    endings = {Path(path).suffix for path in files_in(folder, deepest=0)}
    return {".inf", ".cat"} <= endings


def files_in(folder: Path, deepest: int = _DEEPEST) -> Mapping[str, Path]:
    """Return the files below a folder by their paths from it, with `/`, in lower case.

    Links are left out: a package has none.

    Raises:
        FileAccessError: The folder cannot be read.
    """
    found: dict[str, Path] = {}
    pending = [(folder, "", 0)]
    while pending:
        place, above, depth = pending.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            raise FileAccessError(f"{place}: {error.strerror or error}") from None
        for entry in entries:
            path = f"{above}{entry.name.lower()}"
            if entry.is_dir(follow_symlinks=False) and depth < deepest:
                pending.append((Path(entry.path), f"{path}/", depth + 1))
            elif entry.is_file(follow_symlinks=False) and len(found) < _MOST_FILES:
                found.setdefault(path, Path(entry.path))
    return found


def umdf_drivers(folder: Path) -> tuple[Path, ...]:
    """Return the UMDF drivers of the package in a folder; none of an INF that cannot be read.

    Source: Microsoft Learn, "Specifying WDF Directives in INF Files".

    Raises:
        FileAccessError: The folder cannot be read.
    """
    names = files_in(folder)
    if not any(name.endswith(".dll") for name in names):
        return ()
    found: list[Path] = []
    for name, path in names.items():
        if name.endswith(".inf") and "/" not in name:
            with suppress(FileAccessError):
                inf = parse(read_regular(path, MAX_SIZE), str(path))
                wanted = set(_umdf_names(inf))
                found += [
                    names[each.path]
                    for each in listed(inf)
                    if each.name in wanted and each.path in names
                ]
    return tuple(dict.fromkeys(found))


def _umdf_names(inf: Inf) -> Iterator[str]:
    for section in inf.sections.values():
        for service in section.all("umdfservice"):
            name = service.value(1)
            binary = inf.text(inf.expand(name.text), "servicebinary") if name else ""
            yield binary.rpartition("\\")[2].lower()


def listed(inf: Inf) -> tuple[Listed, ...]:
    """Return the files in `[SourceDisksFiles]` for all machines.

    Source: Microsoft Learn, "INF SourceDisksFiles Section" and "INF SourceDisksNames Section".
    """
    return tuple(dict.fromkeys(_listed(inf)))


def _listed(inf: Inf) -> Iterator[Listed]:
    for key, section in inf.sections.items():
        stem, _, machine = key.partition(".")
        if stem != "sourcedisksfiles":
            continue
        for entry in section.entries:
            name = entry.key or entry.values[0]
            folder = entry.value(1) if entry.key else None
            parts = [_folder_of_disk(inf, entry.values[0], machine)]
            parts += [inf.expand(folder.text)] if folder else []
            path = "/".join([*parts, inf.expand(name.text)]).replace("\\", "/").lower()
            yield Listed("/".join(part for part in path.split("/") if part), machine, name)


def _folder_of_disk(inf: Inf, disk: Field, machine: str) -> str:
    for section in (f"sourcedisksnames.{machine}", "sourcedisksnames"):
        entry = inf.find(section, inf.expand(disk.text).lower())
        if entry:
            folder = entry.value(3)
            return inf.expand(folder.text) if folder else ""
    return ""
