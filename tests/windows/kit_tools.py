"""The work of the stand-ins for stampinf, inf2cat and infverif: only what is documented.

Sources: Microsoft Learn, "Stampinf Command Options", "Inf2Cat", "Running InfVerif from the Command
Line" and "Validating Windows Drivers" for switches and output. Public logs for more output and the
exit codes: microsoft/windows-drivers-rs issue 10 and microsoft/Windows-rust-driver-samples issue 2
(stampinf), MicrosoftDocs/windows-driver-docs issues 678 and 3502 and CenterDevice/MiniFSWatcher
issue 3 (inf2cat, whose exit code is -2 then), microsoft/UDE issue 8 (infverif, whose exit code is
1627 then). The exit code of stampinf after a mistake is not published: any but 0 would do.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path
from typing import NamedTuple

from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.write import Content, identifier_for, write_catalog
from kdrvgen.packaging.inf.document import Inf
from kdrvgen.packaging.inf.parse import parse
from kdrvgen.packaging.inf.stamp import Stamp, stamp
from kdrvgen.packaging.inf.text import decode, encode
from kdrvgen.packaging.rules import check
from kdrvgen.packaging.rules.structure import Structure
from kdrvgen.report.finding import Severity

_USAGE = 87
_INVALID_INF = 1627
_NOT_SIGNABLE = -2


class Answer(NamedTuple):
    """The exit code and the output of a tool."""

    code: int
    text: str


def stampinf(words: list[str]) -> Answer:
    """Write version, date, catalog and variables into a file."""
    given = dict(zip(words[::2], words[1::2], strict=True))
    needed = {"-f", "-a", "-d", "-v", "-c"}
    if not needed <= set(given) <= {*needed, "-k", "-u"}:
        return Answer(_USAGE, f"not covered: {words}")
    if not re.fullmatch(r"\d\d/\d\d/\d{4}", given["-d"]):
        return Answer(1, f"Invalid date '{given['-d']}'")
    parts = given["-v"].split(".")
    if not re.fullmatch(r"\d+(\.\d+){3}", given["-v"]) or max(map(int, parts)) > 0xFFFF:
        return Answer(1, f"Invalid version '{given['-v']}'")
    path = Path(given["-f"])
    month, day, year = map(int, given["-d"].split("/"))
    framework = given.get("-k") or given.get("-u") or ""
    values = Stamp(given["-v"], dt.date(year, month, day), given["-a"], given["-c"], framework)
    decoded = decode(path.read_bytes())
    path.write_bytes(encode(stamp(decoded.text, values), as_utf_16=decoded.encoding != "cp1252"))
    section = "Stamping [Version] section with"
    return Answer(
        0,
        f"Stamping {path}\n{section} DriverVer={values.driver_ver}\n"
        f"{section} CatalogFile={values.catalog}",
    )


def inf2cat(words: list[str]) -> Answer:
    """Check a folder with an INF, and make its catalog."""
    switches = (word.removeprefix("/").partition(":") for word in words)
    given = {switch.lower(): value for switch, _, value in switches}
    if not {"driver", "os"} <= set(given) <= {"driver", "os", "uselocaltime", "verbose"}:
        return Answer(_NOT_SIGNABLE, "Parameter format not correct.")
    systems = given["os"].split(",")
    if not {name.lower() for name in systems} <= set(WINDOWS):
        return Answer(_NOT_SIGNABLE, "Parameter format not correct.")
    folder = Path(given["driver"])
    (path,) = folder.glob("*.inf")
    inf = parse(path.read_bytes(), path.name)
    if errors := _errors(inf, folder, f"{folder.name}\\{path.name}"):
        listed = "\n".join(errors)
        text = f"Signability test failed.\n\nErrors:\n{listed}\n\nWarnings:\nNone"
        return Answer(_NOT_SIGNABLE, f"........................\n{text}\n")
    catalog = folder / inf.text("version", "catalogfile")
    files = [path, *(folder / name for name in _listed(inf))]
    members = tuple(member_of(file.name, file.read_bytes()) for file in files)
    ids = tuple(inf.expand(field.text) for _, field in Structure(inf).hardware_ids())
    versions = tuple(version for version in WINDOWS.values() if version.name in systems)
    now = dt.datetime.now(dt.UTC)
    content = Content(members, versions, ids, identifier_for(members), now)
    catalog.write_bytes(write_catalog(content))
    done = f"Catalog generation complete.\n{catalog}"
    text = f"Signability test complete.\n\nErrors:\nNone\n\nWarnings:\nNone\n\n{done}"
    return Answer(0, f"........................\n{text}\n")


def infverif(words: list[str]) -> Answer:
    """Report the errors of an INF."""
    *switches, name = words
    if not set(switches) <= {"/v", "/w", "/h", "/u", "/k"}:
        return Answer(_USAGE, f"not covered: {words}")
    path = Path(name)
    lines = ["Running in Verbose", "", f"Validating {path.name}"]
    errors = []
    for finding in check(parse(path.read_bytes(), path.name), dt.datetime.now(dt.UTC).date()):
        if finding.severity is Severity.ERROR and finding.place:
            text, _, number = finding.message.rstrip(")").partition(" (InfVerif ")
            if number:
                errors.append(f"ERROR({number}) in {path}, line {finding.place.line}: {text}.")
    if errors:
        return Answer(_INVALID_INF, "\n".join([*lines, *errors]))
    return Answer(0, "\n".join([*lines, "INF is VALID", "Checked 1 INF(s) in 0 m 0 s 2 ms"]))


def _errors(inf: Inf, folder: Path, shown: str) -> list[str]:
    """Return the errors of inf2cat that the tests need."""
    missing = [name for name in _listed(inf) if not Path(folder, name).is_file()]
    errors = [f"22.9.1: {name} in [files] of {shown} {_MISSING}" for name in missing]
    entry = inf.find("version", "driverver")
    text = ",".join(value.text for value in entry.values) if entry else ""
    found = re.match(r"(\d\d)/(\d\d)/(\d{4}),", text)
    if found is None:
        errors.append(f"22.9.6: DriverVer missing or in incorrect format in {shown}")
    else:
        month, day, year = map(int, found.groups())
        if dt.date(year, month, day) > dt.datetime.now(dt.UTC).date():
            errors.append(f"22.9.7: {_IN_FUTURE} in {shown}.")
    return errors


_MISSING = (
    "is missing or cannot be decompressed from source media.  Please verify all path values "
    "specified in SourceDisksNames, SouceDisksFiles, and CopyFiles sections resolve to the actual "
    "location of the file, and are expressed in terms relative to the location of the inf."
)
_IN_FUTURE = "DriverVer set to a date in the future (postdated DriverVer not allowed)"


def _listed(inf: Inf) -> list[str]:
    section = inf.section("sourcedisksfiles")
    return [entry.key.text for entry in section.entries if entry.key] if section else []


if __name__ == "__main__":
    _name, *_words = sys.argv[1:]
    _answer = {"stampinf": stampinf, "inf2cat": inf2cat, "infverif": infverif}[_name](_words)
    # bash would cut the exit code to 8 bits.
    sys.stdout.write(f"{_answer.text}\nexit code {_answer.code}")
