"""The certificate that signs: a test certificate, a PKCS #12 file, one of several in a store."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from kdrvgen import Signing
from kdrvgen.doctor import der
from kdrvgen.doctor.host import this_host
from kdrvgen.doctor.probes.certificate_stores import Candidate, choose, store_certificate
from kdrvgen.report.finding import Severity
from tests.doctor.support import Machine
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity
from tests.pipeline.support import CONFIG

NOW = dt.datetime.now(dt.UTC)
GOOD = Identity.make("My Company — é", CODE_SIGNING, days=(-1, 9000))
SECRET = "correct horse"


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
_DATES = (_utc("2020-01-01"), _utc("2030-01-01"))
OWN = CONFIG + 'mode = "certificate"\npfx = "own.pfx"\npfx-password-env = "OWN_PASSWORD"\n'


def _thumbprint(identity: Identity) -> str:
    return identity.certificate.fingerprint(hashes.SHA1()).hex().upper()


def _der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


# --- the test certificate -----------------------------------------------------------------------


def _put(machine: Machine, identity: Identity) -> None:
    name = (
        machine.doctor("--for", "sign").finding("certificate")["place"]["file"].rpartition("/")[2]
    )
    machine.certificates.mkdir(parents=True)
    pem = identity.key_pem() + identity.certificate_pem()
    (machine.certificates / name).write_bytes(pem)


def test_a_missing_test_certificate_is_ok_because_signing_creates_it(
    machine: Machine,
) -> None:
    report = machine.doctor("--for", "sign")

    assert report.code == 0
    assert "`cargo make sign` creates one" in report.finding("certificate")["message"]


def test_the_test_certificate_is_shown_with_name_thumbprint_and_expiry(machine: Machine) -> None:
    _put(machine, GOOD)

    finding = machine.doctor("--for", "sign").finding("certificate")

    assert finding["severity"] == "ok"
    last = GOOD.certificate.not_valid_after_utc
    for part in ("CN=My Company — é", _thumbprint(GOOD), f"valid until {last:%Y-%m-%d}"):
        assert part in finding["message"]


@pytest.mark.parametrize("days", [(-9, -1), (2, 9)])
def test_a_test_certificate_outside_its_validity_is_ok_because_signing_renews_it(
    machine: Machine, days: tuple[int, int]
) -> None:
    _put(machine, Identity.make("x", CODE_SIGNING, days=days))

    report = machine.doctor("--for", "sign")

    assert report.code == 0
    assert "expired" in report.finding("certificate")["message"]


def test_a_test_certificate_that_may_not_sign_code_is_an_error(machine: Machine) -> None:
    _put(machine, Identity.make("x", TIME_STAMPING))

    report = machine.doctor("--for", "sign")

    assert report.missing == ["certificate"]
    assert "do not include code signing" in report.finding("certificate")["message"]


# --- a PKCS #12 file --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("_tools", ["real tools"], indirect=True, scope="session")
def test_a_pkcs12_file_is_opened_and_its_password_is_never_shown(machine: Machine) -> None:
    machine.configure(OWN)
    machine.kdrvgen("config.toml")
    assert "no such file" in machine.doctor("--for", "sign").finding("certificate")["message"]

    (machine.folder / "own.pfx").write_bytes(GOOD.pfx(SECRET))
    report = machine.doctor("--for", "sign")
    assert report.missing == ["certificate"]
    assert "the variable OWN_PASSWORD" in report.finding("certificate")["message"]

    report = machine.with_env(OWN_PASSWORD="wrong " + SECRET).doctor("--for", "sign")
    assert report.missing == ["certificate"]
    assert "the password in OWN_PASSWORD" in report.finding("certificate")["message"]
    assert SECRET not in report.text

    report = machine.with_env(OWN_PASSWORD=SECRET).doctor("--for", "sign")
    assert report.code == 0
    assert _thumbprint(GOOD) in report.finding("certificate")["message"]
    assert SECRET not in report.text


def _openssl(machine: Machine, *, unsupported: str = "", legacy: str = "", output: str) -> None:
    """Install an openssl that prints `output`, or fails with other texts."""
    lines = []
    if legacy:
        lines.append(f'case "$*" in *-legacy) echo "{legacy}"; exit 1;; esac')
    if unsupported:
        lines.append(f'case "$*" in *-legacy) ;; *) echo "{unsupported}"; exit 1;; esac')
    lines.append(f"printf %s '{output}'")
    machine.install("openssl", f'echo "$*" >> {machine.home}/called\n' + "\n".join(lines))


UNSUPPORTED = "digital envelope routines:inner_evp_generic_fetch:unsupported"


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("unsupported", "legacy", "message"),
    [
        ("", "", "valid until"),
        (UNSUPPORTED, "", "valid until"),
        (UNSUPPORTED, "pkcs12: unable to load provider legacy", "provider `legacy` is missing"),
        ("invalid password?", "unable to load provider legacy", "the password in OWN_PASSWORD"),
        (UNSUPPORTED, "invalid password?", "the password in OWN_PASSWORD is wrong"),
    ],
)
def test_what_openssl_prints_about_a_pkcs12_file_decides(
    machine: Machine, unsupported: str, legacy: str, message: str
) -> None:
    machine.configure(OWN)
    machine.kdrvgen("config.toml")
    (machine.folder / "own.pfx").touch()
    pem = GOOD.certificate_pem().decode()
    _openssl(machine, unsupported=unsupported, legacy=legacy, output=pem)

    own = machine.with_env(OWN_PASSWORD=SECRET)
    report = own.doctor("--for", "sign")

    assert message in report.finding("certificate")["message"]
    assert report.finding("certificate")["place"]["file"] == str(machine.folder / "own.pfx")
    called = (machine.home / "called").read_text("utf-8")
    file = machine.folder / "own.pfx"
    assert f"pkcs12 -in {file} -passin env:OWN_PASSWORD -nokeys -clcerts\n" in called
    assert SECRET not in called + report.text


def test_a_pkcs12_file_is_not_opened_without_openssl(machine: Machine) -> None:
    machine.configure(OWN.replace('pfx-password-env = "OWN_PASSWORD"\n', ""))
    (machine.folder / "own.pfx").touch()
    machine.uninstall("openssl")
    report = machine.doctor("--for", "sign")
    assert "not opened on this machine" in report.finding("certificate")["message"]
    # The task checks every signature with it.
    assert report.finding("openssl")["severity"] == "error"

    _openssl(machine, unsupported="invalid password?", legacy="invalid password?", output="")
    finding = machine.doctor("--for", "sign").finding("certificate")
    assert "the file has a password, or it is not" in finding["message"]
    assert "signing.pfx-password-env" in finding["help"]
    assert "-passin pass: " in (machine.home / "called").read_text("utf-8")


def test_a_driver_that_is_not_signed_needs_no_certificate(machine: Machine) -> None:
    machine.configure(CONFIG + 'mode = "off"\n')
    machine.kdrvgen("config.toml")
    finding = machine.doctor("--for", "sign").finding("certificate")
    assert 'not needed: signing.mode is "off"' in finding["message"]
    machine.uninstall("osslsigncode")
    assert machine.doctor("--for", "sign").code == 0


def test_a_certificate_store_is_searched_and_its_certificates_are_offered(tmp_path: Path) -> None:
    stores = {
        ("Own", False): [_der(Identity.make("Another", CODE_SIGNING)), b"damaged"],
        ("Own", True): [_der(GOOD)],
        ("My", True): [_der(Identity.make("Old", CODE_SIGNING, days=(-9, -1)))],
    }
    host = dataclasses.replace(
        this_host(tmp_path, 5),
        system="windows",
        certificates=lambda name, is_machine: stores.get((name, is_machine), []),
    )
    signing = Signing(mode="certificate", store="Own", subject="My Company")

    finding = store_certificate(host, signing)

    assert finding.severity is Severity.ERROR
    assert finding.file == "store Own of CurrentUser"
    first, second, third = finding.help.splitlines()
    assert first == "in the configuration, set one of"
    assert "CN=Another" in second
    assert "machine-store" not in second
    assert f'signing.thumbprint = "{_thumbprint(GOOD)}", signing.machine-store = true' in third

    found = store_certificate(host, signing.model_copy(update={"machine_store": True}))
    assert found.severity is Severity.OK
    assert found.file == "store Own of LocalMachine"

    empty = store_certificate(dataclasses.replace(host, certificates=lambda *_: []), signing)
    assert "import one" in empty.help


def test_a_windows_certificate_store_is_an_error_on_linux(machine: Machine) -> None:
    machine.configure(CONFIG + 'mode = "certificate"\n')

    assert (
        "of Windows, which this machine does not have"
        in machine.doctor("--for", "sign").finding("certificate")["message"]
    )


def test_doctor_checks_only_the_selected_profile(machine: Machine) -> None:
    machine.configure(
        CONFIG + '[profiles.production]\nsigning.mode = "certificate"\nsigning.pfx = "a"\n'
    )
    machine.kdrvgen("config.toml")

    assert machine.doctor().code == 0
    assert machine.doctor("--profile", "production").missing == ["certificate"]


def test_a_missing_additional_certificate_is_reported_with_its_path(machine: Machine) -> None:
    machine.configure(CONFIG + 'additional-certificates = ["chain.pem"]\n')

    finding = machine.doctor("--for", "sign").finding("certificate", "additional")

    assert finding["place"]["file"].endswith("/chain.pem")


# --- several in a store -----------------------------------------------------------------------


def _candidate(identity: Identity) -> Candidate:
    return Candidate("My", machine=False, certificate=der.parse(_der(identity)))


def test_the_one_valid_certificate_among_several_is_chosen() -> None:
    good = Identity.make("My Company GmbH", CODE_SIGNING)
    others = [
        Identity.make("My Company GmbH", CODE_SIGNING, days=(-9, -1)),
        Identity.make("My Company GmbH", TIME_STAMPING),
        Identity.make("Another", CODE_SIGNING),
    ]
    found = [_candidate(each) for each in (*others, good)]

    by_name = choose(Signing(mode="certificate", subject="my company"), found, NOW)
    assert by_name.severity is Severity.OK
    assert _thumbprint(good) in by_name.message

    by_thumbprint = choose(
        Signing(mode="certificate", thumbprint=_thumbprint(others[0])), found, NOW
    )
    assert by_thumbprint.severity is Severity.ERROR
    assert "expired" in by_thumbprint.message


def test_two_valid_certificates_with_one_name_are_an_error() -> None:
    found = [_candidate(Identity.make("My Company", CODE_SIGNING)) for _ in range(2)]

    finding = choose(Signing(mode="certificate", subject="My Company"), found, NOW)

    assert finding.severity is Severity.ERROR
    assert finding.message.startswith("certificate: 2 certificates")


def test_a_certificate_that_expires_soon_is_a_note() -> None:
    found = [_candidate(Identity.make("x", CODE_SIGNING, days=(-1, 9)))]

    assert choose(Signing(mode="certificate", subject="x"), found, NOW).severity is Severity.NOTE


def test_a_name_that_no_certificate_has_is_an_error() -> None:
    finding = choose(Signing(mode="certificate", subject="Nobody"), [_candidate(GOOD)], NOW)

    assert finding.message == "certificate: no certificate with CN=Nobody (1 in the store)"


# --- reading a certificate --------------------------------------------------------


@pytest.mark.parametrize("days", [(-20_000, 2), (-1, 20_000)])
def test_the_der_reader_agrees_with_cryptography(days: tuple[int, int]) -> None:
    identity = Identity.make('名前 \\ "x"', TIME_STAMPING, GOOD, days=days)

    read = der.parse(_der(identity))

    assert read.subject == '名前 \\ "x"'
    assert read.thumbprint == _thumbprint(identity)
    assert read.not_before == identity.certificate.not_valid_before_utc
    assert read.not_after == identity.certificate.not_valid_after_utc
    assert not read.may_sign_code


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (_utc("1950-01-01"), _utc("2049-12-31T23:59:59")),
        (_utc("1999-12-31T23:00:00"), _utc("2000-01-01")),
        (_utc("2049-12-31"), _utc("2050-01-01")),
        (_utc("2050-01-01"), _utc("9999-12-31T23:59:59")),
    ],
)
def test_a_year_of_two_digits_is_one_from_1950_to_2049(
    first: dt.datetime, last: dt.datetime
) -> None:
    read = der.parse(_unusual(dates=(first, last)))

    assert read.not_before == first
    assert read.not_after == last


@pytest.mark.parametrize(
    ("usages", "may_sign_code"),
    [
        ([], True),
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], True),
        ([TIME_STAMPING, CODE_SIGNING], True),
        ([TIME_STAMPING], False),
    ],
)
def test_a_certificate_may_sign_code_by_its_extended_key_usages(
    usages: list[x509.ObjectIdentifier], may_sign_code: bool
) -> None:
    assert der.parse(_unusual(usages=usages)).may_sign_code is may_sign_code


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("café", _ASN1Type.UTF8String),
        ("cafe", _ASN1Type.PrintableString),
        ("cafe", _ASN1Type.IA5String),
        ("caf\u0915", _ASN1Type.BMPString),
    ],
)
def test_a_common_name_is_read_in_each_encoding(text: str, kind: _ASN1Type) -> None:
    country = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Other")
    name = x509.NameAttribute(NameOID.COMMON_NAME, text, _type=kind)

    assert der.parse(_unusual(x509.Name([country, name]))).subject == text
    assert der.parse(_unusual(x509.Name([country]))).subject == ""


def _unusual(
    subject: x509.Name = _NAME,
    *,
    dates: tuple[dt.datetime, dt.datetime] = _DATES,
    usages: list[x509.ObjectIdentifier] | None = None,
) -> bytes:
    builder = (
        x509.CertificateBuilder(_NAME, subject, GOOD.key.public_key(), 1, *dates)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )  # fmt: skip
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(GOOD.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_part_of_a_certificate_is_none() -> None:
    whole = _der(GOOD)
    for end in range(len(whole)):
        with pytest.raises(ValueError, match=r".") as caught:
            der.parse(whole[:end])
        assert str(caught.value) in {
            "not an X.509 certificate",
            "a value is longer than the value around it",
            "not enough values to unpack (expected at least 1, got 0)",
        }


@given(st.data())
def test_a_damaged_certificate_is_read_or_raises_value_error(data: st.DataObject) -> None:
    whole = bytearray(_der(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))

    for damaged in (bytes(whole), bytes(whole[:cut])):
        try:
            der.parse(damaged)
        except ValueError:
            continue
