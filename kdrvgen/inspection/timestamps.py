"""Time stamps of a signature: RFC 3161 tokens, and Authenticode's counter signatures."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import NamedTuple

from asn1crypto import cms, tsp

from kdrvgen.inspection.certificates import Certificate
from kdrvgen.inspection.pkcs7 import (
    DAMAGED,
    attribute_values,
    certificate_of,
    certificates_in,
    content_of,
    octets,
    problem_of,
    signed_data,
)

__all__ = ["Timestamp", "read_timestamp"]

_RFC3161 = "microsoft_time_stamp_token"
_COUNTER = "counter_signature"
_TIME_STAMP = "1.2.840.113549.1.9.16.1.4"  # id-ct-TSTInfo


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


def read_timestamp(
    signer: cms.SignerInfo, certificates: tuple[Certificate, ...]
) -> Timestamp | None:
    """Return the time stamp of a signer's signature; None without.

    Args:
        signer: The signer.
        certificates: Those beside it, among which a counter signature's is.
    """
    for token in attribute_values(signer["unsigned_attrs"], _RFC3161):
        try:
            return _rfc3161(signer, token)
        except DAMAGED as error:
            return Timestamp("rfc3161", None, "", None, (), f"it cannot be read: {error}")
    for counter in attribute_values(signer["unsigned_attrs"], _COUNTER):
        try:
            return _countersigned(signer, counter, certificates)
        except DAMAGED as error:
            return Timestamp("authenticode", None, "", None, (), f"it cannot be read: {error}")
    return None


def _rfc3161(signer: cms.SignerInfo, token: cms.ContentInfo) -> Timestamp:
    signed = signed_data(token)
    certificates = certificates_in(signed)
    authority = signed["signer_infos"][0]
    kind, content = content_of(signed)
    token_info = octets(content)
    info = tsp.TSTInfo.load(token_info)
    imprint = info["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    own = certificate_of(authority, certificates)
    problem = problem_of(authority, own, token_info)
    if kind != _TIME_STAMP:
        problem = problem or f"its content is {kind}, no time stamp"
    digest = hashlib.new(algorithm, signer["signature"].native).digest()
    if imprint["hashed_message"].native != digest:
        problem = problem or "it is of another signature"
    return Timestamp("rfc3161", info["gen_time"].native, algorithm, own, certificates, problem)


def _countersigned(
    signer: cms.SignerInfo, counter: cms.SignerInfo, certificates: tuple[Certificate, ...]
) -> Timestamp:
    own = certificate_of(counter, certificates)
    times = [each.native for each in attribute_values(counter["signed_attrs"], "signing_time")]
    problem = problem_of(counter, own, signer["signature"].native)
    return Timestamp(
        "authenticode",
        times[0] if times else None,
        counter["digest_algorithm"]["algorithm"].native,
        own,
        certificates,
        problem or ("" if times else "it names no time"),
    )
