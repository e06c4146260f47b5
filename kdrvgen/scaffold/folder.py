"""Read a user's own template from its folder. It is only read, and nothing in it is trusted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kdrvgen.characters import visible
from kdrvgen.config.keys import Path as Key
from kdrvgen.config.locator import locate
from kdrvgen.config.reader import read as read_config
from kdrvgen.config.source import Extent, Source
from kdrvgen.errors import ConfigError, UsageError
from kdrvgen.report.finding import Finding, Place
from kdrvgen.scaffold.manifest import Manifest
from kdrvgen.scaffold.own_files import OwnFile, checked, demand_no_link, read_files, text_of
from kdrvgen.scaffold.own_manifest import parse
from kdrvgen.spelling import nearest

__all__ = ["Own", "is_path", "is_template", "read"]

_MANIFEST = "template.toml"
_TREE = "tree"
_INCLUDE = "include"


@dataclass(frozen=True, slots=True)
class Own:
    """A user's template.

    Attributes:
        name: Its name in config.toml: `./` and the name of its folder.
        manifest: The content of its template.toml.
        source: The text of its template.toml, for errors.
        files: The files below `tree`.
        included: The texts below `include`, by their paths from there.
    """

    name: str
    manifest: Manifest
    source: Source
    files: tuple[OwnFile, ...]
    included: Mapping[str, str]

    @property
    def conditions(self) -> Mapping[str, str]:
        """The expressions of `[when]`, by the path of the file."""
        return self.manifest.when

    def place(self, key: Key) -> Place:
        """Return the place of a key of template.toml."""
        node = locate(self.source.text).find(key)
        extent = (node.value or node.key or node.header) if node else None
        return self.source.place(extent) if extent else Place(self.source.name)

    def place_in(self, name: str, line: int) -> Place:
        """Return the place of a line of a file of the template, named as in errors."""
        texts = {file.name: file.content for file in self.files}
        text = texts[name].decode() if name in texts else self.included.get(name, "")
        file = name if name in texts else str(self._beside(_INCLUDE, name))
        lines = text.split("\n")
        if not 0 < line <= len(lines):
            return Place(file)
        start = sum(len(each) + 1 for each in lines[: line - 1])
        return Source(file, text).place(Extent(start, start + len(lines[line - 1])))

    def _beside(self, *parts: str) -> Path:
        return Path(self.source.name).parent.joinpath(*parts)


def is_path(name: str) -> bool:
    """Return whether the name of a template is a path, and not the name of one of kdrvgen's."""
    return "/" in name or os.sep in name or name in {".", ".."} or Path(name).is_absolute()


def is_template(path: str) -> bool:
    """Return whether there is a folder with a template.toml at a path."""
    try:
        return Path(path, _MANIFEST).is_file()
    except ValueError:
        return False


def read(path: str, base: Mapping[str, str], parts: Mapping[str, Path]) -> Own:
    """Read the template in a folder.

    Args:
        path: The folder.
        base: The shared parts that every template has, by their paths in the project.
        parts: The shared parts that `[shared]` can name.

    Raises:
        ConfigError: A file cannot be read or is not valid.
        UsageError: The folder does not exist, or has no template.toml.
    """
    folder = Path(path)
    if not is_template(path):
        what = f"has no {_MANIFEST}" if folder.is_dir() else "does not exist"
        raise UsageError(
            f"the template folder {path} {what}. Name another with --template; docs/new.md "
            "describes what is in it."
        )
    file = folder / _MANIFEST
    demand_no_link(file)
    text = read_config(file)
    source = Source.of(text, str(file))
    manifest = parse(source)
    files = tuple(map(checked, read_files(folder / _TREE)))
    included = {each.path: text_of(each) for each in read_files(folder / _INCLUDE)}
    own = Own(_name(folder), manifest, source, files, included)
    _check_names(own, base, parts)
    return own


def _name(folder: Path) -> str:
    name = folder.name if folder.name not in {"", ".", ".."} else folder.resolve().name
    if not name or visible(name) != name:
        raise UsageError(f"the name of the template folder {folder} cannot be in a config.toml.")
    return f"./{name}"


def _check_names(own: Own, base: Mapping[str, str], parts: Mapping[str, Path]) -> None:
    """Check what template.toml says about files against the files."""
    findings = []
    for path, source in own.manifest.shared.items():
        if source not in parts:
            near = nearest(source, parts)
            help_ = f"did you mean `{near}`?" if near else f"the parts are {', '.join(parts)}"
            message = f"kdrvgen has no shared part `{source}`"
            findings.append(
                Finding("template-file", message, own.place(("shared", path)), help=help_)
            )
    known = {*base, *own.manifest.shared, *(file.path for file in own.files)}
    for path in own.manifest.when:
        if path not in known:
            near = nearest(path, known)
            help_ = f"did you mean `{near}`?" if near else f"write a path below `{_TREE}`"
            message = f"the template has no file `{path}`"
            findings.append(
                Finding("template-file", message, own.place(("when", path)), help=help_)
            )
    if findings:
        raise ConfigError(findings)
