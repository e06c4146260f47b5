"""`kdrvgen adopt DIR`: propose the config.toml that reproduces a hand-written project."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import PurePosixPath

from kdrvgen.adopt import Adoption, Finding, Kind, Snapshot, adopt, read_project
from kdrvgen.commands.remark import Remark
from kdrvgen.console import Console
from kdrvgen.errors import RefusedError, UsageError
from kdrvgen.output.report import Entry, Report, Status
from kdrvgen.output.run import write
from kdrvgen.rendering.header import Ownership, examine

__all__ = ["populate_parser", "run"]

_CONFIG = "config.toml"


class ConfigExistsError(RefusedError):
    """There is a config.toml already, and adopting never writes over one."""

    def __init__(self, path: str) -> None:
        entry = Entry(PurePosixPath(_CONFIG), Status.REFUSED, "there is one already")
        super().__init__(Report((entry,)))
        self.path = path

    def __str__(self) -> str:
        """Say what the user can do."""
        return (
            f"{self.path} is there already, and nothing was written. Move it away, or see by "
            "--dry-run what would stand in it."
        )


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        default=".",
        help="the folder of the driver's package (default: this one)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing; show config.toml, with where every line comes from",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Carry the command out and tell `console`.

    Returns:
        0: everything else is raised.

    Raises:
        UsageError: There is no such project, or kdrvgen made it.
        ConfigError: A file of the project cannot be read, or is nothing that a driver is made of.
        RefusedError: There is a config.toml already.
        FileAccessError: config.toml cannot be written.
    """
    folder: str = arguments.folder
    config = os.path.normpath(os.path.join(folder, _CONFIG))  # noqa: PTH118 - as the user wrote it
    if not arguments.dry_run and os.path.lexists(config):
        raise ConfigExistsError(config)
    snapshot = read_project(folder)
    _refuse_own(snapshot)
    adoption = adopt(snapshot)
    if not arguments.dry_run:
        _create(adoption, folder, config)
    _tell(console, adoption, arguments)
    console.remarks(_remarks(adoption, snapshot))
    _tell_next(console, _next(adoption, config, arguments), arguments)
    return 0


def _refuse_own(snapshot: Snapshot) -> None:
    text = snapshot.files.get("Makefile.toml")
    if text is not None and examine(text) in {Ownership.INTACT, Ownership.EDITED}:
        raise UsageError(
            f"{snapshot.name('Makefile.toml')} was made by kdrvgen from a config.toml: change that "
            "one. `kdrvgen eject` gives the generated files up, if they are to be adopted anew."
        )


def _create(adoption: Adoption, folder: str, config: str) -> None:
    try:
        write({PurePosixPath(_CONFIG): adoption.text}, folder)
    except RefusedError as refusal:
        raise ConfigExistsError(config) from refusal


def _tell(console: Console, adoption: Adoption, arguments: argparse.Namespace) -> None:
    proposal = {
        "text": adoption.text,
        "origins": [
            {"line": number, "file": origin.file, "from": origin.line}
            for number, origin in adoption.origins.items()
        ],
    }
    if arguments.dry_run:
        console.answer("proposal", proposal, adoption.annotated.removesuffix("\n"))
    else:
        console.tell("proposal", proposal)
        console.files([("created", _CONFIG, "")])


_GROUPS = (
    ("cured", "Hazards of the project that the generated pipeline is free of:"),
    ("hazard", "Hazards of the project that stay:"),
    ("note", "Said in another way or place, with the same meaning:"),
    ("difference", "What the proposal does otherwise, or not at all:"),
    ("not understood", "Not understood, and left alone:"),
)
_COUNTING = frozenset({"hazard", "difference", "not understood"})


def _remarks(adoption: Adoption, snapshot: Snapshot) -> Iterator[Remark]:
    for kind, title in _GROUPS:
        for finding in adoption.findings:
            if _kind(finding) == kind:
                yield Remark(
                    title=title,
                    kind=kind,
                    path=snapshot.name(finding.origin.file),
                    line=finding.origin.line,
                    message=finding.message,
                    remedy=finding.remedy,
                    counts=kind in _COUNTING,
                )


def _kind(finding: Finding) -> str:
    return "cured" if finding.kind is Kind.HAZARD and finding.cured else finding.kind.value


def _next(adoption: Adoption, config: str, arguments: argparse.Namespace) -> list[str]:
    command = f"kdrvgen {config}"
    dry = ["run this command without --dry-run: it writes config.toml only"]
    return [
        *(dry if arguments.dry_run else ()),
        f"`{command} --diff` shows what the generated files would change in yours",
        *adoption.steps,
        f"commit your files; then `{command} --force` writes the generated ones over them",
    ]


def _tell_next(console: Console, steps: list[str], arguments: argparse.Namespace) -> None:
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    if arguments.quiet:
        console.tell("next", steps)
    else:
        console.answer("next", steps, "\n".join(["", "Next:", *lines]))
