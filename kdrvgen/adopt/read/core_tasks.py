"""cargo-make's own tasks, which the generated makefile does not have."""

from __future__ import annotations

from collections.abc import Mapping

from kdrvgen.adopt.parse.toml_values import TomlValue

__all__ = ["CORE_TASKS", "WDK_COMMANDS", "WORK_KEYS"]

CORE_TASKS: Mapping[str, Mapping[str, TomlValue]] = {
    "build": {"command": "cargo", "args": ["build", "--all-features"]},
    "build-release": {"command": "cargo", "args": ["build", "--release", "--all-features"]},
    "check": {"command": "cargo", "args": ["check"]},
    "clean": {"command": "cargo", "args": ["clean"]},
    "clippy": {"command": "cargo", "args": ["clippy"]},
    "format": {"command": "cargo", "args": ["fmt"]},
    "test": {"command": "cargo", "args": ["test", "--all-features"]},
}
"""cargo-make's own tasks that a makefile may change or need, as far as they matter.

Source: cargo-make 0.37.24, descriptor/makefiles/rust.toml and stable.toml.
"""
WDK_COMMANDS: Mapping[str, Mapping[str, TomlValue]] = {
    "generate-certificate": {"command": "makecert"},
    "inf2cat": {"command": "inf2cat"},
    "infverif": {"command": "infverif"},
    "signtool-sign": {"command": "signtool"},
    "stampinf": {"command": "stampinf"},
}
"""Tasks of wdk-build's makefile whose arguments a project may replace.

Source: wdk-build 0.2.0 to 0.6.0, rust-driver-makefile.toml.
"""
WORK_KEYS = frozenset({"command", "script", "run_task", "dependencies", "alias"})
"""Keys that say what a task does."""
