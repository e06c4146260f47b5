"""`kdrvgen verify FILE.sys…`: what Windows would object to in a driver image."""

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
    from kdrvgen.inspection.certificates import Certificate
    from kdrvgen.inspection.inspect import Inspection
    from kdrvgen.model import Project

__all__ = ["FORMATS", "populate_parser", "run", "verify"]

FORMATS = (*COMMON_FORMATS, "sarif")
_SEVERITIES = ("error", "warning", "note")
_TITLE = b"<title>kdrvgen verify:"
_HEAD = 1024
"""How many bytes of a report hold its title."""
_EXTRA = frozenset({"asn1crypto", "cryptography", "lief"})


def verify(
    file: str | os.PathLike[str],
    *,
    config: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    trust: Iterable[str | os.PathLike[str]] = (),
) -> Inspection:
    """Check a driver image: its format, its signatures, and whether it is what was asked for.

    Args:
        file: The image.
        config: The project's config.toml, which the image is compared with; None for no comparison.
        profile: The profile of cargo-make that made the image. By default its path tells.
        trust: Files with certificates, as PEM or DER, in one of which the signer's chain has to
            end. Without any, no root is asked for.

    Returns:
        The image, its signatures, and the rules that they break.

    Raises:
        ConfigError: The configuration is not valid.
        FileAccessError: A file cannot be read.
        ToolError: What this needs is not installed: `pip install kdrvgen[verify]`.
        UsageError: There is no such profile, or no certificate in a file of `trust`.
    """
    demand_libraries()
    from kdrvgen.config import load  # noqa: PLC0415 - pulls in pydantic, which --help can do without

    project = load(config) if config is not None else None
    folder = Path(config).parent if config is not None else Path()
    return _inspected(Path(file), project, folder, profile, _certificates(trust))


def demand_libraries() -> None:
    """Make sure that what the extra `verify` brings is there.

    Raises:
        ToolError: It is not.
    """
    try:
        import asn1crypto  # noqa: F401, PLC0415 - only this command needs them
        import cryptography  # noqa: F401, PLC0415 - likewise
        import lief  # noqa: F401, PLC0415 - likewise
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise ToolError(
            f"the Python package {error.name} is not installed, which reads images and signatures. "
            "`pip install kdrvgen[verify]` brings everything that this command needs."
        ) from None


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="an image, or a folder with images (*.sys) below"
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
        help="the least severity that ends in exit code 6: error (default), warning or note",
    )
    parser.add_argument("--html", metavar="FILE", help="write an HTML report")


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0: everything else is raised, as by `verify`.

    Raises:
        VerificationError: There are findings of the severity that --fail-on names, or worse.
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
    reporter.answer_findings([found for each in inspections for found in each.findings])
    reporter.offer_sarif(RULES)
    reporter.summary("images", [as_data(each) for each in inspections], _summary(inspections))
    if arguments.html:
        _write_page(Path(arguments.html), inspections)
    return _judge(inspections, arguments.fail_on)


def _files(named: Sequence[str]) -> Iterator[Path]:
    if not named:
        raise UsageError("no image was given. Such as: `kdrvgen verify target/…/debug/hello.sys`.")
    for each in map(Path, named):
        if not each.is_dir():
            yield each
            continue
        below = sorted(_images_below(each))
        if not below:
            raise UsageError(f"there is no *.sys in {each} or below. `cargo make sign` makes one.")
        yield from below


def _images_below(folder: Path) -> Iterator[Path]:
    """Yield each *.sys below a folder, however deep; links to folders are not followed."""
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
    from kdrvgen.inspection.certificates import load_all  # noqa: PLC0415 - needs the extra

    found: list[Certificate] = []
    for file in files:
        try:
            found += load_all(Path(file).read_bytes())
        except OSError as error:
            raise FileAccessError(f"{os.fspath(file)}: {error.strerror or error}") from None
        except ValueError:
            raise UsageError(f"{os.fspath(file)} holds no certificate, as PEM or DER.") from None
    return tuple(found)


def _inspected(
    file: Path,
    project: Project | None,
    folder: Path,
    profile: str | None,
    trusted: Sequence[Certificate],
) -> Inspection:
    from kdrvgen.inspection.asked import asked_of  # noqa: PLC0415 - needs the extra
    from kdrvgen.inspection.inspect import inspect  # noqa: PLC0415 - likewise

    asked = asked_of(project, file, folder, profile) if project is not None else None
    return inspect(file, asked=asked, trusted=trusted)


def _summary(inspections: Sequence[Inspection]) -> str:
    lines = [f"{each.path}: {_counted([each])}" for each in inspections]
    if len(inspections) > 1:
        lines.append(f"{len(inspections)} images: {_counted(inspections)}")
    return "\n".join(lines)


def _counted(inspections: Sequence[Inspection]) -> str:
    from kdrvgen.report.finding import counted  # noqa: PLC0415 - not for --help

    return ", ".join(counted([found for each in inspections for found in each.findings])) or (
        "nothing found"
    )


def _write_page(path: Path, inspections: Sequence[Inspection]) -> None:
    from kdrvgen.inspection.page import page  # noqa: PLC0415 - pulls in Jinja2

    try:
        if path.is_file() and _TITLE not in path.read_bytes()[:_HEAD]:
            raise UsageError(
                f"--html {path} would overwrite a file that is not a report of kdrvgen verify. "
                "Name another file."
            )
        # A file's name need not be text.
        path.write_text(page(inspections), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None


def _judge(inspections: Sequence[Inspection], fail_on: str) -> int:
    from kdrvgen.report.finding import Severity, at_least  # noqa: PLC0415 - not for --help

    bad = [each for each in inspections if at_least(each.findings, Severity(fail_on))]
    if not bad:
        return 0
    named = ", ".join(str(each.path) for each in bad[:3])
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""  # noqa: PLR2004 - as many are named
    raise VerificationError(f"{named}{more}: {_counted(bad)}.")
