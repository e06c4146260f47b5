"""`package.tool = "wdk"`: the kit's stampinf, inf2cat and infverif make and check the package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import read_catalog
from tests.pipeline.conftest import TARGETS
from tests.pipeline.support import CONFIG, REPOSITORY
from tests.windows.bed import Windows
from tests.windows.support import KITS, Desk
from tests.windows.support import text as toml
from tests.windows.test_package import inx

pytestmark = [pytest.mark.slow, pytest.mark.wine]

WDK = '[package]\ninx = "my own.inx"\ntool = "wdk"\n'
PLAIN = '[driver]\nname = "hello"\n[signing]\nmode = "off"\n'
EPOCH = "1751328000"  # 2025-07-01
INX = inx("device").replace("NTamd64", "NT$ARCH$")
NAMES = ["hello.cat", "hello.cer", "hello.inf", "hello.pdb", "hello.sys"]
BIN, TOOLS = KITS + r"\bin\10.0.22621.0", KITS + r"\Tools\10.0.22621.0"
STAMPINF, INF2CAT = BIN + r"\x64\stampinf.exe", BIN + r"\x86\Inf2Cat.exe"
INFVERIF = TOOLS + r"\x64\infverif.exe"
OF_OLD_KITS = (KITS + r"\bin\x64\stampinf.exe", KITS + r"\bin\x86\Inf2Cat.exe")
THREE = (STAMPINF, INF2CAT, INFVERIF)


def install(windows: Windows, programs: Sequence[str], and_then: str = "") -> None:
    """Put the kit's tools where the kit has them."""
    windows.install_kits()
    for program in programs:
        windows.put(program, windows.bed / "standins/kit-tool.exe")
    script = windows.home / "kit-tools"
    script.write_text(
        f"#!/bin/bash\nPYTHONPATH='{REPOSITORY}' '{sys.executable}' -m tests.windows.kit_tools "
        f'"$@"\n{and_then}\n',
        "utf-8",
    )
    script.chmod(0o755)
    windows.env["KDRVGEN_KIT_TOOLS"] = str(script)


def start(windows: Windows, config: str, inf: str = INX) -> Desk:
    desk = Desk.start(windows, config)
    (desk.project.folder / "my own.inx").write_text(inf, "utf-8")
    return desk


def folder(desk: Desk, profile: str = "development", target: str = TARGETS[0]) -> Path:
    return desk.project.output("package", profile, target)


def contents(desk: Desk, target: str = TARGETS[0]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder(desk, target=target).iterdir())}


def options(desk: Desk) -> dict[str, str]:
    """Return the switches of the last call of stampinf, but that of the file."""
    words = desk.arguments("stampinf")[-1]
    assert words[0] == "-f"
    assert words[1].endswith(r"\package\hello.inf")
    return dict(zip(words[2::2], words[3::2], strict=True))


def systems(desk: Desk) -> str:
    """Return the versions of Windows in the last call of inf2cat."""
    driver, systems = desk.arguments("inf2cat")[-1]
    assert driver.startswith("/driver:")
    assert driver.endswith(r"\package")
    return systems


def test_the_tools_of_the_kit_make_a_package_that_is_signed(windows: Windows) -> None:
    install(windows, THREE)
    desk = start(windows, CONFIG + WDK)

    desk.make("package", SOURCE_DATE_EPOCH=EPOCH)

    found = contents(desk)
    assert list(found) == NAMES
    assert found["hello.sys"] == desk.sys.read_bytes()
    assert b"DriverVer = 07/01/2025,0.1.0.0" in found["hello.inf"]
    assert b",NTamd64" in found["hello.inf"]
    catalog = read_catalog(found["hello.cat"])
    assert catalog.is_signed
    assert all(catalog.has(member_of(name, found[name])) for name in ("hello.sys", "hello.inf"))
    expected = {"-a": "amd64", "-d": "07/01/2025", "-v": "0.1.0.0", "-c": "hello.cat"}
    assert options(desk) == expected
    assert systems(desk) == "/os:10_RS3_X64"
    assert desk.arguments("infverif") == [["/v", desk.arguments("stampinf")[0][1]]]
    calls = [call["program"] for call in windows.calls()]
    order = [name for name in calls if name in {"stampinf", "infverif", "inf2cat", "signtool"}]
    assert order == ["signtool", "stampinf", "infverif", "inf2cat", "signtool"]
    assert desk.places("inf2cat") == [INF2CAT.lower()]
    assert desk.places("infverif") == [INFVERIF.lower()]

    desk.forget_calls()
    assert "package is up to date" in desk.make("package", SOURCE_DATE_EPOCH=EPOCH)
    assert not [call for call in windows.calls() if call["program"] in order]

    # Today, in UTC, which inf2cat takes too.
    desk.make("package")
    assert "/uselocaltime" not in desk.arguments("inf2cat")[-1]


def test_each_key_reaches_the_tools(windows: Windows) -> None:
    install(windows, OF_OLD_KITS)
    desk = start(windows, PLAIN + WDK)
    (desk.project.folder / "a b.bin").write_bytes(b"data")
    names = "[SourceDisksFiles]\na b.bin = 1"
    listed = INX.replace("[SourceDisksFiles]", names)
    (desk.project.folder / "my own.inx").write_text(listed, "utf-8")
    keys = (
        'version = "9.8.7.65535"\ndate = "2024-02-29"\nextra-files = ["a b.bin"]\n'
        'operating-systems = ["10_X64", "Server10_X64", "10_VB_X64"]\n'
    )
    desk.project.generate(PLAIN + WDK + keys)
    # The build of a KMDF driver needs a kit.
    makefile = desk.project.folder / "Makefile.toml"
    generated = makefile.read_text("utf-8")
    assert 'DRIVER_FRAMEWORK_VERSION = ""' in generated
    kmdf = generated.replace('FRAMEWORK_VERSION = ""', 'FRAMEWORK_VERSION = "wdk-build"')
    makefile.write_text(kmdf, "utf-8")
    assert "Cargo.toml has no version of KMDF" in desk.fail("package")
    cargo = desk.project.folder / "Cargo.toml"
    versions = "kmdf-version-major = 1\ntarget-kmdf-version-minor = 33\n"
    table = f"[package.metadata.wdk.driver-model]\n{versions}"
    cargo.write_text(f"{cargo.read_text('utf-8')}\n{table}", "utf-8")

    output = desk.make("package", SOURCE_DATE_EPOCH=EPOCH)

    assert options(desk) == {
        "-a": "amd64",
        "-d": "02/29/2024",
        "-v": "9.8.7.65535",
        "-c": "hello.cat",
        "-k": "1.33",
    }
    assert systems(desk) == "/os:10_X64,Server10_X64,10_VB_X64"
    found = contents(desk)
    assert read_catalog(found["hello.cat"]).has(member_of("a b.bin", b"data"))
    assert desk.places("stampinf") == [OF_OLD_KITS[0].lower()]
    # Without infverif nothing is checked, and nothing is said.
    assert "infverif" not in output.lower()

    assumed = kmdf.replace('"wdk-build"', '"1.15"\nDRIVER_FRAMEWORK_ASSUMED = "yes"')
    makefile.write_text(assumed, "utf-8")
    assert "wdk.framework-version is not set" not in desk.make("package")
    inf = f"{listed}; for $KMDFVERSION$\n"
    (desk.project.folder / "my own.inx").write_text(inf, "utf-16")
    assert "the INF names KMDF 1.15, because wdk.framework-version" in desk.make("package")
    assert options(desk)["-k"] == "1.15"

    calls = len(desk.arguments("stampinf"))
    makefile.write_text(generated, "utf-8")
    desk.project.generate(PLAIN + WDK + keys.replace("10_VB_X64", "10_CO_X64"))
    desk.make("package", SOURCE_DATE_EPOCH=EPOCH)
    assert len(desk.arguments("stampinf")) == calls + 1
    assert "-k" not in options(desk)

    # A variable alone, as another kdrvgen would write it.
    text = makefile.read_text("utf-8")
    changes = (("9.8.7.65535", "9.8.7.1"), ("2024-02-29", "2024-02-28"), ("10_CO_X64", "10_NI_X64"))
    for number, (old, new) in enumerate(changes, calls + 2):
        text = text.replace(old, new)
        makefile.write_text(text, "utf-8")
        desk.make("package", SOURCE_DATE_EPOCH=EPOCH)
        assert len(desk.arguments("stampinf")) == number
    assert options(desk)["-v"] == "9.8.7.1"
    assert options(desk)["-d"] == "02/28/2024"
    assert systems(desk) == "/os:10_X64,Server10_X64,10_NI_X64"


def test_each_target_has_its_architecture(windows: Windows) -> None:
    install(windows, THREE)
    targets = ", ".join(f'"{target}"' for target in TARGETS)
    config = PLAIN.replace('"hello"\n', f'"hello"\ntargets = [{targets}]\n', 1)
    desk = start(windows, config + WDK)

    desk.make("package-all", SOURCE_DATE_EPOCH=EPOCH)

    machines = dict(zip(TARGETS, ("amd64", "x86", "arm64"), strict=True))
    calls = zip(desk.arguments("stampinf"), desk.arguments("inf2cat"), strict=True)
    found = {words[words.index("-a") + 1]: other[1] for words, other in calls}
    names = {"amd64": "X64", "x86": "X86", "arm64": "ARM64"}
    assert found == {machine: f"/os:10_RS3_{name}" for machine, name in names.items()}
    for target, machine in machines.items():
        assert f",NT{machine}".encode() in contents(desk, target)["hello.inf"]


def test_a_umdf_driver_gets_the_version_of_its_framework(windows: Windows) -> None:
    install(windows, (STAMPINF, INF2CAT))
    # Build scripts run on Linux here; empty libraries have every name that they link.
    kit = windows.home / "kit"
    for path in ("Lib/10.0.22621.0/um/x64", "Lib/wdf/umdf/x64/2.33"):
        (kit / path).mkdir(parents=True)
        for name in ("WdfDriverStubUm", "ntdll", "OneCoreUAP"):
            (kit / path / f"{name}.lib").write_bytes(b"!<arch>\n")
    driver = f'model = "umdf"\n[wdk]\nlocate = "path"\npath = {toml(str(kit))}\n'
    driver += 'framework-version = "2.33"\n'
    linker = '[linker]\nargs = ["/NOENTRY", "/NODEFAULTLIB"]\n[signing]'
    config = PLAIN.replace("[signing]", driver + linker)
    desk = start(windows, config + WDK, INX.replace("hello.sys", "hello.dll"))
    desk.project.edit("src/lib.rs", "driver_entry", "DriverEntry")

    desk.make("package", SOURCE_DATE_EPOCH=EPOCH)

    assert options(desk)["-u"] == "2.33.0"
    assert "hello.dll" in contents(desk)


def test_mistakes_that_the_tools_find_reach_the_user_and_leave_the_old_package(
    windows: Windows,
) -> None:
    install(windows, THREE)
    desk = start(windows, PLAIN + WDK)
    desk.make("package", SOURCE_DATE_EPOCH=EPOCH)
    before = contents(desk)

    def fail(inf: str, **env: str) -> str:
        (desk.project.folder / "my own.inx").write_text(inf, "utf-8")
        output = desk.fail("package", **{"SOURCE_DATE_EPOCH": EPOCH} | env)
        assert contents(desk) == before
        assert not list(folder(desk).parent.glob(".kdrvgen-*"))
        return output

    wrong = INX.replace("CopyFiles = ", "CopyFiles = Missing, ", 1)
    output = fail(wrong)
    assert "ERROR(1203) in " in output
    assert "infverif found errors in hello.inf" in output
    assert "infverif ended with exit code 1627." in output
    assert r"hello.inf is the stamped copy of" in output
    assert "inf-validation-errors-and-warnings" in output

    later = {"SOURCE_DATE_EPOCH": "1751414400"}
    output = fail(INX, KDRVGEN_SAYS_STAMPINF="1 Invalid version '1.x'", **later)
    assert "Invalid version '1.x'" in output
    assert "stampinf did not stamp " in output
    assert r"\my own.inx" in output
    assert "stampinf ended with exit code 1." in output

    missing = INX.replace("[SourceDisksFiles]", "[SourceDisksFiles]\nfirmware.bin = 1")
    output = fail(missing)
    assert "22.9.1: firmware.bin in " in output
    assert "inf2cat did not make the catalog hello.cat" in output
    assert "inf2cat ended with exit code -2." in output
    assert "package.date" not in output

    output = fail(INX, SOURCE_DATE_EPOCH="4102444800")
    assert "22.9.7: DriverVer set to a date in the future" in output
    assert "correct package.date, SOURCE_DATE_EPOCH or the clock" in output

    output = fail(INX, KDRVGEN_SAYS_INF2CAT="0 Signability test failed.", **later)
    assert "Signability test failed." in output
    assert "It wrote no catalog." in output

    output = fail(INX, SOURCE_DATE_EPOCH="1751328000000")
    assert "not a number of seconds since 1970" in output
    assert "is `1751328000000`" in output

    long = f'"hello"\noutput-dir = "target/{"/".join(["long" * 12] * 5)}"\n'
    desk.project.generate((PLAIN + WDK).replace('"hello"\n', long, 1))
    desk.make("package", SOURCE_DATE_EPOCH=EPOCH)
    assert len(desk.arguments("stampinf")[-1][1]) > 260
    assert len(desk.arguments("infverif")[-1][-1]) < 260
    assert desk.arguments("infverif")[-1][-1].endswith(r"\hello.inf")


def test_a_catalog_without_the_digests_of_the_files_is_refused(windows: Windows) -> None:
    change = 'case $2 in /driver:*) echo >> "${2#/driver:}/hello.inf" ;; esac'
    install(windows, (STAMPINF, INF2CAT), change)
    desk = start(windows, PLAIN + WDK)
    assert "the catalog has another digest of hello.inf" in desk.fail("package")

    install(windows, (STAMPINF, INF2CAT))
    unlisted = INX.replace("hello.sys = 1", "hello.pdb = 1")
    (desk.project.folder / "my own.inx").write_text(unlisted, "utf-8")
    output = desk.fail("package")
    assert "the catalog does not name hello.sys" in output
    assert "[SourceDisksFiles]" in output

    desk.project.edit("Cargo.toml", 'version = "0.1.0"', 'version = "0.1.65536"')
    output = desk.fail("package")
    assert "`0.1.65536` in Cargo.toml cannot be the version of a driver" in output
    assert not folder(desk).exists()


def test_a_missing_tool_is_named_with_what_to_install(windows: Windows) -> None:
    desk = start(windows, PLAIN + WDK)

    output = desk.fail("package")
    assert "stampinf.exe was not found" in output
    assert "KitsRoot10 in the 64-bit registry: no such value" in output
    assert "winget install Microsoft.WindowsWDK" in output
    assert 'or set package.tool = "kdrvgen"' in output

    install(windows, (STAMPINF, INFVERIF))
    output = desk.fail("package")
    assert "inf2cat.exe was not found" in output
    assert rf"KitsRoot10 in the 64-bit registry: no inf2cat.exe below {KITS}\bin" in output
    assert not desk.arguments("stampinf")
    assert not folder(desk).exists()

    # A folder of NuGet's packages, in which Inf2Cat is a program for x86 too.
    package = r"C:\packages\microsoft.windows.wdk.x64\10.0.26100.1\c\bin\10.0.26100.0"
    install(windows, [rf"{package}\x64\stampinf.exe", rf"{package}\x86\Inf2Cat.exe"])
    desk.make("package", SOURCE_DATE_EPOCH=EPOCH, WDKContentRoot=r"C:\packages")
    assert desk.places("stampinf") == [rf"{package}\x64\stampinf.exe".lower()]
    assert desk.places("inf2cat") == [rf"{package}\x86\Inf2Cat.exe".lower()]
