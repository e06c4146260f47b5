"""template.toml: what a template needs, offers and asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from kdrvgen.model.base import Filled, Table, Text, problem, to_kebab
from kdrvgen.model.bootstrap import PACKAGE_KEYS, Answer, Bootstrap
from kdrvgen.model.names import RelativePath
from kdrvgen.model.project import Project
from kdrvgen.model.requirement import Requirement

__all__ = ["OPTIONS", "Expression", "Manifest", "Member", "Question"]

OPTIONS = tuple(
    to_kebab(name)
    for name in Bootstrap.model_fields
    if name not in {"template", "answers", *PACKAGE_KEYS}
)
"""The options that a template can have, in the order of the questions of `kdrvgen new`."""

Expression = Filled
"""A Jinja2 expression."""


class Member(Table):
    """Another driver of a template, with its own config.toml."""

    path: RelativePath
    """Its folder in the project."""

    config: Mapping[str, Any] = Field(default={})
    """The settings of its config.toml that differ from the answers; strings are templates."""


class Question(Table):
    """A question of a user's own template."""

    text: Filled
    """The question, in one line."""

    default: Answer = ""
    """The answer of `--no-input`. A boolean makes it a question for yes or no."""

    choices: tuple[Filled, ...] = ()
    """The possible answers; empty for any text."""

    when: Expression | None = None
    """A Jinja2 expression: kdrvgen asks only if it is true."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.choices and self.default not in self.choices:
            raise problem(
                "the default is not one of the choices", hint=f'such as "{self.choices[0]}"'
            )
        return self

    @property
    def shown_choices(self) -> tuple[str, ...]:
        """The possible answers as the user types them; empty for any text."""
        return ("yes", "no") if isinstance(self.default, bool) else self.choices


_TAKEN = frozenset({*OPTIONS, *PACKAGE_KEYS, "template", "answers"}) | frozenset(
    to_kebab(name) for name in Project.model_fields
)


def _question_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value, re.ASCII):
        raise problem(
            f"`{value}` is not a valid name", hint="use lower-case letters, digits and hyphens"
        )
    if value in _TAKEN:
        raise problem(
            f"`{value}` is an option or a table of kdrvgen's own",
            hint="use another name; the options are in `[options]`",
        )
    return value


class Manifest(Table):
    """template.toml."""

    kdrvgen_version: Requirement | None = None
    summary: Text = ""
    order: int = 0
    root: bool = True
    joins_workspace: bool = False
    config: Mapping[str, Any] = Field(default={})
    models: Mapping[Literal["wdm", "kmdf", "umdf"], Mapping[str, Any]] = Field(default={})
    options: Mapping[str, Any] = Field(default={})
    questions: Mapping[Annotated[Text, AfterValidator(_question_name)], Question] = Field(
        default={}
    )
    shared: Mapping[RelativePath, RelativePath] = Field(default={})
    when: Mapping[RelativePath, Expression] = Field(default={})
    member: tuple[Member, ...] = ()
