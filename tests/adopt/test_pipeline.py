"""Which commands build, rename and sign the driver, and how their words are read."""

from __future__ import annotations

import pytest

from kdrvgen.adopt import Snapshot
from kdrvgen.adopt import adopt as propose
from kdrvgen.adopt.read.findings import DIFFERENCE, HAZARD
from tests.adopt.support import LINKED, MANIFEST, adopted, messages


@pytest.mark.parametrize(
    ("makefile", "command", "is_hazard"),
    [
        ("Makefile.toml", 'cd ..", "cargo build -p hello', True),
        ("Makefile.toml", 'cd ..", "cargo build --release --manifest-path=hello/Cargo.toml', True),
        ("Makefile.toml", "cargo build --manifest-path Cargo.toml", False),
        ("Makefile.toml", "cargo build -p hello", False),
        ("../Makefile.toml", "cargo build -p hello", True),
        ("../Makefile.toml", "cargo build --package=hello", True),
        ("../Makefile.toml", "cargo build --manifest-path hello/Cargo.toml", True),
        ("../Makefile.toml", "cargo build", False),
    ],
)
def test_a_build_outside_the_package_that_misses_its_flags_is_a_hazard(
    makefile: str,
    command: str,
    *,
    is_hazard: bool,
) -> None:
    files = {
        "Cargo.toml": MANIFEST,
        ".cargo/config.toml": LINKED,
        "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
        makefile: f'[tasks.own]\nscript = ["{command}"]\n',
    }

    adoption = propose(Snapshot(files, place=("home", "hello")))

    assert adoption.project.makefile.tasks["own"] == {"dependencies": ("build-driver",)}
    reported = [
        message
        for message in messages(adoption, HAZARD)
        if "does not read .cargo/config.toml" in message
    ]
    assert [message.partition(" ")[0] for message in reported] == [f"{makefile}:2"] * is_hazard


def test_tasks_that_run_in_the_workspace_root_build_there() -> None:
    files = {
        "Cargo.toml": MANIFEST,
        ".cargo/config.toml": LINKED,
        "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
        "../Makefile.toml": "[config]\ndefault_to_workspace = false\n"
        '[tasks.all]\nscript = ["cargo build"]\n',
    }

    reported = messages(propose(Snapshot(files)), HAZARD)

    assert any(
        message.startswith("../Makefile.toml:4 cargo runs outside the package")
        for message in reported
    )


def test_a_build_in_the_workspace_root_reads_the_configuration_there() -> None:
    files = {
        "Cargo.toml": MANIFEST,
        "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
        "../.cargo/config.toml": LINKED,
        "../Makefile.toml": '[tasks.own]\nscript = ["cargo build -p hello"]\n',
    }

    adoption = propose(Snapshot(files, place=("home", "hello")))

    assert not any("does not read" in message for message in messages(adoption, HAZARD))


@pytest.mark.parametrize(
    "command",
    ["cargo build -p client", "cargo build --manifest-path ../client/Cargo.toml", "cargo run"],
)
def test_a_build_of_another_package_is_copied(command: str) -> None:
    adoption = adopted(
        makefile=f'[tasks.client]\nscript = ["{command}"]\n'
        f'[tasks.sign]\nscript = [\n"signtool sign /fd sha256 /n A hello.sys",\n"{command}"]\n'
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["client"] == {"script": (command,)}
    assert tasks["sign-after"]["script"] == f"{command}\n"


def test_a_command_with_arguments_is_read_like_a_script() -> None:
    adoption = adopted(
        makefile="""\
[env]
STORE = "My Store"
[tasks.build-driver]
command = "cargo"
args = ["rustc", "--release", "--", "-Copt-level=3"]
[tasks.sign]
command = "C:/Kits/10.0.22621.0/x64/signtool.exe"
args = ["sign", "/fd", "sha256", "/s", "${STORE}", "/n", "A", "hello.sys"]
"""
    )

    assert adoption.project.signing.store == "My Store"
    assert adoption.project.profiles["development"].cargo_profile == "release"
    assert any(
        "flags for rustc after `--`" in message for message in messages(adoption, DIFFERENCE)
    )
    assert any("one version of the kit" in message for message in messages(adoption, HAZARD))


def test_profiles_hold_only_their_differences() -> None:
    project = adopted(
        makefile="""\
[env.development]
WHO = "Test"
[env.production]
WHO = "Release"
FLAGS = "--release"
[env.field]
WHO = "Test"
FLAGS = "--profile field"
[tasks.build-driver]
script = ["cargo build %FLAGS%"]
[tasks.sign]
dependencies = ["build-driver"]
script = ["signtool sign /fd sha256 /s My /n %WHO% hello.sys"]
"""
    ).project

    cargo = {name: profile.cargo_profile for name, profile in project.profiles.items()}
    assert cargo == {"development": "dev", "production": "release", "field": "field"}
    subjects = {name: project.signing_for(name).subject for name in project.profiles}
    assert subjects == {"development": "Test", "production": "Release", "field": "Test"}


def test_the_windows_table_of_a_task_counts() -> None:
    project = adopted(
        makefile="""\
[tasks.sign]
script = ["osslsigncode sign -in hello.sys"]
[tasks.sign.windows]
script = ["signtool sign /fd sha256 /n A /s My hello.sys"]
"""
    ).project

    assert project.signing.store == "My"
    assert not project.makefile.tasks


def test_a_script_is_read_with_the_arguments_of_its_call() -> None:
    project = adopted(
        makefile='[tasks.sign]\nscript = ["call tools\\\\sign.cmd Store \\"A Name\\""]\n',
        **{"tools/sign.cmd": "@echo off\r\nsigntool sign /fd sha256 /s %1 /n %2 hello.sys\n"},
    ).project

    assert (project.signing.store, project.signing.subject) == ("Store", "A Name")


def test_without_a_makefile_the_script_that_signs_is_read() -> None:
    project = adopted(
        **{
            "sign.cmd": "copy target\\x86_64-pc-windows-msvc\\release\\hello.dll hi.sys\n"
            "signtool sign /fd sha256 /s My /n A hi.sys\n"
        }
    ).project

    assert project.driver.image == "hi.sys"
    assert project.signing.subject == "A"
    assert project.profiles["development"].cargo_profile == "release"


@pytest.mark.parametrize(
    ("move", "name"),
    [
        ("rename hello.dll seen.sys", "seen"),
        ("ren target\\\\hello.dll seen.sys", "seen"),
        ("copy /y hello.dll C:\\\\images\\\\seen.sys", "seen"),
        ("mv hello.dll out/seen.sys", "seen"),
        ('powershell -c \\"Copy-Item hello.dll seen.sys\\"', "seen"),
        ("if exist hello.dll ( move /Y hello.dll seen.sys )", "seen"),
        ("cd target && xcopy /y hello.dll seen.sys", "seen"),
    ],
)
def test_the_image_is_named_after_the_renamed_dll(move: str, name: str) -> None:
    project = adopted(makefile=f'[tasks.rename]\nscript = ["{move}"]\n').project

    assert project.driver.output_name == name


def test_of_two_tasks_that_build_the_one_that_signing_depends_on_counts() -> None:
    project = adopted(
        makefile="""\
[tasks.quick]
script = ["cargo build"]
[tasks.full]
script = ["cargo build --release"]
[tasks.sign]
dependencies = ["full"]
script = ["signtool sign /n A hello.sys"]
"""
    ).project

    assert project.profiles["development"].cargo_profile == "release"
