"""The classes of devices and the groups of minifilters, compared with Microsoft's lists."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.packaging.generated import inf_text


def listed(name: str) -> list[list[str]]:
    text = Path(__file__).with_name(f"{name}.txt").read_text("utf-8")
    return [line.split(None, 3) for line in text.splitlines() if not line.startswith("#")]


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
