"""What a certificate says of itself: just as much of X.509 (RFC 5280) as signing asks for."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Certificate", "parse", "parse_pem"]

_UTC_TIME, _GENERAL_TIME = 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}
_LONG = 0x80
# Object identifiers in DER: 2.5.4.3, 2.5.29.37, 1.3.6.1.5.5.7.3.3, 2.5.29.37.0.
_COMMON_NAME = bytes.fromhex("550403")
_EXTENDED_KEY_USAGE = bytes.fromhex("551d25")
_CODE_SIGNING = bytes.fromhex("2b06010505070303")
_ANY_USAGE = bytes.fromhex("551d2500")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate.

    Attributes:
        thumbprint: SHA-1 of the certificate, 40 hexadecimal digits in capitals.
        subject: The subject's common name; "" when it has none.
        begins: When it becomes valid.
        ends: Its last moment.
        may_sign_code: Whether its extended key usages, if it has any, allow code signing.
    """

    thumbprint: str
    subject: str
    begins: dt.datetime
    ends: dt.datetime
    may_sign_code: bool

    def is_valid(self, now: dt.datetime) -> bool:
        """Tell whether it is valid at a moment."""
        return self.begins <= now <= self.ends


def parse(der: bytes) -> Certificate:
    """Read a certificate.

    Raises:
        ValueError: It is none, or is damaged.
    """
    try:
        return _read(der)
    except (IndexError, OverflowError) as error:
        raise ValueError("no X.509 certificate") from error


def parse_pem(text: str) -> Certificate:
    """Read the first certificate of a PEM text.

    Raises:
        ValueError: There is none, or it is damaged.
    """
    found = re.search("-----BEGIN CERTIFICATE-----(.+?)-----END", text, re.DOTALL)
    if found is None:
        raise ValueError("no certificate")
    return parse(base64.b64decode(found[1]))


def _read(der: bytes) -> Certificate:
    (_, whole), *_rest = _values(der)
    (_, body), *_rest = _values(whole)
    fields = list(_values(body))
    if fields[0][0] == _VERSION:
        del fields[0]
    # serial number, algorithm, issuer, validity, subject, public key, …
    validity, subject = fields[3][1], fields[4][1]
    begins, ends = (_moment(tag, text) for tag, text in _values(validity))
    usages = _usages(fields[6:])
    return Certificate(
        # The digest is a name here, by which Windows and signtool know certificates.
        hashlib.sha1(_first(der), usedforsecurity=False).hexdigest().upper(),
        _common_name(subject),
        begins,
        ends,
        usages is None or not usages.isdisjoint({_CODE_SIGNING, _ANY_USAGE}),
    )


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give tag and content of each value in a row (X.690)."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length >= _LONG:
            width = length - _LONG
            length, at = int.from_bytes(data[at : at + width], "big"), at + width
        if at + length > len(data):
            raise ValueError("a value is longer than what it lies in")
        yield tag, data[at : at + length]
        at += length


def _first(der: bytes) -> bytes:
    """Return a value without what stands behind it."""
    _, content = next(_values(der))
    return der[: der.index(content) + len(content)]


def _moment(tag: int, text: bytes) -> dt.datetime:
    digits = text.decode("ascii")
    if tag == _UTC_TIME:  # two digits, of 1950 to 2049: RFC 5280, 4.1.2.5.1
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif tag != _GENERAL_TIME:
        raise ValueError("no time")
    return dt.datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)


def _common_name(subject: bytes) -> str:
    for _, names in _values(subject):
        for _, pair in _values(names):
            (_, kind), (tag, text) = _values(pair)
            if kind == _COMMON_NAME:
                return text.decode(_ENCODINGS.get(tag, "latin-1"), "replace")
    return ""


def _usages(fields: list[tuple[int, bytes]]) -> set[bytes] | None:
    """Return the extended key usages; None without that extension, which allows all."""
    extensions = next((content for tag, content in fields if tag == _EXTENSIONS), b"")
    for _, row in _values(extensions):
        for _, extension in _values(row):
            kind, *_critical, (_, content) = _values(extension)
            if kind[1] == _EXTENDED_KEY_USAGE:
                ((_, usages),) = _values(content)
                return {usage for _, usage in _values(usages)}
    return None
