"""Cargo.toml: the package, its library, its build script and Microsoft's crates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.paths import beside
from kdrvgen.adopt.read.document import Document, read_document
from kdrvgen.adopt.read.findings import difference, hazard, unknown
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.report.finding import Finding

__all__ = ["Manifest", "read_manifest"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What Cargo.toml contains about the driver.

    Attributes:
        name: The name of the package; None if there is no package.
        library: The name of the library.
        version: The version of the package.
        script: The path of the build script, if there is one.
        helpers: Library crates of the project that the build script may call: the path of each
            lib.rs by the crate's name.
        model: The driver model in `metadata.wdk`.
        framework: The version of KMDF or UMDF in `metadata.wdk`.
        wdk: Where the package depends on one of the crates wdk-build, wdk-sys and wdk.
        wdk_build: The version of wdk-build that the build script gets; empty for a path or git
            dependency, None if the package does not depend on wdk-build.
    """

    name: Located | None
    library: Located
    version: Located | None = None
    script: str | None = None
    helpers: Mapping[str, str] = field(default_factory=dict)
    model: Located | None = None
    framework: Located | None = None
    wdk: Origin | None = None
    wdk_build: Located | None = None


def read_manifest(snapshot: Snapshot) -> tuple[Manifest, list[Finding]]:
    """Read Cargo.toml, and what it inherits from the workspace.

    Raises:
        ConfigError: It is not valid TOML.
    """
    own = read_document(snapshot, "Cargo.toml")
    above = [
        read_document(snapshot, f"{folder}Cargo.toml")
        for folder in snapshot.above()[1:]
        if f"{folder}Cargo.toml" in snapshot.files
    ]
    workspace = next((each for each in (own, *above) if "workspace" in each.data), own)
    name = own.string("package", "name")
    if name and not name.text.strip():
        name = None
    package = name or Located("", own.origin(("package",)))
    library = own.string("lib", "name")
    metadata = ("metadata", "wdk", "driver-model", "driver-type")
    manifest = Manifest(
        name=name,
        library=library or Located(package.text.replace("-", "_"), package.origin),
        version=own.string("package", "version")
        or workspace.string("workspace", "package", "version"),
        script=_script(own, snapshot),
        helpers=_helpers(own, workspace, snapshot),
        model=own.string("package", *metadata) or workspace.string("workspace", *metadata),
        framework=_framework(own),
        wdk=_wdk(own),
        wdk_build=_wdk_build(own, workspace),
    )
    return manifest, [*_build_findings(own), *_panic_findings(own, workspace)]


def _wdk(own: Document) -> Origin | None:
    return next(
        (
            own.origin((table, crate))
            for table in ("build-dependencies", "dependencies")
            for crate in ("wdk-build", "wdk-sys", "wdk")
            if crate in own.table(table)
        ),
        None,
    )


def _wdk_build(own: Document, workspace: Document) -> Located | None:
    """Return the version of wdk-build that the package requires."""
    path: tuple[str, ...] = ("build-dependencies", "wdk-build")
    of_targets = (("target", name, *path) for name in own.table("target"))
    path = next((each for each in (path, *of_targets) if own.get(each) is not None), ())
    if not path:
        return None
    if own.get((*path, "workspace")) is True:
        own, path = workspace, ("workspace", "dependencies", "wdk-build")
    version = own.string(*path) or own.string(*path, "version")
    return version or Located("", own.origin(path))


def _framework(own: Document) -> Located | None:
    """Return the version of the framework in the metadata that wdk-build reads."""
    path = ("package", "metadata", "wdk", "driver-model")
    for name in ("kmdf", "umdf"):
        major = own.get((*path, f"{name}-version-major"))
        minor = own.get((*path, f"target-{name}-version-minor"))
        if isinstance(major, int) and isinstance(minor, int):
            origin = own.origin((*path, f"target-{name}-version-minor"))
            return Located(f"{major}.{minor}", origin)
    return None


def _script(own: Document, snapshot: Snapshot) -> str | None:
    build = own.get(("package", "build"))
    if build is False:
        return None
    path = beside("Cargo.toml", build) if isinstance(build, str) else "build.rs"
    return path if path in snapshot.files or path in snapshot.unreadable else None


def _helpers(own: Document, workspace: Document, snapshot: Snapshot) -> dict[str, str]:
    helpers = {}
    shared = workspace.table("workspace", "dependencies")
    for crate, written in own.table("build-dependencies").items():
        is_shared = isinstance(written, Mapping) and written.get("workspace") is True
        document, dependency = (workspace, shared.get(crate)) if is_shared else (own, written)
        if isinstance(dependency, Mapping) and isinstance(dependency.get("path"), str):
            path = beside(document.path, f"{dependency['path']}/src/lib.rs")
            path = snapshot.shortest(path)
            if path in snapshot.files:
                helpers[crate.replace("-", "_")] = path
    return helpers


def _build_findings(own: Document) -> Iterator[Finding]:
    types = own.words("lib", "crate-type") or own.words("lib", "crate_type")
    if "cdylib" not in {each.text for each in types}:
        yield difference(
            types[0].origin if types else own.origin(("lib",)),
            "the library is a static library, which a linker of your own turns into the driver; "
            "the pipeline makes the driver from a `cdylib`"
            if "staticlib" in {each.text for each in types}
            else "the library is not a `cdylib`, and the pipeline makes the driver from one",
            'write `crate-type = ["cdylib"]` under `[lib]`',
        )
    build = own.get(("package", "build"))
    if build is False or (isinstance(build, str) and beside("", build) != "build.rs"):
        yield difference(
            own.origin(("package", "build")),
            "the package has no build.rs, or its build script has another name",
            "kdrvgen generates build.rs, and cargo must run it: remove `build` from `[package]`",
        )
    if own.get(("package", "forced-target")) is not None:
        yield unknown(
            own.origin(("package", "forced-target")),
            "`forced-target` is unstable, and kdrvgen does not read it",
        )


def _panic_findings(own: Document, workspace: Document) -> Iterator[Finding]:
    aborting = [
        name for name in ("dev", "release") if workspace.get(("profile", name, "panic")) == "abort"
    ]
    if aborting == ["dev"]:
        yield hazard(
            workspace.origin(("profile", "dev", "panic")),
            '`panic = "abort"` is set only for dev: a release build unwinds, or does not link',
            "the generated cargo configuration sets it for both profiles",
        )
    if workspace is not own and own.table("profile"):
        yield hazard(
            own.origin(("profile",)),
            "cargo ignores the profiles of a workspace member",
            f"move them to {workspace.path}; the generated cargo configuration sets `panic`",
            is_avoided=False,
        )
