"""The toolchain file: which channel compiles the driver."""

from __future__ import annotations

import re

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.read.document import read_document
from kdrvgen.adopt.read.findings import difference, unknown
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.report.finding import Finding

__all__ = ["read_channel"]

_CHANNEL = re.compile(
    r"(stable|beta|nightly|\d+\.\d+(?:\.\d+)?)(-\d{4}-\d\d-\d\d)?(-.+)?", re.ASCII
)


def read_channel(snapshot: Snapshot) -> tuple[Located | None, list[Finding]]:
    """Return the channel that the toolchain file names, if there is one.

    Source: the rustup book, "Overrides", section "The toolchain file".

    Raises:
        ConfigError: The file is not valid TOML.
    """
    for folder in snapshot.above():
        for name in ("rust-toolchain", "rust-toolchain.toml"):
            path = folder + name
            if path in snapshot.unreadable:
                return None, [
                    unknown(
                        Origin(path),
                        f"{snapshot.unreadable[path]}; rustup reads only UTF-8",
                        "save it as UTF-8, or delete it: config.toml sets the channel",
                    )
                ]
            if path in snapshot.files:
                return _read_file(snapshot, path)
    return None, []


def _read_file(snapshot: Snapshot, path: str) -> tuple[Located | None, list[Finding]]:
    text = snapshot.files[path].strip()
    if not path.endswith(".toml") and text and "\n" not in text and "[" not in text:
        return _without_host(Located(text, Origin(path, 1)))
    document = read_document(snapshot, path)
    channel = document.string("toolchain", "channel")
    if document.get(("toolchain", "path")) is not None:
        origin = document.origin(("toolchain", "path"))
        return None, [unknown(origin, "the toolchain is set by a path, so its channel is unknown")]
    return _without_host(channel) if channel else (None, [])


def _without_host(channel: Located) -> tuple[Located, list[Finding]]:
    match = _CHANNEL.fullmatch(channel.text)
    if match is None or not match[3]:
        return channel, []
    bare = match[1] + (match[2] or "")
    return Located(bare, channel.origin), [
        difference(
            channel.origin,
            f"the channel names a host: `{match[3][1:]}`",
            f"the proposal uses `{bare}`, which every host can install",
        )
    ]
