"""The commands that mend what is missing: which, in which order, and how they are run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Sequence

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Command, Task, breaks
from kdrvgen.report.finding import Finding

__all__ = ["remedies", "run"]


def remedies(findings: Sequence[Finding], asked: Collection[Task]) -> tuple[Command, ...]:
    """Return the commands that mend what the tasks asked for lack, each once."""
    return tuple(
        dict.fromkeys(command for each in findings if breaks(each, asked) for command in each.fixes)
    )


def run(command: Command, host: Host) -> int | None:
    """Run a command before the user's eyes; what it says goes to standard error.

    Returns:
        Its exit code; None when it could not be started.
    """
    program = host.which(command[0])
    try:
        return subprocess.run(  # noqa: S603 - shown, and agreed to
            [program or command[0], *command[1:]],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=sys.stderr,
            check=False,
        ).returncode
    except OSError:
        return None
