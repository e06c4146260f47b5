"""The version resource is in the signed image."""

from __future__ import annotations

from pathlib import Path

import lief
import pytest

from tests.pipeline.conftest import TARGETS, MakeProject
from tests.pipeline.support import CONFIG, Project

pytestmark = pytest.mark.slow

_LIST = ", ".join(f'"{target}"' for target in TARGETS)
WITH = CONFIG.replace(
    'name = "hello"',
    f"""name = "hello"
targets = [{_LIST}]
[driver.version-info]
company = "Jürgen 'J' 😀"
copyright = "© Ex"
""",
)


def texts(image: Path) -> dict[str, str]:
    """Return the texts of the version resource of an image."""
    found = lief.PE.parse(str(image))
    assert found
    manager = found.resources_manager
    assert isinstance(manager, lief.PE.ResourcesManager)
    (version,) = manager.version
    info = version.string_file_info
    assert info
    (table,) = info.children
    return {str(entry.key): str(entry.value) for entry in table.entries}


@pytest.mark.parametrize("linker", ["rust-lld", "lld-link"])
def test_every_target_has_the_resource(make_project: MakeProject, linker: str) -> None:
    project = make_project(f'{WITH}[linker]\nprogram = "{linker}"\n')
    project.edit("Cargo.toml", 'version = "0.1.0"', 'version = "1.2.3"')

    project.make("sign-all")

    for target in TARGETS:
        image = project.output(target=target)
        found = texts(image)
        assert found["CompanyName"] == "Jürgen 'J' 😀"
        assert found["FileVersion"] == "1.2.3.0"
        assert found["LegalCopyright"] == "© Ex"
        assert found["OriginalFilename"] == "hello.sys"
        assert project.verifies(image)


def test_the_resource_follows_cargo_toml_and_config_toml(make_project: MakeProject) -> None:
    project = make_project(WITH)
    project.make("sign")
    first = texts(project.sys)

    project.edit("Cargo.toml", "A kernel driver that logs", "Logs")
    project.make("sign")
    second = texts(project.sys)
    project.edit("Cargo.toml", 'version = "0.1.0"', 'version = "1.2.4"')
    project.generate(WITH.replace("© Ex", "© New"))
    project.make("sign")

    found = texts(project.sys)
    assert first["FileDescription"] == "A kernel driver that logs that it was loaded"
    assert second["FileDescription"] == found["FileDescription"] == "Logs that it was loaded"
    assert (first["FileVersion"], found["FileVersion"]) == ("0.1.0.0", "1.2.4.0")
    assert found["LegalCopyright"] == "© New"


def test_a_reproducible_image_stays_one(make_project: MakeProject, tmp_path: Path) -> None:
    config = f"{WITH}\n[linker]\nreproducible = true\n"
    images = []
    for name in ("one", "another"):
        project = make_project(config, name)
        project.make("build-driver")
        images.append(project.dll.read_bytes())
    assert images[0] == images[1]
    assert str(tmp_path).encode() not in images[0]


def test_a_program_and_its_tests_of_the_host_are_not_linked_with_it(
    make_project: MakeProject,
) -> None:
    project: Project = make_project(f'{WITH}[linker]\nemit = "build-script"\n')
    (project.folder / "src/bin").mkdir()
    (project.folder / "src/bin/tool.rs").write_text("fn main() {}\n", "utf-8")
    project.make("build-driver")
    assert texts(project.dll)["OriginalFilename"] == "hello.sys"
