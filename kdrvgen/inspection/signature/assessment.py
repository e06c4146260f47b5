"""What a signature proves: who signed, when, and up to which root."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from kdrvgen.inspection.signature.authenticode import Signature
from kdrvgen.inspection.signature.certificates import CODE_SIGNING, TIME_STAMPING, Certificate
from kdrvgen.inspection.signature.chain import Chain, build_chain
from kdrvgen.inspection.signature.cross import is_cross_certificate, names_cross_issuer
from kdrvgen.inspection.signature.roots import Roots
from kdrvgen.inspection.signature.timestamps import Timestamp

__all__ = ["END_OF_SHA1", "WEAK_DIGESTS", "Assessment", "assess", "proven_time"]

WEAK_DIGESTS = frozenset({"sha1", "md5", "md2"})
END_OF_SHA1 = dt.datetime(2016, 1, 1, tzinfo=dt.UTC)
"""Windows accepts SHA-1 signatures from before this day (Microsoft, "Windows Enforcement of SHA1
Certificates")."""


class Assessment(NamedTuple):
    """A signature, with what follows from it.

    Attributes:
        signature: The signature.
        chain: The signer's chain; None if the signature is invalid.
        stamp_chain: The chain of its timestamp; None without one that verifies.
        stamp_problem: Why the timestamp is invalid; "" without one, or if it is valid.
        proven: When the image was signed, according to a timestamp from a trusted authority; None
            if no such timestamp proves it, or if it does not count.
        moment: When the certificates must be valid: `proven`, or now.
    """

    signature: Signature
    chain: Chain | None
    stamp_chain: Chain | None
    stamp_problem: str
    proven: dt.datetime | None
    moment: dt.datetime

    @property
    def unused(self) -> tuple[Certificate, ...]:
        """The certificates that belong to neither chain, without cross-certificates."""
        chains = [chain for chain in (self.chain, self.stamp_chain) if chain is not None]
        used = {each for chain in chains for each in chain.certificates}
        return tuple(
            each for each in self._all if each not in used and not names_cross_issuer(each)
        )

    @property
    def cross_certificates(self) -> tuple[Certificate, ...]:
        """Microsoft's cross-certificates."""
        return tuple(each for each in self._all if is_cross_certificate(each))

    @property
    def false_cross_certificates(self) -> tuple[Certificate, ...]:
        """The certificates that name the issuer of cross-certificates, but are not signed by it."""
        named = tuple(each for each in self._all if names_cross_issuer(each))
        return tuple(each for each in named if not is_cross_certificate(each))

    @property
    def is_weak(self) -> bool:
        """Whether its digest algorithm is broken, and it is not proven to be from before 2016."""
        is_old = self.proven is not None and self.proven < END_OF_SHA1
        return self.signature.digest in WEAK_DIGESTS and not is_old

    @property
    def _all(self) -> tuple[Certificate, ...]:
        stamp = self.signature.timestamp
        others = stamp.certificates if stamp else ()
        return tuple(dict.fromkeys((*self.signature.certificates, *others)))

    @property
    def is_sound(self) -> bool:
        """Whether Windows needs no other signature, provided that it trusts the root."""
        signer, chain = self.signature.signer, self.chain
        return (
            self.signature.is_valid
            and self.signature.digest not in WEAK_DIGESTS
            and signer is not None
            and signer.is_for(CODE_SIGNING)
            and signer.may_sign
            and chain is not None
            and chain.is_complete
            and not chain.problem
            and not chain.expired
        )


def assess(signature: Signature, roots: Roots, stamp_roots: Roots, now: dt.datetime) -> Assessment:
    """Return what a signature proves.

    Args:
        signature: The signature.
        roots: Where the chain of a signer may end.
        stamp_roots: Where the chain of a timestamp may end.
        now: The current time.
    """
    stamp_chain, problem = _stamp_chain(signature.timestamp, stamp_roots)
    proven = proven_time(signature.timestamp, stamp_roots)
    if signature.signer is not None and signature.signer.is_for_lifetime_signing:
        proven = None
    moment = proven or now
    chain = None
    if signature.signer is not None and not signature.problem:
        chain = build_chain(signature.signer, signature.certificates, roots, CODE_SIGNING, moment)
    return Assessment(signature, chain, stamp_chain, problem, proven, moment)


def proven_time(stamp: Timestamp | None, roots: Roots) -> dt.datetime | None:
    """Return the time in a timestamp; None if no trusted authority stands for it.

    Args:
        stamp: The timestamp; None without one.
        roots: Where its chain may end.
    """
    chain, problem = _stamp_chain(stamp, roots)
    is_proven = chain is not None and chain.is_trusted and not problem
    return stamp.time if stamp and is_proven else None


def _stamp_chain(stamp: Timestamp | None, roots: Roots) -> tuple[Chain | None, str]:
    """Return the chain of a timestamp, and why the timestamp is invalid."""
    if stamp is None:
        return None, ""
    if stamp.problem or stamp.signer is None or stamp.time is None:
        return None, stamp.problem or "it contains no time"
    chain = build_chain(stamp.signer, stamp.certificates, roots, TIME_STAMPING, stamp.time)
    return chain, _stamp_problem(stamp.signer, stamp.time, chain)


def _stamp_problem(signer: Certificate, time: dt.datetime, chain: Chain) -> str:
    if not signer.is_for(TIME_STAMPING):
        return f"its certificate ({signer.subject}) is not for timestamps"
    if not chain.problem and chain.expired:
        first = chain.expired[0]
        return (
            f"its certificate ({first.subject}) was not valid at its time, {time.date()}: "
            f"it is valid from {first.not_before.date()} to {first.not_after.date()}"
        )
    return chain.problem
