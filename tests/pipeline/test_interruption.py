"""A run that is killed anywhere between two commands; the next run ends right."""

import pytest

from tests.pipeline.image import Image
from tests.pipeline.support import Project, Stall

pytestmark = pytest.mark.slow

# Every command of the scripts that changes a file, in the order in which they come.
STEPS = {
    "cp": 'head -c 1000 "$1" > "$2"',  # half of the copy is there
    "mv": ":",
    "rm": ":",
    "osslsigncode": 'for last; do :; done; head -c 3000 "$0" > "$last"',
}


@pytest.mark.parametrize("program", STEPS)
def test_after_a_kill_the_next_run_signs_todays_code(project: Project, program: str) -> None:
    project.say("before")
    project.make("sign")
    stall = Stall(project)
    stalled = 0
    for number in range(1, 20):
        project.say(f"after {number}")
        counter = project.home / "counter"
        counter.write_text("", encoding="utf-8")
        project.shim(
            program,
            f"echo >> '{counter}'\n"
            f"if [ \"$(wc -l < '{counter}')\" -eq {number} ]; then\n"
            f"{STEPS[program]}\n{stall.script}\nfi\n"
            f'PATH=${{PATH#*:}} exec {program} "$@"',
        )
        if not stall.kill("sign"):
            break
        stalled += 1
        project.unshim()
        image = project.sys.read_bytes() if project.sys.exists() else b""
        if f"loaded after {number}".encode() in image and Image.read(project.sys).is_signed:
            assert project.verifies()

        project.make("sign")

        assert f"loaded after {number}".encode() in project.sys.read_bytes()
        assert project.verifies()
    assert stalled >= {"cp": 3, "mv": 4, "rm": 1, "osslsigncode": 1}[program]
    assert number < 19
