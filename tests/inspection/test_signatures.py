"""Signatures, certificates and timestamps are verified."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.x509.oid import ObjectIdentifier

import kdrvgen
from kdrvgen.inspection.pe.image import read_image
from kdrvgen.inspection.signature.page_hashes import page_hashes_match
from tests.inspection.support import (
    Fields,
    long,
    patched,
    rules,
    sign,
    sign_again,
    stamped_by,
    unsigned,
    with_signature,
)
from tests.pipeline.authority import CODE_SIGNING, Authority, Identity
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

CLIENT_AUTHENTICATION = ObjectIdentifier("1.3.6.1.5.5.7.3.2")


@pytest.fixture(scope="module")
def signer() -> Identity:
    return Identity.make("Signer", CODE_SIGNING)


@pytest.fixture
def bare(driver: Project, tmp_path: Path) -> Path:
    """The image without its signature."""
    return unsigned(driver.sys, tmp_path / "bare.sys")


def _regions(image: bytes) -> dict[str, tuple[int, int]]:
    at = Fields(image)
    checksum = at.optional + 64
    regions = {
        "DOS header": (2, 0x3C),
        "DOS stub": (0x40, at.coff),
        "COFF header": (at.coff + 8, at.coff + 20),
        "optional header": (at.optional + 2, checksum),
        "after the checksum": (checksum + 4, checksum + 8),
        "directories": (at.directory(5), at.directory(15)),
        "after the section table": (at.section(4), at.section(4) + 40),
    }
    for index, name in enumerate((".text", ".rdata", ".pdata", ".reloc")):
        header = at.section(index)
        size, offset = (
            int.from_bytes(image[header + 16 + skip : header + 20 + skip], "little")
            for skip in (0, 4)
        )
        regions[name] = (offset, offset + size)
    return regions


def test_a_flipped_bit_in_the_signed_parts_is_reported(image: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hello.sys"
    for name, (first, last) in _regions(image).items():
        for offset in {first, (first + last) // 2, last - 1}:
            path.write_bytes(patched(image, (offset, bytes([image[offset] ^ 1]))))

            assert "signature-digest" in rules(path, least="error"), (name, offset)


def test_the_digest_does_not_cover_the_checksum(image: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hello.sys"
    path.write_bytes(patched(image, (Fields(image).optional + 64, long(1))))

    assert list(rules(path, least="error")) == ["image-checksum"]


def test_a_flipped_bit_in_the_signature_is_reported(
    driver: Project, image: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "hello.sys"
    config = driver.folder / "config.toml"
    start, size = Fields(image).table
    missed = []
    for offset in range(start + 8, start + size - 8, 7):
        path.write_bytes(patched(image, (offset, bytes([image[offset] ^ 1]))))
        found = rules(path, least="error", config=config).keys() - {"image-checksum"}
        if not found:
            missed.append(offset - start)
    # No digest covers the empty parameters of algorithms and their lengths, which kdrvgen does not
    # use.
    assert len(missed) <= 2, missed


def test_a_removed_signature_is_reported(driver: Project, bare: Path) -> None:
    assert "signature-missing" in rules(bare, least="error")
    assert "signature-missing" in rules(bare, config=driver.folder / "config.toml", least="error")


def test_the_signature_of_another_image_is_reported(driver: Project, tmp_path: Path) -> None:
    """The images have one length, so that everything but the digest matches."""
    image = driver.sys.read_bytes()
    start, size = Fields(image).table
    other = patched(image, (Fields(image).coff + 8, long(0x12345678)))
    (tmp_path / "other.sys").write_bytes(other)
    again = sign(
        unsigned(tmp_path / "other.sys", tmp_path / "bare.sys"),
        tmp_path / "again.sys",
        Identity.make("DriverCertificate", CODE_SIGNING),
    ).read_bytes()
    swapped = again[: Fields(again).table[0]] + image[start : start + size]
    path = tmp_path / "swapped.sys"
    path.write_bytes(patched(swapped, (Fields(swapped).security + 4, long(size))))

    assert "signature-digest" in rules(path, least="error")


def test_another_certificate_with_the_same_name_is_reported(
    driver: Project, bare: Path, tmp_path: Path
) -> None:
    namesake = Identity.make("DriverCertificate", CODE_SIGNING)
    path = sign(bare, tmp_path / "hello.sys", namesake)
    own = driver.cer

    assert rules(path, least="error") == {}
    assert "config-certificate" in rules(path, config=driver.folder / "config.toml")
    assert "certificate-untrusted" in rules(path, trust=(own,), least="error")


def test_the_digest_agrees_with_osslsigncode(driver: Project) -> None:
    output = subprocess.run(
        ["osslsigncode", "verify", "-in", driver.sys], capture_output=True, text=True, check=False
    ).stdout
    (line,) = (each for each in output.splitlines() if each.startswith("Calculated message digest"))

    (signature,) = kdrvgen.verify(driver.sys).signatures

    assert signature.computed.hex() == line.partition(": ")[2].strip().lower()


def test_a_chain_is_followed_to_the_trusted_root(bare: Path, tmp_path: Path) -> None:
    root = Identity.make("Root", CODE_SIGNING)
    leaf = Identity.make("Leaf", CODE_SIGNING, root)
    stranger = Identity.make("Stranger", CODE_SIGNING)
    for name, identity in (("root", root), ("stranger", stranger)):
        (tmp_path / f"{name}.pem").write_bytes(identity.certificate_pem())
    alone = sign(bare, tmp_path / "alone.sys", leaf)
    whole = sign(bare, tmp_path / "whole.sys", leaf, "-ac", tmp_path / "root.pem")

    trust_root, trust_stranger = (tmp_path / "root.pem",), (tmp_path / "stranger.pem",)
    assert "certificate-chain" in rules(alone, least="error")
    assert rules(alone, trust=trust_root, least="error") == {}
    assert "certificate-chain" in rules(alone, trust=trust_stranger, least="error")
    assert rules(whole)["certificate-unknown-root"] == "CN=Leaf ← CN=Root"
    assert "certificate-untrusted" in rules(whole, trust=trust_stranger, least="error")


def test_a_certificate_that_may_not_issue_others_is_not_part_of_a_chain(
    bare: Path, tmp_path: Path
) -> None:
    root = Identity.make("Root", CODE_SIGNING)
    no_authority = Identity.make("Middle", CODE_SIGNING, root)
    leaf = Identity.make("Leaf", CODE_SIGNING, no_authority)
    (tmp_path / "all.pem").write_bytes(no_authority.certificate_pem() + root.certificate_pem())
    path = sign(bare, tmp_path / "hello.sys", leaf, "-ac", tmp_path / "all.pem")

    assert "CN=Middle may not issue" in rules(path, least="error")["certificate-issuer"]


def test_a_certificate_for_another_usage_is_reported(bare: Path, tmp_path: Path) -> None:
    path = sign(bare, tmp_path / "hello.sys", Identity.make("Other", CLIENT_AUTHENTICATION))

    assert "1.3.6.1.5.5.7.3.2" in rules(path, least="error")["certificate-usage"]


def test_an_expired_certificate_is_an_error_unless_a_timestamp_proves_the_time(
    bare: Path, tmp_path: Path
) -> None:
    expired = Identity.make("Old", CODE_SIGNING, days=(-30, -10))
    plain = sign(bare, tmp_path / "plain.sys", expired)
    stamped = sign(bare, tmp_path / "stamped.sys", expired, *stamped_by(tmp_path, -20))
    trust = _trusted(tmp_path / "a.pem", expired, tmp_path / "stamp.pem")
    too_late = sign(bare, tmp_path / "late.sys", expired, *stamped_by(tmp_path, -5))
    trust_late = _trusted(tmp_path / "b.pem", expired, tmp_path / "stamp.pem")

    assert "certificate-validity" in rules(plain, least="error")
    assert rules(stamped, least="error", trust=trust) == {}
    assert "certificate-validity" in rules(too_late, least="error", trust=trust_late)


def test_a_timestamp_that_is_not_trusted_proves_nothing(bare: Path, tmp_path: Path) -> None:
    expired = Identity.make("Old", CODE_SIGNING, days=(-30, -10))
    stamped = sign(bare, tmp_path / "stamped.sys", expired, *stamped_by(tmp_path, -20))
    (tmp_path / "old.pem").write_bytes(expired.certificate_pem())

    for trust in ((), (tmp_path / "old.pem",)):
        found = rules(stamped, least="error", trust=trust)
        assert "not from a trusted authority" in found["certificate-validity"]


def _trusted(into: Path, identity: Identity, more: Path) -> tuple[Path]:
    """Write the certificates of an identity and of a file into one file to trust."""
    into.write_bytes(identity.certificate_pem() + more.read_bytes())
    return (into,)


def test_a_certificate_that_is_not_valid_yet_is_reported(bare: Path, tmp_path: Path) -> None:
    path = sign(bare, tmp_path / "hello.sys", Identity.make("New", CODE_SIGNING, days=(10, 20)))

    assert "certificate-validity" in rules(path, least="error")


def test_a_timestamp_by_an_authority_that_was_not_valid_is_invalid(
    bare: Path, tmp_path: Path, signer: Identity
) -> None:
    path = sign(bare, tmp_path / "hello.sys", signer, *stamped_by(tmp_path, -20, days=(-3, 3)))

    assert "was not valid at its time" in rules(path, least="error")["timestamp-invalid"]


def test_a_timestamp_of_another_signature_is_invalid(
    bare: Path, tmp_path: Path, signer: Identity
) -> None:
    path = sign(bare, tmp_path / "hello.sys", signer, *stamped_by(tmp_path, -1))
    data = path.read_bytes()
    (signature,) = kdrvgen.verify(path).signatures
    assert signature.timestamp
    imprint = kdrvgen.verify(path).signatures[0]
    assert not imprint.problem
    at = data.rindex(b"\x18\x0f20")  # GeneralizedTime: the year of genTime
    path.write_bytes(patched(data, (at + 4, b"19")))

    assert "timestamp-invalid" in rules(path, least="error")


def test_page_hashes_are_recognized(bare: Path, tmp_path: Path, signer: Identity) -> None:
    path = sign(bare, tmp_path / "hello.sys", signer, "-ph")

    assert kdrvgen.verify(path).signatures[0].page_hashes == "sha256"
    assert rules(path, least="error") == {}


def test_wrong_page_hashes_are_an_error(bare: Path, tmp_path: Path, signer: Identity) -> None:
    data = sign(bare, tmp_path / "hello.sys", signer, "-ph").read_bytes()
    table = data.index(bytes.fromhex("060a2b060104018237020302"))
    wrong = patched(data, (table + 60, bytes([data[table + 60] ^ 1])))

    (tmp_path / "wrong.sys").write_bytes(
        with_signature(wrong, lambda each: sign_again(each, signer))
    )

    found = rules(tmp_path / "wrong.sys", least="error")
    assert found["signature-invalid"].endswith("its page hashes are not those of the image")


def test_a_second_table_of_page_hashes_is_not_accepted(
    bare: Path, tmp_path: Path, signer: Identity
) -> None:
    data = sign(bare, tmp_path / "hello.sys", signer, "-ph").read_bytes()
    image = read_image(data)
    assert image
    identifier = bytes.fromhex("060a2b060104018237020302")
    content = data[data.index(identifier) - 8 :]

    assert page_hashes_match(content, image.headers, data)
    assert not page_hashes_match(identifier + content, image.headers, data)


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_signatures_with_longer_digests_verify(
    bare: Path, tmp_path: Path, signer: Identity, digest: str
) -> None:
    assert rules(sign(bare, tmp_path / "h.sys", signer, "-h", digest), least="error") == {}


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_a_broken_digest_algorithm_is_reported(
    bare: Path, tmp_path: Path, signer: Identity, digest: str
) -> None:
    path = sign(bare, tmp_path / "hello.sys", signer, "-h", digest)

    assert rules(path, least="error") == {"signature-weak-digest": digest}


def test_a_timestamp_of_today_does_not_excuse_a_broken_digest_algorithm(
    bare: Path, tmp_path: Path, signer: Identity
) -> None:
    stamped = stamped_by(tmp_path, -1)
    path = sign(bare, tmp_path / "hello.sys", signer, "-h", "sha1", *stamped)
    trust = _trusted(tmp_path / "all.pem", signer, tmp_path / "stamp.pem")

    assert rules(path, least="error", trust=trust) == {"signature-weak-digest": "sha1"}


def test_a_nested_signature_is_verified(bare: Path, tmp_path: Path, signer: Identity) -> None:
    first = sign(bare, tmp_path / "first.sys", signer, "-h", "sha1")
    both = sign(first, tmp_path / "both.sys", signer, "-h", "sha256", "-nest")

    found = rules(both)

    assert found["signature-several"] == "sha1 by Signer, sha256 by Signer"
    assert rules(both, least="error") == {}
    assert [each.nested for each in kdrvgen.verify(both).signatures] == [False, True]


def test_data_after_the_signature_is_reported(driver: Project, tmp_path: Path) -> None:
    path = tmp_path / "hello.sys"
    shutil.copy(driver.sys, path)
    with path.open("ab") as stream:
        stream.write(b"payload!")

    assert rules(path, least="error")["image-data-after-signature"] == "8 bytes"


def test_data_in_the_entry_after_the_signature_is_reported(image: bytes, tmp_path: Path) -> None:
    at = Fields(image)
    start, size = at.table
    path = tmp_path / "hello.sys"
    path.write_bytes(
        patched(
            image + b"payload!",
            (at.security + 4, long(size + 8)),
            (start, long(size + 8)),
        )
    )

    assert "bytes, SHA-256" in rules(path)["signature-trailing-data"]
    assert "signature-digest" not in rules(path)


def test_a_table_beyond_the_end_of_the_file_is_reported(image: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hello.sys"
    path.write_bytes(patched(image, (Fields(image).security, long(0x7FFFFFF0))))

    assert {"signature-table", "image-truncated"} <= rules(path, least="error").keys()


def test_a_signature_with_an_elliptic_curve_key_verifies(bare: Path, tmp_path: Path) -> None:
    key, certificate = tmp_path / "ec.key", tmp_path / "ec.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-noenc", "-subj", "/CN=Curve", "-addext", "extendedKeyUsage=codeSigning"]
    argv += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    path = tmp_path / "hello.sys"
    argv = ["osslsigncode", "sign", "-certs", str(certificate), "-key", str(key)]
    subprocess.run([*argv, "-in", bare, "-out", path], check=True, capture_output=True)

    assert rules(path, least="error") == {}
    (signature,) = kdrvgen.verify(path).signatures
    assert signature.signer
    assert signature.signer.rsa_bits is None


@pytest.mark.parametrize(("option", "protocol"), [("-t", "authenticode"), ("-ts", "rfc3161")])
def test_a_timestamp_of_either_protocol_verifies(
    bare: Path, tmp_path: Path, signer: Identity, option: str, protocol: str
) -> None:
    path = tmp_path / "hello.sys"
    (tmp_path / "authority").mkdir()
    with Authority.start(tmp_path / "authority") as authority:
        sign(bare, path, signer, option, authority.url)

    (signature,) = kdrvgen.verify(path).signatures

    assert signature.timestamp
    assert (signature.timestamp.protocol, signature.timestamp.problem) == (protocol, "")
    assert signature.timestamp.time
    assert abs(signature.timestamp.time.timestamp() - time.time()) < 600
    assert rules(path, least="error") == {}
    assert "CN=Time Stamp Root" in rules(path)["timestamp-untrusted"]
    assert list(rules(path, trust=(authority.roots, tmp_path / "signer.pem"))) == [
        "certificate-self-signed"
    ]
