"""The Rust examples in the documentation of the building blocks: they compile in a driver."""

from __future__ import annotations

import re

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject
from tests.bootstrap.lint import clippy
from tests.pipeline.support import REPOSITORY

pytestmark = pytest.mark.slow

_DRIVER = """#![no_std]
#![allow(dead_code, clippy::unnecessary_wraps)]

use kernel::{DriverObject, NtError, UnicodeString};

kernel::driver! {
    entry: driver_entry,
    start: start,
    log_component: IhvDriver,
    log_level: Error,
}

fn start(_driver: &mut DriverObject, _path: &UnicodeString<'_>) -> Result<(), NtError> {
    Ok(())
}
"""


def test_the_examples_compile_for_all_targets_without_warnings(new_project: NewProject) -> None:
    found = [
        block
        for page in ("threads.md",)
        for block in re.findall(
            r"^```rust\n(.*?)^```$",
            (REPOSITORY / "docs" / page).read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
    ]
    assert len(found) >= 10
    project = new_project("minimal")
    modules = [f"\nmod example{index} {{\n{block}}}\n" for index, block in enumerate(found)]
    source = project.folder / "src/lib.rs"
    source.write_text(_DRIVER + "".join(modules), encoding="utf-8")

    assert clippy(project, TRIPLES) == ""
    # Constants in a function are evaluated when code is generated for it.
    project.make("build-driver")
