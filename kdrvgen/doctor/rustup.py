"""Which toolchain rustup uses in the project's folder, and running its programs elsewhere.

Source: https://rust-lang.github.io/rustup/overrides.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kdrvgen.config.reader import read
from kdrvgen.config.source import Source
from kdrvgen.config.syntax import parse
from kdrvgen.doctor.host import Answer, Host, refused
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.output.paths import real_path

__all__ = ["cargo_home", "run_rust"]

_VARIABLE = "RUSTUP_TOOLCHAIN"
_NAMES = ("rust-toolchain", "rust-toolchain.toml")
_VERBATIM = "\\\\?\\"


class _Toolchain(NamedTuple):
    """A choice of a toolchain.

    Attributes:
        name: Its name in rustup, or its path; "" for the default.
        place: The variable or the file that chooses it.
        problem: Why rustup cannot use the file; "" if it can.
    """

    name: str = ""
    place: str = ""
    problem: str = ""

    @property
    def is_path(self) -> bool:
        return "/" in self.name or "\\" in self.name


def run_rust(host: Host, project: Project, *argv: str) -> Answer:
    """Run cargo or rustc as the tasks would, but not in the project's folder.

    There, rustup would run whatever the toolchain file of the project names.
    """
    channel = project.toolchain.channel
    if channel != "stable":
        return host.run(("rustup", "run", channel, *argv))
    toolchain = _active(host) if host.which("rustup") else _Toolchain()
    if answer := _unusable(toolchain, host):
        return answer
    return host.run(argv, {_VARIABLE: toolchain.name} if toolchain.name else {})


def _unusable(toolchain: _Toolchain, host: Host) -> Answer | None:
    """Return the answer instead of that of a program in this toolchain; None to run it."""
    folder = _rustup_home(host) / "toolchains"
    if toolchain.problem:
        return Answer(None, toolchain.problem)
    if toolchain.is_path:
        return refused(f"{toolchain.place} names the path of a toolchain: {toolchain.name}")
    if host.holds(str(folder / toolchain.name)):
        return refused(f"the toolchain {toolchain.name} is in the project")
    if toolchain.name and folder.is_dir() and not _is_installed(folder, toolchain.name):
        # Before 1.28, rustup would install it now.
        return Answer(None, f"toolchain '{toolchain.name}' is not installed")
    return None


def cargo_home(host: Host) -> Path:
    """Return cargo's folder of the user. Source: doc.rust-lang.org/cargo/guide/cargo-home.html."""
    return _home(host, "CARGO_HOME", ".cargo")


def _rustup_home(host: Host) -> Path:
    return _home(host, "RUSTUP_HOME", ".rustup")


def _home(host: Host, variable: str, name: str) -> Path:
    if own := host.env.get(variable):
        return host.folder / own
    home = host.env.get("USERPROFILE" if host.is_windows else "HOME") or host.folder.anchor
    return Path(home, name)


def _active(host: Host) -> _Toolchain:
    """Return the toolchain for the project's folder, found in the order of rustup."""
    if name := host.env.get(_VARIABLE):
        return _Toolchain(name, _VARIABLE)
    overrides = _overrides(host)
    for folder in (host.folder, *host.folder.parents):
        if name := overrides.get(str(real_path(folder))):
            return _Toolchain(name, "rustup override")
        for file in (folder / name for name in _NAMES):
            if file.is_file():
                return _of_file(file)
    return _Toolchain()


def _overrides(host: Host) -> Mapping[str, str]:
    """Return the toolchains that `rustup override set` chose, by folder."""
    try:
        settings = _document(_rustup_home(host) / "settings.toml")
    except ConfigError:
        return {}
    overrides = settings.get("overrides")
    pairs = overrides.items() if isinstance(overrides, dict) else ()
    return {folder.removeprefix(_VERBATIM): str(name) for folder, name in pairs}


def _of_file(file: Path) -> _Toolchain:
    try:
        text = read(file).strip()
        if file.name == _NAMES[0] and "\n" not in text and "[" not in text and text:
            return _Toolchain(text, str(file))  # the older form: only a name
        values = _document(file).get("toolchain")
    except ConfigError as error:
        return _Toolchain(problem=f"rustup cannot read {file}: {error.findings[0].message}")
    if not isinstance(values, dict) or not values:
        return _Toolchain(problem=f"rustup cannot read {file}: it has no [toolchain]")
    if path := values.get("path"):
        return _Toolchain(str(file.parent / str(path)), str(file))
    return _Toolchain(str(values.get("channel") or ""), str(file))


def _document(file: Path) -> dict[str, Any]:
    return parse(Source.of(read(file), str(file)))


def _is_installed(folder: Path, name: str) -> bool:
    """Return whether a toolchain is installed, whose folder also has the host's triple."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return True
    return any(entry == name or entry.startswith(f"{name}-") for entry in names)
