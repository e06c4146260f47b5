"""Writes the folder of a package: it has all new files, or stays as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from kdrvgen.errors import UsageError
from kdrvgen.output.lock import held
from kdrvgen.output.os_errors import explain
from kdrvgen.output.paths import is_system_folder, make_folders
from kdrvgen.output.regular import MAX_DRIVER_FILE
from kdrvgen.output.renaming import patiently

__all__ = ["read_folder", "write_folder"]

_MOST_NAMED = 3


def read_folder(folder: Path, names: Collection[str]) -> dict[str, bytes]:
    """Return the files of a package that exist in a folder.

    Raises:
        UsageError: The folder has other files.
        FileAccessError: A file cannot be read.
    """
    try:
        if not folder.exists():
            return {}
        others = sorted(
            entry.name
            for entry in os.scandir(folder)
            if entry.name not in names or not entry.is_file(follow_symlinks=False)
        )
        if others:
            more = "" if len(others) <= _MOST_NAMED else f" and {len(others) - _MOST_NAMED} more"
            raise UsageError(
                f"{folder} has files that are not of this package: "
                f"{', '.join(others[:_MOST_NAMED])}{more}. Nothing was changed. Move them away, or "
                "use -o to write to another folder."
            )
        present = [name for name in names if (folder / name).is_file()]
        too_large = [name for name in present if (folder / name).stat().st_size > MAX_DRIVER_FILE]
        return {name: (folder / name).read_bytes() for name in present if name not in too_large}
    except OSError as error:
        raise explain("read", str(folder), error, "Nothing was changed.") from None


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace a folder by one with these files.

    The files are written to a new folder beside it first. If that fails, or the run is killed, the
    old folder is complete, or there is none.

    Raises:
        FileAccessError: A file cannot be written, or another run is active.
        UsageError: The folder is one of the system.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links
    if is_system_folder(folder.parent):
        raise UsageError(f"{folder} is in a folder of the system. Use -o to write to another one.")
    new = folder.with_name(f".{folder.name}.kdrvgen-new")
    old = folder.with_name(f".{folder.name}.kdrvgen-old")
    try:
        make_folders(folder.parent)
        with held(folder.parent), contextlib.ExitStack() as undo:
            for leftover in (new, old):
                _remove(leftover)
            undo.callback(_remove, new)
            new.mkdir()
            for name, data in files.items():
                (new / name).write_bytes(data)
            if folder.exists():
                patiently(lambda: folder.rename(old))
            try:
                patiently(lambda: new.rename(folder))
            except OSError:
                if old.exists():
                    patiently(lambda: old.rename(folder))
                raise
            _remove(old)
    except OSError as error:
        raise explain("write", str(folder), error, "The old package was not changed.") from None


def _remove(folder: Path) -> None:
    """Remove a folder of kdrvgen's own, which a killed run can have left."""
    if folder.is_dir() and not folder.is_symlink():
        patiently(lambda: shutil.rmtree(folder))
