"""The template on Microsoft's crates: cargo resolves it, rustfmt and clippy have nothing to say.

wdk-sys is made on Windows from the headers of the WDK. The sources are therefore held against the
names and types that it has there, written down in wdk/. tests/windows has wdk-build itself read
the projects.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import tomli

from kdrvgen import load
from kdrvgen.commands.package import make_package
from tests.bootstrap.support import bootstrap, kdrvgen_process
from tests.inspection.assembled import assembled
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import environment, need, run

MODELS = ("wdm", "kmdf", "umdf")
CRATES = Path(__file__).parent / "wdk"


def made(where: Path, model: str, *words: str) -> Path:
    return bootstrap(where, "wdk", f"driver.model={model}", *words)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.slow
def test_cargo_resolves_it_with_one_version_of_each_crate(tmp_path: Path, model: str) -> None:
    folder = made(tmp_path, model)
    env = environment(Path.home())
    argv = ["cargo", "metadata", "--format-version=1", "--quiet"]
    done = run(argv, folder, env)
    assert done.returncode == 0, done.stdout
    names = [each["name"] for each in json.loads(done.stdout)["packages"]]
    for name in ("wdk", "wdk-sys", "wdk-panic", "wdk-build"):
        assert names.count(name) == 1, name


@pytest.mark.one_in(8)
@pytest.mark.parametrize("model", MODELS)
def test_the_driver_model_is_the_same_in_all_files(tmp_path: Path, model: str) -> None:
    folder = made(tmp_path, model)
    manifest = tomli.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))
    driver_type = manifest["package"]["metadata"]["wdk"]["driver-model"]["driver-type"]
    project = load(folder / "config.toml")
    assert (driver_type.lower(), project.driver.model) == (model, model)
    assert project.driver.entry == "DriverEntry"


@pytest.mark.parametrize(
    ("model", "ending", "expected"),
    [("kmdf", "sys", "KmdfLibraryVersion = 1.33"), ("umdf", "dll", "UmdfLibraryVersion = 2.33.0")],
)
def test_a_driver_of_a_framework_can_have_a_package(
    tmp_path: Path, model: str, ending: str, expected: str
) -> None:
    kind = "umdf" if model == "umdf" else "device"
    folder = made(tmp_path, model, f"package.kind={kind}", "package.provider=Example")
    project = load(folder / "config.toml")
    image = folder / project.driver.image
    assert image.suffix == f".{ending}"
    image.write_bytes(assembled(Identity.make("signer", CODE_SIGNING)))

    package = make_package(image)

    assert package.findings == ()
    stem = project.driver.stem
    assert expected in (package.folder / f"{stem}.inf").read_text("ascii")
    assert (package.folder / f"{stem}.cat").exists()


def test_without_the_allocator_no_code_allocates(tmp_path: Path) -> None:
    folder = made(tmp_path, "kmdf", "allocator=no")
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("Cargo.toml", "src/lib.rs")]
    assert not any("alloc" in text for text in texts)
    assert not (folder / "src/allocator.rs").exists()


def test_a_target_that_wdk_build_does_not_support_is_refused(tmp_path: Path) -> None:
    words = ("--no-input", "--template", "wdk", "driver.target=i686-pc-windows-msvc")
    done = kdrvgen_process("new", "hello", *words, cwd=tmp_path)
    assert done.returncode == 3
    assert "wdk-build cannot build a driver for i686-pc-windows-msvc" in done.stderr
    assert not (tmp_path / "hello").exists()


@pytest.mark.slow
def test_the_pipeline_reports_at_once_if_the_crates_of_the_kit_do_not_compile(
    tmp_path: Path,
) -> None:
    need("cargo-make")
    folder = made(tmp_path, "wdm")
    argv = ["cargo", "make", "--disable-check-for-updates", "sign"]
    done = run(argv, folder, environment(tmp_path))
    assert done.returncode != 0
    assert "this driver builds on Windows only" in done.stdout
    assert not (folder / "Cargo.lock").exists()


@pytest.fixture(scope="session")
def crates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """Compile, for the kernel or for a host process, what the drivers are held against."""
    need("rustc", "clippy-driver", "rustfmt")

    @cache
    def folder(umdf: bool) -> Path:
        found = tmp_path_factory.mktemp("crates")
        for source in sorted(CRATES.glob("*.rs")):
            argv: list[str | Path] = ["rustc", *flags(umdf=umdf), "--edition=2021"]
            argv += ["--crate-type=rlib", "--emit=metadata", "--out-dir", found, source]
            done = run(argv, found)
            assert done.returncode == 0, done.stdout
        return found

    return folder


def flags(*, umdf: bool) -> list[str]:
    """Return for which machine to compile: UMDF has std, which is here for the host only."""
    return (
        ['--cfg=feature="umdf"'] if umdf else ["--target=x86_64-pc-windows-msvc", "-Cpanic=abort"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("allocator", ["yes", "no"])
@pytest.mark.parametrize("edition", ["2021", "2024"])
def test_rustfmt_and_clippy_report_nothing(
    tmp_path: Path, crates: Callable[[bool], Path], model: str, allocator: str, edition: str
) -> None:
    words = (f"allocator={allocator}", f"bootstrap.edition={edition}")
    folder = made(tmp_path, model, *words)
    source = folder / "src/lib.rs"
    checked = run(
        ["rustfmt", "--check", f"--edition={edition}", source, folder / "build.rs"], folder
    )
    assert checked.returncode == 0, checked.stdout

    known = crates(model == "umdf")
    argv: list[str | Path] = ["clippy-driver", "--crate-type=cdylib", f"--edition={edition}"]
    argv += [*flags(umdf=model == "umdf"), "--emit=metadata", "--out-dir", tmp_path, "-Dwarnings"]
    for crate in known.glob("*.rmeta"):
        argv += ["--extern", f"{crate.stem.removeprefix('lib')}={crate}"]
    # clippy-driver of a distribution does not ask rustc where the libraries of targets are.
    sysroot = run(["rustc", "--print", "sysroot"], folder).stdout.strip()
    checked = run([*argv, source], folder, {**os.environ, "SYSROOT": sysroot})
    assert checked.returncode == 0, checked.stdout
