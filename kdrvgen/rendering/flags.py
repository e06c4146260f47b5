"""Divide a target's flags between the cargo configuration, build.rs and cargo's command line.

The cargo configuration does not know the profiles of cargo-make. It has the flags that all profiles
begin with. The rest follow in another way, in their order, because a later flag can revoke an
earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from kdrvgen.model import Project
from kdrvgen.model.driver import Target
from kdrvgen.model.presets import link_arguments
from kdrvgen.rendering.arguments import purpose

__all__ = ["Flag", "TargetPlan", "by_arguments", "is_without_sse", "target_plan"]

_BEFORE = "-Zpre-link-arg="
_AFTER = "-Clink-arg="
_STATIC_RUNTIME = {"-Ctarget-feature=+crt-static": "wdk-build requires it"}
_NO_SSE = {"-Ctarget-feature=-sse,-sse2": "32-bit Windows does not save XMM registers for drivers"}
_COMMENTS = _STATIC_RUNTIME | _NO_SSE


class Flag(NamedTuple):
    """A flag for rustc, with a short description."""

    text: str
    comment: str


class TargetPlan(NamedTuple):
    """The flags of one target triple.

    Attributes:
        flags: Flags for rustc that all profiles share, for the cargo configuration.
        script_arguments: For each profile, the linker arguments that build.rs passes.
        extra_flags: For each profile, more flags for rustc, for cargo's command line.
    """

    triple: Target
    flags: tuple[Flag, ...]
    script_arguments: Mapping[str, tuple[str, ...]]
    extra_flags: Mapping[str, tuple[str, ...]]

    @property
    def architecture(self) -> str:
        """The first part of the triple: x86_64, i686 or aarch64."""
        return self.triple.partition("-")[0]


def target_plan(project: Project, triple: Target) -> TargetPlan:
    """Return the flags of a target in every profile."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    script: dict[str, list[str]] = {}
    rustflags: dict[str, list[str]] = {}
    for name in project.profiles:
        linker = project.linker_for(name)
        by_wdk_build = project.wdk.is_wdk_builds
        found = link_arguments(project.driver, linker, triple, by_wdk_build=by_wdk_build)
        is_nightly = project.toolchain.is_nightly
        before[name] = [f"{_BEFORE}{argument}" for argument in found.pre] if is_nightly else []
        # A build script can only append arguments: rustc itself must pass those before the objects.
        rest = list(found.post) if is_nightly else [*found.pre, *found.post]
        in_script = linker.emit == "build-script"
        after[name] = [] if in_script else [f"{_AFTER}{argument}" for argument in rest]
        script[name] = rest if in_script else []
        rustflags[name] = [
            *(_STATIC_RUNTIME if by_wdk_build else ()),
            *(_NO_SSE if is_without_sse(project, name, triple) else ()),
            *linker.rustflags,
        ]
    first, all_before = _parted(before, _shared(list(before.values())))
    second, all_after = _parted(after, _shared(list(after.values())))
    third, all_flags = _parted(rustflags, _shared_flags(list(rustflags.values())))
    return TargetPlan(
        triple=triple,
        flags=(
            *(Flag(flag, purpose(flag.partition("=")[2])) for flag in (*first, *second)),
            *(Flag(flag, _COMMENTS.get(flag, "")) for flag in third),
        ),
        script_arguments={
            name: (*(flag.removeprefix(_AFTER) for flag in all_after[name]), *script[name])
            for name in project.profiles
        },
        extra_flags={name: (*all_before[name], *all_flags[name]) for name in project.profiles},
    )


def is_without_sse(project: Project, profile: str, triple: Target) -> bool:
    """Return whether a target is compiled without SSE, in a profile with the current preset.

    32-bit Windows does not save the XMM registers of a program for kernel code that interrupts it.
    """
    is_x86_kernel = triple.startswith("i686") and project.driver.model != "umdf"
    return is_x86_kernel and project.linker_for(profile).preset == "kernel"


def by_arguments(
    targets: Sequence[TargetPlan],
) -> Mapping[tuple[str, ...], Sequence[tuple[Target, str]]]:
    """Return the arguments that build.rs passes, each list with its targets and profiles."""
    found: dict[tuple[str, ...], list[tuple[Target, str]]] = {}
    for target in targets:
        for profile, arguments in target.script_arguments.items():
            if arguments:
                found.setdefault(arguments, []).append((target.triple, profile))
    return found


def _shared(lists: Sequence[Sequence[str]]) -> int:
    """Return the number of first elements that all lists share."""
    columns = zip(*lists, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _shared_flags(lists: Sequence[Sequence[str]]) -> int:
    """Return the same as `_shared`, without separating a flag from its value: `-C opt-level=2`."""
    count = _shared(lists)
    while count and any(not flags[count].startswith("-") for flags in lists if flags[count:]):
        count -= 1
    return count


def _parted(
    lists: Mapping[str, Sequence[str]], count: int
) -> tuple[Sequence[str], Mapping[str, Sequence[str]]]:
    """Return the first `count` elements, which are the same for all, and the rest of each."""
    return next(iter(lists.values()))[:count], {
        name: elements[count:] for name, elements in lists.items()
    }
