"""Chains of certificates, from a signer up to a root."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cryptography.x509 import ObjectIdentifier

from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.inspection.signature.cross import is_cross_certificate
from kdrvgen.inspection.signature.roots import Roots

__all__ = ["Chain", "build_chain"]

_MAX_LENGTH = 10
_MAX_SIGNATURES = 100  # verified for one chain; a damaged file can hold certificates of one name


class Chain(NamedTuple):
    """Certificates from that of the signer up to the last known issuer.

    Attributes:
        certificates: Each is signed by the next one.
        is_complete: Whether the last one is a root: trusted, self-signed, or a certificate of
            Microsoft for a root.
        is_trusted: Whether the last one is trusted.
        problem: Why a certificate may not issue the one before it; "" if all may.
        expired: The certificates that are not valid at the time of the chain.
    """

    certificates: tuple[Certificate, ...]
    is_complete: bool
    is_trusted: bool
    problem: str
    expired: tuple[Certificate, ...]

    @property
    def root(self) -> Certificate:
        """The last certificate."""
        return self.certificates[-1]


def build_chain(
    leaf: Certificate,
    others: Iterable[Certificate],
    roots: Roots,
    usage: ObjectIdentifier,
    moment: dt.datetime,
) -> Chain:
    """Return the best chain of a certificate: Windows also tries all that are possible.

    Args:
        leaf: The signer's certificate.
        others: The certificates in the signature.
        roots: Those at which a chain may end.
        usage: The extended key usage that the chain must allow.
        moment: When the certificates must be valid.
    """
    budget = iter(range(_MAX_SIGNATURES))
    paths = _paths((leaf,), tuple(dict.fromkeys(others)), roots, budget)
    chains = [_judged(path, roots, usage, moment) for path in paths]
    return min(chains, key=_badness)


def _badness(chain: Chain) -> tuple[bool, ...]:
    return (
        not chain.is_trusted,
        bool(chain.problem),
        not chain.is_complete,
        bool(chain.expired),
        # Of two chains that are equally good, the one without a cross-certificate.
        is_cross_certificate(chain.root),
    )


def _paths(
    path: tuple[Certificate, ...],
    others: tuple[Certificate, ...],
    roots: Roots,
    budget: Iterator[int],
) -> Iterator[tuple[Certificate, ...]]:
    """Yield each path that cannot be made longer."""
    last = path[-1]
    is_end = last in roots or last.is_root or len(path) > _MAX_LENGTH
    is_last = True
    if not is_end:
        candidates = dict.fromkeys((*roots.issuers_of(last), *others))
        for issuer in candidates:
            if issuer in path or issuer.x509.subject != last.x509.issuer:
                continue
            if next(budget, None) is None:
                break
            if last.is_signed_by(issuer):
                is_last = False
                yield from _paths((*path, issuer), others, roots, budget)
    if is_last:
        yield path


def _judged(
    path: tuple[Certificate, ...], roots: Roots, usage: ObjectIdentifier, moment: dt.datetime
) -> Chain:
    last = path[-1]
    is_trusted = last in roots
    is_cross = is_cross_certificate(last)
    # The root itself is in the store of Windows; the dates of the cross-certificate count only for
    # the policy of the kernel (kdrvgen.inspection.checks.loading).
    dated = path[:-1] if is_cross and len(path) > 1 else path
    return Chain(
        path,
        is_complete=is_trusted or last.is_root or is_cross,
        is_trusted=is_trusted or (is_cross and roots.holds_key_of(last)),
        problem=next(_problems(path, usage), ""),
        expired=tuple(each for each in dated if not each.is_valid_at(moment)),
    )


def _problems(path: tuple[Certificate, ...], usage: ObjectIdentifier) -> Iterator[str]:
    """Yield why a certificate may not be in a chain (RFC 5280, sections 4.2.1 and 6.1)."""
    for each in path:
        if each.unknown_extension:
            yield f"{each.subject} has the unknown critical extension {each.unknown_extension}"
    authorities = 0  # between the signer and this certificate, without self-issued ones
    for index, issuer in enumerate(path[1:], 1):
        limit = issuer.path_length
        if not issuer.may_issue:
            yield f"{issuer.subject} may not issue certificates"
        elif limit is not None and authorities > limit:
            yield f"{issuer.subject} allows at most {limit} authorities below it"
        elif not issuer.is_for(usage):
            yield f"{issuer.subject} may not issue certificates for this usage"
        elif not all(map(issuer.allows_name_of, path[:index])):
            yield f"{issuer.subject} may not issue certificates for this subject"
        authorities += not issuer.is_self_issued
