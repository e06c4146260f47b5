"""The test certificate's removal on hosts without certificate stores."""

import os

import pytest
from cryptography.hazmat.primitives import serialization

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, Project

pytestmark = pytest.mark.slow


def test_cleaning_takes_key_certificate_and_exported_file_and_no_other(project: Project) -> None:
    project.make("certificate")
    other = project.certificates / "other-0123456789ab.pem"
    other.write_text("another project's", encoding="utf-8")
    exported = project.cer
    assert exported.exists()

    assert "clean-cert: removed" in project.make("clean-cert")

    assert list(project.certificates.iterdir()) == [other]
    assert not exported.exists()
    assert "removed" not in project.make("clean-cert")


def test_cleaning_leaves_a_file_that_is_another_certificates(project: Project) -> None:
    project.make("certificate")
    exported = project.cer
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

    output = project.make("--profile", "production", "clean-cert")

    assert "no test certificate" in output
    assert sorted(project.certificates.iterdir()) == before
    assert "is after the task `clean-cert`" in project.fail("clean-cert", "--profile", "production")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_use_is_refused(project: Project, mode: int) -> None:
    project.identity.chmod(mode)

    output = project.fail("certificate")

    assert "other users can read" in output
    assert f"chmod 600 '{project.identity}'" in output


def test_a_key_in_a_folder_that_others_can_write_to_is_refused(project: Project) -> None:
    project.certificates.chmod(0o777)

    assert "other users can write to" in project.fail("certificate")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away"
)
def test_a_key_of_another_user_is_refused(project: Project) -> None:
    os.chown(project.identity, 12345, 12345)

    assert "belongs to another user" in project.fail("certificate")


def test_a_key_that_is_a_link_is_refused(project: Project) -> None:
    identity = project.identity
    elsewhere = project.home / "elsewhere.pem"
    identity.rename(elsewhere)
    identity.symlink_to(elsewhere)

    assert "is not a regular file" in project.fail("certificate")


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_damaged_identity_is_made_anew(project: Project, content: bytes) -> None:
    project.identity.write_bytes(content)

    assert "certificate: created CN=DriverCertificate" in project.make("verify")


def test_one_wrong_character_in_the_key_is_enough_to_make_it_anew(project: Project) -> None:
    lines = project.identity.read_text(encoding="ascii").splitlines(keepends=True)
    lines[5] = lines[5].swapcase()
    project.identity.write_text("".join(lines), encoding="ascii")

    assert "certificate: created CN=DriverCertificate" in project.make("sign")
    assert project.verifies()


def test_an_identity_that_bears_the_right_mark_is_used(project: Project) -> None:
    comment = f"kdrvgen test certificate {project.identity.stem}"
    own = Identity.make("DriverCertificate", CODE_SIGNING, comment=comment)
    project.identity.write_bytes(own.stored())

    assert "certificate: created" not in project.make("sign")
    assert project.cer.read_bytes() == own.certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    "comment", ["", "a comment", "kdrvgen test certificate other-0123456789ab"]
)
def test_a_certificate_that_was_not_made_for_this_store_and_subject_does_not_sign(
    project: Project, comment: str
) -> None:
    foreign = Identity.make("DriverCertificate", CODE_SIGNING, comment=comment)
    project.identity.write_bytes(foreign.stored())

    assert "certificate: created CN=DriverCertificate" in project.make("sign")
    assert project.verifies()
    der = foreign.certificate.public_bytes(serialization.Encoding.DER)
    assert project.cer.read_bytes() != der


def test_a_relative_xdg_data_home_is_ignored(project: Project) -> None:
    project.make("certificate", XDG_DATA_HOME="share")

    assert not (project.folder / "share").exists()
    assert list((project.home / ".local/share/kdrvgen/certificates").glob("*.pem"))


def test_a_missing_home_is_named(project: Project) -> None:
    del project.env["HOME"], project.env["XDG_DATA_HOME"]

    output = project.fail("certificate")

    assert "HOME is not set" in output
    assert "XDG_DATA_HOME" in output


EXPORT = CONFIG + 'certificate-file = "keys/test.cer"\n'


@pytest.mark.parametrize("content", [b"my notes", b"foreign certificate"])
def test_the_export_overwrites_no_file_of_the_users(
    make_project: MakeProject, content: bytes
) -> None:
    project = make_project(EXPORT)
    if content == b"foreign certificate":
        foreign = Identity.make("DriverCertificate", CODE_SIGNING).certificate
        content = foreign.public_bytes(serialization.Encoding.DER)
    exported = project.folder / "keys/test.cer"
    exported.parent.mkdir()
    exported.write_bytes(content)

    output = project.fail("sign")

    assert f"{exported} is not a test certificate that kdrvgen made" in output
    assert exported.read_bytes() == content


def test_the_export_leaves_the_project_through_no_link(make_project: MakeProject) -> None:
    project = make_project(EXPORT)
    outside = project.home / "outside"
    outside.mkdir()
    (project.folder / "keys").symlink_to(outside)

    assert "leads out of the project" in project.fail("sign")
    assert not list(outside.iterdir())


def test_the_export_replaces_no_link(make_project: MakeProject) -> None:
    project = make_project(EXPORT)
    outside = project.home / "outside.cer"
    (project.folder / "keys").mkdir()
    (project.folder / "keys/test.cer").symlink_to(outside)

    assert "is not a test certificate" in project.fail("sign")
    assert not outside.exists()


def test_an_export_that_fails_is_a_failure(make_project: MakeProject) -> None:
    project = make_project(EXPORT)
    (project.folder / "keys").write_text("a file", encoding="utf-8")

    output = project.fail("sign")

    assert "a file has the name of this folder" in output
