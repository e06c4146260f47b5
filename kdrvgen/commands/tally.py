"""Counts the findings of `kdrvgen verify`: for its summary, its data and its exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from kdrvgen.errors import VerificationError
from kdrvgen.inspection.checks.loading import Loading
from kdrvgen.inspection.data import as_data
from kdrvgen.inspection.inspect import Inspection
from kdrvgen.packaging.checks.inspect import PackageInspection
from kdrvgen.packaging.checks.inspect import as_data as package_as_data
from kdrvgen.report.finding import Severity
from kdrvgen.spelling import first_of, quantity

__all__ = ["Tally"]

_MAX_NAMED = 3


class Tally:
    """What remains of each image: its data for programs, and its numbers of findings."""

    def __init__(self) -> None:
        self.images: list[dict[str, object]] = []
        self.packages: list[dict[str, object]] = []
        self._lines: list[str] = []
        self._by_file: list[tuple[str, Counter[Severity]]] = []

    def counting(
        self, inspections: Iterable[Inspection | PackageInspection]
    ) -> Iterator[Inspection | PackageInspection]:
        """Yield the inspections, each after it was counted."""
        for inspection in inspections:
            if isinstance(inspection, PackageInspection):
                self.packages.append(package_as_data(inspection))
            else:
                self.images.append(as_data(inspection))
                if inspection.loading:
                    self._lines += _loading_lines(inspection.path, inspection.loading)
            counts = Counter(finding.severity for finding in inspection.findings)
            self._by_file.append((str(inspection.path), counts))
            self._lines.append(f"{inspection.path}: {_counted([counts])}")
            yield inspection

    def summary(self) -> str:
        """Return who may load each image, the numbers of findings, and the total of several."""
        lines = list(self._lines)
        if len(self._by_file) > 1:
            total = _counted([counts for _, counts in self._by_file])
            kinds = ((len(self.images), "image"), (len(self.packages), "package"))
            numbers = [quantity(count, kind) for count, kind in kinds if count]
            lines.append(f"{' and '.join(numbers)}: {total}")
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


def _counted(tallies: Iterable[Counter[Severity]]) -> str:
    total: Counter[Severity] = Counter()
    for counts in tallies:
        total += counts
    parts = [quantity(total[kind], kind) for kind in Severity if total[kind]]
    return ", ".join(parts) or "no findings"
