"""The task verify asks kdrvgen, where it is installed, and believes only exit code 0."""

from __future__ import annotations

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def signed(make_project: MakeProject) -> Project:
    project = make_project()
    project.make("sign")
    return project


def test_verify_fails_with_every_exit_code_of_kdrvgen_that_is_not_0(signed: Project) -> None:
    for code in (*range(1, 9), 64, 126, 127, 255):
        signed.shim("kdrvgen", f"echo says $1; exit {code}")

        output = signed.fail("verify")

        assert f"exit code {code}" in output, code
        assert "says verify" in output, code
    signed.shim("kdrvgen", "exit 0")
    assert "verify: " in signed.make("verify")


def test_verify_fails_if_kdrvgen_is_killed_or_cannot_start(signed: Project) -> None:
    signed.shim("kdrvgen", "kill -9 $$")
    assert "kdrvgen verify ended with a signal" in signed.fail("verify")

    (signed.home / "shims/kdrvgen").write_text("#!/no/such/interpreter\n", encoding="utf-8")
    assert "cannot run" in signed.fail("verify")


def test_verify_passes_the_image_its_configuration_and_the_profile(signed: Project) -> None:
    signed.shim("kdrvgen", f'echo "$@" > {signed.home}/called')

    signed.make("verify")

    called = (signed.home / "called").read_text("utf-8").strip()
    assert called == f"verify -q --config config.toml --profile development {signed.sys}"
