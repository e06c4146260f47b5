"""Templates as Jinja2 loads them: each whole, with what it includes."""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import Environment, PackageLoader

__all__ = ["Loader"]

# With the line end after it, which `trim_blocks` would take away.
_INCLUDE = re.compile(r'{% include "([^"]+)" %}\n?')


class Loader(PackageLoader):
    """Puts included templates in place as text.

    A project takes three templates, and these some twenty more for the scripts of the tasks. To
    load each of them compiled, by itself, takes longer than to render them all.
    """

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool] | None]:
        """Return the whole text of a template, its file, and what tells whether that is current."""
        text, file, is_current = super().get_source(environment, template)
        whole = _INCLUDE.sub(lambda found: self.get_source(environment, found[1])[0], text)
        return whole, file, is_current
