"""`[signing]` out of what a project's tasks say to signtool and makecert."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.passwords import PASSWORD_VARIABLE
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.findings import difference, hazard, note, unknown
from kdrvgen.adopt.read.pipeline import Pipeline, ProfileFacts
from kdrvgen.report.finding import Finding

__all__ = ["draft_signing", "password_variable"]

KEY_VARIABLE = "KEY_CONTAINER"
"""The variable that takes the place of a key's name with the token's PIN in it."""

_VARIABLE = re.compile(r"%(\w+)%|\$(?:env:)?\{?(\w+)\}?")
_STRONG = frozenset({"sha256", "sha384", "sha512"})
_Keys = Mapping[str, tuple[object, Origin]]


def draft_signing(draft: Draft, pipeline: Pipeline, wdk: Origin | None) -> list[Finding]:
    """Say in the draft how the project signs.

    Args:
        draft: Where to say it.
        pipeline: The tasks that sign.
        wdk: Where the project leaves signing to Microsoft's wdk-build, if it does.
    """
    first, *others = pipeline.profiles
    if first.signature is None:
        return _unsigned(draft, wdk)
    base, findings = _keys(first)
    for name, (value, origin) in base.items():
        draft.say(("signing", name), value, origin)
    for profile in others:
        if profile.signature is None:
            continue
        keys, of_profile = _keys(profile)
        known = {(each.place, each.rule) for each in findings}
        findings += [each for each in of_profile if (each.place, each.rule) not in known]
        for name, (value, origin) in keys.items():
            if name not in base or base[name][0] != value:
                draft.say(("profiles", profile.name, "signing", name), value, origin)
    return findings


def _unsigned(draft: Draft, wdk: Origin | None) -> list[Finding]:
    if wdk is None:
        draft.say(("signing", "mode"), "off", Origin("no call of signtool"))
        return []
    # The certificate that wdk-build's makefile and cargo-wdk make, and its store.
    draft.say(("signing", "store"), "WDRTestCertStore", wdk)
    draft.say(("signing", "subject"), "WDRLocalTestCert", wdk)
    draft.say(("signing", "timestamp-url"), "", wdk)
    told = "no task signs: wdk-build's makefile or `cargo wdk` does, by a certificate of its own"
    return [note(wdk, told, "the test certificate keeps its name and store; the image is signed")]


def _keys(profile: ProfileFacts) -> tuple[dict[str, tuple[object, Origin]], list[Finding]]:
    if profile.signature is None:
        return {}, []
    sign, origin, folder = profile.signature
    findings: list[Finding] = []
    keys: dict[str, tuple[object, Origin]] = {}
    mode, told = _mode(profile)
    findings += told
    keys["mode"] = (mode, origin)
    if mode == "off":
        return keys, findings
    said = {name: (value, origin) for name, value in sign.keys.items()}
    if mode == "test" and profile.certificate:
        made, place, made_in = profile.certificate
        keys |= {name: (value, place) for name, value in made.keys.items()} | said
        told = _place_file(keys, made_in, place)
        findings += told
    else:
        keys |= said
    if "pfx" in keys:
        keys.pop("store", None)
        keys["pfx"] = (_path(str(keys["pfx"][0]), folder), origin)
        if sign.password:
            keys["pfx-password-env"] = (password_variable(sign.password), origin)
    findings += _provider(keys, folder, origin)
    if files := sign.keys.get("additional-certificates"):
        paths = [_path(str(file), folder) for file in files] if isinstance(files, list) else []
        keys["additional-certificates"] = (paths, origin)
    findings += _digest(keys, mode)
    keys.setdefault("timestamp-url", ("", origin))
    return _sorted(keys), findings


def _path(path: str, folder: str | None) -> str:
    """Return a file's path from the project's folder, divided by `/`."""
    path = path.replace("\\", "/")
    is_whole = re.match(r"/|[A-Za-z]:|[%$]", path) or not folder
    return path if is_whole else posixpath.normpath(posixpath.join(folder or "", path))


def _provider(
    keys: dict[str, tuple[object, Origin]], folder: str | None, origin: Origin
) -> list[Finding]:
    """Say what a token's or a cloud's provider needs as config.toml has it."""
    if ("csp" in keys or "dlib" in keys) and "pfx" in keys:
        keys["public-certificate"] = keys.pop("pfx")
        keys.pop("pfx-password-env", None)
    for name in ("dlib", "dmdf"):
        if name in keys:
            keys[name] = (_path(str(keys[name][0]), folder), origin)
    container = str(keys.get("key-container", ("", origin))[0])
    if variable := _VARIABLE.fullmatch(container):
        keys.pop("key-container")
        keys["key-container-env"] = (variable[1] or variable[2], origin)
    elif "{{" in container:
        keys.pop("key-container")
        keys["key-container-env"] = (KEY_VARIABLE, origin)
        told = "the PIN of a token in plain text: whoever has this file can sign as you"
        return [
            hazard(origin, told, f"it is not carried over: put PIN and key into {KEY_VARIABLE}")
        ]
    return []


def _mode(profile: ProfileFacts) -> tuple[str, list[Finding]]:
    """Return whose certificate signs."""
    if profile.signature is None:
        return "off", []
    sign, origin, _ = profile.signature
    keys = sign.keys
    if {"pfx", "thumbprint", "csp", "dlib"} & keys.keys():
        return "certificate", []
    if profile.certificate:
        made, place, _ = profile.certificate
        same = all(
            name not in keys or name not in made.keys or keys[name] == made.keys[name]
            for name in ("subject", "store")
        )
        if same:
            return "test", []
        return "certificate", [
            difference(
                place,
                "the certificate that is made here is another one than that which signs",
                "the one that signs is taken, and has to be in its store",
            )
        ]
    if "subject" in keys:
        return "certificate", []
    told = unknown(
        origin,
        "`/a` alone takes whatever certificate it finds: which one cannot be told from here",
        "set `signing.mode`, and `signing.subject` or `signing.thumbprint`; until then nothing is "
        "signed",
    )
    return "off", [told]


def _place_file(
    keys: dict[str, tuple[object, Origin]], folder: str | None, origin: Origin
) -> list[Finding]:
    name, place = keys.pop("certificate-file", ("", origin))
    if not name:
        return []
    path = str(name).replace("\\", "/")
    placed = None if folder is None else posixpath.normpath(posixpath.join(folder, path))
    if placed and not re.search(r"^\.\.|^/|^[A-Za-z]:|[%$]", placed):
        keys["certificate-file"] = (placed, place)
        return []
    told = difference(
        origin,
        f"the certificate is written to {placed or path}, outside of the project's folder",
        "it is written into the project's folder",
    )
    return [told]


def _digest(keys: dict[str, tuple[object, Origin]], mode: str) -> list[Finding]:
    digest, origin = keys.pop("digest", ("", Origin("")))
    if digest in _STRONG:
        keys["digest"] = (digest, origin)
        return []
    if digest == "certhash":
        told = "`/fd certHash` takes the digest of the certificate's own signature"
        if mode == "test":
            return [note(origin, told, "that of the test certificate is SHA-256, as is the digest")]
        return [difference(origin, told, "the digest is sha256")]
    if digest:
        told = f"the digest `{digest}` is not secure"
        return [hazard(origin, told, "the digest is sha256")]
    return []


def password_variable(password: str) -> str:
    """Return the name of the variable that holds the password, or takes its place."""
    found = _VARIABLE.fullmatch(password)
    return (found[1] or found[2]) if found else PASSWORD_VARIABLE


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


def _sorted(keys: _Keys) -> dict[str, tuple[object, Origin]]:
    return {name: keys[name] for name in _ORDER if name in keys}
