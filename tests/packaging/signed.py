"""Signs a catalog without any tool."""

from __future__ import annotations

import hashlib

from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from kdrvgen.inspection.signature import der
from kdrvgen.packaging.catalog.read import read_catalog
from tests.pipeline.authority import Identity

__all__ = ["signed"]

_LIST = "1.3.6.1.4.1.311.10.1"
_RSA = der.sequence(der.object_id("1.2.840.113549.1.1.1"), der.value(der.NULL))
_SHA256 = der.sequence(der.object_id("2.16.840.1.101.3.4.2.1"), der.value(der.NULL))


def signed(catalog: bytes, identity: Identity, *, is_strict: bool = True) -> bytes:
    """Return a catalog with the signature of an identity.

    It is in strict DER, or its attributes are signed in another order than that of DER.
    """
    ctl = read_catalog(catalog).ctl
    digest = hashlib.sha256(der.read_one(ctl).content).digest()
    listed = sorted(
        [
            _attribute("1.2.840.113549.1.9.3", der.object_id(_LIST)),
            _attribute("1.2.840.113549.1.9.4", der.value(der.OCTETS, digest)),
        ],
        reverse=not is_strict,
    )
    attributes = der.value(der.SET, b"".join(listed))
    signature = identity.key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
    certificate = identity.certificate.public_bytes(Encoding.DER)
    issuer = bytes(asn1.Certificate.load(certificate).issuer.dump())
    signer = der.sequence(
        der.integer(1),
        der.sequence(issuer, der.integer(identity.certificate.serial_number)),
        _SHA256,
        b"\xa0" + attributes[1:],
        _RSA,
        der.value(der.OCTETS, signature),
    )
    message = der.sequence(
        der.integer(1),
        der.set_of([_SHA256]),
        der.sequence(der.object_id(_LIST), der.value(0xA0, ctl)),
        der.value(0xA0, certificate),
        der.set_of([signer]),
    )
    return der.sequence(der.object_id("1.2.840.113549.1.7.2"), der.value(0xA0, message))


def _attribute(identifier: str, value: bytes) -> bytes:
    return der.sequence(der.object_id(identifier), der.set_of([value]))
