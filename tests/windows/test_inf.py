"""SetupAPI reads the same sections, keys and values from an INF as kdrvgen does."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from kdrvgen.packaging.inf.parse import parse
from kdrvgen.packaging.inf.text import encode
from tests.packaging.inf_examples import DEVICE, PRIMITIVE
from tests.packaging.real import infs
from tests.packaging.test_generated_inf import KINDS, made
from tests.windows.bed import Windows
from tests.windows.python import python_for_windows

pytestmark = [pytest.mark.slow, pytest.mark.wine]

# Prints nothing: this Python does not start in Wine with files as its streams.
READER = r"""
import ctypes, json, sys
from ctypes import wintypes
api = ctypes.WinDLL("setupapi")
class Context(ctypes.Structure):
    _fields_ = [("inf", ctypes.c_void_p), ("current", ctypes.c_void_p),
                ("section", wintypes.UINT), ("line", wintypes.UINT)]
api.SetupOpenInfFileW.restype = ctypes.c_void_p
api.SetupOpenInfFileW.argtypes = [wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD,
                                  ctypes.POINTER(wintypes.UINT)]
api.SetupFindFirstLineW.argtypes = [ctypes.c_void_p, wintypes.LPCWSTR, wintypes.LPCWSTR,
                                    ctypes.POINTER(Context)]
def field(context, index):
    buffer = ctypes.create_unicode_buffer(8192)
    if not api.SetupGetStringFieldW(ctypes.byref(context), index, buffer, 8192, None):
        return None
    return buffer.value
asked = json.load(open(sys.argv[1], encoding="utf-8"))
answers = {}
for path, sections in asked.items():
    line = wintypes.UINT()
    inf = api.SetupOpenInfFileW(path, None, 2, ctypes.byref(line))
    if inf in (None, ctypes.c_void_p(-1).value):
        answers[path] = ["error", line.value]
        continue
    found = {}
    for section in sections:
        rows, context = [], Context()
        more = api.SetupFindFirstLineW(inf, section, None, ctypes.byref(context))
        while more:
            count = api.SetupGetFieldCount(ctypes.byref(context))
            rows.append([field(context, index) for index in range(count + 1)])
            more = api.SetupFindNextLine(ctypes.byref(context), ctypes.byref(context))
        found[section] = rows
    answers[path] = found
json.dump(answers, open(sys.argv[2], "w", encoding="utf-8"))
"""
SYNTAX = r"""
[Version]
Signature = "$Windows NT$"
[a]
plain = b,c, ,d
"quoted key" = "b ; c", "d ""e"" f" ; comment
HKR,,Name,0x00010001,5
HKR,"x\"%name%,y
long = first, \
    second, \ ; comment
    third
path = c:\x\y
equal = a = b
empty =
[A]
again = 1
[Strings]
NAME = "a name"
"""


def ours(data: bytes) -> dict[str, list[list[str | None]]]:
    """Return the fields of each section as SetupGetStringField numbers them."""
    inf = parse(data, "x.inf")
    assert not [flaw for flaw in inf.flaws if not flaw.is_harmless]
    found: dict[str, list[list[str | None]]] = {}
    for section in inf.sections.values():
        found[section.name] = [
            [
                inf.expand(entry.key.text) if entry.key else None,
                *(inf.expand(field.text) for field in entry.values),
            ]
            for entry in section.entries
        ]
    return found


def comparable(rows: list[list[str | None]]) -> list[list[str]]:
    """Return rows as both programs have them.

    SetupAPI replaces directory identifiers, which kdrvgen leaves. Field 0 of a line without a key
    and with one value is that value, and a key without a value may have no field.
    """
    found = []
    for key, *values in rows:
        texts = [value or "" for value in values]
        while texts and not texts[-1]:
            texts.pop()
        name = key if key is not None else texts[0] if len(texts) == 1 else ""
        found.append([name, *texts])
    return found


def test_setupapi_reads_what_kdrvgen_reads(windows: Windows, tmp_path: Path) -> None:
    examples = {"device.inf": encode(DEVICE), "primitive.inf": encode(PRIMITIVE)}
    examples |= {"syntax.inf": encode(SYNTAX), "wide.inf": encode(DEVICE, as_utf_16=True)}
    examples |= {f"made-{name}.inf": encode(made(name)) for name in KINDS}
    examples |= infs()
    asked, names = {}, {}
    for name, data in examples.items():
        (tmp_path / name).write_bytes(data)
        path = windows.path(tmp_path / name)
        names[name] = path
        asked[path] = list(ours(data))
    (tmp_path / "reader.py").write_text(READER, encoding="utf-8")
    (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    arguments = [windows.path(tmp_path / each) for each in ("reader.py", "asked.json", "out.json")]

    process = subprocess.Popen(
        [windows.bed / "wine64", python_for_windows() / "python.exe", *arguments],
        env=windows.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    code = process.wait(120)
    for stream in (process.stdout, process.stderr):
        assert stream
        stream.close()
    assert code == 0
    answers = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))

    for name, data in examples.items():
        theirs = answers[names[name]]
        assert isinstance(theirs, dict), (name, theirs)
        for section, rows in ours(data).items():
            if section.lower() == "strings":
                continue
            expected = comparable(rows)
            found = comparable(theirs[section])
            assert len(found) == len(expected), (name, section)
            for one, other in zip(found, expected, strict=True):
                if not re.search(r"%\d+%", "".join(other)):
                    assert one == other, (name, section)
