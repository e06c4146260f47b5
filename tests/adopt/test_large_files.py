"""Large files of any content are read in a time that grows with their length."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.adopt import adopt, read_project
from tests.adopt.support import LINKED, MANIFEST

MEGABYTE = 1_000_000
SIGN = "[tasks.sign]\nscript = ['signtool sign /n A hello.sys']\n"
RUNS = 3

pytestmark = pytest.mark.slow  # each shape takes a second

MANY = {
    "tasks": "[tasks.t{0}]\nscript = ['echo %A% ${{B}}']\n",
    "chain of tasks": "[tasks.t{0}]\ndependencies = ['t{1}']\n",
    "variables": "DRIVER_{0} = '${{A}}'\n",
    "services": "[tasks.t{0}]\ndependencies = ['t{1}']\n"
    "script = ['sc create a binPath= hello.sys']\n",
}


def _many(shape: str, count: int) -> str:
    items = (MANY[shape].format(number, number + 1) for number in range(count))
    return SIGN + ("[env]\n" if shape == "variables" else "") + "".join(items)


def _script(line: str) -> str:
    return SIGN + "[tasks.long]\nscript = '''\n" + line * (MEGABYTE // len(line)) + "\n'''\n"


SHAPES = {
    "comment": ("Makefile.toml", "# " + "a" * MEGABYTE + "\n" + SIGN),
    "comment with dots": ("Cargo.toml", MANIFEST + "# " + "a." * (MEGABYTE // 2)),
    "long word in a script": ("Makefile.toml", SIGN + f"[env]\nA = '{'x' * MEGABYTE}'\n"),
    "continued lines": ("Makefile.toml", _script("xcopy a ^\n")),
    "brackets": ("Makefile.toml", _script("if exist ( ")),
    "passwords": ("Makefile.toml", _script("set PASSWORD=hunter2horse\n")),
    "empty lines": ("Makefile.toml", _script("\n")),
    "quotes": ("Makefile.toml", _script('"')),
    "options": ("Makefile.toml", _script("-pass ")),
    "commands that sign": ("Makefile.toml", _script("signtool x /p ")),
    "variables in a script": ("Makefile.toml", _script("%A%$B${C}!D!")),
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
    assert _seconds(tmp_path, limit=2) < 2


@pytest.mark.parametrize("shape", list(MANY))
def test_the_time_grows_with_the_number_of_items(tmp_path: Path, shape: str) -> None:
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text(LINKED)
    times = []
    for count in (300, 1200):
        (tmp_path / "Makefile.toml").write_text(_many(shape, count))
        times.append(_seconds(tmp_path, limit=0))
    assert times[1] < 8 * times[0]


def _seconds(folder: Path, *, limit: float) -> float:
    """Return the time that adopting a project takes; the shortest of some runs above a limit."""
    times: list[float] = []
    while len(times) < RUNS and (not times or min(times) >= limit):  # other programs may be busy
        begin = time.process_time()
        with contextlib.suppress(kdrvgen.ConfigError):
            adopt(read_project(str(folder)))
        times.append(time.process_time() - begin)
    return min(times)
