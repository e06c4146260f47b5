"""The template `minimal`: a driver that is built, signed, loaded, and heard."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject
from tests.bootstrap.kernel import Kernel
from tests.bootstrap.lint import clippy, rustfmt
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

MACHINES = {"x86_64": 0x8664, "i686": 0x14C, "aarch64": 0xAA64}


def test_it_is_signed_for_all_targets_and_logs_load_and_unload(
    new_project: NewProject, kernel: Kernel
) -> None:
    project = new_project("minimal")

    project.make("sign-all")

    machines = {}
    for triple in TRIPLES:
        path = project.output(target=triple)
        image = Image.read(path)
        assert image.subsystem == NATIVE
        assert project.verifies(path)
        machines[triple.partition("-")[0]] = image.machine
    assert machines == MACHINES

    before = len(kernel.lines())
    with kernel.loaded(project.sys, "hello"):
        key = r"\Registry\Machine\System\CurrentControlSet\Services\hello"
        assert kernel.lines()[before:] == [f"hello: loaded; settings in {key}"]
    assert kernel.lines()[before + 1 :] == ["hello: unloaded"]


@pytest.mark.parametrize(
    "words",
    [
        ("bootstrap.edition=2024", "allocator=yes", "driver.entry-point=DriverEntry"),
        ("bootstrap.edition=2018", "logger=DbgPrint"),
        ("bootstrap.edition=2021", "log-component=IHVNETWORK", "log-level=error"),
    ],
    ids=lambda words: words[0].partition("=")[2],
)
def test_rustfmt_and_clippy_accept_the_code_with_every_option(
    new_project: NewProject, words: tuple[str, ...]
) -> None:
    project = new_project("minimal", *words)

    assert rustfmt(project, edition=words[0].partition("=")[2]) == ""
    assert clippy(project, TRIPLES) == ""


@pytest.mark.parametrize(
    ("words", "filed"),
    [
        # Wine shows the bit of the level in a filter. Windows files DbgPrint in this way.
        (("log-component=IHVBUS", "log-level=error"), ("00000052:00000001", "hello: unloaded")),
        (("logger=DbgPrint",), ("00000065:00000008", "hello: unloaded")),
    ],
    ids=["DbgPrintEx", "DbgPrint"],
)
def test_the_log_goes_through_the_logger_that_was_chosen(
    new_project: NewProject, kernel: Kernel, words: tuple[str, ...], filed: tuple[str, str]
) -> None:
    project = new_project("minimal", *words)
    project.make("sign")

    with kernel.loaded(project.sys, "hello"):
        pass

    assert kernel.filed_lines()[-1] == filed


def test_an_optimised_driver_with_another_entry_point_and_an_allocator_loads(
    new_project: NewProject, kernel: Kernel
) -> None:
    project = new_project("minimal", "allocator=yes", "driver.entry-point=DriverEntry", name="my-d")
    project.make("--profile", "production", "sign-all")

    with kernel.loaded(project.output("my_d.sys", "production"), "my-d"):
        pass

    assert kernel.lines()[-1] == "my-d: unloaded"


def test_settings_of_the_package_are_in_the_manifest(new_project: NewProject) -> None:
    description = 'Says "\\n" to {{ all }}'
    project = new_project(
        "minimal",
        f"bootstrap.description={description}",
        "bootstrap.license=MIT OR Apache-2.0",
        "bootstrap.version=1.2.3-beta.1",
        'bootstrap.authors=["Zoë <zoe@example.org>"]',
        "bootstrap.edition=2024",
    )

    package = _manifest(project)["package"]

    assert package == {
        "name": "hello",
        "version": "1.2.3-beta.1",
        "authors": ["Zoë <zoe@example.org>"],
        "edition": "2024",
        "rust-version": "1.85",
        "description": description,
        "license": "MIT OR Apache-2.0",
        "publish": False,
    }


def test_unset_settings_of_the_package_are_not_in_the_manifest(
    new_project: NewProject,
) -> None:
    package = _manifest(new_project("minimal"))["package"]

    assert not {"description", "license", "authors"} & set(package)


def test_both_cargo_profiles_abort_on_a_panic(new_project: NewProject) -> None:
    profiles = _manifest(new_project("minimal"))["profile"]

    panics = {name: each["panic"] for name, each in profiles.items()}
    assert panics == {"dev": "abort", "release": "abort"}


def _manifest(project: Project) -> dict[str, Any]:
    return tomllib.loads((project.folder / "Cargo.toml").read_text(encoding="utf-8"))
