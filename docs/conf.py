"""The documentation's site: `sphinx-build -W --keep-going docs FOLDER`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever is installed

from kdrvgen import __version__

project = "kdrvgen"
author = "The kdrvgen developers"
copyright = author
release = version = __version__
language = "en"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["cookiecutter", "examples"]
nitpicky = True
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

html_theme = "furo"
html_title = f"kdrvgen {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None  # the same bytes from the same sources

# What can be scrolled sideways must be reachable by the keyboard, and a heading has a level.
_ACCESSIBLE = {
    "body": (r'<(pre|div class="table-wrapper [^"]*")>', r'<\1 tabindex="0">'),
    "furo_navigation_tree": ('role="heading"', 'role="heading" aria-level="2"'),
}
# A table is as wide as its longest word: break lines within STATUS_ACCESS_DENIED.
_TEXT = re.compile(r">[^<]+<")
_IN_NAME = re.compile(r"(?<=[A-Z0-9][_:])(?=[A-Z0-9])")


def _make_accessible(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    del app, page, template, doctree
    for part, (pattern, replacement) in _ACCESSIBLE.items():
        if part in context:
            context[part] = re.sub(pattern, replacement, context[part])
    if "body" in context:
        context["body"] = _TEXT.sub(lambda text: _IN_NAME.sub("<wbr>", text[0]), context["body"])


def setup(app: Sphinx) -> None:
    """Register what this site adds to the theme."""
    app.connect("html-page-context", _make_accessible, priority=900)
