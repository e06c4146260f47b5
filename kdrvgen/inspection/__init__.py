"""Checks a driver image without Windows: `pe` and `signature` read it, `checks` has the rules.

These are the types of what `kdrvgen.verify` returns. They need the extra `verify`, and so are not
among the names of `kdrvgen` itself. They are imported on first use (PEP 562), because the headers
and the digest of an image need no extra.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdrvgen.inspection.inspect import Inspection
    from kdrvgen.inspection.pe.headers import Directory, Headers
    from kdrvgen.inspection.pe.image import Export, Image, Module, Section, Symbol
    from kdrvgen.inspection.signature.authenticode import Signature
    from kdrvgen.inspection.signature.certificates import Certificate
    from kdrvgen.inspection.signature.timestamps import Timestamp

__all__ = [
    "Certificate",
    "Directory",
    "Export",
    "Headers",
    "Image",
    "Inspection",
    "Module",
    "Section",
    "Signature",
    "Symbol",
    "Timestamp",
]

_MODULES = {
    "Certificate": "signature.certificates",
    "Directory": "pe.headers",
    "Export": "pe.image",
    "Headers": "pe.headers",
    "Image": "pe.image",
    "Inspection": "inspect",
    "Module": "pe.image",
    "Section": "pe.image",
    "Signature": "signature.authenticode",
    "Symbol": "pe.image",
    "Timestamp": "signature.timestamps",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
