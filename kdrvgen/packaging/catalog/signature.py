"""The signatures of a catalog. Needs the extra `verify`."""

from __future__ import annotations

import hashlib

from asn1crypto import cms

from kdrvgen.inspection.signature.authenticode import Content, Signature, read_messages
from kdrvgen.inspection.signature.pkcs7 import octets, signed_content

__all__ = ["read_signatures"]


def read_signatures(data: bytes) -> tuple[Signature, ...]:
    """Return the signatures of a signed catalog, whatever the bytes are."""
    return read_messages([(data, 0)], lambda signed: _list_content(signed, data))


def _list_content(signed: cms.SignedData, data: bytes) -> Content:
    """Return the content of a signature: it contains the catalog itself, and no digest of it."""
    kind, value = signed_content(signed)
    algorithm = signed["signer_infos"][0]["digest_algorithm"]["algorithm"].native
    digest = hashlib.new(algorithm, octets(value), usedforsecurity=False).digest()
    first, own = signed_content(cms.ContentInfo.load(data)["content"])
    problem = "" if (kind, value) == (first, own) else "it is for another catalog"
    return Content(algorithm, digest, digest, problem=problem)
