"""The rooms of kdrvgen, what they offer, and how many exceptions to the rules there are."""

from __future__ import annotations

import ast
import functools
import inspect
import pydoc
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen import inspection, packaging

ROOT = Path(kdrvgen.__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "kdrvgen").rglob("*.py") if "templates" not in path.parts)


def test_a_room_imports_only_rooms_below_it() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_no_module_is_imported_only_for_its_side_effects() -> None:
    unused = {path.relative_to(ROOT).as_posix(): _unused_imports(path) for path in MODULES}
    assert {path: names for path, names in unused.items() if names} == {}


def _unused_imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    exported = {
        element.value
        for node in nodes
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for element in ast.walk(node.value)
        if isinstance(element, ast.Constant)
    }
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", "") != "__future__"
        for alias in node.names
        if alias.name != "*"
    }
    return imported - used - exported


# What annotations name that their modules do not import.
_LOCAL = {
    "BaseModel": object,
    "Inspection": inspection.Inspection,
    "PackageInspection": packaging.PackageInspection,
}


def _types(annotation: object) -> Iterator[type]:
    """Yield the classes that an annotation is made of."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _types(argument)


def _offered(thing: object) -> Iterator[object]:
    """Yield the annotations of what a function returns, or of what a class has for its users."""
    if inspect.isfunction(thing):
        yield from typing.get_type_hints(thing, localns=_LOCAL).values()
    elif isinstance(thing, type):
        for name, annotation in typing.get_type_hints(thing).items():
            if not name.startswith("_") and name != "model_config":
                yield annotation
        for name, member in list(vars(thing).items()):  # a look at one can add others
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if not name.startswith("_") and inspect.isfunction(function):
                yield typing.get_type_hints(function, localns=_LOCAL).get("return")


def test_every_returned_or_raised_type_is_public() -> None:
    offered = {name: getattr(kdrvgen, name) for name in dir(kdrvgen)}
    for room in (inspection, packaging):
        offered |= {name: getattr(room, name) for name in room.__all__}
    pending, reached = list(offered.values()), set()
    while pending:
        for annotation in _offered(pending.pop()):
            for found in _types(annotation):
                if found.__module__.startswith("kdrvgen") and found not in reached:
                    reached.add(found)
                    pending.append(found)
    assert {found.__name__ for found in reached} <= {*offered}
    errors = [*kdrvgen.KdrvgenError.__subclasses__()]
    assert {error.__name__ for error in errors if error.__module__ == "kdrvgen.errors"} <= {
        *offered
    }


@pytest.mark.parametrize(
    "table",
    [
        each
        for each in map(functools.partial(getattr, kdrvgen), dir(kdrvgen))
        if inspect.isclass(each)
    ],
)
def test_help_shows_fields_with_their_docstrings_and_no_internals(table: type) -> None:
    shown = re.sub(".\b", "", pydoc.render_doc(table))
    assert "__pydantic" not in shown
    assert "AfterValidator" not in shown
    if hasattr(table, "model_fields"):
        assert [*inspect.signature(table).parameters] == [*table.model_fields]
        assert all(f"{name}: " in shown for name in table.model_fields)


def test_help_of_the_package_begins_with_all_functions() -> None:
    functions = {name for name in dir(kdrvgen) if inspect.isfunction(getattr(kdrvgen, name))}
    assert {*re.findall(r"`(\w+)`", kdrvgen.__doc__ or "")} >= functions > {"load"}


def test_suppressed_rules_are_few_and_have_reasons() -> None:
    sources = [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "docs").rglob("*.py")]
    found = [
        line
        for path in sources
        for line in path.read_text("utf-8").splitlines()
        if re.search("# noqa|# type: ignore", line) and "re.search(" not in line
    ]
    assert [line for line in found if not re.search(r"(noqa|ignore)[^#]* (-|#) \S", line)] == []
    assert sum("noqa" in line for line in found) <= 60
