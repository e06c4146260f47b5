"""Rules that Windows and Microsoft's InfVerif have for INF files."""

from __future__ import annotations

import datetime as dt

from kdrvgen.packaging.inf.document import Inf
from kdrvgen.packaging.rules import files, installs, sections, services, text, version
from kdrvgen.packaging.rules.rule import InfRule
from kdrvgen.packaging.rules.structure import Structure
from kdrvgen.report.finding import Finding

__all__ = ["RULES", "check"]

RULES: tuple[InfRule, ...] = (
    *text.RULES,
    *version.RULES,
    *sections.RULES,
    *installs.RULES,
    *services.RULES,
    *files.RULES,
)
"""All rules, in the order of the documentation."""


def check(inf: Inf, today: dt.date) -> list[Finding]:
    """Return the rules that an INF file breaks, in the order of the file.

    Args:
        inf: The file, stamped.
        today: The date in UTC, which `DriverVer` cannot exceed.
    """
    structure = Structure(inf)
    found = [
        *text.check(structure),
        *version.check(inf, today),
        *sections.check(structure),
        *installs.check(structure),
        *services.check(structure),
        *files.check(structure),
    ]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda each: each.place.order if each.place else (0, 0))
