"""build.rs with `wdk.locate = "wdk-build"`: Microsoft's own wdk-build reads the new project.

The crate compiles for Windows only, so that the build script runs in Wine; what wdk-build asks
`cargo metadata` is answered by the real cargo about the real Cargo.toml.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

from kdrvgen import bootstrap, load
from kdrvgen.model.presets import link_arguments
from tests.locking import locked
from tests.pipeline.support import environment, run, without
from tests.windows.bed import Done, Windows

pytestmark = [pytest.mark.slow, pytest.mark.wine]

MODELS = ("wdm", "kmdf", "umdf")
MACHINES = {"x86_64": "x64", "aarch64": "ARM64"}
OLDEST_RUSTC = (1, 91)  # wdk-build's rust-version
# Tests of other folders have a cache of their own while they run, in the same process.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "kdrvgen")


def new_project(where: Path, model: str) -> Path:
    config = {
        "driver": {"model": model, "targets": [f"{each}-pc-windows-msvc" for each in MACHINES]}
    }
    bootstrap(where, "hello", "wdk", config=config)
    return where / "hello"


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Windows], Path]:
    """Compile the build scripts of the three driver models, with wdk-build, for Windows."""
    made: list[Path] = []

    def folder(windows: Windows) -> Path:
        if not made:
            made.append(_compiled(windows, tmp_path_factory.mktemp("build-scripts")))
        return made[0]

    return folder


def _compiled(windows: Windows, scratch: Path) -> Path:
    script = (windows.bed / "rustc-for-windows").read_text(encoding="utf-8")
    rustc = shlex.split(script.splitlines()[1])[1]
    version = run([rustc, "--version"], scratch).stdout
    if tuple(int(each) for each in re.findall(r"\d+", version)[:2]) < OLDEST_RUSTC:
        without(
            f"wdk-build needs a newer compiler than {version.strip()}; `rustup update` installs it"
        )
    # Kept: the dependencies take a minute to compile, and hardly ever change.
    crate = CACHE / "wdk-build"
    crate.mkdir(parents=True, exist_ok=True)
    with locked(crate.with_suffix(".lock")):
        manifest = '[package]\nname = "build-scripts"\nedition = "2021"\n[workspace]\n'
        for model in MODELS:
            project = new_project(scratch / model, model)
            _put(project / "build.rs", crate / f"{model}.rs")
            for source in (project / ".kdrvgen").glob("*.rs"):
                _put(source, crate / ".kdrvgen" / source.name)
            manifest += f'[[bin]]\nname = "{model}"\npath = "{model}.rs"\n'
            # The version that the new project asks for.
            own_manifest = tomli.loads((project / "Cargo.toml").read_text(encoding="utf-8"))
        manifest += (
            f'[dependencies]\nwdk-build = "{own_manifest["build-dependencies"]["wdk-build"]}"\n'
        )
        (crate / "Cargo.toml").write_text(manifest, encoding="utf-8")
        subprocess.run(
            ["cargo", "build", "--quiet", "--target", "x86_64-pc-windows-gnu"],
            check=True,
            cwd=crate,
            env=environment(Path.home())
            | {
                "RUSTC": rustc,
                "RUSTFLAGS": "-Dwarnings",
                "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER": "x86_64-w64-mingw32-gcc",
                "CARGO_PROFILE_DEV_DEBUG": "0",
            },
        )
        for model in MODELS:
            shutil.copy2(crate / f"target/x86_64-pc-windows-gnu/debug/{model}.exe", scratch)
    return scratch


def _put(source: Path, place: Path) -> None:
    """Copy a file, unless it is there already: cargo compiles what is newer again."""
    if not place.exists() or place.read_bytes() != source.read_bytes():
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, place)


@pytest.fixture
def kit(windows: Windows) -> str:
    """The folders of a WDK in which wdk-build looks for libraries."""
    root = r"C:\Kits & co\10"
    for machine in MACHINES.values():
        for mode in ("km", "um"):
            windows.put(rf"{root}\Lib\10.0.26100.0\{mode}\{machine}\ntoskrnl.lib")
        windows.put(rf"{root}\Lib\wdf\kmdf\{machine}\1.33\WdfLdr.lib")
        windows.put(rf"{root}\Lib\wdf\umdf\{machine}\2.33\WdfDriverStubUm.lib")
    return root


Run = Callable[..., Done]


@pytest.fixture
def build(windows: Windows, programs: Callable[[Windows], Path], kit: str) -> Run:
    """Run the build script of a project, as cargo does."""

    def build(
        project: Path, model: str, machine: str = "x86_64", features: str = "crt-static"
    ) -> Done:
        target = f"{machine}-pc-windows-msvc"
        config = tomli.loads((project / ".cargo/config.toml").read_text(encoding="utf-8"))
        flags = config["target"][target]["rustflags"]
        out = project / "target" / target / "debug/build/hello-1/out"
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["cargo", "generate-lockfile", "--quiet"],
            check=True,
            cwd=project,
            env=environment(Path.home()),
        )
        return windows.run(
            [programs(windows) / f"{model}.exe"],
            cwd=project,
            env={
                "TARGET": target,
                "HOST": "x86_64-pc-windows-msvc",
                "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
                "OUT_DIR": windows.path(out),
                "CARGO_CFG_TARGET_ARCH": machine,
                "CARGO_CFG_TARGET_FEATURE": features,
                "WDKContentRoot": kit,
            },
        )

    return build


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("model", MODELS)
def test_wdk_build_reads_the_new_project_and_passes_what_is_not_passed_otherwise(
    tmp_path: Path, build: Run, model: str, machine: str
) -> None:
    folder = new_project(tmp_path, model)
    done = build(folder, model, machine)
    assert done.code == 0, done.output
    lines = done.stdout.splitlines()
    assert "cargo:rustc-env=KDRVGEN_BUILD_SCRIPT=yes" in lines
    assert f'cargo::rustc-cfg=driver_model__driver_type="{model.upper()}"' in lines

    start = "cargo::rustc-cdylib-link-arg="
    passed = [line.removeprefix(start) for line in lines if line.startswith(start)]
    project = load(folder / "config.toml")
    triple = next(each for each in project.driver.triples if each.startswith(machine))
    config = tomli.loads((folder / ".cargo/config.toml").read_text(encoding="utf-8"))
    flags = config["target"][triple]["rustflags"]
    start = "-Clink-arg="
    ours = [flag.removeprefix(start) for flag in flags if flag.startswith(start)]
    assert len({*passed, *ours}) == len(passed) + len(ours)
    found = link_arguments(project.driver, project.linker, triple)
    assert {*found.pre, *found.post} <= {*passed, *ours}

    searched = [line for line in lines if line.startswith("cargo::rustc-link-search=")]
    mode = "um" if model == "umdf" else "km"
    assert any(f"\\{mode}\\{MACHINES[machine]}".lower() in line.lower() for line in searched)


def test_a_driver_model_that_cargo_toml_does_not_have_ends_the_build(
    tmp_path: Path, build: Run
) -> None:
    done = build(new_project(tmp_path, "wdm"), "kmdf")
    assert done.code != 0
    assert "driver.model of config.toml is kmdf" in done.stderr


def test_the_static_runtime_that_the_cargo_configuration_asks_for_is_needed(
    tmp_path: Path, build: Run
) -> None:
    done = build(new_project(tmp_path, "wdm"), "wdm", features="sse2")
    assert done.code != 0
    assert "crt-static" in done.stderr
