"""Signatures of an image: PKCS #7 read and verified, with time stamps and nested signatures.

asn1crypto reads the structures (lief's own reader knows no RFC 3161 time stamps and no page
hashes), cryptography verifies. Sources: "Windows Authenticode Portable Executable Signature
Format"; RFC 2315 (PKCS #7), RFC 5652 (CMS), RFC 3161 (time stamps).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from asn1crypto import algos, cms, core, parser, tsp
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kdrvgen.inspection.certificates import Certificate, load
from kdrvgen.inspection.digest import certificate_entries, image_digest
from kdrvgen.inspection.headers import Headers

__all__ = ["Signature", "Timestamp", "read_signatures"]

_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
_PAGE_HASHES = {
    bytes.fromhex("060a2b060104018237020301"): "sha1",
    bytes.fromhex("060a2b060104018237020302"): "sha256",
}
_NESTED = "microsoft_nested_signature"
_RFC3161 = "microsoft_time_stamp_token"
_COUNTER = "counter_signature"
_MOST_NESTED = 16

# What asn1crypto raises for bytes that are not what they should be.
_DAMAGED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "md5": hashes.MD5,
}


class _Attribute(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    _fields: ClassVar = [("type", core.ObjectIdentifier), ("value", core.Any, {"optional": True})]


class _IndirectData(core.Sequence):  # type: ignore[misc] # likewise
    """SpcIndirectDataContent."""

    _fields: ClassVar = [("data", _Attribute), ("message_digest", algos.DigestInfo)]


class Timestamp(NamedTuple):
    """A time stamp of a signature.

    Attributes:
        protocol: `rfc3161` or `authenticode`, as `signing.timestamp-protocol` has them.
        time: When the signature existed, says the authority; None when that cannot be read.
        digest: Digest algorithm that it was made with.
        signer: The authority's certificate; None when it is not there.
        certificates: All that came with it.
        problem: Why it proves nothing; "" when it verifies.
    """

    protocol: str
    time: dt.datetime | None
    digest: str
    signer: Certificate | None
    certificates: tuple[Certificate, ...]
    problem: str


class Signature(NamedTuple):
    """A signature of an image.

    Attributes:
        offset: Where its entry in the attribute certificate table begins.
        size: How long its PKCS #7 structure is.
        trailing: What stands in the entry behind that, apart from padding.
        nested: Whether it is an attribute of the signature before it.
        digest: Digest algorithm, such as `sha256`.
        claimed: The image's digest as it was signed.
        computed: The image's digest as it is; empty when the algorithm is not known.
        page_hashes: Digest algorithm of its page hashes; "" without.
        signer: The signer's certificate; None when it is not there.
        certificates: All that came with it.
        timestamp: The time stamp; None without.
        problem: Why the signature is none; "" when it verifies with the signer's public key.
    """

    offset: int
    size: int
    trailing: bytes
    nested: bool
    digest: str
    claimed: bytes
    computed: bytes
    page_hashes: str
    signer: Certificate | None
    certificates: tuple[Certificate, ...]
    timestamp: Timestamp | None
    problem: str


def read_signatures(headers: Headers, data: bytes) -> tuple[Signature, ...]:
    """Return the signatures of an image, each followed by those nested in it."""
    found: list[Signature] = []
    for entry in certificate_entries(headers, data):
        waiting = [(entry.content, False)]
        while waiting and len(found) < _MOST_NESTED:
            content, nested = waiting.pop(0)
            signature, inner = _read(content, entry.offset, headers, data, nested=nested)
            found.append(signature)
            waiting += [(each, True) for each in inner]
    return tuple(found)


def _read(
    content: bytes, offset: int, headers: Headers, data: bytes, *, nested: bool
) -> tuple[Signature, list[bytes]]:
    size = _size(content)
    signature = Signature(
        offset=offset,
        size=size,
        trailing=content[size:].rstrip(b"\0"),
        nested=nested,
        digest="",
        claimed=b"",
        computed=b"",
        page_hashes="",
        signer=None,
        certificates=(),
        timestamp=None,
        problem="",
    )
    try:
        return _understood(signature, cms.ContentInfo.load(content[:size]), headers, data)
    except (*_DAMAGED, RecursionError) as error:
        return signature._replace(problem=f"it cannot be read: {error}".split("\n")[0]), []


def _size(content: bytes) -> int:
    """Return how long the DER structure at the beginning of `content` is."""
    try:
        return int(parser.peek(content))
    except _DAMAGED:
        return len(content)


def _understood(
    signature: Signature, info: cms.ContentInfo, headers: Headers, data: bytes
) -> tuple[Signature, list[bytes]]:
    signed = _signed_data(info)
    certificates = _certificates(signed)
    signer = signed["signer_infos"][0]
    kind, spc = _content(signed)
    message_digest = _IndirectData.load(spc)["message_digest"]
    digest = message_digest["digest_algorithm"]["algorithm"].native
    own = _certificate_of(signer, certificates)
    problem = "" if kind == _INDIRECT_DATA else f"its content is {kind}, no digest of an image"
    problem = problem or _problem(signer, own, _octets(spc))
    if len(signed["signer_infos"]) != 1:
        problem = problem or "it has several signers, and Authenticode knows one"
    if signer["digest_algorithm"]["algorithm"].native != digest:
        problem = problem or "its digest algorithms are not the same"
    return signature._replace(
        digest=digest,
        claimed=message_digest["digest"].native,
        computed=image_digest(headers, data, digest) if digest in _HASHES else b"",
        page_hashes=next((name for oid, name in _PAGE_HASHES.items() if oid in spc), ""),
        signer=own,
        certificates=certificates,
        timestamp=_timestamp(signer, certificates),
        problem=problem,
    ), [value.dump() for value in _values(signer["unsigned_attrs"], _NESTED)]


def _signed_data(info: cms.ContentInfo) -> cms.SignedData:
    if info["content_type"].native != "signed_data":
        raise ValueError(f"it is {info['content_type'].native}, no signed data")
    signed = info["content"]
    if not signed["signer_infos"]:
        raise ValueError("it has no signer")
    return signed


def _certificates(signed: cms.SignedData) -> tuple[Certificate, ...]:
    choices = signed["certificates"]
    found = (load(each.dump()) for each in (choices if isinstance(choices, core.SetOf) else ()))
    return tuple(each for each in found if each is not None)


def _content(signed: cms.SignedData) -> tuple[str, bytes]:
    """Return the type of what is signed, and its DER."""
    inner = signed["encap_content_info"]
    # PKCS #7 has the content itself in the field [0], CMS an octet string.
    return inner["content_type"].dotted, _octets(inner["content"].dump())


def _octets(der: bytes) -> bytes:
    """Return the content octets of a DER value: what a signed digest is made of."""
    return bytes(parser.parse(der)[4])


def _certificate_of(
    signer: cms.SignerInfo, certificates: Sequence[Certificate]
) -> Certificate | None:
    name = signer["sid"].chosen
    if not isinstance(name, cms.IssuerAndSerialNumber):
        return None
    issuer, serial = name["issuer"].dump(), name["serial_number"].native
    return next(
        (
            each
            for each in certificates
            if each.x509.serial_number == serial and each.x509.issuer.public_bytes() == issuer
        ),
        None,
    )


def _problem(signer: cms.SignerInfo, own: Certificate | None, content: bytes) -> str:
    """Return why the signer's signature of `content` is none; "" when it is one."""
    if own is None:
        return "the signer's certificate is not in it"
    algorithm = signer["digest_algorithm"]["algorithm"].native
    if algorithm not in _HASHES:
        return f"its digest algorithm is {algorithm}"
    attributes = signer["signed_attrs"]
    if not attributes:
        signed = content
    else:
        digests = _values(attributes, "message_digest")
        if [each.native for each in digests] != [hashlib.new(algorithm, content).digest()]:
            return "its message digest is not that of its content"
        signed = b"\x31" + attributes.dump()[1:]  # as SET OF, not as the field [0] (RFC 5652, 5.4)
    if not _verifies(own, signer, signed, _HASHES[algorithm]()):
        return "it does not verify with the public key of its signer"
    return ""


def _verifies(
    own: Certificate, signer: cms.SignerInfo, signed: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    signature = signer["signature"].native
    try:
        key = own.x509.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, _padding(signer, algorithm), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _padding(
    signer: cms.SignerInfo, algorithm: hashes.HashAlgorithm
) -> padding.PKCS1v15 | padding.PSS:
    if signer["signature_algorithm"]["algorithm"].native == "rsassa_pss":
        return padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
    return padding.PKCS1v15()


def _timestamp(signer: cms.SignerInfo, certificates: tuple[Certificate, ...]) -> Timestamp | None:
    for token in _values(signer["unsigned_attrs"], _RFC3161):
        try:
            return _rfc3161(signer, token)
        except _DAMAGED as error:
            return Timestamp("rfc3161", None, "", None, (), f"it cannot be read: {error}")
    for counter in _values(signer["unsigned_attrs"], _COUNTER):
        try:
            return _countersigned(signer, counter, certificates)
        except _DAMAGED as error:
            return Timestamp("authenticode", None, "", None, (), f"it cannot be read: {error}")
    return None


def _rfc3161(signer: cms.SignerInfo, token: cms.ContentInfo) -> Timestamp:
    signed = _signed_data(token)
    certificates = _certificates(signed)
    authority = signed["signer_infos"][0]
    kind, content = _content(signed)
    octets = _octets(content)
    info = tsp.TSTInfo.load(octets)
    imprint = info["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    own = _certificate_of(authority, certificates)
    problem = _problem(authority, own, octets)
    if kind != "1.2.840.113549.1.9.16.1.4":
        problem = problem or f"its content is {kind}, no time stamp"
    digest = hashlib.new(algorithm, signer["signature"].native).digest()
    if imprint["hashed_message"].native != digest:
        problem = problem or "it is of another signature"
    return Timestamp("rfc3161", info["gen_time"].native, algorithm, own, certificates, problem)


def _countersigned(
    signer: cms.SignerInfo, counter: cms.SignerInfo, certificates: tuple[Certificate, ...]
) -> Timestamp:
    own = _certificate_of(counter, certificates)
    times = [each.native for each in _values(counter["signed_attrs"], "signing_time")]
    problem = _problem(counter, own, signer["signature"].native)
    return Timestamp(
        "authenticode",
        times[0] if times else None,
        counter["digest_algorithm"]["algorithm"].native,
        own,
        certificates,
        problem or ("" if times else "it names no time"),
    )


def _values(attributes: Any, kind: str) -> Iterator[Any]:  # noqa: ANN401 - asn1crypto is untyped
    """Return the values of a kind of attribute."""
    return iter(
        [
            value
            for attribute in attributes or ()
            if attribute["type"].native == kind
            for value in attribute["values"]
        ]
    )
