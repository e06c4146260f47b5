"""`kdrvgen adopt DIR`: propose the config.toml that reproduces a hand-written project."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from kdrvgen.adopt import Adoption, Snapshot, adopt, read_project
from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, HAZARD, UNKNOWN
from kdrvgen.config.source import Source
from kdrvgen.config.syntax import parse
from kdrvgen.errors import ConfigError, RefusedError, UsageError
from kdrvgen.output.paths import shown
from kdrvgen.output.writer import write
from kdrvgen.rendering.header import Ownership, examine
from kdrvgen.report.files import Entry, Report, Status
from kdrvgen.report.finding import Finding, Severity
from kdrvgen.report.reporter import Reporter

__all__ = ["populate_parser", "propose", "run"]

_CONFIG, _OTHER_CONFIG = "config.toml", "kdrvgen.toml"
_TABLES = frozenset({"driver", "kdrvgen-version"})
_TITLES = {
    (UNKNOWN, Severity.WARNING): "Decide; kdrvgen does not understand these parts:",
    (HAZARD, Severity.WARNING): "Hazards of the project that remain:",
    (DIFFERENCE, Severity.WARNING): "Changed or left out by the proposal:",
    (EQUIVALENT, Severity.NOTE): "Same meaning, expressed in another way:",
    (HAZARD, Severity.NOTE): "Hazards of the project that the generated pipeline avoids:",
}
# What `-v` shows in full. It needs no decision.
_MAX_PLACES = 3
_SUMMED = frozenset({(HAZARD, Severity.NOTE)})


class ConfigExistsError(RefusedError):
    """There is a config.toml already, and adopting never overwrites one."""

    def __init__(self, path: str) -> None:
        entry = Entry(PurePosixPath(Path(path).name), Status.REFUSED, "it already exists")
        super().__init__(Report((entry,)))
        self.path = path

    def __str__(self) -> str:
        """Return what the user can do."""
        return (
            f"{self.path} already exists, and nothing was written. Move it away, or use --dry-run "
            "to see the proposal."
        )


def propose(folder: str | os.PathLike[str]) -> Adoption:
    """Propose the config.toml that reproduces a hand-written project. Writes nothing.

    Args:
        folder: The folder of the driver's package.

    Returns:
        The proposal: `text` is the config.toml, `project` what kdrvgen reads from it, `findings` is
        what changes or was not understood, and `steps` is what you must do yourself.

    Raises:
        ConfigError: A file of the project cannot be read, or the project is not a driver.
        UsageError: The folder is not a project, or kdrvgen generated its files.
    """
    return _propose(read_project(os.fspath(folder)))


def _propose(snapshot: Snapshot) -> Adoption:
    _refuse_generated(snapshot)
    return adopt(snapshot)


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        default=".",
        help="folder of the driver's package (default: the current folder)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing; print config.toml and where each line comes from",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Run the command and report to `reporter`.

    Returns:
        0. All failures raise.

    Raises:
        UsageError: The folder is not a project, or kdrvgen generated its files.
        ConfigError: A file of the project cannot be read, or the project is not a driver.
        RefusedError: There is a config.toml already.
        FileAccessError: config.toml cannot be written.
    """
    folder: str = arguments.folder
    snapshot = read_project(folder)
    name = _config_name(snapshot)
    config = shown(Path(folder), name)
    if not arguments.dry_run and os.path.lexists(config):
        raise ConfigExistsError(config)
    adoption = _propose(snapshot)
    if not arguments.dry_run:
        _create(adoption, folder, name)
    _report_proposal(reporter, adoption, name, arguments)
    for (rule, severity), title in _TITLES.items():
        group = [
            finding
            for finding in adoption.findings
            if (finding.rule, finding.severity) == (rule, severity)
        ]
        if (rule, severity) in _SUMMED and not reporter.verbose:
            _sum_up(reporter, group, title)
        else:
            reporter.answer_findings(group, title)
    _report_next_steps(reporter, _next_steps(adoption, config, arguments), arguments)
    return 0


def _sum_up(reporter: Reporter, findings: Sequence[Finding], title: str) -> None:
    """Report findings in full to programs, and to people in one line for each message."""
    reporter.collect(findings)
    places: dict[str, list[str]] = {}
    for finding in findings:
        places.setdefault(finding.message, []).append(str(finding.place))
    if places:
        lines = [
            f"  {message} ({', '.join(where[:_MAX_PLACES])}{', …' * (len(where) > _MAX_PLACES)})"
            for message, where in places.items()
        ]
        text = "\n".join(["", f"{title.removesuffix(':')} (details with -v):", *lines])
        reporter.summary("avoided", [*places], text)


def _refuse_generated(snapshot: Snapshot) -> None:
    text = snapshot.files.get("Makefile.toml")
    if text is not None and examine(text) in {Ownership.INTACT, Ownership.EDITED}:
        raise UsageError(
            f"kdrvgen generated {snapshot.name('Makefile.toml')} from a config.toml: change that "
            "file instead. To adopt the project again, run `kdrvgen eject` first."
        )


def _config_name(snapshot: Snapshot) -> str:
    """Return the name of the file to write: kdrvgen.toml if config.toml is another program's."""
    if _CONFIG not in snapshot.files:
        return _CONFIG
    try:
        table = parse(Source.of(snapshot.files[_CONFIG], _CONFIG))
    except ConfigError:
        return _CONFIG
    return _CONFIG if not table or _TABLES & table.keys() else _OTHER_CONFIG


def _create(adoption: Adoption, folder: str, name: str) -> None:
    try:
        write({PurePosixPath(name): adoption.annotated}, Path(folder))
    except RefusedError as refusal:
        raise ConfigExistsError(shown(Path(folder), name)) from refusal


def _report_proposal(
    reporter: Reporter, adoption: Adoption, name: str, arguments: argparse.Namespace
) -> None:
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
        reporter.files([("created", name, "")])


def _next_steps(adoption: Adoption, config: str, arguments: argparse.Namespace) -> list[str]:
    command = f"kdrvgen {config}"
    write_step = ["run this command without --dry-run: it writes config.toml and nothing else"]
    return [
        *(write_step if arguments.dry_run else ()),
        f"run `{command} --diff` to see how the generated files change yours",
        *adoption.steps,
        f"commit your files, then run `{command} --force` to replace them with the generated ones",
    ]


def _report_next_steps(reporter: Reporter, steps: list[str], arguments: argparse.Namespace) -> None:
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    if arguments.quiet:
        reporter.data("next", steps)
    else:
        reporter.answer("next", steps, "\n".join(["", "Next:", *lines]))
