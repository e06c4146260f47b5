"""X.509 certificates, and chains of them up to a trusted one."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = [
    "CODE_SIGNING",
    "TIME_STAMPING",
    "Certificate",
    "Chain",
    "build_chain",
    "load",
    "load_all",
]

CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING

_MAX_CHAIN = 10
# The exceptions of cryptography for damaged fields of a certificate.
_DAMAGED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class Certificate:
    """An X.509 certificate; it can have damaged fields.

    Raises:
        ValueError: On construction, if these bytes are not a certificate.
    """

    def __init__(self, der: bytes) -> None:
        with warnings.catch_warnings():
            # Old certificates can have a serial number below 1, which cryptography warns of.
            warnings.simplefilter("ignore")
            self.x509 = x509.load_der_x509_certificate(der)
            self.der = der
            self.serial_number = self.x509.serial_number
            self.subject = _name(self.x509.subject)
            self.issuer = _name(self.x509.issuer)
            self.common_name = _common_name(self.x509.subject)
            self.not_before = self.x509.not_valid_before_utc
            self.not_after = self.x509.not_valid_after_utc

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"Certificate({self.subject!r}, {self.thumbprint})"

    @cached_property
    def thumbprint(self) -> str:
        """Its SHA-1 digest in upper case, which identifies it for Windows and signtool's /sha1."""
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()

    @property
    def is_self_issued(self) -> bool:
        """Whether the subject is also the issuer."""
        return self.x509.subject == self.x509.issuer

    @cached_property
    def usages(self) -> tuple[x509.ObjectIdentifier, ...] | None:
        """Its extended key usages; None without that extension, which means any use."""
        try:
            extension = self.x509.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        except x509.ExtensionNotFound:
            return None
        except _DAMAGED:
            return ()
        return tuple(extension.value)

    @cached_property
    def may_issue(self) -> bool:
        """Whether it may issue other certificates; an old root has no extension for this."""
        try:
            extension = self.x509.extensions.get_extension_for_class(x509.BasicConstraints)
        except x509.ExtensionNotFound:
            return self.is_self_issued
        except _DAMAGED:
            return False
        return extension.value.ca

    @cached_property
    def key(self) -> tuple[str, int]:
        """The kind of its public key, and the number of bits."""
        try:
            key = self.x509.public_key()
        except _DAMAGED:
            return "unknown", 0
        if isinstance(key, rsa.RSAPublicKey):
            return "RSA", key.key_size
        if isinstance(key, ec.EllipticCurvePublicKey):
            return "EC", key.key_size
        return type(key).__name__.strip("_").removesuffix("PublicKey"), 0

    def is_valid_at(self, moment: dt.datetime) -> bool:
        """Return whether it is valid at a moment."""
        return self.not_before <= moment <= self.not_after

    def is_signed_by(self, issuer: Certificate) -> bool:
        """Return whether the key of `issuer` signed it."""
        try:
            self.x509.verify_directly_issued_by(issuer.x509)
        except (*_DAMAGED, InvalidSignature):
            return False
        return True


class Chain(NamedTuple):
    """Certificates from that of the signer up to the last known issuer.

    Attributes:
        certificates: Each is signed by the next one.
        is_complete: Whether the last one is trusted or self-signed.
        is_trusted: Whether the last one is trusted.
    """

    certificates: tuple[Certificate, ...]
    is_complete: bool
    is_trusted: bool


def build_chain(
    leaf: Certificate, others: Iterable[Certificate], trusted: Sequence[Certificate]
) -> Chain:
    """Return the chain of `leaf`, built from other certificates and the trusted ones."""
    candidates = (*trusted, *others)
    chain = [leaf]
    while len(chain) <= _MAX_CHAIN:
        last = chain[-1]
        if last in trusted:
            return Chain(tuple(chain), is_complete=True, is_trusted=True)
        if last.is_self_issued and last.is_signed_by(last):
            return Chain(tuple(chain), is_complete=True, is_trusted=False)
        issuer = next(
            (
                candidate
                for candidate in candidates
                if candidate.x509.subject == last.x509.issuer
                and candidate.may_issue
                and candidate not in chain
                and last.is_signed_by(candidate)
            ),
            None,
        )
        if issuer is None:
            break
        chain.append(issuer)
    return Chain(tuple(chain), is_complete=False, is_trusted=False)


def load(der: bytes) -> Certificate | None:
    """Return a certificate; None if these bytes are not one."""
    try:
        return Certificate(der)
    except _DAMAGED:
        return None


def load_all(content: bytes) -> tuple[Certificate, ...]:
    """Return the certificates in a file: any number as PEM, or one as DER.

    Raises:
        ValueError: The file has no certificate, or a damaged one.
    """
    pattern = rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----"
    blocks = re.findall(pattern, content, re.DOTALL)
    certificates = tuple(map(load, map(base64.b64decode, blocks) if blocks else (content,)))
    if None in certificates:
        raise ValueError("no certificate, or a damaged one")
    return tuple(certificate for certificate in certificates if certificate)


def _name(name: x509.Name) -> str:
    return name.rfc4514_string()


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""
