"""All probes side by side, each with a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from kdrvgen.doctor.certificates import certificates
from kdrvgen.doctor.generated import agreement, generated
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.kit import kit
from kdrvgen.doctor.rust import cargo, cargo_make, rustc
from kdrvgen.doctor.signing import signing_tool, time_stamp
from kdrvgen.doctor.surroundings import cargo_config, clock, disk, rustflags
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.doctor.windows import deployment
from kdrvgen.doctor.wine import wine
from kdrvgen.errors import FileAccessError
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Severity

__all__ = ["Scope", "check_up"]

Probe = Callable[[Host, Project], Iterable[Finding]]

_SIGNING = (Task.SIGN, Task.VERIFY)
_BUILD = (Task.BUILD,)
_PROBES: tuple[tuple[str, tuple[Task, ...], Probe], ...] = (
    ("cargo", _BUILD, cargo),
    ("rustc", _BUILD, rustc),
    ("cargo-make", tuple(Task), cargo_make),
    ("WDK", _BUILD, kit),
    ("flags for rustc", _BUILD, rustflags),
    ("cargo configuration", _BUILD, cargo_config),
    ("disk", _BUILD, disk),
    ("signing tool", _SIGNING, signing_tool),
    ("certificate", _SIGNING, certificates),
    ("clock", _SIGNING, clock),
    ("Wine", (Task.SMOKE,), wine),
    ("Windows", (Task.DEPLOY,), deployment),
)
"""Each probe with its name and tasks, in the order of the answer."""

# A probe asks several programs, one after the other.
_PATIENCE = 3


class Scope(NamedTuple):
    """What is asked for.

    Attributes:
        profile: Of cargo-make: its certificate, signing tool and linker count.
        tasks: Those that shall work.
        network: Whether to ask the time stamp server too.
    """

    profile: str
    tasks: AbstractSet[Task]
    network: bool


def check_up(
    host: Host,
    project: Project,
    config: str,
    scope: Scope,
) -> tuple[Finding, ...]:
    """Ask a host for everything that a project needs.

    Args:
        host: The machine.
        project: What it is to build.
        config: The path of config.toml; "" where there is none, and no generated files.
        scope: What to ask for.

    Returns:
        What was found, in a fixed order. A probe that does not end in time is a finding.
    """
    whole = project
    project = whole.model_copy(update={"profiles": {scope.profile: whole.profiles[scope.profile]}})
    probes = [(name, own, probe) for name, own, probe in _PROBES if not scope.tasks.isdisjoint(own)]
    if scope.network and Task.SIGN in scope.tasks:
        probes.append(("time stamp", (Task.SIGN,), time_stamp))
    if config:
        probes.append(
            ("generated files", tuple(Task), lambda _host, _project: generated(config, whole))
        )
        probes.append(("agreement", tuple(Task), lambda _host, _project: agreement(config, whole)))
    waiting = [_Running(name, own, probe, host, project) for name, own, probe in probes]
    found = [finding for each in waiting for finding in each.result()]
    return tuple(finding for finding in found if not scope.tasks.isdisjoint(finding.tags))


class _Running(threading.Thread):
    """A probe at work. The process may end while it hangs, such as in a dead network drive."""

    def __init__(
        self, name: str, tasks: tuple[Task, ...], probe: Probe, host: Host, project: Project
    ) -> None:
        super().__init__(daemon=True)
        self._subject = name
        self._tasks = tasks
        self._probe = probe
        self._host = host
        self._project = project
        self._found: list[Finding] | None = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._found = list(self._probe(self._host, self._project))
        except (OSError, FileAccessError) as error:
            told = f"cannot be told: {error}"
            self._found = [outcome(self._subject, Severity.ERROR, told, self._tasks)]
        except Exception as error:  # noqa: BLE001 - raised again by the thread that asks
            self._error = error

    def result(self) -> list[Finding]:
        """Wait for the probe and return what it found.

        Raises:
            Exception: What the probe raised.
        """
        limit = self._host.time_limit * _PATIENCE
        self.join(limit)
        if self._error:
            raise self._error
        if self._found is None:
            told = f"the probe did not end within {limit:g} s"
            return [outcome(self._subject, Severity.ERROR, told, self._tasks)]
        return self._found
