"""tomli's own test documents: valid ones are located correctly, invalid ones are explained."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

import kdrvgen
from kdrvgen.config.locator import Node, locate
from tests.tools import path_in

VARIABLE = "KDRVGEN_TOML_CORPUS"
FEWEST = 100


@pytest.fixture(scope="module")
def corpus() -> list[Path]:
    folder = path_in(VARIABLE, "the documents that tomli is tested with")
    found = sorted(folder.rglob("*.toml"))
    assert len(found) >= FEWEST
    return found


def assert_located(text: str, node: Node, value: object) -> None:
    if node.value:
        start, end = node.value
        assert repr(tomli.loads(f"x = {text[start:end]}")["x"]) == repr(value)
    else:
        assert isinstance(value, dict | list)
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    members = dict(pairs)
    assert set(node.children) == set(members)
    for part, member in members.items():
        child = node.children[part]
        if isinstance(part, str):
            assert child.key
            assert tomli.loads(f"{text[slice(*child.key)]} = 0") == {part: 0}
        assert_located(text, child, member)


@pytest.mark.slow
def test_every_valid_document_is_located_and_every_invalid_one_is_explained(
    corpus: list[Path],
) -> None:
    located = explained = 0
    for path in corpus:
        try:
            text = path.read_bytes().decode().replace("\r\n", "\n")
            document = tomli.loads(text)
        except (ValueError, RecursionError):
            with pytest.raises(kdrvgen.ConfigError) as caught:
                kdrvgen.load(path)
            (found,) = caught.value.findings
            if "UTF-16" not in found.message:
                assert found.place
                assert found.place.line, path
                lines = path.read_bytes().decode(errors="replace").split("\n")
                assert 1 <= found.place.line <= len(lines), path
            assert str(caught.value)
            explained += 1
        else:
            assert_located(text, locate(text), document)
            located += 1
    assert located
    assert explained
