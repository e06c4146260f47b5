"""`kdrvgen doctor`: reports what this machine lacks for a project, and installs it."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from kdrvgen.commands.arguments import several
from kdrvgen.commands.projects import find_configs
from kdrvgen.config import load
from kdrvgen.doctor.fix import remedies
from kdrvgen.doctor.fix import run as run_command
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.run import Scope, run_probes
from kdrvgen.doctor.tasks import Command, Task, breaks, needed_for
from kdrvgen.errors import ToolError, UsageError
from kdrvgen.model import Driver, Project
from kdrvgen.output.paths import shown
from kdrvgen.report.finding import Finding, Severity
from kdrvgen.report.human import checklist
from kdrvgen.report.reporter import Reporter
from kdrvgen.spelling import quantity

__all__ = ["diagnose", "populate_parser", "run"]

_TASKS = tuple(Task)
_USUAL = ("build", "sign", "verify")
_TIME_LIMIT = 10.0
_LONGEST = 600


def diagnose(
    config: str | os.PathLike[str] | None = None,
    *,
    tasks: Iterable[str] = _USUAL,
    profile: str = "development",
    network: bool = False,
    time_limit: float = _TIME_LIMIT,
) -> tuple[Finding, ...]:
    """Check whether this machine has what a project needs. Installs nothing.

    Args:
        config: The project's config.toml; None for what every project needs.
        tasks: The tasks to check: `build`, `sign`, `verify`, `package`, `submission`, `smoke`,
            `deploy`. A task includes the tasks that run before it.
        profile: The profile of cargo-make whose certificate, linker and tool are checked.
        network: Whether to check that the timestamp server answers.
        time_limit: The time limit in seconds for each program that is run.

    Returns:
        What was checked. Severity `ok`: it was found; `error`: a task cannot run without it. `tags`
        are the tasks that need it, and `fixes` are commands that install it.

    Raises:
        ConfigError: The configuration is not valid.
        UsageError: The profile does not exist.
        ValueError: The task does not exist.
    """
    project = load(config) if config is not None else Project(driver=Driver(name="driver"))
    name = os.fspath(config) if config is not None else ""
    _demand_profile(profile, project)
    needed = needed_for([Task(task) for task in several("tasks", tasks)])
    host = _host(name, project, time_limit)
    return run_probes(host, project, name, Scope(profile, needed, network))


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "configs",
        metavar="CONFIG",
        nargs="*",
        help="the configuration or folder of a project, or a workspace (default: the one in this "
        "folder or above it; without one, checks what every project needs)",
    )
    parser.add_argument(
        "--for",
        dest="tasks",
        metavar="TASKS",
        type=_tasks,
        help="check these tasks, separated by commas: build, sign, verify, package, submission, "
        "smoke, deploy; a task includes the tasks that run before it (default: build,sign,verify; "
        "what smoke or deploy lacks is a note)",
    )
    parser.add_argument(
        "--profile",
        metavar="NAME",
        default="development",
        help="check the certificate, linker and tool of this profile (default: development)",
    )
    parser.add_argument(
        "--fix",
        action="store_true",
        help="show the commands that install what is missing, ask, and run them",
    )
    parser.add_argument(
        "--yes", action="store_true", help="run them without asking (requires --fix)"
    )
    parser.add_argument(
        "--network", action="store_true", help="check that the timestamp server answers"
    )
    parser.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=_seconds,
        default=_TIME_LIMIT,
        help="time limit for each program that doctor runs (default: 10)",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0 when nothing that the tasks need is missing.

    Raises:
        ConfigError: The configuration is not valid.
        ToolError: Something is missing.
        UsageError: `--yes` without `--fix`, or `--fix` without both a terminal and `--yes`.
    """
    if arguments.yes and not arguments.fix:
        raise UsageError("--yes requires --fix.")
    projects = _projects(arguments.configs)
    for _, project in projects:
        _demand_profile(arguments.profile, project)
    hosts = _hosts(projects, arguments.time_limit)
    required = needed_for([Task(name) for name in arguments.tasks or _USUAL])
    optional = Task.DEPLOY if hosts[0].is_windows else Task.SMOKE
    checked = required if arguments.tasks else required | {optional}
    scope = Scope(arguments.profile, checked, arguments.network)

    def check() -> tuple[Finding, ...]:
        # What all projects need from the machine is reported once.
        found = tuple(
            dict.fromkeys(
                finding
                for host, (config, project) in zip(hosts, projects, strict=True)
                for finding in run_probes(host, project, config, scope, reporter.progress)
            )
        )
        reporter.progress("")
        return found

    findings = check()
    commands = remedies(findings, required) if arguments.fix else ()
    if commands:
        _confirm(commands, reporter, arguments)
        _fix(commands, hosts[0], reporter)
        findings = check()
    _report(findings, required, reporter, arguments)
    return 0


def _tasks(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in _TASKS]:
        raise argparse.ArgumentTypeError(
            f"`{unknown[0]}` is not a task; the tasks are {', '.join(_TASKS)}"
        )
    return names


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(
            f"`{text}` is not a number of seconds between 0 and {_LONGEST}"
        )
    return seconds


def _projects(words: Sequence[str]) -> list[tuple[str, Project]]:
    """Return configurations and their projects; "" and a default project if there is none."""
    configs = find_configs(words, must_exist=False)
    if not configs:
        return [("", Project(driver=Driver(name="driver")))]
    return [(config, load(config)) for config in configs]


def _host(config: str, project: Project, time_limit: float) -> Host:
    """Return this machine, for a project; `config` is "" if there is none."""
    # Without `..`: cargo and rustup search the folders above.
    folder = Path(shown(Path(config).absolute().parent, ""))
    folders = [folder, Path(shown(folder, project.driver.workspace_root or ""))]
    try:
        home = Path.home()
    except RuntimeError:  # a container's user without a name and without HOME
        home = Path("/")
    # A project in the home folder, or above it, contains all of the user's programs.
    roots = tuple(each for each in dict.fromkeys(folders) if not home.is_relative_to(each))
    return this_host(folder, time_limit, roots if config else ())


def _hosts(projects: Sequence[tuple[str, Project]], time_limit: float) -> list[Host]:
    """Return this machine for each project; it runs no program that is in one of them."""
    hosts = [_host(config, project, time_limit) for config, project in projects]
    roots = tuple(dict.fromkeys(root for host in hosts for root in host.roots))
    return [replace(host, roots=roots) for host in hosts]


def _demand_profile(name: str, project: Project) -> None:
    if name not in project.profiles:
        known = ", ".join(project.profiles)
        raise UsageError(f"the project has no profile `{name}`. Its profiles are {known}.")


def _confirm(
    commands: Sequence[Command], reporter: Reporter, arguments: argparse.Namespace
) -> None:
    """Show the commands, and ask whether to run them.

    Raises:
        UsageError: There is no terminal, or the answer is no.
    """
    if arguments.yes:
        return
    listed = "\n".join(f"  {shlex.join(command)}" for command in commands)
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(
            "--fix asks before it runs a command, which needs a terminal. With --yes it runs:"
            f"\n{listed}"
        )
    reporter.say(f"--fix runs:\n{listed}\nRun these commands? [y/N] ")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("kdrvgen ran no command.")


def _fix(commands: Sequence[Command], host: Host, reporter: Reporter) -> None:
    for command in commands:
        reporter.say(f"+ {shlex.join(command)}\n")
        if failure := run_command(command, host):
            reporter.say(f"  {command[0]} {failure}\n")


def _report(
    findings: Sequence[Finding],
    required: Collection[Task],
    reporter: Reporter,
    arguments: argparse.Namespace,
) -> None:
    """Report the findings.

    Raises:
        ToolError: Something is missing.
    """
    broken = [finding for finding in findings if breaks(finding, required)]
    # What other tasks lack is only a note.
    findings = [
        finding.as_severe_as(Severity.NOTE)
        if finding.severity is Severity.ERROR and finding not in broken
        else finding
        for finding in findings
    ]
    lines = checklist(broken if arguments.quiet else findings, _TASKS)
    if not broken and not arguments.quiet:
        tasks = ", ".join(task for task in _TASKS if task in required)
        lines.append(f"nothing is missing for {tasks} (profile {arguments.profile})")
    reporter.answer("tasks", sorted(required), "\n".join(lines))
    reporter.collect(findings)
    if broken:
        broken_tasks = {tag for finding in broken for tag in finding.tags if tag in required}
        tasks = ", ".join(task for task in _TASKS if task in broken_tasks)
        raise ToolError(f"{tasks}: {quantity(len(broken), 'problem')}.")
