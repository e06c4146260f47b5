"""The switches of signtool, makecert and cargo, and what config.toml calls them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
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
        manifest: The Cargo.toml that it names, or "".
        build_std: Crates of the standard library that it builds.
        channel: The toolchain that `+…` asks for, or "".
        unset: Variables in it that have no value.
        strange: Arguments that the pipeline has no use for.
    """

    profile: str = "dev"
    is_explicit: bool = False
    target: str = ""
    package: str = ""
    manifest: str = ""
    build_std: tuple[str, ...] = ()
    channel: str = ""
    unset: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


# Learn: "SignTool", options of `sign`: those that take a value and have a key here.
_SIGN_KEYS = {
    "f": "pfx",
    "n": "subject",
    "s": "store",
    "sha1": "thumbprint",
    "fd": "digest",
    "t": "timestamp-url",
    "tr": "timestamp-url",
    "ac": "additional-certificates",
    "csp": "csp",
    "kc": "key-container",
    "dlib": "dlib",
    "dmdf": "dmdf",
}
_SIGN_SWITCHES = {"sm": "machine-store", "ph": "page-hashes"}
_SIGN_VALUES = frozenset(
    "f n s sha1 fd t tr ac td p c csp d du i kc p7 p7co p7ce r seal u dg ds di dlib dmdf".split()  # noqa: SIM905 - words
)
_SIGN_KNOWN = frozenset({*_SIGN_KEYS, *_SIGN_SWITCHES, "td", "p", "v", "q", "debug", "a", "uw"})
_PROTOCOLS = {"t": "authenticode", "tr": "rfc3161"}


def signature(words: Sequence[str]) -> Signature:
    """Read the arguments after `signtool sign`."""
    said, files = _switches(words, _SIGN_VALUES)
    keys: dict[str, object] = {}
    for name, value in said:
        key = _SIGN_KEYS.get(name, _SIGN_SWITCHES.get(name, ""))
        if name == "ac":
            keys[key] = [*_listed(keys, key), value]
        elif name in _SIGN_SWITCHES:
            keys[key] = True
        elif key:
            keys[key] = value.lower() if name == "fd" else value
        if name in _PROTOCOLS:
            keys["timestamp-protocol"] = _PROTOCOLS[name]
    if "subject" in keys:
        keys["subject"] = re.sub(r"^CN=", "", str(keys["subject"]), flags=re.IGNORECASE)
    given = dict(said)
    strange = [f"/{name}" for name in given if name not in _SIGN_KNOWN]
    stamped = given.get("td", "").lower()
    if stamped and stamped not in {str(keys.get("digest", "sha256")), "certhash"}:
        strange.append(f"/td {stamped}")
    return Signature(keys, tuple(given), given.get("p", ""), files, tuple(strange))


def _switches(
    words: Sequence[str], with_value: Collection[str]
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return switches in lower case with their values, and what is none."""
    said: list[tuple[str, str]] = []
    rest: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name = word[1:].lower()
        if word[:1] in {"/", "-"} and "/" not in name:
            said.append((name, waiting.pop(0) if name in with_value and waiting else ""))
        else:
            rest.append(word)
    return said, tuple(rest)


def _listed(keys: dict[str, object], name: str) -> list[object]:
    found = keys.get(name)
    return list(found) if isinstance(found, list) else []


# Learn: "MakeCert".
_MAKECERT_VALUES = frozenset(
    "n ss sr a eku len m b e sv sk sky sp sy cy d i ic ik iky in ip ir is iv iy l nscp".split()  # noqa: SIM905 - words
)
_MAKECERT_KNOWN = frozenset({"n", "ss", "sr", "a", "eku", "len", "sky", "cy"})
_MAKECERT_TALK = frozenset({"r", "pe", "nologo", "$"})
_CODE_SIGNING = "1.3.6.1.5.5.7.3.3"


def certificate(words: Sequence[str]) -> Certificate:
    """Read the arguments after `makecert`."""
    said, files = _switches(words, _MAKECERT_VALUES)
    given = dict(said)
    keys: dict[str, object] = {"certificate-file": files[-1]} if files else {}
    strange = [f"-{name}" for name in given if name not in _MAKECERT_KNOWN | _MAKECERT_TALK]
    if "n" in given:
        common = re.search(r"(?:^|,)\s*CN\s*=\s*([^,]+)", given["n"], re.IGNORECASE)
        keys["subject"] = common[1].strip() if common else given["n"]
        if not common or "," in given["n"]:
            strange.append("-n with other parts than CN")
    if "ss" in given:
        keys["store"] = given["ss"]
    if given.get("sr", "").lower() == "localmachine":
        keys["machine-store"] = True
    usages = set(given.get("eku", "").split(","))
    strange += [f"-eku {each}" for each in sorted(usages - {"", _CODE_SIGNING})]
    is_sha256 = given.get("a", "").lower() in {"sha256", "sha384", "sha512"}
    return Certificate(keys, is_sha256, _CODE_SIGNING in usages, tuple(strange))


_CARGO_TALK = frozenset(
    "-v -vv --verbose -q --quiet --locked --offline --frozen --lib --keep-going --timings".split()  # noqa: SIM905 - words
)
_CARGO_TALK_VALUES = frozenset({"--color", "-j", "--jobs", "--message-format"})
_CARGO_KEYS = {"--profile": "profile", "--target": "target", "-p": "package"}
_CARGO_KEYS |= {"--manifest-path": "manifest"}
_CARGO_VALUES = frozenset(
    {*_CARGO_TALK_VALUES, *_CARGO_KEYS, "--features", "-F", "--target-dir"} | {"--config", "-Z"}
)
_CARGO_LONG = {"-r": "--release", "--package": "-p"}
_UNSET = re.compile(r"%[^%]+%|\$\{?\w+\}?")


def cargo_build(words: Sequence[str]) -> CargoBuild:
    """Read the arguments after `cargo`, `build` and its toolchain among them."""
    channel = next((word[1:] for word in words[:1] if word.startswith("+")), "")
    found: dict[str, str] = {}
    build_std: tuple[str, ...] = ()
    strange: list[str] = []
    rest = [
        word
        for word in words[1 if channel else 0 :]
        if word not in {"build", "b", "rustc", "xbuild"}
    ]
    for name, value in _cargo_options(word for word in rest if not _UNSET.fullmatch(word)):
        if name in _CARGO_KEYS:
            found[_CARGO_KEYS[name]] = value
        elif name == "--release":
            found["profile"] = "release"
        elif name == "-Z" and value.startswith("build-std="):
            build_std = tuple(value.partition("=")[2].split(","))
        elif name in _CARGO_VALUES - _CARGO_TALK_VALUES:
            if value != "build-std-features=compiler-builtins-mem":
                strange.append(f"{name} {value}")
        elif name == "--":
            strange.append("flags for rustc after `--`")
            break
        elif name not in _CARGO_TALK | _CARGO_TALK_VALUES:
            strange.append(name)
    return CargoBuild(
        profile=found.get("profile", "dev"),
        is_explicit="profile" in found,
        target=found.get("target", ""),
        package=found.get("package", ""),
        manifest=found.get("manifest", ""),
        build_std=build_std,
        channel=channel,
        unset=tuple(word.strip("%${}") for word in rest if _UNSET.fullmatch(word)),
        strange=tuple(strange),
    )


def _cargo_options(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield options with their values, each by one spelling."""
    waiting = iter(words)
    for word in waiting:
        name, is_joined, value = word.partition("=")
        if word.startswith("-Z") and word != "-Z":
            name, is_joined, value = "-Z", "=", word[2:]
        name = _CARGO_LONG.get(name, name)
        if name in _CARGO_VALUES and not is_joined:
            value = next(waiting, "")
        yield (name, value) if name in _CARGO_VALUES else (_CARGO_LONG.get(word, word), "")
