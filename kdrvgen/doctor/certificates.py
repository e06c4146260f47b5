"""The certificates that sign: the pipeline's own, a PKCS #12 file, those of a store of Windows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kdrvgen.doctor import der
from kdrvgen.doctor.findings import Finding, State, Task
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.judging import judge
from kdrvgen.doctor.store import store_certificate
from kdrvgen.model import Project, Signing

__all__ = ["certificates"]

_SIGNING = (Task.SIGN, Task.VERIFY)


def certificates(host: Host, project: Project) -> Iterator[Finding]:
    """Look for the certificate of each profile."""
    from kdrvgen.rendering.plan import plan  # noqa: PLC0415 - as the tasks name it

    seen: dict[tuple[object, ...], list[str]] = {}
    by_settings: dict[tuple[object, ...], tuple[Signing, Mapping[str, str]]] = {}
    for profile in plan(project)["profiles"]:
        signing = profile.signing
        key = tuple(sorted(profile.env.items()))
        seen.setdefault(key, []).append(profile.name)
        by_settings[key] = signing, profile.env
    for key, profiles in seen.items():
        signing, env = by_settings[key]
        several = f" (profile {', '.join(profiles)})" if len(seen) > 1 else ""
        for finding in _of(host, signing, env):
            yield Finding(
                f"{finding.name}{several}",
                finding.state,
                finding.message,
                finding.tasks,
                finding.place,
                finding.advice,
                finding.commands,
            )


def _of(host: Host, signing: Signing, env: Mapping[str, str]) -> Iterator[Finding]:
    if signing.mode == "off":
        yield Finding("certificate", State.FOUND, "none: signing.mode is off", _SIGNING)
        return
    if signing.mode == "test":
        identity = env["DRIVER_CERTIFICATE_ID"]
        yield _test_windows(host, signing, identity) if host.is_windows else _test(host, identity)
    elif signing.pfx:
        yield _pfx(host, signing)
    elif host.is_windows:
        yield store_certificate(host, signing)
    else:
        yield Finding(
            "certificate",
            State.MISSING,
            f"it is in the store {signing.store} of a Windows, which this host does not have",
            _SIGNING,
            advice="sign on Windows, or give signing.pfx in config.toml",
        )
    for name in signing.additional_certificates:
        path = host.folder / name
        if not path.is_file():
            yield Finding(
                "certificate",
                State.MISSING,
                "signing.additional-certificates: there is no such file",
                _SIGNING,
                str(path),
                "put it there, or change the key in config.toml",
            )


def _will_be_made(why: str, place: Path) -> Finding:
    return Finding(
        "certificate", State.FOUND, f"{why}: `cargo make sign` makes one", _SIGNING, str(place)
    )


def _test(host: Host, identity: str) -> Finding:
    data = host.env.get("XDG_DATA_HOME") or str(Path(host.env.get("HOME", "/"), ".local/share"))
    folder = Path(data, "kdrvgen/certificates")
    path = folder / f"{identity}.pem"
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return _will_be_made("no test certificate yet", path)
    except (OSError, UnicodeDecodeError) as error:
        return Finding(
            "certificate",
            State.MISSING,
            f"cannot be read: {getattr(error, 'strerror', None) or error}",
            _SIGNING,
            str(path),
            f"remove {path}; `cargo make sign` makes another",
        )
    record = re.match(r"# valid until (\d+) as (\S+)\n", text)
    if record is None or int(record[1]) <= host.now or not (folder / record[2]).is_file():
        return _will_be_made("the test certificate has expired or is incomplete", path)
    try:
        certificate = der.parse_pem(text)
    except ValueError as error:
        return Finding(
            "certificate",
            State.MISSING,
            f"is damaged: {error}",
            _SIGNING,
            str(path),
            f"remove {path}; `cargo make sign` makes another",
        )
    return judge(certificate, str(path), _now(host), f"remove {path}; signing makes another")


def _test_windows(host: Host, signing: Signing, identity: str) -> Finding:
    folder = Path(host.env.get("LOCALAPPDATA", ""), "kdrvgen/certificates")
    try:
        words = (folder / f"{identity}.txt").read_text("utf-8").split()
        thumbprint, until = words[0], int(words[1])
    except (OSError, UnicodeDecodeError, ValueError, IndexError):
        return _will_be_made("no test certificate yet", folder)
    exported = folder / f"{identity}.cer"
    scope = () if signing.machine_store else ("-user",)
    answer = host.run(("certutil", *scope, "-store", signing.store, thumbprint))
    if until <= host.now * 1000 or not exported.is_file() or answer.code != 0:
        return _will_be_made("the test certificate has expired or is gone", folder)
    try:
        certificate = der.parse(exported.read_bytes())
    except (OSError, ValueError) as error:
        return Finding(
            "certificate", State.MISSING, str(error), _SIGNING, str(exported), f"remove {exported}"
        )
    place = f"store {signing.store}"
    return judge(certificate, place, _now(host), f"remove {exported}; signing makes another")


def _pfx(host: Host, signing: Signing) -> Finding:
    """Look into a PKCS #12 file. Its password goes by the environment to openssl, nowhere else."""
    path = host.folder / signing.pfx
    variable = signing.pfx_password_env
    if not path.is_file():
        return Finding(
            "certificate",
            State.MISSING,
            "signing.pfx: there is no such file",
            _SIGNING,
            str(path),
            "put it there, or change the key in config.toml",
        )
    if variable and variable not in host.env:
        return Finding(
            "certificate",
            State.MISSING,
            f"the variable {variable}, which holds the password, is not set",
            _SIGNING,
            str(path),
            f"set {variable} (signing.pfx-password-env)",
        )
    if host.is_windows or not host.which("openssl"):
        return Finding("certificate", State.FOUND, "not opened here", _SIGNING, str(path))
    password = f"env:{variable}" if variable else "pass:"
    # Files of older makers are encrypted by what OpenSSL 3 calls legacy.
    for legacy in ((), ("-legacy",)):
        answer = host.run(
            ("openssl", "pkcs12", "-in", path, "-passin", password, "-nokeys", "-clcerts", *legacy)
        )
        if answer.code == 0:
            break
    try:
        certificate = der.parse_pem(answer.text)
    except ValueError:
        reason = f"the password in {variable} opens it not" if variable else "it has a password"
        return Finding(
            "certificate",
            State.MISSING,
            f"openssl reads no certificate in it: {reason}, or it is no PKCS #12 file",
            _SIGNING,
            str(path),
            "" if variable else "name the password's variable by signing.pfx-password-env",
        )
    return judge(certificate, str(path), _now(host), "get a certificate for code signing")


def _now(host: Host) -> dt.datetime:
    return dt.datetime.fromtimestamp(host.now, dt.UTC)
