"""The reference of the keys of config.toml: type, default and docstring, from the models."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from kdrvgen.model.base import Table, to_kebab
from kdrvgen.model.profile import Profile
from kdrvgen.model.project import Project

__all__ = ["FIELDS", "Key", "docstrings", "keys", "plain_type"]

FIELDS = "\n\nAttributes:\n"
"""The separator between a table's own docstring and those of its fields."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of config.toml.

    Attributes:
        table: Its table, such as `linker` or `profiles.NAME`; "" at the top level.
        name: The key itself.
        values: The values that it accepts, in TOML's terms.
        default: Its default as TOML, "" if it has none or derives it from other keys.
        text: Its docstring, with empty lines between paragraphs.
        change: When to change it.
        without: What happens if it is left out.
        source: The source of the facts; "" if kdrvgen itself decides.
    """

    table: str
    name: str
    values: str
    default: str
    text: str
    change: str
    without: str
    source: str

    @property
    def path(self) -> str:
        """The key with its table, such as `linker.args`."""
        return f"{self.table}.{self.name}" if self.table else self.name


def keys() -> Iterator[Key]:
    """Yield every key, in the order of the models."""
    texts = docstrings(Project)
    for name, field in Project.model_fields.items():
        model = plain_type(field.annotation)
        if name == "profiles":
            yield from _keys_of("profiles.NAME", Profile)
        elif isinstance(model, type) and issubclass(model, Table):
            yield from _keys_of(to_kebab(name), model)
        else:
            yield _key("", name, field, texts[name])


def _keys_of(table: str, model: type[Table]) -> Iterator[Key]:
    texts = docstrings(model)
    for name, field in model.model_fields.items():
        inner = plain_type(field.annotation)
        if isinstance(inner, type) and issubclass(inner, Table) and table != "profiles.NAME":
            yield from _keys_of(f"{table}.{to_kebab(name)}", inner)
        else:
            yield _key(table, name, field, texts[name])


def _key(table: str, name: str, field: FieldInfo, docstring: str) -> Key:
    text, labelled = _split(docstring)
    return Key(
        table=table,
        name=to_kebab(name),
        values=_values(field.annotation),
        default=_default(field),
        text=text,
        change=labelled.get("Change", ""),
        without=labelled.get("Without", ""),
        source=labelled.get("Source", ""),
    )


def _split(docstring: str) -> tuple[str, Mapping[str, str]]:
    """Return a docstring's text, and the labelled lines of its last paragraph by their labels."""
    text, _, last = docstring.rpartition("\n\n")
    found = re.split(r"^(Change|Without|Source):\s", last, flags=re.MULTILINE)
    if found[0]:
        return docstring, {}
    values = (" ".join(value.split()) for value in found[2::2])
    return text, dict(zip(found[1::2], values, strict=True))


def docstrings(model: type) -> dict[str, str]:
    """Return the docstring under each annotated name of a class."""
    body = _classes(Path(inspect.getfile(model)))[model.__name__]
    found = {}
    for statement, after in pairwise(body):
        match statement, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
    return found


@cache
def _classes(file: Path) -> dict[str, list[ast.stmt]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {each.name: each.body for each in tree.body if isinstance(each, ast.ClassDef)}


def plain_type(annotation: object) -> object:
    """Return a type without its `Annotated` and its `None`."""
    if get_origin(annotation) is Annotated:
        return plain_type(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        (rest,) = (each for each in get_args(annotation) if each is not type(None))
        return plain_type(rest)
    return annotation


def _values(annotation: object) -> str:
    plain = plain_type(annotation)
    match get_origin(plain):
        case origin if origin is Literal:
            return ", ".join(_toml(value) for value in get_args(plain))
        case origin if origin is tuple:
            inner = _values(get_args(plain)[0])
            return "array of strings" if inner == "string" else f"array of {inner}"
    if isinstance(plain, type) and issubclass(plain, Table):
        return "table"
    names: dict[object, str] = {str: "string", bool: "boolean", int: "integer"}
    return names.get(plain, "table")


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required() or value is None or isinstance(value, Table | Mapping):
        return ""
    return _toml(value)


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(_toml(member) for member in value)}]"
        case str():
            return f'"{value}"'
    return str(value)
