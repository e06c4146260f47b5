"""The findings of many projects, with one group for each finding that several of them have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from kdrvgen.report.finding import Finding, Place, Severity
from kdrvgen.spelling import quantity

__all__ = ["Groups"]

_MOST_PLACES = 3
_MOST_ALIKE = 3
_MOST_DIFFS = 3


@dataclass(slots=True)
class _Group:
    """One finding, with the number of its places and the first of them."""

    first: Finding
    general: Finding
    count: int = 0
    others: list[Place] = field(default_factory=list)

    def shown(self) -> Finding:
        """Return the finding to show for the group."""
        more = self.count - 1
        if not more:
            return self.first
        rest = more - len(self.others)
        places = [*map(str, self.others), *([f"{rest} more"] if rest else [])]
        last = f" and {places.pop()}" if len(places) > 1 else ""
        return self.general._replace(note=f"the same in {', '.join(places)}{last}")


class Groups:
    """Collects findings; its size depends on how many differ, and not on how many there are.

    Findings are the same if all that they say is the same, apart from the place and the folder of
    the project. Some are alike and differ only in quoted names, such as those of the drivers: the
    first three are shown, and the others are counted.
    """

    def __init__(self, *, is_complete: bool = False) -> None:
        self._is_complete = is_complete
        self._groups: dict[Finding, _Group] = {}
        self._alike: Counter[tuple[str, Severity, str]] = Counter()
        self._left_out: Counter[tuple[str, Severity]] = Counter()
        self._counts: Counter[Severity] = Counter()
        self._differing = 0

    def add(self, findings: Sequence[Finding], omitted: int = 0) -> None:
        """Add the findings of one project.

        Args:
            findings: The findings.
            omitted: The number of errors that the findings leave out.
        """
        self._counts[Severity.ERROR] += omitted
        for finding in findings:
            self._counts[finding.severity] += 1
            general = _without_folder(finding)
            key = general._replace(place=None, related=())
            group = self._groups.get(key)
            if group is None:
                likeness = (finding.rule, finding.severity, _without_names(general.message))
                self._alike[likeness] += 1
                if self._alike[likeness] > _MOST_ALIKE and not self._is_complete:
                    self._left_out[finding.rule, finding.severity] += 1
                    continue
                group = self._groups[key] = _Group(finding, general)
            elif finding.place and len(group.others) < _MOST_PLACES:
                group.others.append(finding.place)
            group.count += 1

    def takes_diff(self) -> bool:
        """Count one more project that differs; return whether to show how."""
        self._differing += 1
        return self._is_complete or self._differing <= _MOST_DIFFS

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One finding for each group, and a note for each rule with findings that are left out."""
        notes = tuple(
            Finding(
                rule,
                f"{quantity(count, f'more {severity}')} of the rule {rule}, like those above but "
                "with other names. -v shows all",
                severity=Severity.NOTE,
            )
            for (rule, severity), count in self._left_out.items()
        )
        unseen = 0 if self._is_complete else self._differing - _MOST_DIFFS
        if unseen > 0:
            message = f"the differences in {unseen} more projects are not shown. --diff shows all"
            notes = (*notes, Finding("drift", message, severity=Severity.NOTE))
        return (*(group.shown() for group in self._groups.values()), *notes)

    @property
    def total(self) -> str:
        """The number of all findings of each severity, such as `400 errors and 2 warnings`."""
        return " and ".join(
            quantity(self._counts[kind], kind)
            for kind in Severity
            if kind is not Severity.OK and self._counts[kind]
        )


def _without_folder(finding: Finding) -> Finding:
    """Return the finding with file names from the project's folder, as each project would have."""
    folder = re.sub(r"[^/\\]*$", "", finding.file)
    if not folder:
        return finding
    pattern = re.compile(rf"(?<![\w./\\-]){re.escape(folder)}")
    return finding._replace(
        message=pattern.sub("", finding.message), help=pattern.sub("", finding.help)
    )


def _without_names(message: str) -> str:
    return re.sub(r"`[^`]*`|\"[^\"]*\"", "`…`", message)
