"""Whether a certificate can sign code now: its usages and its dates."""

from __future__ import annotations

import datetime as dt

from kdrvgen.doctor.check import SIGNING_TASKS, Check, Remedy
from kdrvgen.doctor.der import Certificate
from kdrvgen.doctor.host import Host
from kdrvgen.report.finding import Finding

__all__ = ["CERTIFICATE", "check_validity", "current_time"]

CERTIFICATE = Check("certificate", SIGNING_TASKS)
_EXPIRES_SOON = dt.timedelta(days=14)


def check_validity(certificate: Certificate, place: str, now: dt.datetime, advice: str) -> Finding:
    """Return whether a certificate can sign code.

    Args:
        certificate: The certificate.
        place: Where it is.
        now: The current time.
        advice: How to get a better one.
    """
    name = f"CN={certificate.subject}, thumbprint {certificate.thumbprint}"
    if not certificate.may_sign_code:
        message = f"{name}: its extended key usages do not include code signing"
        return CERTIFICATE.error(message, place, Remedy(advice))
    if now < certificate.not_before:
        message = f"{name}: not valid before {certificate.not_before:%Y-%m-%d %H:%M} UTC"
        return CERTIFICATE.error(message, place, Remedy("check the clock of this machine"))
    if now > certificate.not_after:
        message = f"{name}: expired on {certificate.not_after:%Y-%m-%d}"
        return CERTIFICATE.error(message, place, Remedy(advice))
    if certificate.not_after - now < _EXPIRES_SOON:
        message = f"{name}: expires soon, on {certificate.not_after:%Y-%m-%d}"
        return CERTIFICATE.note(message, place, Remedy(advice))
    return CERTIFICATE.ok(f"{name}: valid until {certificate.not_after:%Y-%m-%d}", place)


def current_time(host: Host) -> dt.datetime:
    """Return the time that the clock of a host shows."""
    return dt.datetime.fromtimestamp(host.now, dt.UTC)
