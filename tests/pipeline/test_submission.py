"""`cargo make submission`: a signed cabinet with the package, or the old one."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from kdrvgen.packaging.cabinet import read_cabinet
from tests.pipeline.authority import CODE_SIGNING, Authority, Identity
from tests.pipeline.conftest import TARGETS, MakeProject
from tests.pipeline.support import X64, Project, Stall, State, run
from tests.pipeline.test_package import PACKAGE, break_signing, install_kdrvgen
from tests.tools import need

pytestmark = pytest.mark.slow

SUBMISSION = f'{PACKAGE}[package.submission]\nname = "Hello"\n'
NAMES = ["hello.cab", "product.json", "submission.json"]
PACKED = ["hello.cat", "hello.inf", "hello.pdb", "hello.sys"]


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """A project with a submission, which is not made yet."""
    project = make_project(SUBMISSION)
    install_kdrvgen(project)
    return project


def folder(project: Project, target: str = X64) -> Path:
    return project.output("submission", target=target)


def states(project: Project) -> dict[str, State]:
    return {path.name: State.of(path) for path in sorted(folder(project).iterdir())}


def leftovers(project: Project) -> list[str]:
    return [path.name for path in folder(project).parent.glob(".kdrvgen-*")]


def cabinet(project: Project) -> bytes:
    return (folder(project) / "hello.cab").read_bytes()


def verify(project: Project, file: Path, pem: Path | None = None) -> str:
    """Let osslsigncode verify a cabinet; return what it printed."""
    if pem is None:
        pem = project.home / "exported.pem"
        exported = file.parents[1] / "hello.cer"
        run(["openssl", "x509", "-inform", "DER", "-in", exported, "-out", pem], project.home)
    done = run(["osslsigncode", "verify", "-CAfile", pem, "-in", file], project.home)
    assert done.returncode == 0, done.stdout
    assert "Signature verification: ok" in done.stdout
    return done.stdout


def has_the_package(project: Project, target: str = X64) -> None:
    """Check that the cabinet has the files of the package."""
    file = folder(project, target) / "hello.cab"
    package = project.output("package", target=target)
    assert read_cabinet(file.read_bytes()) == {
        f"hello\\{name}": (package / name).read_bytes() for name in PACKED
    }


def break_cabinets(project: Project, script: str) -> None:
    """Replace what osslsigncode does with a cabinet."""
    break_signing(project, script, "cab")


def test_a_submission_is_complete_and_its_cabinet_is_signed(project: Project) -> None:
    need("cabextract")

    output = project.make("submission")

    assert f"submission: {folder(project)}\n" in output
    assert "the profile development signs with a test certificate" in output
    assert list(states(project)) == NAMES
    assert leftovers(project) == []
    has_the_package(project)
    file = folder(project) / "hello.cab"
    assert "CN=DriverCertificate" in verify(project, file).replace(" = ", "=")
    assert json.loads((folder(project) / "product.json").read_text("utf-8"))["productName"]
    restored = project.home / "restored"
    subprocess.run(["cabextract", "-q", "-d", restored, file], check=True, capture_output=True)
    assert (restored / "hello/hello.sys").read_bytes() == project.sys.read_bytes()

    before, calls = states(project), project.record("osslsigncode")
    (project.home / "kdrvgen.calls").write_text("", "utf-8")
    assert f"submission: {folder(project)} is up to date" in project.make("submission")
    assert states(project) == before
    assert calls.read_text("utf-8") == ""
    assert (project.home / "kdrvgen.calls").read_text("utf-8") == ""


def test_what_changed_is_made_again(project: Project) -> None:
    project.make("submission")
    first = cabinet(project)

    # The signed cabinet stays, because the package in it is the same.
    project.edit("config.toml", '"Hello"', '"Other"')
    project.generate()
    project.make("submission")
    assert cabinet(project) == first
    assert b'"Other"' in (folder(project) / "product.json").read_bytes()

    project.say("something else")
    project.make("submission")
    second = cabinet(project)
    assert read_cabinet(second)["hello\\hello.sys"] == project.sys.read_bytes()
    verify(project, folder(project) / "hello.cab")
    has_the_package(project)

    project.generate(SUBMISSION.replace("[signing]", '[signing]\nsubject = "Other"'))
    project.make("submission")
    text = verify(project, folder(project) / "hello.cab")
    assert "CN=Other" in text.replace(" = ", "=")

    # Another version of kdrvgen may make other files.
    (project.home / "kdrvgen.calls").write_text("", "utf-8")
    os.utime(project.home / "shims/kdrvgen", (0, 0))
    project.make("submission")
    assert "submission" in (project.home / "kdrvgen.calls").read_text("utf-8")


def test_a_damaged_removed_or_unsigned_file_is_made_again(project: Project) -> None:
    project.make("submission")
    unsigned = project.home / "unsigned.cab"
    file = folder(project) / "hello.cab"
    argv: list[str | Path] = ["osslsigncode", "remove-signature", "-in", file, "-out", unsigned]
    assert run(argv, project.home).returncode == 0

    for name in NAMES:
        path = folder(project) / name
        original = path.read_bytes()
        path.write_bytes(original[:-1] + b"x")
        project.make("submission")
        assert path.read_bytes()[-1:] != b"x"
        path.unlink()
        project.make("submission")
        assert list(states(project)) == NAMES

    # As `kdrvgen submission` leaves it, or somebody who removed the signature.
    file.write_bytes(unsigned.read_bytes())
    project.make("submission")
    verify(project, file)
    file.write_bytes(unsigned.read_bytes())
    (project.state() / "submission").unlink()
    project.make("submission")
    verify(project, file)
    has_the_package(project)


CHANGED = """\
for word; do [ "$last" = -in ] && file=$word; last=$word; done
'{python}' - "$file" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
at = len(data) - 5
open(sys.argv[1], "wb").write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
END
"""
AFTERWARDS = """\
{real} "$@" || exit
while [ "$1" != -out ]; do shift; done
'{python}' - "$2" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
{change}
open(sys.argv[1], "wb").write(data)
END
exit"""
END = "int.from_bytes(data[44:48], 'little')"  # of the cabinet, where the signature begins
BROKEN = [
    ("echo why >&2; exit 1", "osslsigncode did not sign the cabinet"),
    ('while [ "$1" != -in ]; do shift; done; cp "$2" "$4"; exit', "did not sign hello.cab"),
    ('while [ "$1" != -out ]; do shift; done; echo x > "$2"; exit', "did not sign hello.cab"),
    # It signs another content.
    (CHANGED, "the signing tool changed more than the signature of hello.cab"),
    # A byte of the last file, and a byte of the header that nobody reads, but is signed.
    (
        AFTERWARDS.replace("{change}", f"data[{END} - 1] ^= 1"),
        "the signing tool changed more than the signature of hello.cab",
    ),
    (AFTERWARDS.replace("{change}", "data[32] ^= 1"), "changed more than the signature"),
    # The signature is cut, or its digest of the cabinet is another one.
    (AFTERWARDS.replace("{change}", "del data[-8:]"), "did not sign hello.cab"),
    (
        AFTERWARDS.replace(
            "{change}",
            f"data[data.index(bytes.fromhex('05000420'), {END}) + 4] ^= 1",
        ),
        "signature does not match",
    ),
    # Nothing of the signature but its length is there.
    (
        AFTERWARDS.replace(
            "{change}",
            f"data[{END}:] = bytes(len(data) - {END})",
        ),
        "the new signature cannot be read",
    ),
]


def test_a_cabinet_that_is_not_signed_leaves_the_old_submission(project: Project) -> None:
    project.make("submission")
    before = states(project)
    project.say("new")
    real = shutil.which("osslsigncode")

    for script, expected in BROKEN:
        text = script.replace("{python}", sys.executable).replace("{real}", str(real))
        break_cabinets(project, text)
        output = project.fail("submission")
        assert expected in output, script
        assert states(project) == before
        assert leftovers(project) == []

    project.unshim()
    install_kdrvgen(project)
    project.make("submission")
    has_the_package(project)
    verify(project, folder(project) / "hello.cab")


def test_a_failure_of_the_first_run_leaves_no_submission(project: Project) -> None:
    other = Identity.make("DriverCertificate", CODE_SIGNING)
    pem = project.home / "other.pem"
    pem.write_bytes(other.certificate_pem() + other.key_pem())
    script = f"""\
while [ "$1" != -in ]; do shift; done
{shutil.which("osslsigncode")} sign -certs '{pem}' -key '{pem}' -in "$2" -out "$4"; exit"""
    break_cabinets(project, script)
    output = project.fail("submission")
    assert "was not made with the test certificate" in output
    assert not folder(project).exists()

    table = "[package.submission]"
    project.generate(SUBMISSION.replace(table, f'extra-files = ["ä.bin"]\n{table}'))
    (project.folder / "ä.bin").write_bytes(b"x")
    output = project.fail("submission")
    assert "special characters" in output
    assert f"kdrvgen submission did not make {folder(project)}" in output
    assert ".kdrvgen-" not in output
    assert not folder(project).exists()

    damage = "[makefile.tasks.damage]\nscript = 'echo >> \"$DRIVER_PACKAGE/hello.inf\"'\n"
    tasks = '["package", "damage", "submission"]'
    project.generate(f"{SUBMISSION}{damage}[makefile.tasks.all]\ndependencies = {tasks}\n")
    output = project.fail("all")
    assert f"{project.output('package')} is not as the task package left it" in output
    assert not folder(project).exists()

    project.generate(SUBMISSION.replace("[signing]", '[signing]\nmode = "off"'))
    output = project.fail("submission")
    assert 'signing.mode is "off", and the cabinet of a submission must be signed' in output
    assert not folder(project).exists()


def test_other_files_in_the_folder_are_left_alone(project: Project) -> None:
    project.make("submission")
    mine = folder(project) / "mine.txt"
    mine.write_text("mine", "utf-8")
    before = states(project)

    output = project.fail("submission")

    assert f"{mine} is not a file of the submission" in output
    assert states(project) == before
    project.make("clean-driver")
    assert list(states(project)) == ["mine.txt"]
    mine.unlink()
    folder(project).rmdir()
    folder(project).write_text("mine", "utf-8")
    assert "is not a folder" in project.fail("submission")
    assert folder(project).read_text("utf-8") == "mine"
    folder(project).unlink()

    project.make("submission")
    project.make("clean-driver")
    assert not folder(project).exists()
    assert not list(project.target.glob("kdrvgen/state/*/*/*/submission"))


def test_a_killed_run_leaves_the_old_submission_and_the_next_one_cleans_up(
    project: Project,
) -> None:
    project.make("submission")
    before = states(project)
    project.say("new")
    stall = Stall(project)
    break_cabinets(project, stall.script)

    assert stall.kill("submission")

    assert states(project) == before
    assert leftovers(project)
    project.unshim()
    install_kdrvgen(project)
    project.make("submission")
    assert leftovers(project) == []
    has_the_package(project)


def test_the_own_certificate_and_a_timestamp_sign_the_cabinet(
    make_project: MakeProject, authority: Authority
) -> None:
    identity = Identity.make("My Company", CODE_SIGNING)
    config = SUBMISSION.partition("[signing]")[0] + SUBMISSION[SUBMISSION.index("[package]") :]
    project = make_project(
        config + '[signing]\nmode = "certificate"\npfx = "my own.pfx"\npage-hashes = true\n'
        f'pfx-password-env = "SECRET"\ntimestamp-url = "{authority.url}"\n'
        "[makefile.tasks.upload]\ndependencies = ['submission']\n"
        "script = 'ls \"$DRIVER_SUBMISSION\" > listed'\n"
    )
    install_kdrvgen(project)
    (project.folder / "my own.pfx").write_bytes(identity.pfx("p a$$"))
    pem = project.home / "own.pem"
    pem.write_bytes(identity.certificate_pem())

    output = project.make("upload", SECRET="p a$$")

    assert "test certificate" not in output
    text = verify(project, folder(project) / "hello.cab", pem)
    assert "My Company" in text
    assert "Timestamp time:" in text
    assert (project.folder / "listed").read_text("utf-8").split() == NAMES
    assert "submission is up to date" in project.make("submission", SECRET="p a$$")

    before = states(project)
    project.say("new")
    copy = 'while [ "$1" != -in ]; do shift; done; cp "$2" "$4"; exit'
    break_cabinets(project, f'[ "$1" != add ] || {{ {copy}; }}')
    assert "the cabinet has no timestamp" in project.fail("submission", SECRET="p a$$")
    assert states(project) == before


def test_each_target_has_a_submission_of_its_own(make_project: MakeProject) -> None:
    targets = ", ".join(f'"{target}"' for target in TARGETS)
    project = make_project(SUBMISSION.replace('"hello"\n', f'"hello"\ntargets = [{targets}]\n', 1))
    install_kdrvgen(project)

    project.make("submission-all")

    for target in TARGETS:
        has_the_package(project, target)
        verify(project, folder(project, target) / "hello.cab")
        data = (folder(project, target) / "hello.cab").read_bytes()
        (size,) = struct.unpack_from("<I", data, 44)
        assert 0 < size < len(data)
