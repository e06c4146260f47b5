"""Find contradictions between the configuration and Cargo.toml or rust-toolchain.toml."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import tomli

from kdrvgen.agreement.document import Document, read_document
from kdrvgen.agreement.joining import clashes
from kdrvgen.agreement.manifest import Manifest, read_manifest
from kdrvgen.agreement.profiles import Profiles, configurations_above
from kdrvgen.config.keys import Path as KeyPath
from kdrvgen.config.keys import dotted
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.model.effect_rules import keys_without_effect
from kdrvgen.model.project import ReadFrom
from kdrvgen.rendering.project import render_own
from kdrvgen.report.finding import Finding, Place, Related, Severity

__all__ = ["compared_files", "disagreements", "file_of"]

_SAME_TYPE = "write the same type in both files"
_COMPARED = ("Cargo.toml", "rust-toolchain", "rust-toolchain.toml")


def disagreements(project: Project, root: Path, config: Path | None = None) -> tuple[Finding, ...]:
    """Return contradictions with the configuration, and its keys that have no effect.

    Reads files in the project's folder and in `driver.workspace-root`, and runs nothing. With an
    error, the build cannot succeed. With a warning, it can succeed on some machines only.

    Args:
        project: The project.
        root: The project's folder.
        config: The file of the configuration, for places in it; None for a project built in Python,
            whose findings have no places.
    """
    check = _Check(project, _configuration(config))
    unused = sorted(check.keys(), key=lambda each: each.place.order if each.place else (0, 0))
    try:
        profiles = Profiles.of(project, root)
        manifest = read_manifest(root, project.driver.workspace_root)
        toolchain = _toolchain_file(root, project.driver.workspace_root)
    except ConfigError as error:
        return (*unused, *error.findings)
    found = [*unused, *(check.manifest(manifest, profiles) if manifest else ())]
    found += check.configurations(profiles)
    if manifest and toolchain:
        found += check.toolchain(toolchain)
    return tuple(found)


def compared_files(project: Project) -> Iterator[PurePosixPath]:
    """Yield the files that `disagreements` reads, apart from generated ones.

    The paths are relative to the project's folder. A file may be absent.
    """
    for folder in dict.fromkeys(("", project.driver.workspace_root or "")):
        for name in _COMPARED:
            yield PurePosixPath(folder, name)
    for folder, name in configurations_above(project):
        yield PurePosixPath(folder, name)


def file_of(project: Project, root: Path) -> Path | None:
    """Return the path of the file that a project was read from, if it is unchanged in its folder.

    Returns:
        None for a project that was built in Python, or whose file changed or is elsewhere.
    """
    known = project.read_from
    try:
        found = read_document(root, known.name) if known else None
    except ConfigError:
        return None
    if known is None or found is None or known != ReadFrom.of(known.name, found.source.text):
        return None
    return root / known.name


def _configuration(config: Path | None) -> Document | None:
    if config is None:
        return None
    try:
        return read_document(config.parent, config.name)
    except ConfigError:  # it changed after it was loaded
        return None


def _toolchain_file(root: Path, workspace_root: str | None) -> Document | None:
    """Return the toolchain file that applies in the project's folder.

    Source: https://rust-lang.github.io/rustup/overrides.html#the-toolchain-file
    """
    for folder in (root, root / workspace_root) if workspace_root else (root,):
        if os.path.lexists(folder / "rust-toolchain"):
            return None  # rustup prefers it, and it may not be TOML
        if found := read_document(folder, "rust-toolchain.toml"):
            return found
    return None


class _Check(NamedTuple):
    """Compares one project with its files."""

    project: Project
    config: Document | None

    def keys(self) -> Iterator[Finding]:
        """Yield a finding for each key of the configuration that has no effect."""
        for each in keys_without_effect(self.project):
            yield Finding(
                "key-unused",
                f"`{dotted(each.path)}`: {each.message}",
                self.config.place(*each.path) if self.config else Place(self.project.config_name),
                Severity.WARNING,
                each.hint,
                each.path,
                tuple(self._related(each.also)),
            )

    def manifest(self, manifest: Manifest, profiles: Profiles) -> Iterator[Finding]:
        """Yield the findings about Cargo.toml."""
        own = manifest.own
        if own.get("package") is None:
            message = "`[package]` is missing, but the driver must be a package"
            also = (("driver", "name"),)
            yield self._finding("cargo-package", own, ("package",), message, "", also)
            return
        yield from self._name(own)
        yield from self._library(own)
        if self.project.driver.model != "umdf":
            yield from self._panic(manifest, profiles)

    def configurations(self, profiles: Profiles) -> Iterator[Finding]:
        """Yield the values that cargo cannot join with those of the project's configuration."""
        if not profiles.above:
            return
        name = self.project.toolchain.cargo_config
        own = profiles.ejected.data if profiles.ejected else self._generated(name)
        documents = {file.source.name: file for file in profiles.above}
        contents = ((file.source.name, file.data) for file in profiles.above)
        for clash in clashes([(name, own), *contents]):
            yield self._finding(
                "cargo-clash", documents[clash.file], clash.key, clash.message, _SAME_TYPE, ()
            )

    def _generated(self, name: str) -> Mapping[str, Any]:
        return tomli.loads(render_own(self.project)[PurePosixPath(name)])

    def _name(self, own: Document) -> Iterator[Finding]:
        name, wanted = own.get("package", "name"), self.project.driver.name
        if name != wanted:
            yield self._finding(
                "cargo-name",
                own,
                ("package", "name"),
                f"the package name is `{name}`, but `driver.name` is `{wanted}`"
                if name
                else f"the package has no name, but `driver.name` is `{wanted}`",
                f'write `name = "{wanted}"` here, or change `driver.name`',
                (("driver", "name"),),
            )

    def _library(self, own: Document) -> Iterator[Finding]:
        key = "crate_type" if own.get("lib", "crate_type") is not None else "crate-type"
        types = own.get("lib", key)
        if not isinstance(types, list) or "cdylib" not in types:
            path = ("lib", key) if own.get("lib") is not None else ("package",)
            yield self._finding(
                "cargo-crate-type",
                own,
                path,
                "the library must be a `cdylib`, because the driver is made from it",
                'write `crate-type = ["cdylib"]` under `[lib]`',
                (("driver", "name"),),
            )

    def _panic(self, manifest: Manifest, profiles: Profiles) -> Iterator[Finding]:
        """Yield a finding for each cargo profile that unwinds or does not exist."""
        root = manifest.workspace
        if root is None:
            return
        seen: set[str] = set()
        for name, profile in self.project.profiles.items():
            cargo_profile = profile.cargo_profile or ""
            if cargo_profile in seen:
                continue
            seen.add(cargo_profile)
            also: tuple[KeyPath, ...] = (("profiles", name, "cargo-profile"),)
            if not profiles.has(cargo_profile, root):
                yield self._finding(
                    "cargo-profile",
                    root,
                    (),
                    f"the profile `{cargo_profile}` of `profiles.{name}` does not exist",
                    f'add `[profile.{cargo_profile}]` with `inherits = "release"`',
                    also,
                )
            elif not profiles.aborts(cargo_profile, root):
                yield self._unwinding(cargo_profile, root, profiles, also)

    def _unwinding(
        self, profile: str, root: Document, profiles: Profiles, also: tuple[KeyPath, ...]
    ) -> Finding:
        file = profiles.file_with_panic(profile) or root
        hint = f'write `panic = "abort"` under `[profile.{profile}]`'
        if file is root and profiles.ejected:
            hint += f"\n{profiles.ejected.source.name} is ejected: kdrvgen does not set it there"
        return self._finding(
            "cargo-panic",
            file,
            # A built-in profile of cargo has no place in the file.
            ("profile", profile, "panic") if file.get("profile", profile) is not None else (),
            f"the profile `{profile}` unwinds on a panic, but the kernel cannot unwind",
            hint,
            also,
        )

    def toolchain(self, file: Document) -> Iterator[Finding]:
        """Yield a finding if rustup does not install a target.

        With a channel other than `stable`, the pipeline passes the toolchain to rustup, which then
        does not read the file.
        """
        own = self.project.toolchain
        table = file.get("toolchain")
        if own.channel != "stable" or own.build_std or not isinstance(table, dict):
            return
        if table.get("path") is not None:
            return
        listed = table.get("targets")
        listed = listed if isinstance(listed, list) else []
        missing = [triple for triple in self.project.driver.triples if triple not in listed]
        if missing:
            key = "target" if self.project.driver.target else "targets"
            wanted = ", ".join(f'"{target}"' for target in (*listed, *missing))
            found = self._finding(
                "toolchain-targets",
                file,
                ("toolchain", "targets"),
                f"rustup does not install {' and '.join(f'`{target}`' for target in missing)}",
                f"write `targets = [{wanted}]` under `[toolchain]`",
                (("driver", key),),
            )
            yield found.as_severe_as(Severity.WARNING)

    def _finding(  # noqa: PLR0913, PLR0917 - the parts of a finding
        self,
        rule: str,
        file: Document,
        path: KeyPath,
        message: str,
        hint: str,
        also: tuple[KeyPath, ...],
    ) -> Finding:
        return Finding(
            rule,
            message,
            file.place(*path),
            help=hint,
            key=path,
            related=tuple(self._related(also)),
        )

    def _related(self, paths: tuple[KeyPath, ...]) -> Iterator[Related]:
        for path in paths:
            node = self.config.root.find(path) if self.config else None
            if self.config and node:
                yield Related(f"`{dotted(path)}` is set here", self.config.place(*path))
