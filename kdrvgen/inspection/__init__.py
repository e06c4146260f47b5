"""Checks a driver image without Windows: `pe` and `signature` read it, `checks` has the rules.

These are the types of what `kdrvgen.verify` returns. They need the extra `verify`, and so are not
among the names of `kdrvgen` itself. They are imported on first use (PEP 562), because the headers
and the digest of an image need no extra.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdrvgen.inspection.checks.loading import Loading, SignedBy
    from kdrvgen.inspection.inspect import Inspection
    from kdrvgen.inspection.pe.headers import Directory, Headers
    from kdrvgen.inspection.pe.image import Export, Image, Module, Section, Symbol
    from kdrvgen.inspection.signature.assessment import Assessment
    from kdrvgen.inspection.signature.authenticode import Signature
    from kdrvgen.inspection.signature.certificates import Certificate
    from kdrvgen.inspection.signature.chain import Chain
    from kdrvgen.inspection.signature.timestamps import Timestamp
    from kdrvgen.inspection.signature.unsigned import UnsignedPart

__all__ = [
    "Assessment",
    "Certificate",
    "Chain",
    "Directory",
    "Export",
    "Headers",
    "Image",
    "Inspection",
    "Loading",
    "Module",
    "Section",
    "Signature",
    "SignedBy",
    "Symbol",
    "Timestamp",
    "UnsignedPart",
]

_MODULES = {
    "Assessment": "signature.assessment",
    "Certificate": "signature.certificates",
    "Chain": "signature.chain",
    "Directory": "pe.headers",
    "Export": "pe.image",
    "Headers": "pe.headers",
    "Image": "pe.image",
    "Inspection": "inspect",
    "Loading": "checks.loading",
    "Module": "pe.image",
    "Section": "pe.image",
    "Signature": "signature.authenticode",
    "SignedBy": "checks.loading",
    "Symbol": "pe.image",
    "Timestamp": "signature.timestamps",
    "UnsignedPart": "signature.unsigned",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
