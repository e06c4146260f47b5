"""Unusual names and numbers that `kdrvgen verify` must accept."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kdrvgen.doctor.probes.signing import tiny_image
from tests.deep import remove_chain
from tests.inspection.support import Verify, verify_runner
from tests.pipeline.support import need
from tests.tools import ON_POSIX

NO_TEXT = b"b\xffd.sys".decode("utf-8", "surrogateescape")


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    return verify_runner(capsys)


def _signed(image: Path, serial: int) -> tuple[Path, Path]:
    """Sign an image by a certificate with this serial number; return both."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old signer")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(key, hashes.SHA256())
    )
    # cryptography rejects such a number, so change the certificate and sign it again.
    whole = asn1.Certificate.load(made.public_bytes(serialization.Encoding.DER))
    whole["tbs_certificate"]["serial_number"] = serial
    body = whole["tbs_certificate"].dump(force=True)
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    whole["signature_value"] = core.OctetBitString(signature)
    certificate, key_file, into = (image.with_name(each) for each in ("c.pem", "key", "signed.sys"))
    text = base64.encodebytes(whole.dump(force=True))
    certificate.write_bytes(
        b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"
    )
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    argv: list[str | Path] = ["osslsigncode", "sign", "-certs", certificate, "-key", key_file]
    subprocess.run([*argv, "-in", image, "-out", into], check=True, capture_output=True)
    return into, certificate


@pytest.mark.slow
@pytest.mark.parametrize("serial", [0, -5, -(2**70)])
def test_a_certificate_with_a_serial_number_below_1_is_read_without_a_warning(
    tmp_path: Path, serial: int
) -> None:
    need("osslsigncode")
    image = tmp_path / "image.sys"
    image.write_bytes(tiny_image())
    signed, certificate = _signed(image, serial)
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-m", "kdrvgen", "verify"),
            *(signed, "--trust", certificate, "--format", "json"),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (signature,) = json.loads(done.stdout)["images"][0]["signatures"]
    assert signature["verifies"]
    assert signature["subject"] == "CN=Old signer"


def test_a_damaged_file_for_trust_is_a_usage_error(verify: Verify, tmp_path: Path) -> None:
    file = tmp_path / "c.pem"
    for content in (b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAA\n"):
        file.write_bytes(content + b"-----END CERTIFICATE-----\n")
        done = verify(file, "--trust", file)
        assert done.code == 2
        assert "does not contain a certificate" in done.err


def test_an_image_whose_name_is_not_text_works_in_every_format(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(NO_TEXT).write_bytes(b"no image")
    for form in ("human", "json", "github", "sarif"):
        done = verify(NO_TEXT, "--format", form, "--html", "page.html")
        assert done.code == 6, done.err
        if form == "sarif":
            result = json.loads(done.out)["runs"][0]["results"][0]
            place = result["locations"][0]["physicalLocation"]
            assert place["artifactLocation"]["uri"] == "b%FFd.sys"
    assert r"b\udcffd.sys" in Path("page.html").read_text("utf-8")


@pytest.mark.slow
def test_images_are_found_1500_folders_deep(verify: Verify, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 1500)
    try:
        for each in (*reversed(deep.parents), deep):
            each.mkdir(exist_ok=True)
        (deep / "a.sys").write_bytes(b"no image")
        (tmp_path / "B.SYS").write_bytes(b"no image")
        (tmp_path / "folder.sys").mkdir()
        (tmp_path / "round").symlink_to(".")
        done = verify(tmp_path, "--format", "json")
    finally:
        remove_chain(tmp_path / "d")
    assert done.code == 6, done.err
    found = [image["path"] for image in json.loads(done.out)["images"]]
    assert found == [str(tmp_path / "B.SYS"), str(deep / "a.sys")]


def test_a_folder_that_cannot_be_listed_is_an_error(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.sys").write_bytes(b"no image")
    real = os.scandir

    def scandir(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("closed"):  # root can list any folder
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = verify(tmp_path)
    assert done.code == 8
    assert "closed: Permission denied" in done.err


@ON_POSIX
def test_a_pipe_is_an_error_and_does_not_block(verify: Verify, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.sys")
    for named in (tmp_path, tmp_path / "pipe.sys"):
        done = verify(named)
        assert done.code == 8
        assert "is a device or a pipe" in done.err


def test_html_overwrites_only_a_report(verify: Verify, tmp_path: Path) -> None:
    image, page = tmp_path / "a.sys", tmp_path / "page.html"
    image.write_bytes(b"no image")
    for _ in range(2):
        assert verify(image, "--html", page).code == 6
        assert "a.sys" in page.read_text("utf-8")
    done = verify(image, "--html", image)
    assert done.code == 2
    assert "would overwrite a file that is not a report" in done.err
    assert image.read_bytes() == b"no image"
