"""The test certificate's removal on hosts without certificate stores."""

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, Project

pytestmark = pytest.mark.slow


def test_cleaning_takes_key_certificate_and_exported_file_and_no_other(project: Project) -> None:
    project.make("certificate")
    other = project.certificates / "other-0123456789ab.pem"
    other.write_text("another project's", encoding="utf-8")
    exported = project.folder / "DriverCertificate.cer"
    assert exported.exists()

    assert "clean-cert: removed" in project.make("clean-cert")

    assert list(project.certificates.iterdir()) == [other]
    assert not exported.exists()
    assert "removed" not in project.make("clean-cert")


def test_cleaning_leaves_a_file_that_is_another_certificates(project: Project) -> None:
    project.make("certificate")
    exported = project.folder / "DriverCertificate.cer"
    exported.write_bytes(b"another")

    project.make("clean-cert")

    assert exported.read_bytes() == b"another"


def test_an_image_signed_by_a_certificate_that_was_removed_is_signed_anew(
    project: Project,
) -> None:
    project.make("sign")
    before = project.sys.read_bytes()

    project.make("clean-cert")
    project.make("sign")

    assert project.sys.read_bytes() != before
    assert project.verifies()


def test_a_profile_signed_by_ones_own_certificate_has_none_to_clean(
    make_project: MakeProject,
) -> None:
    project = make_project(CONFIG + '[profiles.production]\nsigning.mode = "certificate"\n')
    project.make("certificate")
    before = sorted(project.certificates.iterdir())

    said = project.make("--profile", "production", "clean-cert")

    assert "no certificate of kdrvgen's" in said
    assert sorted(project.certificates.iterdir()) == before
    assert "options before the task" in project.fail("clean-cert", "--profile", "production")
