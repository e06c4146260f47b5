"""Several runs at once, and cleaning up after them."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline.authority import Authority
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
    assert "certificate: created" not in project.make("verify")


def test_cleaning_takes_nothing_that_is_not_of_the_tasks(make_project: MakeProject) -> None:
    """Such as notes in the folder of the image, and a committed certificate."""
    project = make_project(
        CONFIG + '[profiles.development]\nsigning.certificate-file = "keys/test.cer"\n'
    )
    project.make("sign")
    project.make("--profile", "production", "sign")
    notes = project.output("notes.txt")
    notes.write_text("mine", encoding="utf-8")
    state = project.state() / "mine"
    state.write_text("mine", encoding="utf-8")
    foreign = project.output("hello.cer", "production")
    foreign.write_bytes(b"a certificate of mine")
    committed = project.folder / "keys/test.cer"
    before = committed.read_bytes()

    project.make("clean-driver")

    assert [path.name for path in notes.parent.iterdir()] == ["notes.txt"]
    assert [path.name for path in state.parent.iterdir()] == ["mine"]
    assert foreign.read_bytes() == b"a certificate of mine"
    assert committed.read_bytes() == before


def test_cleaning_takes_the_exports_of_all_profiles(make_project: MakeProject) -> None:
    project = make_project(
        CONFIG + '[profiles.development]\nsigning.certificate-file = "keys/test.cer"\n'
    )
    project.make("--profile", "production", "sign")
    assert project.output("hello.cer", "production").exists()

    project.make("clean-driver")

    assert not (project.target / "driver").exists()


def test_a_run_waits_while_another_one_signs(project: Project) -> None:
    reached, go, output = (project.home / name for name in ("reached", "go", "output"))
    real = shutil.which("osslsigncode", path=project.env["PATH"])
    project.shim(
        "osslsigncode",
        f"echo >> '{reached}'\nwhile [ ! -e '{go}' ]; do sleep 0.05; done\nexec '{real}' \"$@\"",
    )

    def start(output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as stream:
            return subprocess.Popen(
                project.command("sign"),
                cwd=project.folder,
                env=project.env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    first = start(project.home / "first")
    while not reached.exists():
        assert first.poll() is None
        time.sleep(0.05)
    second = start(output)
    waiting = b"waiting for another run that signs this driver"
    while waiting not in output.read_bytes() and reached.read_bytes() == b"\n":
        assert second.poll() is None
        time.sleep(0.05)
    go.touch()

    assert (first.wait(), second.wait()) == (0, 0)
    assert waiting in output.read_bytes()
    assert b"is up to date" in output.read_bytes()
    assert project.verifies()


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

    output = project.fail("sign")
    project.unshim()

    assert "another run built" in output
    assert not Image.read(project.sys).is_signed
    project.make("sign")
    assert b"loaded today" in project.sys.read_bytes()
    assert project.verifies()


def test_a_nested_run_inherits_no_setting_of_the_outer_one(
    make_project: MakeProject, authority: Authority
) -> None:
    project = make_project(
        CONFIG + f'[profiles.production]\nsigning.timestamp-url = "{authority.url}"\n'
        '[makefile.tasks.release]\ncommand = "cargo"\n'
        'args = ["make", "--profile", "production", "sign"]\n'
    )
    assert "timestamp by" not in project.make("sign")
    assert f"timestamp by {authority.url}" in project.make("release")
