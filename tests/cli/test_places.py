"""Unusual places and names: devices, closed streams, deep folders, names that are no text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deep import remove_chain
from tests.tools import ON_POSIX

Run = Callable[..., subprocess.CompletedProcess[str]]
OTHERS = ("--version", "--help", "schema", "explain")
NO_TEXT = b"b\xffd".decode("utf-8", "surrogateescape")


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line in which `kdrvgen` is the program."""
    if sys.platform == "win32":
        pytest.skip("needs a shell of POSIX")
    program = f'kdrvgen() {{ "{sys.executable}" -m kdrvgen "$@"; }}; {command}'
    return subprocess.run(
        ["/bin/sh", "-c", program], capture_output=True, check=False, cwd=cwd, text=True
    )


@pytest.fixture
def devices() -> Iterator[None]:
    """Makes sure that a test leaves /dev as it was."""
    before = sorted(os.listdir("/dev"))  # noqa: PTH208 - names are all that is compared
    yield
    assert sorted(os.listdir("/dev")) == before  # noqa: PTH208 - likewise


@pytest.mark.one_in(8)
@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize("config", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
@pytest.mark.parametrize("verb", ["", "eject "])
def test_a_configuration_that_is_a_device_is_refused(project: Path, config: str, verb: str) -> None:
    done = shell(f"kdrvgen {verb}{config} < config.toml", project)
    assert done.returncode == 2
    assert f"{config} is not a file in a project folder" in done.stderr
    assert [path.name for path in project.iterdir()] == ["config.toml"]


@pytest.mark.usefixtures("devices")
def test_a_configuration_in_the_folder_of_devices_is_refused(project: Path) -> None:
    done = shell(f"cd /dev && kdrvgen stdin < {project}/config.toml", project)
    assert done.returncode == 2
    assert "stdin is not a file in a project folder" in done.stderr


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize("folder", ["/dev", "/dev/new/folder", "/proc/self", "link"])
def test_nothing_is_written_among_devices_and_processes(
    run: Run, project: Path, folder: str
) -> None:
    (project / "link").symlink_to("/dev")
    done = run("config.toml", "-o", folder)
    assert done.returncode == 8
    assert "devices or processes" in done.stderr


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="Linux has it")  # noqa: S108 - what is tested
def test_a_project_can_be_on_the_ram_disk_of_linux(run: Run) -> None:
    folder = Path("/dev/shm", f"kdrvgen-{os.getpid()}")  # noqa: S108 - likewise
    try:
        assert run("config.toml", "-o", folder).returncode == 0
        assert (folder / "Makefile.toml").exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    "words",
    ["config.toml", *(pytest.param(each, marks=pytest.mark.slow) for each in OTHERS)],
)
@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_not_an_error(project: Path, words: str, closed: str) -> None:
    done = shell(f"kdrvgen {words} {closed}", project)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_output_does_not_change_the_exit_code_of_an_error(project: Path) -> None:
    done = shell("kdrvgen nothing.toml >&- 2>&-", project)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.slow
def test_an_opened_file_never_replaces_a_closed_output(project: Path) -> None:
    script = (
        "import os, sys\n"
        "from kdrvgen.cli import main\n"
        "code = main(['config.toml', '-q'])\n"
        "os.write(1, b'not into a file of the project')\n"
        "sys.exit(code)\n"
    )
    (project / "script.py").write_text(script, "utf-8")
    done = shell(f'"{sys.executable}" script.py >&-', project)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def deep(project: Path) -> Iterator[Path]:
    """A folder 1,500 levels down, given as a path from the project; it does not exist yet."""
    yield Path(*["d"] * 1500)
    remove_chain(project / "d")


@pytest.mark.slow
def test_a_project_can_be_1500_levels_deep(run: Run, deep: Path) -> None:
    for words in (
        ("config.toml", "-o", deep),
        ("config.toml", "-o", deep, "--check"),
        ("why", deep / "Makefile.toml:20", "--config", "config.toml"),
        ("eject", "config.toml", "-o", deep),
    ):
        done = run(*words)
        assert done.returncode == (2 if words[0] == "why" else 0), done.stderr


@pytest.mark.slow
def test_a_cache_can_be_1500_levels_deep(run: Run, project: Path, deep: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(project / deep)}
    assert run("config.toml", **cache).returncode == 0
    done = run("config.toml", "-v", **cache)
    assert (done.returncode, done.stderr[:19]) == (0, "nothing has changed")


@pytest.fixture
def links(project: Path) -> Path:
    """The first of 1,500 links, each to the next."""
    folder = project / "links"
    folder.mkdir()
    for number in range(1500):
        (folder / str(number)).symlink_to(str(number + 1))
    (folder / "1500").mkdir()
    return folder / "0"


@pytest.mark.slow
def test_a_chain_of_1500_links_is_a_clear_error(run: Run, links: Path) -> None:
    done = run("config.toml", "-o", links)
    assert done.returncode == 8
    assert "Too many levels of symbolic links" in done.stderr
    assert run("config.toml", "--check", "-o", links).returncode == 8
    assert run("config.toml", XDG_CACHE_HOME=str(links)).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("form", ["human", "json", "github"])
def test_file_names_that_are_not_valid_text_are_accepted(
    run: Run, project: Path, form: str
) -> None:
    folder = project / NO_TEXT
    folder.mkdir()
    config = folder / f"{NO_TEXT}.toml"
    config.write_bytes((project / "config.toml").read_bytes())
    makefile = f"{folder / 'Makefile.toml'}:20"
    for code, *words in (
        (0, config),
        (0, config, "-v"),
        (4, config, "--check", "-o", f"{NO_TEXT}-2"),
        (0, "why", makefile, "--config", config),
        (0, "eject", config),
        (0, config),
        (0, "new", "hello", "-o", NO_TEXT),
        (2, NO_TEXT + ".toml"),
        (2, "explain", NO_TEXT),
        (2, "--" + NO_TEXT),
    ):
        done = run(*words, "--format", form)
        assert done.returncode == code, (words, done.stdout, done.stderr)


@ON_POSIX
def test_why_reports_a_pipe_without_blocking(run: Run, project: Path) -> None:
    os.mkfifo(project / "build.rs")
    done = run("why", "build.rs:20")
    assert done.returncode == 8
    assert "build.rs is a device or pipe" in done.stderr
