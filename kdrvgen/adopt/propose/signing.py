"""`[signing]`: how the project's tasks sign, and with which certificate."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.passwords import password_variable, variable_in
from kdrvgen.adopt.parse.paths import slashes
from kdrvgen.adopt.parse.steps import may_sign_image
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.signing_keys import certificate_keys, sign_keys
from kdrvgen.adopt.read.findings import difference, equivalent, hazard, unknown
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.adopt.read.profile_facts import ProfileFacts
from kdrvgen.report.finding import Finding

__all__ = ["propose_signing"]

_KEY_VARIABLE = "KEY_CONTAINER"
"""The variable that replaces the name of a key that contains the PIN of its token."""

_SECURE_DIGESTS = frozenset({"sha256", "sha384", "sha512"})
_Keys: TypeAlias = dict[str, tuple[object, Origin]]
_ORDER = (
    "mode",
    "store",
    "machine-store",
    "subject",
    "thumbprint",
    "certificate-file",
    "pfx",
    "pfx-password-env",
    "public-certificate",
    "csp",
    "key-container",
    "key-container-env",
    "dlib",
    "dmdf",
    "additional-certificates",
    "digest",
    "page-hashes",
    "timestamp-url",
    "timestamp-protocol",
)


def propose_signing(draft: Draft, pipeline: Pipeline, wdk: Origin | None) -> list[Finding]:
    """Set `[signing]`, and in `[profiles]` what differs.

    Args:
        draft: The draft.
        pipeline: The tasks that sign.
        wdk: Where the project uses Microsoft's wdk-build, which may sign.
    """
    first, *others = pipeline.profiles
    if first.signature is None:
        return _unsigned(draft, pipeline, wdk)
    base, findings = _keys(first)
    for name, (value, origin) in base.items():
        draft.set(("signing", name), value, origin)
    for profile in others:
        if profile.signature is None:
            continue
        keys, profile_findings = _keys(profile)
        known = {(each.place, each.rule) for each in findings}
        findings += [each for each in profile_findings if (each.place, each.rule) not in known]
        for name, (value, origin) in keys.items():
            if name not in base or base[name][0] != value:
                draft.set(("profiles", profile.name, "signing", name), value, origin)
    return findings


def _unsigned(draft: Draft, pipeline: Pipeline, wdk: Origin | None) -> list[Finding]:
    if origins := list(dict.fromkeys(_unknown_signatures(pipeline))):
        draft.set(("signing", "mode"), "off", origins[0])
        return [
            unknown(
                origin,
                "kdrvgen does not see what this call of signtool signs, and copies its task",
                "if it signs the driver, set `[signing]` and remove the call",
            )
            for origin in origins
        ]
    if wdk is None:
        draft.set(("signing", "mode"), "off", Origin("no task that signs"))
        return []
    # The certificate that wdk-build's makefile and cargo-wdk create, and its store.
    draft.set(("signing", "store"), "WDRTestCertStore", wdk)
    draft.set(("signing", "subject"), "WDRLocalTestCert", wdk)
    draft.set(("signing", "timestamp-url"), "", wdk)
    return [
        equivalent(
            wdk,
            "no task signs; wdk-build's makefile or `cargo wdk` does, with its own certificate",
            "the generated pipeline signs with a certificate of the same name and store, without a "
            "timestamp, which a test certificate does not need",
        )
    ]


def _unknown_signatures(pipeline: Pipeline) -> Iterator[Origin]:
    """Yield where tasks sign a file that may be the image."""
    for steps in pipeline.steps.values():
        for step in steps:
            if may_sign_image(step):
                yield step.origin


def _keys(profile: ProfileFacts) -> tuple[_Keys, list[Finding]]:
    if profile.signature is None:
        return {}, []
    command, origin, folder = profile.signature
    mode, findings = _mode(profile)
    keys: _Keys = {"mode": (mode, origin)}
    if mode == "off":
        return keys, findings
    of_signtool = {name: (value, origin) for name, value in sign_keys(command).items()}
    if mode == "test" and profile.certificate:
        creation, created_at, created_in = profile.certificate
        keys |= {name: (value, created_at) for name, value in certificate_keys(creation).items()}
        keys |= of_signtool
        findings += _place_certificate_file(keys, created_in, created_at)
    else:
        keys |= of_signtool
    if "pfx" in keys:
        keys.pop("store", None)
        keys["pfx"] = (_from_project(str(keys["pfx"][0]), folder), origin)
        if command.password:
            keys["pfx-password-env"] = (password_variable(command.password), origin)
    findings += _provider(keys, folder, origin)
    files, _ = keys.get("additional-certificates", ((), origin))
    if isinstance(files, list):
        paths = [_from_project(str(file), folder) for file in files]
        keys["additional-certificates"] = (paths, origin)
    findings += _digest(keys, mode)
    keys.setdefault("timestamp-url", ("", origin))
    return {name: keys[name] for name in _ORDER if name in keys}, findings


def _from_project(path: str, folder: str | None) -> str:
    """Return the path of a file relative to the project's folder, divided by `/`."""
    path = slashes(path)
    is_complete = re.match(r"/|[A-Za-z]:|[%$]", path) or not folder
    return path if is_complete else posixpath.normpath(posixpath.join(folder or "", path))


def _provider(keys: _Keys, folder: str | None, origin: Origin) -> list[Finding]:
    """Adapt the keys for the provider of a token or of a cloud service."""
    if ("csp" in keys or "dlib" in keys) and "pfx" in keys:
        keys["public-certificate"] = keys.pop("pfx")
        keys.pop("pfx-password-env", None)
    for name in ("dlib", "dmdf"):
        if name in keys:
            keys[name] = (_from_project(str(keys[name][0]), folder), origin)
    container = str(keys.get("key-container", ("", origin))[0])
    if variable := variable_in(container):
        keys.pop("key-container")
        keys["key-container-env"] = (variable, origin)
    elif "{{" in container:
        keys.pop("key-container")
        keys["key-container-env"] = (_KEY_VARIABLE, origin)
        return [
            hazard(
                origin,
                "the PIN of a token is in plain text: anyone with this file can sign as you",
                f"the proposal does not contain it: set {_KEY_VARIABLE} to PIN and key",
            )
        ]
    return []


def _mode(profile: ProfileFacts) -> tuple[str, list[Finding]]:
    """Return the mode of `[signing]`."""
    if profile.signature is None:
        return "off", []
    command, origin, _ = profile.signature
    keys = sign_keys(command)
    if {"pfx", "thumbprint", "csp", "dlib"} & keys.keys():
        return "certificate", []
    if profile.certificate:
        created = certificate_keys(profile.certificate.command)
        if _is_same_certificate(keys, created):
            return "test", []
        return "certificate", [
            difference(
                profile.certificate.origin,
                "the certificate that this command creates is not the one that signs",
                "the proposal uses the one that signs; it must be in its store",
            )
        ]
    if "subject" in keys:
        return "certificate", []
    return "off", [
        unknown(
            origin,
            "`/a` selects any certificate on the machine, so kdrvgen cannot tell which one signs",
            "set `signing.mode`, and `signing.subject` or `signing.thumbprint`; until then, the "
            "driver is not signed",
        )
    ]


def _is_same_certificate(used: Mapping[str, object], created: Mapping[str, object]) -> bool:
    return all(
        name not in used or name not in created or used[name] == created[name]
        for name in ("subject", "store")
    )


def _place_certificate_file(keys: _Keys, folder: str | None, origin: Origin) -> list[Finding]:
    """Keep the certificate's file only if it is inside the project's folder."""
    name, name_origin = keys.pop("certificate-file", ("", origin))
    if not name:
        return []
    path = slashes(str(name))
    placed = None if folder is None else posixpath.normpath(posixpath.join(folder, path))
    if placed and not re.search(r"^\.\.|^/|^[A-Za-z]:|[%$]", placed):
        keys["certificate-file"] = (placed, name_origin)
        return []
    return [
        difference(
            origin,
            f"the command writes the certificate to {placed or path}, outside the project",
            "the generated pipeline writes it into the project",
        )
    ]


def _digest(keys: _Keys, mode: str) -> list[Finding]:
    digest, origin = keys.pop("digest", ("", Origin("")))
    if digest in _SECURE_DIGESTS:
        keys["digest"] = (digest, origin)
        return []
    if digest == "certhash":
        message = "`/fd certHash` uses the digest of the certificate's own signature"
        if mode == "test":
            remedy = "the test certificate uses SHA-256, and so does the proposal"
            return [equivalent(origin, message, remedy)]
        return [difference(origin, message, "the proposal uses sha256")]
    if digest:
        message = f"the digest `{digest}` is not secure"
        return [hazard(origin, message, "the proposal uses sha256")]
    return []
