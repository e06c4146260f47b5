"""Which commands install what is missing, in which order, and how they run."""

from __future__ import annotations

import os
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


def run(command: Command, host: Host) -> int | None:
    """Run a command; its output goes to standard error.

    Returns:
        Its exit code; None if it could not be started.
    """
    program = host.which(command[0])
    try:
        return subprocess.run(  # noqa: S603 - the user has seen the command and agreed
            [program or command[0], *command[1:]],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=sys.stderr,
            check=False,
        ).returncode
    except OSError:
        return None
