"""`[makefile]`: the tasks and variables that are copied, renamed or replaced."""

from __future__ import annotations

import pytest

from kdrvgen.adopt.read.findings import DIFFERENCE, HAZARD, UNKNOWN
from tests.adopt.support import adopted, messages


def test_variables_in_the_env_of_a_replaced_task_are_copied() -> None:
    adoption = adopted(
        makefile="""\
[tasks.build-driver]
script = ["cargo build %FLAGS%"]
[tasks.build-driver.env]
FLAGS = "--release"
RUST_BACKTRACE = "1"
SOME_PASSWORD = "hunter2horse"
"""
    )

    assert dict(adoption.project.makefile.env) == {"RUST_BACKTRACE": "1"}
    assert adoption.project.profiles["development"].cargo_profile == "release"
    assert any(message.startswith("Makefile.toml:6 ") for message in messages(adoption, UNKNOWN))
    assert "hunter2horse" not in f"{adoption.annotated}{adoption.findings}"


def test_a_replaced_task_with_a_reserved_name_becomes_the_generated_task() -> None:
    adoption = adopted(
        makefile="""\
[tasks.build-driver]
script = ["cargo b"]
[tasks.sign-image]
dependencies = ["build-driver"]
script = ["signtool sign /a /fd sha256 /n Own target/x86_64-pc-windows-msvc/debug/demo.sys"]
[tasks.ship]
dependencies = ["sign-image"]
command = "scp"
"""
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["ship"]["dependencies"] == ("sign",)
    assert "sign-image" not in tasks
    assert "the generated pipeline reserves the name `sign-image`" in str(
        messages(adoption, DIFFERENCE)
    )


def test_references_follow_renamed_tasks_and_variables() -> None:
    makefile = adopted(
        makefile="""\
[env]
DRIVER_HOME = "C:/drivers"
[tasks.start]
script = ["sc start ${DRIVER_HOME}", "echo %DRIVER_HOME% $DRIVER_HOMES"]
[tasks.demo]
dependencies = ["start"]
"""
    ).project.makefile

    assert makefile.tasks["own-start"]["script"] == (
        "sc start ${MY_DRIVER_HOME}",
        "echo %MY_DRIVER_HOME% $DRIVER_HOMES",
    )
    assert makefile.tasks["demo"]["dependencies"] == ("own-start",)
    assert makefile.env["MY_DRIVER_HOME"] == "C:/drivers"


@pytest.mark.parametrize(
    "task",
    [
        'script = ["signtool sign /f a.pfx /p hunter2horse a.exe"]',
        'command = "signtool"\nargs = ["sign", "/f", "a.pfx", "/p", "hunter2horse", "a.exe"]',
        'script = ["set PASSWORD=hunter2horse", "echo hunter2horse"]',
        "script = '''\npowershell Export-PfxCertificate -Password \"hunter2horse\"\n'''",
        'env = { SECRET = "hunter2horse" }\nscript = ["signtool sign /p hunter2horse a.exe"]',
        'script = ["cargo b -p client && signtool sign /f a.pfx /p hunter2horse a.exe"]',
        'script = ["cargo run -p client -- signtool /p hunter2horse"]',
        'command = "cargo"\nargs = ["run", "-p", "client", "--", "/p", "hunter2horse"]',
        'command = "cargo"\nargs = ["publish", "-p", "client", "--token", "hunter2horse"]',
        'command = "cargo"\nargs = ["publish", "--token=hunter2horse"]',
        'script = ["cargo publish -p client --token hunter2horse"]',
    ],
)
def test_a_variable_replaces_a_password_in_a_copied_task(task: str) -> None:
    adoption = adopted(makefile=f"[tasks.client]\n{task}\n")

    assert "hunter2horse" not in adoption.annotated
    assert "PFX_PASSWORD" in adoption.text
    assert "hunter2horse" not in "".join(f"{each}" for each in adoption.findings)
    assert any("a password in plain text" in message for message in messages(adoption, HAZARD))


@pytest.mark.parametrize(
    "task",
    [
        'command = "cargo"\nargs = ["build", "-p", "client"]',
        'script = ["cargo build -p client", "signtool sign /n A client.exe"]',
    ],
)
def test_the_package_option_of_cargo_is_not_a_password(task: str) -> None:
    adoption = adopted(makefile=f"[tasks.client]\n{task}\n")

    assert "PFX_PASSWORD" not in adoption.text
    assert not any("password" in message for message in messages(adoption, HAZARD))


def test_a_variable_that_only_another_variable_uses_is_copied() -> None:
    makefile = adopted(
        makefile="""\
[env]
ROOT = "C:/drivers"
PLACE = "${ROOT}/out"
[tasks.sign]
script = ["signtool sign /n A ${ROOT}/hello.sys"]
[tasks.ship]
script = ["copy %PLACE% X:"]
"""
    ).project.makefile

    assert dict(makefile.env) == {"ROOT": "C:/drivers", "PLACE": "${ROOT}/out"}


def test_a_continued_line_is_copied_whole() -> None:
    makefile = adopted(
        makefile="[tasks.sign]\nscript = '''\nsigntool sign /n A hello.sys\nxcopy a ^\n  b\n'''\n"
    ).project.makefile

    assert makefile.tasks["sign-after"]["script"] == "xcopy a ^\n  b\n"
