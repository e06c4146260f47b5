"""Read template.toml of a user's own template, with every error at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import tomli
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kdrvgen import __version__
from kdrvgen.config import syntax
from kdrvgen.config.keys import Path as Key
from kdrvgen.config.locator import Node, locate
from kdrvgen.config.source import Source
from kdrvgen.config.suggest import Vocabulary, vocabulary
from kdrvgen.config.validation import explain
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.model.requirement import fits, is_requirement
from kdrvgen.report.finding import Finding, Place
from kdrvgen.scaffold.manifest import OPTIONS, Manifest
from kdrvgen.scaffold.merge import merged

__all__ = ["parse"]


def parse(source: Source) -> Manifest:
    """Return the content of a template.toml.

    Raises:
        ConfigError: It is not TOML, or not valid.
    """
    failure: Exception | None = None
    document: dict[str, Any] = {}
    try:
        document = tomli.loads(source.text)
    except (ValueError, RecursionError) as error:
        failure = error
    if failure:
        raise ConfigError([syntax.explain(source, failure)])
    _check_version(source, document)
    lines: list[ErrorDetails] = []
    try:
        manifest = Manifest.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = error.errors(include_url=False)
    else:
        lines = [*_misplaced(manifest), *_wrong_settings(manifest)]
        if not lines:
            return manifest
    raise ConfigError(*explain(source, lines, _vocabulary()))


def _check_version(source: Source, document: Mapping[str, Any]) -> None:
    """Check the version first: a newer format has keys that this version does not know."""
    wanted = document.get("kdrvgen-version")
    if isinstance(wanted, str) and is_requirement(wanted) and not fits(wanted, __version__):
        node = locate(source.text).find(("kdrvgen-version",)) or Node()
        place = source.place(node.value) if node.value else Place(source.name)
        message = f"this template is for kdrvgen {wanted}, but this is kdrvgen {__version__}"
        raise ConfigError([Finding("template-version", message, place, help="update kdrvgen")])


def _vocabulary() -> Vocabulary:
    keys = vocabulary(Manifest)
    return {**keys, "config": vocabulary(Project), "options": dict.fromkeys(OPTIONS)}


def _misplaced(manifest: Manifest) -> Iterator[ErrorDetails]:
    """Yield an error for each setting that a template cannot have."""
    if "bootstrap" in manifest.config:
        yield _error(("config", "bootstrap"), "options go into `[options]`")
    if manifest.options.get("git") is True:
        yield _error(("options", "git"), "only the user can ask for `git init`")
    for name in manifest.options:
        if name not in OPTIONS:
            yield ErrorDetails(
                type="extra_forbidden", loc=("options", name), msg="", input=None, ctx={}
            )


def _wrong_settings(manifest: Manifest) -> Iterator[ErrorDetails]:
    """Yield what is wrong with `[config]` and `[options]` for every project."""
    options = {
        name: value for name, value in manifest.options.items() if name in OPTIONS and value != ""
    }
    config = {key: value for key, value in manifest.config.items() if key != "bootstrap"}
    document = merged(config, {"driver": {"name": "driver"}, "bootstrap": options})
    try:
        Project.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        for line in error.errors(include_url=False):
            table, *rest = line["loc"]
            line["loc"] = ("options", *rest) if table == "bootstrap" else ("config", *line["loc"])
            if "ctx" in line:
                line["ctx"] = {**line["ctx"], "also": ()}
            yield line


def _error(loc: Key, message: str) -> ErrorDetails:
    context = {"message": message, "hint": "", "also": (), "secret": False}
    return ErrorDetails(type="kdrvgen", loc=loc, msg=message, input=None, ctx=context)
