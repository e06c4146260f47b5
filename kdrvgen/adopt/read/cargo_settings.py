"""The cargo configuration as cargo reads it: one file per folder, the nearest folder first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.rustflags import Flags, parse_rustflags
from kdrvgen.adopt.read.document import Document, read_document
from kdrvgen.adopt.read.findings import difference, equivalent, hazard, unknown
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding

__all__ = ["CargoSettings", "read_cargo_settings"]

_OLD_NAME, _NEW_NAME = _NAMES = (".cargo/config", ".cargo/config.toml")
_TARGETS: tuple[str, ...] = get_args(Target)
_PACKAGES = frozenset({"-p", "--package", "--manifest-path", "--bin"})
_MISPLACED = re.compile(r"^\s*rustflags\s*=", re.MULTILINE)
_WINDOWS = "cfg(windows)"
_WINDOWS_CONDITIONS = frozenset(
    {
        "windows",
        'target_os="windows"',
        'target_family="windows"',
        'target_env="msvc"',
        'all(windows,target_env="msvc")',
    }
)


@dataclass(frozen=True, slots=True)
class CargoSettings:
    """What the cargo configuration contains about the driver.

    Attributes:
        targets: `build.target`.
        flags: Flags for rustc by target triple; `""` for those of all targets.
        linkers: Linkers by target triple.
        build_std: Crates in `unstable.build-std`.
        nightly: The first setting that only a nightly cargo reads.
        document: The configuration in the project's own folder that cargo reads.
        own_targets: Triples that have a table in this configuration.
        target_folder: `build.target-dir`, or cargo's default.
        is_superseded: Whether cargo reads a `.cargo/config` and ignores the config.toml beside it.
    """

    targets: tuple[Located, ...] = ()
    flags: Mapping[str, Flags] = field(default_factory=dict)
    linkers: Mapping[str, Located] = field(default_factory=dict)
    build_std: tuple[Located, ...] = ()
    nightly: Located | None = None
    document: Document | None = None
    own_targets: tuple[Located, ...] = ()
    target_folder: str = "target"
    is_superseded: bool = False

    @property
    def file(self) -> str | None:
        """The path of `document`."""
        return self.document.path if self.document else None

    def flags_for(self, triple: str) -> Flags:
        """Return the flags of a target; `target.*.rustflags` replaces `build.rustflags`."""
        return self.flags.get(triple) or self.flags.get("", Flags())


def read_cargo_settings(
    snapshot: Snapshot, environment: Sequence[Located] | None = None
) -> tuple[CargoSettings, list[Finding]]:
    """Read the cargo configuration of the project's folder and of those above it.

    Source of the order of files and keys: the Cargo Book, "Configuration", sections "Hierarchical
    structure" and "build.rustflags".

    Args:
        snapshot: The project.
        environment: The words of a RUSTFLAGS that the makefile sets.

    Raises:
        ConfigError: A file is not valid TOML.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    for folder in snapshot.above():
        paths = [folder + name for name in _NAMES if folder + name in snapshot.files]
        documents += [read_document(snapshot, path) for path in paths[:1]]
        if paths[1:]:
            findings.append(_two_files(paths[0], paths[1]))
    findings += [finding for document in documents for finding in _programs(document)]
    if _MISPLACED.search(snapshot.files.get("config.toml", "")):
        findings.append(_misplaced())
    own = next((each for each in documents if not each.path.startswith("../")), None)
    if own and own.path == _OLD_NAME:
        findings.append(_old_name(is_kept=_NEW_NAME not in snapshot.files))
    flags, flag_findings = _flags(documents, own, environment)
    findings += flag_findings
    build_std = next(
        (words for each in documents if (words := each.words("unstable", "build-std"))), []
    )
    targets = next((words for each in documents if (words := _targets(each))), [])
    return CargoSettings(
        targets=tuple(targets),
        flags=flags,
        linkers={
            triple: linker
            for each in reversed(documents)
            for triple in each.table("target")
            if (linker := each.string("target", triple, "linker"))
        },
        build_std=tuple(build_std),
        nightly=build_std[0] if build_std else None,
        document=own,
        own_targets=tuple(
            Located(triple, own.origin(("target", triple)))
            for triple in (own.table("target") if own else ())
            if own and triple in _TARGETS
        ),
        target_folder=next(
            (text.text for each in documents if (text := each.string("build", "target-dir"))),
            "target",
        ),
        is_superseded=set(_NAMES) <= snapshot.files.keys(),
    ), findings


def _programs(document: Document) -> Iterator[Finding]:
    """Yield the aliases that run a program of the project, such as `cargo xtask`."""
    for name, value in document.table("alias").items():
        words = value.split() if isinstance(value, str) else value
        if isinstance(words, list) and words[:1] in (["run"], ["r"]) and _PACKAGES & set(words):
            message = f"`cargo {name}` runs a program of the project, which kdrvgen does not read"
            remedy = "if it builds, signs or installs the driver, write these steps as tasks"
            yield unknown(document.origin(("alias", name)), message, remedy)


def _targets(document: Document) -> list[Located]:
    target = document.string("build", "target")
    return [target] if target else document.words("build", "target")


def _flags(
    documents: Sequence[Document], own: Document | None, environment: Sequence[Located] | None
) -> tuple[dict[str, Flags], list[Finding]]:
    findings: list[Finding] = []
    if environment is not None:
        from_environment = parse_rustflags(environment)
        if from_environment.pre or from_environment.post:
            return {"": from_environment}, findings
    joined: dict[str, list[Located]] = {}
    # Cargo joins the arrays of several files, those of the nearest file last.
    for document in reversed(documents):
        findings += _join(joined, "", document.words("build", "rustflags"))
        for name in document.table("target"):
            words = document.words("target", name, "rustflags")
            if words and own is not document:
                findings.append(_from_above(document.origin(("target", name, "rustflags")), name))
            elif words and name.startswith("cfg(") and not _is_windows(name):
                findings.append(_other_condition(words[0].origin, name))
            elif words:
                findings += _join(joined, _WINDOWS if name.startswith("cfg(") else name, words)
    everywhere, windows = joined.pop("", []), joined.pop(_WINDOWS, [])
    by_target = {name: [*joined.get(name, []), *windows] for name in (*_TARGETS, *joined)}
    by_target[""] = everywhere
    if environment:
        # Cargo ignores the other flags here. The proposal keeps them, because they make a driver.
        by_target = {
            name: [*words, *environment] for name, words in by_target.items() if words or not name
        }
    return {name: parse_rustflags(words) for name, words in by_target.items() if words}, findings


def _join(joined: dict[str, list[Located]], name: str, words: list[Located]) -> Iterator[Finding]:
    """Append flags to those of a target, unless they repeat them."""
    before = joined.setdefault(name, [])
    if words and [each.text for each in words] == [each.text for each in before]:
        yield equivalent(
            before[0].origin,
            "cargo joins these flags with the same flags of a nearer configuration: rustc gets "
            "each of them twice",
            "the proposal passes them once",
        )
        before.clear()
    before.extend(words)


def _is_windows(name: str) -> bool:
    """Return whether a condition holds for all targets of Windows."""
    condition = re.sub(r"\s", "", name.removeprefix("cfg(").removesuffix(")"))
    return condition in _WINDOWS_CONDITIONS


def _from_above(origin: Origin, target: str) -> Finding:
    return difference(
        origin,
        f"cargo adds these flags for `{target}`, from a folder above the project",
        "they stay in this file, and the proposal does not include them",
    )


def _other_condition(origin: Origin, name: str) -> Finding:
    return unknown(origin, f"kdrvgen does not evaluate `{name}` and leaves its flags out")


def _two_files(read: str, ignored: str) -> Finding:
    is_own = read == _OLD_NAME
    return hazard(
        Origin(ignored),
        f"cargo reads {read} and ignores this file without a warning",
        f"the proposal reproduces {read}; delete both files"
        if is_own
        else "delete one of the two files",
        is_avoided=is_own,
    )


def _misplaced() -> Finding:
    return hazard(
        Origin("config.toml"),
        "this file looks like a cargo configuration, and cargo reads it only in the folder .cargo",
        "move its settings to .cargo/config.toml, or delete it, and adopt the project again",
        is_avoided=False,
    )


def _old_name(*, is_kept: bool) -> Finding:
    remedy = "kdrvgen writes .cargo/config.toml; delete this file"
    if is_kept:
        remedy = (
            f'`toolchain.cargo-config = "{_OLD_NAME}"` keeps the name; to change it, remove that '
            "line and delete this file: kdrvgen then writes .cargo/config.toml"
        )
    return hazard(
        Origin(_OLD_NAME),
        "the name without `.toml` is deprecated, and cargo prefers it to a config.toml beside it",
        remedy,
        is_avoided=not is_kept,
    )
