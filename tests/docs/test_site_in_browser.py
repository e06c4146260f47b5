"""The documentation's site in a browser: on a desktop and on a phone, in light and in dark."""

from __future__ import annotations

import http.server
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.browser import PHONE, SCREENS, Scheme, Screen, opened, violations
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

DESKTOP = SCREENS["desktop"]

# Every page in two of the four combinations, and those with the most different content in all.
_EVERY_PAGE = {("desktop", "light"), ("phone", "dark")}
_SAMPLE = {"index.html", "concepts.html", "windows.html", "verify.html", "search.html"}

# A phone scrolls wide tables; on a desktop, nobody looks for a column that is not there.
_HAS_WIDE_TABLE = """[...document.querySelectorAll(".table-wrapper")]
    .some(each => each.scrollWidth > each.clientWidth)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_is_accessible_and_no_wider_than_the_screen(
    site: Path, screen: str, scheme: Scheme
) -> None:
    names = [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html"))]
    if (screen, scheme) not in _EVERY_PAGE:
        names = [name for name in names if name in _SAMPLE]
    assert len(names) >= len(_SAMPLE)
    found = {}
    with opened(SCREENS[screen], scheme) as page:
        for name in names:
            page.goto((site / name).as_uri())
            found[name] = violations(page)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found[name].append("wider than the screen")
            if screen == "desktop" and page.evaluate(_HAS_WIDE_TABLE):
                found[name].append("a table that must be scrolled")
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colors_are_those_that_the_user_prefers(site: Path, scheme: Scheme) -> None:
    with opened(DESKTOP, scheme) as page:
        page.goto((site / "index.html").as_uri())
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = [int(part) for part in color.removeprefix("rgb(").rstrip(")").split(",")]
    assert (sum(brightness) > 3 * 128) is (scheme == "light")


def test_the_search_finds_a_word_of_a_page(site: Path) -> None:
    with serving(_handler(site)) as address, opened(DESKTOP, "light") as page:
        page.goto(f"{address}index.html")
        page.get_by_label("Search").fill("KeBugCheckEx")
        page.keyboard.press("Enter")
        page.locator("#search-results").get_by_role("link", name="Troubleshooting").first.click()
        page.wait_for_url("**/troubleshooting.html*")
        assert "KeBugCheckEx" in page.inner_text("article")


def _handler(folder: Path) -> type[http.server.SimpleHTTPRequestHandler]:
    """Return what serves a folder, and says nothing."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(folder / urlsplit(path).path.lstrip("/"))

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_the_keyboard_soon_reaches_the_link_that_skips_the_navigation(
    site: Path, screen: Screen
) -> None:
    with opened(screen, "light") as page:
        page.goto((site / "windows.html").as_uri())
        for _ in range(3):
            page.keyboard.press("Tab")
            if _focused(page)["text"] == "Skip to content":
                break
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#furo-main-content"


def test_the_keyboard_opens_the_navigation_on_a_phone(site: Path) -> None:
    with opened(PHONE, "light") as page:
        page.goto((site / "windows.html").as_uri())
        link = page.locator(".sidebar-tree").get_by_text("Getting started")
        assert not link.is_visible()
        for _ in range(6):
            page.keyboard.press("Tab")
            if _focused(page)["id"] == "__navigation":
                break
        page.keyboard.press("Space")
        link.wait_for(state="visible")
        link.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/getting-started.html")


def test_the_diagram_is_as_wide_as_the_text_of_a_phone(site: Path) -> None:
    with opened(PHONE, "light") as page:
        page.goto((site / "concepts.html").as_uri())
        diagram = page.get_by_role("img", name="config.toml and the driver")
        box = diagram.bounding_box()
        assert page.evaluate("document.images[0].complete && document.images[0].naturalWidth > 0")
        assert box
        assert 300 < box["width"] <= PHONE[0]


def _focused(page: Page) -> dict[str, str]:
    script = "({id: document.activeElement.id, text: document.activeElement.innerText || ''})"
    focused: dict[str, str] = page.evaluate(script)
    return focused
