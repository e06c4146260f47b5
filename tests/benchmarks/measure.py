"""Runs commands side by side and compares their times."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Command", "compare"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command to time.

    Attributes:
        argv: The command and its arguments.
        cwd: Where it runs.
        before: What is done before each run, untimed.
        env: The environment; None for this process's own.
    """

    argv: Sequence[str]
    cwd: Path
    before: Callable[[], object] = lambda: None
    env: Mapping[str, str] | None = None


def compare(commands: Mapping[str, Command], rounds: int) -> dict[str, float]:
    """Return each command's median wall time in milliseconds.

    The commands take turns, so that whatever else the machine does strikes all of them alike. A
    first round, which fills caches, does not count.

    Raises:
        subprocess.CalledProcessError: A command failed.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            command.before()
            start = time.perf_counter()
            subprocess.run(
                command.argv,
                cwd=command.cwd,
                env=command.env,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if number:
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(found) for name, found in times.items()}
