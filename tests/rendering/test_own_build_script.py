"""`driver.build-script` with any file name: it lands in Rust source, and stays in the project."""

from __future__ import annotations

import re
import subprocess
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kdrvgen import Driver, Project
from kdrvgen.rendering.project import render_own
from tests.examples import examples

from .conftest import FindTool
from .test_quoting import HARD, TEXT

BUILD = PurePosixPath("build.rs")
# What means something to Rust, or leads elsewhere.
PARTS = [
    *("a", ".", "..", "...", "/", "//", "\\", "~", "C:", "C:/", "nul", "con.rs", "build", "own"),
    *('"', '"]', "']", "]", "#[", "r#", "{", "}", "\\u{2f}", "\\x2f", "/*", "*/", "//", "\n", "\r"),
    *('"]mod a{}#[path="', "concat!", "é", "日", " ", "\u202e", ".kdrvgen/", ".KDRVGEN/", ".rs"),
]
NAMES = (
    st.sampled_from(HARD) | TEXT | st.lists(st.sampled_from(PARTS), max_size=6).map("".join)
).map(lambda text: f"{text}.rs")


def is_taken(name: str) -> bool:
    """Tell whether kdrvgen takes a name."""
    try:
        Driver(name="a", build_script=name)
    except ValidationError:
        return False
    return True


TAKEN = NAMES.filter(is_taken)


@settings(max_examples=examples(500))
@given(NAMES)
@example("../own.rs")
@example("a/../../own.rs")
@example("a\\..\\..\\own.rs")
@example("C:own.rs")
@example("//host/share/own.rs")
@example(".kdrvgen/kit.rs")
def test_an_accepted_build_script_is_in_the_project_on_every_host(name: str) -> None:
    assume(is_taken(name))
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        assert not path.is_absolute()
        assert not path.anchor
        assert ".." not in path.parts
        assert len(path.parts) == name.count("/") + 1
        assert path.parts[0].lower() != ".kdrvgen"
        assert path != type(path)("build.rs")


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(TAKEN)
def test_the_name_of_the_build_script_changes_only_its_own_line(name: str) -> None:
    def lines(given_name: str) -> list[str]:
        project = Project(driver=Driver(name="a", build_script=given_name))
        return render_own(project)[BUILD].partition("\n\n")[2].split("\n")

    one, other = lines("own.rs"), lines(name)
    assert len(one) == len(other)
    changed = [
        (was, now)
        for was, now in zip(one, other, strict=True)
        if (was, now) != ("", "") and was != now
    ]
    assert all(was == '#[path = "own.rs"]' for was, _ in changed)
    assert all(now.startswith('#[path = "') and now.endswith('"]') for _, now in changed)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(TAKEN, min_size=4, max_size=12, unique_by=str.casefold))
@example([name for text in HARD if is_taken(name := f"{text}.rs")])
def test_rustc_compiles_the_file_of_that_name(
    tool: FindTool, tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("project")
    modules, calls = "", ""
    for index, name in enumerate(names):
        text = render_own(Project(driver=Driver(name="a", build_script=name)))[BUILD]
        attribute = re.search(r"^#\[path = .*\]\nmod own;$", text, re.MULTILINE)
        assert attribute
        path = folder / name
        assume(not path.exists())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'pub fn main() {{ println!("own {index}"); }}\n', encoding="utf-8")
        except OSError:  # a file is in the place of a folder, or the name is too long
            assume(False)  # noqa: FBT003 - hypothesis's way
        modules += attribute[0].replace("mod own;", f"mod own{index};\n")
        calls += f"own{index}::main();"
    (folder / "build.rs").write_text(f"{modules}fn main() {{ {calls} }}", encoding="utf-8")
    argv = [tool("rustc"), "-Dwarnings", "--edition=2021", "-o", "program", "build.rs"]
    subprocess.run(argv, cwd=folder, check=True)
    ran = subprocess.run([folder / "program"], check=True, capture_output=True, text=True)
    assert ran.stdout.splitlines() == [f"own {index}" for index in range(len(names))]
