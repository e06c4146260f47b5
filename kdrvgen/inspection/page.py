"""Renders inspections as one HTML page without scripts or other files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kdrvgen import __version__
from kdrvgen.characters import visible
from kdrvgen.inspection.checks.imports import is_kernel_module
from kdrvgen.inspection.pe.certificate_table import certificate_table
from kdrvgen.inspection.pe.image import Image
from kdrvgen.report.finding import Finding, counted

__all__ = ["Checked", "page", "page_parts"]

_WIDTH = 960  # of the picture, in its own units
_MIN_PART_WIDTH = 6


class Checked(Protocol):
    """What was checked: an image, with more attributes, or anything else with findings."""

    @property
    def path(self) -> Path:
        """The file or folder."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings about it."""


class Part(NamedTuple):
    """A part of the file: its kind, and its place in the file and in the picture."""

    kind: str
    name: str
    offset: int
    size: int
    access: str
    x: float
    width: float


def page(inspections: Sequence[Checked]) -> str:
    """Return the page as one text."""
    return "".join(page_parts(inspections, [str(each.path) for each in inspections]))


def page_parts(inspections: Iterable[Checked], names: Sequence[str]) -> Iterator[str]:
    """Yield the parts of the page, for one inspection after the other.

    All text from the images is escaped.

    Args:
        inspections: The inspections; each is used before the next one is taken.
        names: The names of their files, for the title.
    """
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["visible"] = visible
    yield from environment.get_template("report.html.j2").generate(
        inspections=inspections,
        names=names,
        version=__version__,
        parts=_parts,
        counted=counted,
        picture_width=_WIDTH,
        is_kernel_module=is_kernel_module,
    )


def _parts(image: Image) -> list[Part]:
    """Return the parts in the order of the file, side by side."""
    extents = sorted(_extents(image), key=lambda part: part[2])
    total = sum(size for *_, size, _ in extents) or 1
    remaining = _WIDTH - _MIN_PART_WIDTH * len(extents)
    parts = []
    x = 0.0
    for kind, name, offset, size, access in extents:
        width = _MIN_PART_WIDTH + max(remaining, 0) * size / total
        parts.append(Part(kind, name, offset, size, access, round(x, 2), round(width, 2)))
        x += width
    return parts


def _extents(image: Image) -> Iterator[tuple[str, str, int, int, str]]:
    yield "headers", "headers", 0, image.headers.size_of_headers, "R--"
    for section in image.sections:
        kind = "code" if "X" in section.access else "data" if "W" in section.access else "constant"
        if section.size:
            yield kind, section.name, section.offset, section.size, section.access
    table = certificate_table(image.headers, len(image.data))
    if table:
        yield "signature", "signatures", table[0], table[1] - table[0], ""
