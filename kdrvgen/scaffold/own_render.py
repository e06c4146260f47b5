"""Render a user's own template: the files of the project, and what its conditions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from kdrvgen.config.keys import Path as Key
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.model.base import TomlValue, plain
from kdrvgen.report.finding import Finding, Place
from kdrvgen.scaffold import isolation
from kdrvgen.scaffold.exchange import Failure, Item
from kdrvgen.scaffold.folder import Own
from kdrvgen.scaffold.own_files import path_problem

__all__ = ["Rendered", "is_asked", "render", "variables"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The parts of a project that come from a user's template.

    Attributes:
        files: The contents, by their paths in the project.
        sources: The file of the template that each comes from.
        left_out: The shared parts whose condition is false.
        members: `config` of each member, with its strings rendered.
    """

    files: Mapping[PurePosixPath, bytes]
    sources: Mapping[PurePosixPath, str]
    left_out: frozenset[str]
    members: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class _Batch:
    """The texts that are rendered together."""

    own: Own
    items: list[Item] = field(default_factory=list)
    keys: list[tuple[Key, Key]] = field(default_factory=list)

    def add(self, file: str, source: str, *, when: Key = (), key: Key = ()) -> int:
        """Add a text and return its index.

        Args:
            file: The file that it is in.
            source: The text.
            when: The key of its condition in template.toml, if it has one.
            key: The key of the text itself, if it is in template.toml.
        """
        expression = self._expression(when)
        self.items.append(Item(file=file, source=source, when=expression))
        self.keys.append((when, key))
        return len(self.items) - 1

    def render(self, values: Mapping[str, Any]) -> Sequence[str | None]:
        """Return the texts.

        Raises:
            ConfigError: A text or condition cannot be rendered.
        """
        results, failures = isolation.render(self.items, self.own.included, values)
        if failures:
            raise ConfigError([self._finding(failure) for failure in failures])
        return results

    def _expression(self, key: Key) -> str:
        match key:
            case ("when", str(path)):
                return self.own.conditions.get(path, "")
            case ("questions", str(name), "when"):
                return self.own.manifest.questions[name].when or ""
        return ""

    def _finding(self, failure: Failure) -> Finding:
        when, key = self.keys[failure["item"]]
        at = when if failure["is_condition"] else key
        is_own = failure["file"] == self.items[failure["item"]]["file"]
        place = (
            self.own.place(at)
            if at and is_own
            else self.own.place_in(failure["file"], failure["line"])
        )
        return Finding("template-render", failure["message"], place)


def variables(
    project: Project, folders: Sequence[str], kernel_folder: str, pool_tag: str
) -> dict[str, Any]:
    """Return the values of the names that a user's template can use, as plain data.

    Args:
        project: The new project.
        folders: The folders of its drivers.
        kernel_folder: The folder of the crate `kernel`; empty without it.
        pool_tag: The tag of the allocator's memory.
    """
    driver, bootstrap = project.driver, project.bootstrap
    options = {
        name: plain(getattr(bootstrap, name))
        for name in type(bootstrap).model_fields
        if name != "answers"
    }
    return {
        "driver": {
            "name": driver.name,
            "library": driver.library,
            "image": driver.image,
            "entry": driver.entry,
            "model": driver.model,
            "triples": list(driver.triples),
            "workspace_root": driver.workspace_root or "",
        },
        "toolchain": {"channel": project.toolchain.channel},
        "options": {**options, "pool_tag": pool_tag},
        "answers": {name.replace("-", "_"): value for name, value in bootstrap.answers.items()},
        "folders": list(folders),
        "kernel_folder": kernel_folder,
    }


def is_asked(own: Own, name: str, values: Mapping[str, Any]) -> bool:
    """Return whether the condition of a question is true.

    Raises:
        ConfigError: It cannot be evaluated.
    """
    if not own.manifest.questions[name].when:
        return True
    batch = _Batch(own)
    batch.add(own.source.name, "", when=("questions", name, "when"))
    return batch.render(values)[0] is not None


def render(own: Own, values: Mapping[str, Any]) -> Rendered:
    """Render everything that a user's template has.

    Raises:
        ConfigError: Something cannot be rendered, or a path is not valid.
    """
    batch = _Batch(own)
    paths = [batch.add(file.name, file.path, when=("when", file.path)) for file in own.files]
    texts = [
        batch.add(file.name, file.content.decode(), when=("when", file.path))
        if file.is_rendered
        else None
        for file in own.files
    ]
    shared = {
        path: batch.add(own.source.name, "", when=("when", path))
        for path in own.conditions.keys() - {file.path for file in own.files}
    }
    members = [
        _numbered(batch, each.config, ("member", number, "config"))
        for number, each in enumerate(own.manifest.member)
    ]
    results = batch.render(values)
    files: dict[PurePosixPath, bytes] = {}
    sources: dict[PurePosixPath, str] = {}
    for file, path, text in zip(own.files, paths, texts, strict=True):
        name = results[path]
        if name is None:
            continue
        at = PurePosixPath(name)
        content = file.content if text is None else (results[text] or "").encode()
        if problem := path_problem(name) or _clash(at, files):
            raise ConfigError([Finding("template-file", problem, Place(file.name))])
        files[at] = content
        sources[at] = file.name
    return Rendered(
        MappingProxyType(files),
        MappingProxyType(sources),
        frozenset(path for path, number in shared.items() if results[number] is None),
        tuple(_filled(each, results) for each in members),
    )


def _clash(path: PurePosixPath, others: Mapping[PurePosixPath, object]) -> str:
    """Return why two files cannot be in one project; empty if they can."""
    folded = str(path).lower()
    for other in others:
        known = str(other).lower()
        if folded == known:
            return f"another file of the template is also called `{other}` in the project"
        if folded.startswith(f"{known}/") or known.startswith(f"{folded}/"):
            return f"`{path}` and `{other}` cannot both be in the project"
    return ""


def _numbered(batch: _Batch, value: TomlValue, key: Key) -> TomlValue:
    """Return a value with the number of its item in place of each string."""
    match value:
        case str():
            return _Number(batch.add(batch.own.source.name, value, key=key))
        case Mapping():
            return {name: _numbered(batch, each, (*key, name)) for name, each in value.items()}
        case list():
            return [_numbered(batch, each, (*key, i)) for i, each in enumerate(value)]
    return value


@dataclass(frozen=True, slots=True)
class _Number:
    value: int


def _filled(value: TomlValue, results: Sequence[str | None]) -> TomlValue:
    match value:
        case _Number():
            return results[value.value]
        case Mapping():
            return {name: _filled(each, results) for name, each in value.items()}
        case list():
            return [_filled(each, results) for each in value]
    return value
