"""Drivers linked with the libraries of a kit: import libraries and a framework made here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kdrvgen.kernel import kernel_files
from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, X64, Project, need, run

pytestmark = pytest.mark.slow

RAW_DYLIB = 'link(name = $library, kind = "raw-dylib", modifiers = "+verbatim")'
# Every function that the crate `kernel` imports, and that of the example.
KERNEL = (
    "MmIsAddressValid",
    *(
        name
        for source in kernel_files().values()
        for block in re.findall(r"^crate::import! \{\n.*?^\}", source, re.MULTILINE | re.DOTALL)
        for name in re.findall(r"^        fn (\w+)\(", block, re.MULTILINE)
    ),
)
FRAMEWORK = """\
#![no_std]
#[link_section = ".kmdf"]
#[no_mangle]
static WDF_VERSION: [u8; 9] = *b"KMDF {version:>4}";
extern "system" {{
    fn DriverEntry(driver: *mut u8, path: *const u8) -> i32;
}}
#[no_mangle]
unsafe extern "system" fn FxDriverEntry(driver: *mut u8, path: *const u8) -> i32 {{
    core::ptr::read_volatile(&WDF_VERSION);
    DriverEntry(driver, path)
}}
"""


class Kit:
    """A kit's folder of libraries, made by the linker at hand."""

    def __init__(self, project: Project) -> None:
        need("lld-link")
        self._project = project
        self.root = project.home / "Windows Kits" / "10"

    def imports(self, file: str, image: str, *functions: str) -> None:
        """Write an import library."""
        definition = self._project.home / "imports.def"
        definition.write_text("\n".join((f"LIBRARY {image}", "EXPORTS", *functions)))
        self._library(file, f"/def:{definition}")

    def compiled(self, file: str, source: str) -> None:
        """Write a static library of one object."""
        text, object_ = (self._project.home / f"object.{suffix}" for suffix in ("rs", "obj"))
        text.write_text(source)
        options = ["--edition=2021", "--crate-type=lib", "--emit=obj", f"--target={X64}"]
        self._run("rustc", *options, "-o", object_, text)
        self._library(file, object_)

    def _library(self, file: str, what: str | Path) -> None:
        path = self.root / "Lib" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        self._run("lld-link", "/lib", "/machine:x64", f"/out:{path}", what)

    def _run(self, *command: str | Path) -> None:
        done = run(command, self._project.folder, self._project.env)
        assert done.returncode == 0, done.stdout


def _without_raw_dylib(project: Project) -> Kit:
    """Have the driver take its imports from a kit, and make that."""
    project.edit("kernel/src/import.rs", RAW_DYLIB, "allow(unused)")
    kit = Kit(project)
    kit.imports("10.0.9.0/km/x64/ntoskrnl.lib", "old.exe", *KERNEL)
    kit.imports("10.0.10.0/km/x64/ntoskrnl.lib", "ntoskrnl.exe", *KERNEL)
    kit.imports("10.0.10.0/km/x64/hal.lib", "hal.dll", "KeStallExecutionProcessor")
    return kit


def test_a_driver_takes_its_imports_from_the_newest_kit(project: Project) -> None:
    kit = _without_raw_dylib(project)

    output = project.fail("rename", WDKContentRoot=str(kit.root / "Lib"))
    assert "warning: hello@0.1.0: no Windows Driver Kit was found; searched: " in output
    assert "undefined symbol: DbgPrintEx" in output

    output = project.make("rename", WDKContentRoot=str(kit.root))
    image = project.sys.read_bytes()
    assert b"ntoskrnl.exe\0" in image
    assert b"DbgPrintEx\0" in image
    assert b"old.exe\0" not in image
    assert "warning" not in output


def _kmdf(make_project: MakeProject, framework: str = "") -> tuple[Project, Kit]:
    """Make a KMDF driver, and the kit that it is linked with."""
    project = make_project(_kmdf_config(framework))
    project.edit("src/lib.rs", "entry: driver_entry", "entry: DriverEntry")
    kit = _without_raw_dylib(project)
    kit.compiled("10.0.10.0/km/x64/BufferOverflowFastFailK.lib", "#![no_std]")
    for version in ("1.9", "1.33"):
        folder = f"wdf/kmdf/x64/{version}"
        kit.imports(f"{folder}/WdfLdr.lib", "WDFLDR.SYS", "WdfVersionBind")
        kit.compiled(f"{folder}/WdfDriverEntry.lib", FRAMEWORK.format(version=version))
    return project, kit


def _kmdf_config(framework: str) -> str:
    wdk = f'[wdk]\nlocate = "env"\nframework-version = "{framework}"\n'
    return CONFIG.replace("[signing]", f'model = "kmdf"\n{wdk}[signing]')


@pytest.mark.parametrize(("framework", "linked"), [("", b"KMDF 1.33"), ("1.9", b"KMDF  1.9")])
def test_a_kmdf_driver_is_started_by_the_selected_framework_version(
    make_project: MakeProject, framework: str, linked: bytes
) -> None:
    project, kit = _kmdf(make_project, framework)

    project.make("rename", WDKContentRoot=str(kit.root))

    assert linked in project.sys.read_bytes()
    assert "FxDriverEntry" in project.output("hello.map").read_text("utf-8")


def test_a_reproducible_kmdf_driver_is_known_by_its_entry_point(make_project: MakeProject) -> None:
    project, kit = _kmdf(make_project)
    project = project.under({"WDKContentRoot": str(kit.root)})
    project.generate(_kmdf_config("") + "[linker]\nreproducible = true\n")
    project.make("rename")
    image = project.sys.read_bytes()

    map_file = project.linked("deps/hello.map")
    text = map_file.read_text("utf-8")
    assert "Timestamp is 00000000" in text
    entry = re.search(r"entry point at +0001:([0-9a-f]{8})", text)
    assert entry
    moved = f"{int(entry[1], 16) + 1:08x}"
    map_file.write_text(text.replace(entry[1], moved), "utf-8")
    assert "the linker wrote no map file for this image" in project.fail("rename")
    assert project.sys.read_bytes() == image


def test_a_kmdf_driver_that_the_framework_does_not_start_is_refused(
    make_project: MakeProject,
) -> None:
    project, kit = _kmdf(make_project)
    flags = {
        f"CARGO_TARGET_{X64.upper().replace('-', '_')}_RUSTFLAGS": "-Clink-arg=/ENTRY:DriverEntry"
    }

    output = project.under(flags).fail("sign", WDKContentRoot=str(kit.root))

    assert "its entry point is DriverEntry, not FxDriverEntry" in output
    assert not project.sys.exists()


def test_the_map_file_of_another_link_does_not_speak_for_a_kmdf_driver(
    make_project: MakeProject,
) -> None:
    project, kit = _kmdf(make_project)
    project = project.under({"WDKContentRoot": str(kit.root)})
    project.make("rename")
    project.make("clean-driver")
    assert not project.output("hello.map").exists()
    map_file = project.linked("deps/hello.map")
    text = map_file.read_text("utf-8")
    other = re.sub(r"Timestamp is [0-9a-f]+", "Timestamp is 00000001", text)
    assert other != text
    map_file.write_text(other, "utf-8")

    assert "the linker wrote no map file for this image" in project.fail("sign")

    map_file.unlink()
    assert "the linker wrote no map file for this image" in project.fail("sign")
    assert not project.sys.exists()
