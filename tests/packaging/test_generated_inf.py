"""The generated INF of each kind of package, to be read: tests/packaging/golden."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from kdrvgen import Driver, Package, Project
from kdrvgen.model.driver import Target
from kdrvgen.packaging.generated import inf_text
from kdrvgen.packaging.inf.parse import parse
from kdrvgen.packaging.inf.text import encode
from kdrvgen.packaging.rules import check
from kdrvgen.report.finding import Severity

GOLDEN = Path(__file__).parent / "golden"
DATE = dt.date(2025, 6, 30)
X64: Target = "x86_64-pc-windows-msvc"
FILTER = {"altitude": "370030", "load_order_group": "FSFilter Activity Monitor"}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any], Target]] = {
    "device": ({"kind": "device"}, {}, X64),
    "device-windows-7": (
        {"kind": "device", "minimum_build": 7601},
        {},
        "i686-pc-windows-msvc",
    ),
    "kmdf": ({"kind": "device"}, {"model": "kmdf"}, "aarch64-pc-windows-msvc"),
    "primitive": ({"kind": "primitive", "start_type": "system"}, {}, X64),
    "minifilter": ({"kind": "minifilter", **FILTER}, {}, X64),
    "minifilter-24h2": ({"kind": "minifilter", "minimum_build": 26100, **FILTER}, {}, X64),
    "umdf": ({"kind": "umdf", "device_class": "usbdevice"}, {"model": "umdf"}, X64),
    "names": (
        {
            "kind": "device",
            "display_name": "Hällo; World, = 1",
            "provider": "Ünal",
            "hardware_ids": (r"PCI\VEN_1234&DEV_5678", r"{a}\b=c", "*PNP0F13"),
            "device_class": "Hello",
            "class_guid": "{5A3E4B5C-0000-1111-2222-333344445555}",
            "extra_files": ("firmware/a b;c=%,d.bin",),
        },
        {"output_name": "my 100% driver, x"},
        X64,
    ),
}


def made(name: str) -> str:
    package, driver, target = KINDS[name]
    project = Project(
        driver=Driver(name="hello", target=target, **driver),
        package=Package(**{"provider": "Example", **package}),
    )
    return inf_text(project, target, "1.2.3.0", DATE)


@pytest.mark.parametrize("name", KINDS)
def test_a_generated_inf_is_the_golden_one(name: str) -> None:
    golden = GOLDEN / f"{name}.inf"
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        golden.write_text(made(name), encoding="utf-8", newline="\n")
    assert golden.read_text(encoding="utf-8") == made(name)


@pytest.mark.parametrize("name", KINDS)
def test_a_generated_inf_breaks_no_rule(name: str) -> None:
    found = check(parse(encode(made(name)), "hello.inf"), DATE)

    assert [each for each in found if each.severity is not Severity.NOTE] == []


def test_unusual_names_are_read_back() -> None:
    inf = parse(encode(made("names")), "hello.inf")

    assert inf.text("strings", "device") == "Hällo; World, = 1"
    assert inf.text("version", "catalogfile") == "my 100% driver, x.cat"
    assert inf.text("service", "servicebinary") == r"%13%\my 100% driver, x.sys"
    listed = inf.section("sourcedisksfiles")
    assert listed
    assert [inf.expand(entry.key.text) for entry in listed.entries if entry.key] == [
        "my 100% driver, x.sys",
        "a b;c=%,d.bin",
    ]
