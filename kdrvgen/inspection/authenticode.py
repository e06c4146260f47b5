"""Signatures of an image, with their time stamps and those nested in them.

lief's own reader of signatures knows no RFC 3161 time stamps and no page hashes. Source: "Windows
Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from asn1crypto import algos, cms, core, parser

from kdrvgen.inspection.certificates import Certificate
from kdrvgen.inspection.digest import certificate_entries, image_digest
from kdrvgen.inspection.headers import Headers
from kdrvgen.inspection.pkcs7 import (
    DAMAGED,
    HASHES,
    attribute_values,
    certificate_of,
    certificates_in,
    content_of,
    octets,
    problem_of,
    signed_data,
)
from kdrvgen.inspection.timestamps import Timestamp, read_timestamp

__all__ = ["Signature", "read_signatures"]

_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
_PAGE_HASHES = {
    bytes.fromhex("060a2b060104018237020301"): "sha1",
    bytes.fromhex("060a2b060104018237020302"): "sha256",
}
_NESTED = "microsoft_nested_signature"
_MOST_NESTED = 16


class _Attribute(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    _fields: ClassVar = [("type", core.ObjectIdentifier), ("value", core.Any, {"optional": True})]


class _IndirectData(core.Sequence):  # type: ignore[misc] # likewise
    """SpcIndirectDataContent."""

    _fields: ClassVar = [("data", _Attribute), ("message_digest", algos.DigestInfo)]


class Signature(NamedTuple):
    """A signature of an image.

    Attributes:
        offset: Where its entry in the attribute certificate table begins.
        size: How long its PKCS #7 structure is.
        trailing: What stands in the entry behind that, apart from padding.
        nested: Whether it is an attribute of the signature before it.
        digest: Digest algorithm, such as `sha256`.
        claimed: The image's digest as it was signed.
        computed: The image's digest as it is; empty when the algorithm is not known.
        page_hashes: Digest algorithm of its page hashes; "" without.
        signer: The signer's certificate; None when it is not there.
        certificates: All that came with it.
        timestamp: The time stamp; None without.
        problem: Why the signature is none; "" when it verifies with the signer's public key.
    """

    offset: int
    size: int
    trailing: bytes
    nested: bool
    digest: str
    claimed: bytes
    computed: bytes
    page_hashes: str
    signer: Certificate | None
    certificates: tuple[Certificate, ...]
    timestamp: Timestamp | None
    problem: str


def read_signatures(headers: Headers, data: bytes) -> tuple[Signature, ...]:
    """Return the signatures of an image, each followed by those nested in it."""
    found: list[Signature] = []
    for entry in certificate_entries(headers, data):
        waiting = [(entry.content, False)]
        while waiting and len(found) < _MOST_NESTED:
            content, nested = waiting.pop(0)
            signature, inner = _read(content, entry.offset, headers, data, nested=nested)
            found.append(signature)
            waiting += [(each, True) for each in inner]
    return tuple(found)


def _read(
    content: bytes, offset: int, headers: Headers, data: bytes, *, nested: bool
) -> tuple[Signature, list[bytes]]:
    size = _size(content)
    signature = Signature(
        offset=offset,
        size=size,
        trailing=content[size:].rstrip(b"\0"),
        nested=nested,
        digest="",
        claimed=b"",
        computed=b"",
        page_hashes="",
        signer=None,
        certificates=(),
        timestamp=None,
        problem="",
    )
    try:
        return _understood(signature, cms.ContentInfo.load(content[:size]), headers, data)
    except (*DAMAGED, RecursionError) as error:
        return signature._replace(problem=f"it cannot be read: {error}".split("\n")[0]), []


def _size(content: bytes) -> int:
    """Return how long the DER structure at the beginning of `content` is."""
    try:
        return int(parser.peek(content))
    except DAMAGED:
        return len(content)


def _understood(
    signature: Signature, info: cms.ContentInfo, headers: Headers, data: bytes
) -> tuple[Signature, list[bytes]]:
    signed = signed_data(info)
    certificates = certificates_in(signed)
    signer = signed["signer_infos"][0]
    kind, spc = content_of(signed)
    message_digest = _IndirectData.load(spc)["message_digest"]
    digest = message_digest["digest_algorithm"]["algorithm"].native
    own = certificate_of(signer, certificates)
    problem = "" if kind == _INDIRECT_DATA else f"its content is {kind}, no digest of an image"
    problem = problem or problem_of(signer, own, octets(spc))
    if signed["version"].native != "v1" or signer["version"].native != "v1":
        problem = problem or "it is of a version that Authenticode does not know"
    if len(signed["signer_infos"]) != 1:
        problem = problem or "it has several signers, and Authenticode knows one"
    named = [*signed["digest_algorithms"], signer["digest_algorithm"]]
    if {each["algorithm"].native for each in named} != {digest}:
        problem = problem or "its digest algorithms are not the same"
    return signature._replace(
        digest=digest,
        claimed=message_digest["digest"].native,
        computed=image_digest(headers, data, digest) if digest in HASHES else b"",
        page_hashes=next((name for oid, name in _PAGE_HASHES.items() if oid in spc), ""),
        signer=own,
        certificates=certificates,
        timestamp=read_timestamp(signer, certificates),
        problem=problem,
    ), [value.dump() for value in attribute_values(signer["unsigned_attrs"], _NESTED)]
