"""What a template is: a folder that looks like the project it makes, and a template.toml."""

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
"""Where the templates lie."""

OPTIONS = tuple(
    to_kebab(name)
    for name in Bootstrap.model_fields
    if name != "template" and name not in PACKAGE_KEYS
)
"""The options that a template can have, in the order in which `kdrvgen new` asks for them."""

_SHARED = "shared"
_SUFFIX = ".j2"


@dataclass(frozen=True, slots=True)
class File:
    """A file that a template may write.

    Attributes:
        path: Where it goes, from the project's folder.
        source: What it is made from.
        when: Jinja expression that says whether it is written; empty for always.
    """

    path: PurePosixPath
    source: Path
    when: str = ""

    @property
    def is_rendered(self) -> bool:
        """Whether the source is a Jinja2 template and not the content itself."""
        return self.source.suffix == _SUFFIX


class Member(Table):
    """A further driver of a template, with a config.toml of its own."""

    path: RelativePath
    """Its folder in the project."""

    config: Mapping[str, Any] = Field(default={})
    """What its config.toml says otherwise than the answers; strings are Jinja2 templates."""


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
        name: What the user calls it.
        summary: What it makes, in one line.
        order: Where it stands in the list of templates.
        root: Whether the project's folder itself has a config.toml, and not the members' alone.
        config: What it needs in config.toml, in tables as TOML has them.
        options: The keys of `[bootstrap]` that it looks at, with its defaults.
        files: What it may write, in the order of the paths.
        members: Its further drivers.
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
    """Return the names of all templates, in the order in which they are listed."""
    found = sorted((_manifest(folder.name).order, folder.name) for folder in _folders())
    return tuple(name for _, name in found)


def load(name: str) -> Template:
    """Return a template.

    Raises:
        UsageError: There is none of this name; its text says which one was probably meant.
    """
    known = {folder.name for folder in _folders()}
    if name not in known:
        near = nearest(name, known)
        hint = f" Did you mean `{near}`?" if near else ""
        raise UsageError(
            f"there is no template `{name}`.{hint} `kdrvgen new --list-templates` tells of all."
        )
    base, own = _manifest(_SHARED), _manifest(name)
    when = {**base.when, **own.when}
    sources = {
        **{path: FOLDER / _SHARED / source for path, source in base.shared.items()},
        **{path: FOLDER / _SHARED / source for path, source in own.shared.items()},
        **dict(_tree(FOLDER / name / "tree")),
    }
    if unknown := sorted(set(when) - set(sources)):
        raise ValueError(f"the template {name} has no file {unknown[0]}, and [when] names it")
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
