"""Adds a value to each structure of a signature in turn."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection.signature import der
from tests.inspection.support import signature_in, table_entry, with_table

__all__ = ["with_one_more_value", "with_one_more_value_in"]

Node = tuple[int, "bytes | list[Node]"]
"""A value in DER: its tag, and its content."""


def with_one_more_value(data: bytes, payload: bytes) -> Iterator[bytes]:
    """Yield an image, with a value after the last one of each structure in turn."""
    for changed in with_one_more_value_in(signature_in(data), payload):
        yield with_table(data, table_entry(changed))


def with_one_more_value_in(signature: bytes, payload: bytes) -> Iterator[bytes]:
    """Yield a signature, with a value after the last one of each structure in turn."""
    nodes = _nodes(signature)
    assert _joined(nodes) == signature
    yield from _changed(nodes, der.value(der.OCTETS, payload))


def _nodes(content: bytes) -> list[Node]:
    found: list[Node] = []
    at = 0
    while at < len(content):
        start, end = der.extent(content, at, len(content))
        inner = content[start:end]
        found.append((content[at], _nodes(inner) if content[at] & 0x20 else inner))
        at = end
    return found


def _changed(nodes: list[Node], more: bytes) -> Iterator[bytes]:
    encoded = list(map(_encoded, nodes))
    for index, (tag, inner) in enumerate(nodes):
        if isinstance(inner, list):
            for changed in _changed(inner, more):
                yield b"".join((*encoded[:index], der.value(tag, changed), *encoded[index + 1 :]))
    yield b"".join((*encoded, more))


def _joined(nodes: list[Node]) -> bytes:
    return b"".join(map(_encoded, nodes))


def _encoded(node: Node) -> bytes:
    tag, inner = node
    return der.value(tag, inner if isinstance(inner, bytes) else _joined(inner))
