"""No function uses much of a kernel stack, which has 24 KB on x64 and 12 KB on x86, or AVX."""

from __future__ import annotations

from pathlib import Path

import pytest

import kdrvgen
from tests.bootstrap.conftest import NewProject
from tests.bootstrap.frames import frames

pytestmark = pytest.mark.slow

LARGEST = 2048
PROFILES = ("development", "production")


def largest(image: Path) -> int:
    return max(frames(image).values())


@pytest.mark.parametrize(
    "template", ["minimal", "device", "process", "worker", "filter", "workspace"]
)
def test_no_template_has_a_large_frame_or_instructions_that_the_kernel_does_not_allow(
    new_project: NewProject, template: str
) -> None:
    project = new_project(template)

    for profile in PROFILES:
        project.make("--profile", profile, "-e", "DRIVER_TIMESTAMP_URL=", "sign")

    images = sorted((project.folder / "target/driver").rglob("*.sys"))
    assert {image.parent.name for image in images} == set(PROFILES)
    for image in images:
        assert 0 < largest(image) <= LARGEST, image
        rules = {finding.rule for finding in kdrvgen.verify(image).findings}
        assert [rule for rule in rules if rule.startswith("code-")] == [], image


def test_a_large_frame_is_found(new_project: NewProject) -> None:
    project = new_project("minimal")
    array = "core::hint::black_box([1_u8; 3000])"
    project.edit("src/lib.rs", "    Ok(())\n", f"    let _ = {array};\n    Ok(())\n")

    project.make("sign")

    assert largest(project.sys) > 3000
