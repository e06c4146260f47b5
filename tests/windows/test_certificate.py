"""The test certificate on Windows: made once, found again, replaced, trusted, removed."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.pipeline.support import CONFIG
from tests.windows.bed import Windows
from tests.windows.support import KITS, ODD, TOOL, Desk, text

pytestmark = pytest.mark.slow


def test_a_certificate_gone_from_the_store_is_made_again(desk: Desk) -> None:
    desk.make("sign")
    (old,) = desk.windows.certificates()
    old.unlink()

    desk.make("sign")

    (new,) = desk.windows.certificates()
    assert new.stem != old.stem
    assert desk.verifies()


def _mark(desk: Desk, until: float) -> str:
    """Return a subject as kdrvgen gives it to its certificates, with an end of its own."""
    made = desk.option("-n", "makecert")
    return re.sub(r"until \d+", f"until {int(until * 1000)}", made)


def _make(desk: Desk, name: str, *, store: str = "PrivateCertStore") -> Path:
    """Put a certificate into a store, whoever may have made it; return the file that it is."""
    before = set(desk.windows.certificates(store))
    words = ["-r", "-pe", "-ss", store, "-n", name, "-a", "sha256", "-eku", "1.3.6.1.5.5.7.3.3"]
    done = desk.windows.run([rf"{TOOL}\makecert.exe", *words])
    assert done.code == 0, done.said
    (made,) = set(desk.windows.certificates(store)) - before
    return made


def test_the_certificate_can_sign_for_as_long_as_was_said_and_be_exported(first_day: Desk) -> None:
    first_day.project.generate(CONFIG + "validity-days = 40\n")

    first_day.make("certificate")

    (file,) = first_day.windows.certificates()
    assert file.read_text(encoding="utf-8").startswith("exportable: yes")
    made = x509.load_pem_x509_certificate(file.read_bytes())
    left = made.not_valid_after_utc - dt.datetime.now(dt.UTC)
    assert dt.timedelta(40) < left < dt.timedelta(100)
    assert re.search(r"until (\d{13})", first_day.option("-n", "makecert"))
    exported = (first_day.project.folder / "DriverCertificate.cer").read_bytes()
    assert x509.load_der_x509_certificate(exported) == made


def test_an_expired_certificate_is_replaced_and_leaves_the_store(first_day: Desk) -> None:
    first_day.make("sign")
    (old,) = first_day.windows.certificates()
    old.unlink()
    expired = _make(first_day, _mark(first_day, time.time() - 60))
    (record,) = first_day.records.glob("*.txt")
    record.write_text(f"{expired.stem} {int(time.time() - 60) * 1000}", encoding="utf-8")

    first_day.make("sign")

    (new,) = first_day.windows.certificates()
    assert new.stem not in {old.stem, expired.stem}
    assert first_day.verifies()


@pytest.mark.parametrize("damaged", [None, "x y"])
def test_without_its_record_the_certificate_is_found_in_the_store(
    desk: Desk, damaged: str | None
) -> None:
    desk.make("sign")
    (record,) = desk.records.glob("*.txt")
    shutil.rmtree(desk.records)
    if damaged is not None:
        desk.records.mkdir()
        record.write_text(damaged, encoding="utf-8")
    desk.forget_calls()

    desk.make("sign", KDRVGEN_FAKE_LANGUAGE="de", KDRVGEN_FAKE_HASH_SPACES="1")

    assert len(desk.windows.certificates()) == 1
    assert not desk.arguments("makecert") + desk.arguments("signtool")


def test_of_two_that_were_made_at_once_one_stays(first_day: Desk) -> None:
    first_day.make("certificate")
    later = _make(first_day, _mark(first_day, time.time() + 400 * 86400))
    sooner = _make(first_day, _mark(first_day, time.time() + 300 * 86400))
    shutil.rmtree(first_day.records)

    first_day.make("sign")

    assert first_day.windows.certificates() == [sooner]
    assert first_day.option("/sha1").lower() == sooner.stem
    assert not later.exists()


def test_two_runs_at_the_same_moment_leave_one_certificate(first_day: Desk) -> None:
    def run(_: int) -> None:
        first_day.windows.make("certificate", cwd=first_day.project.folder)

    with ThreadPoolExecutor(2) as both:
        list(both.map(run, range(2)))
    first_day.make("sign")

    (left,) = first_day.windows.certificates()
    assert first_day.option("/sha1").lower() == left.stem
    assert first_day.verifies()


def test_a_certificate_of_the_same_name_that_kdrvgen_did_not_make_is_left_alone(
    first_day: Desk,
) -> None:
    _, theirs, _ = first_day.own("DriverCertificate")

    first_day.make("sign")
    assert first_day.verifies()
    assert first_day.option("/sha1").lower() != theirs
    first_day.make("clean-cert")

    assert [file.stem for file in first_day.windows.certificates()] == [theirs]


def test_one_that_is_gone_is_made_again_however_certutil_ends_for_it(desk: Desk) -> None:
    desk.make("sign")
    (old,) = desk.windows.certificates()
    old.unlink()

    desk.make("sign", KDRVGEN_FAKE_STORE_SUCCEEDS="1")

    (new,) = desk.windows.certificates()
    assert new != old
    assert desk.verifies()


def test_a_certificate_without_its_key_ends_with_what_to_do(desk: Desk) -> None:
    (file,) = desk.windows.certificates()
    public = x509.load_pem_x509_certificate(file.read_bytes())
    file.write_bytes(public.public_bytes(serialization.Encoding.PEM))

    said = desk.fail("sign")

    assert "cargo make --profile development clean-cert" in said
    assert not desk.is_signed()
    desk.make("clean-cert")
    desk.make("sign")
    assert desk.verifies()


def test_profiles_and_projects_share_the_certificate_of_one_subject(desk: Desk) -> None:
    desk.make("sign")
    desk.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")
    other = Desk.start(desk.windows, name="other")
    other.make("sign")

    assert len(desk.windows.certificates()) == 1
    assert other.verifies()


def test_a_store_of_the_machine_is_asked_and_written_to(first_day: Desk) -> None:
    first_day.project.generate(CONFIG + "machine-store = true\n")

    first_day.make("sign")
    first_day.make("sign")

    assert len(first_day.windows.certificates(machine=True)) == 1
    assert not first_day.windows.certificates()
    (signed,) = first_day.arguments("signtool")
    assert "/sm" in signed


def test_when_makecert_fails_the_old_image_does_not_stay_signed(desk: Desk) -> None:
    desk.make("sign")
    (certificate,) = desk.windows.certificates()
    certificate.unlink()
    blocked = desk.windows.home / "stores/user/PrivateCertStore"
    blocked.rmdir()
    blocked.write_text("no folder", encoding="utf-8")

    said = desk.fail("sign")

    assert "made no certificate CN=DriverCertificate" in said
    assert not desk.is_signed()
    blocked.unlink()
    desk.make("sign")
    assert desk.verifies()


def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def _without_makecert(desk: Desk) -> Path:
    """Take makecert out of the kits; return where it is now."""
    for program in desk.windows.unix(KITS).rglob("makecert.exe"):
        program.unlink()
    return desk.windows.put(r"C:\else\makecert.exe", desk.windows.bed / "standins/makecert.exe")


def test_without_makecert_powershell_is_given_a_script_that_its_grammar_takes(
    first_day: Desk,
) -> None:
    _without_makecert(first_day)

    assert "PowerShell made no certificate" in first_day.fail("sign")

    script = first_day.option("-Command", "powershell")
    assert "New-SelfSignedCertificate" in script
    assert not _parser().parse(script.encode()).root_node.has_error
    assert _parser().parse(script.replace(")", "", 1).encode()).root_node.has_error


def test_what_powershell_made_is_found_in_the_store(first_day: Desk) -> None:
    _without_makecert(first_day)
    batch = first_day.windows.home / "make.bat"
    batch.write_text(
        "@C:\\else\\makecert -r -pe -ss %DRIVER_CERTIFICATE_STORE% "
        "-sr %DRIVER_CERTIFICATE_LOCATION% "
        '-n "CN=%DRIVER_CERTIFICATE_SUBJECT%, OU=%DRIVER_CERTIFICATE_UNIT%" -a sha256 '
        "-eku 1.3.6.1.5.5.7.3.3 -m 14\n"
        "@if defined PSModulePath exit /b 5\n"
    )

    first_day.make(
        "sign",
        KDRVGEN_FAKE_POWERSHELL=first_day.windows.path(batch),
        PSModulePath=r"C:\Program Files\PowerShell (x86)\7\Modules",
    )

    assert len(first_day.windows.certificates()) == 1
    assert first_day.verifies()


def test_odd_names_arrive_as_they_stand_in_the_config(windows: Windows) -> None:
    windows.install_kits()
    folder = "C# & 'my' (own) driver! ^ é日"
    subject = ODD + ' "quoted"'
    file = ODD.replace("$", "S") + ".cer"
    desk = Desk.start(
        windows,
        CONFIG
        + f"subject = {text(subject)}\nstore = {text(ODD)}\ncertificate-file = {text(file)}\n",
        name=folder,
    )

    desk.make("sign")
    desk.make("sign")

    quoted = subject.replace('"', '""')
    assert desk.option("-n", "makecert").startswith(f'CN="{quoted}", OU="kdrvgen test certificate ')
    assert desk.option("-ss", "makecert") == ODD
    assert desk.option("/s") == ODD
    assert len(desk.windows.certificates(ODD)) == 1
    assert len(desk.arguments("signtool")) == 1
    assert (desk.project.folder / file).exists()
    assert desk.arguments("signtool")[0][-1].startswith(desk.windows.path(desk.project.folder))


def test_trusting_is_for_test_certificates(desk: Desk) -> None:
    desk.project.generate(CONFIG + '[profiles.production]\nsigning.mode = "certificate"\n')

    said = desk.fail("--profile", "production", "trust-certificate")

    assert "there is no test certificate to trust" in said

    assert not desk.windows.certificates("Root")


def test_cleaning_takes_the_certificate_its_copies_and_its_record_and_no_other(desk: Desk) -> None:
    desk.make("trust-certificate")
    (ours,) = desk.windows.certificates()
    other = _make(desk, "CN=Other", store="Root")
    (before,) = desk.windows.certificates("TrustedPublisher")
    assert before.stem == ours.stem
    desk.forget_calls()

    desk.make("clean-cert")

    assert not desk.windows.certificates() + desk.windows.certificates("TrustedPublisher")
    assert desk.windows.certificates("Root") == [other]
    assert not list(desk.records.iterdir())
    assert not (desk.project.folder / "DriverCertificate.cer").exists()
    script = desk.option("-Command", "powershell")
    assert not _parser().parse(script.encode()).root_node.has_error
    desk.make("clean-cert")


def test_cleaning_leaves_an_exported_file_that_is_another_certificates(desk: Desk) -> None:
    file = desk.project.folder / "DriverCertificate.cer"
    file.write_bytes(b"another")

    desk.make("clean-cert")
    assert file.read_bytes() == b"another"

    desk.own("DriverCertificate")
    desk.project.generate(CONFIG + '[profiles.production]\nsigning.mode = "certificate"\n')
    said = desk.make("--profile", "production", "clean-cert")
    assert "no certificate of kdrvgen's" in said
    assert len(desk.windows.certificates()) == 1
