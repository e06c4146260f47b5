"""An INX is stamped as stampinf does it."""

from __future__ import annotations

import datetime as dt

import pytest

from kdrvgen.packaging.inf.stamp import Stamp, stamp

DATE = dt.date(2025, 6, 3)
CATALOG = "CatalogFile = hello.cat"
VERSION = "DriverVer = 06/03/2025,1.2.3.0"
STAMP = Stamp("1.2.3.0", DATE, "arm64", "hello.cat")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[Version]\r\nDriverVer=01/01/2001,0.0.0.1 ; old\r\nCatalogFile = x.cat\r\n[b]\r\n",
            "[Version]\r\nDriverVer = 06/03/2025,1.2.3.0\r\nCatalogFile = hello.cat\r\n[b]\r\n",
        ),
        (
            "; x\n[version]\nClass = Net\n\n[b]\n",
            f"; x\n[version]\nClass = Net\n{CATALOG}\n{VERSION}\n\n[b]\n",
        ),
        ("[Version]", "[Version]\nCatalogFile = hello.cat\nDriverVer = 06/03/2025,1.2.3.0\n"),
        (
            "[Version]\nDriverVer = 01/01/2001, \\\n 1.0.0.0\nCatalogFile.NT = y.cat\n",
            f"[Version]\n{VERSION}\nCatalogFile.NT = y.cat\n{CATALOG}\n",
        ),
        ("[Version]\nx\r", f"[Version]\nx\r\n{CATALOG}\r\n{VERSION}\r\n"),
        ("[a]\nDriverVer = x\n", "[a]\nDriverVer = x\n"),
    ],
)
def test_version_and_catalog_are_replaced_or_added(text: str, expected: str) -> None:
    assert stamp(text, STAMP) == expected


@pytest.mark.parametrize(
    ("framework", "text", "expected"),
    [
        ("1.33", "$ARCH$ $KMDFVERSION$ $KMDFCOINSTALLERVERSION$", "arm64 1.33 01033"),
        ("2.33.0", "$UMDFVERSION$ $UMDFCOINSTALLERVERSION$", "2.33.0 02033"),
        ("1.5", "$KMDFCOINSTALLERVERSION$ $UMDFVERSION$", "01005 $UMDFVERSION$"),
        ("", "NT$ARCH$ $KMDFVERSION$", "NTarm64 $KMDFVERSION$"),
    ],
)
def test_variables_are_replaced(framework: str, text: str, expected: str) -> None:
    assert stamp(text, STAMP._replace(framework=framework)) == expected
