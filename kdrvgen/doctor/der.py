"""Reads the fields of an X.509 certificate (RFC 5280) that matter for signing."""

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
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x1E: "utf-16-be"}
_LONG_FORM = 0x80
# Object identifiers in DER: 2.5.4.3, 2.5.29.37, 1.3.6.1.5.5.7.3.3, 2.5.29.37.0.
_COMMON_NAME = bytes.fromhex("550403")
_EXTENDED_KEY_USAGE = bytes.fromhex("551d25")
_CODE_SIGNING = bytes.fromhex("2b06010505070303")
_ANY_USAGE = bytes.fromhex("551d2500")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The fields of a certificate.

    Attributes:
        thumbprint: SHA-1 of the certificate, 40 hexadecimal digits in upper case.
        subject: The subject's common name; "" if it has none.
        not_before: The first moment at which it is valid.
        not_after: The last moment at which it is valid.
        may_sign_code: Whether its extended key usages allow code signing; true if it has none.
    """

    thumbprint: str
    subject: str
    not_before: dt.datetime
    not_after: dt.datetime
    may_sign_code: bool

    def is_valid(self, now: dt.datetime) -> bool:
        """Return whether it is valid at a moment."""
        return self.not_before <= now <= self.not_after


def parse(der: bytes) -> Certificate:
    """Read a certificate in DER.

    Raises:
        ValueError: These bytes are not a certificate, or it is damaged.
    """
    try:
        return _read(der)
    except (IndexError, OverflowError) as error:
        raise ValueError("not an X.509 certificate") from error


def parse_pem(text: str) -> Certificate:
    """Read the first certificate in a PEM text.

    Raises:
        ValueError: The text has no certificate, or it is damaged.
    """
    block = re.search("-----BEGIN CERTIFICATE-----(.+?)-----END", text, re.DOTALL)
    if block is None:
        raise ValueError("the file has no certificate")
    return parse(base64.b64decode(block[1]))


def _read(der: bytes) -> Certificate:
    (_, whole), *_rest = _values(der)
    (_, body), *_rest = _values(whole)
    fields = list(_values(body))
    if fields[0][0] == _VERSION:
        del fields[0]
    # serial number, algorithm, issuer, validity, subject, public key, …
    validity, subject = fields[3][1], fields[4][1]
    not_before, not_after = (_moment(tag, text) for tag, text in _values(validity))
    usages = _usages(fields[6:])
    return Certificate(
        # Windows and signtool identify certificates by this digest.
        thumbprint=hashlib.sha1(_first(der), usedforsecurity=False).hexdigest().upper(),
        subject=_common_name(subject),
        not_before=not_before,
        not_after=not_after,
        may_sign_code=usages is None or not usages.isdisjoint({_CODE_SIGNING, _ANY_USAGE}),
    )


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the content of each value in a sequence of values (X.690)."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length >= _LONG_FORM:
            width = length - _LONG_FORM
            length, at = int.from_bytes(data[at : at + width], "big"), at + width
        if at + length > len(data):
            raise ValueError("a value is longer than the value around it")
        yield tag, data[at : at + length]
        at += length


def _first(der: bytes) -> bytes:
    """Return the first value without the bytes after it."""
    _, content = next(_values(der))
    return der[: der.index(content) + len(content)]


def _moment(tag: int, text: bytes) -> dt.datetime:
    digits = text.decode("ascii")
    if tag == _UTC_TIME:  # a year of two digits, 1950 to 2049: RFC 5280, 4.1.2.5.1
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif tag != _GENERAL_TIME:
        raise ValueError("not a time")
    return dt.datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)


def _common_name(subject: bytes) -> str:
    for _, names in _values(subject):
        for _, pair in _values(names):
            (_, kind), (tag, text) = _values(pair)
            if kind == _COMMON_NAME:
                return text.decode(_ENCODINGS.get(tag, "latin-1"), "replace")
    return ""


def _usages(fields: list[tuple[int, bytes]]) -> set[bytes] | None:
    """Return the extended key usages; None without that extension, which means any use."""
    extensions = next((content for tag, content in fields if tag == _EXTENSIONS), b"")
    for _, row in _values(extensions):
        for _, extension in _values(row):
            kind, *_critical, (_, content) = _values(extension)
            if kind[1] == _EXTENDED_KEY_USAGE:
                ((_, usages),) = _values(content)
                return {usage for _, usage in _values(usages)}
    return None
