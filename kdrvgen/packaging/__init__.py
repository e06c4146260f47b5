"""Driver packages: `inf` reads INF files, `rules` and `checks` check them, `catalog` covers them.

These are the types of what `kdrvgen.verify_package` returns. They need the extra `verify`, and so
are imported on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdrvgen.packaging.checks.inspect import CheckedInf, PackageInspection

__all__ = ["CheckedInf", "PackageInspection"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.checks.inspect"), name)
