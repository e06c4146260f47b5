"""The comparison of an image with config.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspection.support import Fields, Verify, long, patched, rules, short, sign, unsigned
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import X64, Project

I686 = "i686-pc-windows-msvc"


def _configure(project: Project, text: str) -> Path:
    """Replace config.toml; the image does not change."""
    path = project.folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


BASE = '[driver]\nname = "hello"\n[signing]\ntimestamp-url = ""\n'


DIFFERENT = [
    (
        BASE.replace("[signing]", f'target = "{I686}"\n[signing]'),
        "config-machine",
        f"AMD64 (0x8664), configured: {I686}",
    ),
    (
        BASE.replace("[signing]", 'entry-point = "begin"\n[signing]'),
        "config-entry-point",
        "no begin",
    ),
    (BASE + 'digest = "sha384"\n', "config-digest", "sha256, configured: sha384"),
    (BASE + "page-hashes = true\n", "config-page-hashes", "SpcPeImageData has none"),
    (BASE.replace('""', '"http://stamp/"'), "config-timestamp", "none, configured: rfc3161"),
    (BASE + 'mode = "off"\n', "config-unasked-signature", "CN=DriverCertificate"),
    (
        BASE + 'mode = "certificate"\nsubject = "My Company"\n',
        "config-certificate",
        "signing.subject is CN=My Company, the signer is CN=DriverCertificate",
    ),
    (
        BASE + f'mode = "certificate"\nthumbprint = "{"A1" * 20}"\n',
        "config-certificate",
        f"signing.thumbprint is {'A1' * 20}, the signer is CN=DriverCertificate",
    ),
    (
        BASE + '[linker]\nremove = ["/INTEGRITYCHECK"]\n',
        "config-integrity-check",
        "0x01E0",
    ),
    (BASE + "[linker]\nreproducible = true\n", "config-reproducible", "0x"),
]


@pytest.mark.parametrize(("config", "rule", "value"), DIFFERENT)
def test_a_difference_from_the_configuration_is_reported(
    project: Project, config: str, rule: str, value: str
) -> None:
    found = rules(project.sys, config=_configure(project, config))

    assert value in found[rule]
    assert {each for each in found if each.startswith("config-")} == {rule}


def test_a_removed_integrity_check_is_not_reported(project: Project, tmp_path: Path) -> None:
    image = project.sys.read_bytes()
    path = tmp_path / "without.sys"
    path.write_bytes(patched(image, (Fields(image).optional + 70, short(0x160))))
    config = _configure(project, BASE + '[linker]\nremove = ["/INTEGRITYCHECK"]\n')

    assert "image-integrity-check" in rules(path)
    assert "image-integrity-check" not in rules(path, config=config)


def test_an_entry_point_at_another_function_is_reported(project: Project, tmp_path: Path) -> None:
    image = project.sys.read_bytes()
    path = tmp_path / "elsewhere.sys"
    path.write_bytes(patched(image, (Fields(image).optional + 16, long(0x1000))))

    found = rules(path, config=project.folder / "config.toml")

    assert found["config-entry-point"].startswith("0x1000, but driver_entry is at 0x")


@pytest.mark.slow
def test_with_signing_mode_off_a_missing_signature_is_only_a_warning(
    project: Project, tmp_path: Path
) -> None:
    bare = unsigned(project.sys, tmp_path / "bare.sys")
    config = _configure(project, BASE + 'mode = "off"\n')

    assert "signature-missing" in rules(bare, config=config)
    assert "signature-missing" not in rules(bare, config=config, least="error")


@pytest.mark.slow
def test_the_signer_must_be_the_configured_public_certificate(
    project: Project, tmp_path: Path
) -> None:
    own = Identity.make("My Company", CODE_SIGNING)
    (project.folder / "own.cer").write_bytes(own.certificate_pem())
    bare = unsigned(project.sys, tmp_path / "bare.sys")
    signed = sign(bare, tmp_path / "signed.sys", own)
    config = _configure(
        project,
        BASE
        + 'mode = "certificate"\ntool = "signtool"\npublic-certificate = "own.cer"\n'
        + 'csp = "A Provider"\nkey-container = "a key"\n',
    )

    assert "config-certificate" not in rules(signed, config=config)
    assert "config-certificate" in rules(project.sys, config=config)


def test_the_profile_comes_from_the_folder_unless_it_is_given(
    driver: Project, verify: Verify
) -> None:
    text = (driver.folder / "config.toml").read_text(encoding="utf-8")
    config = driver.home / "production.toml"
    config.write_text(f'{text}[profiles.production]\nsigning.digest = "sha384"\n', "utf-8")
    debug, release = driver.sys, driver.output(profile="production")

    assert verify("--config", config, debug).code == 0
    assert verify("--config", config, release).code == 6
    assert verify("--config", config, "--profile", "production", debug).code == 6
    assert verify("--config", config, "--profile", "development", release).code == 0
    assert verify("--no-config", release).code == 0


def test_an_image_in_the_folder_of_another_target_is_reported(project: Project) -> None:
    other = project.output(target=I686)
    other.write_bytes(project.output(target=X64).read_bytes())

    found = rules(other, config=project.folder / "config.toml")

    assert found["config-machine"] == f"AMD64 (0x8664), configured: {I686}"


def test_an_invalid_configuration_is_reported_with_its_place(
    project: Project, verify: Verify
) -> None:
    _configure(project, '[driver]\nnme = "hello"\n')

    result = verify(project.sys)

    assert result.code == 3
    assert "config.toml:2:1" in result.err
