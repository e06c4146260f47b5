"""`[signing]` for the calls of signtool, makecert and PowerShell."""

from __future__ import annotations

import pytest

from kdrvgen.adopt.read.findings import DIFFERENCE, UNKNOWN
from tests.adopt.support import adopted, messages

SIGN = '[tasks.sign]\nscript = ["signtool sign {}"]\n'


SIGNING: dict[str, dict[str, object]] = {
    "/s My /n A": {"mode": "certificate", "store": "My", "subject": "A", "timestamp_url": ""},
    "/sm /s My /n CN=A": {"machine_store": True, "subject": "A"},
    "/sha1 00112233445566778899aabbccddeeff00112233": {
        "mode": "certificate",
        "thumbprint": "00112233445566778899AABBCCDDEEFF00112233",
    },
    "/f a.pfx /p %KEY_WORD%": {
        "mode": "certificate",
        "pfx": "a.pfx",
        "pfx_password_env": "KEY_WORD",
    },
    "/n A /fd SHA512 /tr http://t.example.org /td SHA512": {
        "digest": "sha512",
        "timestamp_url": "http://t.example.org",
        "timestamp_protocol": "rfc3161",
    },
    "/n A /t http://t.example.org": {"timestamp_protocol": "authenticode"},
    "/n A /ac one.cer /ac two.cer /ph": {
        "additional_certificates": ("one.cer", "two.cer"),
        "page_hashes": True,
    },
    '/f own.cer /csp \\"A Provider\\" /kc key-1': {
        "mode": "certificate",
        "public_certificate": "own.cer",
        "csp": "A Provider",
        "key_container": "key-1",
        "pfx": "",
    },
    "/f own.cer /csp P /kc [{{correct-horse}}]=key": {"key_container_env": "KEY_CONTAINER"},
    "/f own.cer /csp P /kc %KEY%": {"key_container_env": "KEY", "key_container": ""},
    "/dlib tools\\\\Sign.dll /dmdf meta.json": {
        "mode": "certificate",
        "dlib": "tools/Sign.dll",
        "dmdf": "meta.json",
    },
    "-n A -s My": {"subject": "A", "store": "My"},
}


@pytest.mark.parametrize("switches", SIGNING)
def test_switches_of_signtool_become_keys(switches: str) -> None:
    adoption = adopted(makefile=SIGN.replace("{}", f"{switches} hello.sys"))

    signing = adoption.project.signing
    assert "correct-horse" not in f"{adoption.annotated}{adoption.findings}"
    expected = SIGNING[switches]
    assert {name: getattr(signing, name) for name in expected} == expected


@pytest.mark.parametrize("switch", ["/d Name", "/du http://example.org", "/as", "/td sha384"])
def test_a_switch_without_a_key_is_reported(switch: str) -> None:
    adoption = adopted(makefile=SIGN.format(f"/n A /fd sha256 {switch} hello.sys"))

    reported = [message for message in messages(adoption, DIFFERENCE) if "to signtool" in message]
    assert reported
    assert switch.split(maxsplit=1)[0] in reported[0]
    assert reported[0].startswith("Makefile.toml:2")


def test_a_certificate_with_another_name_is_not_the_one_that_signs() -> None:
    adoption = adopted(
        makefile='[tasks.sign]\nscript = ["makecert -r -ss S -n CN=B b.cer", '
        '"signtool sign /s S /n A hello.sys"]\n'
    )

    assert adoption.project.signing.mode == "certificate"
    assert adoption.project.signing.subject == "A"


def test_a_certificate_that_powershell_creates_is_found() -> None:
    adoption = adopted(
        makefile='[tasks.sign]\nscript = ["powershell -File make.ps1", '
        '"signtool sign /fd sha256 /s My /n Test /tr http://t.example.org /td sha256 hello.sys"]\n',
        **{
            "make.ps1": "$made = New-SelfSignedCertificate -Type CodeSigningCert `\n"
            "    -Subject 'CN=Test' -CertStoreLocation Cert:\\LocalMachine\\My\n"
        },
    )

    signing = adoption.project.signing
    assert (signing.mode, signing.store, signing.subject) == ("test", "My", "Test")
    assert signing.machine_store
    assert not messages(adoption, UNKNOWN)


def test_a_certificate_file_needs_no_store() -> None:
    signing = adopted(makefile=SIGN.replace("{}", "/f a.pfx /s Own hello.sys")).project.signing

    assert signing.pfx == "a.pfx"
    assert signing.store != "Own"
