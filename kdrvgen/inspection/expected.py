"""What a project expects of the image at a path: finds its profile, its target, its certificate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

from kdrvgen.errors import UsageError
from kdrvgen.inspection.checks.subject import Expected
from kdrvgen.inspection.signature.certificates import (
    MAX_CERTIFICATES,
    Certificate,
    load_all,
)
from kdrvgen.model import Project
from kdrvgen.model.driver import Target
from kdrvgen.model.presets import link_arguments
from kdrvgen.output.regular import read_regular
from kdrvgen.rendering.environment import certificate_id

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
        FileAccessError: The file of a certificate is not a regular file, or cannot be read.
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
    return Expected(
        driver=project.driver,
        linker=linker,
        signing=signing,
        target=target if target in project.driver.triples else None,
        arguments=link_arguments(project.driver, linker, target or project.driver.triples[0]).post,
        certificate=next(_certificates(project, image, folder, name), None),
        oldest_build=project.package.oldest_build if project.package.kind else None,
    )


def _profile_of(project: Project, folders: tuple[str, ...]) -> str:
    folder = folders[-1]
    if folder in project.profiles:
        return folder
    for name, profile in project.profiles.items():
        cargo_profile = profile.cargo_profile
        if cargo_profile and folder == _FOLDERS.get(cargo_profile, cargo_profile):
            return name
    return "development"


def _certificates(
    project: Project, image: Path, folder: Path, profile: str
) -> Iterator[Certificate]:
    """Yield the certificates that the signer must be one of, the most specific first."""
    signing = project.signing_for(profile)
    for path in _certificate_files(project, image, folder, profile):
        if path.exists():
            with suppress(ValueError):
                yield load_all(read_regular(path, MAX_CERTIFICATES))[0]
    if signing.mode == "certificate" and signing.pfx and (folder / signing.pfx).exists():
        yield from _in_pfx(read_regular(folder / signing.pfx, MAX_CERTIFICATES))


def _certificate_files(project: Project, image: Path, folder: Path, profile: str) -> Iterator[Path]:
    signing, driver = project.signing_for(profile), project.driver
    if signing.mode == "certificate" and signing.public_certificate:
        yield folder / signing.public_certificate
    elif signing.mode == "test" and signing.certificate_file:
        yield folder / signing.certificate_file
    elif signing.mode == "test":
        file = f"{driver.stem}.cer"
        yield image.with_name(file)
        yield driver.output_folder(folder, driver.triples[0], profile) / file
    if signing.mode == "test" and (data := _data_folder()):
        # The file with the identity has the key too, of which nothing is read.
        yield data / "kdrvgen/certificates" / f"{certificate_id(signing)}.pem"


def _data_folder() -> Path | None:
    """Return the user's folder of data, where the pipeline keeps test certificates on Unix."""
    data, home = os.environ.get("XDG_DATA_HOME", ""), os.environ.get("HOME", "")
    if Path(data).is_absolute():
        return Path(data)
    return Path(home, ".local/share") if Path(home).is_absolute() else None


def _in_pfx(content: bytes) -> Iterator[Certificate]:
    """Yield the certificate in a PFX, if it needs no password."""
    for password in (None, b""):
        with suppress(ValueError, TypeError):
            _, certificate, _ = load_key_and_certificates(content, password)
            if certificate is not None:
                yield Certificate(certificate.public_bytes(Encoding.DER))
                return
