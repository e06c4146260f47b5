"""Helpers for the tests of `kdrvgen verify`: run it, change images, sign them."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

import kdrvgen
from kdrvgen.cli import main
from kdrvgen.inspection.signature import der
from kdrvgen.inspection.signature.pkcs7 import octets
from tests.inspection.assembled import countersignature, stamp_token
from tests.pipeline.authority import TIME_STAMPING, Identity

_DAY = 86400  # seconds


class Result(NamedTuple):
    """The exit code and the output of a run."""

    code: int
    out: str
    err: str


Verify = Callable[..., Result]


def verify_runner(capsys: pytest.CaptureFixture[str]) -> Verify:
    """Return a function that runs `kdrvgen verify` with some arguments."""

    def run(*words: str | Path) -> Result:
        code = main(["verify", *map(str, words)])
        output = capsys.readouterr()
        return Result(code, output.out, output.err)

    return run


def rules(
    path: Path, *, least: str = "note", config: Path | None = None, trust: tuple[Path, ...] = ()
) -> dict[str, str]:
    """Return the rules that an image breaks, each with its evidence."""
    kept = {"error": ("error",), "warning": ("error", "warning")}
    severities = kept.get(least, ("error", "warning", "note"))
    found = kdrvgen.verify(path, config=config, trust=trust).findings
    return {
        each.rule: str(each.source).partition(": ")[2]
        for each in found
        if each.severity in severities
    }


class Fields:
    """The offsets of the fields of a PE32+ image (Microsoft Learn, "PE Format")."""

    def __init__(self, data: bytes) -> None:
        self.coff = int.from_bytes(data[0x3C:0x40], "little")
        self.optional = self.coff + 24
        self.sections = self.optional + 240
        self.security = self.directory(4)
        self.table: tuple[int, int] = struct.unpack_from("<II", data, self.security)

    def directory(self, index: int) -> int:
        """Return the offset of a data directory."""
        return self.optional + 112 + 8 * index

    def section(self, index: int) -> int:
        """Return the offset of a section's header."""
        return self.sections + 40 * index


def patched(data: bytes, *patches: tuple[int, bytes]) -> bytes:
    """Return the bytes, with some of them replaced."""
    changed = bytearray(data)
    for offset, content in patches:
        changed[offset : offset + len(content)] = content
    return bytes(changed)


def long(value: int) -> bytes:
    """Return 32 bits in the byte order of a PE file."""
    return value.to_bytes(4, "little")


def short(value: int) -> bytes:
    """Return 16 bits in the byte order of a PE file."""
    return value.to_bytes(2, "little")


def imported(name: bytes) -> Callable[[bytes], bytes]:
    """Return a change of the function that tests.inspection.assembled's image imports."""
    hint = (0x2160).to_bytes(8, "little")
    return lambda image: patched(
        image, (0x760, b"\0\0" + name + b"\0"), (0x680, hint), (0x690, hint)
    )


def with_table(data: bytes, table: bytes) -> bytes:
    """Return an image with another attribute certificate table."""
    at = Fields(data)
    changed = data[: at.table[0]] + table
    return patched(changed, (at.security + 4, long(len(table))))


def table_entry(content: bytes, kind: int = 2, revision: int = 0x200) -> bytes:
    """Return an entry of the attribute certificate table."""
    padded = content + bytes(-len(content) % 8)
    return struct.pack("<IHH", len(padded) + 8, revision, kind) + padded


def signature_in(data: bytes) -> bytes:
    """Return the first signature of an image."""
    start = Fields(data).table[0] + 8
    return data[start : der.extent(data, start, len(data))[1]]


def with_signature(data: bytes, change: Callable[[cms.SignedData], None]) -> bytes:
    """Return an image whose signature `change` was applied to."""
    start = Fields(data).table[0]
    info = cms.ContentInfo.load(data[start + 8 :])
    change(info["content"])
    return with_table(data, table_entry(info.dump()))


def sign_again(message: cms.SignedData, signer: Identity) -> None:
    """Sign the content and the attributes of a message again, after a change of them."""
    content = octets(octets(message["encap_content_info"]["content"].dump()))
    info = message["signer_infos"][0]
    for attribute in info["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            attribute["values"] = [hashlib.sha256(content).digest()]
    attributes = b"\x31" + info["signed_attrs"].dump(force=True)[1:]
    info["signature"] = signer.key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())


def with_stamp(
    data: bytes, authority: Identity, time: bytes = b"20240229120000Z", kind: str = "rfc3161"
) -> bytes:
    """Return an image whose signature has a timestamp; `kind` is `rfc3161` or `authenticode`."""

    def change(signed_data: cms.SignedData) -> None:
        signer = signed_data["signer_infos"][0]
        signature = signer["signature"].native
        if kind == "rfc3161":
            token = cms.ContentInfo.load(stamp_token(signature, authority, time))
            signer["unsigned_attrs"] = [{"type": "microsoft_time_stamp_token", "values": [token]}]
        else:
            counter = cms.SignerInfo.load(countersignature(signature, authority, time))
            signer["unsigned_attrs"] = [{"type": "counter_signature", "values": [counter]}]
            certificate = authority.certificate.public_bytes(Encoding.DER)
            signed_data["certificates"].append(cms.CertificateChoices.load(certificate))

    return with_signature(data, change)


def unsigned(image: Path, into: Path) -> Path:
    """Remove the signatures from an image."""
    argv: list[str | Path] = ["osslsigncode", "remove-signature", "-in", image, "-out", into]
    subprocess.run(argv, check=True, capture_output=True)
    return into


def sign(image: Path, into: Path, identity: Identity, *options: str | Path) -> Path:
    """Sign an image; `options` can add other certificates."""
    folder = into.parent
    certificate, key = folder / "signer.pem", folder / "signer.key"
    certificate.write_bytes(identity.certificate_pem())
    key.write_bytes(identity.key_pem())
    argv: list[str | Path] = ["osslsigncode", "sign", "-certs", certificate, "-key", key]
    argv += [*options, "-in", image, "-out", into]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return into


def stamped_by(folder: Path, day: int, days: tuple[int, int] = (-60, 60)) -> tuple[str | Path, ...]:
    """Return the options with which osslsigncode adds a timestamp, some days from now."""
    root = Identity.make("Stamp Root", TIME_STAMPING, days=(-90, 90))
    identity = Identity.make("Stamp", TIME_STAMPING, root, days=days)
    certificate, key = folder / "stamp.pem", folder / "stamp.key"
    certificate.write_bytes(identity.certificate_pem() + root.certificate_pem())
    key.write_bytes(identity.key_pem())
    moment = str(int(time.time()) + day * _DAY)
    return "-TSA-certs", certificate, "-TSA-key", key, "-TSA-time", moment
