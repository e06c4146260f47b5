"""How many examples hypothesis makes: a quarter of the number, but all where tests/run.sh runs."""

from __future__ import annotations

import os

__all__ = ["examples"]


def examples(number: int) -> int:
    """Return `number`, or a quarter of it in a run of the fast tests on their own."""
    return number if os.environ.get("KDRVGEN_REQUIRE_TOOLS") else number // 4
