"""Findings in words, and as data for programs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from typing import Any

from kdrvgen.doctor.findings import Command, Finding, State, Task

__all__ = ["as_data", "as_lines", "as_text"]

_LEFT = 11


def as_text(command: Command) -> str:
    """Return a command as a shell takes it."""
    return shlex.join(command)


def as_lines(findings: Sequence[Finding], asked: Collection[Task], *, brief: bool) -> list[str]:
    """Return the findings as lines for people.

    Args:
        findings: What was found.
        asked: The tasks that are asked for: what others lack is no more than a note.
        brief: Whether to leave out what is well.
    """
    width = max((len(each.name) for each in findings), default=0)
    needs = max((len(_needed(each)) for each in findings), default=0)
    lines: list[str] = []
    for each in findings:
        if brief and not each.breaks(asked):
            continue
        state = State.NOTE if each.state is State.MISSING and not each.breaks(asked) else each.state
        where = f"  ({each.place})" if each.place else ""
        told = " ".join(f"{each.message}{where}".splitlines())
        lines.append(f"{state:{_LEFT}}{each.name:{width}}  {_needed(each):{needs}}  {told}")
        if each.state is not State.FOUND:
            lines += _remedies(each, " " * (_LEFT + width + needs + 4))
    return lines


def as_data(findings: Sequence[Finding], asked: Collection[Task]) -> dict[str, Any]:
    """Return the findings as JSON's types."""
    return {
        "tasks": sorted(asked),
        "findings": [
            {
                "name": each.name,
                "state": each.state,
                "needed": each.breaks(asked),
                "message": each.message,
                "place": each.place,
                "tasks": list(each.tasks),
                "advice": each.advice,
                "commands": [list(command) for command in each.commands],
            }
            for each in findings
        ],
    }


def _needed(finding: Finding) -> str:
    """Return which tasks need it."""
    return "all" if len(finding.tasks) == len(Task) else ", ".join(finding.tasks)


def _remedies(finding: Finding, margin: str) -> list[str]:
    texts = [*map(as_text, finding.commands), *finding.advice.splitlines()]
    return [
        f"{margin}-> {text}" if not text.startswith(" ") else f"{margin}{text}" for text in texts
    ]
