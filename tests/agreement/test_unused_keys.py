"""Keys of `[bootstrap]` that `kdrvgen new` would ignore because of another one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.program import run_kdrvgen


@pytest.mark.parametrize(
    ("keys", "unused"),
    [
        ('pool-tag = "Mine"', []),
        ('allocator = true\npool-tag = "Mine"', []),
        ("allocator = false", []),
        ('allocator = false\npool-tag = "Mine"', ["bootstrap.pool-tag"]),
        ('log-component = "IHVVIDEO"\nlog-level = "info"', []),
        ('logger = "DbgPrintEx"\nlog-component = "IHVVIDEO"\nlog-level = "info"', []),
        ('logger = "DbgPrint"', []),
        ('logger = "DbgPrint"\nlog-level = "info"', ["bootstrap.log-level"]),
        (
            'logger = "DbgPrint"\nlog-component = "IHVVIDEO"\nlog-level = "info"',
            ["bootstrap.log-component", "bootstrap.log-level"],
        ),
    ],
)
def test_a_choice_without_effect_is_a_warning(keys: str, unused: list[str], tmp_path: Path) -> None:
    text = f'[driver]\nname = "hello"\n[bootstrap]\n{keys}\n'
    (tmp_path / "config.toml").write_text(text, "utf-8")
    done = run_kdrvgen("--dry-run", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0
    found = [each for each in json.loads(done.stdout)["findings"] if each["rule"] == "key-unused"]
    assert [each["message"].split("`")[1] for each in found] == unused
    assert all(each["severity"] == "warning" for each in found)
    assert all("this key has no effect" in each["message"] for each in found)
