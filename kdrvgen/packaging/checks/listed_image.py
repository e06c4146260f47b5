"""An image without a signature of its own that a signed catalog beside it lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

from kdrvgen.errors import FileAccessError
from kdrvgen.inspection.checks.loading import loading
from kdrvgen.inspection.inspect import Inspection
from kdrvgen.inspection.signature.assessment import Assessment, assess
from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.inspection.signature.roots import Roots
from kdrvgen.output.regular import MAX_DRIVER_FILE, read_regular
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.catalog.signature import read_signatures
from kdrvgen.packaging.catalog.strict import demand_strict
from kdrvgen.report.finding import Finding, Severity

__all__ = ["with_catalog"]

_MISSING = "signature-missing"
_MOST_CATALOGS = 16
_INSTALLED = "Install its package: Windows must know the catalog."


def with_catalog(inspection: Inspection, trusted: Iterable[Certificate]) -> Inspection:
    """Return an inspection that respects the catalog beside an image without a signature.

    Args:
        inspection: The inspection of the image alone.
        trusted: Certificates at which a chain may end; without any, those of Windows.
    """
    image = inspection.image
    if image is None or inspection.signatures:
        return inspection
    member = member_of(inspection.path.name, image.data)
    own = tuple(trusted)
    for path, data in _catalogs(inspection.path.parent):
        try:
            is_listed = read_catalog(data).has(member)
            demand_strict(data)
        except ValueError:
            continue
        assessments = list(_assessed(data, own)) if is_listed else []
        if any(each.is_sound for each in assessments):
            who = loading(image, assessments)
            findings = (_respecting(each, path.name) for each in inspection.findings)
            order = list(Severity)
            return inspection._replace(
                findings=tuple(sorted(findings, key=lambda each: order.index(each.severity))),
                loading=who._replace(windows=f"{who.windows} {_INSTALLED}"),
            )
    return inspection


def _catalogs(folder: Path) -> Iterator[tuple[Path, bytes]]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".cat")
    except OSError:
        return
    for path in paths[:_MOST_CATALOGS]:
        try:
            yield path, read_regular(path, MAX_DRIVER_FILE)
        except FileAccessError:
            continue


def _assessed(data: bytes, trusted: tuple[Certificate, ...]) -> Iterator[Assessment]:
    roots = Roots(trusted, of_windows=not trusted)
    stamp_roots = Roots(trusted, of_windows=True)
    for signature in read_signatures(data):
        assessment = assess(signature, roots, stamp_roots, dt.datetime.now(dt.UTC))
        if not trusted or (assessment.chain and assessment.chain.is_trusted):
            yield assessment


def _respecting(finding: Finding, catalog: str) -> Finding:
    if finding.rule != _MISSING:
        return finding
    return finding._replace(
        severity=Severity.NOTE,
        message=f"the image has no signature of its own, but the signed catalog {catalog} lists it",
        help="Sign the image too if Windows starts the driver while it boots: it needs that then.",
    )
