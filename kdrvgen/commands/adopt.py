"""`kdrvgen adopt DIR`: propose the config.toml that reproduces a hand-written project."""

from __future__ import annotations

import argparse
import os
from pathlib import PurePosixPath

from kdrvgen.adopt import Adoption, Snapshot, adopt, read_project
from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, HAZARD, UNKNOWN
from kdrvgen.errors import RefusedError, UsageError
from kdrvgen.output.report import Entry, Report, Status
from kdrvgen.output.run import write
from kdrvgen.rendering.header import Ownership, examine
from kdrvgen.report.finding import Severity
from kdrvgen.report.reporter import Reporter

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
        help="write nothing; show config.toml, and where every line comes from",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

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
    _tell(reporter, adoption, arguments)
    for (rule, severity), title in _GROUPS.items():
        group = [
            each for each in adoption.findings if (each.rule, each.severity) == (rule, severity)
        ]
        reporter.answer_findings(group, title)
    _tell_next(reporter, _next(adoption, config, arguments), arguments)
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


def _tell(reporter: Reporter, adoption: Adoption, arguments: argparse.Namespace) -> None:
    proposal = {
        "text": adoption.text,
        "origins": [
            {"line": number, "file": origin.file, "from": origin.line}
            for number, origin in adoption.origins.items()
        ],
    }
    if arguments.dry_run:
        reporter.answer("proposal", proposal, adoption.annotated.removesuffix("\n"))
    else:
        reporter.data("proposal", proposal)
        reporter.files([("created", _CONFIG, "")])


_GROUPS = {
    (HAZARD, Severity.NOTE): "Hazards of the project that the generated pipeline is free of:",
    (HAZARD, Severity.WARNING): "Hazards of the project that stay:",
    (EQUIVALENT, Severity.NOTE): "Said in another way or place, with the same meaning:",
    (DIFFERENCE, Severity.WARNING): "What the proposal does otherwise, or not at all:",
    (UNKNOWN, Severity.WARNING): "Not understood, and left alone:",
}


def _next(adoption: Adoption, config: str, arguments: argparse.Namespace) -> list[str]:
    command = f"kdrvgen {config}"
    dry = ["run this command without --dry-run: it writes config.toml only"]
    return [
        *(dry if arguments.dry_run else ()),
        f"`{command} --diff` shows what the generated files would change in yours",
        *adoption.steps,
        f"commit your files; then `{command} --force` writes the generated ones over them",
    ]


def _tell_next(reporter: Reporter, steps: list[str], arguments: argparse.Namespace) -> None:
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    if arguments.quiet:
        reporter.data("next", steps)
    else:
        reporter.answer("next", steps, "\n".join(["", "Next:", *lines]))
