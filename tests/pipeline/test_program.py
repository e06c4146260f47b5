"""The program that the tasks run: how it is compiled, found and renewed."""

from __future__ import annotations

import os
import shutil
import textwrap
from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, REPOSITORY, X64, Project, need, run, together

pytestmark = pytest.mark.slow

CRATE = REPOSITORY / "tests/rust"


@pytest.fixture
def fresh(make_project: MakeProject) -> Project:
    """A project as a clone has it: nothing is compiled."""
    return make_project(without_program=True)


def test_a_fresh_clone_is_built_and_signed(fresh: Project) -> None:
    output = fresh.make("sign")

    assert output.count("Compiling kdrvgen-pipeline") == 1
    assert fresh.verifies()
    assert "kdrvgen-pipeline" not in fresh.make("sign")


def test_four_first_runs_at_once_all_succeed(fresh: Project) -> None:
    together(fresh, fresh, fresh, fresh)

    assert fresh.verifies()


def _mark(project: Project, text: str, *, age: int = 0) -> None:
    """Make the program print a text when it signs; its source gets a time of long ago."""
    source = project.folder / ".kdrvgen/pipeline/src/sign.rs"
    code = (REPOSITORY / "kdrvgen/pipeline/tree/pipeline/src/sign.rs").read_text("utf-8")
    head = "pub fn sign(settings: &Settings) -> Result<()> {\n"
    assert head in code
    source.write_text(code.replace(head, f'{head}    println!("MARK {text}");\n'), "utf-8")
    os.utime(source, (1_000_000_000 - age, 1_000_000_000 - age))


def test_a_source_with_an_older_time_renews_the_program(project: Project) -> None:
    project.make("sign")

    for number in range(3):
        _mark(project, f"number {number}", age=number)
        output = project.make("sign")
        assert f"MARK number {number}" in output
        assert output.count("Compiling kdrvgen-pipeline") == 1
        assert "Compiling" not in project.make("sign")


def test_a_renewal_by_four_runs_at_once_succeeds_in_all(project: Project) -> None:
    project.make("sign")
    _mark(project, "new")

    for output in together(project, project, project, project):
        assert "MARK new" in output


def test_a_source_that_does_not_compile_ends_the_task(project: Project) -> None:
    project.make("sign")
    with (project.folder / ".kdrvgen/pipeline/src/map.rs").open("a", encoding="utf-8") as source:
        source.write("nonsense\n")

    output = project.fail("sign")

    assert "cargo could not compile" in output


def test_a_missing_source_is_named(project: Project) -> None:
    (project.folder / ".kdrvgen/pipeline/src/map.rs").unlink()

    output = project.fail("sign")

    assert ".kdrvgen/pipeline/src/map.rs is missing" in output
    assert "run `kdrvgen`" in output


def test_a_program_of_another_project_is_rebuilt_for_this_one(project: Project) -> None:
    _mark(project, "of this project")

    assert "MARK of this project" in project.make("sign")


def test_a_host_linker_that_only_cargos_configuration_names_is_used(
    fresh: Project, tmp_path: Path
) -> None:
    need("gcc")
    fresh.hide("cc", "gcc", "clang", "x86_64-linux-gnu-gcc", "c99", "c89")
    linker = tmp_path / "my linker"
    linker.write_text(
        f"#!/bin/sh\nPATH='{os.environ['PATH']}' exec '{shutil.which('gcc')}' \"$@\"\n", "utf-8"
    )
    linker.chmod(0o755)
    assert "linker `cc` not found" in fresh.fail("sign")
    host = next(
        line.removeprefix("host: ")
        for line in run(["rustc", "-vV"], fresh.folder, fresh.env).stdout.splitlines()
        if line.startswith("host: ")
    )
    above = fresh.folder.parent / ".cargo"
    above.mkdir()
    (above / "config.toml").write_text(f'[target.{host}]\nlinker = "{linker}"\n', "utf-8")

    fresh.make("sign")

    assert fresh.verifies()


def test_flags_of_the_driver_never_reach_the_program(fresh: Project) -> None:
    fresh.make("sign", CARGO_BUILD_RUSTFLAGS="-Clink-arg=/NO-SUCH-ARGUMENT-OF-A-HOST-LINKER")

    assert fresh.program.exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a folder read-only"
)
def test_a_read_only_project_is_built_into_another_target_directory(
    fresh: Project, tmp_path: Path
) -> None:
    need("unshare", "mount")
    assert run(["cargo", "generate-lockfile"], fresh.folder, fresh.env).returncode == 0
    out = tmp_path / "out"
    script = textwrap.dedent(
        f"""\
        set -e
        mount --bind '{fresh.folder}' '{fresh.folder}'
        mount -o remount,ro,bind '{fresh.folder}'
        cd '{fresh.folder}'
        ! touch Cargo.lock 2>/dev/null
        exec cargo make --disable-check-for-updates verify
        """
    )
    done = run(
        ["unshare", "-m", "sh", "-c", script],
        fresh.folder,
        fresh.env | {"CARGO_TARGET_DIR": str(out)},
    )
    if "unshare failed" in done.stdout or "permission denied" in done.stdout.lower():
        pytest.skip("this machine lets nobody mount a folder")

    assert done.returncode == 0, done.stdout
    assert fresh.verifies(out / "driver/hello" / X64 / "development/hello.sys")


def test_rustc_1_63_compiles_it_without_warnings(fresh: Project) -> None:
    old = os.environ.get("KDRVGEN_OLD_RUST")
    if not old:
        pytest.skip(
            "KDRVGEN_OLD_RUST is not set; `bash tests/run.sh` unpacks Rust 1.63 on a Debian 12"
        )
    env = fresh.env | {
        "PATH": f"{old}/usr/bin:{fresh.env['PATH']}",
        "LD_LIBRARY_PATH": f"{old}/usr/lib/x86_64-linux-gnu:{old}/usr/lib",
    }
    env.pop("RUSTUP_TOOLCHAIN", None)
    assert "1.63" in run(["rustc", "--version"], fresh.folder, env).stdout
    argv = ["cargo", "check", "--manifest-path", ".kdrvgen/pipeline/Cargo.toml"]
    program = fresh.home / "program"

    done = run(
        [*argv, "--target-dir", fresh.home / "build"],
        fresh.folder,
        env | {"DRIVER_PIPELINE": str(program)},
    )

    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout
    assert program.exists()


@pytest.mark.parametrize("task", ["sign", "build-driver", "verify", "clean-driver", "smoke"])
@pytest.mark.parametrize("words", [["--profile", "production"], ["-v"], ["other"]])
def test_arguments_after_a_task_are_refused_before_the_build(
    project: Project, task: str, words: list[str]
) -> None:
    output = project.fail(task, *words)

    assert f"help: cargo make {' '.join(words)} {task}" in output
    assert not project.built


def test_a_changed_config_gives_a_warning_until_kdrvgen_runs(project: Project) -> None:
    warning = "warning: config.toml changed after kdrvgen wrote Makefile.toml from it"
    assert warning not in project.make("build-driver")
    text = (project.folder / "config.toml").read_text(encoding="utf-8")
    (project.folder / "config.toml").write_bytes(text.replace("\n", "\r\n").encode())
    assert warning not in project.make("build-driver")
    (project.folder / "config.toml").write_text(text + "# more\n", encoding="utf-8")

    assert warning in project.make("build-driver")

    project.generate()
    assert warning not in project.make("build-driver")


def test_own_tasks_see_where_the_files_are(make_project: MakeProject) -> None:
    project = make_project(
        CONFIG
        + '[makefile.tasks.show]\ndependencies = ["sign"]\ncommand = "printf"\n'
        + 'args = ["<%s>\\n", "${DRIVER_OUTPUT}", "${DRIVER_PATH}", "${DRIVER_PDB}", '
        + '"${DRIVER_CERTIFICATE}"]\n'
    )

    for profile in ("development", "production"):
        output = project.make("--profile", profile, "show")
        folder = project.folder / "target/driver/hello" / X64 / profile
        assert f"<{folder}>" in output
        for name in ("hello.sys", "hello.pdb", "hello.cer"):
            assert f"<{folder}/{name}>" in output
            assert (folder / name).is_file()


@pytest.mark.parametrize("source", ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "configuration"])
def test_the_image_is_signed_wherever_cargo_builds(
    project: Project, tmp_path: Path, source: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    built = project
    if source == "configuration":
        above = project.folder.parent / ".cargo"
        above.mkdir()
        (above / "config.toml").write_text(f'[build]\ntarget-dir = "{elsewhere}"\n', "utf-8")
    else:
        built = project.under({source: str(elsewhere)})

    built.make("verify")

    assert (elsewhere / X64 / "debug/hello.dll").exists()
    base = elsewhere if source == "CARGO_TARGET_DIR" else project.target
    assert project.verifies(base / "driver/hello" / X64 / "development/hello.sys")


def test_a_dependency_with_the_drivers_own_name_is_not_confused_with_it(project: Project) -> None:
    other = project.folder.parent / "other"
    (other / "src").mkdir(parents=True)
    (other / "src/lib.rs").write_text("#![no_std]\n", encoding="utf-8")
    (other / "Cargo.toml").write_text(
        '[package]\nname = "hello"\nversion = "9.0.0"\nedition = "2021"\n', encoding="utf-8"
    )
    project.depend('hi = { package = "hello", path = "../other" }')

    project.make("verify")

    assert project.verifies()


def test_a_dash_is_a_file_name_and_not_standard_input(make_project: MakeProject) -> None:
    project = make_project(CONFIG + 'additional-certificates = ["-"]\n')

    output = project.fail("sign")
    assert f"{project.folder}/- does not exist" in output

    pem = project.identity.read_text(encoding="utf-8")
    (project.folder / "-").write_text(pem[pem.index("-----BEGIN CERTIFICATE") :], "utf-8")
    project.make("sign")
    assert project.verifies()


def test_errors_show_with_the_log_level_warn(project: Project) -> None:
    output = project.fail("--loglevel", "warn", "-e", "DRIVER_TARGET=x", "sign")

    assert "build-driver: error: DRIVER_TARGET is `x`" in output


def test_a_copied_project_leaves_the_original_alone(project: Project, tmp_path: Path) -> None:
    project.say("original")
    project.make("sign")
    files = [path for path in project.target.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    copy = Project(tmp_path / "copy", project.home, project.env)
    shutil.copytree(project.folder, copy.folder)
    copy.say("copy")

    copy.make("sign")
    assert b"loaded copy" in copy.sys.read_bytes()
    copy.make("clean-driver")

    assert {path: path.read_bytes() for path in files} == before


def test_unit_tests_pass() -> None:
    need("cargo")
    done = run(["cargo", "test", "--quiet"], CRATE, _for_crate())
    assert done.returncode == 0, done.stdout


def test_clippy_finds_nothing() -> None:
    need("cargo-clippy")
    argv = ["cargo", "clippy", "--quiet", "--all-targets", "--", "--deny", "warnings"]
    for target in ([], ["--target", "x86_64-pc-windows-gnu"]):
        done = run([*argv[:4], *target, *argv[4:]], CRATE, _for_crate())
        if "target may not be installed" in done.stdout:
            continue  # the clippy at hand is of another toolchain than the target's library
        assert done.returncode == 0, done.stdout


def test_it_is_formatted_by_rustfmt() -> None:
    need("rustfmt")
    # Projects have these files with a rustfmt.toml that disables formatting.
    argv = ["rustfmt", "--check", "--edition", "2021", "--config", "disable_all_formatting=false"]
    for path in sorted((REPOSITORY / "kdrvgen/pipeline/tree").rglob("*.rs")):
        done = run([*argv, path], CRATE, _for_crate())
        assert done.returncode == 0, done.stdout


def _for_crate() -> dict[str, str]:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return dict(os.environ) | {"CARGO_TARGET_DIR": str(cache / "kdrvgen/rust-tests")}
