"""The settings of a new project: defaults, another project's config.toml, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli
from pydantic import ValidationError

from kdrvgen.config import load
from kdrvgen.config.keys import Path
from kdrvgen.config.reader import read
from kdrvgen.config.source import Source
from kdrvgen.config.suggest import vocabulary
from kdrvgen.config.validation import explain
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.model.base import plain
from kdrvgen.report.finding import Finding, Place
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.template import OPTIONS, Template

__all__ = [
    "check_options",
    "checked",
    "complete",
    "foreign_options",
    "named",
    "pool_tag",
    "replayed",
    "value_at",
    "without_foreign_options",
]


def named(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return `document` with the project name. The model reports a `driver` that is not a table."""
    found = merged({"driver": {}}, document)
    if isinstance(found["driver"], dict):
        found["driver"]["name"] = name
    return found


def complete(template: Template, *documents: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole config.toml of a new project, which may still be invalid.

    Args:
        template: The template, with its defaults.
        documents: The settings of the user; a later document overrides an earlier one.
    """
    # An option with an empty default is derived from others.
    options = {key: value for key, value in template.options.items() if value != ""}
    base = merged(template.config, {"bootstrap": {"template": template.name, **options}})
    whole = merged({"driver": {}}, base, *documents)
    bootstrap = whole["bootstrap"]
    if isinstance(bootstrap, dict):
        bootstrap["template"] = template.name
    return whole


def checked(document: Mapping[str, Any], name: str = "config") -> Project:
    """Return the project of `document`.

    Args:
        document: TOML tables.
        name: The name of the document in errors.

    Raises:
        ConfigError: The document is not valid.
    """
    try:
        return Project.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = error.errors(include_url=False)
    # Raised outside of the handler: a traceback would show pydantic's message with the values.
    raise ConfigError(*explain(Source(name, ""), lines, vocabulary(Project)))


def value_at(project: Project, path: Path) -> object:
    """Return the value of a key in a project as a TOML value, including derived defaults."""
    if path == ("driver", "targets"):
        return list(project.driver.triples)
    if path == ("bootstrap", "pool-tag"):
        return project.bootstrap.pool_tag or pool_tag(project.driver.name)
    table, key = (str(part) for part in path)
    return plain(getattr(getattr(project, table), key.replace("-", "_")))


def replayed(file: str) -> dict[str, Any]:
    """Return the settings of another project's config.toml, without those about its place.

    Raises:
        ConfigError: The file cannot be read or is not valid.
    """
    load(file)
    found = tomli.loads(read(file).removeprefix("\ufeff"))
    found["driver"].pop("workspace-root", None)
    return found


def foreign_options(template: Template, document: Mapping[str, Any]) -> list[Finding]:
    """Return a finding for each option in `[bootstrap]` that the template does not have."""
    available = ", ".join(f"`{option}`" for option in template.options)
    return [
        Finding(
            "key-unknown",
            f"the template `{template.name}` does not have the option `{name}`",
            Place("config"),
            help=f"its options: {available}",
            key=("bootstrap", name),
        )
        for name in _foreign(template, document)
    ]


def check_options(template: Template, document: Mapping[str, Any]) -> None:
    """Raise ConfigError if `document` has an option that the template does not have."""
    if found := foreign_options(template, document):
        raise ConfigError(found)


def without_foreign_options(template: Template, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of another project's config.toml that the template supports."""
    found = merged(document)
    for name in _foreign(template, document):
        del found["bootstrap"][name]
    return found


def _foreign(template: Template, document: Mapping[str, Any]) -> list[str]:
    """Return the options in `document` that only other templates have."""
    given = document.get("bootstrap", {})
    if not isinstance(given, Mapping):
        return []
    return [name for name in OPTIONS if name in given and name not in template.options]


def pool_tag(name: str) -> str:
    """Return the default pool tag of a driver: the beginning of its name."""
    letters = "".join(each for each in name if each.isalnum())
    return letters[:4].capitalize().ljust(4, "0")
