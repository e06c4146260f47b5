"""The parameters of RSASSA-PSS, which neither the signer nor a timestamp covers.

So they are read strictly: a value that is not used would be a place to hide something. Source: RFC
8017, A.2.3.
"""

from __future__ import annotations

from typing import NamedTuple

from kdrvgen.inspection.signature import der

__all__ = ["PssParameters", "read_pss"]

_HASHES = {
    der.object_id(dotted): name
    for dotted, name in (
        ("1.3.14.3.2.26", "sha1"),
        ("2.16.840.1.101.3.4.2.4", "sha224"),
        ("2.16.840.1.101.3.4.2.1", "sha256"),
        ("2.16.840.1.101.3.4.2.2", "sha384"),
        ("2.16.840.1.101.3.4.2.3", "sha512"),
    )
}
_MGF1 = der.object_id("1.2.840.113549.1.1.8")
_TAGS = _HASH, _MASK, _SALT, _TRAILER = 0xA0, 0xA1, 0xA2, 0xA3
_TRAILER_BC = der.integer(1)
_DEFAULT_SALT = 20
_NULL = der.value(der.NULL)


class PssParameters(NamedTuple):
    """The parameters: digest algorithm, that of the mask, and length of the salt in bytes."""

    digest: str = "sha1"
    mask_digest: str = "sha1"
    salt_length: int = _DEFAULT_SALT


def read_pss(encoded: bytes) -> PssParameters:
    """Return the parameters.

    Raises:
        ValueError: They are not in DER, or have something else.
    """
    values = der.read_all(_sequence(encoded))
    fields = {field.tag: field.content for field in values}
    if [field.tag for field in values] != [tag for tag in _TAGS if tag in fields]:
        raise ValueError("its parameters of RSASSA-PSS are unknown or in another order")
    if fields.get(_TRAILER, _TRAILER_BC) != _TRAILER_BC:
        raise ValueError("its parameters have an unknown trailer of RSASSA-PSS")
    found = PssParameters()
    if _HASH in fields:
        found = found._replace(digest=_hash(fields[_HASH]))
    if _MASK in fields:
        name, parameters = _algorithm(fields[_MASK])
        if name != _MGF1:
            raise ValueError("its parameters have an unknown mask of RSASSA-PSS")
        found = found._replace(mask_digest=_hash(parameters))
    if _SALT in fields:
        found = found._replace(salt_length=_length(fields[_SALT]))
    return found


def _sequence(encoded: bytes) -> bytes:
    found = der.read_one(encoded)
    if found.tag != der.SEQUENCE:
        raise ValueError("its parameters of RSASSA-PSS are no sequence")
    return found.content


def _algorithm(encoded: bytes) -> tuple[bytes, bytes]:
    """Return an identifier and its parameters, both encoded."""
    identifier, *parameters = (
        der.value(part.tag, part.content) for part in der.read_all(_sequence(encoded))
    )
    return identifier, b"".join(parameters) or _NULL


def _hash(encoded: bytes) -> str:
    identifier, parameters = _algorithm(encoded)
    if identifier not in _HASHES or parameters != _NULL:
        raise ValueError("its parameters have an unknown digest algorithm of RSASSA-PSS")
    return _HASHES[identifier]


def _length(encoded: bytes) -> int:
    found = der.read_one(encoded)
    number = int.from_bytes(found.content, "big", signed=True)
    if number < 0 or encoded != der.integer(number):
        raise ValueError("its parameters have an impossible salt length of RSASSA-PSS")
    return number
