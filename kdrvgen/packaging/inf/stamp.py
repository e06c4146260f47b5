"""Stamps an INF as Microsoft's stampinf does: version, date, catalog, and variables."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import NamedTuple

from kdrvgen.packaging.inf.parse import parse_text

__all__ = ["Stamp", "stamp"]


class Stamp(NamedTuple):
    """What is written into an INF.

    Attributes:
        version: Four numbers, such as `1.2.3.0`.
        date: The date of the driver.
        machine: The value of `$ARCH$`: `amd64`, `x86` or `arm64`.
        catalog: The file name of the catalog; "" to leave the INF's own.
        framework: The version of the framework, such as `1.33` for KMDF or `2.33.0` for UMDF; "" to
            leave its variables.
    """

    version: str
    date: dt.date
    machine: str
    catalog: str = ""
    framework: str = ""

    @property
    def driver_ver(self) -> str:
        """The value of `DriverVer`."""
        return f"{self.date:%m/%d/%Y},{self.version}"


def stamp(text: str, values: Stamp) -> str:
    """Return the text of an INF or INX with the values of a stamp.

    `DriverVer` and `CatalogFile` replace the first such lines of `[Version]`, or are added after
    its last line. Line ends and all other lines stay as they are.

    Source: Microsoft Learn, "Stampinf Command Options"; logs of real builds.
    """
    for name, value in _variables(values).items():
        text = text.replace(name, value)
    if values.catalog:
        text = _set(text, "CatalogFile", values.catalog)
    return _set(text, "DriverVer", values.driver_ver)


def _variables(values: Stamp) -> Mapping[str, str]:
    found = {"$ARCH$": values.machine}
    if values.framework:
        major, minor = values.framework.split(".")[:2]
        kind = "KMDF" if major == "1" else "UMDF"
        found[f"${kind}VERSION$"] = values.framework
        found[f"${kind}COINSTALLERVERSION$"] = f"{int(major):02}{int(minor):03}"
    return found


def _set(text: str, name: str, value: str) -> str:
    """Return the text with `name = value` in `[Version]`; unchanged if there is no such section."""
    inf = parse_text(text, "")
    section = inf.section("version")
    if section is None:
        return text
    new = f"{name} = {value}"
    lines = re.split(r"(?<=\n)", text.removeprefix("\ufeff"))
    if entry := section.find(name.lower()):
        first, last = _lines_of(inf.source.text, entry.extent.start, entry.extent.end)
        lines[first : last + 1] = [new + _end_of(lines[last])]
    else:
        at = section.entries[-1].extent.end if section.entries else section.extent.end
        last = inf.source.text.count("\n", 0, at)
        if not _end_of(lines[last]):
            lines[last] += "\r\n" if "\r\n" in text else "\n"
        lines.insert(last + 1, new + (_end_of(lines[last]) or "\r\n"))
    return "".join(lines)


def _lines_of(text: str, start: int, end: int) -> tuple[int, int]:
    first = text.count("\n", 0, start)
    return first, first + text.count("\n", start, end)


def _end_of(line: str) -> str:
    return next((end for end in ("\r\n", "\n") if line.endswith(end)), "")
