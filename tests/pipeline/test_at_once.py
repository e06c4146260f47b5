"""Several runs at once, and cleaning up after them."""

from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, Project, State, together

pytestmark = pytest.mark.slow


def test_cleaning_removes_what_was_made_but_not_the_certificate(project: Project) -> None:
    project.make("sign")
    project.make("--profile", "production", "sign")
    elsewhere = project.home / "elsewhere"
    project.make("sign", CARGO_TARGET_DIR=str(elsewhere))
    certificate = State.of(project.identity)

    project.make("clean-driver")
    project.make("clean-driver", CARGO_TARGET_DIR=str(elsewhere))

    for folder in (project.target, elsewhere):
        assert not (folder / "driver").exists()
        assert not (folder / "kdrvgen/state").exists()
    assert project.dll.exists()
    assert State.of(project.identity) == certificate
    assert "certificate: made" not in project.make("verify")


def test_cleaning_where_nothing_was_built_is_no_error(project: Project) -> None:
    project.make("clean-driver")


def test_two_runs_at_once_in_one_project_end_with_a_signed_image(project: Project) -> None:
    for number in range(3):
        project.say(f"now {number}")
        together(project, project)
        assert f"loaded now {number}".encode() in project.sys.read_bytes()
        assert project.verifies()


def test_two_projects_at_once_make_one_certificate(
    make_project: MakeProject, new_user: Path
) -> None:
    first = make_project(name="first", home=new_user)
    second = make_project(name="second", home=new_user)
    third = make_project(name="third", home=new_user)

    together(first, second, third)

    exported = {each.cer.read_bytes() for each in (first, second, third)}
    for each in (first, second, third):
        each.make("verify")
        assert each.verifies()
    assert len(exported) == 1
    assert len(list(first.certificates.glob("*.pem"))) == 1


def test_a_run_that_another_one_overtook_publishes_nothing(project: Project) -> None:
    project.say("yesterday")
    lib = project.folder / "src/lib.rs"
    project.shim(
        "osslsigncode",
        "PATH=${PATH#*:}\n"
        f"sed -i s/yesterday/today/ '{lib}'\n"
        'cargo make build-driver > /dev/null 2>&1 || exit 9\nexec osslsigncode "$@"',
    )

    said = project.fail("sign")
    project.unshim()

    assert "another run built" in said
    assert not Image.read(project.sys).is_signed
    project.make("sign")
    assert b"loaded today" in project.sys.read_bytes()
    assert project.verifies()


def test_a_nested_run_inherits_no_setting_of_the_outer_one(make_project: MakeProject) -> None:
    project = make_project(
        CONFIG + '[profiles.production]\nsigning.timestamp-url = "http://127.0.0.1:9/"\n'
        '[makefile.tasks.release]\ncommand = "cargo"\n'
        'args = ["make", "--profile", "production", "sign"]\n'
    )
    project.make("sign")
    assert "no timestamp came from http://127.0.0.1:9/" in project.fail("release")
