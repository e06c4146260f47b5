"""Timestamps of a signature: RFC 3161 tokens, and Authenticode's countersignatures."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import NamedTuple

from asn1crypto import cms, tsp

from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.inspection.signature.pkcs7 import (
    DAMAGED,
    attribute_values,
    certificates_in,
    countersignature_problem,
    octets,
    signature_problem,
    signed_content,
    signed_data,
    signer_certificate,
)

__all__ = ["Timestamp", "read_timestamp"]

_RFC3161 = "microsoft_time_stamp_token"
_COUNTER = "counter_signature"
_TIMESTAMP_INFO = "1.2.840.113549.1.9.16.1.4"  # id-ct-TSTInfo


class Timestamp(NamedTuple):
    """A timestamp of a signature.

    Attributes:
        protocol: `rfc3161` or `authenticode`, the values of `signing.timestamp-protocol`.
        time: The time in it; None if it cannot be read.
        digest: Its digest algorithm.
        signer: The certificate of the authority; None if it is missing.
        certificates: All certificates in it.
        problem: Why it is invalid; "" if it verifies.
    """

    protocol: str
    time: dt.datetime | None
    digest: str
    signer: Certificate | None
    certificates: tuple[Certificate, ...]
    problem: str


def read_timestamp(
    signer: cms.SignerInfo, certificates: tuple[Certificate, ...]
) -> Timestamp | None:
    """Return the timestamp of a signer's signature; None without one.

    Args:
        signer: The signer.
        certificates: The certificates in the signature; a countersignature uses one of them.
    """
    for token in attribute_values(signer["unsigned_attrs"], _RFC3161):
        try:
            return _rfc3161(signer, token)
        except DAMAGED as error:
            return Timestamp("rfc3161", None, "", None, (), f"it cannot be read: {error}")
    for counter in attribute_values(signer["unsigned_attrs"], _COUNTER):
        try:
            return _countersignature(signer, counter, certificates)
        except DAMAGED as error:
            return Timestamp("authenticode", None, "", None, (), f"it cannot be read: {error}")
    return None


def _rfc3161(signer: cms.SignerInfo, token: cms.ContentInfo) -> Timestamp:
    signed = signed_data(token)
    certificates = certificates_in(signed)
    authority = signed["signer_infos"][0]
    kind, content = signed_content(signed)
    token_info = octets(content)
    info = tsp.TSTInfo.load(token_info)
    imprint = info["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    own = signer_certificate(authority, certificates)
    problem = signature_problem(authority, own, token_info, _TIMESTAMP_INFO)
    if len(signed["signer_infos"]) != 1:
        problem = problem or "it has several signers, and a timestamp has one"
    if kind != _TIMESTAMP_INFO:
        problem = problem or f"its content is {kind}, not a timestamp"
    digest = hashlib.new(algorithm, signer["signature"].native).digest()
    if imprint["hashed_message"].native != digest:
        problem = problem or "it belongs to another signature"
    time = _moment(info["gen_time"].native)
    return Timestamp("rfc3161", time, algorithm, own, certificates, problem)


def _countersignature(
    signer: cms.SignerInfo, counter: cms.SignerInfo, certificates: tuple[Certificate, ...]
) -> Timestamp:
    own = signer_certificate(counter, certificates)
    times = [value.native for value in attribute_values(counter["signed_attrs"], "signing_time")]
    problem = countersignature_problem(counter, own, signer["signature"].native)
    return Timestamp(
        "authenticode",
        _moment(times[0]) if times else None,
        counter["digest_algorithm"]["algorithm"].native,
        own,
        certificates,
        problem,
    )


def _moment(time: object) -> dt.datetime | None:
    """Return a time of asn1crypto; None without a time zone, or for the year 0."""
    return time if isinstance(time, dt.datetime) and time.tzinfo else None
