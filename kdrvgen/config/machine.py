"""Diagnostics for programs: JSON, and GitHub's workflow commands."""

from __future__ import annotations

from collections.abc import Sequence

from kdrvgen.characters import as_json as as_document
from kdrvgen.characters import visible
from kdrvgen.config.diagnostics import Diagnostic
from kdrvgen.config.source import Place

__all__ = ["as_github", "as_json"]


def as_json(diagnostics: Sequence[Diagnostic], omitted: int = 0) -> str:
    """Give one JSON object, ASCII only: `{"diagnostics": […], "omitted": 0}`.

    Lines and columns count from 1, lengths are in characters; `line`, `column`, `length` and
    `source` are null where there is no place.
    """
    told = [
        {
            "severity": one.severity,
            "file": one.file,
            "message": one.message,
            "path": list(one.path),
            **_place(one.place),
            "help": one.hint or None,
            "related": [
                {
                    **({"file": related.file} if related.file else {}),
                    "message": related.message,
                    **_place(related.place),
                }
                for related in one.related
            ],
        }
        for one in diagnostics
    ]
    return as_document({"diagnostics": told, "omitted": omitted})


def _place(place: Place | None) -> dict[str, int | str | None]:
    if place is None:
        return {"line": None, "column": None, "length": None, "source": None}
    return {**place.span._asdict(), "source": place.excerpt.text}


def as_github(diagnostics: Sequence[Diagnostic], omitted: int = 0) -> str:
    """Give one workflow command a line, which GitHub shows beside the changed lines.

    The escapes are those of the runner's own toolkit (actions/toolkit, command.ts).
    """
    commands = [_command(one) for one in diagnostics]
    if omitted:
        file = _property(diagnostics[-1].file)
        commands.append(f"::error file={file}::{omitted} more errors are not shown")
    return "".join(f"{command}\n" for command in commands)


def _command(one: Diagnostic) -> str:
    where = {"file": one.file}
    if one.span:
        line, column, length = one.span
        where |= {"line": str(line), "col": str(column), "endColumn": str(column + length)}
    properties = ",".join(f"{key}={_property(value)}" for key, value in where.items())
    told = "\n".join(
        [
            one.message,
            *(f"help: {line}" for line in one.hint.splitlines()),
            *(
                f"note: {related.file and f'{related.file}, '}line {related.place.span.line}: "
                f"{related.message}"
                for related in one.related
            ),
        ]
    )
    return f"::{one.severity} {properties}::{_data(told)}"


def _data(text: str) -> str:
    lines = [visible(line).replace("%", "%25") for line in text.split("\n")]
    return "%0A".join(lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
