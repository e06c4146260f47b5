"""`[deploy]`: tasks for the driver's service, and tasks that only resemble them."""

from __future__ import annotations

import pytest

from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, UNKNOWN
from tests.adopt.support import adopted, messages

SERVICE = """\
[tasks.build-driver]
script = ["cargo build"]
[tasks.rename]
script = ["copy hello.dll Seen.sys"]
[tasks.load]
dependencies = ["rename", "unload"]
script = '''
@echo off
sc create Seen type= kernel start= system binPath= "C:\\my drivers\\seen.sys"
sc.exe start Seen
'''
[tasks.unload]
script = ["sc stop seen", "sc delete seen"]
ignore_errors = true
[tasks.stop]
command = "sc"
args = ["stop", "Seen"]
[tasks.demo]
dependencies = ["load", "stop"]
"""


def test_generated_tasks_replace_tasks_for_the_drivers_service() -> None:
    adoption = adopted(makefile=SERVICE)

    project = adoption.project
    assert (project.deploy.service, project.deploy.start_type) == ("Seen", "system")
    assert {name: dict(task) for name, task in project.makefile.tasks.items()} == {
        "load": {"dependencies": ("start",)},
        "unload": {"dependencies": ("uninstall",)},
        "demo": {"dependencies": ("load", "stop")},
    }
    reported = messages(adoption, DIFFERENCE)
    assert any(r"has its image at C:\my drivers\seen.sys" in message for message in reported)
    assert any("`load`, `unload`, `stop`" in message for message in messages(adoption, EQUIVALENT))
    assert not messages(adoption, UNKNOWN)


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("seen.sys", "other.sys"),
        ("seen.sys", "%IMAGE%"),
        ("type= kernel", "type= filesys"),
        ("type= kernel ", ""),
        ("start= system", "start= boot"),
        ("start= system", "DisplayName= Name"),
        ("start= system", "start= system depend= FltMgr"),
        ("sc create Seen", "sc create %NAME%"),
        ("sc create Seen", "if exist x sc create Seen"),
        ("sc create Seen", "del log.txt\nsc create Seen"),
        ('["rename", "unload"]', '["rename", "client"]'),
    ],
)
def test_service_tasks_that_do_anything_else_are_copied(plain: str, other: str) -> None:
    assert plain in SERVICE
    makefile = SERVICE.replace(plain, other) + '[tasks.client]\nscript = ["cargo run"]\n'

    project = adopted(makefile=makefile).project

    assert "sc.exe start Seen" in project.makefile.tasks["load"]["script"]
    is_of_another = "client" in project.makefile.tasks["load"]["dependencies"]
    assert ("own-stop" in project.makefile.tasks) != is_of_another


def test_a_default_task_that_starts_the_driver_still_starts_it() -> None:
    makefile = SERVICE + '[tasks.default]\ndependencies = ["sign", "load"]\n'
    sign = '[tasks.sign]\ndependencies = ["unload"]\nscript = ["signtool sign /n A Seen.sys"]\n'

    adoption = adopted(makefile=makefile + sign)

    default = adoption.project.makefile.tasks["own-default"]
    assert default["dependencies"] == ("sign", "load")
    reported = [
        message for message in messages(adoption, DIFFERENCE) if "`sign` depends on" in message
    ]
    assert "`unload`" in reported[0]
