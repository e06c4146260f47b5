"""The task `verify` of the pipeline runs `kdrvgen verify` if it is installed."""

from __future__ import annotations

import pytest

from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

ODD = '\n[linker]\nargs = ["/ALIGN:512"]\n'


def _configure_an_image_that_windows_refuses(project: Project) -> None:
    config = (project.folder / "config.toml").read_text(encoding="utf-8")
    project.generate(config + ODD)


def test_the_task_fails_for_an_image_that_windows_would_refuse(project: Project) -> None:
    _configure_an_image_that_windows_refuses(project)

    output = project.fail("verify")

    assert "[image-section-alignment]" in output
    assert "kdrvgen verify found errors in" in output


@pytest.mark.parametrize("code", [1, 2, 7])
def test_the_task_fails_for_any_other_exit_code_and_prints_it(project: Project, code: int) -> None:
    project.shim("kdrvgen", f"echo 'the reason'; exit {code}")

    output = project.fail("verify")

    assert f"kdrvgen verify ended with exit code {code}" in output
    assert "the reason" in output


def test_without_kdrvgen_the_task_verifies_only_the_signature(project: Project) -> None:
    _configure_an_image_that_windows_refuses(project)
    project.hide("kdrvgen")

    assert "verify: signed by /CN=DriverCertificate" in project.make("verify")


def test_the_task_accepts_a_good_image(project: Project) -> None:
    calls = project.record("kdrvgen")

    project.make("verify")

    assert "verify -q --config config.toml --profile development" in calls.read_text("utf-8")
