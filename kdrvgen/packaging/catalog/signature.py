"""The signature of a catalog. Needs the extra `verify`."""

from __future__ import annotations

from typing import NamedTuple

from asn1crypto import cms

from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.inspection.signature.pkcs7 import (
    DAMAGED,
    certificates_in,
    octets,
    signature_problem,
    signed_content,
    signed_data,
    signer_certificate,
)
from kdrvgen.inspection.signature.timestamps import Timestamp, read_timestamp
from kdrvgen.packaging.catalog.write import MICROSOFT

__all__ = ["CatalogSignature", "read_signature"]

_LIST = f"{MICROSOFT}.10.1"


class CatalogSignature(NamedTuple):
    """The signature of a catalog.

    Attributes:
        signer: The certificate of the signer; None if it is missing.
        certificates: All certificates in it.
        timestamp: The timestamp; None without one.
        problem: Why it is invalid; "" if it verifies with the signer's public key.
    """

    signer: Certificate | None
    certificates: tuple[Certificate, ...]
    timestamp: Timestamp | None
    problem: str


def read_signature(data: bytes) -> CatalogSignature:
    """Return the signature of a signed catalog, whatever the bytes are."""
    try:
        return _read(cms.ContentInfo.load(data))
    except (*DAMAGED, RecursionError) as error:
        problem = f"it cannot be read: {error}".split("\n")[0]
        return CatalogSignature(None, (), None, problem)


def _read(info: cms.ContentInfo) -> CatalogSignature:
    signed = signed_data(info)
    certificates = certificates_in(signed)
    signer = signed["signer_infos"][0]
    kind, content = signed_content(signed)
    own = signer_certificate(signer, certificates)
    problem = "" if kind == _LIST else f"its content is {kind}, not the list of a catalog"
    problem = problem or signature_problem(signer, own, octets(content))
    return CatalogSignature(own, certificates, read_timestamp(signer, certificates), problem)
