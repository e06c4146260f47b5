"""What `isolation.py` and the process of `sandbox.py` send to each other, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

__all__ = ["CPU_SECONDS", "LARGEST_OUTPUT", "MEMORY", "Failure", "Item", "Request", "Response"]

CPU_SECONDS = 5
"""The processor time that all texts of a template may take together."""

MEMORY = 1024 * 1024 * 1024
"""The address space of the process in bytes, where the system can limit it."""

LARGEST_OUTPUT = 16 * 1024 * 1024
"""The maximum size of all rendered texts of a template together, in characters."""


class Item(TypedDict):
    """A text to render.

    Attributes:
        file: The name for errors.
        source: The Jinja2 template.
        when: A Jinja2 expression; if it is false, there is no result. Empty for always.
    """

    file: str
    source: str
    when: str


class Request(TypedDict):
    """What to render.

    Attributes:
        items: The texts.
        included: The files that they can include, by their names; never rendered by themselves.
        variables: The values of the names that a template can use.
    """

    items: list[Item]
    included: Mapping[str, str]
    variables: Mapping[str, Any]


class Failure(TypedDict):
    """Why an item cannot be rendered.

    Attributes:
        item: Its index.
        file: The file with the error, which may be one that the item includes.
        line: The line in it; 0 if it is not known.
        is_condition: Whether `when` is wrong, and not the text.
        message: The reason.
    """

    item: int
    file: str
    line: int
    is_condition: bool
    message: str


class Response(TypedDict):
    """The results of all items, in their order, if there are no failures."""

    results: list[str | None]
    failures: list[Failure]
