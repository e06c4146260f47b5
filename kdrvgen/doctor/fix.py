"""Which commands install what is missing, in which order, and how they run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Sequence
from typing import NamedTuple

from kdrvgen.doctor.check import Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Command, Task, breaks
from kdrvgen.report.finding import Finding

__all__ = ["install", "remedies", "run"]


class _Package(NamedTuple):
    """The package that contains a program, by package manager; "" where there is none."""

    apt: str
    brew: str


_PACKAGES = {
    "cc": _Package("gcc", ""),
    "openssl": _Package("openssl", "openssl"),
    "osslsigncode": _Package("osslsigncode", "osslsigncode"),
    "wine": _Package("wine64", ""),
}


def install(host: Host, program: str) -> Remedy:
    """Return how to install a program: with apt-get, with Homebrew, or by hand."""
    package = _PACKAGES[program]
    if package.apt and host.which("apt-get"):
        root = () if host.is_elevated else ("sudo",)
        if root and not host.which("sudo"):
            return Remedy(f"as root, run: apt-get install {package.apt}")
        return Remedy(
            commands=(
                (*root, "apt-get", "update"),
                (*root, "apt-get", "install", "--yes", package.apt),
            )
        )
    if package.brew and host.which("brew"):
        return Remedy(commands=(("brew", "install", package.brew),))
    if host.system == "macos" and program == "cc":
        return Remedy("run: xcode-select --install")
    return Remedy(f"install {program} with the package manager of this system")


def remedies(findings: Sequence[Finding], tasks: Collection[Task]) -> tuple[Command, ...]:
    """Return the commands that correct what breaks the tasks, each once, in order."""
    commands = (
        command for finding in findings if breaks(finding, tasks) for command in finding.fixes
    )
    return tuple(dict.fromkeys(commands))


def run(command: Command, host: Host) -> str:
    """Run a command; its output goes to standard error.

    Only this Python runs in the current folder, which the path of a configuration is relative to.
    Others could read files there, as cargo and rustup do.

    Returns:
        "" if it succeeded, otherwise how it failed.
    """
    program, folder = sys.executable, None
    if command[0] != sys.executable:
        program, folder = host.which(command[0]), host.neutral_folder
        if not program:
            return "is not installed"
        if host.holds(program):
            return f"was not run, because {program} is in the project"
    try:
        code = subprocess.run(  # noqa: S603 - the user has seen the command and agreed
            [program, *command[1:]],
            cwd=folder,
            env={**host.safe_env, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=sys.stderr,
            check=False,
        ).returncode
    except OSError as error:
        return f"could not be started: {error.strerror or error}"
    return f"ended with exit code {code}" if code else ""
