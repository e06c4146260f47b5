"""Damaged files: `kdrvgen verify` reports findings soon and with little memory."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdrvgen.inspection.data import as_data
from kdrvgen.inspection.inspect import inspect_bytes
from kdrvgen.inspection.page import page
from tests.inspection.support import Fields
from tests.pipeline.support import Project
from tests.report.support import FORMS, rendered

resource = pytest.importorskip("resource", reason="needs Linux or macOS")

pytestmark = pytest.mark.slow

MUTANTS = int(os.environ.get("KDRVGEN_DAMAGED_IMAGES", "2000"))
EXAMPLES = 2000
LONGEST = 2.0  # seconds for one file; typical are 0.002
MOST_MEMORY = 400 << 10  # kilobytes more than before
EXTREMES = (b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\x10\0", bytes(8))


def _check(data: bytes) -> None:
    inspection = inspect_bytes(Path("mutant.sys"), data)
    json.dumps(as_data(inspection))
    for form in FORMS:
        assert rendered(inspection.findings, form) or not inspection.findings


def _mutant(data: bytes, at: Fields, chance: random.Random) -> bytes:
    changed = bytearray(data)
    start, size = at.table
    regions = ((0, at.section(6)), (start, start + size), (0x400, len(data)), (0, len(data)))
    for _ in range(chance.choice((1, 2, 5, 20))):
        first, last = chance.choice(regions)
        offset = chance.randrange(first, last)
        kind = chance.random()
        if kind < 0.6:
            changed[offset : offset + 1] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF))])
        elif kind < 0.8:
            changed[offset : offset + 4] = chance.choice(EXTREMES)
        elif kind < 0.87:
            del changed[offset:]
        elif kind < 0.94:
            del changed[offset : offset + chance.randrange(1, 50)]
        else:
            changed[offset:offset] = changed[offset : offset + chance.randrange(1, 50)]
    return bytes(changed)


def test_no_damaged_image_makes_verify_crash_hang_or_use_much_memory(driver: Project) -> None:
    images = [driver.sys.read_bytes(), driver.output(profile="production").read_bytes()]
    chance = random.Random(5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(MUTANTS):
        data = images[number % 2]
        mutant = _mutant(data, Fields(data), chance)
        begun = time.process_time()

        _check(mutant)

        assert time.process_time() - begun < LONGEST, number
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_MEMORY


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(data=st.data())
def test_no_value_of_a_header_field_makes_verify_crash(data: st.DataObject, image: bytes) -> None:
    at = Fields(image)
    field = data.draw(st.integers(at.coff, at.section(4)))
    value = data.draw(st.binary(min_size=1, max_size=8))
    changed = image[:field] + value + image[field + len(value) :]

    _check(changed[: data.draw(st.sampled_from([len(changed), 0x400, at.section(2)]))])


def test_a_damaged_image_gets_an_html_page(driver: Project) -> None:
    data = driver.sys.read_bytes()
    chance = random.Random(6)
    for _ in range(100):
        mutant = _mutant(data, Fields(data), chance)

        assert page([inspect_bytes(Path("mutant.sys"), mutant)]).endswith("</html>")
