"""What `kdrvgen verify` does, once the libraries of the extra `verify` are there."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from kdrvgen.commands.config_file import config_of
from kdrvgen.commands.origins import with_origins
from kdrvgen.commands.projects import find_configs
from kdrvgen.config import load
from kdrvgen.errors import FileAccessError, UsageError, VerificationError
from kdrvgen.inspection.checks import RULES
from kdrvgen.inspection.checks.loading import Loading
from kdrvgen.inspection.data import as_data
from kdrvgen.inspection.expected import expected_from
from kdrvgen.inspection.inspect import Inspection, inspect
from kdrvgen.inspection.page import page_parts
from kdrvgen.inspection.signature.certificates import MAX_CERTIFICATES, Certificate, load_all
from kdrvgen.model import Project
from kdrvgen.output.paths import shown
from kdrvgen.output.regular import read_regular
from kdrvgen.report.finding import Severity
from kdrvgen.report.reporter import Reporter
from kdrvgen.spelling import first_of, quantity

__all__ = ["verify_file", "verify_files"]

_TITLE = b"<title>kdrvgen verify:"
_HEAD = 1024
"""The title of a report is in its first bytes."""
_MAX_NAMED = 3
_MAX_REPORT = 1 << 30  # bytes; only its beginning is looked at


def verify_file(
    file: Path, config: Path | None, profile: str | None, trust: Iterable[str | os.PathLike[str]]
) -> Inspection:
    """Check one image, as `kdrvgen.verify` describes it."""
    project = load(config) if config else None
    folder = config.parent if config else Path()
    return _inspected(file, project, folder, profile, _certificates(trust))


def verify_files(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Check the images that the arguments of `kdrvgen verify` name, and report the findings.

    Each image is forgotten before the next one is read.
    """
    reporter.offer_sarif(RULES)
    reporter.progress("looking for images")
    files = list(_files(arguments.files))
    trusted = _certificates(arguments.trust)
    tally = _Tally()
    inspections = tally.counting(_reported(arguments, files, trusted, reporter))
    if arguments.html:
        with _report_file(Path(arguments.html)) as page_file:
            for part in page_parts(inspections, [str(file) for file in files]):
                page_file.write(part)
    else:
        for _ in inspections:
            pass
    reporter.progress("")
    reporter.summary("images", tally.images, tally.summary())
    return tally.fail(Severity(arguments.fail_on))


def _reported(
    arguments: argparse.Namespace,
    files: Sequence[Path],
    trusted: Sequence[Certificate],
    reporter: Reporter,
) -> Iterator[Inspection]:
    """Inspect each file and report its findings, then yield the inspection."""
    projects: dict[Path, Project] = {}
    for number, file in enumerate(files, 1):
        if len(files) > 1:
            reporter.progress(f"verifying {number}/{len(files)} {file}")
        config = None if arguments.no_config else _config(arguments.config, file)
        if config is not None and config not in projects:
            projects[config] = load(config)
        inspection = _inspected(
            file,
            projects[config] if config else None,
            config.parent if config else Path(),
            arguments.profile,
            trusted,
        )
        if config is not None:
            inspection = inspection._replace(
                findings=tuple(with_origins(inspection.findings, config))
            )
        reporter.answer_findings(inspection.findings)
        yield inspection


class _Tally:
    """What remains of each image: its data for programs, and its numbers of findings."""

    def __init__(self) -> None:
        self.images: list[dict[str, object]] = []
        self._lines: list[str] = []
        self._by_file: list[tuple[str, Counter[Severity]]] = []

    def counting(self, inspections: Iterable[Inspection]) -> Iterator[Inspection]:
        for inspection in inspections:
            self.images.append(as_data(inspection))
            counts = Counter(finding.severity for finding in inspection.findings)
            self._by_file.append((str(inspection.path), counts))
            if inspection.loading:
                self._lines += _loading_lines(inspection.path, inspection.loading)
            self._lines.append(f"{inspection.path}: {_counted([counts])}")
            yield inspection

    def summary(self) -> str:
        lines = list(self._lines)
        if len(self._by_file) > 1:
            total = _counted([counts for _, counts in self._by_file])
            lines.append(f"{len(self._by_file)} images: {total}")
        return "\n".join(lines)

    def fail(self, least: Severity) -> int:
        """Return 0 without findings of a severity or worse.

        Raises:
            VerificationError: There are some.
        """
        order = list(Severity)
        worse = order[: order.index(least) + 1]
        failed = [
            (name, counts)
            for name, counts in self._by_file
            if any(counts[severity] for severity in worse)
        ]
        if not failed:
            return 0
        names = first_of([name for name, _ in failed], _MAX_NAMED)
        raise VerificationError(f"{names}: {_counted([counts for _, counts in failed])}.")


def _loading_lines(path: Path, loading: Loading) -> Iterator[str]:
    subject = f" ({loading.subject})" if loading.subject else ""
    yield f"{path}: signed by {loading.signed_by}{subject}"
    yield f"    loaded by: {loading.windows}"
    yield f"    see: {loading.reference}"


def _files(named: Sequence[str]) -> Iterator[Path]:
    """Yield the images; without words those of the project or workspace that is here."""
    if not named:
        yield from _images_of(find_configs(()))
    for path in map(Path, named):
        if path.suffix == ".toml":
            yield from _images_of(find_configs([str(path)]))
        elif not path.is_dir():
            yield path
        elif below := sorted(_images_below(path)):
            yield from below
        else:
            raise UsageError(f"{path} contains no *.sys. `cargo make sign` creates one.")


def _images_of(configs: Sequence[str]) -> list[Path]:
    """Return the images that `cargo make sign` made for projects, for all targets and profiles."""
    found, folders = [], []
    for config in configs:
        project = load(config)
        for place in _outputs(project, Path(config).parent):
            folders.append(place.parent)
            if place.is_file():
                found.append(place)
    if not found:
        raise UsageError(
            f"no image was built yet, such as {folders[0]}{os.sep}*.sys. `cargo make sign` creates "
            "one. To check another file, run `kdrvgen verify FILE.sys`."
        )
    return found


def _outputs(project: Project, root: Path) -> Iterator[Path]:
    """Yield the path of the signed image for each target and profile."""
    driver = project.driver
    variable = os.environ.get("CARGO_TARGET_DIR")
    target_dir = Path(variable) if variable else None
    for triple in driver.triples:
        for profile in project.profiles:
            folder = driver.output_folder(root, triple, profile, target_dir)
            yield Path(shown(folder, driver.image))


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
    certificates: list[Certificate] = []
    for file in files:
        try:
            certificates += load_all(read_regular(Path(file), MAX_CERTIFICATES))
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
    expected = expected_from(project, file, folder, profile) if project is not None else None
    return inspect(file, expected=expected, trusted=trusted)


def _counted(tallies: Iterable[Counter[Severity]]) -> str:
    total: Counter[Severity] = Counter()
    for counts in tallies:
        total += counts
    parts = [quantity(total[kind], kind) for kind in Severity if total[kind]]
    return ", ".join(parts) or "no findings"


@contextmanager
def _report_file(path: Path) -> Iterator[TextIO]:
    """Open a new report, which replaces the old one only when it is complete."""
    _check_is_report(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None
    part = Path(name)
    try:
        # A file name can contain bytes that are not text.
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        part.chmod(_readable_by_others())
        part.replace(path)
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _check_is_report(path: Path) -> None:
    """Raise an error if `path` is something other than a report or nothing."""
    try:
        is_new = not path.exists()
    except (OSError, ValueError) as error:
        raise FileAccessError(f"{path}: {error}") from None
    if not is_new and not read_regular(path, _MAX_REPORT)[:_HEAD].count(_TITLE):
        raise UsageError(
            f"--html {path} would overwrite a file that is not a report of kdrvgen verify. "
            "Choose another file."
        )


def _readable_by_others() -> int:
    """Return the mode of a new file under the current umask."""
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask
