"""The task `verify` asks kdrvgen where that is installed."""

from __future__ import annotations

import pytest

from tests.windows.support import Desk

pytestmark = pytest.mark.slow

# What the task calls, and how it ends, in the place of a kdrvgen with its libraries.
KDRVGEN = r"""
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("asked: {} 50% of ${{HOME}}", words.join("|"));
    std::process::exit(std::env::var("KDRVGEN_FAKE_EXIT").unwrap().parse().unwrap());
}
"""


@pytest.fixture
def installed(desk: Desk) -> Desk:
    """The same with a kdrvgen.exe, for who has its folder on the PATH."""
    desk.make("trust-certificate")
    source = desk.windows.home / "kdrvgen.rs"
    source.write_text(KDRVGEN, encoding="utf-8")
    desk.windows.compile(source, desk.windows.put(r"C:\on path\kdrvgen.exe"))
    return desk


def test_its_findings_end_the_task_and_nothing_else_does(installed: Desk) -> None:
    path = r"C:\cargo\bin;C:\on path"
    image = installed.windows.path(installed.sys)

    found = installed.fail("verify", WINEPATH=path, KDRVGEN_FAKE_EXIT="6")

    words = f"asked: verify|-q|--config|config.toml|--profile|development|{image} 50% of ${{HOME}}"
    assert words in found
    assert "not what Windows wants of a driver" in found
    for code in ("0", "7"):
        assert f"verify: {image}" in installed.make("verify", WINEPATH=path, KDRVGEN_FAKE_EXIT=code)
    once = installed.make(
        "-e", "DRIVER_TIMESTAMP_URL=", "verify", WINEPATH=path, KDRVGEN_FAKE_EXIT="6"
    )
    assert f"verify: {image}" in once
