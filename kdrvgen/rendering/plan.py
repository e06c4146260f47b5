"""What the templates are told: the project, worked out for every target and profile."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from kdrvgen.model import Project, Signing
from kdrvgen.model.driver import Target
from kdrvgen.model.presets import link_arguments
from kdrvgen.rendering.arguments import purpose

__all__ = ["Flag", "ProfilePlan", "TargetPlan", "plan"]


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag for rustc, and in a few words what it is for."""

    text: str
    comment: str


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """What one target triple needs.

    Attributes:
        flags: Flags for rustc that all profiles share.
        script_arguments: For each profile, the linker arguments that build.rs passes.
        extra_flags: For each profile, further flags for rustc that only it has.
    """

    triple: Target
    flags: tuple[Flag, ...]
    script_arguments: Mapping[str, tuple[str, ...]]
    extra_flags: Mapping[str, tuple[str, ...]]

    @property
    def architecture(self) -> str:
        """First part of the triple: x86_64, i686 or aarch64."""
        return self.triple.partition("-")[0]

    @property
    def linker_variable(self) -> str:
        """The environment variable that cargo reads the target's linker from."""
        return f"CARGO_TARGET_{self.triple.upper().replace('-', '_')}_LINKER"


@dataclass(frozen=True, slots=True)
class ProfilePlan:
    """What one profile of cargo-make sets."""

    name: str
    cargo_profile: str
    signing: Signing
    env: Mapping[str, str]
    own_env: Mapping[str, Any]
    reproducible: bool


def plan(project: Project) -> dict[str, Any]:
    """Return the variables of the templates."""
    profiles = _profiles(project)
    modes = {profile.signing.mode for profile in profiles}
    channel = project.toolchain.channel
    # The stable channel means whatever toolchain is active: a distribution's has no rustup.
    run = "" if channel == "stable" else f"rustup run {channel} "
    targets = [_target(project, triple) for triple in project.driver.triples]
    return {
        "project": project,
        "driver": project.driver,
        "toolchain": project.toolchain,
        "wdk": project.wdk,
        "kit_libraries": _kit_libraries(project),
        "has_preset": any(project.linker_for(name).preset != "none" for name in project.profiles),
        "targets": targets,
        "script_arguments": _by_arguments(targets),
        "profiles": profiles,
        "shared_env": _shared_env(profiles),
        "own_settings": {each.name: _own_settings(each, profiles) for each in profiles},
        "modes": modes,
        "cargo": f"{run}cargo",
        "rustc": f"{run}rustc",
        "own_env": {
            name: value
            for name, value in project.makefile.env.items()
            if not (name in project.profiles and isinstance(value, Mapping))
        },
        "cargo_profiles": sorted({profile.cargo_profile for profile in profiles}),
    }


def _kit_libraries(project: Project) -> tuple[str, ...]:
    """Return the kit's libraries to link, in the driver model's part of the kit."""
    beside = {
        "wdm": (),
        "kmdf": ("BufferOverflowFastFailK", "WdfLdr", "WdfDriverEntry"),
        "umdf": ("WdfDriverStubUm", "ntdll", "OneCoreUAP"),
    }[project.driver.model]
    # The kit has these for kernel mode only.
    kernel = {"ntoskrnl", "hal"} if project.driver.model == "umdf" else set[str]()
    own = (name for name in project.wdk.libraries if name.lower() not in kernel)
    return tuple(dict.fromkeys((*own, *beside)))


def _target(project: Project, triple: Target) -> TargetPlan:
    written: dict[str, list[str]] = {}
    script: dict[str, list[str]] = {}
    rustflags: dict[str, list[str]] = {}
    for name in project.profiles:
        linker = project.linker_for(name)
        found = link_arguments(project.driver, linker, triple)
        pre = "-Zpre-link-arg=" if project.toolchain.is_nightly else "-Clink-arg="
        if linker.emit == "cargo-config":
            written[name] = [f"{pre}{argument}" for argument in found.pre]
            written[name] += [f"-Clink-arg={argument}" for argument in found.post]
            script[name] = []
        else:
            # A build script can only append; an argument before the objects is rustc's to pass.
            before = project.toolchain.is_nightly
            written[name] = [f"{pre}{argument}" for argument in found.pre] if before else []
            script[name] = [*(() if before else found.pre), *found.post]
        rustflags[name] = list(linker.rustflags)
    shared = _beginning(list(written.values()))
    shared_rustflags = _beginning_of_flags(list(rustflags.values()))
    common, *_ = written.values()
    common_rustflags, *_ = rustflags.values()
    for name, flags in written.items():
        # What not all profiles have cannot stand in the cargo configuration.
        script[name] = [flag.partition("=")[2] for flag in flags[shared:]] + script[name]
    return TargetPlan(
        triple=triple,
        flags=tuple(Flag(flag, purpose(flag.partition("=")[2])) for flag in common[:shared])
        + tuple(Flag(flag, "") for flag in common_rustflags[:shared_rustflags]),
        script_arguments={name: tuple(arguments) for name, arguments in script.items()},
        extra_flags={name: tuple(flags[shared_rustflags:]) for name, flags in rustflags.items()},
    )


def _by_arguments(
    targets: Sequence[TargetPlan],
) -> Mapping[tuple[str, ...], Sequence[tuple[Target, str]]]:
    """Return what build.rs passes, each list with the targets and profiles that it is for."""
    found: dict[tuple[str, ...], list[tuple[Target, str]]] = {}
    for target in targets:
        for profile, arguments in target.script_arguments.items():
            if arguments:
                found.setdefault(arguments, []).append((target.triple, profile))
    return found


def _beginning(lists: Sequence[Sequence[str]]) -> int:
    """Return how many first elements all lists share: what comes later may revoke the earlier."""
    columns = zip(*lists, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _beginning_of_flags(lists: Sequence[Sequence[str]]) -> int:
    """Return as `_beginning` does, and part no flag from its value: `-C` from `opt-level=2`."""
    shared = _beginning(lists)
    while shared and any(not items[shared].startswith("-") for items in lists if items[shared:]):
        shared -= 1
    return shared


def _profiles(project: Project) -> list[ProfilePlan]:
    found = []
    for name, profile in project.profiles.items():
        signing = project.signing_for(name)
        linker = project.linker_for(name)
        own = project.makefile.env.get(name, {})
        found.append(
            ProfilePlan(
                name=name,
                cargo_profile=profile.cargo_profile or "",
                signing=signing,
                env={"DRIVER_LINKER": linker.program, **_signing_env(signing)},
                own_env=own if isinstance(own, Mapping) else {},
                reproducible=linker.reproducible,
            )
        )
    return found


def _signing_env(signing: Signing) -> dict[str, str]:
    env = {
        "DRIVER_SIGNING": signing.mode,
        "DRIVER_SIGNING_TOOL": signing.tool,
        "DRIVER_DIGEST": signing.digest,
        "DRIVER_PAGE_HASHES": "yes" if signing.page_hashes else "",
        "DRIVER_TIMESTAMP_URL": signing.timestamp_url,
        "DRIVER_TIMESTAMP_PROTOCOL": signing.timestamp_protocol,
        "DRIVER_ADDITIONAL_CERTIFICATES": "\t".join(signing.additional_certificates),
        "DRIVER_CERTIFICATE_STORE": signing.store,
        "DRIVER_CERTIFICATE_SUBJECT": signing.subject,
        "DRIVER_CERTIFICATE_THUMBPRINT": signing.thumbprint,
        "DRIVER_CERTIFICATE_FILE": signing.certificate_file,
        "DRIVER_CERTIFICATE_DAYS": str(signing.validity_days),
        "DRIVER_CERTIFICATE_ID": _identity(signing),
        "DRIVER_PFX": signing.pfx,
        "DRIVER_PFX_PASSWORD_ENV": signing.pfx_password_env,
    }
    needless = {
        "off": ("DRIVER_",),
        "test": ("DRIVER_PFX", "DRIVER_CERTIFICATE_THUMBPRINT"),
        "certificate": (
            "DRIVER_CERTIFICATE_FILE",
            "DRIVER_CERTIFICATE_DAYS",
            "DRIVER_CERTIFICATE_ID",
        ),
    }[signing.mode]
    return {
        name: value
        for name, value in env.items()
        if name == "DRIVER_SIGNING" or not name.startswith(needless)
    }


def _identity(signing: Signing) -> str:
    """Return a file name for the test certificate of (store, subject) that every system takes."""
    scope = "machine" if signing.machine_store else "user"
    digest = hashlib.sha256(f"{scope}\0{signing.store}\0{signing.subject}".encode()).hexdigest()
    readable = "".join(
        character if character.isascii() and character.isalnum() else "-"
        for character in signing.subject
    )
    return f"{readable[:32].strip('-').lower() or 'certificate'}-{digest[:12]}"


def _shared_env(profiles: Sequence[ProfilePlan]) -> dict[str, str]:
    """Return what all profiles set alike."""
    first, *others = profiles
    return {
        name: value
        for name, value in first.env.items()
        if all(other.env.get(name) == value for other in others)
    }


def _own_settings(profile: ProfilePlan, everything: Sequence[ProfilePlan]) -> dict[str, str]:
    """Return what the profile sets otherwise than the others.

    A variable that only another profile has is set empty: the caller's environment may hold one of
    that name.
    """
    shared = _shared_env(everything)
    names = dict.fromkeys(name for each in everything for name in each.env)
    return {name: profile.env.get(name, "") for name in names if name not in shared}
