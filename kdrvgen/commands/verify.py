"""`kdrvgen verify FILE.sys…`: reports why Windows would not load a driver image."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kdrvgen.commands.config_file import config_of
from kdrvgen.errors import FileAccessError, ToolError, UsageError, VerificationError
from kdrvgen.report.reporter import COMMON_FORMATS, Reporter

if TYPE_CHECKING:
    from kdrvgen.inspection.inspect import Inspection
    from kdrvgen.inspection.signature.certificates import Certificate
    from kdrvgen.model import Project

__all__ = ["FORMATS", "populate_parser", "run", "verify"]

FORMATS = (*COMMON_FORMATS, "sarif")
_SEVERITIES = ("error", "warning", "note")
_TITLE = b"<title>kdrvgen verify:"
_HEAD = 1024
"""The title of a report is in its first bytes."""
_MAX_NAMED = 3
_EXTRA = frozenset({"asn1crypto", "cryptography", "lief"})


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
    from kdrvgen.config import load  # noqa: PLC0415 - pulls in pydantic, which --help can do without

    project = load(config) if config is not None else None
    folder = Path(config).parent if config is not None else Path()
    return _inspected(Path(file), project, folder, profile, _certificates(trust))


def demand_libraries() -> None:
    """Check that the packages of the extra `verify` are installed.

    Raises:
        ToolError: One of them is missing.
    """
    try:
        import asn1crypto  # noqa: F401, PLC0415 - only this command needs them
        import cryptography  # noqa: F401, PLC0415 - likewise
        import lief  # noqa: F401, PLC0415 - likewise
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise ToolError(
            f"this command needs the Python package {error.name}, which is not installed. "
            "`pip install kdrvgen[verify]` installs all packages that it needs."
        ) from None


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="an image, or a folder that contains images (*.sys)",
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
    files = list(_files(arguments.files))
    demand_libraries()
    from kdrvgen.inspection.checks import RULES  # noqa: PLC0415 - needs the extra
    from kdrvgen.inspection.data import as_data  # noqa: PLC0415 - likewise

    trusted = _certificates(arguments.trust)
    projects: dict[Path, Project] = {}
    inspections = []
    for number, file in enumerate(files, 1):
        if len(files) > 1:
            reporter.progress(f"{number}/{len(files)} {file}")
        config = None if arguments.no_config else _config(arguments.config, file)
        if config is not None and config not in projects:
            from kdrvgen.config import load  # noqa: PLC0415 - as above

            projects[config] = load(config)
        inspections.append(
            _inspected(
                file,
                projects[config] if config else None,
                config.parent if config else Path(),
                arguments.profile,
                trusted,
            )
        )
    reporter.progress("")
    findings = [finding for inspection in inspections for finding in inspection.findings]
    reporter.answer_findings(findings)
    reporter.offer_sarif(RULES)
    reporter.summary(
        "images", [as_data(inspection) for inspection in inspections], _summary(inspections)
    )
    if arguments.html:
        _write_page(Path(arguments.html), inspections)
    return _fail(inspections, arguments.fail_on)


def _files(named: Sequence[str]) -> Iterator[Path]:
    if not named:
        raise UsageError("no image was given. Example: `kdrvgen verify target/…/debug/hello.sys`.")
    for path in map(Path, named):
        if not path.is_dir():
            yield path
            continue
        below = sorted(_images_below(path))
        if not below:
            raise UsageError(
                f"there is no *.sys in {path} or below. `cargo make sign` creates one."
            )
        yield from below


def _images_below(folder: Path) -> Iterator[Path]:
    """Yield each *.sys in a folder and below; do not follow links to folders."""
    pending = [os.fspath(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.name.lower().endswith(".sys"):
                    yield Path(entry.path)


def _config(given: str | None, file: Path) -> Path | None:
    return Path(given) if given else config_of(file)


def _certificates(files: Iterable[str | os.PathLike[str]]) -> tuple[Certificate, ...]:
    from kdrvgen.inspection.signature.certificates import load_all  # noqa: PLC0415 - needs the extra

    certificates: list[Certificate] = []
    for file in files:
        try:
            certificates += load_all(Path(file).read_bytes())
        except OSError as error:
            raise FileAccessError(f"{os.fspath(file)}: {error.strerror or error}") from None
        except ValueError:
            raise UsageError(
                f"{os.fspath(file)} does not contain a certificate as PEM or DER."
            ) from None
    return tuple(certificates)


def _inspected(
    file: Path,
    project: Project | None,
    folder: Path,
    profile: str | None,
    trusted: Sequence[Certificate],
) -> Inspection:
    from kdrvgen.inspection.expected import expected_from  # noqa: PLC0415 - needs the extra
    from kdrvgen.inspection.inspect import inspect  # noqa: PLC0415 - likewise

    expected = expected_from(project, file, folder, profile) if project is not None else None
    return inspect(file, expected=expected, trusted=trusted)


def _summary(inspections: Sequence[Inspection]) -> str:
    lines = [f"{inspection.path}: {_counted([inspection])}" for inspection in inspections]
    if len(inspections) > 1:
        lines.append(f"{len(inspections)} images: {_counted(inspections)}")
    return "\n".join(lines)


def _counted(inspections: Sequence[Inspection]) -> str:
    from kdrvgen.report.finding import counted  # noqa: PLC0415 - not for --help

    findings = [finding for inspection in inspections for finding in inspection.findings]
    return ", ".join(counted(findings)) or "no findings"


def _write_page(path: Path, inspections: Sequence[Inspection]) -> None:
    from kdrvgen.inspection.page import page  # noqa: PLC0415 - pulls in Jinja2

    try:
        if path.is_file() and _TITLE not in path.read_bytes()[:_HEAD]:
            raise UsageError(
                f"--html {path} would overwrite a file that is not a report of kdrvgen verify. "
                "Choose another file."
            )
        # A file name can contain bytes that are not text.
        path.write_text(page(inspections), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None


def _fail(inspections: Sequence[Inspection], fail_on: str) -> int:
    from kdrvgen.report.finding import Severity, at_least  # noqa: PLC0415 - not for --help

    failed = [
        inspection for inspection in inspections if at_least(inspection.findings, Severity(fail_on))
    ]
    if not failed:
        return 0
    names = ", ".join(str(inspection.path) for inspection in failed[:_MAX_NAMED])
    more = f" and {len(failed) - _MAX_NAMED} more" if len(failed) > _MAX_NAMED else ""
    raise VerificationError(f"{names}{more}: {_counted(failed)}.")
