"""What `cargo make sign` does again, and what it leaves alone."""

import os
from collections.abc import Callable

import pytest

from tests.pipeline.authority import Authority
from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, Project, State

pytestmark = pytest.mark.slow


def test_a_second_run_neither_compiles_nor_links_nor_signs(project: Project) -> None:
    project.make("sign")
    files = (project.dll, project.sys, project.cer, project.identity)
    before = [State.of(path) for path in files]
    calls = [project.record(program) for program in ("osslsigncode", "openssl")]

    output = project.make("sign")

    assert "Compiling" not in output
    assert [State.of(path) for path in files] == before
    assert [path.read_text(encoding="utf-8") for path in calls] == ["", ""]


def test_generating_again_and_another_length_of_validity_sign_nothing(project: Project) -> None:
    project.make("sign")
    before = [State.of(project.dll), State.of(project.sys)]

    project.generate()
    project.make("sign")
    project.generate(CONFIG + "validity-days = 30\n")
    project.make("sign")

    assert [State.of(project.dll), State.of(project.sys)] == before


def test_a_source_that_was_only_touched_is_signed_again_only_if_its_image_differs(
    make_project: MakeProject,
) -> None:
    project = make_project()
    project.make("sign")
    os.utime(project.folder / "src/lib.rs")
    assert "Compiling" in project.make("sign")
    assert project.verifies()

    project.generate(CONFIG + "[linker]\nreproducible = true\n")
    project.make("sign")
    before = State.of(project.sys)
    os.utime(project.folder / "src/lib.rs")
    assert "Compiling" in project.make("sign")
    assert State.of(project.sys) == before


SIGNING = {
    "digest": 'digest = "sha384"\n',
    "page-hashes": "page-hashes = true\n",
    "subject": 'subject = "Another"\n',
    "store": 'store = "Another"\n',
    "machine-store": "machine-store = true\n",
    "additional-certificates": 'additional-certificates = ["other.pem"]\n',
}


@pytest.mark.parametrize("key", SIGNING)
def test_a_changed_signing_key_signs_again_and_does_not_link(project: Project, key: str) -> None:
    project.make("sign")
    pem = project.identity.read_text(encoding="utf-8")
    certificate = pem[pem.index("-----BEGIN CERTIFICATE") :]
    (project.folder / "other.pem").write_text(certificate, encoding="utf-8")
    dll, image = State.of(project.dll), State.of(project.sys)

    project.generate(CONFIG + SIGNING[key])
    output = project.make("sign")

    assert "Compiling" not in output
    assert State.of(project.dll) == dll
    assert State.of(project.sys) != image
    report = project.verify()
    assert report.returncode == 0, report.stdout
    if key == "digest":
        assert "SHA384" in report.stdout
    if key == "page-hashes":
        assert "Page hash" in report.stdout
    if key == "subject":
        assert "CN=Another" in report.stdout

    again = State.of(project.sys)
    project.make("sign")
    assert State.of(project.sys) == again

    project.generate(CONFIG)
    project.make("sign")
    assert State.of(project.sys) != again
    assert project.verifies()


def test_a_changed_timestamp_address_signs_again(project: Project, authority: Authority) -> None:
    project.make("sign")
    before = State.of(project.sys)

    project.make("-e", f"DRIVER_TIMESTAMP_URL={authority.url}", "sign")

    assert State.of(project.sys) != before
    assert (
        "Timestamp Server Signature verification: ok"
        in project.verify(None, "-TSA-CAfile", authority.roots).stdout
    )


def test_another_timestamp_protocol_signs_again(
    make_project: MakeProject, authority: Authority
) -> None:
    config = CONFIG.replace('""', f'"{authority.url}"')
    project = make_project(config)
    project.make("sign")
    before = State.of(project.sys)

    project.generate(config + 'timestamp-protocol = "authenticode"\n')
    project.make("sign")

    assert State.of(project.sys) != before


def test_an_additional_certificate_with_other_content_signs_again(project: Project) -> None:
    project.make("sign")
    pem = project.identity.read_text(encoding="utf-8")
    other = project.folder / "my other.pem"
    other.write_text(pem[pem.index("-----BEGIN CERTIFICATE") :], encoding="utf-8")
    project.generate(CONFIG + 'additional-certificates = ["my other.pem"]\n')
    project.make("sign")
    before = State.of(project.sys)
    other.write_text(pem[pem.index("-----BEGIN CERTIFICATE") :] * 2, encoding="utf-8")

    project.make("sign")

    assert State.of(project.sys) != before


def test_a_certificate_of_the_same_second_under_another_subject_is_another_one(
    project: Project,
) -> None:
    project.make("sign")
    project.generate(CONFIG + 'subject = "Another"\n')
    project.make("sign")

    first, second = sorted(project.certificates.glob("*.pem"))

    assert first.read_bytes() != second.read_bytes()


def test_an_additional_certificate_that_is_not_there_is_named(project: Project) -> None:
    project.make("sign")
    project.generate(CONFIG + 'additional-certificates = ["my other.pem"]\n')

    output = project.fail("sign")

    assert (
        f"signing.additional-certificates: {project.folder}/my other.pem does not exist" in output
    )
    assert not Image.read(project.sys).is_signed


def _append(project: Project) -> None:
    with project.sys.open("ab") as image:
        image.write(b"tampered")


def _flip(project: Project) -> None:
    data = bytearray(project.sys.read_bytes())
    data[len(data) // 2] ^= 0xFF
    project.sys.write_bytes(data)


def _strip(project: Project) -> None:
    project.sys.write_bytes(project.dll.read_bytes())


def _link(project: Project) -> None:
    project.sys.unlink()
    project.sys.hardlink_to(project.dll)


@pytest.mark.parametrize(
    "spoil",
    [_append, _flip, _strip, _link, lambda project: project.sys.unlink()],
    ids=["longer", "flipped", "unsigned", "linked to cargo's file", "deleted"],
)
def test_an_image_that_was_spoilt_is_made_good(
    project: Project, spoil: Callable[[Project], None]
) -> None:
    project.make("sign")
    dll = State.of(project.dll)
    spoil(project)

    project.make("sign")

    assert project.verifies()
    assert State.of(project.dll) == dll
    assert not project.sys.samefile(project.dll)


@pytest.mark.parametrize("what", ["signed", "lock", "build-*"])
def test_any_file_of_the_pipelines_own_may_be_lost(project: Project, what: str) -> None:
    project.make("sign")
    for path in project.state().glob(what):
        path.unlink()

    project.make("verify")

    assert project.verifies()


def test_going_back_and_forth_between_sources_signs_what_is_there(project: Project) -> None:
    for word in ("one", "two", "one", "two"):
        project.say(word)
        project.make("sign")
        image = project.sys.read_bytes()
        assert f"loaded {word}".encode() in image
        assert f"loaded {'two' if word == 'one' else 'one'}".encode() not in image
        assert project.verifies()


def test_going_back_and_forth_between_features_signs_what_is_there(project: Project) -> None:
    project.edit("src/lib.rs", 'log!("unloaded")', 'log!("{}", WORD)')
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write('const WORD: &str = if cfg!(feature = "loud") { "LOUD" } else { "QUIET" };\n')
    project.edit("Cargo.toml", "[lib]", "[features]\nloud = []\ndefault = []\n[lib]")

    for old, new, word in (
        ("default = []", "default = []", b"QUIET"),
        ("default = []", 'default = ["loud"]', b"LOUD"),
        ('default = ["loud"]', "default = []", b"QUIET"),
    ):
        project.edit("Cargo.toml", old, new)
        project.make("sign")
        assert word in project.sys.read_bytes()
        assert project.verifies()


def test_two_profiles_that_share_cargos_profile_sign_each_by_its_own_settings(
    make_project: MakeProject,
) -> None:
    project = make_project(
        CONFIG
        + '[profiles.lab]\ncargo-profile = "dev"\nsigning.digest = "sha512"\n'
        + 'signing.subject = "Lab"\n'
    )

    for profile, subject in (("development", "DriverCertificate"), ("lab", "Lab")) * 2:
        project.make("--profile", profile, "sign")
        report = project.verify(project.output(profile=profile))
        assert report.returncode == 0, report.stdout
        assert f"CN={subject}" in report.stdout
        assert ("SHA512" in report.stdout) == (profile == "lab")


def test_after_signing_mode_off_leaves_an_image_without_a_signature(project: Project) -> None:
    project.make("sign")
    project.generate(CONFIG + 'mode = "off"\n')

    output = project.make("sign")

    assert "signing.mode is off" in output
    assert not Image.read(project.sys).is_signed
    assert project.sys.read_bytes() == project.dll.read_bytes()
    assert "is not signed" in project.fail("verify")

    project.generate(CONFIG)
    project.make("sign")
    assert project.verifies()


def test_a_build_without_a_pdb_leaves_none_of_an_older_image(project: Project) -> None:
    project.make("sign")
    assert project.output("hello.pdb").exists()

    project.generate(CONFIG + "[linker]\nreproducible = true\n")
    project.make("sign")

    assert not project.output("hello.pdb").exists()
