"""The places of tools and certificates on Windows: the host is a value, its files are real."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import pytest

from kdrvgen import Driver, Linker, Package, Project, Signing
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.probes.certificate_files import missing_files, provider_certificate
from kdrvgen.doctor.probes.linker import host_linker, linkers
from kdrvgen.doctor.probes.packing import wdk_tools
from kdrvgen.doctor.probes.sdk import find_tool
from kdrvgen.doctor.probes.signing import signing_tool
from kdrvgen.doctor.run import Scope, run_probes
from kdrvgen.doctor.tasks import Task
from kdrvgen.report.finding import Severity
from tests.pipeline.authority import CODE_SIGNING, Identity

PROJECT = Project(driver=Driver(name="hello"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A Windows without any tool."""
    return dataclasses.replace(
        this_host(tmp_path, 5), system="windows", env={"PATH": "", "USERPROFILE": str(tmp_path)}
    )


def _put(folder: Path, *parts: str) -> Path:
    path = folder.joinpath(*parts, "signtool.exe")
    path.parent.mkdir(parents=True)
    path.touch(0o755)
    return path


def test_signtool_is_found_in_the_first_place_that_has_it(host: Host, tmp_path: Path) -> None:
    assert not find_tool(host, "signtool.exe")

    nuget = _put(tmp_path, ".nuget/packages/microsoft.windows.sdk.buildtools/1/bin/10.0.1.0/x64")
    assert find_tool(host, "signtool.exe") == str(nuget)

    click_once = _put(tmp_path, "programs/Microsoft SDKs/ClickOnce/SignTool")
    host = dataclasses.replace(
        host, env={**host.env, "ProgramFiles(x86)": str(tmp_path / "programs")}
    )
    assert find_tool(host, "signtool.exe") == str(click_once)
    older = dataclasses.replace(host, env={"ProgramFiles": str(tmp_path / "programs")})
    assert find_tool(older, "signtool.exe") == str(click_once)

    kits = tmp_path / "kits"
    host = dataclasses.replace(host, registry=lambda *_: str(kits))
    of_an_old_kit = _put(kits, "bin/x86")
    assert find_tool(host, "signtool.exe") == str(of_an_old_kit)
    x86 = _put(kits, "bin/10.0.26100.0/x86")
    assert find_tool(host, "signtool.exe") == str(x86)
    _put(kits, "bin/10.0.9.0/x64")
    newest = _put(kits, "bin/10.0.10.0/x64")
    assert find_tool(host, "signtool.exe") == str(newest)
    later = _put(tmp_path, "root/Windows Kits/10/bin/10.0.11.0/x64")
    elsewhere = {**host.env, "MicrosoftKitRoot": str(tmp_path / "root")}
    assert find_tool(dataclasses.replace(host, env=elsewhere), "signtool.exe") == str(later)

    on_path = _put(tmp_path, "on path")
    direct = dataclasses.replace(host, env={**host.env, "PATH": str(on_path.parent)})
    assert find_tool(direct, "signtool.exe") == str(on_path)

    chosen = _put(tmp_path, "chosen/x64")
    prompt = {**host.env, "WindowsSdkVerBinPath": str(tmp_path / "chosen")}
    host = dataclasses.replace(host, env=prompt)
    assert find_tool(host, "signtool.exe") == str(chosen)


@pytest.mark.parametrize(
    ("variables", "architectures"),
    [
        ({"PROCESSOR_ARCHITECTURE": "AMD64"}, ("x64", "x86")),
        ({"PROCESSOR_ARCHITECTURE": "x86"}, ("x86",)),
        ({"PROCESSOR_ARCHITECTURE": "ARM64"}, ("arm64", "x64", "x86")),
        (
            {"PROCESSOR_ARCHITECTURE": "x86", "PROCESSOR_ARCHITEW6432": "ARM64"},
            ("arm64", "x64", "x86"),
        ),
        ({}, ("x64", "x86")),
    ],
)
def test_the_signtool_of_the_machines_architecture_comes_first(
    host: Host, tmp_path: Path, variables: dict[str, str], architectures: tuple[str, ...]
) -> None:
    sdk = {"WindowsSdkDir": f"{tmp_path}/sdk/", "WindowsSDKVersion": "10.0.1.0"}
    host = dataclasses.replace(host, env={**host.env, **variables, **sdk})
    for name in ("arm64", "x64", "x86"):
        _put(tmp_path, "sdk/bin/10.0.1.0", name)

    found = []
    while place := find_tool(host, "signtool.exe"):
        found.append(Path(place).parent.name)
        Path(place).unlink()

    assert tuple(found) == architectures


def test_the_newest_visual_studio_comes_first(host: Host, tmp_path: Path) -> None:
    programs, data = tmp_path / "Programs", tmp_path / "data"
    places = [
        programs / "Microsoft Visual Studio" / year / "BuildTools" for year in ("2019", "2022")
    ]
    for number, place in enumerate([*places, tmp_path / "first", tmp_path / "second"]):
        link = place / "VC/Tools/MSVC/14/bin/Hostx64/x64/link.exe"
        link.parent.mkdir(parents=True)
        link.touch()
        if place not in places:
            record = data / f"Microsoft/VisualStudio/Packages/_Instances/{number}/state.json"
            record.parent.mkdir(parents=True)
            record.write_text(json.dumps({"installationPath": str(place)}), encoding="utf-8")
    env = {"PATH": "", "ProgramFiles": str(programs)}

    def chosen(**more: str) -> str:
        (finding,) = linkers(dataclasses.replace(host, env={**env, **more}), PROJECT, None)
        return finding.file

    assert chosen().startswith(str(places[1]))
    assert chosen(ProgramData=str(data)).startswith(str(tmp_path / "second"))


def test_link_exe_on_the_path_of_a_developer_prompt_is_enough(host: Host, tmp_path: Path) -> None:
    git = tmp_path / "usr/bin/link.exe"
    microsofts = tmp_path / "MSVC/14/bin/Hostx64/x64/link.exe"
    for program in (git, microsofts):
        program.parent.mkdir(parents=True)
        program.touch(0o755)

    for program, state in ((git, Severity.ERROR), (microsofts, Severity.OK)):
        prompt = dataclasses.replace(host, env={"PATH": str(program.parent)})
        (finding,) = linkers(prompt, PROJECT, None)
        assert finding.severity is state, finding


@pytest.mark.parametrize(
    ("architecture", "component", "folder"),
    [
        ("x86_64", "VC.Tools.x86.x64", "x64"),
        ("i686", "VC.Tools.x86.x64", "x86"),
        ("aarch64", "VC.Tools.ARM64", "arm64"),
    ],
)
def test_each_target_needs_a_component_of_visual_studio(
    host: Host, tmp_path: Path, architecture: str, component: str, folder: str
) -> None:
    triple = f"{architecture}-pc-windows-msvc"
    project = Project.model_validate({"driver": {"name": "hello", "targets": [triple]}})
    (finding,) = linkers(host, project, None)
    assert finding.message == f"linker: no Visual Studio has link.exe for {triple}"
    assert finding.help.endswith(f"Microsoft.VisualStudio.Component.{component}")

    programs = tmp_path / "Programs/Microsoft Visual Studio"
    link = programs / "2022/Community/VC/Tools/MSVC/14.4/bin/Hostx64" / folder / "link.exe"
    link.parent.mkdir(parents=True)
    link.touch()
    for variable in ("ProgramFiles", "ProgramFiles(x86)"):
        own = dataclasses.replace(host, env={**host.env, variable: str(tmp_path / "Programs")})
        (finding,) = linkers(own, project, None)
        assert finding.file == str(link)


def test_build_rs_needs_link_exe_too_if_the_driver_has_another_linker(host: Host) -> None:
    msvc, gnu = "x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"
    for program, needed in (("auto", 0), ("link", 0), ("rust-lld", 1)):
        project = Project(driver=Driver(name="hello"), linker=Linker(program=program))
        assert len(list(host_linker(host, project, msvc))) == needed, program
        assert list(host_linker(host, project, gnu)) == []


def test_link_exe_is_found_with_the_records_of_the_installer(host: Host, tmp_path: Path) -> None:
    place = tmp_path / "drive d/my VS"
    records = tmp_path / "data/Microsoft/VisualStudio/Packages/_Instances"
    for name, text in (
        ("a", json.dumps({"installationPath": str(place)})),
        ("b", "damaged"),
        ("c", "[]"),
    ):
        (records / name).mkdir(parents=True)
        (records / name / "state.json").write_text(text, encoding="utf-8")
    machine = dataclasses.replace(host, env={"PATH": "", "ProgramData": str(tmp_path / "data")})

    (finding,) = linkers(machine, PROJECT, None)
    assert finding.severity is Severity.ERROR
    assert "VC.Tools.x86.x64" in finding.help

    program = place / "VC/Tools/MSVC/14.40.33807/bin/Hostx64/x64/link.exe"
    program.parent.mkdir(parents=True)
    program.touch()
    (finding,) = linkers(machine, PROJECT, None)
    assert (finding.severity, finding.file) == (Severity.OK, str(program))
    assert finding.message == "linker: link.exe for x86_64-pc-windows-msvc"


def test_a_configured_signtool_that_does_not_exist_is_an_error(host: Host) -> None:
    project = Project(driver=Driver(name="hello"), signing=Signing(signtool="tools/signtool.exe"))

    (finding, *_) = signing_tool(host, project)

    assert finding.severity is Severity.ERROR
    assert "signing.signtool" in finding.message


def test_a_key_of_a_provider_needs_its_name_and_a_certificate_file(
    host: Host, tmp_path: Path
) -> None:
    signing = Signing(
        mode="certificate", csp="Token", key_container_env="KEY", public_certificate="own.pem"
    )
    assert "the variable KEY" in provider_certificate(host, signing).message

    host = dataclasses.replace(host, env={**host.env, "KEY": "[{{1234}}]=x"})
    assert "no such file" in provider_certificate(host, signing).message

    (tmp_path / "own.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    assert "cannot be read" in provider_certificate(host, signing).message

    identity = Identity.make("Token", CODE_SIGNING)
    (tmp_path / "own.pem").write_bytes(identity.certificate_pem())
    finding = provider_certificate(host, signing)
    assert finding.severity is Severity.OK
    assert "1234" not in str(finding)


def test_a_signing_library_and_its_metadata_file_must_exist(host: Host) -> None:
    signing = Signing(mode="certificate", dlib="cloud.dll", dmdf="cloud.json")

    found = list(missing_files(host, signing))

    assert [finding.message.split(": ")[1] for finding in found] == [
        "signing.dlib",
        "signing.dmdf",
    ]
    assert provider_certificate(host, signing).severity is Severity.OK


def test_the_progress_names_and_counts_the_checks(host: Host, tmp_path: Path) -> None:
    lines: list[str] = []
    scope = Scope("development", {Task.DEPLOY}, network=False)

    run_probes(host, PROJECT, str(tmp_path / "config.toml"), scope, lines.append)

    names = ("cargo-make", "Windows", "generated files", "agreement", "project")
    assert lines == [f"checking {number}/5 {name}" for number, name in enumerate(names, 1)]


@pytest.mark.slow
def test_a_probe_that_hangs_is_an_error_after_its_time_limit(host: Host) -> None:
    released = threading.Event()
    hung = dataclasses.replace(host, registry=lambda *_: released.wait(60), time_limit=0.1)

    found = run_probes(hung, PROJECT, "", Scope("development", {Task.DEPLOY}, network=False))
    released.set()

    (finding,) = [each for each in found if each.rule == "host-windows"]
    assert "did not end within" in finding.message
    assert finding.severity is Severity.ERROR


def test_the_tools_of_the_wdk_are_found_in_a_kit_and_in_packages_of_nuget(
    host: Host, tmp_path: Path
) -> None:
    package = Package(inx="own.inx", tool="wdk")
    project = Project(driver=Driver(name="hello"), package=package)

    def found(host: Host) -> list[tuple[str, str]]:
        findings = wdk_tools(host, project)
        return [(each.severity, each.place.file if each.place else "") for each in findings]

    assert found(host) == [("error", ""), ("error", "")]
    assert list(wdk_tools(host, Project(driver=Driver(name="hello")))) == []

    inner = tmp_path / "packages/Microsoft.Windows.WDK.x64.10.0.26100.1/c/bin/10.0.26100.0"
    places = [inner / "x64/stampinf.exe", inner / "x86/inf2cat.exe"]
    for place in places:
        place.parent.mkdir(parents=True)
        place.touch(0o755)
    host = dataclasses.replace(host, env={**host.env, "WDKContentRoot": str(tmp_path / "packages")})
    assert found(host) == [("ok", str(place)) for place in places]
