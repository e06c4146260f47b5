"""A file of a package with the digests that a catalog has of it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from kdrvgen.inspection.pe.certificate_table import certificate_table
from kdrvgen.inspection.pe.headers import Headers, read_headers
from kdrvgen.inspection.signature.digest import signed_ranges

__all__ = ["Member", "member_of"]

_ALIGNMENT = 8


class Member(NamedTuple):
    """A file in a catalog.

    Attributes:
        name: The file name in lower case.
        is_image: Whether it is a PE image, whose digest does not cover its signature.
        sha1: Its SHA-1 digest, 20 bytes.
        sha256: Its SHA-256 digest, 32 bytes.
    """

    name: str
    is_image: bool
    sha1: bytes
    sha256: bytes


def member_of(name: str, data: bytes) -> Member:
    """Return the member for a file.

    The digest of an image is that of its signature: the same before and after signing. A signing
    tool fills the file with zeros to a multiple of 8 bytes, which count. The digest of any other
    file is that of all its bytes.
    """
    headers = read_headers(data)
    try:
        parts = [data] if headers is None else _signed(headers, data)
    except ValueError:
        headers, parts = None, [data]
    digests = []
    for algorithm in ("sha1", "sha256"):
        digest = hashlib.new(algorithm, usedforsecurity=False)
        for part in parts:
            digest.update(part)
        digests.append(digest.digest())
    return Member(name.lower(), headers is not None, *digests)


def _signed(headers: Headers, data: bytes) -> list[bytes]:
    """Return the parts of an image that the digest covers.

    Raises:
        ValueError: The file ends within its headers.
    """
    parts = [data[start:end] for start, end in signed_ranges(headers, len(data))]
    if not parts or headers.checksum_offset > len(data):
        raise ValueError("the image has no content")
    if certificate_table(headers, len(data)) is None:
        parts.append(bytes(-len(data) % _ALIGNMENT))
    return parts
