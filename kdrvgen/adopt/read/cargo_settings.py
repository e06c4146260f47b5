"""The cargo configuration as cargo reads it: one file a folder, from the nearest folder upward."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.parse.rustflags import Flags, sort_flags
from kdrvgen.adopt.read.findings import difference, hazard, note, unknown
from kdrvgen.adopt.read.snapshot import Document, Snapshot, parse
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding

__all__ = ["CargoSettings", "read_cargo_settings"]

_NAMES = (".cargo/config", ".cargo/config.toml")
_TARGETS: tuple[str, ...] = get_args(Target)
_WINDOWS = "cfg(windows)"


@dataclass(frozen=True, slots=True)
class CargoSettings:
    """What the cargo configuration says of the driver.

    Attributes:
        targets: `build.target`.
        flags: Flags for rustc by target triple; `""` for those that all targets get.
        linkers: Linkers by target triple.
        build_std: Crates that `unstable.build-std` names.
        nightly: What only a nightly cargo reads, if there is something.
        document: The configuration in the project's own folder that cargo reads, if there is one.
        own: Triples that have flags of their own, with where they stand.
        is_superseded: Whether a config.toml stands beside it, which cargo does not read then.
    """

    targets: tuple[Said, ...] = ()
    flags: Mapping[str, Flags] = field(default_factory=dict)
    linkers: Mapping[str, Said] = field(default_factory=dict)
    build_std: tuple[Said, ...] = ()
    nightly: Said | None = None
    document: Document | None = None
    own: tuple[Said, ...] = ()
    is_superseded: bool = False

    @property
    def file(self) -> str | None:
        """The path of that configuration."""
        return self.document.path if self.document else None

    def flags_for(self, triple: str) -> Flags:
        """Return the flags of a target; `target.*.rustflags` come instead of `build.rustflags`."""
        return self.flags.get(triple) or self.flags.get("", Flags())


def read_cargo_settings(
    snapshot: Snapshot, environment: Sequence[Said] | None = None
) -> tuple[CargoSettings, list[Finding]]:
    """Read the cargo configuration of the project's folder and of those above it.

    Source of the order of files and keys: the Cargo Book, "Configuration", sections "Hierarchical
    structure" and "build.rustflags".

    Args:
        snapshot: The project.
        environment: The words of a RUSTFLAGS that the makefile sets: cargo takes them instead.

    Raises:
        ConfigError: A file is no TOML.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    for folder in snapshot.above():
        there = [folder + name for name in _NAMES if folder + name in snapshot.files]
        documents += [parse(snapshot, path) for path in there[:1]]
        if there[1:]:
            findings.append(_two_files(there[0], there[1]))
    own = next((each for each in documents if not each.path.startswith("../")), None)
    if own and not own.path.endswith(".toml"):
        findings.append(_old_name(own.path, kept=_NAMES[1] not in snapshot.files))
    flags, told = _flags(documents, own, environment)
    findings += told
    built = next(
        (words for each in documents if (words := each.words("unstable", "build-std"))), []
    )
    return CargoSettings(
        targets=tuple(
            next((words for each in documents if (words := _targets(each))), []),
        ),
        flags=flags,
        linkers={
            triple: said
            for each in reversed(documents)
            for triple in each.table("target")
            if (said := each.string("target", triple, "linker"))
        },
        build_std=tuple(built),
        nightly=built[0] if built else None,
        document=own,
        own=tuple(
            Said(triple, own.origin(("target", triple)))
            for triple in (own.table("target") if own else ())
            if own and triple in _TARGETS
        ),
        is_superseded=_NAMES[0] in snapshot.files and _NAMES[1] in snapshot.files,
    ), findings


def _targets(document: Document) -> list[Said]:
    one = document.string("build", "target")
    return [one] if one else document.words("build", "target")


def _flags(
    documents: Sequence[Document], own: Document | None, environment: Sequence[Said] | None
) -> tuple[dict[str, Flags], list[Finding]]:
    findings: list[Finding] = []
    if environment is not None:
        given = sort_flags(environment)
        if given.pre or given.post:
            return {"": given}, findings
    joined: dict[str, list[Said]] = {}
    # Arrays of several files are joined, those of the nearest last.
    for document in reversed(documents):
        findings += _join(joined, "", document.words("build", "rustflags"))
        for name in document.table("target"):
            words = document.words("target", name, "rustflags")
            if words and own is not document:
                findings.append(
                    difference(
                        document.origin(("target", name, "rustflags")),
                        f"cargo joins these flags to those of `{name}` nearer to the driver",
                        "they stay as they are, and are no part of the proposal",
                    )
                )
            elif words and name.startswith("cfg(") and not _is_windows(name):
                findings.append(_other_condition(words[0], name))
            elif words:
                findings += _join(joined, _WINDOWS if name.startswith("cfg(") else name, words)
    everywhere, windows = joined.pop("", []), joined.pop(_WINDOWS, [])
    found = {name: [*joined.get(name, []), *windows] for name in (*_TARGETS, *joined)}
    found[""] = everywhere
    if environment:
        # Cargo drops the others: what made it a driver is what was meant.
        found = {name: [*words, *environment] for name, words in found.items() if words or not name}
    return {triple: sort_flags(words) for triple, words in found.items() if words}, findings


def _join(joined: dict[str, list[Said]], name: str, words: list[Said]) -> Iterator[Finding]:
    """Put flags behind those that are known; the same ones once more are left out."""
    before = joined.setdefault(name, [])
    if words and [each.text for each in words] == [each.text for each in before]:
        told = "cargo joins these flags to the same ones nearer to the driver: each is given twice"
        yield note(before[0].origin, told, "they are given once")
        before.clear()
    before.extend(words)


def _is_windows(name: str) -> bool:
    """Tell whether a condition on the target holds for all of Windows'."""
    condition = re.sub(r"\s", "", name.removeprefix("cfg(").removesuffix(")"))
    return condition in {
        "windows",
        'target_os="windows"',
        'target_family="windows"',
        'target_env="msvc"',
        'all(windows,target_env="msvc")',
    }


def _other_condition(said: Said, name: str) -> Finding:
    return unknown(said.origin, f"`{name}` is not worked out here, and so its flags are left out")


def _two_files(old: str, new: str) -> Finding:
    return hazard(
        Origin(new),
        f"cargo reads {old} and ignores this file without a word",
        "config.toml reproduces the one that is read; delete both"
        if old == _NAMES[0]
        else "delete one of the two",
        cured=old == _NAMES[0],
    )


def _old_name(path: str, *, kept: bool) -> Finding:
    return hazard(
        Origin(path),
        "the name without `.toml` is deprecated, and wins over a config.toml beside it",
        f'`toolchain.cargo-config = "{path}"` keeps it; without that line kdrvgen writes '
        ".cargo/config.toml, and this file has to be deleted"
        if kept
        else "kdrvgen writes .cargo/config.toml; delete this file",
        cured=not kept,
    )
