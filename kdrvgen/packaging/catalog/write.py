"""Writes a catalog: an unsigned PKCS #7 message that contains a certificate trust list (CTL).

Sources: RFC 2315 for the message; catalogs that Microsoft's inf2cat made, which the tests
reproduce.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from kdrvgen.inspection.signature import der
from kdrvgen.model.windows_versions import WindowsVersion
from kdrvgen.packaging.catalog.member import Member

__all__ = ["MICROSOFT", "Content", "identifier_for", "write_catalog", "write_ctl"]

MICROSOFT = "1.3.6.1.4.1.311"
"""The beginning of all object identifiers of catalogs."""

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_SHA1, _SHA256 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1"
_NULL = der.value(der.NULL)
_ATTRIBUTE_FLAGS = 0x10010001
_NO_URL = der.value(0xA2, der.value(0x80))
# SPC_PE_IMAGE_DATA and SPC_CAB_DATA, whatever the file is.
_IMAGE = der.sequence(
    der.object_id(f"{MICROSOFT}.2.1.15"),
    der.sequence(der.value(der.BIT_STRING, b"\x05\xa0"), der.value(0xA0, _NO_URL)),
)
_OTHER = der.sequence(der.object_id(f"{MICROSOFT}.2.1.25"), _NO_URL)
_SUBJECTS = {  # of version 1: images, and flat files
    True: "{C689AAB8-8E78-11D0-8C47-00C04FC295EE}",
    False: "{DE351A42-8E59-11D0-8C47-00C04FC295EE}",
}
_FIRST_OF_VERSION_2 = (6, 2)
_NAME_VALUE = f"{MICROSOFT}.12.2.1"


class Content(NamedTuple):
    """What a catalog says.

    Attributes:
        members: The files.
        systems: The versions of Windows, in the order of `WINDOWS`.
        hardware_ids: The hardware IDs, as in the INF.
        identifier: 16 bytes that identify the list.
        date: When the list was made, in UTC.
        attributes: Further attributes of the list, each a name and a text.
    """

    members: tuple[Member, ...]
    systems: tuple[WindowsVersion, ...]
    hardware_ids: tuple[str, ...]
    identifier: bytes
    date: dt.datetime
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def is_version_2(self) -> bool:
        """Whether the list has SHA-256 digests: all versions are Windows 8 or later."""
        return all(_kernel(system) >= _FIRST_OF_VERSION_2 for system in self.systems)


def identifier_for(members: tuple[Member, ...]) -> bytes:
    """Return an identifier that depends only on the files, for the same bytes in each run."""
    digest = hashlib.sha256()
    for member in sorted(members):
        digest.update(member.name.encode() + b"\0" + member.sha256)
    return digest.digest()[:16]


def write_catalog(content: Content) -> bytes:
    """Return the catalog, without a signature."""
    message = der.sequence(
        der.integer(1),
        der.set_of(()),
        der.sequence(der.object_id(f"{MICROSOFT}.10.1"), der.value(0xA0, write_ctl(content))),
        der.set_of(()),
    )
    return der.sequence(der.object_id(_SIGNED_DATA), der.value(0xA0, message))


def write_ctl(content: Content) -> bytes:
    """Return the certificate trust list, which the signature covers."""
    version_2 = content.is_version_2
    members = sorted(_members(content))
    return der.sequence(
        der.sequence(der.object_id(f"{MICROSOFT}.12.1.1")),
        der.value(der.OCTETS, content.identifier),
        der.value(der.UTC_TIME, f"{content.date:%y%m%d%H%M%S}Z".encode()),
        der.sequence(der.object_id(f"{MICROSOFT}.12.1.{3 if version_2 else 2}"), _NULL),
        der.sequence(*(encoded for _, encoded in members)),
        der.value(0xA0, der.sequence(*_extensions(content))),
    )


def _members(content: Content) -> Iterator[tuple[bytes, bytes]]:
    """Yield the tag of each member, by which they are sorted, and its encoding."""
    kernels = dict.fromkeys(system.kernel for system in content.systems)
    systems = ",".join(f"2:{kernel}" for kernel in kernels)
    for member in content.members:
        common = [_attribute("OSAttr", systems), _attribute("File", member.name)]
        if content.is_version_2:
            flag = der.value(0x80 if member.is_image else 0x82)
            common.append(_extension(f"{MICROSOFT}.12.2.3", flag))
            yield member.sha1, _entry(member.sha1, common)
            with_digest = [*common, _digest(member, _SHA256, member.sha256)]
            yield member.sha256, _entry(member.sha256, with_digest)
        else:
            tag = _text(member.sha1.hex().upper())
            subject = der.value(der.BMP_STRING, _SUBJECTS[member.is_image].encode("utf-16-be"))
            kind = der.sequence(subject, der.integer(0x200))
            common.append(_extension(f"{MICROSOFT}.12.2.2", kind))
            yield tag, _entry(tag, [*common, _digest(member, _SHA1, member.sha1)])


def _entry(tag: bytes, attributes: list[bytes]) -> bytes:
    return der.sequence(der.value(der.OCTETS, tag), der.set_of(attributes))


def _extension(identifier: str, content: bytes) -> bytes:
    return der.sequence(der.object_id(identifier), der.set_of([content]))


def _attribute(name: str, text: str) -> bytes:
    return _extension(_NAME_VALUE, _name_value(name, text))


def _name_value(name: str, text: str) -> bytes:
    return der.sequence(
        der.value(der.BMP_STRING, name.encode("utf-16-be")),
        der.integer(_ATTRIBUTE_FLAGS),
        der.value(der.OCTETS, _text(text)),
    )


def _text(text: str) -> bytes:
    return f"{text}\0".encode("utf-16-le")


def _digest(member: Member, algorithm: str, digest: bytes) -> bytes:
    info = der.sequence(
        der.sequence(der.object_id(algorithm), _NULL), der.value(der.OCTETS, digest)
    )
    data = der.sequence(_IMAGE if member.is_image else _OTHER, info)
    return _extension(f"{MICROSOFT}.2.1.4", data)


def _extensions(content: Content) -> Iterator[bytes]:
    texts = [*content.attributes, ("OS", ",".join(each.catalog for each in content.systems))]
    # inf2cat drops a star at the beginning: *PNP0F13 is pnp0f13.
    ids = dict.fromkeys(each.lower().removeprefix("*") for each in content.hardware_ids)
    numbered = [(f"HWID{number}", each) for number, each in enumerate(ids, 1)]
    for name, text in (*texts, *reversed(numbered)):
        pair = der.value(der.OCTETS, _name_value(name, text))
        yield der.sequence(der.object_id(_NAME_VALUE), pair)


def _kernel(system: WindowsVersion) -> tuple[int, ...]:
    return tuple(map(int, system.kernel.split(".")))
