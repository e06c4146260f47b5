"""build.rs as a program: compiled for this host and run as cargo runs it, with folders of kits."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kdrvgen import Project
from kdrvgen.model.project import ReadFrom
from tests.tools import path_in

from .build_scripts import ARM64, X64, X86, build_scripts, flags, of_each_shape, project, put
from .conftest import FindTool

Run = Callable[..., subprocess.CompletedProcess[str]]
Build = Callable[..., Run]


@pytest.fixture(scope="module")
def build(tool: FindTool, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compile the build script of a configuration, and return what runs it."""
    above = tmp_path_factory.mktemp("build")
    rustc = tool("rustc")

    @cache
    def compiled(given: Project, _: str) -> Path:
        folder = above / str(len(list(above.iterdir())))
        folder.mkdir()
        program = folder / "build"
        command = [rustc, "--edition=2021", "-Dwarnings", "-o", str(program)]
        subprocess.run([*command, str(put(given, folder))], check=True)
        return program

    def made(text: str = "", driver: str = "", name: str = "config.toml") -> Run:
        given = project(text, driver).as_read_from(ReadFrom.of(name, ""))
        program = compiled(given, name)  # projects are equal whatever their files are called

        def run(target: str = X64, **env: str) -> subprocess.CompletedProcess[str]:
            cargos = {"TARGET": target, "CARGO_ENCODED_RUSTFLAGS": flags(given, target)}
            return subprocess.run(
                [program],
                env={"PATH": os.environ["PATH"], **cargos, **env},
                capture_output=True,
                check=False,
                text=True,
            )

        return run

    return made


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A kit with several versions, its path with blanks; the newest's km is empty."""
    root = tmp_path / "Windows Kits & co" / "10"
    for version in ("10.0.9.0", "10.0.10.0", "10.0.2.0"):
        install(root, version)
    touch(root / "Lib/10.0.11.0/um/x64/ntdll.lib")
    (root / "Lib/10.0.11.0/km/x64").mkdir(parents=True)
    touch(root / "Lib/10.0.12.0")
    touch(root / "Lib/winv6.3/km/x64/ntoskrnl.lib")
    for framework, version in itertools.product(("kmdf", "umdf"), ("1.9", "1.33", "2.9", "2.15")):
        for machine in ("x64", "x86", "arm64"):
            touch(root / "Lib/wdf" / framework / machine / version / "a.lib")
    return root


def touch(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def install(root: Path, version: str, *machines: str) -> None:
    """Lay out what a kit of one version installs: libraries, and the rules of MSBuild."""
    for mode, machine in itertools.product(("km", "um"), machines or ("x64", "x86", "arm64")):
        touch(root / "Lib" / version / mode / machine / "ntoskrnl.lib")
    touch(root / "build" / version / "WindowsDriver.Default.props")


def lines(ran: subprocess.CompletedProcess[str], key: str) -> list[str]:
    assert ran.returncode == 0, ran.stderr
    start = f"cargo:{key}="
    return [line.removeprefix(start) for line in ran.stdout.splitlines() if line.startswith(start)]


@pytest.mark.parametrize(("target", "machine"), [(X64, "x64"), (X86, "x86"), (ARM64, "arm64")])
def test_the_newest_version_with_kernel_libraries_is_linked(
    build: Build, kit: Path, target: str, machine: str
) -> None:
    ran = build()(target, WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/10.0.10.0/km/{machine}"]
    assert lines(ran, "rustc-link-lib") == [
        "ntoskrnl",
        "hal",
        *(["arm64rt"] if machine == "arm64" else []),
    ]


def test_a_kit_at_a_path_is_found_whatever_the_environment_says(build: Build, kit: Path) -> None:
    ran = build(f'[wdk]\nlocate = "path"\npath = "{kit}"')(WDKContentRoot="/nowhere")
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/10.0.10.0/km/x64"]


def test_without_a_kit_a_wdm_driver_is_linked_without_it(build: Build, tmp_path: Path) -> None:
    ran = build()(WDKContentRoot=str(tmp_path))
    assert lines(ran, "rustc-link-search") == lines(ran, "rustc-link-lib") == []
    assert f"WDKContentRoot: no km/x64 below {tmp_path}" in ran.stdout


@pytest.mark.parametrize(
    ("text", "driver", "tried"),
    [
        ('[wdk]\nlocate = "env"', "", ["WDKContentRoot: not set", "MicrosoftKitRoot: not set"]),
        ('[wdk]\nlocate = "registry"', "", ["64-bit registry: no", "32-bit registry: no"]),
        ('[wdk]\nlocate = "path"\npath = "/no kit"', "", ["wdk.path: no km/x64 below /no kit"]),
        (
            '[wdk]\nlocate = "path"\npath = "/no kit"\nversion = "10.0.1.0"',
            "",
            ["wdk.version: only version 10.0.1.0", "wdk.path: no km/x64 below /no kit"],
        ),
        ("", 'model = "kmdf"', ["WDKContentRoot", "KitsRoot10"]),
    ],
)
def test_a_required_kit_that_is_missing_fails_with_all_places(
    build: Build, text: str, driver: str, tried: list[str]
) -> None:
    ran = build(text, driver)()
    assert ran.returncode != 0
    assert "error: no Windows Driver Kit" in ran.stderr
    assert "panicked" not in ran.stderr
    assert all(place in ran.stderr for place in tried)
    assert "wdk.path in config.toml" in ran.stderr


@pytest.mark.parametrize(
    ("version", "linked"),
    [("10.0.9.0", "10.0.9.0"), ("10.0", "10.0.10.0"), ("10.0.09", "10.0.9.0")],
)
def test_a_version_selects_the_newest_that_begins_with_its_numbers(
    build: Build, kit: Path, version: str, linked: str
) -> None:
    ran = build(f'[wdk]\nversion = "{version}"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/{linked}/km/x64"]


def test_the_version_in_the_environment_is_linked_or_none(build: Build, kit: Path) -> None:
    run = build('[wdk]\nlocate = "env"')
    ran = run(WDKContentRoot=str(kit), Version_Number="10.0.2.0")
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/10.0.2.0/km/x64"]

    ran = run(WDKContentRoot=str(kit), Version_Number="10.0.3.0")
    assert ran.returncode != 0
    assert "Version_Number: only version 10.0.3.0\n" in ran.stderr


def test_the_version_of_the_configuration_wins_over_that_of_the_environment(
    build: Build, kit: Path
) -> None:
    ran = build('[wdk]\nversion = "10.0.9.0"')(WDKContentRoot=str(kit), Version_Number="10.0.2.0")
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/10.0.9.0/km/x64"]


def test_a_version_number_of_another_program_is_ignored(build: Build, kit: Path) -> None:
    ran = build()(WDKContentRoot=str(kit), Version_Number="v1.2-rc3")
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/10.0.10.0/km/x64"]


@pytest.mark.parametrize(("env", "folder"), [({}, "10"), ({"WDKKitVersion": "11"}, "11")])
def test_the_folder_of_all_kits_leads_to_one(
    build: Build, tmp_path: Path, env: dict[str, str], folder: str
) -> None:
    install(tmp_path / "Windows Kits" / folder, "10.0.1.0")
    ran = build()(MicrosoftKitRoot=str(tmp_path), **env)
    place = f"{tmp_path}/Windows Kits/{folder}"
    assert lines(ran, "rustc-link-search") == [f"native={place}/Lib/10.0.1.0/km/x64"]


def test_a_place_without_a_kit_is_skipped(build: Build, kit: Path, tmp_path: Path) -> None:
    install(tmp_path / "Windows Kits" / "10", "10.0.1.0")
    ran = build()(WDKContentRoot=str(kit.parent / "gone"), MicrosoftKitRoot=str(tmp_path))
    place = f"{tmp_path}/Windows Kits/10"
    assert lines(ran, "rustc-link-search") == [f"native={place}/Lib/10.0.1.0/km/x64"]


PACKAGES = {
    "nuget.exe": "Microsoft.Windows.WDK.{machine}.{version}",
    "dotnet": "microsoft.windows.wdk.{machine}/{version}",
}


@pytest.mark.parametrize("layout", PACKAGES.values(), ids=PACKAGES)
@pytest.mark.parametrize("named", ["", "{x64}", "{x64}/c"])
@pytest.mark.parametrize("target", [X64, ARM64])
def test_nugets_packages_are_kits_for_one_architecture_each(
    build: Build, tmp_path: Path, layout: str, named: str, target: str
) -> None:
    old, new = "10.0.26100.999", "10.0.26100.6584"
    for machine, version in itertools.product(("x64", "ARM64"), (old, new)):
        package = layout.format(machine=machine, version=version)
        install(tmp_path / package / "c", "10.0.26100.0", machine)
    x64 = layout.format(machine="x64", version=new)

    ran = build()(target, WDKContentRoot=f"{tmp_path}/{named.format(x64=x64)}".rstrip("/"))

    machine = "x64" if target == X64 else "ARM64"
    package = layout.format(machine=machine, version=new)
    assert lines(ran, "rustc-link-search") == [
        f"native={tmp_path}/{package}/c/Lib/10.0.26100.0/km/{machine}"
    ]


def test_cargo_watches_only_a_few_files_of_a_kit(build: Build, kit: Path) -> None:
    linked = f"{kit}/Lib/10.0.10.0/km/x64"
    run = build()
    watched = lines(run(WDKContentRoot=str(kit)), "rerun-if-changed")
    assert watched == ["build.rs", linked, f"{kit}/build"]

    (kit / "build" / "10.0.10.0").rename(kit / "build" / "other")
    watched = lines(run(WDKContentRoot=str(kit)), "rerun-if-changed")
    assert watched == ["build.rs", linked, f"{kit}/Lib"]


def test_without_any_sign_of_a_kit_there_is_no_warning(build: Build) -> None:
    ran = build()()
    assert lines(ran, "warning") == []
    assert "no Windows Driver Kit was found; searched: WDKContentRoot: not set" in ran.stdout


def test_a_named_place_without_a_kit_is_a_warning(build: Build, tmp_path: Path) -> None:
    (warning,) = lines(build()(WDKContentRoot=str(tmp_path)), "warning")
    assert f"WDKContentRoot: no km/x64 below {tmp_path}" in warning
    assert 'wdk.locate = "none"' in warning


def test_an_empty_variable_counts_as_unset(build: Build) -> None:
    ran = build('[wdk]\nlocate = "env"')(WDKContentRoot="")
    assert "WDKContentRoot: not set" in ran.stderr


def test_a_kmdf_driver_links_the_newest_framework(build: Build, kit: Path) -> None:
    ran = build("", 'model = "kmdf"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == [
        f"native={kit}/Lib/10.0.10.0/km/x64",
        f"native={kit}/Lib/wdf/kmdf/x64/1.33",
    ]
    assert lines(ran, "rustc-link-lib") == [
        "ntoskrnl",
        "hal",
        "BufferOverflowFastFailK",
        "WdfLdr",
        "WdfDriverEntry",
    ]


@pytest.mark.parametrize(
    ("model", "version", "linked"),
    [
        ("kmdf", "1.9", "1.9"),
        ("kmdf", "1.33", "1.33"),
        ("umdf", "2.9", "2.9"),
        ("umdf", "", "2.15"),
    ],
)
def test_the_configured_framework_version_is_linked(
    build: Build, kit: Path, model: str, version: str, linked: str
) -> None:
    ran = build(f'[wdk]\nframework-version = "{version}"', f'model = "{model}"')(
        WDKContentRoot=str(kit)
    )
    last = lines(ran, "rustc-link-search")[-1]
    assert last == f"native={kit}/Lib/wdf/{model}/x64/{linked}"


def test_a_framework_version_that_the_kit_lacks_is_not_replaced(build: Build, kit: Path) -> None:
    ran = build('[wdk]\nframework-version = "1.11"', 'model = "kmdf"')(WDKContentRoot=str(kit))
    assert ran.returncode != 0
    assert f"no KMDF 1.11 in {kit}/Lib/wdf/kmdf/x64" in ran.stderr


def test_a_umdf_driver_links_user_mode_libraries_only(build: Build, kit: Path) -> None:
    ran = build("", 'model = "umdf"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == [
        f"native={kit}/Lib/10.0.11.0/um/x64",
        f"native={kit}/Lib/wdf/umdf/x64/2.15",
    ]
    assert lines(ran, "rustc-link-lib") == ["WdfDriverStubUm", "ntdll", "OneCoreUAP"]


def test_a_kit_without_the_framework_is_an_error_with_its_place(build: Build, kit: Path) -> None:
    (kit / "Lib" / "wdf").rename(kit / "Lib" / "fdw")
    ran = build("", 'model = "kmdf"')(WDKContentRoot=str(kit))
    assert ran.returncode != 0
    assert f"no KMDF 1 in {kit}/Lib/wdf/kmdf/x64" in ran.stderr


def test_with_locate_none_no_kit_is_searched(build: Build, kit: Path) -> None:
    ran = build('[wdk]\nlocate = "none"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == lines(ran, "rustc-link-lib") == []


@pytest.mark.parametrize("linker", ["rust-lld", "/usr/bin/lld-link-19", "/opt/a b/lld-link"])
def test_lld_gets_the_arguments_that_microsofts_linker_does_not_need(
    build: Build, linker: str
) -> None:
    assert "/MERGE:.retplne=.rdata" in lines(build()(RUSTC_LINKER=linker), "rustc-link-arg-cdylib")


@pytest.mark.parametrize("env", [{}, {"RUSTC_LINKER": "link.exe"}])
def test_microsofts_linker_gets_no_extra_arguments(build: Build, env: dict[str, str]) -> None:
    assert lines(build()(**env), "rustc-link-arg-cdylib") == []


PROFILES = (
    '[linker]\nemit = "build-script"\n[profiles.production.linker]\nargs = ["/DEBUG", "/B:a b"]'
)


@pytest.mark.parametrize(
    ("env", "last"),
    [
        ({}, "/IGNORE:4216"),
        ({"CARGO_MAKE_PROFILE": "development"}, "/IGNORE:4216"),
        ({"CARGO_MAKE_PROFILE": "production"}, "/B:a b"),
    ],
)
def test_each_profile_has_its_own_arguments_in_order(
    build: Build, env: dict[str, str], last: str
) -> None:
    ran = build(PROFILES)(**env)
    arguments = lines(ran, "rustc-link-arg-cdylib")
    assert arguments[:3] == ["/DRIVER", "/KERNEL", "/SUBSYSTEM:NATIVE"]
    assert arguments[-1] == last
    assert "CARGO_MAKE_PROFILE" in lines(ran, "rerun-if-env-changed")


def test_a_check_on_the_host_is_not_changed(build: Build, kit: Path) -> None:
    ran = build(PROFILES)("x86_64-unknown-linux-gnu", WDKContentRoot=str(kit))
    assert "link" not in ran.stdout


def test_a_target_outside_the_configuration_is_not_changed(build: Build) -> None:
    ran = build("", f'target = "{X64}"')("x86_64-pc-windows-gnu", CARGO_ENCODED_RUSTFLAGS="")
    assert lines(ran, "rustc-link-arg-cdylib") == lines(ran, "rustc-link-lib") == []


@pytest.mark.parametrize(
    ("folder", "is_driver"),
    [("/t/debug/build/a-1/out", False), (f"/t/{X64}/debug/build/a-1/out", True)],
)
def test_a_build_for_a_host_with_the_drivers_target_is_not_changed(
    build: Build, folder: str, *, is_driver: bool
) -> None:
    ran = build()(HOST=X64, OUT_DIR=folder, CARGO_ENCODED_RUSTFLAGS="")
    assert (ran.returncode != 0) is is_driver
    assert lines(build()(HOST=X64, OUT_DIR=folder), "rustc-env") == ["KDRVGEN_BUILD_SCRIPT=yes"]


# --- flags ------------------------------------------------------------------------------------


@pytest.mark.parametrize("features", ["fxsr,sse,sse2,avx", "avx2", "avx512f,sse"])
def test_avx_is_refused_in_the_kernel(build: Build, features: str) -> None:
    ran = build()(CARGO_CFG_TARGET_FEATURE=features)
    assert ran.returncode != 0
    assert "KeSaveExtendedProcessorState" in ran.stderr
    assert "linker.rustflags" in ran.stderr


def test_avx_is_accepted_in_user_mode(build: Build, kit: Path) -> None:
    ran = build("", 'model = "umdf"')(WDKContentRoot=str(kit), CARGO_CFG_TARGET_FEATURE="avx")
    assert ran.returncode == 0


@pytest.mark.parametrize(
    ("target", "features", "count"),
    [(X86, "fxsr,sse,sse2", 1), (X86, "fxsr", 0), (X64, "fxsr,sse,sse2", 0)],
)
def test_a_32_bit_driver_with_sse_gets_a_warning(
    build: Build, target: str, features: str, count: int
) -> None:
    ran = build('[wdk]\nlocate = "none"')(target, CARGO_CFG_TARGET_FEATURE=features)
    warnings = lines(ran, "warning")
    assert len(warnings) == count
    assert all("-Ctarget-feature=-sse,-sse2" in warning for warning in warnings)


@pytest.mark.parametrize(
    "passed", ["", "-Dwarnings", "-Clink-arg=/DRIVER\x1f-Clink-arg=/ENTRY:other"]
)
def test_replaced_linker_arguments_are_refused_and_listed(build: Build, passed: str) -> None:
    ran = build()(CARGO_ENCODED_RUSTFLAGS=passed)
    assert ran.returncode != 0
    first = ran.stderr.splitlines()[0]
    assert "-Clink-arg=/ENTRY:driver_entry" in first
    assert ("-Clink-arg=/DRIVER" in first) is ("/DRIVER" not in passed)
    for part in ("RUSTFLAGS", "linker.rustflags", 'linker.emit = "build-script"'):
        assert part in ran.stderr


def test_linker_arguments_can_be_anywhere_among_others(build: Build) -> None:
    passed = flags(project(), X64).replace("-Clink", "-C\x1flink")
    ran = build()(CARGO_ENCODED_RUSTFLAGS=f"-Dwarnings\x1f{passed}\x1f-Copt-level=1")
    assert ran.returncode == 0, ran.stderr


def test_with_emit_build_script_the_linker_arguments_need_no_rustflags(build: Build) -> None:
    ran = build(PROFILES)(CARGO_ENCODED_RUSTFLAGS="-Dwarnings")
    assert lines(ran, "rustc-link-arg-cdylib")[0] == "/DRIVER"


@pytest.mark.parametrize(
    ("target", "env", "key"),
    [
        (X64, {"CARGO_CFG_TARGET_FEATURE": "avx"}, "linker.rustflags"),
        (X86, {"CARGO_CFG_TARGET_FEATURE": "sse"}, "linker.rustflags"),
        (X64, {"CARGO_ENCODED_RUSTFLAGS": ""}, "linker.rustflags"),
        (X64, {"DRIVER_REPRODUCIBLE": "yes", "KDRVGEN_ADDED_FLAGS": ""}, "linker.rustflags"),
        (X64, {}, "wdk.locate"),
    ],
    ids=["AVX", "SSE", "replaced flags", "foreign flags", "no kit"],
)
def test_messages_use_the_file_name_of_the_configuration(
    build: Build, target: str, env: dict[str, str], key: str
) -> None:
    if "DRIVER_REPRODUCIBLE" in env:
        env |= {"CARGO_ENCODED_RUSTFLAGS": f"{flags(project(), X64)}\x1f-Cfoo"}
    ran = build(name="kdrvgen.toml")(target, **env)
    printed = ran.stdout + ran.stderr
    assert key in printed
    assert "kdrvgen.toml" in printed
    assert "config.toml" not in printed


def test_a_missing_kit_is_an_error_that_names_the_configuration(build: Build) -> None:
    ran = build('[wdk]\nlocate = "env"', 'model = "kmdf"', name="kdrvgen.toml")()
    assert "wdk.path in kdrvgen.toml" in ran.stderr


@pytest.mark.parametrize(("model", "arguments"), [("kmdf", ["/MAP"]), ("umdf", [])])
def test_a_kmdf_driver_gets_a_map_file(
    build: Build, kit: Path, model: str, arguments: list[str]
) -> None:
    ran = build("", f'model = "{model}"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-arg-cdylib") == arguments


# --- tools that check it ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return build_scripts(tmp_path_factory.mktemp("sources"))


_SETTINGS = {
    "narrow": "max_width = 40\n",
    "tabs": 'hard_tabs = true\nchain_width = 1\nfn_params_layout = "Vertical"\n',
    "nightly": "unstable_features = true\nmax_width = 40\nwrap_comments = true\n"
    'comment_width = 40\nnormalize_comments = true\nimports_granularity = "Item"\n'
    'group_imports = "StdExternalCrate"\nindent_style = "Visual"\n'
    'brace_style = "AlwaysNextLine"\nblank_lines_lower_bound = 1\n',
}


@pytest.mark.parametrize("settings", _SETTINGS.values(), ids=_SETTINGS)
def test_cargo_fmt_does_not_change_the_files(tool: FindTool, tmp_path: Path, settings: str) -> None:
    tool("rustfmt")
    given = project(PROFILES)
    put(given, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.rs")}
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text("pub fn a(){}", encoding="utf-8")
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n',
        encoding="utf-8",
    )
    (tmp_path / "rustfmt.toml").write_text(settings, encoding="utf-8")
    for toolchain in ("", "+nightly"):  # the one that takes unstable options, where there is one
        command = [tool("cargo"), *([toolchain] if toolchain else []), "fmt", "--all"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert ran.returncode == 0 or toolchain
        assert {path: path.read_bytes() for path in before} == before
    assert (tmp_path / "src" / "lib.rs").read_text(encoding="utf-8") != "pub fn a(){}"


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["2018", "2021", "2024"])
def test_clippy_and_rustc_report_nothing(
    tool: FindTool, sources: list[Path], tmp_path: Path, edition: str
) -> None:
    tool("clippy-driver")
    if edition != "2021":  # an edition decides about code, and not about texts
        sources = of_each_shape(sources)
    programs = "".join(
        f'[[bin]]\nname = "{path.stem}"\npath = "{path}"\ntest = false\n' for path in sources
    )
    (tmp_path / "Cargo.toml").write_text(
        f'[package]\nname = "all"\nversion = "0.1.0"\nedition = "{edition}"\n{programs}'
        "[workspace]\n",
        encoding="utf-8",
    )
    command: list[Any] = [tool("cargo"), "clippy", "--offline", "--quiet", "--", "-Dwarnings"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["2018", "2021", "2024"])
def test_the_windows_half_compiles_in_every_edition(
    tool: FindTool, sources: list[Path], tmp_path: Path, edition: str
) -> None:
    target = "x86_64-pc-windows-gnu"
    rustc = Path(tool("rustc"))
    print_folder = [str(rustc), "--print=target-libdir", f"--target={target}"]
    libraries = subprocess.run(print_folder, capture_output=True, check=True, text=True)
    if not Path(libraries.stdout.strip()).is_dir():
        # tests/windows/setup.sh may have built it for another compiler.
        rustc = path_in("KDRVGEN_WINDOWS", f"Rust's library for {target}") / "rustc-for-windows"
    command = [str(rustc), f"--edition={edition}", f"--target={target}", "-Dwarnings"]
    output = ["--emit=metadata", "-o", str(tmp_path / "build")]
    subprocess.run([*command, *output, str(sources[0])], check=True)
