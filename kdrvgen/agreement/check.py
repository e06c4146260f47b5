"""Where Cargo.toml and rust-toolchain.toml contradict the configuration, at the place in both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from kdrvgen.agreement.document import Document, read_document
from kdrvgen.agreement.manifest import Manifest, read_manifest
from kdrvgen.config.keys import Path, dotted
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.model.effect_rules import keys_without_effect
from kdrvgen.report.finding import Finding, Related, Severity

__all__ = ["disagreements"]

_STANDARD = ("dev", "release")
_LONGEST_CHAIN = 16


def disagreements(project: Project, root: str, config: str = "") -> tuple[Finding, ...]:
    """Return what contradicts the configuration, and its keys that have no effect.

    Reads files in the project's folder and in `driver.workspace-root`, and runs nothing. An error
    is a build that cannot work. A warning is one that may work on some machines.

    Args:
        project: What the configuration says.
        root: The project's folder.
        config: The configuration's file, whose places are shown; "" for a project built in Python.
    """
    check = _Check(project, _configuration(config))
    unused = sorted(check.keys(), key=lambda each: each.place.order if each.place else (0, 0))
    try:
        manifest = read_manifest(root, project.driver.workspace_root)
        toolchain = _toolchain_file(root, project.driver.workspace_root)
    except ConfigError as error:
        return (*unused, *error.findings)
    found = [*unused, *(check.manifest(manifest) if manifest else ())]
    if manifest and toolchain:
        found += check.toolchain(toolchain)
    return tuple(found)


def _configuration(config: str) -> Document | None:
    try:
        return read_document(os.path.dirname(config) or ".", os.path.basename(config))  # noqa: PTH119, PTH120 - as the user wrote it
    except ConfigError:  # changed since it was loaded
        return None


def _toolchain_file(root: str, workspace_root: str | None) -> Document | None:
    """Return the toolchain file that applies in the project's folder.

    Source: https://rust-lang.github.io/rustup/overrides.html#the-toolchain-file
    """
    for folder in (root, *((os.path.join(root, workspace_root),) if workspace_root else ())):  # noqa: PTH118 - as the user wrote it
        if os.path.lexists(os.path.join(folder, "rust-toolchain")):  # noqa: PTH118 - likewise
            return None  # it goes before rust-toolchain.toml, and may be no TOML
        if found := read_document(folder, "rust-toolchain.toml"):
            return found
    return None


@dataclass(frozen=True, slots=True)
class _Check:
    """Compares one project with its files."""

    project: Project
    config: Document | None

    def keys(self) -> Iterator[Finding]:
        """Yield the keys of the configuration that have no effect."""
        if self.config is None:
            return
        for each in keys_without_effect(self.project):
            yield Finding(
                "key-unused",
                f"`{dotted(each.path)}`: {each.message}",
                self.config.place(*each.path),
                Severity.WARNING,
                each.hint,
                each.path,
                tuple(self._related(each.also)),
            )

    def manifest(self, manifest: Manifest) -> Iterator[Finding]:
        """Yield what is wrong in Cargo.toml."""
        own = manifest.own
        if own.get("package") is None:
            message = "there is no `[package]` here, and the driver is a package"
            also = (("driver", "name"),)
            yield self._finding("cargo-package", own, ("package",), message, "", also)
            return
        yield from self._name(own)
        yield from self._library(own)
        if self.project.driver.model != "umdf":
            yield from self._panic(manifest)

    def _name(self, own: Document) -> Iterator[Finding]:
        name, wanted = own.get("package", "name"), self.project.driver.name
        if name != wanted:
            yield self._finding(
                "cargo-name",
                own,
                ("package", "name"),
                f"the package is `{name}`, and `driver.name` is `{wanted}`"
                if name
                else f"the package has no name, and `driver.name` is `{wanted}`",
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
                "the library is not a `cdylib`, and the driver is made from one",
                'write `crate-type = ["cdylib"]` under `[lib]`',
                (("driver", "name"),),
            )

    def _panic(self, manifest: Manifest) -> Iterator[Finding]:
        """Yield the profiles of cargo that unwind.

        The generated cargo configuration sets `panic` for `dev` and `release` as far as profiles of
        the configuration use them, and it goes before Cargo.toml. A profile of the user's has what
        it says itself, else what it inherits.
        Source: https://doc.rust-lang.org/cargo/reference/config.html#profile
        """
        root = manifest.workspace
        if root is None:
            return
        used = {name: each.cargo_profile or "" for name, each in self.project.profiles.items()}
        generated = set(used.values()).intersection(_STANDARD)
        for name, cargo_profile in used.items():
            if cargo_profile in generated:
                continue
            also: tuple[Path, ...] = (("profiles", name, "cargo-profile"),)
            chain = list(_chain(root, cargo_profile))
            if root.get("profile", cargo_profile) is None:
                yield self._finding(
                    "cargo-profile",
                    root,
                    (),
                    f"there is no profile `{cargo_profile}`, which `profiles.{name}` builds with",
                    f'add `[profile.{cargo_profile}]` with `inherits = "release"`',
                    also,
                )
            elif not _aborts(root, chain, generated):
                yield self._finding(
                    "cargo-panic",
                    root,
                    ("profile", cargo_profile, "panic"),
                    f"the profile `{cargo_profile}` unwinds on a panic, and the kernel cannot",
                    f'write `panic = "abort"` under `[profile.{cargo_profile}]`',
                    also,
                )

    def toolchain(self, file: Document) -> Iterator[Finding]:
        """Yield the targets that rustup is not asked for.

        With another channel than `stable` the pipeline names the toolchain to rustup, which then
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
            wanted = ", ".join(f'"{each}"' for each in (*listed, *missing))
            found = self._finding(
                "toolchain-targets",
                file,
                ("toolchain", "targets"),
                f"rustup is not asked to install {' and '.join(f'`{each}`' for each in missing)}",
                f"write `targets = [{wanted}]` under `[toolchain]`",
                (("driver", key),),
            )
            yield found.as_severe_as(Severity.WARNING)

    def _finding(  # noqa: PLR0913, PLR0917 - what a finding is made of
        self,
        rule: str,
        file: Document,
        path: Path,
        message: str,
        hint: str,
        also: tuple[Path, ...],
    ) -> Finding:
        return Finding(
            rule,
            message,
            file.place(*path),
            help=hint,
            key=path,
            related=tuple(self._related(also)),
        )

    def _related(self, paths: tuple[Path, ...]) -> Iterator[Related]:
        for path in paths:
            node = self.config.root.find(path) if self.config else None
            if self.config and node:
                key = ".".join(map(str, path))
                yield Related(f"`{key}` is set here", self.config.place(*path))


def _chain(root: Document, profile: str) -> Iterator[str]:
    """Yield a profile of cargo and those that it inherits from, up to a standard one."""
    name: object = profile
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(name, str):
            return
        yield name
        if name in _STANDARD:
            return
        name = root.get("profile", name, "inherits")


def _aborts(root: Document, chain: list[str], generated: set[str]) -> bool:
    for name in chain:
        if name in generated:
            return True
        if (panic := root.get("profile", name, "panic")) is not None:
            return bool(panic == "abort")
    return False
