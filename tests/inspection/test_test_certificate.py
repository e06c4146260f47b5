"""Which certificate an image must be signed with, and what happens if that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

import kdrvgen
from kdrvgen import load
from kdrvgen.inspection.signature.certificates import load_all
from kdrvgen.rendering.environment import certificate_id
from tests.inspection.assembled import assembled
from tests.inspection.support import Verify, rules
from tests.inspection.test_comparison import BASE
from tests.pipeline.authority import CODE_SIGNING, Identity

PFX = 'mode = "certificate"\npfx = "own.pfx"\npfx-password-env = "PASSWORD"\n'


@pytest.fixture(scope="module")
def identities() -> tuple[Identity, Identity]:
    """Two of one name."""
    made = [Identity.make("DriverCertificate", CODE_SIGNING) for _ in range(2)]
    return made[0], made[1]


@pytest.fixture
def image(tmp_path: Path, identities: tuple[Identity, Identity]) -> Path:
    path = tmp_path / "hello.sys"
    path.write_bytes(assembled(identities[0]))
    (tmp_path / "config.toml").write_text(BASE, "utf-8")
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the test certificates of this machine."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "data/kdrvgen/certificates"
    folder.mkdir(parents=True)
    return folder


def _der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def _compared(image: Path) -> dict[str, str]:
    found = rules(image, config=image.with_name("config.toml"), least="warning")
    return {rule: value for rule, value in found.items() if rule.startswith("config-certificate")}


def _identity_file(home: Path, config: Path) -> Path:
    return home / f"{certificate_id(load(config).signing)}.pem"


def test_without_a_certificate_the_signer_is_a_warning(image: Path) -> None:
    assert list(_compared(image)) == ["config-certificate-unchecked"]


def test_the_exported_certificate_identifies_the_signer(
    image: Path, identities: tuple[Identity, Identity]
) -> None:
    image.with_suffix(".cer").write_bytes(_der(identities[0]))
    assert _compared(image) == {}
    image.with_suffix(".cer").write_bytes(_der(identities[1]))
    (value,) = _compared(image).values()
    own, other = (load_all(_der(identity))[0].thumbprint for identity in identities)
    assert value == (
        f"signing.certificate-file is {other}, the signer is CN=DriverCertificate ({own})"
    )
    assert list(_compared(image)) == ["config-certificate"]


def test_the_identity_of_the_host_identifies_the_signer(
    image: Path, home: Path, identities: tuple[Identity, Identity]
) -> None:
    file = _identity_file(home, image.with_name("config.toml"))
    file.write_bytes(identities[0].stored())
    assert _compared(image) == {}
    file.write_bytes(identities[1].stored())
    assert list(_compared(image)) == ["config-certificate"]


def test_a_damaged_certificate_is_as_none(image: Path) -> None:
    image.with_suffix(".cer").write_bytes(b"damaged")
    assert list(_compared(image)) == ["config-certificate-unchecked"]


def test_a_pfx_with_a_password_is_a_warning_unless_its_certificate_is_passed(
    image: Path, identities: tuple[Identity, Identity], verify: Verify
) -> None:
    config = image.with_name("config.toml")
    config.write_text(BASE + PFX, "utf-8")
    image.with_name("own.pfx").write_bytes(identities[0].pfx("secret"))
    image.with_name("own.cer").write_bytes(_der(identities[0]))
    image.with_name("other.cer").write_bytes(_der(identities[1]))

    assert list(_compared(image)) == ["config-certificate-unchecked"]
    passed = verify(image, "--trust", image.with_name("own.cer"))
    assert passed.code == 0
    assert "config-certificate-unchecked" not in passed.out
    other = verify(image, "--trust", image.with_name("other.cer"))
    assert other.code == 6
    assert "[certificate-untrusted]" in other.out


def test_a_pfx_without_a_password_identifies_the_signer(
    image: Path, identities: tuple[Identity, Identity]
) -> None:
    image.with_name("config.toml").write_text(BASE + PFX, "utf-8")
    image.with_name("own.pfx").write_bytes(identities[0].pfx(""))
    assert _compared(image) == {}
    image.with_name("own.pfx").write_bytes(identities[1].pfx(""))
    assert list(_compared(image)) == ["config-certificate"]


LIBRARY = 'mode = "certificate"\ntool = "signtool"\ndlib = "sign.dll"\n'
NAMED = 'mode = "certificate"\nsubject = "DriverCertificate"\n'


@pytest.mark.parametrize(
    ("keys", "key"),
    [(NAMED, "signing.thumbprint"), (LIBRARY, "signing.public-certificate")],
)
def test_a_certificate_without_a_file_is_a_warning_unless_its_authority_is_passed(
    image: Path, keys: str, key: str
) -> None:
    """Anyone can make a certificate of this name."""
    root = Identity.make("Authority", CODE_SIGNING)
    signer = Identity.make("DriverCertificate", CODE_SIGNING, root)
    config = image.with_name("config.toml")
    config.write_text(BASE + keys, "utf-8")
    trusted = image.with_name("root.pem")
    trusted.write_bytes(root.certificate_pem())
    signed = image.with_name("signed.sys")
    signed.write_bytes(assembled(signer))

    for path in (image, signed):
        (found,) = (each for each in _findings(path, config) if "certificate-un" in each.rule)
        assert (found.rule, found.severity) == ("config-certificate-unchecked", "warning")
        assert key in found.help
    rules_found = [each.rule for each in _findings(signed, config, trusted)]
    assert "config-certificate-unchecked" not in rules_found
    rules_found = [each.rule for each in _findings(image, config, trusted)]
    assert "certificate-untrusted" in rules_found


def test_a_certificate_of_a_signing_library_can_have_any_name(tmp_path: Path) -> None:
    """Only a certificate in a store is selected by signing.subject."""
    path, config = tmp_path / "hello.sys", tmp_path / "config.toml"
    path.write_bytes(assembled(Identity.make("My Company", CODE_SIGNING)))
    for keys, is_wrong in ((LIBRARY, False), (NAMED, True)):
        config.write_text(BASE + keys, "utf-8")
        found = {each.rule for each in _findings(path, config)}
        assert ("config-certificate" in found) is is_wrong


def _findings(image: Path, config: Path, *trust: Path) -> tuple[kdrvgen.Finding, ...]:
    return kdrvgen.verify(image, config=config, trust=trust).findings
