"""The certificate that signs: where it is, and whether it can sign now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from kdrvgen.doctor import der
from kdrvgen.doctor.check import Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.certificate_files import (
    missing_files,
    pfx_certificate,
    provider_certificate,
)
from kdrvgen.doctor.probes.certificate_stores import store_certificate
from kdrvgen.doctor.probes.validity import CERTIFICATE, check_validity, current_time
from kdrvgen.model import Project, Signing
from kdrvgen.rendering.environment import certificate_id
from kdrvgen.report.finding import Finding

__all__ = ["certificates"]


def certificates(host: Host, project: Project) -> Iterator[Finding]:
    """Check the certificate of each profile, and the files that belong to it."""
    for name in project.profiles:
        signing = project.signing_for(name)
        yield _certificate(host, signing)
        yield from missing_files(host, signing)


def _certificate(host: Host, signing: Signing) -> Finding:
    if signing.mode == "off":
        return CERTIFICATE.ok('not needed: signing.mode is "off"')
    if signing.mode == "test":
        identity = certificate_id(signing)
        return _test_windows(host, signing, identity) if host.is_windows else _test(host, identity)
    if signing.pfx:
        return pfx_certificate(host, signing)
    if not host.is_windows:
        store = f"in the certificate store {signing.store}"
        where = "with a key provider" if signing.csp or signing.dlib else store
        return CERTIFICATE.error(
            f"the key is {where} of Windows, which this machine does not have",
            remedy=Remedy("sign on Windows, or set signing.pfx in the configuration"),
        )
    if signing.csp or (signing.dlib and not signing.thumbprint):
        return provider_certificate(host, signing)
    return store_certificate(host, signing)


def _created_later(reason: str, place: str) -> Finding:
    return CERTIFICATE.ok(f"{reason}; `cargo make sign` creates one", place)


def _test(host: Host, identity: str) -> Finding:
    data = host.user_folder("XDG_DATA_HOME", ".local/share")
    if data is None:
        message = "HOME is not set to an absolute path; the test certificate is stored below it"
        return CERTIFICATE.error(message, remedy=Remedy("set HOME, or XDG_DATA_HOME"))
    path = data / "kdrvgen/certificates" / f"{identity}.pem"
    remedy = Remedy(f"delete {path}; `cargo make sign` creates a new one")
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return _created_later("no test certificate exists yet", str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        return CERTIFICATE.error(f"cannot be read: {reason}", str(path), remedy)
    try:
        certificate = der.parse_pem(text)
    except ValueError as error:
        return CERTIFICATE.error(f"is damaged: {error}", str(path), remedy)
    now = current_time(host)
    if not certificate.is_valid(now):
        return _created_later("the test certificate has expired or is not valid yet", str(path))
    return check_validity(certificate, str(path), now, remedy.advice)


def _test_windows(host: Host, signing: Signing, identity: str) -> Finding:
    place = f"store {signing.store} of {'LocalMachine' if signing.machine_store else 'CurrentUser'}"
    # The pipeline recognizes its own certificates by this comment.
    comment = f"kdrvgen test certificate {identity}".encode()
    now = current_time(host)
    valid = []
    for encoded in host.certificates(signing.store, signing.machine_store):
        with suppress(ValueError):
            certificate = der.parse(encoded)
            if comment in encoded and certificate.is_valid(now):
                valid.append(certificate)
    if not valid:
        return _created_later("no valid test certificate exists", place)
    newest = max(valid, key=lambda certificate: certificate.not_after)
    return check_validity(newest, place, now, "run: cargo make clean-cert, then sign again")
