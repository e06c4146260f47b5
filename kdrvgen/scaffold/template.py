"""Templates: a folder with the tree of the project, and a template.toml."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import tomli
from pydantic import Field

from kdrvgen.errors import UsageError
from kdrvgen.model.base import Table, Text, to_kebab
from kdrvgen.model.bootstrap import PACKAGE_KEYS, Bootstrap
from kdrvgen.model.names import RelativePath
from kdrvgen.scaffold.merge import merged
from kdrvgen.spelling import nearest

__all__ = ["FOLDER", "OPTIONS", "File", "Member", "Template", "load", "names"]

FOLDER = Path(__file__).parent / "templates"
"""The folder of the templates."""

OPTIONS = tuple(
    to_kebab(name)
    for name in Bootstrap.model_fields
    if name != "template" and name not in PACKAGE_KEYS
)
"""The options that a template can have, in the order of the questions of `kdrvgen new`."""

_SHARED = "shared"
_SUFFIX = ".j2"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a template.

    Attributes:
        path: Its path from the project's folder.
        source: The file with its content or its Jinja2 template.
        when: A Jinja2 expression, which is true if the file is written; empty for always.
    """

    path: PurePosixPath
    source: Path
    when: str = ""

    @property
    def is_rendered(self) -> bool:
        """Whether the source is a Jinja2 template."""
        return self.source.suffix == _SUFFIX


class Member(Table):
    """Another driver of a template, with its own config.toml."""

    path: RelativePath
    """Its folder in the project."""

    config: Mapping[str, Any] = Field(default={})
    """The settings of its config.toml that differ from the answers; strings are templates."""


class _Manifest(Table):
    """template.toml."""

    summary: Text = ""
    order: int = 0
    root: bool = True
    config: Mapping[str, Any] = Field(default={})
    options: Mapping[str, Any] = Field(default={})
    shared: Mapping[RelativePath, RelativePath] = Field(default={})
    when: Mapping[RelativePath, Annotated[Text, Field(min_length=1)]] = Field(default={})
    member: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        name: Its name for the user.
        summary: A description in one line.
        order: Its position in the list of templates.
        root: Whether the project's folder itself has a config.toml, not only the members' folders.
        config: The settings of config.toml that it needs, as TOML tables.
        options: The keys of `[bootstrap]` that it uses, with its defaults.
        files: Its files, in the order of the paths.
        members: Its other drivers.
    """

    name: str
    summary: str
    order: int
    root: bool
    config: Mapping[str, Any]
    options: Mapping[str, Any]
    files: tuple[File, ...]
    members: tuple[Member, ...]


def names() -> tuple[str, ...]:
    """Return the names of all templates, in the order of the list."""
    found = sorted((_manifest(folder.name).order, folder.name) for folder in _folders())
    return tuple(name for _, name in found)


def load(name: str) -> Template:
    """Return a template.

    Raises:
        UsageError: The template does not exist. The message suggests a similar name.
    """
    known = {folder.name for folder in _folders()}
    if name not in known:
        near = nearest(name, known)
        hint = f" Did you mean `{near}`?" if near else ""
        raise UsageError(
            f"the template `{name}` does not exist.{hint} See `kdrvgen new --list-templates`."
        )
    base, own = _manifest(_SHARED), _manifest(name)
    when = {**base.when, **own.when}
    sources = {
        **{path: FOLDER / _SHARED / source for path, source in base.shared.items()},
        **{path: FOLDER / _SHARED / source for path, source in own.shared.items()},
        **dict(_tree(FOLDER / name / "tree")),
    }
    if unknown := sorted(set(when) - set(sources)):
        raise ValueError(
            f"[when] names the file {unknown[0]}, which the template {name} does not have"
        )
    return Template(
        name=name,
        summary=own.summary,
        order=own.order,
        root=own.root,
        config=merged(base.config, own.config),
        options={**base.options, **own.options},
        files=tuple(
            File(PurePosixPath(path), source, when.get(path, ""))
            for path, source in sorted(sources.items())
        ),
        members=own.member,
    )


def _folders() -> list[Path]:
    return [path.parent for path in FOLDER.glob("*/template.toml") if path.parent.name != _SHARED]


def _manifest(name: str) -> _Manifest:
    text = (FOLDER / name / "template.toml").read_text(encoding="utf-8")
    return _Manifest.model_validate(tomli.loads(text), by_alias=True, by_name=False)


def _tree(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, _, files in os.walk(folder):
        for file in files:
            source = Path(parent, file)
            path = source.relative_to(folder).as_posix()
            yield path.removesuffix(_SUFFIX), source
