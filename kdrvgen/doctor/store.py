"""Certificates in the stores of Windows: which of them signtool would take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from kdrvgen.doctor import der
from kdrvgen.doctor.der import Certificate
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.judging import judge
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Signing
from kdrvgen.report.finding import Finding, Severity

__all__ = ["Candidate", "choose", "store_certificate"]

_SIGNING = (Task.SIGN, Task.VERIFY)
_OWN_STORE = "My"


class Candidate(NamedTuple):
    """A certificate, and the store that it is in."""

    store: str
    machine: bool
    certificate: Certificate


def store_certificate(host: Host, signing: Signing) -> Finding:
    """Look for the one certificate that signtool is told to take.

    Where it is not there, the finding's advice lists what could be: its store, then the other ones
    that people put certificates into.
    """
    now = dt.datetime.fromtimestamp(host.now, dt.UTC)
    own = _certificates(host, signing.store, machine=signing.machine_store)
    finding = choose(signing, own, now)
    if finding.severity is Severity.OK:
        return finding
    places = dict.fromkeys(
        (store, machine) for store in (signing.store, _OWN_STORE) for machine in (False, True)
    )
    places.pop((signing.store, signing.machine_store))
    others = [
        each for store, machine in places for each in _certificates(host, store, machine=machine)
    ]
    good = [each for each in (*own, *others) if _is_good(each.certificate, now)]
    return finding._replace(help=_advice(signing, good))


def choose(signing: Signing, found: Sequence[Candidate], now: dt.datetime) -> Finding:
    """Judge which of a store's certificates the settings mean: signtool wants one and no more.

    `/sha1` names one; `/n` takes those whose subject has the text in it, whatever its case, that
    are valid and for code signing (Microsoft Learn, SignTool).
    """
    place = f"store {signing.store} of {_location(machine=signing.machine_store)}"
    if signing.thumbprint:
        meant = [one for one in found if one.certificate.thumbprint == signing.thumbprint]
        wanted = f"thumbprint {signing.thumbprint}"
    else:
        meant = [one for one in found if signing.subject.lower() in one.certificate.subject.lower()]
        wanted = f"CN={signing.subject}"
        good = [one for one in meant if _is_good(one.certificate, now)]
        if len(good) > 1:
            message = f"{len(good)} certificates have {wanted}, and signtool takes none of several"
            return outcome("certificate", Severity.ERROR, message, _SIGNING, place)
        meant = good or meant
    if not meant:
        message = f"no certificate with {wanted} among {len(found)}"
        return outcome("certificate", Severity.ERROR, message, _SIGNING, place)
    return judge(meant[0].certificate, place, now, "")


def _advice(signing: Signing, good: Sequence[Candidate]) -> str:
    if not good:
        return "import one: open its .pfx file, and choose the store in the wizard of Windows"
    lines = ["in the configuration, one of"]
    for store, machine, certificate in good:
        extra = ""
        if store != signing.store:
            extra += f', signing.store = "{store}"'
        if machine != signing.machine_store:
            extra += f", signing.machine-store = {str(machine).lower()}"
        lines.append(
            f'  signing.thumbprint = "{certificate.thumbprint}"{extra}'
            f"  (CN={certificate.subject}, valid until {certificate.ends:%Y-%m-%d})"
        )
    return "\n".join(lines)


def _is_good(certificate: Certificate, now: dt.datetime) -> bool:
    return certificate.may_sign_code and certificate.begins <= now <= certificate.ends


def _location(*, machine: bool) -> str:
    return "LocalMachine" if machine else "CurrentUser"


def _certificates(host: Host, store: str, *, machine: bool) -> list[Candidate]:
    """Return what a store holds, as far as it can be read."""
    found = []
    for each in host.certificates(store, machine):
        with suppress(ValueError):
            found.append(Candidate(store, machine, der.parse(each)))
    return found
