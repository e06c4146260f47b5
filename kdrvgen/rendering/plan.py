"""What the templates are told: the project, worked out for every target and profile."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kdrvgen.model import Project, Signing
from kdrvgen.rendering.flags import by_arguments, target_plan
from kdrvgen.rendering.kit import kit_plan

__all__ = ["ProfilePlan", "plan"]


class ProfilePlan(NamedTuple):
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
    targets = [target_plan(project, triple) for triple in project.driver.triples]
    shared_env = _shared_env(profiles)
    return {
        "project": project,
        "driver": project.driver,
        "toolchain": project.toolchain,
        "wdk": project.wdk,
        **kit_plan(project),
        "has_preset": any(project.linker_for(name).preset != "none" for name in project.profiles),
        "targets": targets,
        "script_arguments": by_arguments(targets),
        "profiles": profiles,
        "shared_env": shared_env,
        "own_settings": _own_settings(profiles, shared_env),
        "modes": modes,
        "used": _used(profiles),
        "cargo": f"{run}cargo",
        "rustc": f"{run}rustc",
        "own_env": {
            name: value
            for name, value in project.makefile.env.items()
            if not (name in project.profiles and isinstance(value, Mapping))
        },
        "cargo_profiles": sorted({profile.cargo_profile for profile in profiles}),
    }


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
        "DRIVER_TIMESTAMP_SERVER": signing.timestamp_url,
        "DRIVER_TIMESTAMP_PROTOCOL": signing.timestamp_protocol,
        "DRIVER_ADDITIONAL_CERTIFICATES": "\t".join(signing.additional_certificates),
        "DRIVER_CERTIFICATE_STORE": signing.store,
        "DRIVER_MACHINE_STORE": "yes" if signing.machine_store else "",
        "DRIVER_CERTIFICATE_SUBJECT": signing.subject,
        "DRIVER_CERTIFICATE_THUMBPRINT": signing.thumbprint,
        "DRIVER_CERTIFICATE_FILE": signing.certificate_file,
        "DRIVER_CERTIFICATE_DAYS": str(signing.validity_days),
        "DRIVER_CERTIFICATE_ID": _identity(signing),
        "DRIVER_PFX": signing.pfx,
        "DRIVER_PFX_PASSWORD_ENV": signing.pfx_password_env,
        "DRIVER_SIGNTOOL": signing.signtool,
        "DRIVER_PUBLIC_CERTIFICATE": signing.public_certificate,
        "DRIVER_CSP": signing.csp,
        "DRIVER_KEY_CONTAINER": signing.key_container,
        "DRIVER_KEY_CONTAINER_ENV": signing.key_container_env,
        "DRIVER_DLIB": signing.dlib,
        "DRIVER_DMDF": signing.dmdf,
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
    unused = _unused_variables(signing)
    return {
        name: value
        for name, value in env.items()
        if name == "DRIVER_SIGNING" or not (name.startswith(needless) or name in unused)
    }


# What few projects set: their tasks speak of it, the tasks of others do not.
_SELDOM = (
    "additional-certificates",
    "csp",
    "dlib",
    "dmdf",
    "pfx",
    "public-certificate",
    "signtool",
)

# All of a row are set with its key, also those that are empty: the caller may have such a variable.
_SELDOM_VARIABLES = {
    "additional_certificates": ("DRIVER_ADDITIONAL_CERTIFICATES",),
    "signtool": ("DRIVER_SIGNTOOL",),
    "csp": (
        "DRIVER_CSP",
        "DRIVER_KEY_CONTAINER",
        "DRIVER_KEY_CONTAINER_ENV",
        "DRIVER_PUBLIC_CERTIFICATE",
    ),
    "dlib": ("DRIVER_DLIB", "DRIVER_DMDF", "DRIVER_PUBLIC_CERTIFICATE"),
}


def _unused_variables(signing: Signing) -> set[str]:
    used = {name for key, row in _SELDOM_VARIABLES.items() if getattr(signing, key) for name in row}
    return {name for row in _SELDOM_VARIABLES.values() for name in row} - used


def _used(profiles: Sequence[ProfilePlan]) -> set[str]:
    """Return which of the seldom keys some profile sets."""
    signing = [each.signing for each in profiles if each.signing.mode != "off"]
    return {key for key in _SELDOM if any(getattr(each, key.replace("-", "_")) for each in signing)}


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


def _own_settings(
    profiles: Sequence[ProfilePlan], shared: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return what each profile sets otherwise than the others, by its name.

    A variable that only another profile has is set empty: the caller's environment may hold one of
    that name.
    """
    names = dict.fromkeys(name for profile in profiles for name in profile.env)
    own = [name for name in names if name not in shared]
    return {profile.name: {name: profile.env.get(name, "") for name in own} for profile in profiles}
