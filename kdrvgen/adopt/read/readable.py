"""Whether the files that adopting needs are readable."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.adopt.read.document import read_document
from kdrvgen.adopt.read.makefile import find_makefile
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.errors import ConfigError
from kdrvgen.report.finding import Finding, Place

__all__ = ["check_readable"]

_NEEDED = frozenset({"Cargo.toml", "Makefile.toml", ".cargo/config", ".cargo/config.toml"})


def check_readable(snapshot: Snapshot) -> None:
    """Check the files that adopting needs.

    Raises:
        ConfigError: A file is missing, not text or not valid TOML. It contains the errors of all
            files.
    """
    findings = [
        Finding("toml-unreadable", reason, Place(snapshot.name(path)))
        for path, reason in sorted(snapshot.unreadable.items())
        if path.rpartition("../")[2] in _NEEDED
    ]
    if "Cargo.toml" not in {*snapshot.files, *snapshot.unreadable}:
        place = Place(snapshot.name("Cargo.toml"))
        findings.append(Finding("toml-unreadable", "the file does not exist", place))
    for path in _toml_files(snapshot):
        try:
            read_document(snapshot, path)
        except ConfigError as error:
            findings += error.findings
    if findings:
        raise ConfigError(findings)


def _toml_files(snapshot: Snapshot) -> Iterator[str]:
    """Yield the TOML files that every adoption reads."""
    above = snapshot.above()
    yield from (path for folder in above if (path := f"{folder}Cargo.toml") in snapshot.files)
    alternatives = [
        *((f"{folder}.cargo/config", f"{folder}.cargo/config.toml") for folder in above),
        (find_makefile(snapshot) or "",),
    ]
    yield from filter(None, (snapshot.find(*paths) for paths in alternatives))
