"""The text of the user's tasks in Makefile.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from kdrvgen.model.base import plain

__all__ = ["own_tasks"]


def own_tasks(tasks: Mapping[str, Any]) -> str:
    """Return the text of the user's tasks, in their order."""
    return tomli_w.dumps({"tasks": plain(tasks)}, multiline_strings=True)
