"""Templates: a folder with the tree of the project, and a template.toml.

kdrvgen's own are below `FOLDER`, and are trusted. A user's own is any other folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import tomli

from kdrvgen.errors import UsageError
from kdrvgen.scaffold import folder
from kdrvgen.scaffold.manifest import Manifest, Member, Question
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.own_files import SUFFIX
from kdrvgen.spelling import nearest

__all__ = ["FOLDER", "File", "Template", "load", "names"]

FOLDER = Path(__file__).parent / "templates"
"""The folder of the templates."""

_SHARED = "shared"


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
        return self.source.suffix == SUFFIX


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        name: Its name for the user.
        summary: A description in one line.
        root: Whether the project's folder itself has a config.toml, not only the members' folders.
        joins_workspace: Whether its project can be a member of a workspace in a folder above.
        config: The settings of config.toml that it needs, as TOML tables.
        options: The keys of `[bootstrap]` that it uses, with its defaults.
        files: Its files, in the order of the paths.
        members: Its other drivers.
        questions: Its own questions, by the names of the answers.
        models: More settings of config.toml, for each driver model that needs some.
        own: The files of a user's own template; None for one of kdrvgen's.
    """

    name: str
    summary: str
    root: bool
    joins_workspace: bool
    config: Mapping[str, Any]
    options: Mapping[str, Any]
    files: tuple[File, ...]
    members: tuple[Member, ...]
    questions: Mapping[str, Question] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own: folder.Own | None = None


def names() -> tuple[str, ...]:
    """Return the names of all templates, in the order of the list."""
    found = sorted((_manifest(each.name).order, each.name) for each in _folders())
    return tuple(name for _, name in found)


def load(name: str) -> Template:
    """Return a template.

    Args:
        name: The name of one of kdrvgen's templates, or the path of a folder, such as `./mine`.

    Raises:
        ConfigError: A file of the folder cannot be used.
        UsageError: The template does not exist. The message suggests a similar name.
    """
    if folder.is_path(name):
        return _of_user(name)
    known = {each.name for each in _folders()}
    if name not in known:
        near = nearest(name, known)
        hint = f" Did you mean `{near}`?" if near else ""
        if folder.is_template(name):
            hint = f" Did you mean the folder `./{name}`?"
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
        root=own.root,
        joins_workspace=own.joins_workspace,
        config=merged(base.config, own.config),
        options={**base.options, **own.options},
        files=tuple(
            File(PurePosixPath(path), source, when.get(path, ""))
            for path, source in sorted(sources.items())
        ),
        members=own.member,
        models=dict(own.models.items()),
    )


def _of_user(path: str) -> Template:
    """Return the template in a folder, with the files that all templates have."""
    base = _manifest(_SHARED)
    parts = {source: FOLDER / _SHARED / source for source in _parts()}
    own = folder.read(path, base.shared, parts)
    manifest = own.manifest
    when = {key: value for key, value in base.when.items() if key not in own.conditions}
    replaced = {file.path for file in own.files}
    sources = {
        path: parts[source]
        for path, source in {**base.shared, **manifest.shared}.items()
        if path not in replaced
    }
    return Template(
        name=own.name,
        summary=manifest.summary,
        root=manifest.root,
        joins_workspace=manifest.joins_workspace,
        config=manifest.config,
        options={**base.options, **manifest.options},
        files=tuple(
            File(PurePosixPath(path), source, when.get(path, ""))
            for path, source in sorted(sources.items())
        ),
        members=manifest.member,
        questions=manifest.questions,
        models=dict(manifest.models.items()),
        own=own,
    )


def _parts() -> Iterator[str]:
    """Yield the path of each file that templates share, from the folder of those files."""
    for _, source in _tree(FOLDER / _SHARED / "project"):
        yield source.relative_to(FOLDER / _SHARED).as_posix()


def _folders() -> list[Path]:
    return [path.parent for path in FOLDER.glob("*/template.toml") if path.parent.name != _SHARED]


def _manifest(name: str) -> Manifest:
    text = (FOLDER / name / "template.toml").read_text(encoding="utf-8")
    return Manifest.model_validate(tomli.loads(text), by_alias=True, by_name=False)


def _tree(above: Path) -> Iterator[tuple[str, Path]]:
    for parent, _, files in os.walk(above):
        for file in files:
            source = Path(parent, file)
            path = source.relative_to(above).as_posix()
            yield path.removesuffix(SUFFIX), source
