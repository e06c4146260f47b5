"""The template `workspace`: two drivers, their library crates, one `cargo make` for all."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject
from tests.bootstrap.kernel import Kernel
from tests.bootstrap.lint import clippy, rustfmt
from tests.bootstrap.support import bootstrap, kdrvgen_process
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project, State, run

pytestmark = pytest.mark.slow

X64 = TRIPLES[0]
IMAGES = {"first": "hello.sys", "second": "hello_second.sys"}


def member(workspace: Project, driver: str) -> Project:
    """Return one of the drivers as a project of its own."""
    return Project(workspace.folder / "drivers" / driver, workspace.home, workspace.env)


def output(
    workspace: Project, driver: str, profile: str = "development", target: str = X64
) -> Path:
    """Return the path of a driver's signed image, in the target directory of all."""
    image = IMAGES[driver]
    package = image.removesuffix(".sys").replace("_", "-")
    return workspace.target / "driver" / package / target / profile / image


def states(workspace: Project) -> list[State]:
    return [State.of(output(workspace, driver)) for driver in IMAGES]


def test_both_drivers_are_signed_for_every_target_and_load_together(
    new_project: NewProject, kernel: Kernel
) -> None:
    workspace = new_project("workspace")
    text = workspace.make("sign-all")
    for triple in TRIPLES:
        for driver in IMAGES:
            built = output(workspace, driver, target=triple)
            assert Image.read(built).subsystem == NATIVE
            assert member(workspace, driver).verifies(built)
    assert not list(workspace.folder.glob("drivers/*/target/*-msvc"))
    # The second driver found the crate compiled by the first.
    assert len(re.findall(r"Compiling kdrvgen-kernel ", text)) == len(TRIPLES)

    before = len(kernel.lines())
    first, second = (output(workspace, driver) for driver in IMAGES)
    with kernel.loaded(first, "one"), kernel.loaded(second, "two"):
        pass
    assert kernel.lines()[before:] == [
        "hello: loaded as the service one",
        "hello-second: loaded; does the kernel have ExAllocatePool2: no",
        "hello-second: unloaded",
        "hello: unloaded",
    ]


def test_only_changed_drivers_are_built_and_signed_again(new_project: NewProject) -> None:
    workspace = new_project("workspace")
    workspace.make("sign")
    signed = states(workspace)

    text = workspace.make("sign")
    assert states(workspace) == signed
    assert not re.search("Compiling|^(rename|sign): (?!.* is up to date$)", text, re.MULTILINE)

    workspace.edit("drivers/second/src/lib.rs", "unloaded", "gone")
    workspace.make("sign")
    first, second = states(workspace)
    assert first == signed[0]
    assert b"gone" in second.content

    workspace.edit("crates/kernel/src/log.rs", 'b"..."', 'b" [cut off]"')
    workspace.make("verify")
    for driver in IMAGES:
        built = output(workspace, driver)
        assert b" [cut off]" in built.read_bytes()
        assert member(workspace, driver).verifies(built)

    workspace.make("clean-driver")
    assert not any(output(workspace, driver).exists() for driver in IMAGES)


def test_profile_and_target_reach_every_driver_and_the_first_failure_ends_the_run(
    new_project: NewProject,
) -> None:
    workspace = new_project("workspace")
    arm = TRIPLES[2]
    workspace.make("--profile", "production", "-e", f"DRIVER_TARGET={arm}")
    for driver in IMAGES:
        assert output(workspace, driver, "production", arm).is_file()

    assert "is after the task `sign`" in workspace.fail("sign", "--profile", "production")

    workspace.edit("drivers/first/src/lib.rs", "Ok(())\n", "Okay(())\n")
    text = workspace.fail("build-driver")
    assert "Okay" in text
    assert "hello-second" not in text
    assert "hello-second" in member(workspace, "second").make("build-driver")


def test_plain_cargo_builds_drivers_in_the_root_for_a_target(new_project: NewProject) -> None:
    workspace = new_project("workspace")
    workspace.make("build-driver")
    linker = shutil.which("lld-link", path=workspace.env["PATH"]) or "rust-lld"
    env = {f"CARGO_TARGET_{X64.upper().replace('-', '_')}_LINKER": linker}
    made = [workspace.linked(image.replace("sys", "dll")) for image in IMAGES.values()]
    for dll in made:
        dll.unlink()
    command = ["cargo", "build", "--workspace", "--target", X64]
    done = run(command, workspace.folder, workspace.env | env)
    assert done.returncode == 0, done.stdout
    assert [Image.read(dll).subsystem for dll in made] == [NATIVE, NATIVE]
    # Only a driver is linked as one: nothing stands where the library crates would read it.
    configs = [*workspace.folder.glob(".cargo/*"), *workspace.folder.glob("drivers/*/.cargo/*")]
    assert not any("link-arg" in path.read_text(encoding="utf-8") for path in configs)


def test_a_third_driver_is_a_member(new_project: NewProject) -> None:
    workspace = new_project("workspace")
    words = ("new", "drivers/third", "--no-input", "--template", "worker")
    done = kdrvgen_process(*words, cwd=workspace.folder)
    assert done.returncode == 0, done.stderr
    makefile = workspace.folder / "Makefile.toml"
    text = makefile.read_text("utf-8")
    second = text[text.index("[tasks.second]") :]
    text = text.replace('"second"]', '"second", "third"]') + second.replace("second", "third")
    makefile.write_text(text, "utf-8")
    workspace.make("sign")
    third = member(workspace, "third")
    assert third.verifies(workspace.target / "driver/third" / X64 / "development/third.sys")
    assert not (third.folder / "target").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("bootstrap.edition=2021",),
        ("bootstrap.edition=2024", "allocator=no", "driver.entry-point=DriverEntry"),
        (
            "bootstrap.edition=2018",
            "logger=DbgPrint",
            "bootstrap.license=MIT",
            'bootstrap.authors=["A"]',
        ),
    ],
    ids=lambda words: words[0].partition("=")[2],
)
def test_rustfmt_and_clippy_accept_the_code_with_every_option(
    new_project: NewProject, words: tuple[str, ...]
) -> None:
    workspace = new_project("workspace", *words)
    assert rustfmt(workspace, edition=words[0].partition("=")[2]) == ""
    assert clippy(workspace, (X64, "i686-pc-windows-msvc"), "--workspace") == ""


@pytest.mark.parametrize("targets", [1, 3])
def test_every_task_of_the_root_exists_in_each_driver(tmp_path: Path, targets: int) -> None:
    triples = f"driver.targets={list(TRIPLES[:targets])}".replace("'", '"')
    folder = bootstrap(tmp_path, "workspace", triples)
    tasks = [
        set(tomllib.loads(path.read_text(encoding="utf-8"))["tasks"])
        for path in (folder / "Makefile.toml", *folder.glob("drivers/*/Makefile.toml"))
    ]
    root = tasks[0] - {"every-driver", "first", "second"}
    assert root >= {"default", "build-driver", "sign", "verify", "smoke", "clean-driver"}
    assert root >= {"install", "start", "stop", "uninstall"}
    assert all(root <= each for each in tasks[1:])
    assert ("sign-all" in root) == (targets > 1)


def test_the_drivers_follow_the_answers(new_project: NewProject) -> None:
    workspace = new_project("workspace", "bootstrap.version=1.2.3", name="my-own")
    for driver, name in (("first", "my-own"), ("second", "my-own-second")):
        config = (workspace.folder / f"drivers/{driver}/config.toml").read_text(encoding="utf-8")
        assert f'\nname = "{name}"\n' in config
        command = (f"drivers/{driver}/config.toml", "--check")
        assert kdrvgen_process(*command, cwd=workspace.folder).returncode == 0
    manifests = [path.read_text("utf-8") for path in workspace.folder.rglob("Cargo.toml")]
    assert any('version = "1.2.3"' in manifest for manifest in manifests)
    assert not Path(workspace.folder, "config.toml").exists()
