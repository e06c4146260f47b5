"""`kdrvgen new` in a folder that a Cargo workspace lists."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import kdrvgen
from tests.bootstrap.support import kdrvgen_process, tree

WORKSPACE = '[workspace]\nmembers = ["drivers/*"]\n'


def new(*words: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = kdrvgen_process("new", "--no-input", *words, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def is_member(folder: Path) -> bool:
    """Return whether a project is a member of a workspace, by all of its files."""
    root = read(folder / "config.toml")["driver"].get("workspace-root")
    manifest = read(folder / "Cargo.toml")
    own = {
        "workspace" in manifest,
        "profile" in manifest,
        (folder / ".kdrvgen").exists(),
        (folder / "kernel").exists(),
        (folder / "rust-toolchain.toml").exists(),
        (folder / ".gitignore").exists(),
    }
    assert own == {root is None}
    return root is not None


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "Cargo.toml").write_text(WORKSPACE, "utf-8")
    return tmp_path


@pytest.mark.one_in(8)
@pytest.mark.parametrize("template", ["minimal", "process", "worker", "filter"])
def test_a_new_driver_is_a_member_of_the_workspace_that_lists_it(
    workspace: Path, template: str
) -> None:
    done = new("drivers/hello", "--template", template, cwd=workspace)

    folder = workspace / "drivers/hello"
    assert is_member(folder)
    assert read(folder / "config.toml")["driver"]["workspace-root"] == "../.."
    kernel = read(folder / "Cargo.toml")["dependencies"]["kernel"]["path"]
    assert (folder / kernel / "Cargo.toml").samefile(workspace / "crates/kernel/Cargo.toml")
    assert (workspace / ".kdrvgen/build_script.rs").is_file()
    assert (folder / "kdrvgen.schema.json").is_file()
    assert "crates/kernel" not in done.stdout
    assert kdrvgen_process("--check", cwd=folder).returncode == 0
    assert not kdrvgen.check(kdrvgen.load(folder / "config.toml"), folder).disagreements


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("table", "folder"),
    [
        ('members = ["drivers/hello"]', "drivers/hello"),
        ('members = ["./other/../drivers/h*"]', "drivers/hello"),
        ('members = ["drivers/**/*"]', "drivers/deep/er/hello"),
        ('members = ["**"]', "hello"),
        ('members = ["drivers/[g-i]ello"]', "drivers/hello"),
        ('members = ["drivers/*"]\nexclude = ["drivers/other"]', "drivers/hello"),
        ('members = ["drivers/hello"]\nexclude = ["drivers"]', "drivers/hello"),
    ],
)
def test_the_patterns_of_the_workspace_list_it(tmp_path: Path, table: str, folder: str) -> None:
    (tmp_path / "Cargo.toml").write_text(f"[workspace]\n{table}\n", "utf-8")
    new(folder, cwd=tmp_path)
    assert is_member(tmp_path / folder)


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("manifest", "folder"),
    [
        (WORKSPACE, "hello"),
        (WORKSPACE, "drivers/deep/hello"),
        ('[workspace]\nmembers = ["drivers/*"]\nexclude = ["drivers/hello"]\n', "drivers/hello"),
        ('[workspace]\nmembers = ["drivers/*"]\nexclude = ["drivers"]\n', "drivers/hello"),
        ('[workspace]\nmembers = ["drivers/Hello"]\n', "drivers/hello"),
        ('[workspace]\nmembers = "drivers/*"\n', "drivers/hello"),
        ("[workspace]\n", "hello"),
        ('[package]\nname = "above"\n', "drivers/hello"),
        ("workspace = [\n", "drivers/hello"),
    ],
)
def test_a_driver_that_no_workspace_lists_stands_alone(
    tmp_path: Path, manifest: str, folder: str
) -> None:
    (tmp_path / "Cargo.toml").write_text(manifest, "utf-8")
    new(folder, cwd=tmp_path)
    assert not is_member(tmp_path / folder)


def test_the_nearest_workspace_counts(workspace: Path) -> None:
    (workspace / "drivers").mkdir()
    (workspace / "drivers/Cargo.toml").write_text("[workspace]\n", "utf-8")
    new("drivers/hello", cwd=workspace)
    assert not is_member(workspace / "drivers/hello")


@pytest.mark.one_in(8)
@pytest.mark.parametrize("template", ["device", "wdk", "workspace"])
def test_a_template_with_a_workspace_of_its_own_is_refused_there(
    workspace: Path, template: str
) -> None:
    done = new("drivers/hello", "--template", template, cwd=workspace, code=2)
    assert f"the workspace {workspace / 'Cargo.toml'} lists drivers/hello" in done.stderr
    assert "add this one to `exclude`" in done.stderr
    assert list(tree(workspace)) == ["Cargo.toml"]

    new("hello", "--template", template, cwd=workspace)


def test_the_current_folder_can_be_the_member(workspace: Path) -> None:
    folder = workspace / "drivers/hello"
    folder.mkdir(parents=True)
    new(".", cwd=folder)
    assert is_member(folder)


def test_drivers_share_the_schema_and_the_crate(tmp_path: Path) -> None:
    new("storage", "--template", "workspace", cwd=tmp_path)
    root = tmp_path / "storage"
    before = tree(root)

    done = new("drivers/third", cwd=root)

    text = (root / "drivers/third/config.toml").read_text("utf-8")
    assert text.startswith("#:schema ../../kdrvgen.schema.json\n")
    assert not (root / "drivers/third/kdrvgen.schema.json").exists()
    after = tree(root)
    assert {path: after[path] for path in before} == before
    assert all(path.startswith("drivers/third/") for path in set(after) - set(before))
    assert "add a task for drivers/third to Makefile.toml of the workspace" in done.stdout
    assert kdrvgen_process("--check", cwd=root).stdout == "3 projects: 3 up to date\n"


def test_without_a_makefile_in_the_root_no_task_is_to_be_added(workspace: Path) -> None:
    assert "add a task" not in new("drivers/hello", cwd=workspace).stdout


def test_an_edited_file_that_drivers_share_is_kept_and_nothing_is_written(workspace: Path) -> None:
    new("drivers/hello", cwd=workspace)
    with (workspace / "crates/kernel/src/lib.rs").open("a", encoding="utf-8") as file:
        file.write("// mine\n")
    before = tree(workspace)

    done = new("drivers/other", cwd=workspace, code=5)

    assert "../../crates/kernel/src/lib.rs: edited by hand" in done.stderr
    assert tree(workspace) == before
    assert not (workspace / "drivers/other").exists()


def test_the_workflow_of_a_workspace_is_in_its_root(workspace: Path) -> None:
    done = new("drivers/hello", "--ci", "github", cwd=workspace, code=2)
    assert "run `kdrvgen ci github` there" in done.stderr
    assert list(tree(workspace)) == ["Cargo.toml"]


def test_from_python_a_new_driver_is_a_member_too(workspace: Path) -> None:
    report = kdrvgen.bootstrap(workspace / "drivers", "hello")
    assert is_member(workspace / "drivers/hello")
    assert {entry.path.parts[0] for entry in report.entries}.isdisjoint({"..", ".kdrvgen"})
    assert (workspace / ".kdrvgen").is_dir()


@pytest.mark.slow
def test_a_template_of_ones_own_decides_by_the_workspace(workspace: Path) -> None:
    template = workspace / "mine"
    template.mkdir()
    (template / "template.toml").write_text(
        "joins-workspace = true\n[config]\ndriver.kernel-crate = true\n"
        '[shared]\n"Cargo.toml" = "project/Cargo.toml.j2"\n',
        "utf-8",
    )
    tree_folder = template / "tree/src"
    tree_folder.mkdir(parents=True)
    (tree_folder / "lib.rs.j2").write_text(
        '// {{ driver.workspace_root or "alone" }} {{ kernel_folder }}\n', "utf-8"
    )
    new("drivers/hello", "--template", "./mine", cwd=workspace)
    new("alone", "--template", "./mine", cwd=workspace)

    assert is_member(workspace / "drivers/hello")
    source = Path("src/lib.rs")
    assert (workspace / "drivers/hello" / source).read_text() == "// ../.. ../../crates/kernel\n"
    assert not is_member(workspace / "alone")
    assert (workspace / "alone" / source).read_text() == "// alone kernel\n"


def test_a_template_of_ones_own_that_says_nothing_is_as_it_was(workspace: Path) -> None:
    template = workspace / "mine/tree/src"
    template.mkdir(parents=True)
    (workspace / "mine/template.toml").write_text("", "utf-8")
    (template / "lib.rs").write_text("", "utf-8")
    new("drivers/hello", "--template", "./mine", cwd=workspace)
    assert "workspace-root" not in read(workspace / "drivers/hello/config.toml")["driver"]
