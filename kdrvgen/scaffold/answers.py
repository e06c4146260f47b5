"""What the user wants of a new project, from all the places where it can be said."""

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
    """Return `document` for a project of that name; what is no table there is left to be told."""
    found = merged({"driver": {}}, document)
    if isinstance(found["driver"], dict):
        found["driver"]["name"] = name
    return found


def complete(template: Template, *documents: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole config.toml of a new project, which may still be invalid.

    Args:
        template: Gives the defaults.
        documents: What the user says; a later one goes over an earlier one.
    """
    # An empty default says that the option is made from others.
    options = {key: value for key, value in template.options.items() if value != ""}
    base = merged(template.config, {"bootstrap": {"template": template.name, **options}})
    whole = merged({"driver": {}}, base, *documents)
    bootstrap = whole["bootstrap"]
    if isinstance(bootstrap, dict):
        bootstrap["template"] = template.name
    return whole


def checked(document: Mapping[str, Any], name: str = "config") -> Project:
    """Return what `document` describes.

    Args:
        document: Tables as TOML has them.
        name: What errors call it.

    Raises:
        ConfigError: It describes no project.
    """
    try:
        return Project.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = error.errors(include_url=False)
    # Raised outside of the handler: a traceback would show pydantic's words, values and all.
    raise ConfigError(*explain(Source(name, ""), lines, vocabulary(Project)))


def value_at(project: Project, path: Path) -> object:
    """Return what a key means in a project, as TOML has it, derived defaults included."""
    if path == ("driver", "targets"):
        return list(project.driver.triples)
    if path == ("bootstrap", "pool-tag"):
        return project.bootstrap.pool_tag or pool_tag(project.driver.name)
    table, key = (str(part) for part in path)
    return plain(getattr(getattr(project, table), key.replace("-", "_")))


def replayed(file: str) -> dict[str, Any]:
    """Return what the config.toml of another project says, apart from where that project is.

    Raises:
        ConfigError: It cannot be read or is not valid.
    """
    load(file)
    found = tomli.loads(read(file).removeprefix("\ufeff"))
    found["driver"].pop("workspace-root", None)
    return found


def foreign_options(template: Template, document: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with options in `[bootstrap]` that the template does not have."""
    has = ", ".join(f"`{each}`" for each in template.options)
    return [
        Finding(
            "key-unknown",
            f"the template `{template.name}` has no option `{name}`",
            Place("config"),
            help=f"it has {has}",
            key=("bootstrap", name),
        )
        for name in _foreign(template, document)
    ]


def check_options(template: Template, document: Mapping[str, Any]) -> None:
    """Raise ConfigError if `document` has an option that the template does not."""
    if found := foreign_options(template, document):
        raise ConfigError(found)


def without_foreign_options(template: Template, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of another project's config.toml the template can make use of."""
    found = merged(document)
    for name in _foreign(template, document):
        del found["bootstrap"][name]
    return found


def _foreign(template: Template, document: Mapping[str, Any]) -> list[str]:
    """Return the options that there are, in other templates."""
    given = document.get("bootstrap", {})
    if not isinstance(given, Mapping):
        return []
    return [name for name in OPTIONS if name in given and name not in template.options]


def pool_tag(name: str) -> str:
    """Return the pool tag of a driver that was given none: the beginning of its name."""
    letters = "".join(each for each in name if each.isalnum())
    return letters[:4].capitalize().ljust(4, "0")
