"""Pages in a real browser: Chromium, driven by Playwright; axe-core checks accessibility."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from tests.tools import need, path_in, without

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["BROWSER", "PHONE", "SCREENS", "Scheme", "Screen", "opened", "violations"]

BROWSER = "chromium-headless-shell"

Screen = tuple[int, int]
DESKTOP: Screen = (1280, 900)
PHONE: Screen = (360, 740)
SCREENS = {"desktop": DESKTOP, "phone": PHONE}

Scheme = Literal["light", "dark"]

# WCAG 2.2, levels A and AA (axe-core, API documentation, "Axe-core tags").
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# axe-core would load style sheets again, which a page of a file may not, and would describe the
# elements that pass, which takes a quarter of its time (API documentation, "Options Parameter").
_CHECK = """levels => axe.run({
    runOnly: {type: 'tag', values: levels},
    preload: false,
    resultTypes: ['violations'],
    selectors: false,
})"""


@contextmanager
def opened(screen: Screen, scheme: Scheme) -> Iterator[Page]:
    """Yield an empty page of a new browser; what it prints to its console fails the test.

    Args:
        screen: The size of the window in CSS pixels.
        scheme: The colors that the user prefers.
    """
    need(BROWSER)
    if not find_spec("playwright"):
        without("Playwright is not installed; `python -m pip install --group docs` installs it")
    api = import_module("playwright.sync_api")
    messages: list[str] = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which(BROWSER),
            args=["--no-sandbox"],  # the sandbox needs rights that a container lacks
        )
        page = browser.new_page(
            viewport={"width": screen[0], "height": screen[1]}, color_scheme=scheme
        )
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        try:
            yield page
        finally:
            browser.close()
    assert messages == []


def violations(page: Page) -> list[str]:
    """Return what axe-core finds on an open page: the rule, and the elements that break it."""
    axe = path_in("KDRVGEN_AXE", "axe-core")
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = page.evaluate(_CHECK, _LEVELS)
    return [
        f"{each['id']}: {node['html']} ({node['failureSummary']})"
        for each in found["violations"]
        for node in each["nodes"]
    ]
