"""The switches of a Windows tool, with their values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Switches", "ToolCall", "parse_switches"]

Switches: TypeAlias = tuple[tuple[str, str], ...]
"""Switches in lower case without their `/` or `-`, each with its value or ""."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The parsed arguments of a tool.

    Attributes:
        switches: The switches, in their order.
        files: The other arguments, which are the files that the tool works on.
    """

    switches: Switches = ()
    files: tuple[str, ...] = ()

    def value(self, switch: str) -> str:
        """Return the value of the last switch with this name; "" without one."""
        return dict(self.switches).get(switch, "")


def parse_switches(
    words: Sequence[str], with_value: Collection[str]
) -> tuple[Switches, tuple[str, ...]]:
    """Return the switches in `words`, and the other words.

    Args:
        words: The arguments of the tool.
        with_value: The switches whose value is the next word.
    """
    switches: list[tuple[str, str]] = []
    others: list[str] = []
    waiting = iter(words)
    for word in waiting:
        name = word[1:].lower()
        if word[:1] in {"/", "-"} and "/" not in name:
            switches.append((name, next(waiting, "") if name in with_value else ""))
        else:
            others.append(word)
    return tuple(switches), tuple(others)
