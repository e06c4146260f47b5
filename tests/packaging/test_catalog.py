"""Catalogs are those of inf2cat, byte for byte."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms

from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import Member, member_of
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.catalog.write import Content, identifier_for, write_catalog, write_ctl
from tests.inspection.assembled import assembled
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import need

FACTS = json.loads(Path(__file__).with_name("inf2cat.json").read_text("utf-8"))["catalogs"]
DATE = dt.datetime(2025, 6, 30, tzinfo=dt.UTC)
FILES = {"hello.inf": b"[Version]", "firmware.bin": b"\0\1"}


def content(*systems: str, ids: tuple[str, ...] = (r"Root\Hello",)) -> Content:
    members = tuple(member_of(name, data) for name, data in FILES.items())
    versions = tuple(WINDOWS[name.lower()] for name in systems)
    return Content(members, versions, ids, identifier_for(members), DATE)


@pytest.mark.parametrize(
    "fact", FACTS, ids=lambda fact: f"{fact['date'][:10]}-{fact['systems'][0]}"
)
def test_the_list_of_a_real_catalog_is_reproduced(fact: dict[str, Any]) -> None:
    made = write_ctl(
        Content(
            tuple(
                Member(name, is_image, bytes.fromhex(sha1), bytes.fromhex(sha256))
                for name, is_image, sha1, sha256 in fact["members"]
            ),
            tuple(WINDOWS[name.lower()] for name in fact["systems"]),
            tuple(fact["ids"]),
            bytes.fromhex(fact["identifier"]),
            dt.datetime.fromisoformat(fact["date"]),
        )
    )

    assert hashlib.sha256(made).hexdigest() == fact["ctl"]


def test_both_versions_are_among_the_real_ones() -> None:
    assert {fact["systems"][0] for fact in FACTS} == {"7_X64", "10_X64", "10_X86", "Server10_ARM64"}


@pytest.mark.parametrize(
    ("systems", "version"), [(["7_X64", "10_X64"], 1), (["8_X64"], 2), (["10_VB_X64"], 2)]
)
def test_a_catalog_is_read_back(systems: list[str], version: int) -> None:
    given = content(*systems)
    found = read_catalog(write_catalog(given))

    assert (found.version, found.is_signed, found.ctl) == (version, False, write_ctl(given))
    assert all(map(found.has, given.members))
    assert not found.has(member_of("hello.inf", b"[version]"))


def test_a_catalog_is_a_message_for_another_parser() -> None:
    message = cms.ContentInfo.load(write_catalog(content("10_X64")), strict=True)

    inner = message["content"]["encap_content_info"]
    assert inner["content_type"].native == "1.3.6.1.4.1.311.10.1"
    assert message.dump(force=True) == write_catalog(content("10_X64"))


def test_systems_and_hardware_ids_are_named() -> None:
    made = write_ctl(content("7_X64", "10_RS5_X64", ids=("*PNP0F13", r"PCI\VEN_1", "*pnp0f13")))

    for text in ("7X64,_v100_X64_RS5", "2:6.1,2:10.0", "pnp0f13", r"pci\ven_1"):
        assert f"{text}\0".encode("utf-16-le") in made
    order = [made.index(name.encode("utf-16-be")) for name in ("OS\0"[:2], "HWID2", "HWID1")]
    assert order[1] < order[2]
    assert "HWID3".encode("utf-16-be") not in made


def test_the_digest_of_an_image_is_the_same_before_and_after_signing() -> None:
    signed = assembled(Identity.make("signer", CODE_SIGNING))
    size = int.from_bytes(signed[0x78 + 24 + 112 + 32 : 0x78 + 24 + 112 + 36], "little")
    unsigned = bytearray(signed[:size])
    unsigned[0x78 + 24 + 112 + 32 : 0x78 + 24 + 112 + 40] = bytes(8)

    assert member_of("A.sys", signed) == member_of("a.sys", bytes(unsigned))
    assert member_of("a.sys", signed).is_image
    # A tool that signs fills the file up to a multiple of 8 bytes.
    assert member_of("a.sys", bytes(unsigned) + b"\0") == member_of(
        "a.sys", bytes(unsigned) + bytes(8)
    )


@pytest.mark.parametrize("data", [b"MZ", b"MZ" + bytes(62) + b"PE\0\0", b"text", b""])
def test_a_file_that_only_begins_like_an_image_is_a_file(data: bytes) -> None:
    member = member_of("x", data)

    assert not member.is_image
    assert member.sha256 == hashlib.sha256(data).digest()


@pytest.mark.slow
def test_osslsigncode_signs_a_catalog_and_finds_the_image_in_it(tmp_path: Path) -> None:
    need("osslsigncode")
    identity = Identity.make("signer", CODE_SIGNING)
    image = assembled(identity)
    (tmp_path / "hello.sys").write_bytes(image)
    members = (member_of("hello.sys", image), member_of("hello.inf", b"x"))
    made = write_catalog(Content(members, (WINDOWS["10_x64"],), (), identifier_for(members), DATE))
    (tmp_path / "hello.cat").write_bytes(made)
    (tmp_path / "signer.crt").write_bytes(identity.certificate_pem())
    (tmp_path / "signer.key").write_bytes(identity.key_pem())

    sign = ["sign", "-certs", "signer.crt", "-key", "signer.key", "-in", "hello.cat"]
    verify = ["verify", "-catalog", "s.cat", "-CAfile", "signer.crt", "-in", "hello.sys"]
    for arguments in ([*sign, "-out", "s.cat"], verify):
        argv = ["osslsigncode", *arguments]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    found = read_catalog((tmp_path / "s.cat").read_bytes())
    assert found.is_signed
    assert found.ctl == read_catalog(made).ctl
