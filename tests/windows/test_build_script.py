"""build.rs as a program of Windows: what it finds in the registry and below the kits' folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kdrvgen import Project
from tests.rendering.build_scripts import X64, build_scripts, flags, of_each_shape, project, put
from tests.windows.bed import INSTALLED_ROOTS, Done, Windows

pytestmark = [pytest.mark.slow, pytest.mark.wine]

Run = Callable[..., Done]


@pytest.fixture(scope="session")
def _programs(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Windows, str], tuple[Project, Path]]:
    known: dict[str, tuple[Project, Path]] = {}

    def compiled(windows: Windows, wdk: str) -> tuple[Project, Path]:
        if wdk not in known:
            folder = tmp_path_factory.mktemp("program")
            given = project(f"[wdk]\n{wdk}\n")
            windows.compile(put(given, folder), folder / "build.exe", "-Dwarnings")
            known[wdk] = given, folder / "build.exe"
        return known[wdk]

    return compiled


@pytest.fixture
def build(
    windows: Windows, _programs: Callable[[Windows, str], tuple[Project, Path]]
) -> Callable[[str], Run]:
    """Compile the build script for a way to locate the kit; return what runs it."""

    def made(wdk: str) -> Run:
        given, program = _programs(windows, wdk)

        def run(target: str = X64, **env: str) -> Done:
            of_cargo = {
                "TARGET": target,
                "HOST": X64,
                "OUT_DIR": rf"C:\project\target\{target}\debug\build\a\out",
                "CARGO_ENCODED_RUSTFLAGS": flags(given, target),
            }
            return windows.run([program], env={**of_cargo, **env})

        return run

    return made


def found(done: Done) -> str:
    """Return the folder of libraries, in lower case and with one kind of separator."""
    assert done.code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if "rustc-link-search" in line]
    return line.partition("native=")[2].replace("/", "\\").lower()


REGISTRY = 'locate = "registry"'
KITS = r"C:\Program Files (x86)\Windows Kits\10"


@pytest.mark.parametrize("view", [64, 32])
def test_either_view_of_the_registry_leads_to_the_kit(
    windows: Windows, build: Callable[[str], Run], view: int
) -> None:
    windows.install_kits(registry=[view])

    assert found(build(REGISTRY)()).endswith(r"windows kits\10\lib\10.0.22621.0\km\x64")


def test_the_newest_version_by_number_that_has_kernel_libraries_is_taken(
    windows: Windows, build: Callable[[str], Run]
) -> None:
    windows.install_kits(versions=["10.0.9.0", "10.0.10.0"])
    windows.install_kits(versions=["10.0.11.0"], kernel=False)
    windows.unix(rf"{KITS}\Lib\10.0.12.0\km\x64").mkdir(parents=True)

    for target, architecture in (
        (X64, "x64"),
        ("i686-pc-windows-msvc", "x86"),
        ("aarch64-pc-windows-msvc", "arm64"),
    ):
        assert found(build(REGISTRY)(target)).endswith(rf"10.0.10.0\km\{architecture}")


def test_a_kit_on_another_drive_and_below_an_odd_path_is_found(
    windows: Windows, build: Callable[[str], Run]
) -> None:
    windows.drive("d", windows.home / "drive d")
    windows.install_kits(r"D:\my kits & 'more' (10)")

    place = r"d:\my kits & 'more' (10)\lib\10.0.22621.0\km\x64"
    assert found(build(REGISTRY)()) == place
    done = build('locate = "env"')(WDKContentRoot=r"D:\my kits & 'more' (10)")
    assert found(done) == place


def test_a_view_without_kernel_libraries_gives_way_to_the_other(
    windows: Windows, build: Callable[[str], Run]
) -> None:
    windows.drive("d", windows.home / "drive d")
    windows.install_kits(r"D:\sdk", kernel=False, registry=[64])
    windows.install_kits(r"D:\wdk", registry=[32])

    assert found(build(REGISTRY)()).startswith(r"d:\wdk")


def test_without_a_kit_the_registry_is_named_or_the_driver_does_without(
    windows: Windows, build: Callable[[str], Run]
) -> None:
    windows.set_value(INSTALLED_ROOTS, "KitsRoot10", "D:\\gone\\", view=64)

    done = build(REGISTRY)()
    assert done.code != 0
    assert r"D:\gone" in done.output
    assert "KitsRoot10 in the 32-bit registry: no such value" in done.output

    done = build('locate = "auto"')()
    assert done.code == 0, done.output
    assert "rustc-link-search" not in done.stdout
    (warning,) = [line for line in done.stdout.splitlines() if line.startswith("cargo:warning=")]
    assert "WDKContentRoot: not set in the environment" in warning
    assert 'wdk.locate = "none"' in warning


@pytest.mark.parametrize("name", ["Прог раммы", "程式", "Füße", "😀"])
def test_a_root_that_no_code_page_can_write_is_read_from_the_registry(
    windows: Windows, build: Callable[[str], Run], name: str
) -> None:
    windows.install_kits(rf"C:\{name}\10")

    assert found(build(REGISTRY)()) == rf"c:\{name}\10\lib\10.0.22621.0\km\x64".lower()


def test_the_prompt_of_the_enterprise_kit_says_where_and_which(
    windows: Windows, build: Callable[[str], Run]
) -> None:
    root = r"E:\Program Files\Windows Kits\10"
    windows.drive("e", windows.home / "ewdk")
    windows.install_kits(root, ["10.0.22621.0", "10.0.26100.0"], registry=[])
    windows.install_kits()
    prompt = {"WDKContentRoot": root + "\\", "EnterpriseWDK": "True"}

    done = build('locate = "auto"')(**prompt, Version_Number="10.0.22621.0")

    assert found(done) == rf"{root}\lib\10.0.22621.0\km\x64".lower()


@pytest.mark.parametrize("edition", ["2018", "2024"])
def test_every_build_script_compiles_for_windows_in_every_edition(
    windows: Windows, tmp_path: Path, edition: str
) -> None:
    scripts = build_scripts(tmp_path)
    for source in scripts if edition == "2024" else of_each_shape(scripts):
        windows.compile(
            source, source.with_suffix(".rmeta"), "-Dwarnings", "--emit=metadata", edition=edition
        )
