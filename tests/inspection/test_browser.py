"""The page of `--html` in a browser."""

from __future__ import annotations

import re
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.inspection.page import page
from tests.browser import BROWSER, SCREENS, Scheme, Screen, opened, violations
from tests.inspection.support import Fields, patched
from tests.pipeline.support import Project, need

pytestmark = pytest.mark.slow

HOSTILE = b"<img src=x onerror=alert(1)>"
COLORS = {
    "code": (0xF5, 0xB8, 0x95),
    "constant": (0xA9, 0xD6, 0xA9),
    "signature": (0xA9, 0xC4, 0xEE),
}


def _look(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    need(BROWSER)
    argv = [
        BROWSER,
        "--no-sandbox",  # the sandbox needs rights that a container lacks
        "--disable-gpu",
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=700,420",
        "--hide-scrollbars",
        *options,
        (folder / "report.html").as_uri(),
    ]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)


def _pixels(png: bytes) -> Iterator[tuple[int, ...]]:
    """Yield the pixels of a PNG of 8 bits without alpha or with (W3C, PNG, clauses 9 and 11)."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    channels = {2: 3, 6: 4}[png[25]]
    packed, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(packed)
    row = bytes(width * channels)
    stride = width * channels + 1
    for start in range(0, stride * height, stride):
        row = _unfiltered(raw[start], raw[start + 1 : start + stride], row, channels)
        for pixel in range(0, len(row), channels):
            yield tuple(row[pixel : pixel + 3])


def _unfiltered(kind: int, line: bytes, above: bytes, channels: int) -> bytes:
    row = bytearray(line)
    for index in range(len(row)):
        left = row[index - channels] if index >= channels else 0
        corner = above[index - channels] if index >= channels else 0
        up = above[index]
        nearest = min((left, up, corner), key=lambda each: abs(left + up - corner - each))
        row[index] = (row[index] + (0, left, up, (left + up) // 2, nearest)[kind]) & 0xFF
    return bytes(row)


def test_the_parts_of_the_file_appear_in_their_colors(driver: Project, tmp_path: Path) -> None:
    inspection = kdrvgen.verify(driver.sys)
    (tmp_path / "report.html").write_text(page([inspection]), encoding="utf-8")

    done = _look(tmp_path, f"--screenshot={tmp_path / 'seen.png'}")

    seen = Counter(_pixels((tmp_path / "seen.png").read_bytes()))
    assert "CONSOLE" not in done.stderr
    for kind, color in COLORS.items():
        assert seen[color] > 500, kind


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_the_page_is_accessible_and_no_wider_than_the_screen(
    driver: Project, tmp_path: Path, screen: Screen, scheme: Scheme
) -> None:
    image = driver.sys.read_bytes()
    (tmp_path / "changed.sys").write_bytes(patched(image, (Fields(image).optional + 64, b"\1\2")))
    inspections = [kdrvgen.verify(tmp_path / "changed.sys"), kdrvgen.verify(driver.sys)]
    assert {finding.severity for each in inspections for finding in each.findings} > {"error"}
    (tmp_path / "report.html").write_text(page(inspections), encoding="utf-8")

    with opened(screen, scheme) as tab:
        tab.goto((tmp_path / "report.html").as_uri())
        assert violations(tab) == []
        assert not tab.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def test_hostile_names_in_an_image_are_text_in_the_browser(driver: Project, tmp_path: Path) -> None:
    image = driver.sys.read_bytes()
    at = image.index(b"RSDS") + 24
    size = image.index((at - 24).to_bytes(4, "little")) - 8
    path = tmp_path / "hostile.sys"
    length = (25 + len(HOSTILE)).to_bytes(4, "little")
    module = b"<b>kernel</b>"[:12]
    data = patched(image, (at, b"C:\\" + HOSTILE[: len(HOSTILE)] + b"\0"), (size, length))
    data = patched(data, (Fields(image).section(1), b"<script>"))
    path.write_bytes(data.replace(b"ntoskrnl.exe", module))
    (tmp_path / "report.html").write_text(page([kdrvgen.verify(path)]), encoding="utf-8")

    done = _look(tmp_path, "--dump-dom")

    assert "CONSOLE" not in done.stderr
    assert not re.search(r"<(script|img|b)\b", done.stdout)
    assert "&lt;script&gt;" in done.stdout
