"""`kdrvgen CONFIG`: generate the project's files, or report how they differ."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from kdrvgen.agreement.check import compared_files, disagreements, file_of
from kdrvgen.commands.differences import diffs, is_new, is_whole, listed, whole_files
from kdrvgen.commands.drift import drift_advice, drifted_files, file_warnings
from kdrvgen.commands.fleet import run_all
from kdrvgen.commands.projects import find_configs
from kdrvgen.commands.workspace import check_workspace
from kdrvgen.config import load
from kdrvgen.errors import ConfigError, DriftError, KdrvgenError, RefusedError, UsageError
from kdrvgen.model import Project
from kdrvgen.output.paths import real_path, resolve
from kdrvgen.output.plan import Plan
from kdrvgen.output.stamp import Stamp
from kdrvgen.output.writer import write
from kdrvgen.rendering.project import render
from kdrvgen.report.files import Report, Status, summed_folder
from kdrvgen.report.finding import Severity
from kdrvgen.report.listing import file_lines
from kdrvgen.report.reporter import Reporter

__all__ = ["check", "generate", "generate_all", "populate_parser", "run"]


def generate(
    project: Project,
    root: str | os.PathLike[str],
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Report:
    """Generate the project's files below `root`, all of them or none.

    Args:
        project: The project.
        root: The project's folder; created if missing.
        force: Whether to overwrite files that were edited by hand or that kdrvgen did not write.
        dry_run: Whether to write nothing, and only report what a run would do or refuse.

    Returns:
        The change of each file. `disagreements` has contradictions between the project and other
        files; they do not prevent writing.

    Raises:
        ConfigError: `driver.workspace-root` is not a workspace.
        RefusedError: Writing would overwrite something of the user's; `report` has each file.
        FileAccessError: A file cannot be read or written, or another kdrvgen is running there.
    """
    folder = Path(root)
    file = file_of(project, folder)
    config = file or folder / project.config_name
    report = _write(project, folder, config, force=force, dry_run=dry_run).report
    return report._replace(disagreements=disagreements(project, folder, file))


def check(project: Project, root: str | os.PathLike[str]) -> Report:
    """Compare the files below `root` with those that `project` generates. Writes nothing.

    Returns:
        The change of each file that a run would make; `drifted` is whether there is any. Line ends
        and byte order marks are not drift, and neither are `disagreements`; `kdrvgen --check` fails
        for those of severity `error`.

    Raises:
        ConfigError: `driver.workspace-root` is not a workspace.
        FileAccessError: A file cannot be read.
    """
    return generate(project, root, dry_run=True)


def generate_all(
    projects: Iterable[tuple[str | os.PathLike[str], Project]],
    *,
    force: bool = False,
    dry_run: bool = False,
) -> dict[Path, Report | KdrvgenError]:
    """Generate the files of many projects, also after an error in one of them.

    Args:
        projects: The folder of each project, and the project. Each is taken when it is its turn, so
            that a generator of projects needs memory for one.
        force: As for `generate`.
        dry_run: As for `generate`.

    Returns:
        For each folder what `generate` returns, or the error that it raises.
    """
    found: dict[Path, Report | KdrvgenError] = {}
    for root, project in projects:
        try:
            found[Path(root)] = generate(project, root, force=force, dry_run=dry_run)
        except KdrvgenError as error:
            found[Path(root)] = error
    return found


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "configs",
        metavar="CONFIG",
        nargs="*",
        help="a project's config.toml or folder; a workspace, or a folder of projects, for all its "
        "drivers; @FILE for the lines of a file, @- for those of standard input (default: the "
        "project in this folder or above it)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="the project's folder (default: the folder of CONFIG)",
    )
    mode = parser.add_mutually_exclusive_group()
    for name, text in (
        ("check", "write nothing; show differences, and exit with 4 if there are any"),
        (
            "diff",
            (
                "write nothing; show the changes that a run would make; a new or replaced file has "
                "one line, and with -v all its lines"
            ),
        ),
        ("dry-run", "write nothing; list what a run would do, and use its exit code"),
    ):
        mode.add_argument(f"--{name}", dest="mode", action="store_const", const=name, help=text)
    parser.add_argument(
        "--force",
        action="store_true",
        help="overwrite files that were edited by hand or that kdrvgen did not write",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Run the command and report to `reporter`.

    Returns:
        0; for several projects, the exit code of the first that failed. Every other result is
        raised.

    Raises:
        UsageError: `--check` and `--force`, or `-o` and several projects, are given together; or
            no configuration was found.
        ConfigError: The configuration is not valid, or with `--check`, Cargo.toml contradicts it.
        DriftError: `--check` found differences.
        RefusedError: Writing would overwrite something of the user's.
        FileAccessError: A file cannot be read or written.
    """
    if arguments.mode == "check" and arguments.force:
        raise UsageError("--check writes nothing, so --force has nothing to overwrite")
    configs = find_configs(arguments.configs)
    if len(configs) == 1:
        _run(Path(configs[0]), reporter, arguments)
        return 0
    if arguments.output:
        raise UsageError(
            f"-o sets the folder of one project, but {len(configs)} projects are given"
        )
    return run_all(
        configs, arguments.mode, lambda config, to: _run(config, to, arguments), reporter
    )


def _run(config: Path, reporter: Reporter, arguments: argparse.Namespace) -> bool:
    """Run the command for one project, and return whether anything changed or would change."""
    root = Path(arguments.output) if arguments.output else config.parent
    prefix = root if reporter.is_grouping else Path()  # before the paths of files in the output
    stamp = Stamp(config, root)
    project = load(config)
    stamp.observe(compared_files(project))
    _check_not_overwritten(config, project, root)
    mode: str | None = arguments.mode
    try:
        plan = _write(project, root, config, force=arguments.force, dry_run=mode is not None)
    except RefusedError as refusal:
        reporter.files(_rows(refusal.report, prefix), planned=True)
        reporter.findings(file_warnings(refusal.report, root, mode))
        reporter.diffs(diffs(refusal.report.refused, prefix), is_shown=False)
        reporter.collect(drifted_files(refusal.report.refused, root))
        raise
    contradictions = disagreements(project, root, config)
    is_done = mode is None or not plan.report.drifted
    if is_done and not plan.report.strangers and not contradictions:
        known = list(_later(plan))
        stamp.write(plan, file_lines(known), file_lines(known, whole=True))
    _report_files(reporter, plan.report, prefix, mode)
    errors = [finding for finding in contradictions if finding.severity is Severity.ERROR]
    if mode != "check" or plan.report.drifted:
        contradictions = tuple(finding.as_severe_as(Severity.WARNING) for finding in contradictions)
        errors = []
    others = [finding for finding in contradictions if finding not in errors]
    reporter.findings([*file_warnings(plan.report, root, mode), *others])
    _raise_on_drift(reporter, plan.report, root, config, arguments.mode)
    if errors:
        raise ConfigError(errors)
    return bool(plan.report.drift)


def _check_not_overwritten(config: Path, project: Project, root: Path) -> None:
    """Check that no output is the configuration itself, also under another name."""
    here = real_path(config)
    for path in ("Makefile.toml", "build.rs", project.toolchain.cargo_config, ".kdrvgen"):
        if resolve(root, PurePosixPath(path)) == here:
            raise UsageError(
                f"{path} would overwrite the configuration {config}. Rename the configuration to "
                "config.toml, and remove links between the two."
            )


def _raise_on_drift(
    reporter: Reporter, report: Report, root: Path, config: Path, mode: str | None
) -> None:
    if mode == "check" and report.drifted:
        reporter.collect(drifted_files(report.drift, root))
        raise DriftError(
            f"the files do not match {config}. {drift_advice(report, config)}"
            if not reporter.is_grouping
            else f"the files do not match the configuration. {drift_advice(report)}"
        )
    if mode == "dry-run" and report.refused:
        reporter.collect(drifted_files(report.refused, root))
        raise RefusedError(report)


def _report_files(reporter: Reporter, report: Report, prefix: Path, mode: str | None) -> None:
    """Report the change of each file, and with `--check` and `--diff` how they differ."""
    if mode == "diff":
        rows = [*whole_files(report.entries, prefix, only_support=reporter.verbose)]
        reporter.files(_rows(report, prefix), planned=True, instead=rows)
        if any(not summed_folder(path) for _, path, _ in rows):
            reporter.hint("-v shows the lines of these files")
    else:
        reporter.files(_rows(report, prefix), planned=mode is not None)
    if mode in {"check", "diff"}:
        is_short = is_new if mode == "check" else is_whole
        short = (entry.path for entry in report.entries if is_short(entry))
        reporter.diffs(
            diffs(report.entries, prefix),
            is_sample=mode == "check",
            hidden=() if reporter.verbose else {listed(prefix, path) for path in short},
        )


def _rows(report: Report, prefix: Path) -> Iterator[tuple[str, str, str]]:
    return ((each.status.value, listed(prefix, each.path), each.reason) for each in report.entries)


def _later(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield the status, path and reason of each file that the next run will report."""
    for entry in plan.report.entries:
        if entry.status in {Status.KEPT, Status.EJECTED}:
            yield entry.status.value, str(entry.path), entry.reason
        elif entry.status is not Status.REMOVED:
            yield Status.UNCHANGED.value, str(entry.path), ""


def _write(project: Project, root: Path, config: Path, *, force: bool, dry_run: bool) -> Plan:
    check_workspace(project, root, config)
    return write(render(project), root, force=force, dry_run=dry_run)
