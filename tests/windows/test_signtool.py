"""Where kdrvgen finds signtool.exe on Windows, and the error when it finds none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.windows.bed import INSTALLED_ROOTS, Windows
from tests.windows.support import KITS, OWN, Desk

pytestmark = [pytest.mark.slow, pytest.mark.wine]


def test_without_signtool_every_place_is_named_and_what_to_install(windows: Windows) -> None:
    desk = Desk.start(windows, OWN)
    windows.set_value(INSTALLED_ROOTS, "KitsRoot10", "D:\\kits\\", view=64)

    output = desk.fail("sign", WDKContentRoot=r"E:\WDK")

    places = ["PATH: not in any of its folders", "WindowsSdkVerBinPath: not set"]
    places += ["WindowsSdkDir and WindowsSDKVersion: not set", r"E:\WDK\bin", r"D:\kits\bin"]
    places += ["KitsRoot10 in the 32-bit registry: no such value"]
    places += [r"Microsoft SDKs\ClickOnce\SignTool", r"\.nuget\packages"]
    assert [place for place in places if place not in output] == []
    assert "Signing Tools for Desktop Apps" in output
    assert "Microsoft.Windows.SDK.BuildTools" in output
    assert "signing.signtool in config.toml" in output
    assert not desk.is_signed()


def test_the_newest_kit_is_taken_by_its_numbers(windows: Windows) -> None:
    windows.install_kits(versions=["10.0.9.0", "10.0.22621.0", "10.0.10240.0"])
    windows.put(KITS + r"\bin\10.0.99999.0\x86\signtool.exe", "for another architecture")
    windows.put(KITS + r"\bin\10.0.old.copy\x64\signtool.exe", "not a version")
    desk = Desk.start(windows)

    desk.make("sign")

    assert r"10.0.22621.0\x64" in desk.places("signtool")[0]


def test_kits_are_found_on_another_drive_in_the_32_bit_registry(windows: Windows) -> None:
    windows.drive("d", windows.home / "drive d")
    windows.install_kits(r"D:\my kits (10)", registry=[32])
    desk = Desk.start(windows)

    desk.make("sign")

    assert desk.places("signtool")[0].startswith("d:\\my kits (10)\\bin")


def test_kits_are_found_by_the_environment(windows: Windows) -> None:
    windows.install_kits(r"C:\WDK & more", registry=[])
    desk = Desk.start(windows)

    desk.make("sign", WDKContentRoot="C:\\WDK & more\\")

    assert desk.places("signtool")[0].startswith("c:\\wdk & more\\")


def test_signtool_on_the_path_comes_first(desk: Desk) -> None:
    _put(desk, r"C:\tools")

    desk.make("sign", WINEPATH=r"C:\cargo\bin;C:\tools")

    assert desk.places("signtool") == [r"c:\tools\signtool.exe"]


@pytest.fixture
def own(windows: Windows) -> Desk:
    """A project that is signed by a certificate of one's own; no kit."""
    desk = Desk.start(windows)
    _, thumbprint, _ = desk.own()
    desk.project.generate(OWN + f'thumbprint = "{thumbprint}"\n')
    return desk


def _put(desk: Desk, folder: str) -> Path:
    return desk.windows.put(rf"{folder}\signtool.exe", desk.windows.bed / "standins/signtool.exe")


def _place(desk: Desk, **env: str) -> str:
    """Return from which folder signtool is started."""
    desk.sys.unlink(missing_ok=True)
    desk.make("sign", **env)
    return desk.places("signtool")[-1].removesuffix("\\signtool.exe")


def test_each_place_is_looked_in_when_those_before_it_have_nothing(own: Desk) -> None:
    nuget = "microsoft.windows.sdk.buildtools\\10.0.22621.3233\\bin"
    places = [
        r"c:\mine (50%) & yours",
        r"c:\on path",
        r"c:\prompt\bin\10.0.1.0\x64",
        r"c:\sdk\bin\10.0.2.0\x64",
        r"c:\wdk & more\bin\10.0.3.0\x64",
        r"C:\Program Files (x86)\Microsoft SDKs\ClickOnce\SignTool",
        rf"c:\packages\{nuget}\10.0.22621.0\x64",
    ]
    env = {
        "WINEPATH": r"C:\cargo\bin;C:\on path",
        "WindowsSdkVerBinPath": "C:\\prompt\\bin\\10.0.1.0\\",
        "WindowsSdkDir": "C:\\sdk\\",
        "WindowsSDKVersion": "10.0.2.0\\",
        "WDKContentRoot": "C:\\wdk & more\\",
        "NUGET_PACKAGES": r"C:\packages",
    }
    programs = [_put(own, place) for place in places]
    config = (own.project.folder / "config.toml").read_text(encoding="utf-8")
    own.project.generate(config + "signtool = 'C:/mine (50%) & yours/signtool.exe'\n")
    found = [_place(own, **env)]
    own.project.generate(config)
    for program in programs[1:]:
        found.append(_place(own, **env))
        program.unlink()
    assert found == [place.lower() for place in places]


def test_the_architecture_is_the_machines_or_else_one_that_it_emulates(own: Desk) -> None:
    folder = r"c:\wdk\bin\10.0.1.0"
    programs = {each: _put(own, rf"{folder}\{each}") for each in ("arm64", "x64", "x86")}

    def found(machine: str) -> str:
        # The variables of a program of another architecture; Wine sets those of its own.
        env = {"PROCESSOR_ARCHITEW6432": machine, "WDKContentRoot": r"C:\wdk"}
        return _place(own, **env).removeprefix(folder)

    assert found("ARM64") == r"\arm64"
    assert found("AMD64") == r"\x64"
    assert found("x86") == r"\x86"
    assert _place(own, WDKContentRoot=r"C:\wdk").removeprefix(folder) == r"\x64"
    programs["arm64"].unlink()
    assert found("ARM64") == r"\x64"
    programs["x64"].unlink()
    assert found("AMD64") == r"\x86"


def test_a_signtool_in_the_project_is_not_run(own: Desk) -> None:
    for folder in (own.project.folder, own.project.folder / "bin"):
        folder.mkdir(exist_ok=True)
        (folder / "signtool.exe").write_bytes(b"no program")

    output = own.fail("sign", WINEPATH=r"C:\cargo\bin;.;bin;")

    assert "signtool.exe was not found" in output


def test_a_program_that_is_named_and_not_there_is_not_replaced_by_another(own: Desk) -> None:
    own.windows.install_kits()
    config = (own.project.folder / "config.toml").read_text(encoding="utf-8")
    own.project.generate(config + "signtool = 'D:/none/signtool.exe'\n")

    assert "signing.signtool: D:\\none\\signtool.exe does not exist" in own.fail("sign")

    assert not own.is_signed()
