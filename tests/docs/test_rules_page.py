"""docs/verify.md lists all rules."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

from kdrvgen.inspection.checks import RULES
from kdrvgen.lexicon.rules import rule_texts
from kdrvgen.report.finding import Rule

PAGE = Path(__file__).parents[2] / "docs" / "verify.md"
FIXES = rule_texts()["fixes"]
HEADING = "## The rules\n"
GROUPS = {
    "image": "The image",
    "section": "Sections",
    "code": "Code",
    "import": "Imports",
    "signature": "Signatures",
    "certificate": "Certificates",
    "timestamp": "Timestamps",
    "config": "Compared with config.toml",
}


def _tables() -> str:
    ordered = sorted(RULES, key=lambda rule: list(GROUPS).index(_group(rule)))
    parts = [HEADING]
    for group, rules in groupby(ordered, key=_group):
        parts.append(
            f"\n### {GROUPS[group]}\n\n| rule | severity | what and why | how to fix | source |\n"
        )
        parts.append("|---|---|---|---|---|\n")
        parts.extend(_row(rule) for rule in rules)
    return "".join(parts)


def _group(rule: Rule) -> str:
    return rule.id.partition("-")[0]


def _row(rule: Rule) -> str:
    title = f"{rule.title[0].upper()}{rule.title[1:]}."
    source = f"[page]({rule.reference})" if rule.reference.startswith("https:") else rule.reference
    return f"| `{rule.id}` | {rule.severity} | {title} {rule.why} | {FIXES[rule.id]} | {source} |\n"


def test_every_rule_has_one_fix() -> None:
    assert sorted(FIXES) == sorted(rule.id for rule in RULES)


def test_the_page_matches_the_rules() -> None:
    text = PAGE.read_text(encoding="utf-8")
    written = f"{text.partition(HEADING)[0]}{_tables()}"
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        PAGE.write_text(written, encoding="utf-8")
        text = written
    assert text == written
