"""Checks a driver image without Windows: `pe` and `signature` read it, `checks` has the rules.

These are the types of what `kdrvgen.verify` returns. They need the extra `verify`, and so are not
among the names of `kdrvgen` itself.
"""

from __future__ import annotations

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
