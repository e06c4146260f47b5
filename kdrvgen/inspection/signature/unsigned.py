"""Finds the parts of a PKCS #7 signature that no signature covers and that have no known purpose.

Everything else in it is covered by a signature, or compared with something that is. Data in the
remaining parts can be changed without a trace, so it is a place to hide something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from asn1crypto import cms, core

from kdrvgen.inspection.signature import der
from kdrvgen.inspection.signature.certificates import load
from kdrvgen.inspection.signature.structure import SIGNED_DATA, SIGNER, Structure, surplus

__all__ = ["UnsignedPart", "described", "unsigned_parts"]

_STAMP_VERSION = "v3"  # of a timestamp (RFC 5652, section 5.1)
_SEVERAL = "microsoft_nested_signature"
_TOKEN, _COUNTER = "microsoft_time_stamp_token", "counter_signature"
_KNOWN_ATTRIBUTES = frozenset({_SEVERAL, _TOKEN, _COUNTER})
_CONSTRUCTED = 0x20
_NULL = b"\x05\x00"
_SHOWN = 8  # bytes of a digest


class UnsignedPart(NamedTuple):
    """A part that nothing protects.

    Attributes:
        text: What it is; any change of it changes this text.
        is_usual: Whether timestamp servers put it there, such as Microsoft's.
    """

    text: str
    is_usual: bool = False


def described(kind: str, content: bytes) -> str:
    """Return a description by which any change of `content` shows."""
    digest = hashlib.sha256(content).hexdigest()[: 2 * _SHOWN]
    return f"{kind}, {len(content)} bytes, SHA-256 {digest}…"


def unsigned_parts(info: cms.ContentInfo, version: str) -> Iterator[UnsignedPart]:
    """Yield the parts of signed data that nothing protects.

    Args:
        info: The signed data.
        version: The version that it must have, such as `v1`.
    """
    content = info.dump()
    if (offset := _first_not_der(content)) is not None:
        yield UnsignedPart(described(f"an encoding that is not DER at offset {offset}", content))
    yield from _surplus(info.contents, SIGNED_DATA)
    signed = info["content"]
    if signed["version"].native != version:
        yield UnsignedPart(f"version {signed['version'].native}")
    yield from _algorithms(signed["digest_algorithms"])
    if isinstance(signed["crls"], core.SetOf):
        yield UnsignedPart(described("revocation lists", signed["crls"].dump()))
    for choice in signed["certificates"] or ():
        content = choice.dump()
        if choice.name != "certificate":
            # Microsoft's timestamp servers certify their clocks with them.
            text = described("an attribute certificate", content)
            yield UnsignedPart(text, is_usual=version == _STAMP_VERSION)
        elif not _is_readable(content):
            yield UnsignedPart(described("a certificate that cannot be read", content))
    signers = signed["signer_infos"]
    expected = {signer["digest_algorithm"]["algorithm"].native for signer in signers}
    listed = {each["algorithm"].native for each in signed["digest_algorithms"]}
    if listed != expected:
        yield UnsignedPart(f"a list of digest algorithms: {', '.join(sorted(listed))}")
    for signer in signers:
        yield from _signer_parts(signer, is_stamp=version == _STAMP_VERSION)


def _surplus(content: bytes, structure: Structure) -> Iterator[UnsignedPart]:
    for name, values in surplus(content, structure):
        yield UnsignedPart(described(f"data after the last field of {name}", values))


def _is_readable(content: bytes) -> bool:
    certificate = load(content)
    if certificate is None:
        return False
    # The last value of a certificate is its signature, as whole bytes.
    signature = certificate.x509.signature
    return content.endswith(b"\0" + signature)


def _signer_parts(signer: cms.SignerInfo, *, is_stamp: bool) -> Iterator[UnsignedPart]:
    """Yield what nothing protects in a signer of an image or of a timestamp."""
    if signer["version"].native != "v1":
        yield UnsignedPart(f"version {signer['version'].native} of the signer")
    yield from _algorithms([signer["digest_algorithm"], signer["signature_algorithm"]])
    attributes = signer["unsigned_attrs"] or ()
    kinds = [attribute["type"].native for attribute in attributes]
    for index, attribute in enumerate(attributes):
        kind, count = kinds[index], len(attribute["values"])
        text = described(f"unsigned attribute {attribute['type'].dotted}", attribute.dump())
        is_one = kind not in kinds[:index] and (count == 1 or (count and kind == _SEVERAL))
        if is_stamp or kind not in _KNOWN_ATTRIBUTES or not is_one:
            yield UnsignedPart(text)
        elif kind == _TOKEN:
            yield from unsigned_parts(attribute["values"][0], _STAMP_VERSION)
        elif kind == _COUNTER and _TOKEN in kinds:
            # Only one timestamp is verified, and a token has precedence.
            yield UnsignedPart(text, is_usual=True)
        elif kind == _COUNTER:
            yield from _surplus(attribute["values"][0].contents, SIGNER)
            yield from _signer_parts(attribute["values"][0], is_stamp=True)


def _algorithms(algorithms: Iterable[Any]) -> Iterator[UnsignedPart]:
    for algorithm in algorithms:
        parameters = algorithm["parameters"].dump()
        name = algorithm["algorithm"].dotted
        if parameters not in (b"", _NULL) and algorithm["algorithm"].native != "rsassa_pss":
            yield UnsignedPart(described(f"parameters of the algorithm {name}", parameters))


def _first_not_der(content: bytes) -> int | None:
    """Return the offset of the first value that is not encoded as DER requires; None if all are."""
    pending = [(0, len(content))]
    while pending:
        at, limit = pending.pop()
        while at < limit:
            try:
                start, end = der.extent(content, at, limit)
            except ValueError:
                return at
            if content[at] & _CONSTRUCTED:
                pending.append((start, end))
            at = end
    return None
