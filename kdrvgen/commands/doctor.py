"""`kdrvgen doctor`: what this host lacks for a project, and the commands that mend it."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from kdrvgen.commands.config_file import config_in
from kdrvgen.commands.missing_config import demand
from kdrvgen.config import load
from kdrvgen.doctor.checkup import Scope, check_up
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.mending import remedies
from kdrvgen.doctor.mending import run as run_command
from kdrvgen.doctor.tasks import Command, Task, breaks, needed_for
from kdrvgen.errors import ToolError, UsageError
from kdrvgen.model import Driver, Project
from kdrvgen.report.finding import Finding, Severity
from kdrvgen.report.human import checklist
from kdrvgen.report.reporter import Reporter

__all__ = ["populate_parser", "run"]

_TASKS = ("build", "sign", "verify", "smoke", "deploy")
_USUAL = ("build", "sign", "verify")
_TIME_LIMIT = 10.0
_LONGEST = 600


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "config",
        metavar="CONFIG",
        nargs="?",
        help="the project's configuration (default: kdrvgen.toml or config.toml here; without "
        "one, what every project needs)",
    )
    parser.add_argument(
        "--for",
        dest="tasks",
        metavar="TASKS",
        type=_tasks,
        help="with commas: build, sign, verify, smoke, deploy; each counts with those before it "
        "(default: build,sign,verify must work, and what smoke and deploy lack is noted)",
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
        help="run the commands that install what is missing; asks first",
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
        UsageError: `--fix` without a terminal to ask on, and without `--yes`.
    """
    if arguments.yes and not arguments.fix:
        raise UsageError("--yes is the answer to what --fix asks, and there is no --fix.")
    config, project = _project(arguments.config)
    _demand_profile(arguments.profile, project)
    host = this_host(Path(config).absolute().parent, arguments.time_limit)
    asked = needed_for([Task(name) for name in arguments.tasks or _USUAL])
    told = asked if arguments.tasks else asked | {Task.DEPLOY if host.is_windows else Task.SMOKE}

    scope = Scope(arguments.profile, told, arguments.network)

    def found() -> tuple[Finding, ...]:
        return check_up(host, project, config, scope)

    findings = found()
    commands = remedies(findings, asked) if arguments.fix else ()
    if commands:
        _agree(commands, reporter, arguments)
        _mend(commands, host, reporter)
        findings = found()
    _report(findings, asked, reporter, arguments)
    return 0


def _tasks(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in _TASKS]:
        raise argparse.ArgumentTypeError(f"`{unknown[0]}` is none of {', '.join(_TASKS)}")
    return names


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of seconds up to {_LONGEST}")
    return seconds


def _project(given: str | None) -> tuple[str, Project]:
    """Return the configuration's path and what it describes; without one, a project of defaults."""
    config = given or config_in(Path())
    if not config:
        return "", Project(driver=Driver(name="driver"))
    demand(config)
    return config, load(config)


def _demand_profile(name: str, project: Project) -> None:
    if name not in project.profiles:
        known = ", ".join(project.profiles)
        raise UsageError(f"there is no profile `{name}`, but {known}.")


def _agree(commands: Sequence[Command], reporter: Reporter, arguments: argparse.Namespace) -> None:
    """Show the commands, and ask whether to run them.

    Raises:
        UsageError: There is nobody to ask, or the answer is no.
    """
    if arguments.yes:
        return
    listed = "\n".join(f"  {shlex.join(command)}" for command in commands)
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(
            "--fix asks before it runs anything, and there is no terminal to ask on. It would run"
            f"\n{listed}\nand does so with --yes."
        )
    reporter.say(f"--fix runs\n{listed}\nNow? [y/N] ")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was run.")


def _mend(commands: Sequence[Command], host: Host, reporter: Reporter) -> None:

    for command in commands:
        reporter.say(f"+ {shlex.join(command)}\n")
        code = run_command(command, host)
        if code != 0:
            ended = "could not be started" if code is None else f"ended with {code}"
            reporter.say(f"  {command[0]} {ended}\n")


def _report(
    findings: Sequence[Finding],
    asked: Collection[Task],
    reporter: Reporter,
    arguments: argparse.Namespace,
) -> None:
    """Report what was found.

    Raises:
        ToolError: Something is missing.
    """
    broken = [each for each in findings if breaks(each, asked)]
    # What other tasks lack is no more than a note.
    findings = [
        each.as_severe_as(Severity.NOTE)
        if each.severity is Severity.ERROR and each not in broken
        else each
        for each in findings
    ]
    lines = checklist(broken if arguments.quiet else findings, _TASKS)
    if not broken and not arguments.quiet:
        named = ", ".join(task for task in _TASKS if task in asked)
        lines.append(f"nothing is missing for {named} (profile {arguments.profile})")
    reporter.answer("tasks", sorted(asked), "\n".join(lines))
    reporter.collect(findings)
    if broken:
        hurt = {tag for each in broken for tag in each.tags if tag in asked}
        tasks = ", ".join(task for task in _TASKS if task in hurt)
        count = "1 thing is" if len(broken) == 1 else f"{len(broken)} things are"
        raise ToolError(f"{tasks}: {count} missing.")
