"""Where `kdrvgen new` puts a project: a path, the current folder, an empty clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bootstrap.support import surroundings
from tests.program import run_kdrvgen
from tests.tools import need


def new(*words: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = run_kdrvgen("new", "--no-input", *words, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def package(folder: Path) -> str:
    text = (folder / "config.toml").read_text("utf-8")
    return text.partition('\nname = "')[2].partition('"')[0]


@pytest.mark.one_in(8)
@pytest.mark.parametrize("word", ["drivers/hello", "./hello", "drivers/deep/hello/"])
def test_a_path_names_the_folder_and_its_last_part_the_package(tmp_path: Path, word: str) -> None:
    done = new(word, cwd=tmp_path)
    assert package(tmp_path / word) == "hello"
    assert f"cd {Path(word)}\n" in done.stdout


def test_a_path_is_below_the_output_folder(tmp_path: Path) -> None:
    new("drivers/hello", "-o", "there", cwd=tmp_path)
    assert package(tmp_path / "there/drivers/hello") == "hello"


@pytest.mark.parametrize(
    "repository",
    ["", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("folder", "file"))],
)
def test_a_dot_fills_the_current_folder_and_keeps_its_repository(
    tmp_path: Path, repository: str
) -> None:
    if repository:
        need("git")
    folder = tmp_path / "hello"
    folder.mkdir()
    git = folder / ".git"
    if repository == "folder":
        git.mkdir()
        (git / "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    elif repository == "file":
        git.write_text("gitdir: ../elsewhere\n", "utf-8")
    inode = folder.stat().st_ino

    done = new(".", "git=yes" if repository else "git=no", cwd=folder)

    assert package(folder) == "hello"
    assert folder.stat().st_ino == inode, "a shell in it would be nowhere"
    assert "cd " not in done.stdout
    assert not [name for name in names(folder) if name.endswith(".kdrvgen-new")]
    if repository == "folder":
        assert [path.name for path in git.iterdir()] == ["HEAD"]
    if repository == "file":
        assert git.read_text("utf-8") == "gitdir: ../elsewhere\n"


def test_an_empty_clone_is_filled_by_its_path_too(tmp_path: Path) -> None:
    (tmp_path / "hello" / ".git").mkdir(parents=True)
    new("hello", cwd=tmp_path)
    assert package(tmp_path / "hello") == "hello"
    assert (tmp_path / "hello" / ".git").is_dir()


@pytest.mark.parametrize("name", ["README.md", ".gitignore", "src"])
def test_a_folder_with_anything_else_is_refused_and_stays_as_it_is(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "hello"
    (folder / ".git").mkdir(parents=True)
    (folder / name).mkdir()
    done = new(".", cwd=folder, code=5)
    assert "not empty" in done.stderr
    assert names(folder) == sorted([".git", name])


def test_a_folder_whose_name_no_package_can_have_takes_the_name_from_a_word(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "My Driver"
    folder.mkdir()
    assert "`My Driver`" in new(".", cwd=folder, code=3).stderr
    assert names(folder) == []
    new(".", "driver.name=my-driver", cwd=folder)
    assert package(folder) == "my-driver"


def test_a_second_place_is_an_error(tmp_path: Path) -> None:
    new("a/b", "c", cwd=tmp_path, code=2)
    new("a/b", "c", "driver.name=x", cwd=tmp_path, code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_the_current_folder_is_filled_although_the_one_above_is_read_only(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    tmp_path.chmod(0o555)
    try:
        new(".", cwd=folder)
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.slow
def test_a_failure_half_way_leaves_the_current_folder_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    script = (
        "import os, sys, kdrvgen\n"
        "from pathlib import Path\n"
        "from kdrvgen.scaffold import writer\n"
        "move = writer._move_up\n"
        "def fail(path, target, folder):\n"
        "    if path.name == 'build.rs':\n"
        "        raise OSError(28, 'No space left on device')\n"
        "    move(path, target, folder)\n"
        "writer._move_up = fail\n"
        "from kdrvgen.cli import main\n"
        "sys.exit(main(['new', '.', '--no-input']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 8, done.stderr
    assert names(folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("appears", ["hello", "hello/notes.txt"])
def test_what_appears_in_the_place_of_the_folder_meanwhile_is_not_replaced(
    appears: str, tmp_path: Path
) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kdrvgen.cli import main\n"
        "def interfere(event, arguments):\n"
        "    file = Path(sys.argv[1])\n"
        "    if event == 'os.rename' and not file.exists():\n"
        "        file.parent.mkdir(exist_ok=True)\n"
        "        file.write_text('mine')\n"
        "sys.addaudithook(interfere)\n"
        "sys.exit(main(['new', 'hello', '--no-input']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, appears],
        cwd=tmp_path,
        env=surroundings(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 5, done.stderr
    assert "hello was filled by another program during the run" in done.stderr
    assert names(tmp_path) == ["hello"]
    assert (tmp_path / appears).read_text() == "mine"


@pytest.mark.slow
def test_a_file_that_appears_in_the_current_folder_meanwhile_is_not_replaced(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kdrvgen.cli import main\n"
        "def interfere(event, arguments):\n"
        "    if event == 'os.rename' and not Path('config.toml').exists():\n"
        "        Path('config.toml').write_text('mine')\n"
        "sys.addaudithook(interfere)\n"
        "sys.exit(main(['new', '.', '--no-input']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 5, done.stderr
    assert "was filled by another program during the run" in done.stderr
    assert names(folder) == ["config.toml"]
    assert (folder / "config.toml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("word", "triple"),
    [("x64", "x86_64"), ("AMD64", "x86_64"), ("x86", "i686"), ("arm64", "aarch64")],
)
def test_the_names_that_windows_gives_to_machines_suggest_the_triple(
    tmp_path: Path, word: str, triple: str
) -> None:
    done = new("hello", f"driver.target={word}", cwd=tmp_path, code=3)
    assert f'did you mean "{triple}-pc-windows-msvc"?' in done.stderr
