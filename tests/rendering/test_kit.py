"""What build.rs says about the Windows Driver Kit."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

import kdrvgen


def kit(tables: str) -> dict[str, str]:
    """Return the members of the kit in build.rs of a project with these tables."""
    project = kdrvgen.loads(f'driver.name = "hello"\n{tables}')
    text = kdrvgen.render(project)[PurePosixPath("build.rs")]
    body = text.partition("build_script::Kit {\n")[2].partition("    },\n")[0]
    return dict(re.findall(r"^ +(\w+): (.*),$", body, re.MULTILINE))


@pytest.mark.parametrize(
    ("table", "locate"),
    [
        ("", "Auto"),
        ('wdk.locate = "auto"', "Auto"),
        ('wdk.locate = "env"', "Environment"),
        ('wdk.locate = "registry"', "Registry"),
        ('wdk.locate = "none"', "Nowhere"),
        ('wdk.locate = "wdk-build"\ndriver.entry-point = "DriverEntry"', "Nowhere"),
        ('wdk.locate = "path"\nwdk.path = \'C:\\kit "10"\'', 'Path("C:\\\\kit \\"10\\"")'),
    ],
)
def test_each_way_to_find_a_kit_is_one_of_the_build_script(table: str, locate: str) -> None:
    assert kit(table)["locate"] == f"build_script::Locate::{locate}"


def test_versions_are_numbers() -> None:
    assert kit("")["version"] == "&[]"
    assert kit("")["framework"] == "&[]"
    assert kit('wdk.version = "10.0.26100"')["version"] == "&[10, 0, 26100]"
    found = kit('driver.model = "kmdf"\nwdk.framework-version = "1.15"')
    assert found["framework"] == "&[1, 15]"


@pytest.mark.parametrize(("model", "major"), [("kmdf", 1), ("umdf", 2)])
def test_the_major_version_of_a_framework_is_that_of_its_model(model: str, major: int) -> None:
    assert kit(f'driver.model = "{model}"')["framework"] == f"&[{major}]"


@pytest.mark.parametrize(
    ("table", "libraries"),
    [
        ("", ["ntoskrnl", "hal"]),
        ('wdk.libraries = ["netio", "ntoskrnl"]', ["netio", "ntoskrnl"]),
        (
            'driver.model = "kmdf"\nwdk.libraries = ["WdfLdr", "hal"]',
            ["WdfLdr", "hal", "BufferOverflowFastFailK", "WdfDriverEntry"],
        ),
        (
            'driver.model = "umdf"\nwdk.libraries = ["NTOSKRNL", "Hal", "mincore"]',
            ["mincore", "WdfDriverStubUm", "ntdll", "OneCoreUAP"],
        ),
    ],
)
def test_each_library_is_linked_once_and_no_kernel_library_in_user_mode(
    table: str, libraries: list[str]
) -> None:
    quoted = ", ".join(f'"{each}"' for each in libraries)
    assert kit(table)["libraries"] == f"&[{quoted}]"
