"""Any content of a project's files gives a proposal or an error, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import kdrvgen
from kdrvgen.adopt import Snapshot, adopt, read_project
from kdrvgen.report.human import draw
from tests.examples import examples

PROJECTS = Path(__file__).parent / "projects"
FILES = (
    "Cargo.toml",
    "Makefile.toml",
    ".cargo/config",
    ".cargo/config.toml",
    "build.rs",
    "rust-toolchain",
    "rust-toolchain.toml",
    "sign.cmd",
    "sign.ps1",
)
PIECES = (
    *"\"'[]{}()=,.\\#\n\r%$&|^@/<>!*;:-é\u202e",
    '"""',
    "'''",
    "&&",
    "||",
    "//",
    "/*",
    '#"',
    "${A:",
    "%%",
    "if ",
    "else ",
    "(\n",
    ")\n",
    "for ",
    "call ",
    "fn main() {",
    "script = ",
    "[tasks.sign]\n",
    "windows = ",
    "clear = true\n",
    "extend = ",
)


def texts(project: str) -> dict[str, str]:
    """Return the files of a project and of the folders above it."""
    return dict(read_project(str(PROJECTS / project)).files)


def assert_proposal_or_error(snapshot: Callable[[], Snapshot]) -> None:
    try:
        adoption = adopt(snapshot())
    except kdrvgen.ConfigError as caught:
        error = caught
    else:
        assert kdrvgen.loads(adoption.text) == adoption.project
        assert kdrvgen.loads(adoption.annotated) == adoption.project
        return
    assert draw(error.findings)


quick = settings(
    max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.one_in(8)
@pytest.mark.parametrize("name", FILES)
@quick
@given(data=st.binary(max_size=200))
def test_any_bytes_in_a_file_give_a_proposal_or_an_error(
    name: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("project")
    for path, text in texts("blog").items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    assert_proposal_or_error(lambda: read_project(str(folder)))


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    "project",
    ["blog", "helper-crate", "member/driver", "profiles", "scripts", "strange", "wdk-build"],
)
@settings(quick, max_examples=examples(40))
@given(data=st.data())
def test_a_project_with_random_edits_gives_a_proposal_or_an_error(
    project: str, data: st.DataObject
) -> None:
    files = texts(project)
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(sorted(files)))
        text = files[name]
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        files[name] = text[:start] + data.draw(st.sampled_from(("", *PIECES))) + text[end:]
    assert_proposal_or_error(lambda: Snapshot(files))


TASK = dict.fromkeys(("script", "windows", "env", "command", "args", "dependencies", "alias"))
TASK |= dict.fromkeys(("clear", "cwd", "extend", "value", "file", "pre", "condition", "sign"))
TASK |= dict.fromkeys(("script_runner", "run_task", "toolchain", "name", "path"))
VALUES = st.recursive(
    st.sampled_from(
        [
            "",
            "x",
            "%A%",
            "${A}",
            "driver.sys",
            "a\n'''b",
            "\\",
            "signtool sign /n",
            "sc create a type= kernel binPath= hello.sys",
            0,
            -1,
            1.5,
            True,
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*TASK]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("depth", [20, 40, 400, 4000])
def test_nested_values_give_a_proposal_or_an_error(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    files = texts("blog") | {"Makefile.toml": f"[tasks.a]\nscript = {nested}\n"}
    assert_proposal_or_error(lambda: Snapshot(files))


@pytest.mark.slow
def test_long_files_give_a_proposal_or_an_error() -> None:
    files = texts("blog") | {"build.rs": "fn main() { /**/ " * 600 + '"' * 2000}
    assert_proposal_or_error(lambda: Snapshot(files))
    script = "if exist ( " * 10_000 + '"' * 10_000
    scripted = texts("blog") | {"Makefile.toml": f"[tasks.sign]\nscript = '''{script}'''\n"}
    assert_proposal_or_error(lambda: Snapshot(scripted))


@settings(quick, max_examples=examples(100))
@given(
    makefile=st.dictionaries(
        st.sampled_from(["env", "tasks", "config", "extend", "plugins"]),
        st.dictionaries(
            st.sampled_from(["A", "sign", "rename", "development", "x.y", "é", "DRIVER_A", ""]),
            VALUES,
            max_size=4,
        )
        | VALUES,
        max_size=4,
    )
)
@example(makefile={"tasks": {"a": {"alias": "b"}, "b": {"alias": "a", "script": "%1"}}})
@example(makefile={"tasks": {"sign": {"dependencies": [{"name": "sign"}, 1]}}})
def test_values_of_any_type_give_a_proposal_or_an_error(makefile: dict[str, object]) -> None:
    files = texts("blog")
    assert_proposal_or_error(lambda: Snapshot(files | {"Makefile.toml": tomli_w.dumps(makefile)}))


@settings(quick, max_examples=examples(100))
@given(
    words=st.lists(
        st.sampled_from(
            [
                *PIECES,
                "signtool",
                "sign",
                "/f",
                "/p",
                "x.sys",
                "cd",
                " ",
                "sc create ",
                "binPath= ",
                "cargo build -p ",
            ]
        )
    )
)
def test_random_scripts_give_a_proposal_or_an_error(words: list[str]) -> None:
    script = "".join(words).replace("'''", "")
    makefile = f"[tasks.sign]\nscript = '''\n{script}\nsigntool sign /n A x.sys\n'''\n"
    files = texts("blog") | {"Makefile.toml": makefile, "sign.cmd": script}
    assert_proposal_or_error(lambda: Snapshot(files))
