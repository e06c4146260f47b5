"""Builds, signs and stamps a driver image without any tool, with the layout of lld.

Sources: Microsoft Learn, "PE Format"; "Windows Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

from asn1crypto import core
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pipeline.authority import Identity

__all__ = ["assembled", "checksum_of", "countersignature", "stamp_token"]

_COFF = 0x78  # where lld puts the signature `PE`, after its DOS stub
_OPTIONAL = _COFF + 24
_CHECKSUM = _OPTIONAL + 64
_DIRECTORIES = _OPTIONAL + 112
_HEADERS = 0x400
_TIME = 0x6B08C990

_TEXT, _RDATA, _PDATA, _RELOC = (0x1000 * (index + 1) for index in range(4))
_CODE = 0x6800_0020  # code, not paged, execute, read
_DATA = 0x4800_0040  # initialized data, not paged, read
_DISCARDABLE = 0x4200_0040

_START = _TEXT + 0x10
_FUNCTIONS = b"\xc3".ljust(0x10, b"\xcc") + b"\x31\xc0\xc3"  # ret; xor eax, eax; ret


def assembled(identity: Identity, change: Callable[[bytes], bytes] = lambda image: image) -> bytes:
    """Return an x64 driver called hello, signed by an identity with SHA-256.

    Args:
        identity: The signer.
        change: What to change before signing; without it, the driver has no findings.
    """
    image = bytearray(change(bytes(_image())))
    image += bytes(-len(image) % 8)
    digest = hashlib.sha256(
        image[:_CHECKSUM]
        + image[_CHECKSUM + 4 : _DIRECTORIES + 8 * 4]
        + image[_DIRECTORIES + 8 * 5 :]
    ).digest()
    signature = _signature(digest, identity)
    signature += bytes(-len(signature) % 8)
    entry = struct.pack("<IHH", len(signature) + 8, 0x0200, 2) + signature
    struct.pack_into("<II", image, _DIRECTORIES + 8 * 4, len(image), len(entry))
    image += entry
    struct.pack_into("<I", image, _CHECKSUM, checksum_of(image))
    return bytes(image)


def _image() -> bytearray:
    read_only, directories = _read_only_data()
    contents = {
        b".text": (_TEXT, _FUNCTIONS, _CODE),
        b".rdata": (_RDATA, read_only, _DATA),
        # RUNTIME_FUNCTION and UNWIND_INFO of a function without a prologue.
        b".pdata": (
            _PDATA,
            struct.pack("<IIII", _START, _START + 3, _PDATA + 12, 1),
            _DATA,
        ),
        # A block for the page of .rdata, of two entries that are padding.
        b".reloc": (_RELOC, struct.pack("<IIHH", _RDATA, 12, 0, 0), _DISCARDABLE),
    }
    directories |= {3: (_PDATA, 12), 5: (_RELOC, 12)}
    table, body = b"", b""
    for name, (address, content, flags) in contents.items():
        raw = content + bytes(-len(content) % 0x200)
        place = _HEADERS + len(body)
        fields = (len(content), address, len(raw), place, 0, 0, 0, 0, flags)
        table += struct.pack("<8sIIIIIIHHI", name, *fields)
        body += raw
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", _COFF)
    header = struct.pack("<HHIIIHH", 0x8664, len(contents), _TIME, 0, 0, 240, 0x2022)
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        *(0x20B, 14, 0, 0x200, len(body) - 0x200, 0, _START, _TEXT),
        *(0x180000000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, _RELOC + 0x1000, _HEADERS),
        *(0, 1, 0x1E0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16),
    )
    for index in range(16):
        optional += struct.pack("<II", *directories.get(index, (0, 0)))
    front = dos.ljust(_COFF, b"\0") + b"PE\0\0" + header + optional + table
    return bytearray(front.ljust(_HEADERS, b"\0") + body)


def _read_only_data() -> tuple[bytes, dict[int, tuple[int, int]]]:
    """Return the section with exports, imports and debug data, and the directories of these."""
    data = bytearray(0x200)

    def put(offset: int, content: bytes) -> int:
        data[offset : offset + len(content)] = content
        return _RDATA + offset

    names = put(0x00, b"hello.dll\0driver_entry\0")
    lists = put(0x20, struct.pack("<IIH", _START, names + 10, 0))
    fields = (0, 0, 0, 0, names, 1, 1, 1, lists, lists + 4, lists + 8)
    exports = put(0x30, struct.pack("<IIHHIIIIIII", *fields))
    module = put(0x60, b"ntoskrnl.exe\0")
    hint = put(0x70, b"\0\0DbgPrint\0")
    lookup = put(0x80, struct.pack("<QQ", hint, 0))
    addresses = put(0x90, struct.pack("<QQ", hint, 0))
    imports = put(0xA0, struct.pack("<5I", lookup, 0, 0, module, addresses) + bytes(20))
    record = b"RSDS" + bytes(range(16)) + struct.pack("<I", 1) + b"hello.pdb\0"
    # Tests replace the path with a longer one, so it is the last part.
    place = 0x120
    pdb = put(place, record)
    file = _HEADERS + 0x200 + place
    debug = put(0x100, struct.pack("<IIHHIIII", 0, _TIME, 0, 0, 2, len(record), pdb, file))
    return bytes(data), {0: (exports, 40), 1: (imports, 40), 6: (debug, 28), 12: (addresses, 16)}


def checksum_of(image: bytes | bytearray) -> int:
    """Return the checksum that an image should have."""
    padded = bytearray(image) + bytes(len(image) % 2)
    padded[_CHECKSUM : _CHECKSUM + 4] = bytes(4)
    total: int = sum(struct.unpack(f"<{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(image)


# --- the signature, in DER ----------------------------------------------------------------------

_SEQUENCE, _SET, _OCTETS = 0x30, 0x31, 0x04
_NULL = b"\x05\0"
_ONE = b"\x02\x01\x01"


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes(1 if len(content) < 0x100 else 2, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


_SHA256 = _der(_SEQUENCE, _oid("2.16.840.1.101.3.4.2.1"), _NULL)


def _signature(digest: bytes, identity: Identity) -> bytes:
    no_file = _der(0xA0, _der(0xA2, _der(0x80)))
    image_data = _der(_SEQUENCE, b"\x03\x01\0", no_file)
    kind = _der(_SEQUENCE, _oid("1.3.6.1.4.1.311.2.1.15"), image_data)
    content = kind + _der(_SEQUENCE, _SHA256, _der(_OCTETS, digest))
    message = _der(_SEQUENCE, content)
    return _signed_data(identity, "1.3.6.1.4.1.311.2.1.4", content, message, version=1)


def stamp_token(signature: bytes, authority: Identity, time: bytes) -> bytes:
    """Return a timestamp of a signer's signature (RFC 3161)."""
    info = _der(
        _SEQUENCE,
        _ONE,
        _oid("1.2.3.4.1"),
        _der(_SEQUENCE, _SHA256, _der(_OCTETS, hashlib.sha256(signature).digest())),
        _ONE,
        _der(0x18, time),
    )
    kind, message = "1.2.840.113549.1.9.16.1.4", _der(_OCTETS, info)
    return _signed_data(authority, kind, info, message, version=3)


def countersignature(signature: bytes, authority: Identity, time: bytes) -> bytes:
    """Return a timestamp of a signer's signature (Authenticode); `time` is a GeneralizedTime."""
    data, moment = "1.2.840.113549.1.7.1", _der(0x18, time)
    signing_time = _der(_SEQUENCE, _oid("1.2.840.113549.1.9.5"), _der(_SET, moment))
    return _signer(authority, data, signature, signing_time)


def _signed_data(
    identity: Identity, kind: str, content: bytes, message: bytes, *, version: int
) -> bytes:
    """Return signed data.

    Args:
        identity: The signer.
        kind: The type of the content.
        content: What is signed.
        message: The DER value with the content.
        version: The version.
    """
    certificate = identity.certificate.public_bytes(Encoding.DER)
    signed_data = _der(
        _SEQUENCE,
        _der(0x02, bytes([version])),
        _der(_SET, _SHA256),
        _der(_SEQUENCE, _oid(kind), _der(0xA0, message)),
        _der(0xA0, certificate),
        _der(_SET, _signer(identity, kind, content)),
    )
    return _der(_SEQUENCE, _oid("1.2.840.113549.1.7.2"), _der(0xA0, signed_data))


def _signer(identity: Identity, kind: str, content: bytes, more: bytes = b"") -> bytes:
    """Return a signer of some content; `more` are signed attributes."""
    rsa = _der(_SEQUENCE, _oid("1.2.840.113549.1.1.1"), _NULL)
    own = hashlib.sha256(content).digest()
    digest = _der(_SEQUENCE, _oid("1.2.840.113549.1.9.4"), _der(_SET, _der(_OCTETS, own)))
    kinds = _der(_SEQUENCE, _oid("1.2.840.113549.1.9.3"), _der(_SET, _oid(kind)))
    attributes = kinds + more + digest
    signed = identity.key.sign(_der(_SET, attributes), padding.PKCS1v15(), hashes.SHA256())
    parsed = asn1.Certificate.load(identity.certificate.public_bytes(Encoding.DER))
    serial = bytes(core.Integer(parsed.serial_number).dump())
    issuer = _der(_SEQUENCE, bytes(parsed.issuer.dump()), serial)
    return _der(
        _SEQUENCE, _ONE, issuer, _SHA256, _der(0xA0, attributes), rsa, _der(_OCTETS, signed)
    )
