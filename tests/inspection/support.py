"""Helpers for the tests of `kdrvgen verify`: run it, change images, sign them."""

from __future__ import annotations

import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import kdrvgen
from kdrvgen.cli import main
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
