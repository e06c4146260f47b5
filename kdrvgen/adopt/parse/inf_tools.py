"""The arguments of stampinf and inf2cat, which make the INF and the catalog of a package."""

from __future__ import annotations

from collections.abc import Sequence

from kdrvgen.adopt.parse.switches import ToolCall, parse_switches

__all__ = ["parse_inf2cat", "parse_stampinf"]

# Learn: "Stampinf Command Options".
_WITH_VALUE = frozenset({"f", "d", "a", "c", "v", "k", "u", "s", "i"})


def parse_stampinf(words: Sequence[str]) -> ToolCall:
    """Parse the arguments after `stampinf`."""
    return ToolCall(*parse_switches(words, _WITH_VALUE))


def parse_inf2cat(words: Sequence[str]) -> ToolCall:
    """Parse the arguments after `inf2cat`, whose values follow a colon."""
    switches: list[tuple[str, str]] = []
    files: list[str] = []
    for word in words:
        if word[:1] in {"/", "-"}:
            name, _, value = word[1:].partition(":")
            switches.append((name.lower(), value))
        else:
            files.append(word)
    return ToolCall(tuple(switches), tuple(files))
