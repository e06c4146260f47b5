"""Read config.toml into a `Project`, or report what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import tomli
from pydantic import ValidationError

from kdrvgen.characters import visible
from kdrvgen.config import syntax, validation
from kdrvgen.config.reader import read
from kdrvgen.config.source import Source
from kdrvgen.config.suggest import vocabulary
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.model.project import ReadFrom

__all__ = ["load", "loads"]


def load(path: str | os.PathLike[str]) -> Project:
    """Read a configuration file.

    Returns:
        The project; `read_from` is the file.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or does not describe a project. Its
            `findings` list every error, in the order of the file.
    """
    text = read(path)
    project = _project(text, os.fspath(path))
    name = Path(path).name
    # Makefile.toml is text, and the tasks print the name.
    return project.as_read_from(ReadFrom.of(name, text)) if visible(name) == name else project


def loads(text: str, filename: str = "config.toml") -> Project:
    """Read a configuration from its text.

    Args:
        text: The text of the file; line ends may be LF or CRLF, a byte order mark is skipped.
        filename: The name of the file in error messages.

    Returns:
        The project; `read_from` is None.

    Raises:
        ConfigError: In the same cases as `load`.
    """
    return _project(text, filename)


def _project(text: str, name: str) -> Project:

    document = _parse(text, name)
    try:
        # Only Python code may use a key's Python name: the file must use `output-name`.
        return Project.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = error.errors(include_url=False)
    # Raised outside of the handler: a traceback would show pydantic's message with the values.

    raise ConfigError(*validation.explain(Source.of(text, name), lines, vocabulary(Project)))


def _parse(text: str, name: str) -> dict[str, Any]:

    failure: Exception
    try:
        return tomli.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        failure = error
    # Raised outside of the handler: tomli's error holds the whole text.

    raise ConfigError([syntax.explain(Source.of(text, name), failure)])
