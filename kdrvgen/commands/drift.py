"""What to report about files that differ from the configuration, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kdrvgen.output.paths import shown
from kdrvgen.report.files import UNKNOWN_FILE, Entry, Report
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = ["drift_advice", "drifted_files", "file_warnings"]


def drift_advice(report: Report, config: Path | str = "CONFIG") -> str:
    """Return what to do about files that do not match a configuration."""
    if report.refused:
        return (
            "Some were edited by hand, or not written by kdrvgen: move the edits into the "
            f"configuration and run `kdrvgen {config} --force`, or run `kdrvgen eject FILE` to "
            "keep a file as your own. A file of a newer kdrvgen needs that version."
        )
    if not report.drift:
        return "Move away the files that are not kdrvgen's."
    return f"Run `kdrvgen {config}` and commit the changes."


def file_warnings(report: Report, root: Path, mode: str | None) -> list[Finding]:
    """Return the warnings about files, with paths from the current folder.

    With `--check`, an unknown file in kdrvgen's own folder is an error. `--diff` exits with 0 even
    if a run would be refused.
    """
    found = [each.named(shown(root, each.file)) for each in report.warnings]
    if mode == "check":
        return [
            each.as_severe_as(Severity.ERROR) if each.rule == UNKNOWN_FILE else each
            for each in found
        ]
    if mode == "diff":
        refused = drifted_files(report.refused, root, ", so a run would be refused")
        found += [each.as_severe_as(Severity.WARNING) for each in refused]
    return found


def drifted_files(entries: Iterable[Entry], root: Path, effect: str = "") -> list[Finding]:
    """Return a finding for each file that does not match the configuration."""
    return [
        Finding(
            "refused-file" if entry.status == "refused" else "drift-file",
            f"{entry.reason or 'does not match the configuration'}{effect}",
            Place(shown(root, entry.path)),
        )
        for entry in entries
    ]
