"""The documentation's site: it builds without a warning, and its pages are those of the program."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

import kdrvgen

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = Path(kdrvgen.__file__).parent
MAKERS = {"Finding", "Rule", "self._finding"}


def _reference() -> ModuleType:
    """Return docs/reference.py, which is a script and not part of a package."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Page(HTMLParser):
    """The links of a page, and the places that a link can lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in {"script", "img", "iframe", "source"} and "src" in values:
            self.loaded.append(values["src"])
        if tag == "link" and values.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loaded.append(values.get("href", ""))


@pytest.mark.slow
def test_every_internal_link_of_the_site_has_a_target(site: Path) -> None:
    pages = {path: _Page(path) for path in site.rglob("*.html")}
    assert len(pages) > 25
    broken = [
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        for link in page.links
        if not _leads_somewhere(path, link, pages)
    ]
    assert broken == []


def _leads_somewhere(page: Path, link: str, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target not in pages:
        return target.is_file()
    return not parts.fragment or unquote(parts.fragment) in pages[target].anchors


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert [each for each in _Page(path).loaded if urlsplit(each).netloc] == [], path
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"(?:@import|url\()[^;)]*//", text) == [], path


@pytest.mark.slow
def test_every_page_is_in_the_navigation(site: Path) -> None:
    links = {urlsplit(link).path for link in _Page(site / "index.html").links}
    written = {
        path.relative_to(DOCS).with_suffix(".html").as_posix()
        for path in DOCS.rglob("*.md")
        if path.relative_to(DOCS).parts[0] not in {"cookiecutter", "examples"}
    }
    assert written - links - {"index.html"} == set()


def test_the_reference_pages_match_the_program() -> None:
    reference = _reference()
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        reference.update()
    outdated = [
        path.name
        for path, text in reference.pages().items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert outdated == [], "`python docs/reference.py` updates them"


@pytest.mark.slow
def test_the_page_of_rules_has_every_rule() -> None:
    described = _reference().described_rules()
    named = set(_named_rules())
    texts = {text for file in SOURCES.rglob("*.py") for text in _strings(file)}
    assert {rule for rule in named if not rule.startswith("host-")} - described == set()
    assert described - texts == set()


def _named_rules() -> Iterator[str]:
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                first = node.args[:1] if ast.unparse(node.func) in MAKERS else []
                for value in (
                    *first,
                    *(each.value for each in node.keywords if each.arg == "rule"),
                ):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value


def _strings(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
