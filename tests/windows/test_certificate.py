"""The test certificate on Windows: made once, found again, replaced, trusted, removed.

Wine's own crypt32 has the stores, and rsaenh the keys.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.pipeline.support import CONFIG
from tests.windows.bed import Certificate, Windows
from tests.windows.support import ODD, OWN, Desk, der, marked, text

pytestmark = pytest.mark.slow


def parse(certificate: Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.der)


# --- making -----------------------------------------------------------------------------------


def test_the_certificate_signs_code_for_as_long_as_the_config_says(desk: Desk) -> None:
    desk.project.generate(CONFIG + "validity-days = 40\n")

    output = desk.make("certificate")

    assert "created CN=DriverCertificate, valid for 40 days" in output
    assert f"in the store {desk.store} of this user" in output
    found = desk.certificate
    made = parse(found)
    assert made.not_valid_after_utc - made.not_valid_before_utc == dt.timedelta(40)
    assert abs(made.not_valid_before_utc - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=2)
    key = made.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    assert made.signature_hash_algorithm
    assert made.signature_hash_algorithm.name == "sha256"
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [x509.oid.ExtendedKeyUsageOID.CODE_SIGNING]
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    allowed = made.extensions.get_extension_for_class(x509.KeyUsage)
    assert (allowed.critical, allowed.value.digital_signature) == (True, True)
    assert not allowed.value.key_cert_sign
    assert made.subject == made.issuer
    assert found.friendly_name == "kdrvgen test certificate (DriverCertificate)"
    assert found.container.startswith(f"kdrvgen {desk.certificate_id} ")
    assert found.has_key
    assert desk.project.cer.read_bytes() == found.der


def test_a_second_run_makes_no_second_certificate(desk: Desk) -> None:
    desk.make("sign")
    first = desk.certificate

    output = desk.make("sign")

    assert "certificate: created" not in output
    assert desk.certificate == first
    assert len(desk.arguments("signtool")) == 1


def test_two_runs_at_the_same_moment_leave_one_certificate(desk: Desk) -> None:
    def run(_: int) -> str:
        done = desk.windows.make("certificate", cwd=desk.project.folder)
        assert done.code == 0, done.output
        return done.output

    with ThreadPoolExecutor(3) as all_of_them:
        output = "".join(all_of_them.map(run, range(3)))

    assert output.count("certificate: created") == 1
    assert desk.certificate.has_key
    desk.make("sign")
    assert desk.option("/sha1") == desk.certificate.thumbprint
    assert desk.verifies()


def test_profiles_and_projects_share_the_certificate_of_one_subject(desk: Desk) -> None:
    desk.make("sign")
    desk.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")
    other = Desk.start(desk.windows, name="other")
    other.make("sign")

    assert len(desk.windows.certificates()) == 1
    assert other.verifies()


@pytest.mark.wine
def test_a_store_of_the_machine_has_its_own_certificate(desk: Desk) -> None:
    desk.make("certificate")
    desk.project.generate(CONFIG + "machine-store = true\n")

    desk.make("sign")
    desk.make("sign")

    (found,) = desk.windows.certificates(machine=True)
    assert found.has_key
    (signed,) = desk.arguments("signtool")
    assert "/sm" in signed
    assert found.thumbprint in signed
    assert desk.verifies()
    desk.make("clean-cert")
    assert not desk.windows.certificates(machine=True)
    (left,) = desk.windows.certificates()
    assert left.has_key


@pytest.mark.wine
def test_odd_names_arrive_as_they_stand_in_the_config(windows: Windows) -> None:
    windows.install_kits()
    subject = ODD + ' "quoted", O=x\\'
    file = ODD.replace("$", "S") + ".cer"
    desk = Desk.start(
        windows,
        CONFIG
        + f"subject = {text(subject)}\nstore = {text(ODD)}\ncertificate-file = {text(file)}\n",
        name="C# & 'my' (own) driver! ^ é日",
    )

    desk.make("sign")
    desk.make("sign")

    (found,) = windows.certificates(ODD)
    assert found.name == subject
    (name,) = parse(found).subject
    assert name.value == subject
    (signed,) = desk.arguments("signtool")
    assert desk.option("/s") == ODD
    assert signed[-1].startswith(windows.path(desk.project.folder))
    assert (desk.project.folder / file).read_bytes() == found.der
    desk.make("clean-cert")
    assert not windows.certificates(ODD)
    assert not (desk.project.folder / file).exists()


# --- replacing --------------------------------------------------------------------------------


def test_a_certificate_gone_from_the_store_is_made_again(desk: Desk) -> None:
    desk.make("sign")
    old = desk.certificate
    desk.windows.store("delete", desk.store)

    desk.make("sign")

    assert desk.certificate.thumbprint != old.thumbprint
    assert desk.verifies()


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)], ids=["expired", "not yet valid"])
def test_one_that_is_not_valid_now_is_replaced_and_leaves_the_store_with_its_key(
    desk: Desk, days: tuple[int, int]
) -> None:
    container = f"kdrvgen {desk.certificate_id} old"
    old = desk.ours(days=days, container=container)

    output = desk.make("sign")

    assert "certificate: created" in output
    assert desk.certificate.thumbprint != old.thumbprint
    assert desk.verifies()
    # A new container of that name can be made: the old one is gone.
    desk.windows.store("add-key", container, desk.windows.path(desk.windows.home / "import.key"))


def test_one_whose_key_is_gone_is_replaced(desk: Desk) -> None:
    desk.make("sign")
    old = desk.certificate
    desk.windows.store("delete-key", old.container)
    (left,) = desk.windows.certificates()
    assert not left.has_key

    desk.make("sign")

    assert desk.certificate.thumbprint != old.thumbprint
    assert desk.certificate.has_key
    assert desk.verifies()


def test_one_that_never_had_a_key_here_is_replaced(desk: Desk) -> None:
    old = desk.ours()

    desk.make("sign")

    assert desk.certificate.thumbprint != old.thumbprint
    assert desk.verifies()


def test_one_whose_container_holds_another_key_is_replaced(desk: Desk) -> None:
    container = f"kdrvgen {desk.certificate_id} x"
    old = desk.ours(container=container)
    desk.windows.store("delete-key", container)
    other = desk.windows.add_certificate(
        marked("other", (-1, 30)), "Other store", container=container
    )
    assert other.has_key

    desk.make("sign")

    assert desk.certificate.thumbprint != old.thumbprint
    assert desk.verifies()


def test_of_two_that_are_valid_the_one_that_lasts_longest_stays(desk: Desk) -> None:
    sooner = desk.ours(days=(-1, 20), container=f"kdrvgen {desk.certificate_id} 1")
    later = desk.ours(days=(-1, 30), container=f"kdrvgen {desk.certificate_id} 2")

    desk.make("sign")

    assert desk.certificate.thumbprint == later.thumbprint != sooner.thumbprint
    assert desk.option("/sha1") == later.thumbprint
    assert desk.verifies()


def test_certificates_that_the_pipeline_did_not_make_are_left_alone(desk: Desk) -> None:
    _, theirs, _ = desk.own("DriverCertificate")
    # Ours, for another subject; and an expired one whose key is in a container of somebody else's.
    other = desk.windows.add_certificate(
        marked("another-0123456789ab", (-9, -1)), desk.store, container="kdrvgen another"
    )
    foreign = desk.ours(days=(-9, -1), container="somebody's key")

    desk.make("sign")
    assert desk.verifies()
    assert desk.option("/sha1") != theirs
    desk.make("clean-cert")

    left = {each.thumbprint: each for each in desk.windows.certificates()}
    assert left.keys() == {theirs, other.thumbprint}
    assert all(each.has_key for each in left.values())
    assert foreign.thumbprint not in left
    desk.windows.store("delete-key", "somebody's key")  # which is still there


# --- trusting and removing --------------------------------------------------------------------


@pytest.mark.wine
@pytest.mark.parametrize("place", ["this user", "this machine"])
def test_trusting_puts_the_certificate_into_two_stores_and_cleaning_takes_it_out(
    desk: Desk, place: str
) -> None:
    machine = place == "this machine"
    desk.project.generate(CONFIG + f"machine-store = {text(machine)}\n")
    other = desk.windows.add_certificate(marked("other", (-1, 9)), "Root", machine=machine)

    output = desk.make("trust-certificate")
    again = desk.make("trust-certificate")

    assert f"is in the stores Root and TrustedPublisher of {place}" in output
    assert ("shows a dialog" in output) == (not machine)
    assert "shows a dialog" not in again
    (ours,) = desk.windows.certificates(machine=machine)
    roots = [each.thumbprint for each in desk.windows.certificates("Root", machine=machine)]
    assert roots.count(ours.thumbprint) == 1
    (trusted,) = desk.windows.certificates("TrustedPublisher", machine=machine)
    assert trusted.thumbprint == ours.thumbprint
    assert not trusted.container

    output = desk.make("clean-cert")

    assert (
        f"no test certificate for CN=DriverCertificate is left in the stores {desk.store}" in output
    )
    assert not desk.windows.certificates(machine=machine)
    assert not desk.windows.certificates("TrustedPublisher", machine=machine)
    left = [each.thumbprint for each in desk.windows.certificates("Root", machine=machine)]
    assert sorted([*left, ours.thumbprint]) == sorted(roots)
    assert other.thumbprint in left
    assert not desk.project.cer.exists()
    assert not list(desk.records.iterdir())
    desk.make("clean-cert")


@pytest.mark.wine
def test_trusting_is_for_test_certificates(desk: Desk) -> None:
    before = desk.windows.certificates("Root")
    desk.project.generate(CONFIG + '[profiles.production]\nsigning.mode = "certificate"\n')

    output = desk.fail("--profile", "production", "trust-certificate")

    assert "no test certificate to trust" in output
    assert desk.windows.certificates("Root") == before
    assert "no test certificate" in desk.make("--profile", "production", "clean-cert")


def test_cleaning_takes_the_keys_that_killed_runs_left(desk: Desk) -> None:
    container = f"kdrvgen {desk.certificate_id} killed"
    desk.ours(container=container)
    desk.windows.store("delete", desk.store)

    desk.make("clean-cert")

    blob = desk.windows.path(desk.windows.home / "import.key")
    desk.windows.store("add-key", container, blob)


def test_cleaning_leaves_an_exported_file_that_is_another_certificates(desk: Desk) -> None:
    desk.project.cer.parent.mkdir(parents=True)
    for content in (b"damaged", der(desk.own("DriverCertificate")[0])):
        desk.project.cer.write_bytes(content)

        desk.make("clean-cert")
        assert desk.project.cer.read_bytes() == content


def test_an_exported_file_that_is_another_certificates_is_replaced_beside_the_image_only(
    desk: Desk,
) -> None:
    another = der(desk.own("DriverCertificate")[0])
    elsewhere = desk.project.folder / "driver.cer"
    elsewhere.write_bytes(another)
    desk.project.cer.parent.mkdir(parents=True)
    desk.project.cer.write_bytes(another)

    desk.make("sign")
    (made,) = [found for found in desk.windows.certificates() if found.der != another]
    assert desk.project.cer.read_bytes() == made.der

    desk.project.generate(CONFIG + 'certificate-file = "driver.cer"\n')
    output = desk.fail("sign")
    assert "is not a test certificate that kdrvgen made" in output
    assert elsewhere.read_bytes() == another


def test_without_a_folder_of_the_user_the_variable_is_named(desk: Desk) -> None:
    assert "LOCALAPPDATA is not set" in desk.fail("-e", "LOCALAPPDATA=relative", "sign")


def test_the_users_certificate_is_not_created(desk: Desk) -> None:
    desk.project.generate(OWN + 'subject = "Nobody"\n')

    desk.fail("sign")

    assert not desk.windows.certificates()
