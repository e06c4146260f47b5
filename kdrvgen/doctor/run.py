"""Runs all probes at the same time, each with a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from importlib import import_module
from typing import NamedTuple

from kdrvgen.doctor.check import SIGNING_TASKS, Check
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.cargo_configuration import cargo_configuration
from kdrvgen.doctor.probes.certificates import certificates
from kdrvgen.doctor.probes.environment import clock, disk
from kdrvgen.doctor.probes.flags import rustflags
from kdrvgen.doctor.probes.generated_files import agreement, generated_files
from kdrvgen.doctor.probes.kit import kit
from kdrvgen.doctor.probes.packing import kdrvgen, submission, wdk_tools
from kdrvgen.doctor.probes.project import project_files
from kdrvgen.doctor.probes.rust import cargo, cargo_make, rustc
from kdrvgen.doctor.probes.signing import signing_tool
from kdrvgen.doctor.probes.windows import deployment
from kdrvgen.doctor.probes.wine import wine
from kdrvgen.doctor.tasks import Task
from kdrvgen.errors import FileAccessError
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["Scope", "run_probes"]

Probe = Callable[[Host, Project], Iterable[Finding]]

_BUILD = (Task.BUILD,)
_ALL_TASKS = tuple(Task)
_PROBES: tuple[tuple[Check, Probe], ...] = (
    (Check("cargo", _BUILD), cargo),
    (Check("rustc", _BUILD), rustc),
    (Check("cargo-make", _ALL_TASKS), cargo_make),
    (Check("WDK", _BUILD), kit),
    (Check("flags for rustc", _BUILD), rustflags),
    (Check("cargo configuration", _BUILD), cargo_configuration),
    (Check("disk", _BUILD), disk),
    (Check("signing tool", SIGNING_TASKS), signing_tool),
    (Check("certificate", SIGNING_TASKS), certificates),
    (Check("clock", SIGNING_TASKS), clock),
    (Check("kdrvgen", (Task.PACKAGE, Task.SUBMISSION, Task.SMOKE)), kdrvgen),
    (Check("WDK tools", (Task.PACKAGE, Task.SUBMISSION, Task.SMOKE)), wdk_tools),
    (Check("submission", (Task.SUBMISSION,)), submission),
    (Check("Wine", (Task.SMOKE,)), wine),
    (Check("Windows", (Task.DEPLOY,)), deployment),
)
"""The probes in the order of the report, each with the check that names it if it fails."""

_PROGRAMS_PER_PROBE = 3
"""A probe runs up to this many programs, one after the other; each has the host's time limit."""


class Scope(NamedTuple):
    """What to check.

    Attributes:
        profile: The cargo-make profile whose certificate, signing tool and linker are checked.
        tasks: The tasks that must work.
        network: Whether to contact the timestamp server.
    """

    profile: str
    tasks: AbstractSet[Task]
    network: bool


def run_probes(
    host: Host,
    project: Project,
    config: str,
    scope: Scope,
    progress: Callable[[str], object] = lambda _: None,
) -> tuple[Finding, ...]:
    """Check a host for everything that a project needs.

    Args:
        host: The machine.
        project: The project to build on it.
        config: The path of config.toml; "" if there is none, and so no generated files.
        scope: What to check.
        progress: Shows what the command waits for.

    Returns:
        The findings, in a fixed order. A probe that does not end in time is a finding.
    """
    one_profile = {scope.profile: project.profiles[scope.profile]}
    narrowed = project.model_copy(update={"profiles": one_profile})
    probes = [(check, probe) for check, probe in _PROBES if not scope.tasks.isdisjoint(check.tasks)]
    if scope.network and Task.SIGN in scope.tasks:
        server = import_module("kdrvgen.doctor.probes.timestamp").timestamp_server
        probes.append((Check("timestamp", (Task.SIGN,)), server))
    if config:
        probes += [
            (
                Check("generated files", _ALL_TASKS),
                lambda _host, _project: generated_files(config, project),
            ),
            (Check("agreement", _ALL_TASKS), lambda _host, _project: agreement(config, project)),
            (Check("project", _BUILD), project_files),
        ]
    threads = [_ProbeThread(check, probe, host, narrowed) for check, probe in probes]
    findings: list[Finding] = []
    for number, thread in enumerate(threads, 1):
        progress(f"checking {number}/{len(threads)} {thread.check.name}")
        findings += thread.result()
    return tuple(finding for finding in findings if not scope.tasks.isdisjoint(finding.tags))


class _ProbeThread(threading.Thread):
    """A running probe. The process can end while it hangs, for example on a dead network drive."""

    def __init__(self, check: Check, probe: Probe, host: Host, project: Project) -> None:
        super().__init__(daemon=True)
        self.check = check
        self._probe = probe
        self._host = host
        self._project = project
        self._findings: list[Finding] | None = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._findings = list(self._probe(self._host, self._project))
        except (OSError, FileAccessError) as error:
            self._findings = [self.check.error(f"the check failed: {error}")]
        except Exception as error:  # noqa: BLE001 - result() raises it in the caller's thread
            self._error = error

    def result(self) -> list[Finding]:
        """Wait for the probe and return its findings.

        Raises:
            Exception: The exception that the probe raised.
        """
        limit = self._host.time_limit * _PROGRAMS_PER_PROBE
        self.join(limit)
        if self._error:
            raise self._error
        if self._findings is None:
            return [self.check.error(f"the check did not end within {limit:g} s")]
        return self._findings
