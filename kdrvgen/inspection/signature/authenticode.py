"""Reads and verifies the Authenticode signatures of an image, also nested ones.

lief's reader of signatures supports neither RFC 3161 timestamps nor page hashes. Source: "Windows
Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple, TypeAlias

from asn1crypto import algos, cms, core, parser

from kdrvgen.inspection.pe.certificate_table import certificate_entries
from kdrvgen.inspection.pe.headers import Headers
from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.inspection.signature.digest import image_digest
from kdrvgen.inspection.signature.page_hashes import page_hash_algorithm, page_hashes_match
from kdrvgen.inspection.signature.pkcs7 import (
    DAMAGED,
    HASHES,
    attribute_values,
    certificates_in,
    octets,
    signature_problem,
    signed_content,
    signed_data,
    signer_certificate,
)
from kdrvgen.inspection.signature.timestamps import Timestamp, read_timestamp
from kdrvgen.inspection.signature.unsigned import UnsignedPart, described, unsigned_parts

__all__ = ["Content", "Signature", "read_messages", "read_signatures"]

_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
_PE_IMAGE = "1.3.6.1.4.1.311.2.1.15"
_NESTED = "microsoft_nested_signature"
_MAX_SIGNATURES = 16


class _Attribute(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    _fields: ClassVar = [("type", core.ObjectIdentifier), ("value", core.Any, {"optional": True})]


class _IndirectData(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    """SpcIndirectDataContent."""

    _fields: ClassVar = [("data", _Attribute), ("message_digest", algos.DigestInfo)]


class Signature(NamedTuple):
    """A signature of an image, or of a catalog.

    Attributes:
        offset: The offset of its entry in the attribute certificate table; 0 in a catalog.
        size: The length of its PKCS #7 structure.
        trailing: The bytes of the entry after the structure, without padding.
        nested: Whether it is an attribute of the signature before it.
        digest: The digest algorithm, such as `sha256`.
        claimed: The signed digest of the file.
        computed: The actual digest of the file; empty if the algorithm is not supported.
        page_hashes: The digest algorithm of the page hashes; "" without page hashes.
        signer: The certificate of the signer; None if it is missing.
        certificates: All certificates in the signature.
        timestamp: The timestamp; None without one.
        problem: Why it is invalid; "" if it verifies with the signer's public key.
        unsigned: The parts that nothing protects.
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
    unsigned: tuple[UnsignedPart, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether it verifies and is that of this file."""
        return not self.problem and bool(self.claimed) and self.claimed == self.computed


class Content(NamedTuple):
    """What a signature says of the file that it is for.

    Attributes:
        digest: The digest algorithm, such as `sha256`.
        claimed: The signed digest of the file.
        computed: Its actual digest; empty if the algorithm is not supported.
        page_hashes: The digest algorithm of the page hashes; "" without page hashes.
        problem: Why the content is invalid; "" if it is valid.
    """

    digest: str
    claimed: bytes
    computed: bytes
    page_hashes: str = ""
    problem: str = ""


ReadContent: TypeAlias = Callable[[cms.SignedData], Content]


def read_signatures(headers: Headers, data: bytes) -> tuple[Signature, ...]:
    """Return the signatures of an image, each followed by those nested in it."""
    entries = ((entry.content, entry.offset) for entry in certificate_entries(headers, data))
    return read_messages(entries, lambda signed: _image_content(signed, headers, data))


def read_messages(
    messages: Iterable[tuple[bytes, int]], read_content: ReadContent
) -> tuple[Signature, ...]:
    """Return the signatures in PKCS #7 structures, each followed by those nested in it.

    Args:
        messages: The structures, each with its offset in the file.
        read_content: Reads what a structure says of the file.
    """
    signatures: list[Signature] = []
    for message, offset in messages:
        pending = [(message, False)]
        while pending:
            content, nested = pending.pop(0)
            if len(signatures) >= _MAX_SIGNATURES:
                problem = described(f"kdrvgen reads at most {_MAX_SIGNATURES} signatures", content)
                signatures.append(_unread(content, offset, problem, nested=nested))
                continue
            signature, inner = _read(content, offset, read_content, nested=nested)
            signatures.append(signature)
            pending += [(nested_content, True) for nested_content in inner]
    return tuple(signatures)


def _unread(content: bytes, offset: int, problem: str, *, nested: bool) -> Signature:
    size = _size(content)
    return Signature(
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
        problem=problem,
    )


def _read(
    content: bytes, offset: int, read_content: ReadContent, *, nested: bool
) -> tuple[Signature, list[bytes]]:
    signature = _unread(content, offset, "", nested=nested)
    size = signature.size
    try:
        return _parse(signature, cms.ContentInfo.load(content[:size]), read_content)
    except (*DAMAGED, RecursionError) as error:
        return signature._replace(problem=f"it cannot be read: {error}".split("\n")[0]), []


def _size(content: bytes) -> int:
    """Return the length of the DER structure at the beginning of `content`."""
    try:
        return int(parser.peek(content))
    except DAMAGED:
        return len(content)


def _parse(
    signature: Signature, info: cms.ContentInfo, read_content: ReadContent
) -> tuple[Signature, list[bytes]]:
    signed = signed_data(info)
    certificates = certificates_in(signed)
    signer = signed["signer_infos"][0]
    content = read_content(signed)
    own = signer_certificate(signer, certificates)
    kind, value = signed_content(signed)
    problem = content.problem or signature_problem(signer, own, octets(value), kind)
    if signed["version"].native != "v1" or signer["version"].native != "v1":
        problem = problem or "Authenticode does not allow its version"
    if len(signed["signer_infos"]) != 1:
        problem = problem or "it has several signers, and Authenticode allows one"
    algorithms = [*signed["digest_algorithms"], signer["digest_algorithm"]]
    if {algorithm["algorithm"].native for algorithm in algorithms} != {content.digest}:
        problem = problem or "its digest algorithms differ"
    return signature._replace(
        digest=content.digest,
        claimed=content.claimed,
        computed=content.computed,
        page_hashes=content.page_hashes,
        signer=own,
        certificates=certificates,
        timestamp=read_timestamp(signer, certificates),
        problem=problem,
        unsigned=tuple(unsigned_parts(info, "v1")),
    ), [value.dump() for value in attribute_values(signer["unsigned_attrs"], _NESTED)]


def _image_content(signed: cms.SignedData, headers: Headers, data: bytes) -> Content:
    kind, spc = signed_content(signed)
    indirect = _IndirectData.load(spc)
    digest = indirect["message_digest"]["digest_algorithm"]["algorithm"].native
    content = Content(
        digest,
        claimed=indirect["message_digest"]["digest"].native,
        computed=image_digest(headers, data, digest) if digest in HASHES else b"",
        page_hashes=page_hash_algorithm(spc),
    )
    if kind != _INDIRECT_DATA:
        return content._replace(problem=f"its content is {kind}, not the digest of an image")
    if (subject := indirect["data"]["type"].dotted) != _PE_IMAGE:
        return content._replace(problem=f"it is for another kind of file ({subject})")
    is_same = content.claimed == content.computed
    if is_same and content.page_hashes and not page_hashes_match(spc, headers, data):
        return content._replace(problem="its page hashes are not those of the image")
    return content
