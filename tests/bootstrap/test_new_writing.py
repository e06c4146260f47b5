"""A new project on the disk: all or nothing, never in the place of anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.scaffold import template as templates
from tests.bootstrap.support import bootstrap, kdrvgen_process, surroundings, tree
from tests.deep import remove_chain
from tests.tools import need


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_an_empty_folder_is_filled(work: Path) -> None:
    (work / "hello").mkdir()
    assert (bootstrap(work, "minimal") / "config.toml").is_file()


@pytest.mark.parametrize("kind", ["folder", "file", "link to a folder", "dangling link"])
def test_an_occupied_folder_is_not_changed(kind: str, work: Path, tmp_path: Path) -> None:
    there = work / "hello"
    if kind == "folder":
        there.mkdir()
        (there / "notes").write_text("mine", encoding="utf-8")
    elif kind == "file":
        there.write_text("mine", encoding="utf-8")
    else:
        there.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        if kind == "link to a folder":
            (tmp_path / "elsewhere").mkdir()
    done = kdrvgen_process("new", "hello", cwd=work)
    assert done.returncode == 5
    assert "hello" in done.stderr
    assert [path.name for path in work.iterdir()] == ["hello"]
    assert not (tmp_path / "elsewhere" / "config.toml").exists()
    if kind in {"folder", "file"}:
        mine = there / "notes" if kind == "folder" else there
        assert mine.read_text("utf-8") == "mine"


def test_a_folder_below_a_file_is_a_clear_error(work: Path) -> None:
    (work / "file").write_text("", encoding="utf-8")
    done = kdrvgen_process("new", "hello", "-o", "file/below", cwd=work)
    assert done.returncode == 8
    assert "is not a folder" in done.stderr


@pytest.mark.slow
def test_a_read_only_folder_is_a_clear_error() -> None:
    # All is imported before root's rights are given up, since the packages may be root's alone.
    script = (
        "import os, sys, kdrvgen\n"
        "kdrvgen.bootstrap(sys.argv[1], 'first')\n"
        "if os.geteuid() == 0:\n"
        "    os.setresuid(65534, 65534, 65534)\n"
        "os.chmod(sys.argv[1], 0o555) if os.geteuid() != 65534 else None\n"
        "try:\n"
        "    kdrvgen.bootstrap(sys.argv[1], 'second')\n"
        "except kdrvgen.FileAccessError as error:\n"
        "    print(error)\n"
    )
    # Not in `tmp_path`, which only its owner can look into.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", script, folder], capture_output=True, check=True, text=True
        )
        Path(folder).chmod(0o755)
    assert "is not writable" in done.stdout


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_project_and_does_not_block_the_next(
    work: Path,
) -> None:
    script = (
        "import os, sys, kdrvgen\n"
        "from kdrvgen.scaffold import writer\n"
        "put = writer._put\n"
        "def stop(path, content):\n"
        "    put(path, content)\n"
        "    if path.name == 'build.rs':\n"
        "        print('now', flush=True)\n"
        "        sys.stdin.read()\n"
        "writer._put = stop\n"
        "kdrvgen.bootstrap('.', 'hello')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=work,
        env=surroundings(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"now\n"
        os.kill(process.pid, signal.SIGKILL)
    assert not (work / "hello").exists()
    (left,) = (path.name for path in work.iterdir())
    assert left.startswith(".hello.")
    assert left.endswith(".kdrvgen-new")
    bootstrap(work, "minimal")
    assert sorted(path.name for path in work.iterdir()) == [left, "hello"]


@pytest.mark.parametrize("name", [".hello.kdrvgen-new", ".hello.0.kdrvgen-new"])
def test_a_folder_that_kdrvgen_did_not_make_is_never_removed(work: Path, name: str) -> None:
    (work / name).mkdir()
    (work / name / "notes").write_text("mine", encoding="utf-8")
    bootstrap(work, "minimal")
    assert (work / name / "notes").read_text("utf-8") == "mine"


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_run_that_fails_leaves_no_folder_above_the_project(work: Path, stream: str) -> None:
    failing = work / "git"
    failing.write_bytes(b"#!/bin/sh\nprintf 'no \\377 repository' >&%c; exit 1\n" % stream.encode())
    failing.chmod(0o755)
    path = f"{work}{os.pathsep}{os.environ['PATH']}"
    done = kdrvgen_process("new", "hello", "git=yes", "-o", "a/b", cwd=work, PATH=path)
    assert done.returncode == 7
    assert "`git init` failed: no \ufffd repository" in done.stderr
    assert [path.name for path in work.iterdir()] == ["git"]


def test_a_folder_that_cannot_be_created_is_named(work: Path) -> None:
    done = kdrvgen_process("new", "hello", "-o", "a" * 300, cwd=work)
    assert done.returncode == 8
    place = work.resolve() / ("a" * 300)
    assert f"error: cannot create the folder {place}: File name too long." in done.stderr
    assert list(work.iterdir()) == []


@pytest.mark.slow
def test_a_project_can_be_created_at_any_depth(work: Path) -> None:
    done = kdrvgen_process("new", "hello", "-o", "/".join(["d"] * 1500), cwd=work)
    assert done.returncode == 0, done.stderr
    remove_chain(work / "d")


def test_a_project_in_a_folder_of_devices_or_processes_is_refused(work: Path) -> None:
    done = kdrvgen_process("new", "hello", "-o", "/dev", cwd=work)
    assert done.returncode == 8
    assert "devices or processes" in done.stderr
    assert not Path("/dev/hello").exists()


@pytest.mark.slow
def test_a_full_disk_leaves_nothing(work: Path) -> None:
    limited = "ulimit -f 8; trap '' XFSZ; exec \"$@\""
    done = subprocess.run(
        ["/bin/sh", "-c", limited, "-", sys.executable, "-m", "kdrvgen", "new", "hello"],
        capture_output=True,
        check=False,
        cwd=work,
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert done.returncode == 8, done.stderr
    assert "Nothing was written" in done.stderr
    assert list(work.iterdir()) == []


@pytest.mark.slow
def test_a_project_can_be_created_as_a_repository(work: Path) -> None:
    need("git")
    folder = bootstrap(work, "minimal", "git=yes")
    environment = {name: value for name, value in os.environ.items() if name != "GIT_DIR"}
    (folder / "target").mkdir()
    (folder / "target" / "x").write_text("", encoding="utf-8")
    done = subprocess.run(
        ["git", "status", "--short", "--untracked-files=all"],
        capture_output=True,
        check=True,
        cwd=folder,
        env=environment,
        text=True,
    )
    seen = {line[3:] for line in done.stdout.splitlines()}
    assert seen == set(tree(folder)) - {"target/x"}


@pytest.mark.slow
@pytest.mark.parametrize(("template", "folder"), [("minimal", ""), ("workspace", "drivers/first/")])
def test_gitattributes_fixes_line_ends_and_marks_generated_files(
    work: Path, template: str, folder: str
) -> None:
    need("git")
    project = bootstrap(work, template, "git=yes")
    files = {
        f"{folder}Makefile.toml": "set",
        f"{folder}build.rs": "unspecified",
        f"{folder}.cargo/config.toml": "unspecified",
        ".kdrvgen/kit.rs": "unspecified",
        ".kdrvgen/pipeline/src/main.rs": "unspecified",
    }
    for file, generated in files.items():
        done = subprocess.run(
            ["git", "check-attr", "eol", "linguist-generated", "--", file],
            capture_output=True,
            check=True,
            cwd=project,
            text=True,
        )
        assert done.stdout.splitlines() == [
            f"{file}: eol: lf",
            f"{file}: linguist-generated: {generated}",
        ]


@pytest.mark.slow
def test_a_new_project_matches_its_configuration(work: Path) -> None:
    for template in templates.names():
        project = bootstrap(work, template, name=f"new-{template}")
        for config in project.rglob("config.toml"):
            if config.parent.name != ".cargo":
                report = kdrvgen.check(kdrvgen.load(config), config.parent)
                assert not report.drifted, report.drift


def test_a_workspace_has_one_folder_of_support_files(work: Path) -> None:
    project = bootstrap(work, "workspace")
    assert [path.relative_to(project).as_posix() for path in project.rglob(".kdrvgen")] == [
        ".kdrvgen"
    ]


@pytest.mark.parametrize(
    ("template", "code", "message"),
    [
        ("minimal", 3, "`workspace-root` is not the root of a Cargo workspace"),
        ("device", 2, "a project of the template `device` cannot be a member of a workspace"),
    ],
)
def test_a_workspace_root_that_does_not_fit_is_refused(
    work: Path, template: str, code: int, message: str
) -> None:
    words = ("new", "hello", "driver.workspace-root=..", "--template", template)
    done = kdrvgen_process(*words, cwd=work)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert list(work.iterdir()) == []


def test_config_does_not_copy_the_workspace_of_the_other_project(work: Path) -> None:
    first = bootstrap(work, "workspace") / "drivers" / "first" / "config.toml"
    words = ("new", "other", "--template", "minimal", "--config", str(first))
    assert kdrvgen_process(*words, cwd=work).returncode == 0
    assert (work / "other" / ".kdrvgen" / "kit.rs").is_file()


@pytest.mark.slow
def test_the_repository_is_in_the_project_whatever_the_environment(
    work: Path, tmp_path: Path
) -> None:
    need("git")
    done = kdrvgen_process("new", "hello", "git=yes", cwd=work, GIT_DIR=str(tmp_path / "other"))
    assert done.returncode == 0
    assert (work / "hello" / ".git").is_dir()
    assert not (tmp_path / "other").exists()


def test_without_git_a_repository_is_refused_before_anything_is_written(work: Path) -> None:
    done = kdrvgen_process("new", "hello", "git=yes", cwd=work, PATH=str(work))
    assert done.returncode == 7
    assert "remove git=true" in done.stderr
    assert list(work.iterdir()) == []


@pytest.mark.slow
def test_two_runs_at_once_create_one_project(work: Path) -> None:
    words = [sys.executable, "-m", "kdrvgen", "new", "hello", "-q"]
    runs = [
        subprocess.Popen(
            words, cwd=work, env=surroundings(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for run in runs:
        run.communicate(timeout=60)
    assert sorted(run.returncode for run in runs) == [0, 5, 5]
    assert [path.name for path in work.iterdir()] == ["hello"]


MANIFEST = 'summary = "x"\n'


@pytest.mark.parametrize(
    "text",
    [
        '[shared]\n"../x" = "project/README.md.j2"\n',
        '[shared]\n"/x" = "project/README.md.j2"\n',
        '[shared]\n"x" = "../minimal/template.toml"\n',
        '[[member]]\npath = "../x"\n',
        '[when]\n"x" = "git"\n',
        '[when]\n"x\\\\y" = "git"\n',
        'sumary = "x"\n',
    ],
)
def test_a_template_that_leads_out_of_a_folder_is_not_loaded(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, manifest in (("shared", ""), ("bad", MANIFEST + text)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "template.toml").write_text(manifest, encoding="utf-8")
    monkeypatch.setattr(templates, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"Manifest|names the file"):
        templates.load("bad")


@pytest.mark.slow
@pytest.mark.parametrize("template", templates.names())
def test_git_ignores_what_is_built_and_keys_and_nothing_else(work: Path, template: str) -> None:
    need("git")
    folder = bootstrap(work, template, "git=yes")
    ignored = ["target/debug/hello.sys", "my.pfx", "keys/my.p12", "a.pem", "b.key"]
    kept = ["Makefile.toml", ".cargo/config.toml", ".kdrvgen/kit.rs", "src/target/mod.rs", "a.cer"]
    done = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        cwd=folder,
        capture_output=True,
        check=True,
        env=surroundings(),
        input="\n".join([*ignored, *kept]),
        text=True,
    )
    assert done.stdout.split() == ignored


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    "variable",
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"],
)
def test_git_init_does_not_see_a_variable_that_names_another_repository(
    work: Path, tmp_path: Path, variable: str
) -> None:
    seen = tmp_path / "seen"
    git = work / "git"
    git.write_text(f"#!/bin/sh\nexport -p >'{seen}'\n", "utf-8")  # built in, unlike `env`
    git.chmod(0o755)
    path = f"{work}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, variable: str(tmp_path / "other"), "GIT_AUTHOR_NAME": "me"}
    done = kdrvgen_process("new", "hello", "git=yes", cwd=work, **environment)
    assert done.returncode == 0, done.stderr
    exported = seen.read_text("utf-8")
    assert f"{variable}=" not in exported
    assert "GIT_AUTHOR_NAME=" in exported


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"])
def test_a_repository_is_complete_even_where_the_environment_names_a_part_of_another(
    work: Path, tmp_path: Path, variable: str
) -> None:
    need("git")
    other = tmp_path / "other"
    other.mkdir()
    done = kdrvgen_process("new", "hello", "git=yes", cwd=work, **{variable: str(other)})
    assert done.returncode == 0, done.stderr
    assert not list(other.iterdir())
    assert {"HEAD", "config", "objects"} <= {
        path.name for path in (work / "hello" / ".git").iterdir()
    }
