"""The errors that end an adoption, at their places in the project's files."""

from __future__ import annotations

from kdrvgen.adopt.parse.located import Located
from kdrvgen.adopt.read.document import read_document
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.config.keys import Path
from kdrvgen.config.locator import scan
from kdrvgen.config.secrets import hide_in_document, hide_in_line
from kdrvgen.config.source import Extent, Source
from kdrvgen.errors import ConfigError
from kdrvgen.report.finding import Finding, Place

__all__ = ["manifest_error", "text_error"]


def manifest_error(snapshot: Snapshot, path: Path, message: str, hint: str) -> ConfigError:
    """Return the error about a key of Cargo.toml."""
    document = read_document(snapshot, "Cargo.toml")
    source = Source.of(document.text, snapshot.name("Cargo.toml"))
    source = hide_in_document(source, scan(source.text))
    node = document.root.find(path)
    extent = node and (node.value or node.key)
    place = source.place(extent) if extent else Place(source.name)
    return ConfigError([Finding("adopt-refused", message, place, help=hint, key=path)])


def text_error(snapshot: Snapshot, located: Located, message: str, hint: str) -> ConfigError:
    """Return the error about a text in any file."""
    file, line = located.origin
    source = Source.of(snapshot.files.get(file, ""), snapshot.name(file))
    line_start = sum(len(each) + 1 for each in source.text.split("\n")[: max(line - 1, 0)])
    bounds = source.line_extent(line_start)
    start = source.text.find(located.text, *bounds)
    extent = Extent(start, start + len(located.text)) if start != -1 else bounds
    place = hide_in_line(source, extent.start).place(extent) if line else Place(source.name)
    return ConfigError([Finding("adopt-refused", message, place, help=hint)])
