"""The text of `help` for a table of config.toml: its fields with types and docstrings."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from kdrvgen.model.base import Table
from kdrvgen.model.reference import FIELDS, docstrings

__all__ = ["describe"]


def describe(*tables: type[Table]) -> None:
    """Set a signature without validators, and a docstring that lists the fields, on each class."""
    for table in tables:
        table.model_rebuild()  # otherwise pydantic would replace the signature on first use
        texts = docstrings(table)
        parameters = []
        lines = []
        for name, field in table.model_fields.items():
            default = inspect.Parameter.empty if field.is_required() else _Shown(field.default)
            kind = _Shown(field.annotation)
            parameters.append(inspect.Parameter(name, _KEYWORD, default=default, annotation=kind))
            lines.append(f"    {parameters[-1]}")
            lines.append(textwrap.indent(texts[name], " " * 8))
        table.__signature__ = inspect.Signature(parameters)
        table.__doc__ = f"{inspect.getdoc(table)}{FIELDS}" + "\n".join(lines)


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


class _Shown:
    """A type or default whose `repr` is its text in a signature."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        value = self._value
        if isinstance(value, Table):
            return f"{type(value).__name__}()"
        if isinstance(value, Mapping):
            return "{…}" if value else "{}"
        is_type = isinstance(value, type) or get_origin(value) is not None
        return _type(value) if is_type else repr(value)


def _type(annotation: object) -> str:
    """Return a type as Python source, without pydantic's validators."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            return annotation.__name__ if isinstance(annotation, type) else str(annotation)
        case origin if origin is Annotated:
            return _type(arguments[0])
        case origin if origin in {Union, UnionType}:
            return " | ".join("None" if each is type(None) else _type(each) for each in arguments)
        case origin if origin is Literal:
            return f"Literal[{', '.join(map(repr, arguments))}]"
        case origin:
            inner = ("..." if each is ... else _type(each) for each in arguments)
            return f"{getattr(origin, '__name__', origin)}[{', '.join(inner)}]"
