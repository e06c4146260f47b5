"""The switches of signtool, makecert and cargo, and what config.toml calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["CargoBuild", "Certificate", "Signature", "cargo_build", "certificate", "signature"]


@dataclass(frozen=True, slots=True)
class Signature:
    """A call of `signtool sign`.

    Attributes:
        keys: What it says as keys of `[signing]`.
        given: Its switches in lower case, without their values.
        password: The password that is written out, or the variable that holds it.
        files: What it signs.
        strange: Switches that config.toml has no key for.
    """

    keys: dict[str, object] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    password: str = ""
    files: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """The making of a self-signed certificate.

    Attributes:
        keys: What it says as keys of `[signing]`.
        is_sha256: Whether it asks for SHA-256 or better.
        is_for_code: Whether it asks for the extended key usage of code signing.
        strange: Switches that config.toml has no key for.
    """

    keys: dict[str, object] = field(default_factory=dict)
    is_sha256: bool = False
    is_for_code: bool = False
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CargoBuild:
    """A call of `cargo build`.

    Attributes:
        profile: The profile of cargo it asks for.
        is_explicit: Whether it names one.
        target: The target triple it asks for, or "".
        package: The package it asks for, or "".
        build_std: Crates of the standard library that it builds.
        channel: The toolchain that `+…` asks for, or "".
        unset: Variables in it that have no value.
        strange: Arguments that the pipeline has no use for.
    """

    profile: str = "dev"
    is_explicit: bool = False
    target: str = ""
    package: str = ""
    build_std: tuple[str, ...] = ()
    channel: str = ""
    unset: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


# Learn: "SignTool", options of `sign`. Those that take a value, and config.toml's key for it.
_SIGN_VALUES = {
    "f": "pfx",
    "n": "subject",
    "s": "store",
    "sha1": "thumbprint",
    "fd": "digest",
    "t": "timestamp-url",
    "tr": "timestamp-url",
    "td": "",
    "p": "",
    "ac": "additional-certificates",
}
_SIGN_OTHER_VALUES = frozenset(
    "c csp d du i kc p7 p7co p7ce r seal tseal u dg ds di dlib dmdf sa fdchw tdchw p7s".split()
)
_SIGN_TALK = frozenset({"v", "q", "debug", "a", "uw"})


def signature(words: Sequence[str]) -> Signature:
    """Read the arguments after `signtool sign`."""
    keys: dict[str, object] = {}
    given: list[str] = []
    files: list[str] = []
    strange: list[str] = []
    password = stamp_digest = ""
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name = word[1:].lower()
        if word[:1] not in {"/", "-"} or ("/" in name and word[:1] == "/"):
            files.append(word)
            continue
        given.append(name)
        has_value = name in _SIGN_VALUES or name in _SIGN_OTHER_VALUES
        value = waiting.pop(0) if has_value and waiting else ""
        if name == "p":
            password = value
        elif name == "td":
            stamp_digest = value.lower()
        elif name == "sm":
            keys["machine-store"] = True
        elif name == "ph":
            keys["page-hashes"] = True
        elif name == "ac":
            keys["additional-certificates"] = [*_listed(keys, "additional-certificates"), value]
        elif name == "fd":
            keys["digest"] = value.lower()
        elif name in _SIGN_VALUES:
            keys[_SIGN_VALUES[name]] = value
            if name in {"t", "tr"}:
                keys["timestamp-protocol"] = "authenticode" if name == "t" else "rfc3161"
        elif name not in _SIGN_TALK:
            strange.append(f"/{name}")
    if stamp_digest and stamp_digest not in {str(keys.get("digest", "sha256")), "certhash"}:
        strange.append(f"/td {stamp_digest}")
    if keys.get("subject"):
        keys["subject"] = re.sub(r"^CN=", "", str(keys["subject"]), flags=re.IGNORECASE)
    return Signature(keys, tuple(given), password, tuple(files), tuple(strange))


def _listed(keys: dict[str, object], name: str) -> list[object]:
    found = keys.get(name)
    return list(found) if isinstance(found, list) else []


# Learn: "MakeCert".
_MAKECERT_VALUES = frozenset(
    "n ss sr a eku len m b e sv sk sky sp sy cy d i ic ik iky in ip ir is iv iy l nscp tbs #".split()
)
_CODE_SIGNING = "1.3.6.1.5.5.7.3.3"


def certificate(words: Sequence[str]) -> Certificate:
    """Read the arguments after `makecert`."""
    keys: dict[str, object] = {}
    found: dict[str, str] = {}
    strange: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name = word[1:].lower()
        if word[:1] not in {"/", "-"}:
            keys["certificate-file"] = word
        elif name in _MAKECERT_VALUES:
            found[name] = waiting.pop(0) if waiting else ""
        elif name not in {"r", "pe", "nologo", "$"}:
            strange.append(f"-{name}")
    if "n" in found:
        name = re.search(r"(?:^|,)\s*CN\s*=\s*([^,]+)", found["n"], re.IGNORECASE)
        keys["subject"] = name[1].strip() if name else found["n"]
        if not name or "," in found["n"]:
            strange.append("-n with other parts than CN")
    if "ss" in found:
        keys["store"] = found["ss"]
    if found.get("sr", "").lower() == "localmachine":
        keys["machine-store"] = True
    known = {"n", "ss", "sr", "a", "eku", "len", "sky", "cy"}
    strange += [f"-{name}" for name in found if name not in known]
    usages = set(found.get("eku", "").split(","))
    strange += [f"-eku {each}" for each in sorted(usages - {"", _CODE_SIGNING})]
    digest = found.get("a", "").lower()
    is_sha256 = digest in {"sha256", "sha384", "sha512"}
    return Certificate(keys, is_sha256, _CODE_SIGNING in usages, tuple(strange))


_CARGO_TALK = frozenset(
    "-v -vv --verbose -q --quiet --locked --offline --frozen --lib --keep-going --timings".split()
)
_CARGO_VALUES = frozenset(
    """--profile --target -p --package --features -F --target-dir --manifest-path --color -j --jobs
    --message-format --config -Z""".split()
)


def cargo_build(words: Sequence[str]) -> CargoBuild:
    """Read the arguments after `cargo`, `build` and its toolchain among them."""
    channel = next((word[1:] for word in words[:1] if word.startswith("+")), "")
    unset, strange = [], []
    found: dict[str, str] = {}
    build_std: tuple[str, ...] = ()
    waiting = [word for word in words[1 if channel else 0 :] if word not in {"build", "b"}]
    while waiting:
        word = waiting.pop(0)
        name, is_joined, value = word.partition("=")
        if re.fullmatch(r"%[^%]+%|\$\{?\w+\}?", word):
            unset.append(word.strip("%${}"))
            continue
        if word.startswith("-Z") and word != "-Z":
            name, is_joined, value = "-Z", "=", word[2:]
        if name in _CARGO_VALUES and not is_joined:
            value = waiting.pop(0) if waiting else ""
        if name in {"--release", "-r"}:
            found["profile"] = "release"
        elif name == "--profile":
            found["profile"] = value
        elif name == "--target":
            found["target"] = value
        elif name in {"-p", "--package"}:
            found["package"] = value
        elif name == "-Z" and value.startswith("build-std="):
            build_std = tuple(value.partition("=")[2].split(","))
        elif name == "-Z" and value == "build-std-features=compiler-builtins-mem":
            continue
        elif name in _CARGO_VALUES - {"--color", "-j", "--jobs", "--message-format"}:
            strange.append(f"{name} {value}")
        elif name not in _CARGO_TALK and name not in _CARGO_VALUES:
            strange.append(word)
    return CargoBuild(
        profile=found.get("profile", "dev"),
        is_explicit="profile" in found,
        target=found.get("target", ""),
        package=found.get("package", ""),
        build_std=build_std,
        channel=channel,
        unset=tuple(unset),
        strange=tuple(strange),
    )
