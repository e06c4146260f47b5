"""`kdrvgen doctor` by a Python of Windows, with a registry, kits and stores to look at."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.doctor.support import Report
from tests.windows.bed import Windows
from tests.windows.python import python_for_windows
from tests.windows.support import OWN, TOOL, Desk, text

pytestmark = [pytest.mark.slow, pytest.mark.wine]

CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
SECURE_BOOT = CONTROL + r"\SecureBoot"
HVCI = CONTROL + r"\DeviceGuard"
LINK = (
    r"C:\Program Files\Microsoft Visual Studio\2022\Community"
    r"\VC\Tools\MSVC\14.40.33807\bin\Hostx64\x64\link.exe"
)

Doctor = Callable[..., Report]


@pytest.fixture
def doctor(windows: Windows) -> Doctor:
    """Run `kdrvgen doctor` as a program of Windows and read its JSON."""
    python = python_for_windows()
    paths = [windows.path(Path(__file__).parents[2]), windows.path(python / "site")]
    env = windows.env | {"PYTHONPATH": ";".join(paths), "PYTHONUTF8": "1"}
    env |= {"PYTHONDONTWRITEBYTECODE": "1"}
    program: list[str | Path] = [
        windows.bed / "wine64",
        python / "python.exe",
        "-m",
        "kdrvgen",
        "doctor",
    ]

    def run(folder: Path, *words: str, **more: str) -> Report:
        done = subprocess.run(
            [*program, *words, "--format", "json"],
            cwd=folder,
            env=env | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        output = done.stderr.decode("utf-8", "replace")
        assert "Traceback" not in output
        findings = json.loads(done.stdout)["findings"]
        return Report(done.returncode, findings, output)

    return run


@pytest.fixture
def control(windows: Windows) -> Iterator[Callable[..., None]]:
    """Write what the boot loader and the firmware leave in the registry."""

    def put(key: str, name: str, kind: str, data: str) -> None:
        argv = ["reg", "add", key, "/v", name, "/t", kind, "/d", data, "/f"]
        assert windows.run(argv).code == 0

    yield put
    for key in (SECURE_BOOT, HVCI):
        windows.run(["reg", "delete", key, "/f"])
    windows.run(["reg", "delete", CONTROL, "/v", "SystemStartOptions", "/f"])


def test_a_new_windows_lacks_linker_signtool_and_test_signing(
    windows: Windows, doctor: Doctor, control: Callable[..., None]
) -> None:
    desk = Desk.start(windows)
    control(SECURE_BOOT + r"\State", "UEFISecureBootEnabled", "REG_DWORD", "1")
    scenario = HVCI + r"\Scenarios\HypervisorEnforcedCodeIntegrity"
    control(scenario, "Enabled", "REG_DWORD", "1")

    report = doctor(desk.project.folder, "--for", "deploy", RUSTFLAGS="-Cx=y")

    assert report.code == 7
    assert report.missing == ["linker", "flags for rustc", "signtool", "test signing"]
    assert "VC.Tools.x86.x64" in report.finding("linker")["help"]
    assert "set RUSTFLAGS=" in report.finding("flags for rustc")["help"]
    assert "Signing Tools" in report.finding("signtool")["help"]
    assert "turn Secure Boot off" in report.finding("test signing")["help"]
    for name in ("WDK", "Secure Boot", "memory integrity"):
        assert report.finding(name)["severity"] == "note", name


def test_doctor_reports_nothing_missing_on_a_complete_windows(
    windows: Windows, doctor: Doctor, control: Callable[..., None]
) -> None:
    windows.install_kits()
    windows.put(LINK)
    control(CONTROL, "SystemStartOptions", "REG_SZ", " NOEXECUTE=OPTIN  TESTSIGNING")
    desk = Desk.start(windows)
    desk.make("certificate")

    report = doctor(desk.project.folder, "--for", "verify,deploy")

    assert report.code == 0, report.findings
    assert report.finding("linker")["place"]["file"].lower() == LINK.lower()
    assert report.finding("signtool")["place"]["file"] == rf"{TOOL}\signtool.exe"
    assert report.finding("WDK")["place"]["file"].endswith(r"Lib\10.0.22621.0\km\x64")
    assert report.finding("test signing")["severity"] == "ok"
    assert desk.certificate.thumbprint.upper() in report.finding("certificate")["message"]
    assert "CN=DriverCertificate" in report.finding("certificate")["message"]


def test_doctor_lists_the_possible_certificates_for_config_toml(
    windows: Windows, doctor: Doctor
) -> None:
    windows.install_kits()
    desk = Desk.start(windows, OWN + 'subject = "My Company"\n')
    _, first, _ = desk.own()
    _, second, _ = desk.own()
    _, third, _ = desk.own("Another Company", "My", machine=True)

    report = doctor(desk.project.folder, "--for", "sign")

    finding = report.finding("certificate")
    assert finding["severity"] == "error"
    assert "2 certificates have CN=My Company" in finding["message"]
    for thumbprint in (first, second, third):
        assert f'signing.thumbprint = "{thumbprint.upper()}"' in finding["help"]
    assert 'signing.store = "My", signing.machine-store = true' in finding["help"]

    desk.project.generate(OWN + f"thumbprint = {text(second)}\n")
    finding = doctor(desk.project.folder, "--for", "sign").finding("certificate")
    assert finding["severity"] == "ok"
    assert second.upper() in finding["message"]
    assert finding["place"]["file"] == "store PrivateCertStore of CurrentUser"
