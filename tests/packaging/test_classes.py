"""Classes of devices, groups of minifilters and versions of Windows, as in Microsoft's lists."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.write import Content, write_ctl
from kdrvgen.packaging.generated import inf_text


def listed(name: str) -> list[list[str]]:
    text = Path(__file__).with_name(f"{name}.txt").read_text("utf-8")
    return [
        line.split(None, 4 if name == "windows" else 3)
        for line in text.splitlines()
        if not line.startswith("#")
    ]


GROUPS = listed("groups")


def class_of(package: str) -> list[str]:
    """Return the class and its GUID in the INF of a package with these keys."""
    project = kdrvgen.loads(f'driver.name = "hello"\n[package]\nprovider = "Example"\n{package}')
    text = inf_text(project, "x86_64-pc-windows-msvc", "1.0.0.0", dt.date(2025, 6, 30))
    lines = dict(line.split(" = ") for line in text.splitlines() if line.startswith("Class"))
    return [lines["Class"], lines["ClassGuid"]]


def minifilter(group: str, altitude: str) -> str:
    keys = f'load-order-group = "{group}"\naltitude = "{altitude}"\n'
    return f'kind = "minifilter"\n{keys}device-class = "Sensor"\n'


def test_each_class_has_its_guid_and_its_spelling() -> None:
    for name, guid in listed("classes"):
        assert class_of(f'kind = "device"\ndevice-class = "{name.lower()}"\n') == [name, guid]


@pytest.mark.parametrize(("lowest", "highest", "name", "group"), GROUPS)
def test_each_group_has_its_class(lowest: str, highest: str, name: str, group: str) -> None:
    assert int(lowest) < int(highest)
    text = minifilter(group, lowest).replace('device-class = "Sensor"\n', "")
    if name == "-":
        with pytest.raises(kdrvgen.ConfigError, match=f"`{group}` has no class of its own"):
            class_of(text)
    else:
        assert class_of(text)[0] == name


@pytest.mark.parametrize(("lowest", "highest", "name", "group"), GROUPS)
def test_each_group_has_its_altitudes(lowest: str, highest: str, name: str, group: str) -> None:
    del name
    for altitude in (lowest, f"{lowest}.5", highest, f"{highest}.999"):
        class_of(minifilter(group, altitude))
    for altitude in (f"{int(lowest) - 1}.999", str(int(highest) + 1)):
        with pytest.raises(kdrvgen.ConfigError, match=f"not an altitude of `{group}`"):
            class_of(minifilter(group, altitude))


def test_a_group_that_does_not_exist_has_a_similar_name() -> None:
    with pytest.raises(kdrvgen.ConfigError, match="did you mean `FSFilter Anti-Virus`"):
        class_of(minifilter("FSFilter AntiVirus", "320000"))


TRIPLES = {"amd64": "x86_64", "x86": "i686", "arm64": "aarch64"}


@pytest.mark.parametrize(("name", "catalog", "kernel", "machine", "build"), listed("windows"))
def test_each_version_of_windows_has_its_names_and_its_architecture(
    name: str, catalog: str, kernel: str, machine: str, build: str
) -> None:
    package = f'[package]\nkind = "device"\nprovider = "E"\noperating-systems = ["{name.lower()}"]'
    for architecture, triple in TRIPLES.items():
        text = f'[driver]\nname = "a"\ntarget = "{triple}-pc-windows-msvc"\n{package}\n'
        if architecture == machine:
            assert kdrvgen.loads(text).package.operating_systems == (name,)
        else:
            with pytest.raises(kdrvgen.ConfigError, match=f"`{name}` is for {machine}"):
                kdrvgen.loads(text)
    version = WINDOWS[name.lower()]
    assert version.build == int(build)
    date = dt.datetime(2025, 6, 30, tzinfo=dt.UTC)
    ctl = write_ctl(Content((member_of("a.inf", b"\0"),), (version,), (), bytes(16), date))
    assert catalog.encode("utf-16-le") in ctl
    assert ("Server".encode("utf-16-le") in ctl) == ("Server" in catalog)
    assert f":{kernel}\0".encode("utf-16-le") in ctl


def test_the_versions_are_in_the_order_of_a_catalog() -> None:
    assert [version.name for version in WINDOWS.values()] == [row[0] for row in listed("windows")]
