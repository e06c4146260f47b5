"""Windows itself reads the version resource that build.rs wrote."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.pipeline.support import CONFIG
from tests.windows.bed import Windows
from tests.windows.python import python_for_windows
from tests.windows.support import Desk

pytestmark = [pytest.mark.slow, pytest.mark.wine]

# Prints nothing: this Python does not start in Wine with files as its streams.
READER = r"""
import ctypes, json, sys
from ctypes import wintypes
api = ctypes.WinDLL("version")
path = sys.argv[1]
size = api.GetFileVersionInfoSizeW(path, None)
data = ctypes.create_string_buffer(size)
found = {"size": size, "ok": bool(api.GetFileVersionInfoW(path, 0, size, data))}
pointer, length = ctypes.c_void_p(), wintypes.UINT()
def query(name):
    if not api.VerQueryValueW(data, name, ctypes.byref(pointer), ctypes.byref(length)):
        return None
    return ctypes.string_at(pointer.value, length.value)
fixed = query("\\")
found["fixed"] = [int.from_bytes(fixed[at:at + 4], "little") for at in range(0, len(fixed), 4)]
found["translation"] = query("\\VarFileInfo\\Translation").hex()
for name in sys.argv[3:]:
    query("\\StringFileInfo\\040904B0\\" + name)
    found[name] = ctypes.wstring_at(pointer.value)
json.dump(found, open(sys.argv[2], "w", encoding="utf-8"))
"""
WITH = CONFIG.replace(
    'name = "hello"',
    'name = "hello"\n[driver.version-info]\ncompany = "Jürgen \\"J\\" 😀"\nproduct = "P"\n'
    '[package]\nkind = "device"\nprovider = "Example"\nversion = "1.2.3.65535"\n',
)


def test_windows_reads_the_version_resource(windows: Windows) -> None:
    desk = Desk.start(windows, WITH)
    desk.make("rename")
    reader, answers = windows.home / "reader.py", windows.home / "answers.json"
    reader.write_text(READER, encoding="utf-8")
    names = ("CompanyName", "FileVersion", "ProductName", "OriginalFilename")

    process = subprocess.Popen(
        [
            windows.bed / "wine64",
            python_for_windows() / "python.exe",
            *(windows.path(each) for each in (reader, desk.sys, answers)),
            *names,
        ],
        env=windows.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.communicate(timeout=120)

    found = json.loads(answers.read_text(encoding="utf-8"))
    assert found["ok"]
    assert [found[name] for name in names] == ['Jürgen "J" 😀', "1.2.3.65535", "P", "hello.sys"]
    assert found["translation"] == "0904b004"
    assert found["fixed"][:4] == [0xFEEF04BD, 0x10000, 1 << 16 | 2, 3 << 16 | 65535]
    assert found["fixed"][8:11] == [0x40004, 3, 7]
