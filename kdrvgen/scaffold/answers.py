"""What the user wants of a new project, from all the places where it can be said."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from kdrvgen.config.diagnostics import Diagnostic
from kdrvgen.config.source import Source
from kdrvgen.config.suggest import vocabulary
from kdrvgen.config.validation import explain
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.scaffold.template import Template

__all__ = ["checked", "complete", "merged", "pool_tag"]


def merged(*documents: Mapping[str, Any]) -> dict[str, Any]:
    """Return one document of several: what a later one says goes over what an earlier one does."""
    found: dict[str, Any] = {}
    for document in documents:
        _merge(found, document)
    return found


def _merge(into: dict[str, Any], document: Mapping[str, Any]) -> None:
    for key, value in document.items():
        below = into.get(key)
        if isinstance(value, Mapping) and isinstance(below, dict):
            _merge(below, value)
        else:
            into[key] = deepcopy(dict(value) if isinstance(value, Mapping) else value)
    # `target` is a shorthand for `targets`: who gives one takes the other back.
    driver = into.get("driver")
    given = document.get("driver")
    if isinstance(driver, dict) and isinstance(given, Mapping):
        for key, other in (("target", "targets"), ("targets", "target")):
            if key in given and other not in given:
                driver.pop(other, None)


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
        found: list[Diagnostic] = explain(
            Source(name, ""), error.errors(include_url=False), vocabulary(Project)
        )
        raise ConfigError(found) from error


def pool_tag(name: str) -> str:
    """Return the pool tag of a driver that was given none: the beginning of its name."""
    letters = "".join(each for each in name if each.isalnum())
    return letters[:4].capitalize().ljust(4, "0")
