"""Cargo.toml and the toolchain file: what the package is called, and by what it is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.read.findings import difference, hazard, unknown
from kdrvgen.adopt.read.snapshot import Document, Snapshot, beside, parse
from kdrvgen.report.finding import Finding

__all__ = ["Manifest", "read_channel", "read_manifest"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What Cargo.toml says of the driver.

    Attributes:
        name: The name of the package; None without one.
        library: The library's name, with where it comes from.
        script: Path of the build script, if there is one.
        helpers: Library crates in folders of the project that the build script may call: the file
            by the crate's name.
        model: The driver model that `metadata.wdk` names, if it does.
        framework: The version of KMDF or UMDF that it names, if it does.
        wdk: Where the crates of Microsoft's wdk are asked for, if they are.
        wdk_build: The version of wdk-build that the build script is given, if it is; empty for one
            that is named by its place.
    """

    name: Said | None
    library: Said
    script: str | None = None
    helpers: Mapping[str, str] = field(default_factory=dict)
    model: Said | None = None
    framework: Said | None = None
    wdk: Origin | None = None
    wdk_build: Said | None = None


def read_manifest(snapshot: Snapshot) -> tuple[Manifest, list[Finding]]:
    """Read Cargo.toml, and what it inherits from the workspace.

    Raises:
        ConfigError: It is no TOML.
    """
    own = parse(snapshot, "Cargo.toml")
    above = [
        parse(snapshot, f"{folder}Cargo.toml")
        for folder in snapshot.above()[1:]
        if f"{folder}Cargo.toml" in snapshot.files
    ]
    workspace = next((each for each in (own, *above) if "workspace" in each.data), own)
    name = own.string("package", "name")
    if name and not name.text.strip():
        name = None
    package = name or Said("", own.origin(("package",)))
    library = own.string("lib", "name") or Said(package.text.replace("-", "_"), package.origin)
    metadata = ("metadata", "wdk", "driver-model", "driver-type")
    model = own.string("package", *metadata) or workspace.string("workspace", *metadata)
    findings = [*_build(own), *_panic(own, workspace)]
    return Manifest(
        name=name,
        library=library,
        script=_script(own, snapshot),
        helpers=_helpers(own, snapshot),
        model=model,
        framework=_framework(own),
        wdk=next(
            (
                own.origin((table, crate))
                for table in ("build-dependencies", "dependencies")
                for crate in ("wdk-build", "wdk-sys", "wdk")
                if crate in own.table(table)
            ),
            None,
        ),
        wdk_build=_wdk_build(own, workspace),
    ), findings


def _wdk_build(own: Document, workspace: Document) -> Said | None:
    """Return the version of wdk-build that is asked for, and where."""
    place: tuple[str, ...] = ("build-dependencies", "wdk-build")
    targets = (("target", name, *place) for name in own.table("target"))
    place = next((each for each in (place, *targets) if own.get(each) is not None), ())
    if not place:
        return None
    if own.get((*place, "workspace")) is True:
        own, place = workspace, ("workspace", "dependencies", "wdk-build")
    said = own.string(*place) or own.string(*place, "version")
    return said or Said("", own.origin(place))


def _framework(own: Document) -> Said | None:
    """Return the version of the framework, as wdk-build's metadata has it."""
    path = ("package", "metadata", "wdk", "driver-model")
    for name in ("kmdf", "umdf"):
        major = own.get((*path, f"{name}-version-major"))
        minor = own.get((*path, f"target-{name}-version-minor"))
        if isinstance(major, int) and isinstance(minor, int):
            origin = own.origin((*path, f"target-{name}-version-minor"))
            return Said(f"{major}.{minor}", origin)
    return None


def _script(own: Document, snapshot: Snapshot) -> str | None:
    named = own.get(("package", "build"))
    if named is False:
        return None
    path = beside("Cargo.toml", named) if isinstance(named, str) else "build.rs"
    return path if path in snapshot.files or path in snapshot.unreadable else None


def _helpers(own: Document, snapshot: Snapshot) -> dict[str, str]:
    found = {}
    for crate, wanted in own.table("build-dependencies").items():
        if isinstance(wanted, Mapping) and isinstance(wanted.get("path"), str):
            path = beside("Cargo.toml", f"{wanted['path']}/src/lib.rs")
            if path in snapshot.files:
                found[crate.replace("-", "_")] = path
    return found


def _build(own: Document) -> Iterator[Finding]:
    types = own.words("lib", "crate-type") or own.words("lib", "crate_type")
    if "cdylib" not in {said.text for said in types}:
        yield difference(
            types[0].origin if types else own.origin(("lib",)),
            "the library is no `cdylib`, which the pipeline makes the driver of",
            'write `crate-type = ["cdylib"]` under `[lib]`',
        )
    named = own.get(("package", "build"))
    if named is False or (isinstance(named, str) and beside("", named) != "build.rs"):
        yield difference(
            own.origin(("package", "build")),
            "the package has no build.rs, or under another name",
            "kdrvgen writes build.rs, which cargo has to run: take `build` out of `[package]`",
        )
    if own.get(("package", "forced-target")) is not None:
        yield unknown(own.origin(("package", "forced-target")), "`forced-target` is unstable")


def _panic(own: Document, workspace: Document) -> Iterator[Finding]:
    aborts = [
        name for name in ("dev", "release") if workspace.get(("profile", name, "panic")) == "abort"
    ]
    if aborts == ["dev"]:
        yield hazard(
            workspace.origin(("profile", "dev", "panic")),
            '`panic = "abort"` is set for dev only: a release build unwinds, or does not link',
            "the generated cargo configuration has it for both",
        )
    if workspace is not own and own.table("profile"):
        yield hazard(
            own.origin(("profile",)),
            "cargo ignores the profiles of a workspace's member",
            f"what they say belongs in {workspace.path}; the cargo configuration has `panic`",
            cured=False,
        )


def read_channel(snapshot: Snapshot) -> tuple[Said | None, list[Finding]]:
    """Return the channel that the toolchain file names, if there is one.

    Source: the rustup book, "Overrides", section "The toolchain file".

    Raises:
        ConfigError: The file is no TOML.
    """
    for folder in snapshot.above():
        for name in ("rust-toolchain", "rust-toolchain.toml"):
            path = folder + name
            if path in snapshot.unreadable:
                return None, [
                    unknown(
                        Origin(path),
                        f"{snapshot.unreadable[path]}, and rustup reads UTF-8 only",
                        "save it as UTF-8, or delete it: config.toml names the channel",
                    )
                ]
            if path in snapshot.files:
                return _channel(snapshot, path)
    return None, []


def _channel(snapshot: Snapshot, path: str) -> tuple[Said | None, list[Finding]]:
    text = snapshot.files[path].strip()
    if not path.endswith(".toml") and text and "\n" not in text and "[" not in text:
        said: Said | None = Said(text, Origin(path, 1))
    else:
        document = parse(snapshot, path)
        said = document.string("toolchain", "channel")
        if document.get(("toolchain", "path")) is not None:
            origin = document.origin(("toolchain", "path"))
            return None, [unknown(origin, "a toolchain named by its path has no channel")]
    if said is None:
        return None, []
    found = re.fullmatch(
        r"(stable|beta|nightly|\d+\.\d+(?:\.\d+)?)(-\d{4}-\d\d-\d\d)?(-.+)?", said.text, re.ASCII
    )
    if found and found[3]:
        bare = found[1] + (found[2] or "")
        told = difference(
            said.origin,
            f"`{found[3][1:]}` names the host that the compiler runs on",
            f"the channel is `{bare}`, for whatever host builds",
        )
        return Said(bare, said.origin), [told]
    return said, []
