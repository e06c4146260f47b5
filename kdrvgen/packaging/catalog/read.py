"""Reads a catalog, signed or not: the digests, the files and the versions of Windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kdrvgen.inspection.signature import der
from kdrvgen.packaging.catalog.member import Member

__all__ = ["Catalog", "read_catalog"]

_SHA1_SIZE, _SHA256_SIZE = 20, 32
_SIGNED_DATA = der.read_one(der.object_id("1.2.840.113549.1.7.2")).content
_CTL = der.read_one(der.object_id("1.3.6.1.4.1.311.10.1")).content
_VERSIONS = {
    der.read_one(der.object_id(f"1.3.6.1.4.1.311.12.1.{number}")).content: number - 1
    for number in (2, 3)
}
_NAME_VALUE = der.read_one(der.object_id("1.3.6.1.4.1.311.12.2.1")).content
_EXPLICIT = 0xA0
_PARTS = 3  # usage, algorithm, members


class Catalog(NamedTuple):
    """The content of a catalog.

    Attributes:
        ctl: The certificate trust list, in DER.
        version: 1 for SHA-1 digests, 2 for SHA-1 and SHA-256.
        names: The file name of each digest, in lower case; "" if the catalog does not name it. A
            digest has 20 or 32 bytes.
        systems: The versions of Windows, as in the catalog, such as `_v100_X64`.
        is_signed: Whether the message has a signature.
    """

    ctl: bytes
    version: int
    names: Mapping[bytes, str]
    systems: tuple[str, ...]
    is_signed: bool

    @property
    def digests(self) -> frozenset[bytes]:
        """The digests of the files."""
        return frozenset(self.names)

    def has(self, member: Member) -> bool:
        """Return whether the catalog covers a file."""
        needed = {member.sha1} if self.version == 1 else {member.sha1, member.sha256}
        return needed <= self.names.keys()


def read_catalog(data: bytes) -> Catalog:
    """Return the content of a catalog.

    Raises:
        ValueError: The data is not a catalog in strict DER, which Windows demands.
    """
    message = der.read_one(_explicit(_content(data, der.SEQUENCE), _SIGNED_DATA))
    parts = der.read_all(message.content)
    signers = parts[-1].content if parts and parts[-1].tag == der.SET else b""
    inner = [part for part in parts if part.tag == der.SEQUENCE]
    if message.tag != der.SEQUENCE or not inner:
        raise ValueError("this is not a signed message")
    ctl = _explicit(inner[0].content, _CTL)
    return Catalog(ctl, *_list(ctl), is_signed=bool(signers))


def _content(data: bytes, tag: int) -> bytes:
    found = der.read_one(data)
    if found.tag != tag:
        raise ValueError(f"expected a value with tag {tag:#x}, found {found.tag:#x}")
    return found.content


def _explicit(content: bytes, identifier: bytes) -> bytes:
    """Return the value in [0] after an object identifier."""
    found = der.read_all(content)
    expected = [(der.OBJECT_ID, identifier), _EXPLICIT]
    if [(each.tag, each.content) if each.tag == der.OBJECT_ID else each.tag for each in found] != (
        expected
    ):
        raise ValueError("this is not a catalog")
    return found[1].content


def _list(ctl: bytes) -> tuple[int, Mapping[bytes, str], tuple[str, ...]]:
    parts = der.read_all(_content(ctl, der.SEQUENCE))
    lists = [index for index, part in enumerate(parts) if part.tag == der.SEQUENCE]
    if len(lists) < _PARTS:
        raise ValueError("the list of the catalog is incomplete")
    algorithm = der.read_all(parts[lists[1]].content)
    version = _VERSIONS.get(algorithm[0].content) if algorithm else None
    if version is None:
        raise ValueError("the catalog has an unknown version")
    members = der.read_all(parts[lists[2]].content)
    names = dict(_member(member.content, version) for member in members)
    texts = dict(_extensions(parts[-1])) if parts[-1].tag == _EXPLICIT else {}
    systems = tuple(each.strip() for each in texts.get("OS", "").split(","))
    return version, names, tuple(filter(None, systems))


def _member(member: bytes, version: int) -> tuple[bytes, str]:
    """Return the digest and the file name of a member."""
    parts = der.read_all(member)
    if not parts or parts[0].tag != der.OCTETS:
        raise ValueError("a member of the catalog has no digest")
    tag = parts[0].content
    if version == 1:
        tag = bytes.fromhex(tag.decode("utf-16-le").rstrip("\0"))
    if len(tag) not in {_SHA1_SIZE, _SHA256_SIZE}:
        raise ValueError("a digest in the catalog has a wrong size")
    attributes = der.read_all(parts[1].content) if parts[1:] else []
    texts = dict(text for each in attributes for text in _texts(each))
    return tag, texts.get("File", "").lower()


def _extensions(part: der.Value) -> Iterator[tuple[str, str]]:
    for extension in der.read_all(_content(part.content, der.SEQUENCE)):
        yield from _texts(extension)


def _texts(attribute: der.Value) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of an attribute, if it has these."""
    parts = der.read_all(attribute.content)
    if not parts or parts[0] != (der.OBJECT_ID, _NAME_VALUE):
        return
    for part in parts[1:]:
        pair = [each.content for each in der.read_all(der.read_one(part.content).content)]
        if len(pair) == _PARTS:
            yield pair[0].decode("utf-16-be"), pair[2].decode("utf-16-le").rstrip("\0")
