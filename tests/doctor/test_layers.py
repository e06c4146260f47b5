"""The probes of kdrvgen/doctor do not know who runs them."""

from __future__ import annotations

import ast
from pathlib import Path

import kdrvgen

PROBES = Path(kdrvgen.__file__).parent / "doctor/probes"


def test_no_probe_imports_the_runner_or_a_command() -> None:
    files = list(PROBES.glob("*.py"))

    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not str(node.module).startswith(
                    ("kdrvgen.doctor.run", "kdrvgen.commands")
                ), file
