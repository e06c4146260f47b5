"""The rules of `[package]`."""

from __future__ import annotations

import pytest

from kdrvgen import Package
from tests.model.support import also, dotted, is_accepted, project, refusal

DEVICE = '[package]\nkind = "device"\nprovider = "Example"\n'
FILTER = (
    '[package]\nkind = "minifilter"\nprovider = "Example"\naltitude = "370030"\n'
    'load-order-group = "FSFilter Activity Monitor"\n'
)
PRIMITIVE = '[package]\nkind = "primitive"\nprovider = "Example"\n'
UMDF = '[package]\nkind = "umdf"\nprovider = "Example"\n'
X86 = 'target = "i686-pc-windows-msvc"'
ARM64 = 'target = "aarch64-pc-windows-msvc"'


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        (DEVICE, ""),
        (DEVICE, 'model = "kmdf"'),
        (FILTER, ""),
        (PRIMITIVE, ""),
        (UMDF, 'model = "umdf"'),
        (f'{DEVICE}device-class = "hidclass"', ""),
        (f"{DEVICE}minimum-build = 7601", X86),
        (FILTER.replace("370030", "389999.5"), ""),
        ('[package]\ninx = "hello.inx"\nversion = "1.2.3.4"', 'model = "umdf"'),
    ],
)
def test_a_package_of_each_kind_is_accepted(text: str, driver: str) -> None:
    assert is_accepted(text, driver)


@pytest.mark.parametrize(
    ("text", "driver", "key", "hint"),
    [
        ('[package]\nprovider = "x"', "", "package.provider", 'add `kind = "device"`'),
        ('[package]\nkind = "device"', "", "package.kind", "add `provider ="),
        (f'{DEVICE}altitude = "1"', "", "package.altitude", "remove the key"),
        (FILTER.replace('altitude = "370030"\n', ""), "", "package.kind", "add `altitude"),
        (FILTER.replace("370030", "390000"), "", "package.altitude", "360000 to 389999"),
        (FILTER.replace("Activity", "Activty"), "", "package.load-order-group", "did you mean"),
        (FILTER.replace("FSFilter Activity Monitor", "Filter").replace("37", "42"), "",
         "package.kind", "add `device-class`"),
        (PRIMITIVE + 'hardware-ids = ["Root\\\\x"]', "", "package.hardware-ids", "remove the key"),
        (PRIMITIVE + "minimum-build = 17763", "", "package.minimum-build", "18362"),
        (PRIMITIVE, 'model = "kmdf"', "package.kind", 'kind = "device"'),
        (DEVICE, 'model = "umdf"', "package.kind", 'kind = "umdf"'),
        (f"{UMDF}minimum-build = 19041", 'model = "umdf"', "package.minimum-build", "22000"),
        (f"{DEVICE}minimum-build = 9200", 'model = "kmdf"', "package.minimum-build", "10240"),
        (f'{DEVICE}[wdk]\nframework-version = "1.33"', 'model = "kmdf"',
         "package.minimum-build", "20348"),
        (f"{DEVICE}minimum-build = 22621", X86, "package.minimum-build", "remove the target"),
        (f"{DEVICE}minimum-build = 10240", ARM64, "package.minimum-build", "16299"),
        (f'{DEVICE}device-class = "Hid"', "", "package.device-class", "add `class-guid`"),
        (f'{DEVICE}device-class = "Sample"', "", "package.device-class", "System"),
        (f'{DEVICE}device-class = "Net"\nclass-guid = "{{00000000-0000-0000-0000-000000000000}}"',
         "", "package.class-guid", "4d36e972"),
        (f'{DEVICE}extra-files = ["a/hello.sys"]', "", "package.extra-files.0", "rename"),
        (f'{DEVICE}extra-files = ["a/x", "b/X"]', "", "package.extra-files.1", "rename"),
        (f'{DEVICE}operating-systems = ["10_X86"]', "", "package.operating-systems.0", "target"),
        (f'{DEVICE}tool = "wdk"', "", "package.tool", 'add `inx = "driver.inx"`'),
        (f'{DEVICE}extra-files = ["hello.map"]', "", "package.extra-files.0", "rename"),
        ('[package]\ninx = "a.inx"\nprovider = "x"', "", "package.provider", "remove `inx`"),
    ],
)  # fmt: skip
def test_keys_that_contradict_each_other_are_refused(
    text: str, driver: str, key: str, hint: str
) -> None:
    line = refusal(text, driver)

    assert dotted(line) == key
    assert hint in line["ctx"]["hint"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("provider", '"Microsoft"'),
        ("provider", "'a \"b\"'"),
        ("display-name", '"100%"'),
        ("hardware-ids", '["a b"]'),
        ("hardware-ids", '["a,b"]'),
        ("device-class", '"a b"'),
        ("class-guid", '"4d36e97d-e325-11ce-bfc1-08002be10318"'),
        ("minimum-build", "1809"),
        ("minimum-build", '"16299"'),
        ("operating-systems", '["10_X46"]'),
        ("version", '"1.2.3"'),
        ("version", '"1.2.3.65536"'),
        ("date", '"2025-02-30"'),
        ("date", '"1999-01-01"'),
        ("altitude", '"high"'),
        ("inx", '"hello.txt"'),
        ("extra-files", '["../x"]'),
    ],
)
def test_values_that_windows_would_not_accept_are_refused(key: str, value: str) -> None:
    assert dotted(refusal(f"[package]\n{key} = {value}")).startswith(f"package.{key}")


def test_the_other_key_of_a_contradiction_is_shown() -> None:
    assert also(refusal(f"{DEVICE}minimum-build = 22621", X86)) == {"driver.target", "package.kind"}


@pytest.mark.parametrize(
    ("build", "x64", "arm64"),
    [
        (7601, "7_X64", ""),
        (9600, "6_3_X64", ""),
        (10240, "10_X64", ""),
        (16299, "10_RS3_X64", "10_RS3_ARM64"),
        (22000, "10_CO_X64", "10_CO_ARM64"),
        (99999, "10_25H2_X64", "10_25H2_ARM64"),
    ],
)
def test_the_catalog_names_the_oldest_windows(build: int, x64: str, arm64: str) -> None:
    package = Package(minimum_build=build)

    assert package.systems_for("x86_64-pc-windows-msvc") == (x64,)
    if arm64:
        assert package.systems_for("aarch64-pc-windows-msvc") == (arm64,)


def test_names_of_windows_are_spelt_as_inf2cat_spells_them() -> None:
    found = project(f'{DEVICE}operating-systems = ["10_x64", "SERVER2016_X64"]').package

    assert found.systems_for("x86_64-pc-windows-msvc") == ("10_X64", "Server2016_X64")


def test_the_framework_of_the_oldest_windows_fits() -> None:
    kmdf = 'model = "kmdf"'

    assert is_accepted(f'{DEVICE}[wdk]\nframework-version = "1.23"', kmdf)
    assert is_accepted(f'{DEVICE}minimum-build = 20348\n[wdk]\nframework-version = "1.33"', kmdf)
    # Cargo.toml has the version.
    assert is_accepted(f'{DEVICE}minimum-build = 9200\n[wdk]\nlocate = "wdk-build"', kmdf)
