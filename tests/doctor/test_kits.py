"""The Windows Driver Kit: the places of kits, and which version is taken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kdrvgen import Project
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.probes.kit import kit
from kdrvgen.report.finding import Finding, Severity

TRIPLES = {"x64": "x86_64", "x86": "i686", "arm64": "aarch64"}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return dataclasses.replace(this_host(tmp_path, 5), system="linux", env={})


def _project(model: str = "wdm", *targets: str, **wdk: str) -> Project:
    triples = [f"{name}-pc-windows-msvc" for name in targets or ("x86_64",)]
    driver = {"name": "hello", "model": model, "targets": triples}
    return Project.model_validate({"driver": driver, "wdk": wdk})


def _library(root: Path, version: str, architecture: str = "x64", mode: str = "km") -> Path:
    library = root / "Lib" / version / mode / architecture / "any.lib"
    library.parent.mkdir(parents=True)
    library.touch()
    return library.parent


def _found(host: Host, project: Project) -> Finding:
    (finding,) = kit(host, project)
    return finding


def test_wdk_version_and_version_number_choose_the_kit(host: Host, tmp_path: Path) -> None:
    root = tmp_path / "kits"
    folders = {version: _library(root, version) for version in ("10.0.9.0", "10.0.10.0", "8.1")}
    old = dataclasses.replace(host, env={"WDKContentRoot": str(root)})
    asked = dataclasses.replace(old, env={**old.env, "Version_Number": "10.0.9.0"})

    assert _found(old, _project()).file == str(folders["10.0.10.0"])
    assert _found(asked, _project()).file == str(folders["10.0.9.0"])
    assert _found(asked, _project(version="10.0.10.0")).file == str(folders["10.0.10.0"])
    assert _found(old, _project(version="10.0.9.0")).file == str(folders["10.0.9.0"])
    assert _found(old, _project(version="10.0.9.0")).message == (
        "WDK: 10.0.9.0 for x86_64-pc-windows-msvc"
    )
    missing = _found(old, _project(model="kmdf", version="10.0.11.0"))
    assert missing.severity is Severity.ERROR
    assert "no kit for x86_64-pc-windows-msvc" in missing.message
    # The variable belongs to the kit that the environment names.
    path = _project(locate="path", path=str(root))
    assert _found(asked, path).file == str(folders["10.0.10.0"])


def test_the_places_are_searched_in_the_order_of_build_rs(host: Host, tmp_path: Path) -> None:
    registered = {64: tmp_path / "r64", 32: tmp_path / "r32"}
    own = dataclasses.replace(
        host,
        env={"WDKContentRoot": str(tmp_path / "first"), "MicrosoftKitRoot": str(tmp_path)},
        registry=lambda _key, _name, view: f"{registered[view]} ",
    )
    project = _project()
    order = [registered[32], registered[64], tmp_path / "Windows Kits/10", tmp_path / "first"]
    for root in order:
        folder = _library(root, "10.0.1.0")
        assert _found(own, project).file == str(folder)

    assert _found(own, _project(locate="env")).file.startswith(str(order[3]))
    assert _found(own, _project(locate="registry")).file.startswith(str(order[1]))
    env = {"MicrosoftKitRoot": str(tmp_path), "WDKKitVersion": "11"}
    eleven = dataclasses.replace(own, env=env)
    folder = _library(tmp_path / "Windows Kits/11", "10.0.1.0")
    assert _found(eleven, _project()).file == str(folder)
    nowhere = _found(host, _project(locate="env", model="kmdf")).message
    assert "searched WDKContentRoot: not set; MicrosoftKitRoot: not set" in nowhere
    assert list(kit(own, _project(locate="none"))) == []


@pytest.mark.parametrize("architecture", TRIPLES)
def test_the_kit_must_have_the_architecture_and_the_mode(
    host: Host, tmp_path: Path, architecture: str
) -> None:
    project = _project("wdm", *TRIPLES.values(), locate="path", path=str(tmp_path))
    _library(tmp_path, "10.0.1.0", architecture.upper())

    ok = [each for each in kit(host, project) if each.severity is Severity.OK]

    assert [each.message.partition(" for ")[2] for each in ok] == [
        f"{TRIPLES[architecture]}-pc-windows-msvc"
    ]
    empty = tmp_path / "Lib/10.0.2.0/km" / architecture
    empty.mkdir(parents=True)
    assert len([each for each in kit(host, project) if each.severity is Severity.OK]) == 1


def test_a_framework_of_the_chosen_version_must_be_there(host: Host, tmp_path: Path) -> None:
    _library(tmp_path, "10.0.1.0", mode="um")
    root = str(tmp_path)
    missing = _found(host, _project("umdf", locate="path", path=root))
    assert missing.message == "WDK: the kit has no UMDF 2"

    (tmp_path / "Lib/wdf/umdf/x64/2.31").mkdir(parents=True)
    assert _found(host, _project("umdf", locate="path", path=root)).severity is Severity.OK
    wanted = _project("umdf", locate="path", path=root, framework_version="2.33")
    assert _found(host, wanted).message == "WDK: the kit has no UMDF 2.33"


@pytest.mark.parametrize(
    ("system", "severity"), [("windows", Severity.NOTE), ("linux", Severity.OK)]
)
def test_without_a_kit_a_driver_can_import_with_raw_dylib(
    host: Host, system: str, severity: Severity
) -> None:
    finding = _found(dataclasses.replace(host, system=system), _project())
    assert finding.severity is severity
    assert "needs none" in finding.message


def test_a_kit_can_be_in_the_folder_c_of_a_package(host: Host, tmp_path: Path) -> None:
    folder = _library(tmp_path / "any/c", "10.0.1.0")
    own = dataclasses.replace(host, env={"WDKContentRoot": str(tmp_path / "any")})

    assert _found(own, _project()).file == str(folder)


@pytest.mark.parametrize(
    "name", ["Microsoft.Windows.WDK.x64.10.0.2.0", "microsoft.windows.wdk.x64/10.0.2.0"]
)
def test_the_newest_package_of_nuget_is_taken(host: Host, tmp_path: Path, name: str) -> None:
    packages = tmp_path / "packages"
    older = name.replace("10.0.2.0", "10.0.1.9")
    _library(packages / older / "c", "10.0.1.0")
    newer = _library(packages / name / "c", "10.0.1.0")
    other = packages / "Microsoft.Windows.WDK.ARM64.10.0.3.0"
    other.mkdir()
    for place in (packages, other):
        own = dataclasses.replace(host, env={"WDKContentRoot": str(place)})
        assert _found(own, _project()).file == str(newer)
