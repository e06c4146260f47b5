"""PKCS #7 signed data: read by asn1crypto, verified by cryptography.

Sources: RFC 2315 (PKCS #7), RFC 5652 (CMS).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from asn1crypto import cms, core, parser, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kdrvgen.inspection.certificates import Certificate, load

__all__ = [
    "DAMAGED",
    "HASHES",
    "attribute_values",
    "certificate_of",
    "certificates_in",
    "content_of",
    "octets",
    "problem_of",
    "signed_data",
]

_EC_PUBLIC_KEY = "1.2.840.10045.2.1"  # some name the key where the signature belongs

# What asn1crypto raises for bytes that are not what they should be.
DAMAGED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "md5": hashes.MD5,
}


def signed_data(info: cms.ContentInfo) -> cms.SignedData:
    """Return the signed data in a PKCS #7 structure.

    Raises:
        ValueError: It holds something else, or nobody has signed.
    """
    if info["content_type"].native != "signed_data":
        raise ValueError(f"it is {info['content_type'].native}, no signed data")
    signed = info["content"]
    if not signed["signer_infos"]:
        raise ValueError("it has no signer")
    return signed


def certificates_in(signed: cms.SignedData) -> tuple[Certificate, ...]:
    """Return the certificates that came with a signature, without those that are damaged."""
    choices = signed["certificates"]
    found = (load(each.dump()) for each in (choices if isinstance(choices, core.SetOf) else ()))
    return tuple(each for each in found if each is not None)


def content_of(signed: cms.SignedData) -> tuple[str, bytes]:
    """Return the type of what is signed, and its DER."""
    inner = signed["encap_content_info"]
    # PKCS #7 has the content itself in the field [0], CMS an octet string.
    return inner["content_type"].dotted, octets(inner["content"].dump())


def octets(der: bytes) -> bytes:
    """Return the content octets of a DER value: what a signed digest is made of."""
    return bytes(parser.parse(der)[4])


def certificate_of(
    signer: cms.SignerInfo, certificates: Sequence[Certificate]
) -> Certificate | None:
    """Return the signer's certificate; None when it is not among `certificates`."""
    name = signer["sid"].chosen
    if not isinstance(name, cms.IssuerAndSerialNumber):
        return None
    issuer, serial = name["issuer"].dump(), name["serial_number"].native
    return next(
        (each for each in certificates if each.serial_number == serial and _issuer(each) == issuer),
        None,
    )


def _issuer(certificate: Certificate) -> bytes:
    return bytes(x509.Certificate.load(certificate.der).issuer.dump())


def problem_of(signer: cms.SignerInfo, own: Certificate | None, content: bytes) -> str:
    """Return why the signer's signature of `content` is none; "" when it is one."""
    if own is None:
        return "the signer's certificate is not in it"
    algorithm = signer["digest_algorithm"]["algorithm"].native
    if algorithm not in HASHES:
        return f"its digest algorithm is {algorithm}"
    attributes = signer["signed_attrs"]
    if not attributes:
        signed = content
    else:
        digests = attribute_values(attributes, "message_digest")
        if [each.native for each in digests] != [hashlib.new(algorithm, content).digest()]:
            return "its message digest is not that of its content"
        signed = b"\x31" + attributes.dump()[1:]  # as SET OF, not as the field [0] (RFC 5652, 5.4)
    if not _verifies(own, signer, signed, HASHES[algorithm]()):
        return "it does not verify with the public key of its signer"
    return ""


def _verifies(
    own: Certificate, signer: cms.SignerInfo, signed: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    signature = signer["signature"].native
    try:
        key = own.x509.public_key()
        kind = _signature_kind(signer)
        if isinstance(key, rsa.RSAPublicKey) and kind == "rsassa_pss":
            padded = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
            key.verify(signature, signed, padded, algorithm)
        elif isinstance(key, rsa.RSAPublicKey) and kind == "rsassa_pkcs1v15":
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind in {"ecdsa", _EC_PUBLIC_KEY}:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _signature_kind(signer: cms.SignerInfo) -> str:
    algorithm = signer["signature_algorithm"]
    try:
        return str(algorithm.signature_algo)
    except ValueError:
        return str(algorithm["algorithm"].dotted)


def attribute_values(attributes: Any, kind: str) -> Iterator[Any]:  # noqa: ANN401 - asn1crypto is untyped
    """Return the values of a kind of attribute."""
    return iter(
        [
            value
            for attribute in attributes or ()
            if attribute["type"].native == kind
            for value in attribute["values"]
        ]
    )
