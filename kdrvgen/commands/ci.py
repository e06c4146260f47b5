"""`kdrvgen ci github`: write a workflow for the drivers of a repository."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from kdrvgen.commands.arguments import several
from kdrvgen.commands.config_file import config_of
from kdrvgen.commands.projects import find_configs
from kdrvgen.config import load
from kdrvgen.errors import RefusedError, UsageError
from kdrvgen.model import Project
from kdrvgen.output.paths import is_within, path_from, real_path, shown
from kdrvgen.output.writer import write
from kdrvgen.report.files import Entry, Report, Status
from kdrvgen.report.reporter import Reporter
from kdrvgen.scaffold.workflow import WORKFLOW, workflow

__all__ = ["INTERMIXED", "ci", "populate_parser", "run"]

INTERMIXED = True
"""Options can be between the positional arguments."""


class WorkflowExistsError(RefusedError):
    """The workflow exists already and is the user's."""

    def __init__(self, path: str) -> None:
        entry = Entry(WORKFLOW, Status.REFUSED, "it already exists")
        super().__init__(Report((entry,)))
        self.path = path

    def __str__(self) -> str:
        """Return what the user can do."""
        return (
            f"{self.path} already exists and is yours, so nothing was written. `kdrvgen ci github "
            "--dry-run` prints the workflow that kdrvgen would write. To replace yours, delete it "
            "first."
        )


def ci(
    root: str | os.PathLike[str],
    service: Literal["github"] = "github",
    *,
    configs: Iterable[str | os.PathLike[str]] = (),
    dry_run: bool = False,
) -> Report:
    """Write a workflow that checks, builds, signs, verifies and loads the drivers of a repository.

    Args:
        root: The root of the repository.
        service: The service that runs it: `github`.
        configs: The configurations, folders or workspaces of the drivers, as for `find_configs`; by
            default all in `root`.
        dry_run: Whether to write nothing. The entry of the report has the text in `after`.

    Returns:
        One entry, for `.github/workflows/driver.yml`.

    Raises:
        ConfigError: A configuration is not valid.
        UsageError: No driver was found, one is outside of `root`, or `root` is not the root of
            its repository.
        RefusedError: The file already exists.
        FileAccessError: The file cannot be written.
    """
    if service != "github":
        raise UsageError(f"`{service}` is not known. The service is `github`.")
    folder = Path(root)
    text = workflow(dict(_projects(folder, several("configs", configs))))
    if dry_run:
        return Report((Entry(WORKFLOW, Status.CREATED, after=text),))
    path = shown(folder, WORKFLOW)
    if os.path.lexists(path):
        raise WorkflowExistsError(path)
    try:
        return write({WORKFLOW: text}, folder).report
    except RefusedError as refusal:  # another program was faster
        raise WorkflowExistsError(path) from refusal


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("service", metavar="SERVICE", choices=("github",), help="github")
    parser.add_argument(
        "configs",
        metavar="CONFIG",
        nargs="*",
        help="the drivers: configurations, folders or workspaces (default: all in DIR)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default="",
        help="the root of the repository (default: the current folder)",
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing; print the workflow")


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Run the command and report to `reporter`.

    Returns:
        0: every other result is raised, as in `ci`.
    """
    report = ci(
        arguments.output or ".",
        arguments.service,
        configs=arguments.configs,
        dry_run=arguments.dry_run,
    )
    (entry,) = report.entries
    if arguments.dry_run:
        reporter.answer("workflow", entry.after, (entry.after or "").removesuffix("\n"))
    else:
        reporter.files([(entry.status.value, shown(Path(arguments.output), entry.path), "")])
    return 0


def _projects(root: Path, words: Sequence[str]) -> Iterable[tuple[PurePosixPath, Project]]:
    """Yield the folder of each driver from the root of the repository, and its project."""
    top = real_path(root)
    above = next((each for each in top.parents if os.path.lexists(each / ".git")), None)
    if above and not os.path.lexists(top / ".git"):
        raise UsageError(
            f"GitHub reads workflows only in the root of a repository, which is {above}. Run "
            "`kdrvgen ci github` there, or name it with -o."
        )
    for config in find_configs(words) if words else _all_in(root):
        folder = real_path(Path(config).parent)
        if folder != top and not is_within(top, folder):
            raise UsageError(f"{config} is outside of the repository {root}.")
        yield PurePosixPath(path_from(top, folder).as_posix()), load(config)


def _all_in(root: Path) -> list[str]:
    """Return the configurations of the drivers in the root of a repository."""
    try:
        return find_configs([str(root)])
    except UsageError:
        if config := config_of(root / "any"):
            raise UsageError(
                f"{root} is below a driver's folder. Run `kdrvgen ci github` in the root of the "
                f"repository, such as {config.parent}, or name it with -o."
            ) from None
        raise
