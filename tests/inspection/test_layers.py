"""The packages of kdrvgen/inspection import only those before them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kdrvgen

LAYERS = ("pe", "signature", "checks")
ROOT = Path(kdrvgen.__file__).parent / "inspection"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_the_layers_before_it(layer: str) -> None:
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    files = list((ROOT / layer).glob("*.py"))

    assert len(files) > 2
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(
                "kdrvgen.inspection"
            ):
                assert str(node.module).split(".")[2] in allowed, file
