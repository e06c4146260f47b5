"""What a project expects of the image at a path: finds its profile, its target, its certificate."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from kdrvgen.errors import UsageError
from kdrvgen.inspection.checks.subject import Expected
from kdrvgen.inspection.signature.certificates import Certificate, load_all
from kdrvgen.model import Project
from kdrvgen.model.driver import Target
from kdrvgen.model.presets import link_arguments

__all__ = ["expected_from"]

# cargo names the folder of a build after the profile, except for this one.
_FOLDERS = {"dev": "debug"}


def expected_from(project: Project, image: Path, folder: Path, profile: str | None) -> Expected:
    """Return what a project expects of an image.

    Args:
        project: The project.
        image: The path of the image. Its folders name the target, and the profile of cargo-make or
            cargo.
        folder: The folder of config.toml.
        profile: The profile of cargo-make; None for the one in the path, or development.

    Raises:
        UsageError: The project does not have this profile.
    """
    folders = image.absolute().parts[:-1]
    name = profile or _profile_of(project, folders)
    if name not in project.profiles:
        profiles = ", ".join(project.profiles)
        raise UsageError(f"the project has no profile `{name}`. Its profiles are {profiles}.")
    linker, signing = project.linker_for(name), project.signing_for(name)
    targets: tuple[Target, ...] = get_args(Target)
    target = next((triple for triple in targets if triple in folders), None)
    public = signing.certificate_file if signing.mode == "test" else signing.public_certificate
    return Expected(
        driver=project.driver,
        linker=linker,
        signing=signing,
        target=target if target in project.driver.triples else None,
        arguments=link_arguments(project.driver, linker, target or project.driver.triples[0]).post,
        certificate=_certificate(folder / public)
        if public
        else _test_certificate(project, image, folder, name, target),
        oldest_build=project.package.oldest_build if project.package.kind else None,
    )


def _profile_of(project: Project, folders: tuple[str, ...]) -> str:
    if folders and folders[-1] in project.profiles:
        return folders[-1]
    for name, profile in project.profiles.items():
        cargo_profile = profile.cargo_profile or ""
        if folders and folders[-1] == _FOLDERS.get(cargo_profile, cargo_profile):
            return name
    return "development"


def _test_certificate(
    project: Project, image: Path, folder: Path, profile: str, target: Target | None
) -> Certificate | None:
    """Return the exported test certificate: beside the image, or in the output folder."""
    if project.signing_for(profile).mode != "test":
        return None
    file = f"{project.driver.stem}.cer"
    triple = target or project.driver.triples[0]
    output = project.driver.output_folder(folder, triple, profile)
    return _certificate(image.with_name(file)) or _certificate(output / file)


def _certificate(path: Path) -> Certificate | None:
    try:
        return load_all(path.read_bytes())[0]
    except (OSError, ValueError):
        return None
