"""Which certificate signs, and what has become of the pipeline's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kdrvgen.doctor import der
from kdrvgen.doctor.files import missing_files, pfx_certificate, provider_certificate
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.judging import judge
from kdrvgen.doctor.store import store_certificate
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project, Signing
from kdrvgen.report.finding import Finding, Severity

__all__ = ["certificates"]

_SIGNING = (Task.SIGN, Task.VERIFY)


def certificates(host: Host, project: Project) -> Iterator[Finding]:
    """Look for the certificate of the one profile that the project has."""
    for name in project.profiles:
        signing = project.signing_for(name)
        yield _main(host, signing)
        yield from missing_files(host, signing)


def _main(host: Host, signing: Signing) -> Finding:
    if signing.mode == "off":
        return outcome("certificate", Severity.OK, "none: signing.mode is off", _SIGNING)
    if signing.mode == "test":
        from kdrvgen.rendering.environment import (  # noqa: PLC0415 - for this probe only
            certificate_id,
        )

        identity = certificate_id(signing)
        return _test_windows(host, signing, identity) if host.is_windows else _test(host, identity)
    if signing.pfx:
        return pfx_certificate(host, signing)
    if not host.is_windows:
        where = (
            "with a provider" if signing.csp or signing.dlib else f"in the store {signing.store}"
        )
        return outcome(
            "certificate",
            Severity.ERROR,
            f"its key is {where} of a Windows, which this host does not have",
            _SIGNING,
            advice="sign on Windows, or give signing.pfx in the configuration",
        )
    if signing.csp or (signing.dlib and not signing.thumbprint):
        return provider_certificate(host, signing)
    return store_certificate(host, signing)


def _will_be_made(why: str, place: str) -> Finding:
    return outcome(
        "certificate", Severity.OK, f"{why}: `cargo make sign` makes one", _SIGNING, place
    )


def _test(host: Host, identity: str) -> Finding:
    data = host.env.get("XDG_DATA_HOME") or str(Path(host.env.get("HOME", "/"), ".local/share"))
    folder = Path(data, "kdrvgen/certificates")
    path = folder / f"{identity}.pem"
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return _will_be_made("no test certificate yet", str(path))
    except (OSError, UnicodeDecodeError) as error:
        return outcome(
            "certificate",
            Severity.ERROR,
            f"cannot be read: {getattr(error, 'strerror', None) or error}",
            _SIGNING,
            str(path),
            f"remove {path}; `cargo make sign` makes another",
        )
    try:
        certificate = der.parse_pem(text)
    except ValueError as error:
        return outcome(
            "certificate",
            Severity.ERROR,
            f"is damaged: {error}",
            _SIGNING,
            str(path),
            f"remove {path}; `cargo make sign` makes another",
        )
    if not certificate.begins <= _now(host) <= certificate.ends:
        return _will_be_made("the test certificate has expired or is not valid yet", str(path))
    return judge(certificate, str(path), _now(host), f"remove {path}; signing makes another")


def _test_windows(host: Host, signing: Signing, identity: str) -> Finding:
    place = f"store {signing.store} of {'LocalMachine' if signing.machine_store else 'CurrentUser'}"
    # The comment by which the pipeline finds its certificates again.
    mark = f"kdrvgen test certificate {identity}".encode()
    valid = []
    for each in host.certificates(signing.store, signing.machine_store):
        with suppress(ValueError):
            certificate = der.parse(each)
            if mark in each and certificate.is_valid(_now(host)):
                valid.append(certificate)
    if not valid:
        return _will_be_made("no test certificate is there that is valid", place)
    last = max(valid, key=lambda each: each.ends)
    return judge(last, place, _now(host), "cargo make clean-cert, then sign again")


def _now(host: Host) -> dt.datetime:
    return dt.datetime.fromtimestamp(host.now, dt.UTC)
