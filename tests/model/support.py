"""Projects from TOML, and the errors of those that the model refuses."""

from __future__ import annotations

from typing import Any

import pytest
import tomli
from pydantic import ValidationError

from kdrvgen import Project

MINIMAL = '[driver]\nname = "hello"\n'


def project(text: str = "", driver: str = "") -> Project:
    """Return the smallest project with `text` added, and `driver` in [driver]."""
    return Project.model_validate(tomli.loads(f"{MINIMAL}{driver}\n{text}"))


def is_accepted(text: str = "", driver: str = "") -> bool:
    """Return whether the model accepts the smallest project with `text` and `driver` added."""
    try:
        project(text, driver)
    except ValidationError:
        return False
    return True


def refusals(text: str = "", driver: str = "") -> list[dict[str, Any]]:
    """Return the line errors of a project that is refused, each with the TOML path in `loc`."""
    return refusals_of(tomli.loads(f"{MINIMAL}{driver}\n{text}"))


def refusals_of(data: object) -> list[dict[str, Any]]:
    """Return the line errors of a document that is refused."""
    with pytest.raises(ValidationError) as caught:
        Project.model_validate(data)
    return [dict(line) for line in caught.value.errors(include_url=False)]


def refusal(text: str = "", driver: str = "") -> dict[str, Any]:
    """Return the only line error of a project that is refused."""
    (line,) = refusals(text, driver)
    return line


def dotted(line: dict[str, Any]) -> str:
    """Return the path of a line error, such as `linker.args.0`."""
    return ".".join(str(part) for part in line["loc"])


def also(line: dict[str, Any]) -> set[str]:
    """Return the other keys that contribute to a line error."""
    return {".".join(str(part) for part in path) for path in line["ctx"]["also"]}
