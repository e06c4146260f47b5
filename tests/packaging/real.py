"""Driver packages that others published: wintun's for four architectures, and WinDivert's INFs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import lief

from tests.tools import path_in

__all__ = ["Package", "infs", "packages"]


class Package(NamedTuple):
    """A package of one architecture."""

    machine: str
    image: bytes
    inf: bytes
    catalog: bytes


def packages() -> Iterator[Package]:
    """Yield the packages that wintun's DLLs contain as resources."""
    for machine in ("amd64", "arm64", "x86", "arm"):
        library = lief.PE.parse(str(_folder() / "wintun" / machine / "wintun.dll"))
        assert library
        found = dict(_resources(library.resources, ""))
        yield Package(machine, *(found[f"WINTUN.{ending}"] for ending in ("SYS", "INF", "CAT")))


def _resources(node: object, name: str) -> Iterator[tuple[str, bytes]]:
    for child in node.childs:  # type: ignore[attr-defined] # lief has no type for both kinds
        own = child.name if child.has_name else name
        if child.is_data:
            yield own, bytes(child.content)
        else:
            yield from _resources(child, own)


def infs() -> dict[str, bytes]:
    """Return all INF files by a name."""
    found = {f"wintun-{package.machine}.inf": package.inf for package in packages()}
    for path in sorted((_folder() / "windivert").glob("*.inf")):
        found[path.name] = path.read_bytes()
    return found


def _folder() -> Path:
    return path_in("KDRVGEN_DRIVER_PACKAGES", "driver packages that others published")
