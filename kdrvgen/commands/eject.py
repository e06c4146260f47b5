"""`kdrvgen eject CONFIG`: give the generated files up, so that they are the user's from now on."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from kdrvgen.commands.missing import demand
from kdrvgen.console import Console
from kdrvgen.output.paths import is_within, link_target, real_path, resolve
from kdrvgen.output.plan import Plan, Step, read, written_by_newer
from kdrvgen.output.report import Entry, Report, Status
from kdrvgen.output.run import carry_out
from kdrvgen.rendering.header import Ownership, examine, unseal

__all__ = ["eject", "populate_parser", "run"]


def eject(paths: Iterable[PurePosixPath], root: str | os.PathLike[str]) -> Report:
    """Take kdrvgen's header off each of the files at `paths` below `root`, edited ones too.

    A later run finds files that it did not write, and refuses to overwrite them. Support files in
    the root of a workspace stay kdrvgen's: other drivers use them too.

    Returns:
        What became of each file that exists.

    Raises:
        RefusedError: A symbolic link leads out of the project, or a newer kdrvgen wrote the file.
        FileAccessError: A file cannot be read or written.
    """
    folder = os.fspath(root)
    return carry_out(folder, lambda: Plan(tuple(_steps(paths, folder)), (), ())).report


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", default="", help="the project's config.toml"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="the project's folder (default: where CONFIG lies)"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Carry the command out and tell `console`.

    Returns:
        0: everything else is raised, as by `eject`.
    """
    from kdrvgen.config import load  # noqa: PLC0415 - pulls in pydantic, which --help can do without
    from kdrvgen.rendering.project import render  # noqa: PLC0415 - likewise Jinja2

    demand(arguments.config)
    root = arguments.output or os.path.dirname(arguments.config) or "."  # noqa: PTH120 - as the user wrote it
    report = eject(render(load(arguments.config)), root)
    console.files((each.status.value, str(each.path), each.reason) for each in report.entries)
    return 0


def _steps(paths: Iterable[PurePosixPath], root: str) -> Iterator[Step]:
    seen: set[str] = set()
    for path in sorted(paths):
        if path.parts[0] == "..":
            continue
        real, real_root = resolve(root, str(path)), real_path(root)
        if not is_within(real_root, real):
            reason = f"a link leads out of the project, to {real}"
            yield Step(Entry(path, Status.REFUSED, reason), real)
            continue
        found = read(real, os.path.join(root, str(path)))  # noqa: PTH118 - as the user wrote it
        if found is None or real in seen:  # two names of one file are given up together
            continue
        seen.add(real)
        try:
            text = found.decode()
        except UnicodeDecodeError:
            yield Step(Entry(path, Status.REFUSED, "it is no UTF-8 text: mend that first"), real)
            continue
        target = link_target(real_root, str(path), real)
        link = f"a link leads to {target}; " if target else ""
        if examine(text) is Ownership.FOREIGN:
            entry = Entry(path, Status.UNCHANGED, f"{link}yours already", text, text)
        elif newer := written_by_newer(text):
            entry = Entry(path, Status.REFUSED, f"{link}{newer}", text, text)
        else:
            entry = Entry(path, Status.UPDATED, f"{link}yours now", text, unseal(text))
        yield Step(entry, real, found)
