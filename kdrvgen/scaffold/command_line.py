"""Parse `KEY=VALUE` arguments, with errors that point at the argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as PathOnDisk
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from kdrvgen.config.keys import Path, dotted
from kdrvgen.config.locator import Node, Scan
from kdrvgen.config.source import Extent, Source
from kdrvgen.config.suggest import ANY, Vocabulary, vocabulary
from kdrvgen.config.validation import explain
from kdrvgen.credentials import is_credential, spans
from kdrvgen.errors import ConfigError, UsageError
from kdrvgen.model import Project
from kdrvgen.model.bootstrap import PACKAGE_KEYS
from kdrvgen.model.names import PackageName
from kdrvgen.report.finding import Finding, Place, Related
from kdrvgen.scaffold.answers import foreign_options, typed_for
from kdrvgen.scaffold.template import Template
from kdrvgen.scaffold.values import typed
from kdrvgen.spelling import nearest

__all__ = ["CommandLine"]

_START = "kdrvgen new"
_NAME: Path = ("driver", "name")
_SOURCE = "command line"


class _Unknown(NamedTuple):
    """An answer to a question that only a user's template can have, until that is known."""

    key: str
    value: str
    at: Extent
    value_at: Extent


@dataclass
class CommandLine:
    """The settings of a project from the arguments of a command line.

    Attributes:
        document: TOML tables.
        source: The command line, for errors.
        root: The positions of keys and values in it.
        folder: The project's folder if NAME is a path; None for one with the project's name.
    """

    document: dict[str, Any]
    source: Source
    root: Node
    folder: PathOnDisk | None = None
    _unknown: list[_Unknown] = field(default_factory=list)
    _problems: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, words: Sequence[str]) -> CommandLine:
        """Parse the arguments `NAME` and `KEY=VALUE`.

        Raises:
            UsageError: There is more than one name.
        """
        text = " ".join([_START, *words]).replace("\n", " ")
        hidden = (Extent(*span) for span in spans(text))
        line = cls({}, Source(_SOURCE, text).hiding(hidden), Node())
        start = len(_START) + 1
        is_named = any(word.startswith("driver.name=") for word in words)
        has_place = False
        for word in words:
            key, equals, value = word.partition("=")
            if equals:
                middle = start + len(key)
                extents = Extent(start, middle), Extent(middle + 1, start + len(word))
                if is_credential(key):
                    line.source = line.source.hiding(extents[1:])
                line._put(key, value, *extents)
            elif has_place:
                raise UsageError(
                    f"unexpected argument `{word}`: after the project name, only settings such as "
                    f"`license=MIT` can follow. See `{_START} --help`."
                )
            else:
                line._set_place(word, Extent(start, start + len(word)), is_named=is_named)
                has_place = True
            start += len(word) + 1
        return line

    @property
    def name(self) -> str | None:
        """The project's name, or None."""
        driver = self.document.get("driver", {})
        return driver.get("name") if isinstance(driver, Mapping) else None

    @property
    def template(self) -> str | None:
        """The template's name, or None."""
        bootstrap = self.document.get("bootstrap", {})
        return bootstrap.get("template") if isinstance(bootstrap, Mapping) else None

    def answer(self, template: Template) -> None:
        """Take the words that answer the own questions of a template. Call it before `check`."""
        keys = vocabulary(Project)
        for key, value, at, value_at in self._unknown:
            path: Path = ("bootstrap", "answers", key)
            if key in template.questions:
                self._add(path, typed_for(template, path, value), at, value_at)
            else:
                near = nearest(key, template.questions)
                advice = f"did you mean `{near}`?" if near else _advice(key, keys)
                self._problems.append(self._finding(f"unknown option `{key}`", at, advice))
        self._unknown.clear()

    def check(self, document: Mapping[str, Any], template: Template) -> Project:
        """Return the project of `document`, which includes these settings.

        Raises:
            ConfigError: The document is not valid, or the template does not have an option.
        """
        found = [*self._problems, *self._foreign_options(template)]
        omitted = 0
        project = None
        lines: list[ErrorDetails] = []
        try:
            project = Project.model_validate(document, by_alias=True, by_name=False)
        except ValidationError as error:
            lines = error.errors(include_url=False)
        if lines:
            explained = explain(self.source, lines, vocabulary(Project), Scan(self.root))
            found += explained.findings
            omitted = explained.omitted
        if found or project is None:
            found.sort(key=lambda finding: finding.place.order if finding.place else (0, 0))
            raise ConfigError(found, omitted)
        return project

    def check_name(self, name: str) -> None:
        """Check that `name` is a valid package name.

        Raises:
            ConfigError: It is not.
        """
        lines: list[ErrorDetails] = []
        try:
            TypeAdapter(PackageName).validate_python(name)
        except ValidationError as error:
            lines = error.errors(include_url=False)
        for line in lines:
            line["loc"] = _NAME
        if lines:
            raise ConfigError(*explain(self.source, lines, vocabulary(Project), Scan(self.root)))

    def _set_place(self, word: str, extent: Extent, *, is_named: bool) -> None:
        """Parse `NAME`, `FOLDER/NAME`, or a folder such as `.`, whose own name is the project's.

        If the command line also has `driver.name=NAME`, the word is only the folder.
        """
        path = PathOnDisk(word)
        name = word
        if is_named:
            self.folder = path
            return
        if path.name != word or word == "..":
            self.folder = path
            name = path.name if path.name not in {"", ".."} else path.resolve().name
        start = extent.end - len(name) if word.endswith(name) else extent.start
        self._insert(_NAME, name, extent, Extent(start, extent.end))

    def _put(self, key: str, value: str, at: Extent, value_at: Extent) -> None:
        path: Path = tuple(key.split("."))
        keys = vocabulary(Project)
        if len(path) == 1 and key not in keys:
            path = ("bootstrap", key)
            if key not in _below(keys, "bootstrap"):
                self._unknown.append(_Unknown(key, value, at, value_at))
                return
        match path:
            case ("bootstrap", "answers", str(name)):
                self._unknown.append(_Unknown(name, value, at, value_at))
            case _:
                self._put_at(path, value, at, value_at)

    def _put_at(self, path: Path, value: str, at: Extent, value_at: Extent) -> None:
        key = dotted(path)
        if len(path) > 1 and path[0] == "driver" and path[1] in PACKAGE_KEYS:
            message = f"`{key}` is not a key of config.toml: it belongs in Cargo.toml"
            self._problems.append(self._finding(message, at, f"write `bootstrap.{path[1]}=…`"))
        elif not all(path):
            message = f"`{'.'.join(map(str, path))}` is not a valid key"
            self._problems.append(
                self._finding(message, at, "write a setting such as `license=MIT`")
            )
        else:
            self._add(path, typed(path, value), at, value_at)

    def _add(self, path: Path, value: object, at: Extent, value_at: Extent) -> None:
        """Insert a value, or add a finding if the key already has one."""
        if not self._insert(path, value, at, value_at):
            first = self._first(path)
            related = (Related("first set here", self._place(first)),) if first else ()
            message = f"`{dotted(path)}` is set twice"
            self._problems.append(self._finding(message, at, "keep one of them", related))

    def _insert(self, path: Path, value: object, at: Extent, value_at: Extent) -> bool:
        """Insert a value; return False if the key already has one."""
        node, table = self.root, self.document
        for part in path[:-1]:
            node = node.children.setdefault(part, Node(key=at))
            table = table.setdefault(str(part), {})
            if node.value or not isinstance(table, dict):
                return False
        if path[-1] in node.children:
            return False
        node.children[path[-1]] = Node(key=at, value=value_at)
        table[str(path[-1])] = value
        return True

    def _first(self, path: Path) -> Extent | None:
        for end in range(len(path), 0, -1):
            node = self.root.find(path[:end])
            if node and node.key:
                return node.key
        return None

    def _foreign_options(self, template: Template) -> list[Finding]:
        """Return a finding for each option that the template does not have."""
        findings = []
        for finding in foreign_options(template, self.document):
            node = self.root.find(finding.key) or self.root.find(finding.key[:-1])
            findings.append(finding._replace(place=self._place(node.key if node else None)))
        return findings

    def _place(self, at: Extent | None) -> Place:
        return self.source.place(at) if at else Place(_SOURCE)

    def _finding(
        self, message: str, at: Extent, hint: str, related: tuple[Related, ...] = ()
    ) -> Finding:
        return Finding("key-value", message, self.source.place(at), help=hint, related=related)


def _below(keys: Vocabulary, table: str) -> Vocabulary:
    return keys[table] or {}


def _advice(key: str, keys: Vocabulary) -> str:
    """Return a hint for an unknown key without a dot."""
    options = [name for name in _below(keys, "bootstrap") if name != ANY]
    kebab = key.replace("_", "-").lower()
    near = nearest(kebab, options)
    if near:
        return f"did you mean `{near}`?"
    tables = [name for name, below in keys.items() if below and ANY not in below]
    homes = [table for table in tables if kebab in _below(keys, table)]
    if homes:
        return "write " + " or ".join(f"`{home}.{kebab}=…`" for home in homes)
    inside = {name: table for table in reversed(tables) for name in _below(keys, table)}
    near = nearest(kebab, inside)
    return f"did you mean `{inside[near]}.{near}`?" if near else "see `kdrvgen new --help`"
