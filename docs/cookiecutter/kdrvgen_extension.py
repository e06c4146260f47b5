"""What cookiecutter's template calls: the engine of `kdrvgen new`, from the same checkout."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment
from jinja2.ext import Extension

sys.path.insert(0, str(Path(__file__).parents[2]))

try:
    from kdrvgen.errors import KdrvgenError
    from kdrvgen.model.bootstrap import PACKAGE_KEYS
    from kdrvgen.scaffold import answers, render, writer
    from kdrvgen.scaffold.merge import merged
    from kdrvgen.scaffold.template import Template, load
    from kdrvgen.scaffold.values import typed
except ModuleNotFoundError as missing:
    raise click.ClickException(
        f"this template needs {missing.name} beside cookiecutter: install kdrvgen into the same "
        "environment, as by `pipx inject cookiecutter kdrvgen`."
    ) from missing

__all__ = ["Kdrvgen"]

_SOURCE = "answers"


class Kdrvgen(Extension):
    """Gives cookiecutter.json the defaults of the options, and makes the project."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals |= {
            "kdrvgen_default": _default,
            "kdrvgen_check": _check,
            "kdrvgen_files": _files,
        }


def _default(given: Mapping[str, Any], option: str) -> str:
    """Return the default that the template which was chosen has for an option."""
    value = _template(given).options.get(option, "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _check(given: Mapping[str, Any]) -> str:
    """Make sure that the answers describe a project, before cookiecutter makes a folder."""
    try:
        answers.checked(_document(given), _SOURCE)
    except KdrvgenError as error:
        raise click.ClickException(str(error)) from error
    return ""


def _files(given: Mapping[str, Any]) -> str:
    """Write the files into the folder that cookiecutter has made, and return no name."""
    folder = Path(given["_output_dir"], given["name"])
    document = _document(given)
    try:
        made = render.render(_template(given), document)
        writer.write(made, folder, git=answers.checked(document).bootstrap.git)
    except KdrvgenError as error:
        raise click.ClickException(str(error)) from error
    return ""


def _template(given: Mapping[str, Any]) -> Template:
    try:
        return load(given["bootstrap.template"])
    except KdrvgenError as error:
        raise click.ClickException(str(error)) from error


def _document(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return config.toml as the answers want it; what is the default was not asked for."""
    template = _template(given)
    said: dict[str, Any] = {"driver": {"name": given["name"]}}
    default = answers.checked(answers.complete(template, said), _SOURCE)
    for key, text in given.items():
        table, dot, name = key.partition(".")
        path = (table, name) if dot else ("bootstrap", key)
        if key.startswith("_") or key in {"name", "bootstrap.template"} or not str(text):
            continue
        if path[0] == "bootstrap" and path[1] not in {*template.options, *PACKAGE_KEYS}:
            continue
        value = typed(path, str(text))
        if answers.value_at(default, path) != value:
            said = merged(said, {path[0]: {path[1]: value}})
    return answers.complete(template, said)
