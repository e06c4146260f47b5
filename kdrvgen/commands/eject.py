"""`kdrvgen eject FILE…`: make generated files the user's own, so that kdrvgen ignores them."""

from __future__ import annotations

import argparse
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from kdrvgen.commands.arguments import several
from kdrvgen.commands.config_file import config_of
from kdrvgen.commands.missing_config import demand
from kdrvgen.config import load
from kdrvgen.errors import RefusedError, UsageError
from kdrvgen.kernel import SHARED_KERNEL_FOLDER, kernel_files
from kdrvgen.output.paths import is_within, link_target, path_from, real_path, resolve, shown
from kdrvgen.output.plan import Plan, Step, read, written_by_newer
from kdrvgen.output.writer import carry_out
from kdrvgen.pipeline import FOLDER
from kdrvgen.rendering.header import Ownership, examine
from kdrvgen.rendering.header import eject as ejected
from kdrvgen.rendering.project import render
from kdrvgen.report.files import Entry, Report, Status, summed_folder
from kdrvgen.report.reporter import Reporter

__all__ = ["eject", "populate_parser", "run"]


def eject(paths: Iterable[str | os.PathLike[str]], root: str | os.PathLike[str]) -> Report:
    """Mark each of the files at `paths` below `root` as the user's own, whoever wrote it.

    `paths` are relative to `root`, with slashes, such as `build.rs` or the keys of
    `kdrvgen.render`.

    The mark replaces kdrvgen's header. Later runs do not change a file with the mark, and generate
    a file again if it is deleted. Support files in the root of a workspace stay kdrvgen's, because
    other drivers use them too. Files of the crate `kernel` there become those of the workspace.

    Returns:
        The change of each file that exists.

    Raises:
        RefusedError: A path or a symbolic link leads out of the project, or a newer kdrvgen wrote
            the file.
        FileAccessError: A file cannot be read or written.
    """
    chosen = [_posix(path) for path in several("paths", paths)]
    if outside := [path for path in chosen if _is_outside(path)]:
        reason = "the path leads out of the project"
        raise RefusedError(Report(tuple(Entry(path, Status.REFUSED, reason) for path in outside)))
    entries: list[Entry] = []
    for above, inside in _by_root(chosen).items():
        plan = _ejected(inside, Path(root, above))
        entries += (entry._replace(path=above / entry.path) for entry in plan.report.entries)
    return Report(tuple(sorted(entries, key=lambda entry: entry.path)))


def _posix(path: str) -> PurePosixPath:
    return PurePosixPath(posixpath.normpath(Path(path).as_posix()))


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="generated files, such as build.rs, or a folder of them, such as kernel; the "
        "project's configuration means all of them",
    )
    parser.add_argument(
        "--config",
        metavar="CONFIG",
        help="the project's configuration (default: the one beside FILE or above it)",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="the project's folder (default: the folder of CONFIG)"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Run the command and report to `reporter`.

    Returns:
        0: every other result is raised, as in `eject`.

    Raises:
        UsageError: kdrvgen does not generate a file for the project, or a file does not exist.
    """
    files: Sequence[str] = arguments.files
    config = arguments.config or (_config_for(files[0]) if files else "")
    demand(config)
    texts = render(load(config))
    if not arguments.config and len(files) == 1 and _is_config(files[0], config, texts):
        config, files = files[0], []
        demand(config)
        texts = render(load(config))
    root = Path(arguments.output) if arguments.output else Path(config).parent
    own = [path for path in texts if path.parts[0] != ".."]
    report = eject(_chosen(files, root, config, texts) if files else own, root)
    reporter.files((each.status.value, str(each.path), each.reason) for each in report.entries)
    return 0


def _config_for(file: str) -> str:
    """Return the configuration in or above a folder, or beside or above a file; else the file.

    Raises:
        UsageError: No configuration is in or above the folder.
    """
    is_folder = Path(file).is_dir()
    found = config_of(Path(file, "any") if is_folder else Path(file))
    if found is None and is_folder:
        raise UsageError(
            f"no configuration is in {file} or above it: name one with --config. The folder "
            ".kdrvgen in the root of a workspace cannot be ejected, because all its drivers use it."
        )
    return str(found or file)


def _is_config(file: str, config: str, known: Collection[PurePosixPath]) -> bool:
    """Return whether a file is the configuration, and not a file that `config` generates."""
    return file.endswith(".toml") and _path(file, Path(config).parent) not in known


def _path(file: str, root: Path) -> PurePosixPath:
    """Return the path of a file from the project's folder."""
    return PurePosixPath(path_from(root, Path(file)).as_posix())


def _chosen(
    files: Sequence[str], root: Path, config: str, known: Collection[PurePosixPath]
) -> list[PurePosixPath]:
    """Return the paths of the files from the project's folder.

    Raises:
        UsageError: A file cannot be ejected.
    """
    chosen = []
    for file in files:
        path = _path(file, root)
        if below := _below(file, path, root, known):
            chosen += below
            continue
        is_shared = path.parts[:1] == ("..",) and any(
            each.is_relative_to(path) and FOLDER in each.parts for each in known
        )
        if path not in known and not is_shared:
            own = ", ".join(str(name) for name in sorted(known) if not summed_folder(str(name)))
            folders = " and ".join(sorted({*map(_folder, known)} - {""}))
            raise UsageError(
                f"kdrvgen does not generate {path} from {config}. It generates {own} and the files "
                f"in {folders}."
            )
        if is_shared:
            raise UsageError(
                f"{file} cannot be ejected: the other drivers of the workspace use it."
            )
        if not os.path.lexists(file):
            raise UsageError(f"{file} does not exist: run `kdrvgen {config}` first to generate it.")
        chosen += below or [path]
    return chosen


def _folder(path: PurePosixPath) -> str:
    return summed_folder(str(path)).removesuffix("/")


def _ejected(paths: Iterable[PurePosixPath], root: Path) -> Plan:
    return carry_out(root, lambda: Plan(tuple(_steps(paths, root)), (), ()))


def _is_outside(path: PurePosixPath) -> bool:
    """Return whether a path leads out of the project, but not to a file of the crate `kernel`."""
    above, inside = _split(path)
    shared = {PurePosixPath(SHARED_KERNEL_FOLDER, file) for file in kernel_files()}
    return bool(above.parts) and FOLDER not in path.parts and inside not in shared


def _split(path: PurePosixPath) -> tuple[PurePosixPath, PurePosixPath]:
    """Return the part of a path that leads up, such as `../..`, and the rest."""
    above = [part for part in path.parts if part == ".."]
    return PurePosixPath(*above), PurePosixPath(*path.parts[len(above) :])


def _by_root(paths: Iterable[PurePosixPath]) -> dict[PurePosixPath, list[PurePosixPath]]:
    """Return the paths below the project, and those below the root of its workspace."""
    found: dict[PurePosixPath, list[PurePosixPath]] = {PurePosixPath(): []}
    for path in paths:
        above, inside = _split(path)
        if not above.parts or FOLDER not in path.parts:
            found.setdefault(above, []).append(inside)
    return found


def _below(
    file: str, folder: PurePosixPath, root: Path, known: Collection[PurePosixPath]
) -> list[PurePosixPath]:
    """Return the generated files in a folder that exist; none if `file` is not a folder."""
    if not Path(file).is_dir():
        return []
    return [
        path
        for path in sorted(known)
        if path.is_relative_to(folder)
        and not (path.parts[0] == ".." and FOLDER in path.parts)
        and os.path.lexists(root / path)
    ]


def _steps(paths: Iterable[PurePosixPath], root: Path) -> Iterator[Step]:
    seen: set[Path] = set()
    for path in sorted(paths):
        real, real_root = resolve(root, path), real_path(root)
        if not is_within(real_root, real):
            reason = f"a link leads out of the project, to {real}"
            yield Step(Entry(path, Status.REFUSED, reason), real)
            continue
        found = read(real, shown(root, path))
        if found is None or real in seen:  # a second name of a file that is ejected already
            continue
        seen.add(real)
        target = link_target(real_root, path, real)
        link = f"a link leads to {target}; " if target else ""
        yield _step(path, real, found, link)


def _step(path: PurePosixPath, real: Path, found: bytes, link: str) -> Step:
    try:
        text = found.decode()
    except UnicodeDecodeError:
        return Step(Entry(path, Status.REFUSED, "not UTF-8 text: convert it first"), real)
    if examine(text) is Ownership.EJECTED:
        return Step(Entry(path, Status.UNCHANGED, f"{link}yours already", text, text), real, found)
    if newer := written_by_newer(text):
        return Step(Entry(path, Status.REFUSED, f"{link}{newer}", text, text), real, found)
    after = ejected(text, "//" if path.suffix == ".rs" else "#")
    if path.name == "Makefile.toml":
        # The file no longer follows a configuration.
        after = re.sub(r"^DRIVER_CONFIG(_DIGEST)? = [^\n]*\n", "", after, flags=re.MULTILINE)
    return Step(Entry(path, Status.UPDATED, f"{link}yours now", text, after), real, found)
