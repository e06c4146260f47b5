"""The tasks for the driver package: by SetupAPI and the service manager of Wine."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrvgen import loads
from kdrvgen.commands.package import make_package
from kdrvgen.commands.submission import make_submission
from kdrvgen.packaging.cabinet import read_cabinet
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.generated import inf_text
from tests.pipeline.support import CONFIG
from tests.windows.bed import Windows
from tests.windows.python import python_for_windows
from tests.windows.support import KITS, TOOL, Desk
from tests.windows.test_deploy import clear, create, image_of, state

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

FAULTY = r"""
// A signtool that leaves cabinets as they are, or changes them first.
use std::process::{exit, Command};
fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let file = std::path::PathBuf::from(arguments.last().unwrap());
    if file.extension().map_or(false, |extension| extension == "cab") {
        if std::env::var("KDRVGEN_FAULT").unwrap() == "idle" {
            exit(0);
        }
        let mut data = std::fs::read(&file).unwrap();
        *data.last_mut().unwrap() ^= 1;
        std::fs::write(&file, data).unwrap();
    }
    let other = std::env::current_exe().unwrap().with_file_name("other.exe");
    let status = Command::new(other).args(&arguments).status().unwrap();
    exit(status.code().unwrap_or(99));
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
    # Only the driver store (13) needs them.
    text = text.replace("= 13\n", "= 12\n").replace("%13%", "%12%")
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


def test_a_package_without_a_device_is_installed_started_and_removed(packing: Windows) -> None:
    desk = start(packing, "primitive")

    assert "install-package: hello is RUNNING: " in desk.make("install-package")
    desk.project.say("once more")
    assert "stopped hello" in desk.make("install-package")
    assert state(packing) == "RUNNING"

    output = desk.make("uninstall-package")
    assert "stopped hello" in output
    assert "removed the service hello" in output
    assert not state(packing)
    assert installed(packing) == []


def test_only_copies_of_the_same_provider_are_removed(packing: Windows) -> None:
    desk = start(packing, "primitive")
    desk.make("install-package")
    inf = (desk.project.output("package") / "hello.inf").read_bytes()
    folder = packing.prefix / "drive_c/windows/inf"
    own, other = folder / "oem77.inf", folder / "oem78.inf"
    own.write_bytes(inf.replace(b"SERVICE_KERNEL_DRIVER", b"an older one"))
    other.write_bytes(inf.replace(b'"Example"', b'"Somebody"'))
    try:
        assert "removed oem77.inf" in desk.make("uninstall-package")
        assert installed(packing) == ["oem78.inf"]
    finally:
        other.unlink(missing_ok=True)


def test_a_service_of_another_image_is_left_alone(packing: Windows) -> None:
    desk = start(packing, "primitive")
    desk.make("package")
    create(packing, r"C:\other\other.sys")

    for task in ("install-package", "uninstall-package"):
        assert r"belongs to C:\other\other.sys, not to this package" in desk.fail(task)
    assert image_of(packing) == r"C:\other\other.sys"


def test_without_a_package_there_is_nothing_to_remove(packing: Windows) -> None:
    desk = start(packing, "device")

    output = desk.fail("uninstall-package")

    assert "there is no package in " in output
    assert "cargo make package" in output


def test_signtool_signs_and_both_hosts_make_the_same_package_and_submission(
    packing: Windows,
) -> None:
    packing.install_kits()
    infverif = KITS + r"\Tools\10.0.22621.0\x64\infverif.exe"
    packing.put(infverif, packing.bed / "standins/kit-tool.exe")
    packing.env["KDRVGEN_SAYS_INFVERIF"] = "0 INF is VALID"
    table = '[package]\nkind = "device"\nprovider = "Example"\ndate = "2026-01-01"\n'
    desk = Desk.start(packing, f"{CONFIG}{table}[package.submission]\n")
    wrong = "1627 ERROR(1322) in {}, line 49: 'hello.sys' is not isolated to DIRID 13."
    output = desk.fail("package", KDRVGEN_SAYS_INFVERIF=wrong)
    assert "ERROR(1322) in " in output
    assert "infverif found errors in hello.inf" in output
    assert not desk.project.output("package").exists()
    # Only the image was signed.
    desk.sys.unlink()
    desk.forget_calls()

    output = desk.make("submission")
    assert "INF is VALID" not in output
    (call,) = desk.arguments("infverif")
    assert call[0] == "/v"
    assert call[1].endswith("hello.inf")

    folder, submission = desk.project.output("package"), desk.project.output("submission")
    catalog = read_catalog((folder / "hello.cat").read_bytes())
    assert catalog.is_signed
    calls = desk.arguments("signtool")
    assert [call[-1].rpartition(".")[2] for call in calls] == ["sys", "cat", "cab"]
    cabinet = submission / "hello.cab"
    assert desk.project.verifies(cabinet)
    output = desk.make("submission")
    assert "package is up to date" in output
    assert "submission is up to date" in output
    assert len(desk.arguments("signtool")) == len(calls)

    here = make_package(desk.sys, output=desk.project.folder / "here").folder
    assert (here / "hello.inf").read_bytes() == (folder / "hello.inf").read_bytes()
    assert read_catalog((here / "hello.cat").read_bytes()).ctl == catalog.ctl
    packed = make_submission([folder], output=desk.project.folder / "packed").folder
    assert read_cabinet(cabinet.read_bytes()) == read_cabinet((packed / cabinet.name).read_bytes())

    # A tool that does not sign, and one that changes what it signs, leave the old submission.
    before = cabinet.read_bytes()
    desk.project.say("new")
    tool = packing.unix(rf"{TOOL}\signtool.exe")
    tool.rename(tool.with_name("other.exe"))
    source = packing.home / "signtool.rs"
    source.write_text(FAULTY, "utf-8")
    packing.compile(source, tool)
    output = desk.fail("submission", KDRVGEN_FAULT="idle")
    assert "the signing tool did not sign hello.cab" in output
    output = desk.fail("submission", KDRVGEN_FAULT="change")
    assert "the signing tool changed more than the signature of hello.cab" in output
    assert cabinet.read_bytes() == before
    assert not list(submission.parent.glob(".kdrvgen-*"))
