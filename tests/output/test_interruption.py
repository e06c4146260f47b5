"""If a run is killed at any step, each file is old or new; the next run makes all of them new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.output.writer import write

Texts = Mapping[PurePosixPath, str]
HARNESS = Path(__file__).with_name("killed_run.py")


def files(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="each run is killed in a fork")
@pytest.mark.parametrize("before", ["nothing", "old files"])
def test_a_run_that_is_killed_leaves_each_file_old_or_new(
    tmp_path: Path, texts: Texts, old_texts: Texts, texts_for_old_cargo: Texts, before: str
) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    if before == "old files":
        write(old_texts, folder)
        stale = PurePosixPath(".cargo/config")
        (folder / stale).write_text(texts_for_old_cargo[stale], "utf-8")
    old = files(folder)
    new = {str(path): text for path, text in texts.items()}
    (tmp_path / "texts.json").write_text(json.dumps(new), "utf-8")

    result = subprocess.run(
        [sys.executable, HARNESS, tmp_path], check=True, capture_output=True, text=True
    )
    steps, code = map(int, result.stdout.split())
    assert code == 0
    assert steps > 15
    assert files(tmp_path / str(steps)) == new
    seen = set()
    for number in range(1, steps):
        root = tmp_path / str(number)
        left = files(root)
        for path in old.keys() | new.keys():
            assert left.get(path) in {old.get(path), new.get(path)}, (number, path)
        strange = left.keys() - old.keys() - new.keys()
        assert all(path.endswith(".kdrvgen-new") for path in strange)
        seen.add((left == old, bool(strange)))
        write(texts, root)
        assert files(root) == new, f"killed at step {number}, then run again"
    assert {(True, False), (False, True)} <= seen, "some kills came before, some after staging"


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on a file's size is POSIX's")
def test_a_power_failure_leaves_no_updated_file_empty(
    project: Path, texts: Texts, old_texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file that replaces another one is on the disk before it gets the name of the other one.
    write(old_texts, project)
    synced = set()
    replace, fsync = os.replace, os.fsync

    def remember(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def check(old: str, new: str, **folders: int) -> None:
        inode = os.stat(old, dir_fd=folders.get("src_dir_fd")).st_ino
        assert inode in synced
        replace(old, new, **folders)

    monkeypatch.setattr(os, "fsync", remember)
    monkeypatch.setattr(os, "replace", check)
    write(texts, project)
    assert {(project / path).stat().st_ino for path in texts} <= synced


def test_a_run_that_fails_during_a_write_leaves_no_trace(
    tmp_path: Path, old_texts: Texts, texts: Texts
) -> None:
    root = tmp_path / "project"
    write(old_texts, root)
    (root / "build.rs").unlink()
    before = files(root)
    texts = {**texts, PurePosixPath("sub/build.rs"): "x" * 5000}
    (tmp_path / "texts.json").write_text(
        json.dumps({str(path): text for path, text in texts.items()}), "utf-8"
    )
    program = (
        "import json, pathlib, resource, sys\n"
        "from kdrvgen.output.writer import write\n"
        "texts = json.load(open(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    root = pathlib.Path(sys.argv[2])\n"
        "    write({pathlib.PurePosixPath(k): v for k, v in texts.items()}, root)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "texts.json", root],
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout.startswith(f"FileAccessError cannot write {root}/sub/build.rs: File too")
    assert "Nothing was changed." in result.stdout
    assert files(root) == before
    assert not (root / "sub").exists()
