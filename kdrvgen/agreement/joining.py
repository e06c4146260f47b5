"""How cargo joins configuration files: the nearest has priority, and arrays are appended.

Source: https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["Clash", "clashes"]


class Clash(NamedTuple):
    """A key whose values cargo cannot join, so that it stops.

    Attributes:
        key: The path of the key.
        file: The file in which cargo finds the clash.
        kind: What the value is there.
        first: A file with a higher priority.
        first_kind: What the value is there.
    """

    key: tuple[str, ...]
    file: str
    kind: str
    first: str
    first_kind: str

    @property
    def message(self) -> str:
        """The text of a finding in `file`."""
        return (
            f"`{'.'.join(self.key)}` is {self.kind} here and {self.first_kind} in {self.first}, "
            "and so cargo stops"
        )


def clashes(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Clash]:
    """Yield the values of documents that cargo cannot join: an array or a table, and another kind.

    Args:
        documents: The names and the contents of the files, in the order of their priority.
    """
    known: dict[tuple[str, ...], tuple[str, str]] = {}
    for name, data in documents:
        for key, value in _values(data, ()):
            kind = _kind(value)
            first, first_kind = known.setdefault(key, (name, kind))
            if first_kind != kind:
                yield Clash(key, name, kind, first, first_kind)


def _values(
    table: Mapping[str, Any], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, value in table.items():
        key = (*above, name)
        if key == ("include",):  # applies to its own file
            continue
        yield key, value
        if isinstance(value, Mapping):
            yield from _values(value, key)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    return "an array" if isinstance(value, list) else "a single value"
