"""By which command a host gets a program that it lacks."""

from __future__ import annotations

from typing import NamedTuple

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Command

__all__ = ["Remedy", "install"]


class Remedy(NamedTuple):
    """What mends a finding: commands, or where there are none, words."""

    advice: str = ""
    commands: tuple[Command, ...] = ()


class _Package(NamedTuple):
    """What holds a program, by package manager; "" where none does."""

    apt: str
    brew: str


_PACKAGES = {
    "cc": _Package("gcc", ""),
    "openssl": _Package("openssl", "openssl"),
    "osslsigncode": _Package("osslsigncode", "osslsigncode"),
    "wine": _Package("wine64", ""),
}


def install(host: Host, program: str) -> Remedy:
    """Return how a program gets onto a host: by apt-get, by Homebrew, or in the user's own way."""
    package = _PACKAGES[program]
    if package.apt and host.which("apt-get"):
        root = () if host.is_elevated else ("sudo",)
        commands: tuple[Command, ...] = (
            (*root, "apt-get", "update"),
            (*root, "apt-get", "install", "--yes", package.apt),
        )
        if root and not host.which("sudo"):
            return Remedy(f"as root: apt-get install {package.apt}")
        return Remedy(commands=commands)
    if package.brew and host.which("brew"):
        return Remedy(commands=(("brew", "install", package.brew),))
    if host.system == "macos" and program == "cc":
        return Remedy("xcode-select --install")
    return Remedy(f"install {program}, by the package manager of this system")
