"""The rules that a finding can name, apart from those of images and INF files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import tomli

__all__ = ["HostRule", "described_rules", "host_rules", "rule_texts"]


class HostRule(NamedTuple):
    """A check of `kdrvgen doctor`.

    Attributes:
        name: The name with which its findings begin.
        tasks: The tasks that need it, with commas; or `all`.
        checks: What doctor checks; no sentence. Markdown with links relative to docs/reference.
        why: Why the tasks need it; sentences, likewise.
        fix: How to correct what it reports; sentences or commands, likewise.
    """

    name: str
    tasks: str
    checks: str
    why: str
    fix: str


@cache
def rule_texts() -> Mapping[str, Any]:
    """Return the content of rules.toml, from which the page of rules is made too."""
    text = files("kdrvgen.lexicon").joinpath("rules.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomli.loads(text))


def described_rules() -> Mapping[str, str]:
    """Return what is wrong if a rule is broken, by rule; a sentence."""
    texts = rule_texts()
    return {
        **texts["failures"],
        **{rule: each["text"] for rule, each in texts["rules"].items()},
    }


def host_rules() -> Mapping[str, HostRule]:
    """Return the checks of `kdrvgen doctor` by their rule."""
    return {
        f"host-{name.lower().replace(' ', '-')}": HostRule(name, **row)
        for name, row in rule_texts()["host"].items()
    }
