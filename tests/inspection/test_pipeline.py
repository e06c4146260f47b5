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
    assert "kdrvgen verify found errors in" in said


@pytest.mark.parametrize("code", [1, 2, 7])
def test_the_task_fails_for_any_other_exit_code_and_names_it(project: Project, code: int) -> None:
    project.shim("kdrvgen", f"echo 'the reason'; exit {code}")

    output = project.fail("verify")

    assert f"kdrvgen verify ended with exit code {code}" in output
    assert "the reason" in output


def test_without_kdrvgen_the_task_verifies_the_signature_alone(project: Project) -> None:
    _ask_for_what_windows_refuses(project)
    project.hide("kdrvgen")

    assert "verify: signed by /CN=DriverCertificate" in project.make("verify")


def test_the_task_takes_a_good_image(project: Project) -> None:
    calls = project.record("kdrvgen")

    project.make("verify")

    assert "verify -q --config config.toml --profile development" in calls.read_text("utf-8")
