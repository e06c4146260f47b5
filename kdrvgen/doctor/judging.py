"""What a certificate comes to that is to sign: its usages and its days."""

from __future__ import annotations

import datetime as dt

from kdrvgen.doctor.der import Certificate
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.report.finding import Finding, Severity

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
    state, advice = Severity.OK, ""
    if not certificate.may_sign_code:
        state, until, advice = Severity.ERROR, "not for code signing by its usages", how
    elif now < certificate.begins:
        state, until, advice = (
            Severity.ERROR,
            f"not valid before {certificate.begins:%Y-%m-%d %H:%M} UTC",
            "look at the clock of this host",
        )
    elif now > certificate.ends:
        state, until, advice = Severity.ERROR, f"expired on {certificate.ends:%Y-%m-%d}", how
    elif certificate.ends - now < _SOON:
        state, advice = Severity.NOTE, how
    return outcome("certificate", state, f"{told}: {until}", _SIGNING, place, advice)
