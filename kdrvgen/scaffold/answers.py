"""The settings of a new project: defaults, another project's config.toml, and answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import tomli
from pydantic import ValidationError

from kdrvgen.config import load
from kdrvgen.config.keys import Path
from kdrvgen.config.reader import read
from kdrvgen.config.source import Source
from kdrvgen.config.suggest import for_value, vocabulary
from kdrvgen.config.validation import explain
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.model.base import plain
from kdrvgen.report.finding import Finding, Place
from kdrvgen.scaffold.manifest import OPTIONS, Question
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.template import Template
from kdrvgen.scaffold.values import boolean, typed

__all__ = [
    "check_options",
    "checked",
    "complete",
    "foreign_options",
    "named",
    "pool_tag",
    "question_at",
    "replayed",
    "typed_for",
    "value_at",
    "without_foreign_options",
]


_ANSWERS: Path = ("bootstrap", "answers")


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
    if template.questions:
        options["answers"] = {name: each.default for name, each in template.questions.items()}
    base = merged(template.config, {"bootstrap": {"template": template.name, **options}})
    whole = merged({"driver": {}}, base, *documents)
    driver = whole["driver"]
    model = driver.get("model", "wdm") if isinstance(driver, dict) else ""
    if of_model := template.models.get(model if isinstance(model, str) else ""):
        whole = merged({"driver": {}}, base, of_model, *documents)
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
    """Return a finding for each option or answer that the template does not have."""
    available = ", ".join(f"`{option}`" for option in template.options)
    options = [
        Finding(
            "key-unknown",
            f"the template `{template.name}` does not have the option `{name}`",
            Place("config"),
            help=f"its options: {available}",
            key=("bootstrap", name),
        )
        for name in _foreign(template, document)
    ]
    return [*options, *_wrong_answers(template, document)]


def question_at(template: Template, path: Path) -> Question | None:
    """Return the question of a user's template whose answer is at `path` in config.toml."""
    return template.questions.get(str(path[-1])) if path[:-1] == _ANSWERS else None


def typed_for(template: Template, path: Path, text: str) -> object:
    """Return the value of a typed text for the key at `path`, with a template's own questions."""
    if path[:-1] != _ANSWERS:
        return typed(path, text)
    question = question_at(template, path)
    is_switch = question is not None and isinstance(question.default, bool)
    return boolean(text) if is_switch else text


def _wrong_answers(template: Template, document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each answer to a question of a user's template that is not valid."""
    for name, value in _answers(document).items():
        question = template.questions.get(name)
        key = ("bootstrap", "answers", name)
        if question is None:
            known = ", ".join(f"`{each}`" for each in template.questions) or "none"
            message = f"the template `{template.name}` does not have the question `{name}`"
            help_ = f"its questions: {known}"
            yield Finding("key-unknown", message, Place("config"), help=help_, key=key)
        elif isinstance(question.default, bool) != isinstance(value, bool):
            expected = "yes or no" if isinstance(question.default, bool) else "a string"
            message = f"`{name}` must be {expected}"
            yield Finding("key-type", message, Place("config"), key=key)
        elif question.choices and value not in question.choices:
            near = for_value(str(value), question.choices)
            listed = f"use one of {', '.join(question.choices)}"
            help_ = "\n".join(filter(None, (near, listed)))
            message = f"`{name}` is not one of the choices"
            yield Finding("key-value", message, Place("config"), help=help_, key=key)


def _answers(document: Mapping[str, Any]) -> Mapping[str, Any]:
    bootstrap = document.get("bootstrap", {})
    found = bootstrap.get("answers", {}) if isinstance(bootstrap, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def check_options(template: Template, document: Mapping[str, Any]) -> None:
    """Raise ConfigError if `document` has an option that the template does not have."""
    if found := foreign_options(template, document):
        raise ConfigError(found)


def without_foreign_options(template: Template, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of another project's config.toml that the template supports."""
    found = merged(document)
    for name in _foreign(template, document):
        del found["bootstrap"][name]
    for finding in _wrong_answers(template, document):
        del found["bootstrap"]["answers"][finding.key[-1]]
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
