"""The blog's own driver, from config.toml to RUNNING in Wine's kernel."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

PROFILES = ("development", "production")
FORCE_INTEGRITY, NX_COMPAT, DYNAMIC_BASE = 0x80, 0x100, 0x40
NO_TIMESTAMP = ("-e", "DRIVER_TIMESTAMP_URL=")
LOADED = "hello: loaded, MmIsAddressValid(start) = true, MmIsAddressValid(null) = false"


@pytest.mark.parametrize("profile", PROFILES)
def test_it_is_built_renamed_signed_and_loads_in_wine(
    make_project: MakeProject, smoke: Callable[..., str], profile: str
) -> None:
    project = make_project(None)

    output = smoke(project, *NO_TIMESTAMP, profile=profile)

    assert f"smoke: log: {LOADED}" in output
    assert "smoke: log: hello: unloaded" in output
    assert "was RUNNING and is unloaded" in output
    path = project.output(profile=profile)
    image = Image.read(path)
    assert image.subsystem == NATIVE
    assert image.is_signed
    assert image.checksum != 0
    assert image.characteristics & (FORCE_INTEGRITY | NX_COMPAT | DYNAMIC_BASE) == (
        FORCE_INTEGRITY | NX_COMPAT | DYNAMIC_BASE
    )
    assert project.verifies(path)
    verified = project.make("--profile", profile, *NO_TIMESTAMP, "verify")
    assert "verify: signed by /CN=DriverCertificate" in verified


def test_one_flipped_byte_anywhere_in_the_image_fails_verification(project: Project) -> None:
    project.make()
    assert project.verifies()
    image = Image.read(project.sys)
    offset, _ = image.signature
    places = {
        "DOS stub": 0x4E,
        "time in the header": image.header + 8,
        "entry point": image.header + 40,
        "last byte before the signature": offset - 1,
        "inside the signature": offset + image.signature[1] // 2,
        **{f"section {name}": start + size // 2 for name, _, start, size in image.sections()},
    }
    flipped = project.folder / "flipped.sys"
    unnoticed = []
    for place, where in places.items():
        data = bytearray(image.data)
        data[where] ^= 1
        flipped.write_bytes(data)
        if project.verifies(flipped):
            unnoticed.append(place)
    assert not unnoticed

    project.sys.write_bytes(flipped.read_bytes())
    assert project.verifies() is False


def test_production_is_optimised_and_development_is_not(project: Project) -> None:
    overflow = b"attempt to add with overflow"

    development = project.make("sign")
    production = project.make("--profile", "production", "sign")

    assert "`dev` profile [unoptimized" in development
    assert overflow in project.sys.read_bytes()
    assert "`release` profile [optimized" in production
    release = project.output(profile="production")
    assert overflow not in release.read_bytes()
    assert release.stat().st_size < project.sys.stat().st_size


def test_an_unknown_profile_is_named_and_builds_nothing(project: Project) -> None:
    output = project.fail("--profile", "prodution", "sign")

    assert "this project has no profile `prodution`" in output
    assert not project.built


def test_a_custom_profile_builds_with_its_cargo_profile(make_project: MakeProject) -> None:
    project = make_project(
        """\
[driver]
name = "hello"
[signing]
timestamp-url = ""
[profiles.field]
cargo-profile = "field"
"""
    )
    with (project.folder / "Cargo.toml").open("a", encoding="utf-8") as manifest:
        manifest.write('\n[profile.field]\ninherits = "release"\noverflow-checks = true\n')

    project.make("--profile", "field")

    image = project.output(profile="field")
    assert project.verifies(image)
    assert b"attempt to add with overflow" in image.read_bytes()


ALL_TARGETS = """\
[driver]
name = "hello"
targets = ["x86_64-pc-windows-msvc", "i686-pc-windows-msvc", "aarch64-pc-windows-msvc"]
[signing]
timestamp-url = ""
"""


@pytest.mark.parametrize(
    ("target", "machine", "exported"),
    [
        ("i686-pc-windows-msvc", 0x14C, "driver_entry"),
        ("aarch64-pc-windows-msvc", 0xAA64, "driver_entry"),
    ],
)
def test_another_target_is_chosen_for_one_run(
    make_project: MakeProject, target: str, machine: int, exported: str
) -> None:
    project = make_project(ALL_TARGETS)

    project.make("-e", f"DRIVER_TARGET={target}", "verify")

    path = project.output(target=target)
    image = Image.read(path)
    assert image.machine == machine
    assert image.subsystem == NATIVE
    # x86 exports a stdcall function decorated, or plain by rustc's .def file.
    entries = {name.strip("_").partition("@")[0]: at for name, at in image.exports().items()}
    assert image.entry == entries[exported]
    assert project.verifies(path)
    assert not project.sys.exists()


def test_one_task_signs_all_targets(make_project: MakeProject) -> None:
    project = make_project(ALL_TARGETS)

    project.make("--profile", "production", "sign-all")

    machines = {}
    for target in ("x86_64", "i686", "aarch64"):
        path = project.output(profile="production", target=f"{target}-pc-windows-msvc")
        assert project.verifies(path)
        machines[target] = Image.read(path).machine
    assert machines == {"x86_64": 0x8664, "i686": 0x14C, "aarch64": 0xAA64}


@pytest.mark.parametrize("target", ["armv7-pc-windows-msvc", "aarch64-pc-windows-msvc", ""])
def test_a_target_that_is_not_configured_is_refused(project: Project, target: str) -> None:
    output = project.fail("-e", f"DRIVER_TARGET={target}", "sign")

    assert (
        f"DRIVER_TARGET is `{target}`" in output if target else "DRIVER_TRIPLE is not set" in output
    )
    assert not project.built


def test_smoke_reports_a_target_that_wine_cannot_load(make_project: MakeProject) -> None:
    project = make_project(
        '[driver]\nname = "hello"\ntarget = "aarch64-pc-windows-msvc"\n'
        '[signing]\ntimestamp-url = ""\n'
    )

    assert "cannot load a driver for aarch64-pc-windows-msvc" in project.fail("smoke")


def test_smoke_is_independent_of_the_callers_wine(
    project: Project, smoke: Callable[..., str]
) -> None:
    assert "was RUNNING" in smoke(project, WINEARCH="win32", WINEDEBUG="+all", WINEPREFIX="/nope")


def test_smoke_fails_for_a_driver_that_refuses_to_start(
    project: Project, smoke: Callable[..., str]
) -> None:
    smoke(project)
    failure = "Err(kernel::nt::status::STATUS_UNSUCCESSFUL)"
    project.edit("src/lib.rs", "    Ok(())\n", f"    {failure}\n")

    assert "hello.sys does not start in Wine's kernel" in project.fail("smoke")


def test_smoke_fails_for_a_driver_that_cannot_be_unloaded(
    project: Project, smoke: Callable[..., str]
) -> None:
    smoke(project)
    project.edit("src/lib.rs", "driver_unload = Some(unload)", "driver_unload = None")

    assert "does not unload" in project.fail("smoke")


def test_the_test_certificate_is_fit_for_code_signing_and_its_key_is_private(
    make_project: MakeProject, new_user: Path
) -> None:
    project = make_project(home=new_user)

    project.make("sign")

    pem = project.identity.read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size >= 3072
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == "sha256"
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CODE_SIGNING]
    assert [(each.oid, each.value) for each in certificate.subject] == [
        (NameOID.COMMON_NAME, "DriverCertificate")
    ]
    validity = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert validity.days == 365
    assert project.identity.stat().st_mode & 0o777 == 0o600
    assert project.certificates.stat().st_mode & 0o777 == 0o700
    exported = project.cer
    assert x509.load_der_x509_certificate(exported.read_bytes()) == certificate
    assert exported.stat().st_mode & 0o444 == 0o444
    leaked = [
        path
        for path in project.folder.rglob("*")
        if path.is_file() and b"BEGIN PRIVATE KEY" in path.read_bytes()
    ]
    assert not leaked
