"""What Makefile.toml tells the tools of the kit about a driver package."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
import tomli

from kdrvgen import loads
from kdrvgen.rendering.project import render_own

PACKAGE = '[package]\ninx = "hello.inx"\ntool = "wdk"\nversion = "1.2.3.4"\ndate = "2025-07-01"\n'


@pytest.mark.parametrize(
    ("model", "version", "expected"),
    [
        ("wdm", "", ""),
        ("kmdf", "", "1.15"),
        ("kmdf", "1.33", "1.33"),
        ("umdf", "", "2.15.0"),
        ("umdf", "2.33", "2.33.0"),
    ],
)
def test_the_tools_of_the_kit_get_version_date_and_framework(
    model: str, version: str, expected: str
) -> None:
    wdk = f'[wdk]\nframework-version = "{version}"\n' if version else ""
    project = loads(f'[driver]\nname = "hello"\nmodel = "{model}"\n{wdk}{PACKAGE}')

    env = tomli.loads(dict(render_own(project))[PurePosixPath("Makefile.toml")])["env"]

    assert env["DRIVER_FRAMEWORK_VERSION"] == expected
    assert ("DRIVER_FRAMEWORK_ASSUMED" in env) == (model != "wdm" and not version)
    assert env["DRIVER_PACKAGE_VERSION"] == "1.2.3.4"
    assert env["DRIVER_PACKAGE_DATE"] == "2025-07-01"
    assert env["DRIVER_PACKAGE_OS_X86_64"] == "10_RS3_X64"


def test_wdk_build_reads_the_frameworks_version_itself() -> None:
    wdk = '[wdk]\nlocate = "wdk-build"\n'
    project = loads(f'[driver]\nname = "hello"\nmodel = "kmdf"\n{wdk}{PACKAGE}')

    env = tomli.loads(dict(render_own(project))[PurePosixPath("Makefile.toml")])["env"]

    assert env["DRIVER_FRAMEWORK_VERSION"] == "wdk-build"
    assert "DRIVER_FRAMEWORK_ASSUMED" not in env
