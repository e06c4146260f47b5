"""The arguments of `cargo build`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["BUILD_COMMANDS", "CargoBuild", "parse_cargo_build"]

BUILD_COMMANDS = frozenset({"b", "build", "rustc", "xbuild"})
"""Subcommands of cargo that build a package."""

# Options that do not change the driver.
_NEUTRAL = frozenset(
    {
        *("-v", "-vv", "--verbose", "-q", "--quiet", "--lib", "--keep-going", "--timings"),
    }
)
_NEUTRAL_WITH_VALUE = frozenset({"--color", "-j", "--jobs", "--message-format"})
_FIELDS = {
    "--profile": "profile",
    "--target": "target",
    "-p": "package",
    "--manifest-path": "manifest",
}
_WITH_VALUE = frozenset(
    {*_NEUTRAL_WITH_VALUE, *_FIELDS, "--features", "-F", "--target-dir", "--config", "-Z"}
)
# Options that `build.args` accepts.
_ACCEPTED = frozenset({"--all-features", "--ignore-rust-version", "--offline", "--frozen"})
_SPELLINGS = {"-r": "--release", "--package": "-p", "-F": "--features"}
_VARIABLE = re.compile(r"%[^%]+%|\$\{?\w+\}?|@@[\w-]+\(.*\)")


@dataclass(frozen=True, slots=True)
class CargoBuild:
    """A call of `cargo build`.

    Attributes:
        profile: The cargo profile.
        is_explicit: Whether the call names the profile.
        target: The target triple, or "".
        package: The package, or "".
        manifest: The path of a Cargo.toml, or "".
        build_std: Crates of the standard library that it builds.
        channel: The toolchain of `+CHANNEL`, or "".
        undefined: Variables in it that have no value.
        features: The features of the package that it builds.
        has_default_features: Whether it builds the default features too.
        is_locked: Whether it requires an up-to-date Cargo.lock.
        accepted: Further arguments that config.toml has a place for.
        other: Arguments that no other field contains.
    """

    profile: str = "dev"
    is_explicit: bool = False
    target: str = ""
    package: str = ""
    manifest: str = ""
    build_std: tuple[str, ...] = ()
    channel: str = ""
    undefined: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    has_default_features: bool = True
    is_locked: bool = False
    accepted: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


def parse_cargo_build(words: Sequence[str]) -> CargoBuild:
    """Parse the arguments after `cargo`, with its toolchain and subcommand."""
    channel = next((word[1:] for word in words[:1] if word.startswith("+")), "")
    arguments = words[2 if channel else 1 :]
    fields: dict[str, str] = {}
    lists: dict[str, list[str]] = {"features": [], "accepted": [], "other": []}
    build_std: tuple[str, ...] = ()
    for name, value in _options(arguments):
        if _VARIABLE.fullmatch(name):
            continue
        if _VARIABLE.search(value):
            if name not in {*_NEUTRAL_WITH_VALUE, "--profile"}:
                lists["other"].append(f"{name} {value}")
        elif name == "-Z" and value.startswith("build-std="):
            build_std = tuple(value.partition("=")[2].split(","))
        elif name == "--":
            lists["other"].append("flags for rustc after `--`")
            break
        elif field := _field(name, value):
            fields |= field
        else:
            kind, members = _sorted(name, value)
            lists[kind] += members
    return CargoBuild(
        profile=fields.get("profile", "dev"),
        is_explicit="profile" in fields,
        target=fields.get("target", ""),
        package=fields.get("package", ""),
        manifest=fields.get("manifest", ""),
        build_std=build_std,
        channel=channel,
        undefined=tuple(word for word in arguments if _VARIABLE.fullmatch(word)),
        features=tuple(lists["features"]),
        has_default_features="--no-default-features" not in fields,
        is_locked="--locked" in fields,
        accepted=tuple(lists["accepted"]),
        other=tuple(lists["other"]),
    )


def _field(name: str, value: str) -> dict[str, str]:
    """Return the field of an option that config.toml has a key for."""
    if name in _FIELDS:
        return {_FIELDS[name]: value}
    if name == "--release":
        return {"profile": "release"}
    return {name: name} if name in {"--no-default-features", "--locked"} else {}


def _sorted(name: str, value: str) -> tuple[str, list[str]]:
    """Return which list of arguments another option belongs to, and the members for it."""
    if name == "--features":
        return "features", list(filter(None, re.split(r"[,\s]+", value)))
    if name in _ACCEPTED:
        return "accepted", [name]
    is_neutral = name in _NEUTRAL | _NEUTRAL_WITH_VALUE
    if is_neutral or value == "build-std-features=compiler-builtins-mem":
        return "other", []
    return "other", [f"{name} {value}" if name in _WITH_VALUE else name]


def _options(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield options with their values, each in one spelling."""
    waiting = iter(words)
    for word in waiting:
        name, is_joined, value = word.partition("=")
        if word.startswith("-Z") and word != "-Z":
            name, is_joined, value = "-Z", "=", word[2:]
        name = _SPELLINGS.get(name, name)
        if name in _WITH_VALUE and not is_joined:
            value = next(waiting, "")
        yield (name, value) if name in _WITH_VALUE else (_SPELLINGS.get(word, word), "")
