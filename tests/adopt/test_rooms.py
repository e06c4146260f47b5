"""The rooms of adopt: what each one imports, and that adopting reads no disk."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kdrvgen
from tests.adopt.support import adopted

ADOPT = Path(kdrvgen.__file__).parent / "adopt"
FORBIDDEN = {
    "parse": ("adopt.read", "adopt.propose", "config", "model", "rendering", "report"),
    "read": ("adopt.propose", "rendering"),
    "propose": ("adopt.adoption", "commands", "output"),
}


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_only_from_the_rooms_before_it(room: str) -> None:
    modules = sorted((ADOPT / room).glob("*.py"))
    assert len(modules) > 1
    for path in modules:
        for module in imported_modules(path):
            for other in FORBIDDEN[room]:
                assert not f"{module}.".startswith(f"kdrvgen.{other}."), f"{path}: {module}"


def test_adopting_reads_only_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the disk was read")

    adopted()  # templates are read once
    monkeypatch.setattr("os.stat", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert isinstance(adopted().project, kdrvgen.Project)
