"""From a file to what was found in it."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from kdrvgen.errors import FileAccessError
from kdrvgen.inspection.authenticode import Signature, read_signatures
from kdrvgen.inspection.certificates import Certificate
from kdrvgen.inspection.checks import NOT_AN_IMAGE, check
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.image import Image, read_image
from kdrvgen.inspection.subject import Asked, Subject
from kdrvgen.report.finding import Finding

__all__ = ["Inspection", "inspect", "inspect_bytes"]

_LARGEST = 128 << 20  # bytes; the largest drivers, those of graphics cards, have some 100 MB


class Inspection(NamedTuple):
    """What was found in one file.

    Attributes:
        path: The file.
        image: The image; None when it is none.
        signatures: Those embedded in it, each followed by those nested in it.
        findings: The rules that it breaks, the worst first.
    """

    path: Path
    image: Image | None
    signatures: tuple[Signature, ...]
    findings: tuple[Finding, ...]


def inspect(
    path: str | os.PathLike[str],
    *,
    asked: Asked | None = None,
    trusted: Iterable[Certificate] = (),
    now: dt.datetime | None = None,
) -> Inspection:
    """Read a driver image and check it.

    Args:
        path: The file.
        asked: What it is compared with.
        trusted: Certificates in which a chain may end; without any, every root may be the right
            one, and a note says so.
        now: The moment at which certificates have to be valid; by default this one.

    Raises:
        FileAccessError: The file cannot be read, or is larger than any driver.
    """
    file = Path(path)
    try:
        with open(file, "rb", opener=_open_at_once) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise FileAccessError(f"{file} is a device or a pipe. Name an ordinary file.")
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise FileAccessError(f"{file}: {error.strerror or error}") from None
    if len(data) > _LARGEST:
        raise FileAccessError(f"{file}: no driver has more than {_LARGEST >> 20} MB.")
    return inspect_bytes(file, data, asked=asked, trusted=trusted, now=now)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; the opening of a pipe would otherwise wait until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def inspect_bytes(
    path: Path,
    data: bytes,
    *,
    asked: Asked | None = None,
    trusted: Iterable[Certificate] = (),
    now: dt.datetime | None = None,
) -> Inspection:
    """Check an image that is in memory, as `inspect` does; `path` only names it."""
    image = read_image(data)
    if image is None:
        start = Evidence("beginning of the file", data[:4].hex(" ") or "nothing", 0)
        fix = "Build it: `cargo make sign` leaves the image in the target folder."
        return Inspection(path, None, (), (found(NOT_AN_IMAGE, start, fix).named(str(path)),))
    signatures = read_signatures(image.headers, data)
    subject = Subject(image, signatures, asked, tuple(trusted), now or dt.datetime.now(dt.UTC))
    findings = tuple(each.named(str(path)) for each in check(subject))
    return Inspection(path, image, signatures, findings)
