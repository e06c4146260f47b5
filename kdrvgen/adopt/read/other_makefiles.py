"""Makefiles of cargo-make with other names, which `--makefile` selects."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.read.findings import difference, unknown
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.report.finding import Finding

__all__ = ["has_tasks", "name_finding", "other_makefiles", "unread_findings"]

_NAME = "makefile.toml"
_OF_OTHERS = frozenset({"cargo.toml", "config.toml", "rust-toolchain.toml"})
_TASKS = re.compile(r"^[ \t]*\[[ \t]*tasks[ \t]*[\].]", re.MULTILINE)


def has_tasks(name: str, text: str) -> bool:
    """Return whether a file may be a makefile: a file of TOML, of no other program, with tasks."""
    is_toml = name.lower().endswith(".toml") and name.lower() not in _OF_OTHERS
    return is_toml and _TASKS.search(text) is not None


def other_makefiles(snapshot: Snapshot) -> list[str]:
    """Return the files in the project's folder with tasks of cargo-make, but for Makefile.toml."""
    return sorted(
        path
        for path, text in snapshot.files.items()
        if "/" not in path and path.lower() != _NAME and has_tasks(path, text)
    )


def name_finding(path: str) -> Finding | None:
    """Return the finding about the name of the project's own makefile, if it has another one."""
    if path == "Makefile.toml":
        return None
    if path.lower() == _NAME:
        return difference(
            Origin(path),
            f"the makefile is named {path}, and systems other than Windows do not find it",
            "kdrvgen writes Makefile.toml: rename this file before",
        )
    return difference(
        Origin(path),
        f"the makefile is named {path}, and `cargo make` needs `--makefile` to find it",
        "kdrvgen writes Makefile.toml: delete this file afterwards, and call `cargo make` without "
        "`--makefile`",
    )


def unread_findings(snapshot: Snapshot, read: Collection[str]) -> Iterator[Finding]:
    """Yield the other makefiles that the project's makefile does not extend."""
    for path in other_makefiles(snapshot):
        if path not in read:
            yield unknown(
                Origin(path),
                "this looks like another makefile of cargo-make, and kdrvgen does not read it",
                "if it makes the driver, move its tasks to Makefile.toml and adopt again",
            )
