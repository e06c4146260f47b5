"""Where in config.toml the fix of a finding about an image goes.

Code scanning shows only findings in files of the repository, and a built image is not one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from kdrvgen.config.locator import Node, locate
from kdrvgen.config.reader import read
from kdrvgen.config.source import Source
from kdrvgen.report.finding import Finding, Place

__all__ = ["with_origins"]

_KEY = re.compile(r"\b(driver|linker|signing|package|build)\.([a-z]+(?:-[a-z]+)*)")


def with_origins(findings: Iterable[Finding], config: Path) -> Iterator[Finding]:
    """Yield the findings with the place of the first key that their help names.

    A key that config.toml does not set is shown at its table, or at the beginning of the file.

    Args:
        findings: The findings about an image.
        config: The configuration that it is compared with; it is valid.
    """
    source = Source.of(read(config), str(config))
    root = locate(source.text)
    for finding in findings:
        key = _KEY.search(finding.help)
        place = _place(source, root, key.groups()) if key else Place(str(config), 1)
        yield finding._replace(origin=place._replace(excerpt=None))


def _place(source: Source, root: Node, key: tuple[str, ...]) -> Place:
    for path in (key, key[:1]):
        node = root.find(path)
        extent = node and (node.key or node.header)
        if extent:
            return source.place(extent)
    return Place(source.name, 1)
