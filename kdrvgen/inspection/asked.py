"""What a project asks of the image at a path: which profile and which target made it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from kdrvgen.errors import UsageError
from kdrvgen.inspection.certificates import Certificate, load_all
from kdrvgen.inspection.subject import Asked
from kdrvgen.model import Project
from kdrvgen.model.driver import Target
from kdrvgen.model.presets import link_arguments

__all__ = ["asked_of"]

# Cargo names the folder of a build after its profile, except for this one.
_FOLDERS = {"dev": "debug"}


def asked_of(project: Project, image: Path, folder: Path, profile: str | None) -> Asked:
    """Return what a project asks of an image.

    Args:
        project: The project.
        image: The image's path; its folders name the target, and the profile of cargo-make or of
            cargo.
        folder: Where config.toml lies.
        profile: The profile of cargo-make; None to take it from the path, or else development.

    Raises:
        UsageError: The project has no such profile.
    """
    folders = image.absolute().parts[:-1]
    name = profile or _profile_of(project, folders)
    if name not in project.profiles:
        there = ", ".join(project.profiles)
        raise UsageError(f"the configuration has no profile `{name}`, but {there}.")
    linker, signing = project.linker_for(name), project.signing_for(name)
    known: tuple[Target, ...] = get_args(Target)
    target = next((each for each in known if each in folders), None)
    public = signing.certificate_file if signing.mode == "test" else signing.public_certificate
    return Asked(
        driver=project.driver,
        linker=linker,
        signing=signing,
        target=target if target in project.driver.triples else None,
        arguments=link_arguments(project.driver, linker, target or project.driver.triples[0]).post,
        certificate=_certificate(folder / public)
        if public
        else _test_certificate(project, image, folder, name, target),
    )


def _profile_of(project: Project, folders: tuple[str, ...]) -> str:
    if folders and folders[-1] in project.profiles:
        return folders[-1]
    for name, profile in project.profiles.items():
        cargo = profile.cargo_profile or ""
        if folders and folders[-1] == _FOLDERS.get(cargo, cargo):
            return name
    return "development"


def _test_certificate(
    project: Project, image: Path, folder: Path, profile: str, target: Target | None
) -> Certificate | None:
    """Return the exported test certificate: beside the image, or where the pipeline puts it."""
    if project.signing_for(profile).mode != "test":
        return None
    file = f"{project.driver.stem}.cer"
    made = folder / (project.driver.workspace_root or "") / "target/driver" / project.driver.name
    made = made / (target or project.driver.triples[0]) / profile / file
    return _certificate(image.with_name(file)) or _certificate(made)


def _certificate(path: Path) -> Certificate | None:
    try:
        return load_all(path.read_bytes())[0]
    except (OSError, ValueError):
        return None
