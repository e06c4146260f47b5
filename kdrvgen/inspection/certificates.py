"""Certificates: what one says, and whether a chain of them leads to where trust begins."""

from __future__ import annotations

import base64
import datetime as dt
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["CODE_SIGNING", "TIME_STAMPING", "Certificate", "Chain", "chain_of", "load", "load_all"]

CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING

_LONGEST_CHAIN = 10
# What cryptography raises for the fields of a certificate that somebody damaged.
_DAMAGED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class Certificate:
    """An X.509 certificate, read as far as somebody's bytes allow.

    Raises:
        ValueError: On construction: these bytes are no certificate.
    """

    def __init__(self, der: bytes) -> None:
        with warnings.catch_warnings():
            # Serial numbers below one and the like: old certificates have them, and still sign.
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
        """Its SHA-1 in upper case, as Windows and signtool's /sha1 have it."""
        return self.x509.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, no proof

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are one."""
        return self.x509.subject == self.x509.issuer

    @cached_property
    def usages(self) -> tuple[x509.ObjectIdentifier, ...] | None:
        """Its extended key usages; None when it is for every use."""
        try:
            found = self.x509.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        except x509.ExtensionNotFound:
            return None
        except _DAMAGED:
            return ()
        return tuple(found.value)

    @cached_property
    def may_issue(self) -> bool:
        """Whether it may sign other certificates; one without the extension is an old root."""
        try:
            found = self.x509.extensions.get_extension_for_class(x509.BasicConstraints)
        except x509.ExtensionNotFound:
            return self.is_self_issued
        except _DAMAGED:
            return False
        return found.value.ca

    @cached_property
    def key(self) -> tuple[str, int]:
        """The kind of its public key and how many bits that has."""
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
        """Tell whether `moment` lies in its period of validity."""
        return self.not_before <= moment <= self.not_after

    def is_signed_by(self, issuer: Certificate) -> bool:
        """Tell whether its signature is of the key of `issuer`."""
        try:
            self.x509.verify_directly_issued_by(issuer.x509)
        except (*_DAMAGED, InvalidSignature):
            return False
        return True


class Chain(NamedTuple):
    """Certificates from the signer's own to the last that was found.

    Attributes:
        certificates: Each is signed by the next.
        is_complete: Whether the last one is trusted, or signed by itself.
        is_trusted: Whether the last one is among those that are trusted.
    """

    certificates: tuple[Certificate, ...]
    is_complete: bool
    is_trusted: bool


def chain_of(
    leaf: Certificate, others: Iterable[Certificate], trusted: Sequence[Certificate]
) -> Chain:
    """Return the chain of `leaf`, built from the certificates beside it and those trusted."""
    candidates = (*trusted, *others)
    chain = [leaf]
    while len(chain) <= _LONGEST_CHAIN:
        last = chain[-1]
        if last in trusted:
            return Chain(tuple(chain), is_complete=True, is_trusted=True)
        if last.is_self_issued and last.is_signed_by(last):
            return Chain(tuple(chain), is_complete=True, is_trusted=False)
        issuer = next(
            (
                each
                for each in candidates
                if each.x509.subject == last.x509.issuer
                and each.may_issue
                and each not in chain
                and last.is_signed_by(each)
            ),
            None,
        )
        if issuer is None:
            break
        chain.append(issuer)
    return Chain(tuple(chain), is_complete=False, is_trusted=False)


def load(der: bytes) -> Certificate | None:
    """Return a certificate, or None when these bytes are none."""
    try:
        return Certificate(der)
    except _DAMAGED:
        return None


def load_all(content: bytes) -> tuple[Certificate, ...]:
    """Return the certificates in a file: any number as PEM, or one as DER.

    Raises:
        ValueError: There is none in it, or one of them is damaged.
    """
    pattern = rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----"
    blocks = re.findall(pattern, content, re.DOTALL)
    found = tuple(map(load, map(base64.b64decode, blocks) if blocks else (content,)))
    if None in found:
        raise ValueError("no certificate, or a damaged one")
    return tuple(each for each in found if each)


def _name(name: x509.Name) -> str:
    return name.rfc4514_string()


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
