"""X.509 certificates."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import warnings
from functools import cached_property
from typing import TypeVar

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import (
    ExtendedKeyUsageOID,
    ExtensionOID,
    NameOID,
    SignatureAlgorithmOID,
)

__all__ = [
    "CODE_SIGNING",
    "DAMAGED_CERTIFICATE",
    "MAX_CERTIFICATES",
    "TIME_STAMPING",
    "Certificate",
    "load",
    "load_all",
]

CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
_LIFETIME_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.13")
# The extensions with an effect on a chain that Windows knows (RFC 5280, section 4.2.1).
_KNOWN_EXTENSIONS = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    }
)
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
MAX_CERTIFICATES = 4 << 20
"""The most bytes of a file with certificates: all roots of Windows have 1 MB."""

# What cryptography's verify_directly_issued_by refuses; old certificates have such signatures.
_OLD_ALGORITHMS: dict[x509.ObjectIdentifier, type[hashes.SHA1 | hashes.MD5]] = {
    SignatureAlgorithmOID.RSA_WITH_SHA1: hashes.SHA1,
    SignatureAlgorithmOID.RSA_WITH_MD5: hashes.MD5,
    x509.ObjectIdentifier("1.3.14.3.2.29"): hashes.SHA1,  # makecert names it so
    x509.ObjectIdentifier("1.3.14.3.2.3"): hashes.MD5,
}
DAMAGED_CERTIFICATE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""The exceptions of cryptography for damaged fields of a certificate."""


_ExtensionT = TypeVar(
    "_ExtensionT",
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.NameConstraints,
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

    @cached_property
    def is_root(self) -> bool:
        """Whether it is self-signed."""
        return self.is_self_issued and self.is_signed_by(self)

    @property
    def issuer_name(self) -> str:
        """The common name of its issuer; "" without one."""
        return _common_name(self.x509.issuer)

    @property
    def is_self_issued(self) -> bool:
        """Whether the subject is also the issuer."""
        return self.x509.subject == self.x509.issuer

    @cached_property
    def usages(self) -> tuple[x509.ObjectIdentifier, ...] | None:
        """Its extended key usages; None without that extension, which means any use."""
        usages = self._extension(x509.ExtendedKeyUsage)
        return None if usages is None else tuple(usages)

    @cached_property
    def may_issue(self) -> bool:
        """Whether it may issue other certificates; an old one has no extension for this."""
        if self._constraints is None:
            # A certificate of version 1 or 2 has no extensions: Windows accepts only a root.
            return self.is_self_issued
        usage = self._extension(x509.KeyUsage)
        return self._constraints.ca and (usage is None or usage.key_cert_sign)

    @cached_property
    def path_length(self) -> int | None:
        """How many certificates of authorities may be between it and the last; None for any."""
        return self._constraints.path_length if self._constraints else None

    @cached_property
    def may_sign(self) -> bool:
        """Whether its key may sign something other than certificates."""
        usage = self._extension(x509.KeyUsage)
        return usage is None or usage.digital_signature

    @property
    def is_for_lifetime_signing(self) -> bool:
        """Whether no timestamp makes its signatures valid after it expires.

        Source: Microsoft's wincrypt.h, szOID_KP_LIFETIME_SIGNING.
        """
        return _LIFETIME_SIGNING in (self.usages or ())

    @cached_property
    def unknown_extension(self) -> str:
        """The identifier of a critical extension that nobody knows; "" without one."""
        info = asn1.Certificate.load(self.der)["tbs_certificate"]
        critical = (
            extension["extn_id"].dotted
            for extension in info["extensions"] or ()
            if extension["critical"].native
        )
        known = {each.dotted_string for each in _KNOWN_EXTENSIONS}
        return next((dotted for dotted in critical if dotted not in known), "")

    def allows_name_of(self, other: Certificate) -> bool:
        """Return whether its name constraints allow the subject of a certificate below it."""
        constraints = self._extension(x509.NameConstraints)
        if constraints is None:
            return True
        name = list(other.x509.subject.rdns)
        permitted, excluded = (
            [list(each.value.rdns) for each in trees or () if isinstance(each, x509.DirectoryName)]
            for trees in (constraints.permitted_subtrees, constraints.excluded_subtrees)
        )
        is_permitted = not permitted or any(name[: len(tree)] == tree for tree in permitted)
        return is_permitted and not any(name[: len(tree)] == tree for tree in excluded)

    @cached_property
    def _constraints(self) -> x509.BasicConstraints | None:
        return self._extension(x509.BasicConstraints)

    def _extension(self, kind: type[_ExtensionT]) -> _ExtensionT | None:
        """Return an extension; None without it.

        A damaged extension is one without any right.
        """
        try:
            with warnings.catch_warnings():
                # The identifier of the issuer can contain such a serial number too.
                warnings.simplefilter("ignore")
                return self.x509.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None
        except DAMAGED_CERTIFICATE:
            return _NO_RIGHTS[kind]  # type: ignore[return-value] # by the kind

    @cached_property
    def public_key(self) -> bytes:
        """Its public key, as SubjectPublicKeyInfo in DER."""
        info = asn1.Certificate.load(self.der)["tbs_certificate"]["subject_public_key_info"]
        return bytes(info.dump())

    @cached_property
    def rsa_bits(self) -> int | None:
        """The number of bits of its RSA key; None for a key of another kind, or a damaged one."""
        try:
            key = self.x509.public_key()
        except DAMAGED_CERTIFICATE:
            return None
        return key.key_size if isinstance(key, rsa.RSAPublicKey) else None

    def is_valid_at(self, moment: dt.datetime) -> bool:
        """Return whether it is valid at a moment."""
        return self.not_before <= moment <= self.not_after

    def is_for(self, usage: x509.ObjectIdentifier) -> bool:
        """Return whether its extended key usages, or those of what it issues, allow a usage."""
        return (
            self.usages is None
            or usage in self.usages
            or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in self.usages
        )

    @cached_property
    def _names_one_algorithm(self) -> bool:
        """Whether the algorithm beside the signature is the signed one (RFC 5280, 4.1.1.2)."""
        fields = asn1.Certificate.load(self.der)
        signed = fields["tbs_certificate"]["signature"]
        return bool(signed.dump() == fields["signature_algorithm"].dump())

    def is_signed_by(self, issuer: Certificate) -> bool:
        """Return whether the key of `issuer` signed it."""
        try:
            if old := _OLD_ALGORITHMS.get(self.x509.signature_algorithm_oid):
                key = issuer.x509.public_key()
                if not isinstance(key, rsa.RSAPublicKey) or not self._names_one_algorithm:
                    return False
                signed = self.x509.tbs_certificate_bytes
                key.verify(self.x509.signature, signed, padding.PKCS1v15(), old())
            else:
                self.x509.verify_directly_issued_by(issuer.x509)
        except (*DAMAGED_CERTIFICATE, InvalidSignature):
            return False
        return True


_NO_RIGHTS: dict[type[x509.ExtensionType], x509.ExtensionType] = {
    x509.BasicConstraints: x509.BasicConstraints(ca=False, path_length=None),
    x509.KeyUsage: x509.KeyUsage(*[False] * 9),
    x509.ExtendedKeyUsage: x509.ExtendedKeyUsage([x509.ObjectIdentifier("0.0")]),
    x509.NameConstraints: x509.NameConstraints(None, [x509.DirectoryName(x509.Name([]))]),
}


def load(der: bytes) -> Certificate | None:
    """Return a certificate; None if these bytes are not one."""
    try:
        return Certificate(der)
    except DAMAGED_CERTIFICATE:
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
