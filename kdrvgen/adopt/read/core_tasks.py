"""cargo-make's own tasks, which the generated makefile does not have."""

from __future__ import annotations

from collections.abc import Mapping

from kdrvgen.adopt.parse.toml_values import TomlValue

__all__ = ["CORE_TASKS", "WORK_KEYS"]

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
WORK_KEYS = frozenset({"command", "script", "run_task", "dependencies", "alias"})
"""Keys that say what a task does."""
