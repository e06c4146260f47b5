"""`kdrvgen package IMAGE`: makes the driver package of a signed image."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
from collections.abc import Mapping
from pathlib import Path

from kdrvgen.agreement.manifest import read_manifest
from kdrvgen.commands.config_file import config_of
from kdrvgen.commands.images import PACKAGE_FOLDER, built_image
from kdrvgen.commands.whole_folder import FolderReport, compared, keep_signed, report_folder
from kdrvgen.config import load
from kdrvgen.errors import ConfigError, UsageError, VerificationError
from kdrvgen.model import Project
from kdrvgen.model.driver import Target
from kdrvgen.output.paths import is_within, real_path
from kdrvgen.output.regular import MAX_DRIVER_FILE, read_regular
from kdrvgen.packaging.build import Ingredients, Made, build, is_signed, target_of, uncovered
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.folder import read_folder, write_folder
from kdrvgen.packaging.generated import framework_version
from kdrvgen.packaging.inf.parse import MAX_SIZE, parse
from kdrvgen.packaging.inf.text import decode
from kdrvgen.report.finding import Finding, Place, Severity, at_least
from kdrvgen.report.reporter import Reporter

__all__ = ["INTERMIXED", "make_package", "populate_parser", "run"]

INTERMIXED = True
_LARGEST_PART = 0xFFFF


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "image",
        metavar="IMAGE",
        nargs="?",
        help="the signed driver, such as target/driver/…/hello.sys (default: the one that the "
        "project in this folder or above it has built)",
    )
    parser.add_argument(
        "--config",
        metavar="CONFIG",
        help="the configuration with [package] (default: the one beside IMAGE or above it)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help=f"the folder of the package (default: {PACKAGE_FOLDER}, beside IMAGE)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing; check the INF and list the files"
    )


def make_package(
    image: str | os.PathLike[str],
    *,
    config: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> FolderReport:
    """Make the driver package of a signed image: INF, catalog and files.

    Args:
        image: The image. The `.pdb`, `.map` and `.cer` beside it become part of the package.
        config: The config.toml with `[package]`; by default the one beside the image or above it.
        output: The folder of the package; by default `package`, beside the image.
        dry_run: Whether to write nothing.

    Returns:
        The change of each file, and the findings. With an error among them, nothing was written.

    Raises:
        UsageError: The image is not that of the project, or the folder has other files.
        ConfigError: The configuration or Cargo.toml is not valid, or has no `[package]`.
        FileAccessError: A file cannot be read or written.
    """
    path = Path(image)
    found = Path(config) if config is not None else config_of(path)
    if found is None:
        raise UsageError(
            f"no config.toml was found beside {path} or above it. Name one with --config."
        )
    project = load(found)
    stem = project.driver.stem
    data = read_regular(path, MAX_DRIVER_FILE)
    target = _target(project, path, data, found)
    folder = Path(output) if output is not None else path.with_name(PACKAGE_FOLDER)
    inf_name = os.path.normpath(folder / f"{stem}.inf")
    given = _ingredients(project, found, path, target, inf_name)
    before = read_folder(folder, {*given.files, f"{stem}.inf", f"{stem}.cat"})
    made = _made(given, before)
    findings = (*_unsigned(path, data), *_assumed_framework(given, found), *made.findings)
    if at_least(findings, Severity.ERROR):
        return FolderReport(folder, (), findings)
    after = _kept(made.files, before, f"{stem}.cat")
    if after != before and not dry_run:
        if wrong := uncovered(after, stem, target):
            raise VerificationError(f"the catalog does not cover {', '.join(wrong)}.")
        write_folder(folder, after)
    return compared(folder, before, after, findings)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0: all failures are raised, as by `make_package`.

    Raises:
        UsageError: No image is named, and the project has none or several.
        VerificationError: The INF breaks a rule.
    """
    made = make_package(
        arguments.image or built_image(),
        config=arguments.config,
        output=arguments.output,
        dry_run=arguments.dry_run,
    )
    report_folder(made, "package", reporter, planned=arguments.dry_run)
    return 0


def _made(given: Ingredients, before: Mapping[str, bytes]) -> Made:
    """Return the package; with the date of the existing one if only the date would change."""
    stem = given.project.driver.stem
    old = parse(before.get(f"{stem}.inf", b""), f"{stem}.inf").text("version", "driverver")
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", old, re.ASCII)
    is_automatic = not given.project.package.date and "SOURCE_DATE_EPOCH" not in os.environ
    if found and is_automatic:
        try:
            date = dt.date(int(found[3]), int(found[1]), int(found[2]))
        except ValueError:
            date = given.date
        earlier = build(given._replace(date=date))
        if _kept(earlier.files, before, f"{stem}.cat") == before:
            return earlier
    return build(given)


def _kept(
    files: Mapping[str, bytes], before: Mapping[str, bytes], catalog: str
) -> Mapping[str, bytes]:
    return keep_signed(catalog, files, before, lambda data: read_catalog(data).ctl)


def _target(project: Project, image: Path, data: bytes, config: Path) -> Target:
    driver, package = project.driver, project.package
    if not package.is_described:
        message = "the configuration has no `[package]` with a `kind`"
        advice = 'add `[package]`, `kind = "device"` and `provider = "Your organization"`'
        raise ConfigError([Finding("key-missing", message, Place(str(config)), help=advice)])
    target = target_of(data)
    if target is None:
        raise UsageError(f"{image} is not a driver for x64, x86 or ARM64.")
    if target not in driver.triples:
        raise UsageError(
            f"{image} is for {target}, which is not a target of {config}. Build it again, or add "
            "the target to driver.targets."
        )
    if image.name.lower() != driver.image.lower():
        raise UsageError(
            f"{image} is not the driver of {config}, which is {driver.image}. Name that file, or "
            "another configuration with --config."
        )
    return target


def _unsigned(image: Path, data: bytes) -> list[Finding]:
    if is_signed(data):
        return []
    message = "the image has no signature"
    advice = "sign it first, for example with `cargo make sign`"
    place = Place(str(image))
    return [Finding("package-unsigned", message, place, Severity.WARNING, advice)]


def _assumed_framework(given: Ingredients, config: Path) -> list[Finding]:
    """Return a finding if the INF gets a version of KMDF or UMDF that nobody has set."""
    model = given.project.driver.model
    version = framework_version(given.project)
    own = decode(given.inx[1]).text if given.inx else None
    is_used = own is None or f"${model.upper()}" in own
    if not version or given.project.wdk.framework_version or not is_used:
        return []
    place = "`wdk.framework-version`"
    if given.project.wdk.is_wdk_builds:
        place = f"`target-{model}-version-minor` in Cargo.toml"
    message = (
        f"the INF names {model.upper()} {version}, because {place} is not set, but the driver is "
        "linked with the newest version that the kit has"
    )
    advice = f"set {place} to the version of the oldest Windows of the package"
    key = ("wdk", "framework-version")
    return [
        Finding("package-framework", message, Place(str(config)), Severity.WARNING, advice, key)
    ]


def _ingredients(
    project: Project, config: Path, image: Path, target: Target, inf_name: str
) -> Ingredients:
    stem, root = project.driver.stem, config.parent
    files = {project.driver.image: read_regular(image, MAX_DRIVER_FILE)}
    for ending in ("pdb", "map", "cer"):
        beside = image.with_name(f"{stem}.{ending}")
        if beside.is_file():
            files[beside.name] = read_regular(beside, MAX_DRIVER_FILE)
    for path in project.package.extra_files:
        files[path.rpartition("/")[2]] = read_regular(_within(root, path), MAX_DRIVER_FILE)
    inx = None
    if own := project.package.inx:
        inx = (os.path.normpath(root / own), read_regular(_within(root, own), MAX_SIZE))
    today = dt.datetime.now(dt.UTC).date()
    version, date = _version(project, root), _date(project) or today
    project = _with_framework_of_wdk_build(project, root)
    return Ingredients(project, target, files, version, date, today, inx, inf_name)


def _within(root: Path, path: str) -> Path:
    """Return the path of a project's file.

    Raises:
        UsageError: A link leads out of the project.
    """
    if not is_within(real_path(root), real_path(root / path)):
        raise UsageError(f"{path} is a link that leads out of the project. Copy the file instead.")
    return root / path


def _version(project: Project, root: Path) -> str:
    if project.package.version:
        return project.package.version
    manifest = read_manifest(root, project.driver.workspace_root)
    text = manifest.package("version") if manifest else None
    if manifest is None or text is None:
        raise UsageError(
            f"the version of the driver is unknown: {root / 'Cargo.toml'} has no package.version. "
            "Set package.version in the configuration."
        )
    found = re.match(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?![\d.])", text, re.ASCII)
    if found is None or max(map(int, found.groups())) > _LARGEST_PART:
        message = f"`{text}` cannot be the version of a driver: Windows has numbers up to 65535"
        advice = "set `package.version` in the configuration"
        place = manifest.own.place("package", "version")
        raise ConfigError([Finding("cargo-version", message, place, help=advice)])
    return ".".join(str(int(part)) for part in (*found.groups(), "0"))


def _with_framework_of_wdk_build(project: Project, root: Path) -> Project:
    """Return the project with the framework's version that wdk-build reads from Cargo.toml.

    Source: wdk-build 0.3.0 to 0.6.0, src/metadata.rs.
    """
    manifest = read_manifest(root, project.driver.workspace_root)
    if manifest is None or not project.wdk.is_wdk_builds:
        return project
    model = project.driver.model
    names = f"{model}-version-major", f"target-{model}-version-minor"
    places = [(manifest.own, "package"), (manifest.workspace or manifest.own, "workspace")]
    for document, table in places:
        path = (table, "metadata", "wdk", "driver-model")
        major, minor = (document.get(*path, name) for name in names)
        if isinstance(major, int) and isinstance(minor, int):
            update = {"framework_version": f"{major}.{minor}"}
            wdk = project.wdk.model_copy(update=update)
            return project.model_copy(update={"wdk": wdk})
    return project


def _date(project: Project) -> dt.date | None:
    """Return the date from the configuration or SOURCE_DATE_EPOCH; None for the current one.

    Source: https://reproducible-builds.org/specs/source-date-epoch
    """
    if project.package.date:
        return dt.date.fromisoformat(project.package.date)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return None
    if not re.fullmatch(r"\d{1,11}", epoch, re.ASCII):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is `{epoch}`, which is not a number of seconds since 1970."
        )
    return dt.datetime.fromtimestamp(int(epoch), dt.UTC).date()
