"""build.rs as a program: compiled for this host and run as cargo runs it, with folders of kits."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from kdrvgen import loads, render

from .conftest import FindTool

X64, X86, ARM64 = (f"{part}-pc-windows-msvc" for part in ("x86_64", "i686", "aarch64"))
Run = Callable[..., subprocess.CompletedProcess[str]]
Build = Callable[..., Run]


def script(text: str = "", driver: str = "") -> str:
    return render(loads(f'[driver]\nname = "a"\n{driver}\n{text}'))[PurePosixPath("build.rs")]


@pytest.fixture(scope="module")
def build(tool: FindTool, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compile the build script of a configuration, and return what runs it."""
    folder = tmp_path_factory.mktemp("build")
    rustc = tool("rustc")

    @cache
    def compiled(source: str) -> Path:
        name = f"build{len(list(folder.iterdir()))}"
        (folder / f"{name}.rs").write_text(source, encoding="utf-8")
        command = [rustc, "--edition=2021", "-Dwarnings", "-o", str(folder / name)]
        subprocess.run([*command, str(folder / f"{name}.rs")], check=True)
        return folder / name

    def made(text: str = "", driver: str = "") -> Run:
        program = compiled(script(text, driver))

        def run(target: str = X64, **env: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [program],
                env={"TARGET": target, "PATH": os.environ["PATH"], **env},
                capture_output=True,
                check=False,
                text=True,
            )

        return run

    return made


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A kit with several versions, its path with blanks; the newest by its number has no km."""
    root = tmp_path / "Windows Kits & co" / "10"
    for version in ("10.0.9.0", "10.0.10.0", "10.0.2.0"):
        for mode, machine in itertools.product(("km", "um"), ("x64", "x86", "arm64")):
            (root / "Lib" / version / mode / machine).mkdir(parents=True)
    (root / "Lib" / "10.0.11.0" / "um" / "x64").mkdir(parents=True)
    (root / "Lib" / "10.0.12.0").write_text("no folder")
    (root / "Lib" / "winv6.3" / "km" / "x64").mkdir(parents=True)
    for framework, version in itertools.product(("kmdf", "umdf"), ("1.9", "1.33", "2.15")):
        for machine in ("x64", "x86", "arm64"):
            (root / "Lib" / "wdf" / framework / machine / version).mkdir(parents=True)
    return root


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
    assert lines(ran, "rustc-link-lib") == ["ntoskrnl", "hal"]
    assert "WDKContentRoot" in lines(ran, "rerun-if-env-changed")


def test_the_version_asked_for_is_linked(build: Build, kit: Path) -> None:
    ran = build('[wdk]\nversion = "10.0.9.0"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/10.0.9.0/km/x64"]


def test_a_kit_at_a_path_is_found_whatever_the_environment_says(build: Build, kit: Path) -> None:
    ran = build(f'[wdk]\nlocate = "path"\npath = "{kit}"')(WDKContentRoot="/nowhere")
    assert lines(ran, "rustc-link-search") == [f"native={kit}/Lib/10.0.10.0/km/x64"]


def test_without_a_kit_a_wdm_driver_is_linked_without_it(build: Build, tmp_path: Path) -> None:
    ran = build()(WDKContentRoot=str(tmp_path))
    assert lines(ran, "rustc-link-search") == lines(ran, "rustc-link-lib") == []
    assert f"{tmp_path}/Lib (none with km/x64)" in ran.stdout


@pytest.mark.parametrize(
    ("text", "driver", "tried"),
    [
        ('[wdk]\nlocate = "env"', "", ["WDKContentRoot in the environment (not set)"]),
        ('[wdk]\nlocate = "registry"', "", ["KitsRoot10 in the 64-bit registry (none)"]),
        ('[wdk]\nlocate = "path"\npath = "/no kit"', "", ["/no kit/Lib (none with km/x64)"]),
        (
            '[wdk]\nlocate = "path"\npath = "/no kit"\nversion = "10.0.1.0"',
            "",
            ["/no kit/Lib/10.0.1.0 (no km/x64 in it)"],
        ),
        ("", 'model = "kmdf"', ["WDKContentRoot", "KitsRoot10"]),
    ],
)
def test_a_kit_that_is_needed_and_missing_fails_with_all_that_was_tried(
    build: Build, text: str, driver: str, tried: list[str]
) -> None:
    ran = build(text, driver)()
    assert ran.returncode != 0
    assert "no Windows Driver Kit; looked at: " in ran.stderr
    assert all(place in ran.stderr for place in tried)
    assert "wdk.path in config.toml" in ran.stderr


def test_an_empty_variable_counts_as_unset(build: Build) -> None:
    ran = build('[wdk]\nlocate = "env"')(WDKContentRoot="")
    assert "(not set)" in ran.stderr


def test_a_kmdf_driver_links_the_newest_framework(build: Build, kit: Path) -> None:
    ran = build("", 'model = "kmdf"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == [
        f"native={kit}/Lib/10.0.10.0/km/x64",
        f"native={kit}/Lib/wdf/kmdf/x64/2.15",
    ]
    assert lines(ran, "rustc-link-lib") == [
        "ntoskrnl",
        "hal",
        "BufferOverflowFastFailK",
        "WdfLdr",
        "WdfDriverEntry",
    ]


def test_a_umdf_driver_links_user_mode_libraries_only(build: Build, kit: Path) -> None:
    ran = build("", 'model = "umdf"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == [
        f"native={kit}/Lib/10.0.11.0/um/x64",
        f"native={kit}/Lib/wdf/umdf/x64/2.15",
    ]
    assert lines(ran, "rustc-link-lib") == ["WdfDriverStubUm", "ntdll", "OneCoreUAP"]


def test_a_kit_without_the_framework_is_an_error_that_says_where(build: Build, kit: Path) -> None:
    (kit / "Lib" / "wdf").rename(kit / "Lib" / "fdw")
    ran = build("", 'model = "kmdf"')(WDKContentRoot=str(kit))
    assert ran.returncode != 0
    assert f"no KMDF libraries in {kit}/Lib/wdf/kmdf/x64" in ran.stderr


def test_without_wdk_no_kit_is_looked_for(build: Build, kit: Path) -> None:
    ran = build('[wdk]\nlocate = "none"')(WDKContentRoot=str(kit))
    assert lines(ran, "rustc-link-search") == lines(ran, "rustc-link-lib") == []


@pytest.mark.parametrize("linker", ["rust-lld", "/usr/bin/lld-link-19", "/opt/a b/lld-link"])
def test_lld_is_told_what_microsofts_linker_knows(build: Build, linker: str) -> None:
    assert "/MERGE:.retplne=.rdata" in lines(build()(RUSTC_LINKER=linker), "rustc-link-arg-cdylib")


@pytest.mark.parametrize("env", [{}, {"RUSTC_LINKER": "link.exe"}])
def test_microsofts_linker_is_told_nothing_more(build: Build, env: dict[str, str]) -> None:
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


def test_a_check_on_the_host_is_left_alone(build: Build, kit: Path) -> None:
    ran = build(PROFILES)("x86_64-unknown-linux-gnu", WDKContentRoot=str(kit))
    assert "link" not in ran.stdout


LONG = "/very/long/path" * 10


def configurations() -> Iterator[tuple[str, str]]:
    """Yield all that makes build.rs another program."""
    for model, locate, version, emit, preset, override in itertools.product(
        ("wdm", "kmdf", "umdf"),
        ("auto", "registry", "env", "path", "none"),
        ("", "10.0.26100.0"),
        ("cargo-config", "build-script"),
        ("kernel", "blog-2020", "none"),
        ("", '[profiles.production.linker]\nargs = ["/DEBUG", "/B:\\"q\\" \\\\ {x} ü"]\n'),
    ):
        if model != "wdm" and locate == "none":
            continue
        path = f"path = '{LONG}'\n" if locate == "path" else ""
        linker = f'{override}[linker]\nemit = "{emit}"\npreset = "{preset}"\n'
        wdk = f'[wdk]\nlocate = "{locate}"\nversion = "{version}"\n{path}'
        yield linker + wdk, f'model = "{model}"\ntargets = ["{X64}", "{X86}"]'


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sources")
    found = dict.fromkeys(script(*each).partition("\n\n")[2] for each in configurations())
    paths = [folder / f"build{index}.rs" for index in range(len(found))]
    for path, text in zip(paths, found, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_rustfmt_has_nothing_to_change(tool: FindTool, sources: list[Path]) -> None:
    command: list[Any] = [tool("rustfmt"), "--check", "--edition=2021", *sources]
    ran = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.slow
def test_clippy_and_rustc_have_nothing_to_say(tool: FindTool, sources: list[Path]) -> None:
    tool("clippy-driver")
    modules = "".join(
        f'#[path = "{path}"]\npub mod build{index};\n' for index, path in enumerate(sources)
    )
    crate = sources[0].parent / "all"
    (crate / "src").mkdir(parents=True)
    # `main` of a module is used by nobody, and so nothing else is either.
    uses = "".join(f"    build{index}::main();\n" for index in range(len(sources)))
    for path in sources:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\nfn main()", "\npub fn main()"), encoding="utf-8")
    (crate / "src" / "main.rs").write_text(f"{modules}fn main() {{\n{uses}}}\n", encoding="utf-8")
    (crate / "Cargo.toml").write_text(
        '[package]\nname = "all"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n',
        encoding="utf-8",
    )
    command = [tool("cargo"), "clippy", "--offline", "--quiet", "--", "-Dwarnings"]
    ran = subprocess.run(command, cwd=crate, capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
