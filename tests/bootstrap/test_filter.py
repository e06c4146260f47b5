"""The template `filter`: a minifilter with a driver package."""

from __future__ import annotations

import pytest

from kdrvgen import load
from tests.bootstrap.conftest import TRIPLES, PreparedProject
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project, run
from tests.pipeline.test_package import contents, covers, install_kdrvgen

pytestmark = pytest.mark.slow

FUNCTIONS = {
    "FltRegisterFilter",
    "FltStartFiltering",
    "FltUnregisterFilter",
    "FltGetFileNameInformation",
    "FltReleaseFileNameInformation",
}


@pytest.fixture(scope="module")
def project(prepared: PreparedProject) -> Project:
    """A project whose packages are made for all targets."""

    def build(project: Project) -> None:
        install_kdrvgen(project)
        project.make("package-all")

    return prepared("filter", "bootstrap.edition=2024", build=build)


def test_it_imports_from_the_filter_manager_and_exports_only_its_entry_point(
    project: Project,
) -> None:
    for triple in TRIPLES:
        image = Image.read(project.output(target=triple))
        assert image.subsystem == NATIVE
        assert list(image.exports()) == ["driver_entry"]
        imports = {name.lower(): set(functions) for name, functions in image.imports().items()}
        assert imports["fltmgr.sys"] == FUNCTIONS
        assert set(imports) <= {"fltmgr.sys", "ntoskrnl.exe", "hal.dll"}


def test_its_package_has_the_altitude_and_the_group(project: Project) -> None:
    package = load(project.folder / "config.toml").package
    assert (package.altitude, package.load_order_group) == ("370030", "FSFilter Activity Monitor")
    for triple in TRIPLES:
        inf = contents(project, triple)["hello.inf"]
        assert b'Altitude,0x00000000,"370030"' in inf
        assert b'LoadOrderGroup = "FSFilter Activity Monitor"' in inf
        assert b"Dependencies = FltMgr" in inf
        covers(project, triple)


def test_its_tests_pass_on_the_host(project: Project) -> None:
    done = run(["cargo", "test", "--lib", "--quiet"], project.folder, project.env)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
