"""config.toml as a `Project`, or as findings that say what is wrong with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kdrvgen.errors import ConfigError

if TYPE_CHECKING:
    from kdrvgen.config.source import Source
    from kdrvgen.model import Project

__all__ = ["load", "loads"]


def load(path: str | os.PathLike[str]) -> Project:
    """Read a configuration file.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or does not describe a project. Its
            `findings` are all that is wrong, in the order of the file.
    """
    from kdrvgen.characters import visible  # noqa: PLC0415 - likewise
    from kdrvgen.config.reading import read  # noqa: PLC0415 - a run with nothing to do never reads
    from kdrvgen.model.project import ReadFrom  # noqa: PLC0415 - likewise

    text = read(path)
    project = _project(text, os.fspath(path))
    name = os.path.basename(os.fspath(path))  # noqa: PTH119 - as the user wrote it
    # Makefile.toml is text, and the tasks print the name.
    return project.as_read_from(ReadFrom.of(name, text)) if visible(name) == name else project


def loads(text: str, filename: str = "config.toml") -> Project:
    """Read a configuration from its text.

    Args:
        text: The text of the file; line ends may be LF or CRLF, a byte order mark is skipped.
        filename: What errors call it.

    Raises:
        ConfigError: As `load` does.
    """
    return _project(text, filename)


def _project(text: str, name: str) -> Project:
    from pydantic import ValidationError  # noqa: PLC0415 - most of the start-up time

    from kdrvgen.model import Project  # noqa: PLC0415 - likewise

    document = _parse(text, name)
    try:
        # A key's Python name is for Python: the file knows `output-name` only.
        return Project.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = error.errors(include_url=False)
    # Raised outside of the handler: a traceback would show pydantic's words, values and all.
    from kdrvgen.config.suggest import vocabulary  # noqa: PLC0415 - only when there are errors
    from kdrvgen.config.validation import explain  # noqa: PLC0415 - likewise

    raise ConfigError(*explain(_source(text, name), lines, vocabulary(Project)))


def _parse(text: str, name: str) -> dict[str, Any]:
    import tomli  # noqa: PLC0415 - as above

    failure: Exception
    try:
        return tomli.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        failure = error
    # Raised outside of the handler: tomli's error holds the whole text.
    from kdrvgen.config.syntax import explain  # noqa: PLC0415 - only when there are errors

    raise ConfigError([explain(_source(text, name), failure)])


def _source(text: str, name: str) -> Source:
    from kdrvgen.config.source import Source  # noqa: PLC0415 - likewise

    return Source.of(text, name)
