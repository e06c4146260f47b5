"""Findings as workflow commands, which GitHub shows as annotations on the changed lines.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions; the escapes
are those of the runner's own toolkit (actions/toolkit, command.ts).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from kdrvgen.characters import visible
from kdrvgen.report.finding import Finding, Severity
from kdrvgen.spelling import quantity

__all__ = ["annotate"]

_COMMANDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}


def annotate(findings: Sequence[Finding], omitted: int = 0) -> str:
    """Return one workflow command per line for each finding except OK.

    Args:
        findings: The findings.
        omitted: The number of errors that are left out; the last command reports it.
    """
    commands = [_command(each) for each in findings if each.severity in _COMMANDS]
    if omitted:
        place = f" file={_property(findings[-1].file)}" if findings[-1].file else ""
        commands.append(f"::error{place}::not shown: {quantity(omitted, 'more error')}")
    return "".join(f"{command}\n" for command in commands)


def _command(finding: Finding) -> str:
    place, properties = finding.place, {}
    if place is not None:
        properties["file"] = place.file
        if place.line:
            properties["line"] = str(place.line)
        if place.column:
            properties["col"] = str(place.column)
            properties["endColumn"] = str(place.column + (place.length or 1))
    where = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = _data("\n".join(_lines(finding)))
    return f"::{_COMMANDS[finding.severity]}{where and ' '}{where}::{text}"


def _lines(finding: Finding) -> Iterator[str]:
    place = finding.place
    yield f"{finding.message} [{finding.rule}]" if finding.reference else finding.message
    if place and place.offset is not None:
        yield f"found: {finding.source} at 0x{place.offset:X}"
    if finding.why:
        yield f"why: {finding.why}"
    yield from (f"help: {line}" for line in finding.help.splitlines())
    yield from (f"help: {shlex.join(command)}" for command in finding.fixes)
    for related in finding.related:
        file = f"{related.place.file}, " if related.place.file != finding.file else ""
        yield f"note: {file}line {related.place.line}: {related.message}"
    if finding.reference:
        yield f"see: {finding.reference}"
    if finding.note:
        yield f"note: {finding.note}"


def _data(text: str) -> str:
    lines = [visible(line).replace("%", "%25") for line in text.split("\n")]
    return "%0A".join(lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
