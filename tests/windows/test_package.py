"""The tasks for the driver package: by SetupAPI and the service manager of Wine."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrvgen import loads
from kdrvgen.packaging.generated import inf_text
from tests.windows.bed import Windows
from tests.windows.python import python_for_windows
from tests.windows.support import Desk
from tests.windows.test_deploy import clear, image_of, state

pytestmark = [pytest.mark.slow, pytest.mark.wine, pytest.mark.kernel]

HEAD = '[driver]\nname = "hello"\n'
PLAIN = f'{HEAD}[signing]\nmode = "off"\n'
OWN = f'{PLAIN}[package]\ninx = "hello.inx"\n'
KDRVGEN = r"""
// Runs the Python of Windows with this kdrvgen.
use std::process::Command;
fn main() {
    let python = std::env::var("KDRVGEN_TEST_PYTHON").unwrap();
    let mut command = Command::new(python);
    command.args(["-m", "kdrvgen"]).args(std::env::args_os().skip(1));
    let status = command.status().unwrap();
    std::process::exit(status.code().unwrap_or(99));
}
"""


@pytest.fixture
def packing(windows: Windows, tmp_path: Path) -> Iterator[Windows]:
    """A Windows on which kdrvgen is installed."""
    source = tmp_path / "kdrvgen.rs"
    source.write_text(KDRVGEN, "utf-8")
    folder = tmp_path / "scripts"
    folder.mkdir()
    windows.compile(source, folder / "kdrvgen.exe")
    repository = Path(__file__).parents[2]
    path = [windows.path(python_for_windows() / "site"), windows.path(repository)]
    windows.env["PYTHONPATH"] = ";".join(path)
    windows.env["KDRVGEN_TEST_PYTHON"] = windows.path(python_for_windows() / "python.exe")
    windows.env["WINEPATH"] += ";" + windows.path(folder)
    yield windows
    clear(windows, "hello")


def inx(kind: str, driver: str = "") -> str:
    """Return an own INF. Wine does not know the versions of Windows that a generated one is for."""
    head = HEAD.replace('"hello"\n', f'"hello"\n{driver}')
    more = "minimum-build = 7600\n" if kind == "device" else ""
    table = f'[package]\nkind = "{kind}"\nprovider = "Example"\n{more}'
    project = loads(head + table)
    text = inf_text(project, project.driver.triples[0], "1.0.0.0", dt.date(2026, 1, 1))
    return re.sub(r"\.(6\.1|10\.0\.\.\.18362)", "", text)


def start(windows: Windows, kind: str, config: str = OWN, name: str = "project") -> Desk:
    """Return a project with a package of this kind."""
    desk = Desk.start(windows, config, name)
    (desk.project.folder / "hello.inx").write_text(inx(kind), "utf-8")
    return desk


def installed(windows: Windows) -> list[str]:
    """Return the INF files of packages that are installed."""
    folder = windows.prefix / "drive_c/windows/inf"
    return [path.name for path in folder.glob("*.inf") if b"hello" in path.read_bytes()]


def devices(windows: Windows) -> int:
    """Return the number of devices that software made for the driver."""
    done = windows.run(["reg", "query", r"HKLM\System\CurrentControlSet\Enum\Root", "/s"])
    return done.stdout.lower().count("root\\hello")


def test_a_device_is_made_its_driver_runs_and_all_is_removed(packing: Windows) -> None:
    desk = start(packing, "device")

    output = desk.make("install-package")

    assert "install-package: hello is RUNNING: " in output
    assert state(packing) == "RUNNING"
    assert image_of(packing).lower().startswith("c:\\windows\\system32\\drivers\\hello.sys")
    assert (devices(packing), installed(packing)) == (1, ["hello.inf"])

    desk.make("install-package")
    assert devices(packing) == 1

    output = desk.make("uninstall-package")
    assert r"removed the device Root\hello" in output
    assert "removed the service hello" in output
    assert not state(packing)
    assert (devices(packing), installed(packing)) == (0, [])
    assert "the package is not installed" in desk.make("uninstall-package")
