"""The test certificate on Windows: made once, found again, replaced, trusted, removed."""

from __future__ import annotations

import time

import pytest

from tests.pipeline.support import CONFIG
from tests.windows.bed import Windows
from tests.windows.support import KITS, ODD, Desk, text

pytestmark = pytest.mark.slow


def test_a_certificate_gone_from_the_store_is_made_again(desk: Desk) -> None:
    desk.make("sign")
    (old,) = desk.windows.certificates()
    old.unlink()

    desk.make("sign")

    (new,) = desk.windows.certificates()
    assert new.stem != old.stem
    assert desk.verifies()


def test_an_expired_certificate_is_replaced_and_leaves_the_store(first_day: Desk) -> None:
    first_day.make("sign")
    (old,) = first_day.windows.certificates()
    (record,) = first_day.records.glob("*.txt")
    thumbprint, until = record.read_text(encoding="utf-8").split()
    assert 364 * 86400 < int(until) / 1000 - time.time() < 366 * 86400
    record.write_text(f"{thumbprint} {int(time.time() - 60) * 1000}", encoding="utf-8")

    first_day.make("sign")

    (new,) = first_day.windows.certificates()
    assert new.stem != old.stem
    assert first_day.verifies()


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


def test_a_thumbprint_is_found_in_output_of_any_language_and_age(first_day: Desk) -> None:
    first_day.make("sign", KDRVGEN_FAKE_LANGUAGE="de", KDRVGEN_FAKE_HASH_SPACES="1")

    assert first_day.verifies()


def test_without_makecert_powershell_is_given_a_script_that_its_grammar_takes(
    first_day: Desk,
) -> None:
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    for program in first_day.windows.unix(KITS).rglob("makecert.exe"):
        program.unlink()

    assert "PowerShell made no certificate" in first_day.fail("sign")

    script = first_day.option("-Command", "powershell")
    assert "New-SelfSignedCertificate" in script
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert not parser.parse(script.encode()).root_node.has_error
    assert parser.parse(script.replace(")", "", 1).encode()).root_node.has_error


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

    assert desk.option("-n", "makecert") == 'CN="' + subject.replace('"', '""') + '"'
    assert desk.option("-ss", "makecert") == ODD
    assert desk.option("/s") == ODD
    assert len(desk.windows.certificates(ODD)) == 1
    assert len(desk.arguments("signtool")) == 1
    assert (desk.project.folder / file).exists()
    assert desk.arguments("signtool")[0][-1].startswith(desk.windows.path(desk.project.folder))


def test_verifying_wants_the_test_certificate_trusted_by_a_task_of_its_own(desk: Desk) -> None:
    assert "cargo make trust-certificate" in desk.fail("verify")

    desk.make("trust-certificate")
    desk.make("verify")

    for store in ("Root", "TrustedPublisher"):
        assert len(desk.windows.certificates(store)) == 1
