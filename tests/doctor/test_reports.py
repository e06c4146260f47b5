"""reports/NAME.txt is what doctor prints on a machine in the state NAME.

Of all states but `complete` and `windows-complete`, a file has only the lines that differ from it.
`KDRVGEN_UPDATE_GOLDEN=1 pytest tests/doctor/test_reports.py` writes them again; read the diff.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.doctor import linux_states, windows_states
from tests.doctor.support import Machine
from tests.doctor.windows_states import WindowsMachine

if sys.platform != "linux":
    pytest.skip("the paths and the package managers are those of Linux", allow_module_level=True)

REPORTS = Path(__file__).parent / "reports"
# What differs between two runs, or two machines.
_CHANGING = (
    (r"\d+\.\d GB free", "N GB free"),
    (r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?", "DATE"),
    (r"\b[0-9A-F]{40}\b", "THUMBPRINT"),
    (r"drivercertificate-[0-9a-f]{12}", "drivercertificate-ID"),
    (r"sudo (?=apt-get)", ""),  # root needs none
    (r" +$", ""),
)


def _compare(name: str, report: str, whole: str) -> None:
    if name != whole:
        known = (REPORTS / f"{whole}.txt").read_text(encoding="utf-8").splitlines()
        report = "\n".join(line for line in report.splitlines() if line not in known)
    golden = REPORTS / f"{name}.txt"
    text = f"{report.strip()}\n"
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8", newline="\n")
    assert text == golden.read_text(encoding="utf-8"), "KDRVGEN_UPDATE_GOLDEN=1"


def _normalized(text: str, places: dict[str, str]) -> str:
    for place, name in places.items():
        text = text.replace(place, name)
    for pattern, replacement in _CHANGING:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    # The columns depend on the tasks of the widest line.
    return re.sub(r"(?m)^(\w+) +((?:\w+, )*\w+)  +", r"\1  \2  ", text)


@pytest.mark.one_in(8)
@pytest.mark.parametrize("_tools", ["stand-ins"], indirect=True, scope="session")
@pytest.mark.parametrize("name", linux_states.STATES)
def test_the_report_on_linux_is_the_golden_file(machine: Machine, name: str) -> None:
    tools = machine.real("cargo").parent
    machine.env["RUSTUP_HOME"] = str(machine.home / "rustup")
    machine.env.pop("RUSTUP_TOOLCHAIN", None)
    words = linux_states.STATES[name](machine) or ()

    done = machine.kdrvgen("doctor", *(words or ("--for", "verify,smoke")))

    places = {
        str(machine.home): "~",
        str(machine.home.parent): "ABOVE",
        str(tools): "TOOLS",
        sys.executable: "PYTHON",
    }
    _compare(name, _normalized(done.stdout, places), "complete")


@pytest.mark.one_in(8)
@pytest.mark.parametrize("name", windows_states.STATES)
def test_the_report_on_windows_is_the_golden_file(tmp_path: Path, name: str) -> None:
    machine = WindowsMachine.complete(tmp_path)
    machine = windows_states.STATES[name](machine)

    report = _normalized(machine.report(), {str(tmp_path): "C:"})

    _compare(name, report, "windows-complete")


def test_each_report_has_a_state() -> None:
    assert {path.stem for path in REPORTS.iterdir()} == {
        *linux_states.STATES,
        *windows_states.STATES,
    }
