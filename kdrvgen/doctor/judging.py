"""What a certificate comes to that is to sign: its usages and its days."""

from __future__ import annotations

import datetime as dt

from kdrvgen.doctor.der import Certificate
from kdrvgen.doctor.findings import Finding, State, Task

__all__ = ["judge"]

_SIGNING = (Task.SIGN, Task.VERIFY)
_SOON = dt.timedelta(days=14)


def judge(certificate: Certificate, place: str, now: dt.datetime, how: str) -> Finding:
    """Return what a certificate comes to that is to sign.

    Args:
        certificate: What it says of itself.
        place: Where it is.
        now: The moment.
        how: How to get a better one.
    """
    told = f"CN={certificate.subject}, thumbprint {certificate.thumbprint}"
    until = f"valid until {certificate.ends:%Y-%m-%d}"
    state, advice = State.FOUND, ""
    if not certificate.may_sign_code:
        state, until, advice = State.MISSING, "not for code signing by its usages", how
    elif now < certificate.begins:
        state, until, advice = (
            State.MISSING,
            f"not valid before {certificate.begins:%Y-%m-%d %H:%M} UTC",
            "look at the clock of this host",
        )
    elif now > certificate.ends:
        state, until, advice = State.MISSING, f"expired on {certificate.ends:%Y-%m-%d}", how
    elif certificate.ends - now < _SOON:
        state, advice = State.NOTE, how
    return Finding("certificate", state, f"{told}: {until}", _SIGNING, place, advice)
