"""The rules that a finding can name, apart from those of images and INF files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import tomli

__all__ = ["described_rules", "host_rules", "rule_texts"]


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


def host_rules() -> Mapping[str, tuple[str, str]]:
    """Return the checks of `kdrvgen doctor` by their rule: the name, and what they check."""
    return {
        f"host-{name.lower().replace(' ', '-')}": (name, row["checks"])
        for name, row in rule_texts()["host"].items()
    }
