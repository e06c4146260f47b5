"""A small driver project in memory, and its findings."""

from __future__ import annotations

from kdrvgen.adopt import Adoption, Snapshot
from kdrvgen.adopt import adopt as propose

MANIFEST = '[package]\nname = "hello"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n'
LINKED = '[build]\ntarget = "x86_64-pc-windows-msvc"\nrustflags = ["-Clink-arg=/DRIVER"]\n'
NAMES = {"cargo": ".cargo/config.toml", "makefile": "Makefile.toml", "build": "build.rs"}
"""Files that tests name by a keyword."""


def adopted(**files: str) -> Adoption:
    """Adopt a driver with the given files beside its own or in their place."""
    given = {NAMES.get(name, name): text for name, text in files.items()}
    return propose(Snapshot({"Cargo.toml": MANIFEST, ".cargo/config.toml": LINKED} | given))


def messages(adoption: Adoption, rule: str) -> list[str]:
    """Return the findings of a rule, each as its place and its message."""
    return [
        f"{finding.place} {finding.message}"
        for finding in adoption.findings
        if finding.rule == rule
    ]
