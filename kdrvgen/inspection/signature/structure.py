"""The fields of signed data: finds values that belong to none of them.

Readers of ASN.1 ignore values after the last field of a structure, so anyone can hide data there.
Sources: RFC 2315 and RFC 5652, which define the same fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kdrvgen.inspection.signature import der

__all__ = ["SIGNED_DATA", "SIGNER", "Structure", "surplus"]

_ANY = -1
_FIRST, _SECOND = 0xA0, 0xA1  # the tags [0] and [1] of optional fields


class Structure(NamedTuple):
    """A structure: its name, and its fields in their order.

    Attributes:
        name: The name in the RFC.
        fields: Each as its tag and its own structure; None for a value that is checked elsewhere.
            A field that is missing is skipped.
        repeats: Whether it is a set of any number of the first field.
    """

    name: str
    fields: tuple[tuple[int, Structure | None], ...]
    repeats: bool = False


_ALGORITHM = Structure("AlgorithmIdentifier", ((der.OBJECT_ID, None), (_ANY, None)))
_ALGORITHMS = Structure("digestAlgorithms", ((der.SEQUENCE, _ALGORITHM),), repeats=True)
_ISSUER = Structure("IssuerAndSerialNumber", ((der.SEQUENCE, None), (der.INTEGER, None)))
_ATTRIBUTE = Structure("Attribute", ((der.OBJECT_ID, None), (der.SET, None)))
_ATTRIBUTES = Structure("unauthenticatedAttributes", ((der.SEQUENCE, _ATTRIBUTE),), repeats=True)
SIGNER = Structure(
    "SignerInfo",
    (
        (der.INTEGER, None),
        (der.SEQUENCE, _ISSUER),
        (der.SEQUENCE, _ALGORITHM),
        (_FIRST, None),
        (der.SEQUENCE, _ALGORITHM),
        (der.OCTETS, None),
        (_SECOND, _ATTRIBUTES),
    ),
)
_CONTENT = Structure(
    "contentInfo", ((der.OBJECT_ID, None), (_FIRST, Structure("content", ((_ANY, None),))))
)
_MESSAGE = Structure(
    "SignedData",
    (
        (der.INTEGER, None),
        (der.SET, _ALGORITHMS),
        (der.SEQUENCE, _CONTENT),
        (_FIRST, None),
        (_SECOND, None),
        (der.SET, Structure("signerInfos", ((der.SEQUENCE, SIGNER),), repeats=True)),
    ),
)
SIGNED_DATA = Structure(
    "ContentInfo",
    ((der.OBJECT_ID, None), (_FIRST, Structure("content", ((der.SEQUENCE, _MESSAGE),)))),
)
"""Signed data with its content type. `SIGNER` is one of its signers."""


def surplus(content: bytes, structure: Structure) -> Iterator[tuple[str, bytes]]:
    """Yield the values in a structure that belong to no field.

    Args:
        content: The content of the structure, without its own tag and length.
        structure: Its fields.

    Yields:
        The name of the structure around them, and the values.
    """
    fields = list(structure.fields)
    at = 0
    while at < len(content):
        try:
            start, end = der.extent(content, at, len(content))
        except ValueError:  # not DER, for which there is another finding
            return
        while fields and fields[0][0] not in (_ANY, content[at]):
            del fields[0]
        if not fields:
            break
        inner = fields[0][1] if structure.repeats else fields.pop(0)[1]
        if inner is not None:
            yield from surplus(content[start:end], inner)
        at = end
    if at < len(content):
        yield structure.name, content[at:]
