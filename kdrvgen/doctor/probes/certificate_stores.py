"""Certificates in the stores of Windows: which one signtool selects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from kdrvgen.doctor import der
from kdrvgen.doctor.der import Certificate
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.validity import CERTIFICATE, check_validity, current_time
from kdrvgen.model import Signing
from kdrvgen.report.finding import Finding, Severity

__all__ = ["Candidate", "choose", "store_certificate"]

_PERSONAL_STORE = "My"


class Candidate(NamedTuple):
    """A certificate, and the store that it is in."""

    store: str
    machine: bool
    certificate: Certificate


def store_certificate(host: Host, signing: Signing) -> Finding:
    """Find the one certificate that the settings select.

    If it is not there, the advice lists the possible ones: first those in the configured store,
    then those in the personal stores of the user and the machine.
    """
    now = current_time(host)
    own = _certificates(host, signing.store, machine=signing.machine_store)
    finding = choose(signing, own, now)
    if finding.severity is not Severity.ERROR:
        return finding
    places = dict.fromkeys(
        (store, machine) for store in (signing.store, _PERSONAL_STORE) for machine in (False, True)
    )
    places.pop((signing.store, signing.machine_store))
    others = [
        candidate
        for store, machine in places
        for candidate in _certificates(host, store, machine=machine)
    ]
    usable = [candidate for candidate in (*own, *others) if _is_usable(candidate, now)]
    return finding._replace(help=_advice(signing, usable))


def choose(signing: Signing, candidates: Sequence[Candidate], now: dt.datetime) -> Finding:
    """Return whether the settings select exactly one certificate of a store, as signtool needs.

    `/sha1` selects one by its thumbprint. `/n` selects those whose subject contains a text,
    ignoring case, and that are valid and for code signing (Microsoft Learn, SignTool).
    """
    place = f"store {signing.store} of {_location(machine=signing.machine_store)}"
    if signing.thumbprint:
        selected = [
            candidate
            for candidate in candidates
            if candidate.certificate.thumbprint == signing.thumbprint
        ]
        wanted = f"thumbprint {signing.thumbprint}"
    else:
        selected = [
            candidate
            for candidate in candidates
            if signing.subject.lower() in candidate.certificate.subject.lower()
        ]
        wanted = f"CN={signing.subject}"
        usable = [candidate for candidate in selected if _is_usable(candidate, now)]
        if len(usable) > 1:
            message = f"{len(usable)} certificates have {wanted}; signtool needs exactly one"
            return CERTIFICATE.error(message, place)
        selected = usable or selected
    if not selected:
        message = f"no certificate with {wanted} ({len(candidates)} in the store)"
        return CERTIFICATE.error(message, place)
    return check_validity(selected[0].certificate, place, now, "get a new certificate")


def _advice(signing: Signing, usable: Sequence[Candidate]) -> str:
    if not usable:
        return "import one: open its .pfx file and choose the store in the import wizard"
    lines = ["in the configuration, set one of"]
    for store, machine, certificate in usable:
        extra = ""
        if store != signing.store:
            extra += f', signing.store = "{store}"'
        if machine != signing.machine_store:
            extra += f", signing.machine-store = {str(machine).lower()}"
        lines.append(
            f'  signing.thumbprint = "{certificate.thumbprint}"{extra}'
            f"  (CN={certificate.subject}, valid until {certificate.not_after:%Y-%m-%d})"
        )
    return "\n".join(lines)


def _is_usable(candidate: Candidate, now: dt.datetime) -> bool:
    return candidate.certificate.may_sign_code and candidate.certificate.is_valid(now)


def _location(*, machine: bool) -> str:
    return "LocalMachine" if machine else "CurrentUser"


def _certificates(host: Host, store: str, *, machine: bool) -> list[Candidate]:
    """Return the certificates of a store that can be read."""
    candidates = []
    for encoded in host.certificates(store, machine):
        with suppress(ValueError):
            candidates.append(Candidate(store, machine, der.parse(encoded)))
    return candidates
