"""Reads an image from a file and checks it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from kdrvgen.inspection.checks import NOT_AN_IMAGE, check
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.loading import Loading, loading
from kdrvgen.inspection.checks.subject import Expected, Subject
from kdrvgen.inspection.pe.image import Image, read_image
from kdrvgen.inspection.signature.assessment import Assessment, assess
from kdrvgen.inspection.signature.authenticode import Signature, read_signatures
from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.inspection.signature.roots import Roots
from kdrvgen.output.regular import MAX_DRIVER_FILE, read_regular
from kdrvgen.report.finding import Finding

__all__ = ["Inspection", "inspect", "inspect_bytes"]


class Inspection(NamedTuple):
    """The image in a file, and the findings about it.

    Attributes:
        path: The file.
        image: The image; None if the file is not one.
        signatures: The signatures in it, each followed by those nested in it.
        findings: The rules that it breaks, the worst first.
        assessments: What each signature proves.
        loading: Who may load it, according to its signatures; None if the file is not an image.
    """

    path: Path
    image: Image | None
    signatures: tuple[Signature, ...]
    findings: tuple[Finding, ...]
    assessments: tuple[Assessment, ...] = ()
    loading: Loading | None = None


def inspect(
    path: str | os.PathLike[str],
    *,
    expected: Expected | None = None,
    trusted: Iterable[Certificate] = (),
    now: dt.datetime | None = None,
    is_umdf: bool = False,
) -> Inspection:
    """Read a driver image and check it.

    Args:
        path: The file.
        expected: What it is compared with.
        trusted: Certificates at which a chain may end; without any, trust is not checked, and a
            note reports that.
        now: The time at which certificates must be valid; by default the current time.
        is_umdf: Whether it is a UMDF driver, also if nothing is expected.

    Raises:
        FileAccessError: The file cannot be read, or is larger than any driver.
    """
    file = Path(path)
    data = read_regular(file, MAX_DRIVER_FILE)
    return _inspected(file, data, _Circumstances(expected, tuple(trusted), now, is_umdf))


def inspect_bytes(
    path: Path,
    data: bytes,
    *,
    expected: Expected | None = None,
    trusted: Iterable[Certificate] = (),
    now: dt.datetime | None = None,
) -> Inspection:
    """Check an image in memory as `inspect` does; `path` is only its name."""
    return _inspected(path, data, _Circumstances(expected, tuple(trusted), now))


class _Circumstances(NamedTuple):
    """What the findings about an image depend on besides its bytes; see `inspect`."""

    expected: Expected | None
    trusted: tuple[Certificate, ...]
    now: dt.datetime | None
    is_umdf: bool = False


def _inspected(path: Path, data: bytes, given: _Circumstances) -> Inspection:
    image = read_image(data)
    if image is None:
        start = Evidence("beginning of the file", data[:4].hex(" ") or "empty", 0)
        fix = "Build the driver: `cargo make sign` writes the image to the target folder."
        return Inspection(path, None, (), (violation(NOT_AN_IMAGE, start, fix).named(str(path)),))
    signatures = read_signatures(image.headers, data)
    own = given.trusted
    roots = Roots(own, of_windows=not own)
    stamp_roots = Roots(own, of_windows=True)
    moment = given.now or dt.datetime.now(dt.UTC)
    assessments = tuple(assess(each, roots, stamp_roots, moment) for each in signatures)
    subject = Subject(image, signatures, assessments, given.expected, own, given.is_umdf)
    findings = tuple(finding.named(str(path)) for finding in check(subject))
    # Windows loads an image regardless of --trust.
    of_windows = Roots((), of_windows=True)
    verdicts = [assess(each, of_windows, stamp_roots, moment) for each in signatures if own]
    who = loading(image, verdicts or assessments)
    return Inspection(path, image, signatures, findings, assessments, who)
