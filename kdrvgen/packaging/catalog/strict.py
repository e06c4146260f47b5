"""Checks that a signed catalog is in strict DER, as Windows requires since October 2020.

Sources: X.690, 10 and 11; RFC 2315. Certificates, revocation lists and timestamps are the work of
others, who signed their bytes: only their order is checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from kdrvgen.inspection.signature import der

__all__ = ["demand_strict"]

_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1
_CONSTRUCTED = 0x20
_BOOLEAN, _INTEGER = 0x01, 0x02
_DEEPEST = 32
_SIGN = 0x80


def demand_strict(data: bytes) -> None:
    """Check a catalog, signed or not.

    Raises:
        ValueError: It is not in strict DER.
    """
    outer = der.read_all(der.read_one(data).content)
    if [part.tag for part in outer] != [der.OBJECT_ID, _CONTEXT_0]:
        raise ValueError("this is not a signed message")
    parts = der.read_all(der.read_one(outer[1].content).content)
    for index, part in enumerate(parts):
        if part.tag in {_CONTEXT_0, _CONTEXT_1}:
            what = "certificates" if part.tag == _CONTEXT_0 else "revocation lists"
            _demand_order(part.content, f"the {what}")
        elif part.tag == der.SET and index == len(parts) - 1:
            for signer in _demand_order(part.content, "the signers"):
                _signer(signer)
        else:
            _value(part, 0)


def _signer(signer: der.Value) -> None:
    for part in der.read_all(signer.content):
        if part.tag in {_CONTEXT_0, _CONTEXT_1}:
            is_signed = part.tag == _CONTEXT_0
            what = "signed" if is_signed else "unsigned"
            for attribute in _demand_order(part.content, f"the {what} attributes of a signer"):
                if is_signed:
                    _value(attribute, 0)
        else:
            _value(part, 0)


def _value(value: der.Value, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("values are nested too deeply")
    if value.tag == _INTEGER:
        _integer(value.content)
    elif value.tag == _BOOLEAN and value.content not in {b"\0", b"\xff"}:
        raise ValueError("a truth value is neither 0 nor 255")
    if value.tag == der.SET:
        _demand_order(value.content, "the values of a set")
    if value.tag & _CONSTRUCTED:
        for inner in der.read_all(value.content):
            _value(inner, depth + 1)


def _integer(content: bytes) -> None:
    if not content:
        raise ValueError("a number is empty")
    if len(content) > 1 and content[0] == (0xFF if content[1] & _SIGN else 0):
        raise ValueError("a number is not in its shortest form")


def _demand_order(content: bytes, what: str) -> Sequence[der.Value]:
    values = der.read_all(content)
    encoded = [der.value(each.tag, each.content) for each in values]
    if encoded != sorted(encoded):
        raise ValueError(f"{what} are not in the order of DER")
    return values
