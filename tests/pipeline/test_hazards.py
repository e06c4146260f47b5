"""What the Makefile.toml that people copy signs wrongly, and the generated one does not."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, Project

pytestmark = pytest.mark.slow


def _deps(project: Project) -> Path:
    return project.linked("deps/hello.dll")


def test_blog_signs_the_old_code_again_after_an_edit(blog: Project) -> None:
    blog.say("first")
    blog.make("sign")
    blog.say("second")

    blog.make("sign")

    assert b"loaded first" in blog.sys.read_bytes()
    assert b"loaded second" in blog.dll.read_bytes()


def test_after_an_edit_the_new_code_is_signed(project: Project) -> None:
    project.say("first")
    project.make("sign")
    project.say("second")

    project.make("sign")

    assert b"loaded second" in project.sys.read_bytes()
    assert b"loaded first" not in project.sys.read_bytes()
    assert project.verifies()


def test_blog_signs_in_cargos_own_cached_file(blog: Project) -> None:
    blog.make("sign")

    assert blog.sys.samefile(_deps(blog))
    assert Image.read(_deps(blog)).is_signed


def test_the_image_is_no_link_to_what_cargo_keeps(project: Project) -> None:
    project.make("sign")

    assert project.sys.stat().st_nlink == 1
    assert not Image.read(_deps(project)).is_signed
    assert not Image.read(project.dll).is_signed
    assert Image.read(project.sys).is_signed


def _replace_identity(project: Project, days: tuple[int, int]) -> None:
    """Put a certificate that is valid at another time in the place of the user's."""
    comment = f"kdrvgen test certificate {project.identity.stem}"
    other = Identity.make("DriverCertificate", CODE_SIGNING, days=days, comment=comment)
    project.identity.write_bytes(other.stored())


EXPIRED = (-30, -1)
NOT_YET_VALID = (1, 30)


def test_blog_signs_by_an_expired_certificate_when_no_new_one_can_be_made(blog: Project) -> None:
    blog.make("sign")
    store = blog.home / "PrivateCertStore"
    old = Identity.make("DriverCertificate", CODE_SIGNING, days=(-30, -1))
    (store / "DriverCertificate.key").write_bytes(old.key_pem())
    (store / "DriverCertificate.crt").write_bytes(old.certificate_pem())
    (blog.folder / "DriverCertificate.cer").unlink()
    blog.shim("openssl", "echo 'no entropy' >&2; exit 1")

    blog.make("sign")

    assert Image.read(blog.sys).is_signed


@pytest.mark.parametrize("how", ["failing", "missing"])
def test_without_a_new_certificate_nothing_looks_signed(project: Project, how: str) -> None:
    project.make("sign")
    _replace_identity(project, EXPIRED)
    if how == "failing":
        project.shim("openssl", "echo 'no entropy' >&2; exit 1")
    else:
        project.hide("openssl")

    output = project.fail("sign")

    assert ("no entropy" if how == "failing" else "openssl is not installed") in output
    assert not project.sys.exists() or not Image.read(project.sys).is_signed


@pytest.mark.parametrize("how", ["failing", "missing"])
def test_a_first_run_without_a_certificate_tool_signs_nothing(
    make_project: MakeProject, new_user: Path, how: str
) -> None:
    project = make_project(home=new_user)
    if how == "failing":
        project.shim("openssl", "echo 'no entropy' >&2; exit 1")
    else:
        project.hide("openssl")

    output = project.fail("sign")

    assert ("no entropy" if how == "failing" else "openssl is not installed") in output
    assert not project.sys.exists() or not Image.read(project.sys).is_signed
    assert not project.cer.exists()
    assert not list(new_user.rglob("*.pem"))


@pytest.mark.parametrize("how", ["failing", "missing"])
def test_without_a_signing_tool_nothing_looks_signed(project: Project, how: str) -> None:
    project.make("sign")
    project.generate(CONFIG + 'digest = "sha384"\n')
    if how == "failing":
        project.shim("osslsigncode", "echo 'out of order'; exit 1")
    else:
        project.hide("osslsigncode")

    output = project.fail("sign")

    assert ("out of order" if how == "failing" else "osslsigncode is not installed") in output
    assert not Image.read(project.sys).is_signed


def test_a_signing_tool_that_leaves_half_a_file_leaves_nothing_that_looks_signed(
    project: Project,
) -> None:
    project.shim("osslsigncode", 'for last; do :; done; echo half > "$last"; exit 1')

    project.fail("sign")

    assert not Image.read(project.sys).is_signed


@pytest.mark.parametrize("days", [EXPIRED, NOT_YET_VALID], ids=["expired", "not yet valid"])
def test_a_certificate_that_is_not_valid_now_is_made_again_and_signs_again(
    project: Project, days: tuple[int, int]
) -> None:
    project.make("sign")
    before = project.sys.read_bytes()
    _replace_identity(project, days)

    output = project.make("verify")

    assert "certificate: created CN=DriverCertificate" in output
    assert project.sys.read_bytes() != before
    assert project.verifies()


def test_blog_trusts_a_committed_certificate_whose_key_is_elsewhere(blog: Project) -> None:
    other = Identity.make("DriverCertificate", CODE_SIGNING)
    (blog.folder / "DriverCertificate.cer").write_bytes(other.certificate_pem())

    blog.fail("sign")


def test_a_committed_test_certificate_whose_key_is_elsewhere_is_replaced(
    make_project: MakeProject,
) -> None:
    project = make_project(CONFIG + 'certificate-file = "keys/test.cer"\n')
    comment = "kdrvgen test certificate of another machine"
    other = Identity.make("DriverCertificate", CODE_SIGNING, comment=comment)
    exported = project.folder / "keys/test.cer"
    exported.parent.mkdir()
    exported.write_bytes(other.certificate.public_bytes(serialization.Encoding.DER))

    project.make("sign")

    project.cer.write_bytes(exported.read_bytes())
    assert project.verifies()


def test_projects_of_one_store_and_subject_share_a_certificate(
    make_project: MakeProject, new_user: Path
) -> None:
    first = make_project(name="first", home=new_user)
    second = make_project(name="second", home=new_user)
    other = make_project(CONFIG + 'store = "Another"\n', name="third", home=new_user)

    assert "certificate: created" in first.make("sign")
    assert "certificate: created" not in second.make("sign")
    exported = first.cer.read_bytes()
    assert second.cer.read_bytes() == exported
    assert "certificate: created" in other.make("sign")
    assert other.cer.read_bytes() != exported


@pytest.mark.parametrize("task", ["sign", "certificate", "clean-driver"])
def test_options_after_the_task_are_refused_and_not_ignored(project: Project, task: str) -> None:
    output = project.fail(task, "--profile", "production")

    assert f"cargo make --profile production {task}" in output
    assert not project.built
