"""PKCS #7 signed data: asn1crypto reads it, cryptography verifies it.

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

from kdrvgen.inspection.signature.certificates import Certificate, load
from kdrvgen.inspection.signature.pss import read_pss

__all__ = [
    "DAMAGED",
    "HASHES",
    "attribute_values",
    "certificates_in",
    "countersignature_problem",
    "octets",
    "signature_problem",
    "signed_content",
    "signed_data",
    "signer_certificate",
]

_PKCS1 = "rsassa_pkcs1v15"
_EC_PUBLIC_KEY = "1.2.840.10045.2.1"  # some signers name the key's algorithm in the signature

# The exceptions of asn1crypto for damaged data.
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
        ValueError: It is not signed data, or has no signer.
    """
    if info["content_type"].native != "signed_data":
        raise ValueError(f"its content type is {info['content_type'].native}, not signed data")
    signed = info["content"]
    if not signed["signer_infos"]:
        raise ValueError("it has no signer")
    return signed


def certificates_in(signed: cms.SignedData) -> tuple[Certificate, ...]:
    """Return the certificates in a signature, without damaged ones."""
    choices = signed["certificates"]
    if not isinstance(choices, core.SetOf):
        return ()
    certificates = (load(choice.dump()) for choice in choices)
    return tuple(certificate for certificate in certificates if certificate is not None)


def signed_content(signed: cms.SignedData) -> tuple[str, bytes]:
    """Return the type of the signed content, and the content octets of its value."""
    inner = signed["encap_content_info"]
    # In PKCS #7 the field [0] holds the content itself, in CMS an octet string.
    return inner["content_type"].dotted, octets(inner["content"].dump())


def octets(der: bytes) -> bytes:
    """Return the content octets of a DER value, which a signed digest is computed from."""
    return bytes(parser.parse(der)[4])


def signer_certificate(
    signer: cms.SignerInfo, certificates: Sequence[Certificate]
) -> Certificate | None:
    """Return the signer's certificate; None if `certificates` does not contain it."""
    name = signer["sid"].chosen
    if not isinstance(name, cms.IssuerAndSerialNumber):
        return None
    issuer, serial = name["issuer"].dump(), name["serial_number"].native
    return next(
        (
            certificate
            for certificate in certificates
            if certificate.serial_number == serial and _issuer(certificate) == issuer
        ),
        None,
    )


def _issuer(certificate: Certificate) -> bytes:
    return bytes(x509.Certificate.load(certificate.der).issuer.dump())


def signature_problem(
    signer: cms.SignerInfo, own: Certificate | None, content: bytes, kind: str
) -> str:
    """Return why the signer's signature of `content` is invalid; "" if it is valid.

    Args:
        signer: The signer.
        own: Its certificate; None if that is missing.
        content: What is signed.
        kind: The identifier of its type, which the signed attributes must name.
    """
    attributes = signer["signed_attrs"]
    if own is not None and attributes:
        kinds = [value.dotted for value in attribute_values(attributes, "content_type")]
        if kinds != [kind]:
            return f"its signed attributes are for {', '.join(kinds) or 'nothing'}, not for {kind}"
    elif own is not None:
        return "it has no signed attributes"
    return _problem(signer, own, content, bare=False)


def countersignature_problem(
    counter: cms.SignerInfo, own: Certificate | None, signature: bytes
) -> str:
    """Return why a countersignature of a signature is invalid; "" if it is valid.

    An RSA signature may hold the digest alone, without the name of its algorithm, as those of
    VeriSign's timestamp server did until about 2010.

    Args:
        counter: The countersignature.
        own: The certificate of its signer; None if that is missing.
        signature: What it signs.
    """
    return _problem(counter, own, signature, bare=True)


def _problem(signer: cms.SignerInfo, own: Certificate | None, content: bytes, *, bare: bool) -> str:
    if own is None:
        return "the signer's certificate is missing"
    algorithm = signer["digest_algorithm"]["algorithm"].native
    if algorithm not in HASHES or _signature_hash(signer) not in ("", algorithm):
        return f"its digest algorithm {algorithm} is not supported, or contradicts its signature"
    attributes = signer["signed_attrs"]
    if not attributes:
        signed = content
    else:
        digests = attribute_values(attributes, "message_digest")
        if [value.native for value in digests] != [hashlib.new(algorithm, content).digest()]:
            return "its message digest does not match its content"
        signed = b"\x31" + attributes.dump()[1:]  # as SET OF instead of [0] (RFC 5652, 5.4)
    digest = hashlib.new(algorithm, signed).digest()
    is_valid = _verifies(own, signer, signed, HASHES[algorithm]()) or (
        bare and _recovered(own, signer) == digest
    )
    return "" if is_valid else "it does not verify with the signer's public key"


def _recovered(own: Certificate, signer: cms.SignerInfo) -> bytes:
    """Return what an RSA signature holds; b"" if that cannot be read."""
    try:
        key = own.x509.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or _signature_kind(signer) != _PKCS1:
            return b""
        signature = signer["signature"].native
        return key.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return b""


def _verifies(
    own: Certificate, signer: cms.SignerInfo, signed: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    signature = signer["signature"].native
    try:
        key = own.x509.public_key()
        kind = _signature_kind(signer)
        if isinstance(key, rsa.RSAPublicKey) and kind == "rsassa_pss":
            found = read_pss(signer["signature_algorithm"]["parameters"].dump())
            mask = padding.MGF1(HASHES[found.mask_digest]())
            key.verify(signature, signed, padding.PSS(mask, found.salt_length), algorithm)
        elif isinstance(key, rsa.RSAPublicKey) and kind == _PKCS1:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind in {"ecdsa", _EC_PUBLIC_KEY}:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _signature_hash(signer: cms.SignerInfo) -> str:
    """Return the digest algorithm in the name of the signature algorithm; "" without one."""
    try:
        return str(signer["signature_algorithm"].hash_algo)
    except ValueError:
        return ""


def _signature_kind(signer: cms.SignerInfo) -> str:
    algorithm = signer["signature_algorithm"]
    try:
        return str(algorithm.signature_algo)
    except ValueError:
        return str(algorithm["algorithm"].dotted)


def attribute_values(attributes: cms.CMSAttributes | None, kind: str) -> Iterator[Any]:
    """Return the values of all attributes of a kind."""
    values = [
        value
        for attribute in attributes or ()
        if attribute["type"].native == kind
        for value in attribute["values"]
    ]
    return iter(values)
