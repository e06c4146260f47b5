"""Packages that others published and Microsoft signed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from kdrvgen.inspection.signature import der
from kdrvgen.model.windows_versions import WINDOWS, WindowsVersion
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.catalog.write import Content, write_ctl
from kdrvgen.packaging.inf.parse import parse
from kdrvgen.packaging.rules import check
from kdrvgen.packaging.rules.structure import Structure
from kdrvgen.report.finding import Severity
from tests.packaging.real import Package, infs, packages

pytestmark = pytest.mark.slow

TODAY = dt.date(2025, 6, 30)
# Windows on 32-bit ARM, for which kdrvgen has no target.
ARM = WindowsVersion("8_ARM", "8ARM", "6.2", "arm", 9200)
BY_CATALOG = {version.catalog: version for version in (*WINDOWS.values(), ARM)}


def attributes(ctl: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the attributes of a list."""
    for extension in der.read_all(der.read_one(parts(ctl)[5].content).content):
        pair = der.read_one(der.read_all(extension.content)[1].content)
        name, _, text = der.read_all(pair.content)
        yield name.content.decode("utf-16-be"), text.content.decode("utf-16-le").rstrip("\0")


def parts(ctl: bytes) -> list[der.Value]:
    return der.read_all(der.read_one(ctl).content)


def recomputed(package: Package) -> bytes:
    """Return the list for a package, with the identifier, date and attributes of the real one."""
    ctl = read_catalog(package.catalog).ctl
    inf = parse(package.inf, "wintun.inf")
    _, identifier, date, *_ = parts(ctl)
    named = list(attributes(ctl))
    systems = dict(named)["OS"].split(",")
    ids = (inf.expand(field.text) for _, field in Structure(inf).hardware_ids())
    return write_ctl(
        Content(
            (member_of("wintun.sys", package.image), member_of("wintun.inf", package.inf)),
            tuple(BY_CATALOG[system] for system in systems),
            tuple(ids),
            identifier.content,
            dt.datetime.strptime(date.content.decode(), "%y%m%d%H%M%SZ").replace(tzinfo=dt.UTC),
            tuple(each for each in named if not each[0].startswith(("OS", "HWID"))),
        )
    )


def test_the_lists_of_published_catalogs_are_reproduced() -> None:
    found = list(packages())

    assert len(found) == 4
    for package in found:
        assert recomputed(package) == read_catalog(package.catalog).ctl, package.machine


def test_published_catalogs_cover_their_files() -> None:
    for package in packages():
        catalog = read_catalog(package.catalog)
        assert catalog.is_signed
        assert catalog.has(member_of("wintun.sys", package.image))
        assert catalog.has(member_of("wintun.inf", package.inf))
        assert not catalog.has(member_of("wintun.inf", package.inf + b"\n"))
    assert {read_catalog(package.catalog).version for package in packages()} == {1, 2}


def test_an_inf_that_microsoft_signed_breaks_no_rule() -> None:
    for package in packages():
        found = check(parse(package.inf, "wintun.inf"), TODAY)
        assert {each.rule for each in found} == {"inf-isolation"}, package.machine


def test_an_inf_without_architecture_is_not_for_the_driver_store() -> None:
    data = infs()["windivert64.inf"]
    found = [
        each for each in check(parse(data, "x.inf"), TODAY) if each.severity is not Severity.NOTE
    ]
    assert [each.rule for each in found] == ["inf-pnp-lockdown", "inf-primitive"]
