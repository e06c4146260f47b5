"""The arguments of `signtool sign`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.switches import ToolCall, parse_switches

__all__ = ["SignCommand", "parse_sign_command"]

# Learn: "SignTool", options of `sign` that have a value.
_WITH_VALUE = frozenset(
    {
        *("f", "n", "s", "sha1", "fd", "t", "tr", "ac", "td", "p", "c", "csp", "d", "du", "i"),
        *("kc", "p7", "p7co", "p7ce", "r", "seal", "u", "dg", "ds", "di", "dlib", "dmdf"),
    }
)


@dataclass(frozen=True, slots=True)
class SignCommand(ToolCall):
    """A call of `signtool sign`, with the files that it signs."""

    @property
    def names(self) -> frozenset[str]:
        """The names of its switches."""
        return frozenset(name for name, _ in self.switches)

    @property
    def password(self) -> str:
        """The password, or the variable that holds it; "" without one."""
        return self.value("p")


def parse_sign_command(words: Sequence[str]) -> SignCommand:
    """Parse the arguments after `signtool sign`."""
    return SignCommand(*parse_switches(words, _WITH_VALUE))
