"""Signing by a certificate of one's own, in a PKCS #12 file with a password."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, Project, need, run

pytestmark = pytest.mark.slow

PASSWORDS = [
    "correct-horse",
    " two words ",
    "qu'o\"te`s",
    "$HOME ${HOME} $(id) %PATH%",
    "pässwörd ключ",
    "-readpass \\n %s",
]
SECRET = "battery staple"
OWN = CONFIG + 'mode = "certificate"\npfx = "my own.pfx"\n'
WITH_PASSWORD = OWN + 'pfx-password-env = "MY_PASSWORD"\n'


def _project(make_project: MakeProject, password: str, config: str = WITH_PASSWORD) -> Project:
    project = make_project(config)
    own = Identity.make("My Company", CODE_SIGNING)
    (project.folder / "my own.pfx").write_bytes(own.pfx(password))
    (project.home / "own.pem").write_bytes(own.certificate_pem())
    return project


def _is_signed_by_own(project: Project) -> bool:
    argv: list[str | Path] = [
        "osslsigncode",
        "verify",
        "-CAfile",
        project.home / "own.pem",
        "-in",
        project.sys,
    ]
    return run(argv, project.home).returncode == 0


@pytest.mark.parametrize("password", PASSWORDS)
def test_it_signs_and_the_password_is_nowhere(make_project: MakeProject, password: str) -> None:
    project = _project(make_project, password)
    calls = [project.record(name) for name in ("osslsigncode", "printenv", "cargo")]

    output = project.make("-v", "sign", MY_PASSWORD=password)

    assert _is_signed_by_own(project)
    assert password not in output
    assert all(password not in path.read_text(encoding="utf-8") for path in calls)
    secret = password.encode()
    found = [
        path
        for root in (project.folder, project.home)
        for path in root.rglob("*")
        if path.is_file() and secret in path.read_bytes() and path.suffix not in {".rs", ".rmeta"}
    ]
    assert not found


def test_the_password_is_in_no_argument_of_any_process(
    make_project: MakeProject, tmp_path: Path
) -> None:
    need("strace")
    project = _project(make_project, "correct horse battery")
    trace = tmp_path / "trace"
    argv = ["strace", "-f", "-s", "100000", "-e", "trace=execve", "-o", str(trace)]

    done = run(
        [*argv, *project.command("sign")],
        project.folder,
        project.env | {"MY_PASSWORD": "correct horse battery"},
    )

    assert done.returncode == 0, done.stdout
    assert _is_signed_by_own(project)
    calls = trace.read_text(encoding="utf-8", errors="replace")
    assert "osslsigncode" in calls
    assert "correct horse" not in calls


def test_a_file_without_a_password_signs(make_project: MakeProject) -> None:
    project = _project(make_project, "", OWN)

    project.make("sign")

    assert _is_signed_by_own(project)


def test_a_variable_that_is_not_set_is_named(make_project: MakeProject) -> None:
    project = _project(make_project, SECRET)

    output = project.fail("sign")

    assert "signing.pfx-password-env: the environment variable MY_PASSWORD is not set" in output
    assert not Image.read(project.sys).is_signed


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_signs_nothing(make_project: MakeProject, password: str) -> None:
    project = _project(make_project, SECRET)

    output = project.fail("sign", MY_PASSWORD=password)

    assert "osslsigncode did not sign" in output
    assert not Image.read(project.sys).is_signed


def test_a_missing_password_is_an_error_and_not_a_prompt(
    make_project: MakeProject,
) -> None:
    project = _project(make_project, SECRET, OWN)

    assert "osslsigncode did not sign" in project.fail("sign")
    assert not Image.read(project.sys).is_signed


def test_a_file_that_is_not_there_is_named(make_project: MakeProject) -> None:
    project = _project(make_project, SECRET)
    project.make("sign", MY_PASSWORD=SECRET)
    (project.folder / "my own.pfx").unlink()

    output = project.fail("sign", MY_PASSWORD=SECRET)

    assert f"signing.pfx: {project.folder}/my own.pfx does not exist" in output
    assert not Image.read(project.sys).is_signed


def test_another_certificate_in_the_file_signs_again(make_project: MakeProject) -> None:
    project = _project(make_project, SECRET)
    project.make("sign", MY_PASSWORD=SECRET)
    assert _is_signed_by_own(project)
    other = Identity.make("My Company", CODE_SIGNING)
    (project.folder / "my own.pfx").write_bytes(other.pfx(SECRET))
    (project.home / "own.pem").write_bytes(other.certificate_pem())

    project.make("sign", MY_PASSWORD=SECRET)

    assert _is_signed_by_own(project)


def test_nothing_to_sign_needs_no_password(make_project: MakeProject) -> None:
    project = _project(make_project, SECRET)
    project.make("sign", MY_PASSWORD=SECRET)

    project.make("sign")

    assert _is_signed_by_own(project)


def test_a_certificate_in_a_store_of_windows_is_out_of_reach_here(
    make_project: MakeProject,
) -> None:
    project = make_project()
    project.make("sign")
    project.generate(CONFIG + 'mode = "certificate"\n')

    output = project.fail("sign")

    assert "osslsigncode needs the certificate and its key in a file" in output
    assert "signing.pfx" in output
    assert not Image.read(project.sys).is_signed


def test_signtool_is_refused_on_this_host(make_project: MakeProject) -> None:
    project = make_project(CONFIG + 'tool = "signtool"\n')

    assert 'signing.tool is "signtool", which exists only on Windows' in project.fail("sign")
    assert not Image.read(project.sys).is_signed


def test_a_file_in_another_folder_signs(make_project: MakeProject, tmp_path: Path) -> None:
    project = _project(make_project, SECRET)
    shutil.move(project.folder / "my own.pfx", tmp_path / "it's mine & yours.pfx")
    project.generate(
        CONFIG + f'mode = "certificate"\npfx = "{tmp_path}/it\'s mine & yours.pfx"\n'
        'pfx-password-env = "MY_PASSWORD"\n'
    )

    project.make("sign", MY_PASSWORD=SECRET)

    assert _is_signed_by_own(project)


def test_the_password_reaches_the_tool_without_a_line_end(make_project: MakeProject) -> None:
    """Version 2.1 of osslsigncode would add a line break to the password (its issue 78)."""
    project = _project(make_project, SECRET)
    seen = project.home / "seen"
    project.shim(
        "osslsigncode",
        f"case \"$*\" in *-readpass*) tee '{seen}' |"
        ' PATH="${PATH#*:}" osslsigncode "$@" ;;'
        ' *) PATH="${PATH#*:}" exec osslsigncode "$@" ;; esac',
    )

    project.make("sign", MY_PASSWORD=SECRET)

    assert seen.read_bytes() == SECRET.encode()
    assert _is_signed_by_own(project)


def test_a_signature_by_a_certificate_of_an_unknown_issuer_is_made_and_does_not_verify(
    make_project: MakeProject,
) -> None:
    project = make_project(WITH_PASSWORD)
    root = Identity.make("Root", CODE_SIGNING)
    own = Identity.make("My Company", CODE_SIGNING, root)
    (project.folder / "my own.pfx").write_bytes(own.pfx(SECRET))

    project.make("sign", MY_PASSWORD=SECRET)
    assert Image.read(project.sys).is_signed
    assert "hello.sys is invalid" in project.fail("verify", MY_PASSWORD=SECRET)

    (project.folder / "root.pem").write_bytes(root.certificate_pem())
    project.generate(WITH_PASSWORD + 'additional-certificates = ["root.pem"]\n')
    project.make("verify", MY_PASSWORD=SECRET)


def test_a_tool_that_signs_another_image_is_found_out(make_project: MakeProject) -> None:
    project = make_project()
    project.make("sign")
    foreign = project.home / "foreign.sys"
    foreign.write_bytes(project.sys.read_bytes())
    project.say("other")
    project.shim("osslsigncode", f"for last; do :; done; cp '{foreign}' \"$last\"")

    output = project.fail("sign")

    assert "changed more than the signature" in output
    assert not Image.read(project.sys).is_signed


def test_a_signature_of_another_image_is_found_out(make_project: MakeProject) -> None:
    """The signature of one image, put behind another one with the checksum right."""
    project = make_project()
    project.make("sign")
    project.say("other")
    project.make("build-driver")
    forged = project.home / "forged.sys"
    forged.write_bytes(Image.read(project.dll).with_signature_of(Image.read(project.sys)))
    project.shim("osslsigncode", f"for last; do :; done; cp '{forged}' \"$last\"")

    output = project.fail("sign")

    assert "the signature does not match this image" in output
    assert not Image.read(project.sys).is_signed


def test_a_signature_by_another_key_than_the_test_certificates_is_found_out(
    make_project: MakeProject,
) -> None:
    project = make_project()
    other = Identity.make("DriverCertificate", CODE_SIGNING)
    pem = project.home / "other.pem"
    pem.write_bytes(other.key_pem() + other.certificate_pem())
    real = shutil.which("osslsigncode", path=project.env["PATH"])
    project.shim(
        "osslsigncode",
        'while [ "$1" != -in ]; do shift; done\n'
        f"exec '{real}' sign -h sha256 -certs '{pem}' -key '{pem}' \"$@\"",
    )

    output = project.fail("sign")

    assert "the signature was not made with the test certificate" in output
    assert not Image.read(project.sys).is_signed


def _with_other_value(table: bytes) -> bytes:
    """Change the last byte of the signature's value, which ends the table but for its padding."""
    end = len(table.rstrip(b"\0"))
    return table[: end - 1] + bytes([table[end - 1] ^ 1]) + table[end:]


def _with_other_content(table: bytes) -> bytes:
    """Change what the signature is of, beside the digest of the image."""
    text = "Obsolete".encode("utf-16-be")
    assert table.count(text) == 1
    return table.replace(text, "Absolute".encode("utf-16-be"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_with_other_value, "the signature was not made with the key of its certificate"),
        (_with_other_content, "the signature does not match its own content"),
    ],
)
def test_a_signature_that_is_damaged_is_found_out(
    project: Project, change: Callable[[bytes], bytes], message: str
) -> None:
    project.make("sign")
    image = Image.read(project.sys)
    offset, _ = image.signature
    damaged = Image(image.data[:offset] + change(image.data[offset:]), image.header)
    forged = project.home / "forged.sys"
    forged.write_bytes(Image.read(project.dll).with_signature_of(damaged))
    (project.state() / "signed").unlink()
    project.shim("osslsigncode", f"for last; do :; done; cp '{forged}' \"$last\"")

    output = project.fail("sign")

    assert message in output
    assert not Image.read(project.sys).is_signed
