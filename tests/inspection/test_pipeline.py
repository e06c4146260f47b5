"""The pipeline's own task `verify` asks kdrvgen where it is installed."""

from __future__ import annotations

import pytest

from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

ODD = '\n[linker]\nargs = ["/ALIGN:512"]\n'


def _ask_for_what_windows_refuses(project: Project) -> None:
    config = (project.folder / "config.toml").read_text(encoding="utf-8")
    project.generate(config + ODD)


def test_the_task_fails_for_an_image_that_windows_would_refuse(project: Project) -> None:
    _ask_for_what_windows_refuses(project)

    said = project.fail("verify")

    assert "[image-section-alignment]" in said
    assert "not what Windows wants of a driver" in said


@pytest.mark.parametrize("code", [2, 7])
def test_without_kdrvgen_or_its_extra_the_task_verifies_the_signature_alone(
    project: Project, code: int
) -> None:
    _ask_for_what_windows_refuses(project)
    project.shim("kdrvgen", f"exit {code}")

    assert "verify: signature ok" in project.make("verify")


def test_the_task_takes_a_good_image(project: Project) -> None:
    calls = project.record("kdrvgen")

    project.make("verify")

    assert "verify -q --config config.toml --profile development" in calls.read_text("utf-8")
