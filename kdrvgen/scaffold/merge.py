"""Merge several partial config.toml documents."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

__all__ = ["merged"]


def merged(*documents: Mapping[str, Any]) -> dict[str, Any]:
    """Return one document of several; a later document overrides an earlier one."""
    found: dict[str, Any] = {}
    for document in documents:
        _merge(found, document)
        _keep_one_target_key(found, document)
    return found


def _merge(into: dict[str, Any], document: Mapping[str, Any]) -> None:
    for key, value in document.items():
        below = into.get(key)
        if isinstance(value, Mapping) and isinstance(below, dict):
            _merge(below, value)
        else:
            into[key] = deepcopy(dict(value) if isinstance(value, Mapping) else value)


def _keep_one_target_key(into: dict[str, Any], document: Mapping[str, Any]) -> None:
    """Remove `targets` if the document sets `target`, its shorthand, and the other way round."""
    driver, given = into.get("driver"), document.get("driver")
    if isinstance(driver, dict) and isinstance(given, Mapping):
        for key, other in (("target", "targets"), ("targets", "target")):
            if key in given and other not in given:
                driver.pop(other, None)
