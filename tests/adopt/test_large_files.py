"""Large files of any content are read in a time that grows with their length."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.adopt import adopt, read_project
from tests.adopt.support import LINKED, MANIFEST

MEGABYTE = 1_000_000
SIGN = "[tasks.sign]\nscript = ['signtool sign /n A hello.sys']\n"
RUNS = 3


def _tasks(body: str) -> str:
    one = f"[tasks.task-00000]\n{body}\n"
    return "".join(
        one.replace("00000", f"{number:05}") for number in range(MEGABYTE // len(one) // 4)
    )


def _script(line: str) -> str:
    return SIGN + "[tasks.long]\nscript = '''\n" + line * (MEGABYTE // len(line)) + "\n'''\n"


SHAPES = {
    "comment": ("Makefile.toml", "# " + "a" * MEGABYTE + "\n" + SIGN),
    "comment with dots": ("Cargo.toml", MANIFEST + "# " + "a." * (MEGABYTE // 2)),
    "long word in a script": ("Makefile.toml", SIGN + f"[env]\nA = '{'x' * MEGABYTE}'\n"),
    "continued lines": ("Makefile.toml", _script("xcopy a ^\n")),
    "brackets": ("Makefile.toml", _script("if exist ( ")),
    "passwords": ("Makefile.toml", _script("set PASSWORD=hunter2horse\n")),
    "many tasks": ("Makefile.toml", SIGN + _tasks("script = ['echo %A% ${B}']")),
    "chain of tasks": (
        "Makefile.toml",
        SIGN
        + "".join(
            f"[tasks.t{number}]\ndependencies = ['t{number + 1}']\n" for number in range(6_000)
        ),
    ),
    "variables": (
        "Makefile.toml",
        SIGN + "[env]\n" + "".join(f"DRIVER_{number} = '${{A}}'\n" for number in range(12_000)),
    ),
    "flags": (".cargo/config.toml", LINKED.replace('["', '[\n"-A", "dead",\n"')),
    "open comment": ("build.rs", "fn main() { " + "/* " * (MEGABYTE // 3)),
    "raw strings": ("build.rs", 'fn main() { r#"' + 'r#"' * 32_000),
    "escaped quotes": ("build.rs", 'fn main() { "' + '\\"' * 49_000),
    "toolchain": ("rust-toolchain", "n" * MEGABYTE),
    "script": ("sign.cmd", "signtool sign /n A hello.sys\n" + "rem " + "./" * (MEGABYTE // 2)),
    "env file": ("large.env", "A=" + "b=" * (MEGABYTE // 2)),
}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_a_megabyte_takes_less_than_two_seconds(tmp_path: Path, shape: str) -> None:
    name, text = SHAPES[shape]
    (tmp_path / ".cargo").mkdir()
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    (tmp_path / ".cargo/config.toml").write_text(LINKED)
    (tmp_path / "Makefile.toml").write_text('env_files = ["large.env"]\n' + SIGN)
    (tmp_path / name).write_text(text)
    times: list[float] = []
    while len(times) < RUNS and (not times or times[-1] >= 2):  # another program may be busy
        begin = time.process_time()
        try:
            adopt(read_project(str(tmp_path)))
        except kdrvgen.ConfigError:
            pass
        times.append(time.process_time() - begin)
    assert min(times) < 2
