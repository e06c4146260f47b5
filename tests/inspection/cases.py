"""Images that break a rule, and images that could seem to, by the subjects of the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Unpack

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from kdrvgen.inspection.signature.cross import CODE_VERIFICATION_ROOT
from tests.inspection.assembled import assembled
from tests.inspection.support import (
    Fields,
    imported,
    long,
    patched,
    short,
    with_signature,
    with_stamp,
    with_table,
)
from tests.inspection.test_chains import CA, Extensions, certificate_of, issued
from tests.inspection.test_comparison import BASE, DIFFERENT
from tests.inspection.test_hidden_data import PAYLOAD, SIGNATURES, TABLES
from tests.inspection.test_rules import BROKEN, NOT_PAGED, READ, WRITE
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity

__all__ = ["CLEAN", "GROUPS", "stamped_by"]

CODE = 0x410  # the offset of the listed function
Change = Callable[[bytes], bytes]
Case = tuple[Change, Change, str]
"""What to change before signing and after it, and a configuration to compare with, or ""."""


def _same(image: bytes) -> bytes:
    return image


def _before(change: Change, config: str = "") -> Case:
    return change, _same, config


def _after(change: Change, config: str = "") -> Case:
    return _same, change, config


def _patch(patches: Callable[[Fields], Sequence[tuple[int, bytes]]]) -> Change:
    return lambda image: patched(image, *patches(Fields(image)))


def _bytes(old: bytes, new: bytes) -> Change:
    return lambda image: image.replace(old, new.ljust(len(old), b"\0"))


def _machine(number: int, *more: Change) -> Change:
    def change(image: bytes) -> bytes:
        for each in (_patch(lambda at: [(at.coff + 4, short(number))]), *more):
            image = each(image)
        return image

    return change


def _code(code: bytes, *, is_listed: bool = True) -> Change:
    """Return a change of the function, of its end in .pdata, and of the size of .text."""

    def change(image: bytes) -> bytes:
        end = image.index(long(0x1010) + long(0x1013)) + 4
        size = [(end, long(0x1010 + len(code)))] if is_listed else []
        return patched(image, (CODE, code), (Fields(image).section(0) + 8, long(0x100)), *size)

    return change


def _by_ordinal(image: bytes) -> bytes:
    ordinal = (1 << 63 | 42).to_bytes(8, "little")
    return patched(image, (0x680, ordinal), (0x690, ordinal))


def _both(one: Change, other: Change) -> Change:
    return lambda image: other(one(image))


def _with_overlay(image: bytes) -> bytes:
    return image + b"more"


def stamped_by(usage: x509.ObjectIdentifier) -> Change:
    return lambda image: with_stamp(image, Identity.make("Stamps", usage))


def _table(change: Change) -> Change:
    return lambda image: with_table(image, change(image[Fields(image).table[0] :]))


def _signature(change: Callable[[cms.SignedData], None]) -> Change:
    return lambda image: with_signature(image, change)


def _nested(image: bytes) -> bytes:
    def change(signed_data: cms.SignedData) -> None:
        own = cms.ContentInfo.load(image[Fields(image).table[0] + 8 :])
        attribute = {"type": "microsoft_nested_signature", "values": [own]}
        signed_data["signer_infos"][0]["unsigned_attrs"] = [attribute]

    return with_signature(image, change)


def _unverified(signed_data: cms.SignedData) -> None:
    signed_data["signer_infos"][0]["signature"] = PAYLOAD


def _contradictory(signed_data: cms.SignedData) -> None:
    signed_data["signer_infos"][0]["signature_algorithm"]["algorithm"] = "sha1_rsa"


def _other_algorithms(signed_data: cms.SignedData) -> None:
    signed_data["digest_algorithms"][0]["algorithm"] = "sha1"


@cache
def _key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _signed_by(**options: Unpack[Extensions]) -> Case:
    """Return an image by a self-signed certificate."""
    options.setdefault("key", _key(2048))
    return _after(lambda _: assembled(issued("Signer", **options)))


def _issued_by(*, is_included: bool, usages: tuple[x509.ObjectIdentifier, ...] = ()) -> Change:
    """Return an image by a certificate of an authority, and a false cross-certificate."""

    def change(_: bytes) -> bytes:
        root = issued("Root", constraints=CA, usages=usages, key=_key(2048))
        microsoft = issued(CODE_VERIFICATION_ROOT, constraints=CA, key=_key(2048))
        cross = issued("Root", microsoft, constraints=CA, usages=usages, key=root.key)
        image = assembled(issued("Signer", root, usages=(CODE_SIGNING,), key=_key(2048)))

        def add(signed_data: cms.SignedData) -> None:
            for each in (root, cross) if is_included else ():
                choice = cms.CertificateChoices.load(certificate_of(each).der)
                signed_data["certificates"].append(choice)

        return with_signature(image, add)

    return change


def _stamped_by_a_stranger(image: bytes) -> bytes:
    return with_stamp(image, Identity.make("Stamps", TIME_STAMPING, days=(-3000, 30)))


CLEAN = _before(_same)
UMDF = BASE.replace("[signing]", 'model = "umdf"\n[signing]')
PACKAGE = f'{BASE}[package]\nkind = "device"\nprovider = "Me"\nminimum-build = 10240\n'
GROUPS: dict[str, dict[str, Case]] = {
    "image": {
        "no image": _after(lambda image: image[:2]),
        **{
            rule: _before(_patch(patches))
            for rule, patches in BROKEN.items()
            if rule.startswith("image-") and "checksum" not in rule
        },
        "checksum": _after(_patch(BROKEN["image-checksum"])),
        "no checksum": _after(_patch(BROKEN["image-checksum-missing"])),
        "32-bit ARM": _before(_machine(0x1C4)),
        "entry point in data": _before(_patch(lambda at: [(at.optional + 16, long(0x2000))])),
        "entry point in code that is not executable": _before(
            _patch(lambda at: [(at.section(0) + 36, long(0x4800_0020))])
        ),
        "entry point outside": _before(_patch(lambda at: [(at.optional + 16, long(0x9000))])),
        "integrity check needed": _before(
            _both(imported(b"ObRegisterCallbacks"), _patch(BROKEN["image-integrity-check"]))
        ),
        "integrity check configured": _before(_patch(BROKEN["image-integrity-check"]), BASE),
        "path of the PDB": _before(_bytes(b"hello.pdb", b"C:\\h.pdb")),
        "a section after a gap": _before(_patch(lambda at: [(at.section(1) + 12, long(0x3000))])),
        "no sections": _before(_patch(lambda at: [(at.coff + 6, short(0))])),
        "longer headers than the file": _before(
            _patch(lambda at: [(at.optional + 60, long(0x100000))])
        ),
        "data after the last section": _before(_with_overlay),
        "data after the signature": _after(_with_overlay),
        "a table beyond the end": _after(_patch(lambda at: [(at.security + 4, long(0x100000))])),
        "a driver for UMDF": _before(
            _patch(lambda at: [(at.optional + 68, short(2)), (at.optional + 70, short(0x1A0))]),
            UMDF,
        ),
        "a driver for UMDF that is native": _before(_same, UMDF),
    },
    "sections": {
        rule: _before(_patch(patches))
        for rule, patches in BROKEN.items()
        if rule.startswith("section-")
    }
    | {
        "INIT that is writable": _before(
            _patch(
                lambda at: [
                    (at.section(0), b"INIT\0\0\0\0"),
                    (at.section(0) + 36, long(0xE200_0020)),
                ]
            )
        ),
        "two of one name": _before(_patch(lambda at: [(at.section(1), b".text\0\0\0")])),
        "data that is writable and executable": _before(
            _patch(lambda at: [(at.section(1) + 36, long(READ | WRITE | NOT_PAGED | 0x2000_0040))])
        ),
    },
    "imports": {
        rule: _before(_patch(patches))
        for rule, patches in BROKEN.items()
        if rule.startswith("import-")
    }
    | {
        "user mode": _before(_bytes(b"ntoskrnl.exe", b"kernel32.dll")),
        "user mode in a driver for UMDF": _before(_bytes(b"ntoskrnl.exe", b"kernel32.dll"), UMDF),
        "another driver": _before(_bytes(b"ntoskrnl.exe", b"another.sys")),
        "another driver by ordinal": _before(
            _both(_bytes(b"ntoskrnl.exe", b"another.sys"), _by_ordinal)
        ),
        "without +verbatim": _before(_bytes(b"ntoskrnl.exe", b"hal.dll.dll")),
        "by ordinal": _before(_by_ordinal),
        "an unreadable name": _before(_bytes(b"ntoskrnl.exe", b"\xff\x01\x02")),
        "a name in the headers": _before(lambda image: patched(image, (0x6AC, long(0x60)))),
        "of a newer Windows": _before(_bytes(b"DbgPrint", b"MmMapMdl")),
        "of a newer Windows than configured": _before(_bytes(b"DbgPrint", b"MmMapMdl"), PACKAGE),
        "of a newer Windows in a driver for UMDF": _before(_bytes(b"DbgPrint", b"MmMapMdl"), UMDF),
    },
    "code": {
        "AVX": _before(_code(b"\xc5\xfc\x28\xc1")),
        "AVX that clears": _before(_code(b"\xc5\xf8\x77")),
        "AVX with a mask": _before(_code(b"\xc5\xf8\x92\xc8")),
        "AVX in a driver for UMDF": _before(_code(b"\xc5\xfc\x28\xc1"), UMDF),
        "AVX in a function that is not listed": _before(
            _code(b"\xc5\xfc\x28\xc1", is_listed=False)
        ),
        "SSE on x86": _before(_machine(0x14C, _code(b"\x0f\x57\xc0\xc3"))),
        "MMX on x86": _before(_machine(0x14C, _code(b"\x0f\x6f\x00\xc3"))),
        "SSE on x86 behind a jump": _before(
            _machine(0x14C, _code(b"\xeb\x01\xff\x0f\x57\xc0\xc3"))
        ),
        "SSE on x86 after the end": _before(_machine(0x14C, _code(b"\xc3\x0f\x57\xc0"))),
        "SSE on x86 that is saved": _before(
            _machine(
                0x14C,
                _code(b"\x0f\x57\xc0\xc3"),
                imported(b"KeSaveFloatingPointState"),
            )
        ),
        "a large frame": _before(_bytes(b"DbgPrint", b"__chkstk")),
        "a large frame on ARM64": _before(_machine(0xAA64, _bytes(b"DbgPrint", b"__chkstk"))),
    },
    "signatures": {
        "changed after signing": _after(lambda image: patched(image, (CODE, b"\xcc\xcc"))),
        "none": _after(lambda image: with_table(image, b"")),
        "none on x86": (
            _machine(0x14C, _patch(BROKEN["image-integrity-check"])),
            lambda image: with_table(image, b""),
            "",
        ),
        "a test certificate on x86": _before(
            _machine(0x14C, _patch(BROKEN["image-integrity-check"]))
        ),
        "two": _after(_table(lambda own: own + own)),
        "one in the other": _after(_nested),
        "not verified": _after(_signature(_unverified)),
        "a contradictory algorithm": _after(_signature(_contradictory)),
        "other digest algorithms": _after(_signature(_other_algorithms)),
        "a timestamp": _after(stamped_by(TIME_STAMPING)),
        "a timestamp by a certificate for another usage": _after(stamped_by(CODE_SIGNING)),
        **{f"table: {name}": _after(_table(change)) for name, (change, _) in TABLES.items()},
        **{
            f"signature: {name}": _after(_signature(change))
            for name, (change, *_) in SIGNATURES.items()
        },
    },
    "certificates": {
        "for another usage": _signed_by(usages=(TIME_STAMPING,)),
        "for any usage": _signed_by(),
        "not for signatures": _signed_by(usages=(CODE_SIGNING,), signs=False),
        "expired": _signed_by(usages=(CODE_SIGNING,), days=(-20, -10)),
        "with a short key": _signed_by(usages=(CODE_SIGNING,), key=_key(1024)),
        "of a missing authority": _after(_issued_by(is_included=False)),
        "of an unknown authority": _after(_issued_by(is_included=True)),
        "of an authority that may not issue it": _after(
            _issued_by(is_included=True, usages=(TIME_STAMPING,))
        ),
        "with a timestamp of a stranger": _after(_stamped_by_a_stranger),
    },
    "config": {
        **{f"{rule} {value}": _before(_same, config) for config, rule, value in DIFFERENT},
        "another entry point": _before(_patch(lambda at: [(at.optional + 16, long(0x1000))]), BASE),
        "no certificate": _before(_same, BASE),
        "no certificate of a PFX": _before(
            _same, f'{BASE}mode = "certificate"\npfx = "own.pfx"\npfx-password-env = "P"\n'
        ),
    },
}
