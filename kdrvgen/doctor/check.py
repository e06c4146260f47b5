"""What a probe checks, under which name it reports that, and what corrects a problem."""

from __future__ import annotations

from dataclasses import dataclass

from kdrvgen.doctor.tasks import Command, Task
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = ["NO_REMEDY", "SIGNING_TASKS", "Check", "Remedy"]

SIGNING_TASKS = (Task.SIGN, Task.VERIFY)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What corrects a problem.

    Attributes:
        advice: A sentence for the user, where no command is safe to run.
        commands: Commands; each is safe to run.
    """

    advice: str = ""
    commands: tuple[Command, ...] = ()


NO_REMEDY = Remedy()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a host needs.

    The methods take the message, the place and the remedy of a finding. The place is a path, a key
    of the registry, a store or an address; "" if there is none.

    Attributes:
        name: The name that users see; the rule's id is made from it.
        tasks: The tasks that need it.
    """

    name: str
    tasks: tuple[Task, ...]

    def ok(self, message: str, place: str = "") -> Finding:
        """Return the finding that it works."""
        return self.finding(Severity.OK, message, place)

    def note(self, message: str, place: str = "", remedy: Remedy = NO_REMEDY) -> Finding:
        """Return the finding that the tasks work, but that the user should know something."""
        return self.finding(Severity.NOTE, message, place, remedy)

    def error(self, message: str, place: str = "", remedy: Remedy = NO_REMEDY) -> Finding:
        """Return the finding that the tasks cannot work."""
        return self.finding(Severity.ERROR, message, place, remedy)

    def finding(
        self, severity: Severity, message: str, place: str = "", remedy: Remedy = NO_REMEDY
    ) -> Finding:
        """Return a finding of any severity."""
        return Finding(
            rule=f"host-{self.name.lower().replace(' ', '-')}",
            message=f"{self.name}: {message}",
            place=Place(place) if place else None,
            severity=severity,
            help=remedy.advice,
            tags=self.tasks,
            fixes=remedy.commands,
        )
