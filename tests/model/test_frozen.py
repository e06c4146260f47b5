"""Projects are values: they cannot change, and can be copied, compared, hashed and stored."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from kdrvgen import Driver, Project

from .support import project

TEXT = """
[linker]
args = ["/DEBUG"]
[profiles.staging]
cargo-profile = "release"
linker.args = ["/MAP"]
[makefile.env]
LIST = ["a", "b"]
[makefile.tasks.own]
script = "echo"
linux = { args = ["x"] }
"""


@pytest.mark.parametrize("table", ["driver", "toolchain", "linker", "wdk", "signing", "makefile"])
def test_no_key_can_be_assigned(table: str) -> None:
    given = getattr(project(TEXT), table)
    for name in type(given).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(given, name, getattr(given, name))


def test_no_table_can_be_assigned() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        project().driver = Driver(name="other")  # type: ignore[misc] # what is refused


@pytest.mark.parametrize(
    "path",
    [("profiles",), ("makefile", "env"), ("makefile", "tasks"), ("makefile", "tasks", "own")],
)
def test_no_nested_table_can_be_changed(path: tuple[str, ...]) -> None:
    found: Any = project(TEXT)
    for name in path:
        found = (
            found[name] if isinstance(found, dict) or path.index(name) > 1 else getattr(found, name)
        )
    with pytest.raises(TypeError):
        found["new"] = 1
    with pytest.raises(TypeError):
        del found[next(iter(found))]


def test_a_project_does_not_change_with_its_input() -> None:
    tasks: dict[str, Any] = {"own": {"args": ["x"]}}
    given = Project.model_validate({"driver": {"name": "a"}, "makefile": {"tasks": tasks}})
    tasks["own"]["args"].append("y")
    tasks["other"] = {}
    assert dict(given.makefile.tasks["own"]) == {"args": ("x",)}
    assert list(given.makefile.tasks) == ["own"]


def test_a_copy_is_equal_and_has_the_same_hash() -> None:
    given = project(TEXT)
    for other in (
        pickle.loads(pickle.dumps(given)),  # noqa: S301 - just made here
        copy.deepcopy(given),
        copy.copy(given),
        project(TEXT),
    ):
        assert other == given
        assert hash(other) == hash(given)
    assert project() != given


def test_a_dump_equals_the_input() -> None:
    given = project(TEXT)
    dumped = given.model_dump(by_alias=True, exclude_unset=True)
    assert dumped["makefile"]["env"] == {"LIST": ["a", "b"]}
    assert json.loads(given.model_dump_json())["makefile"]["tasks"]["own"]["script"] == "echo"
    assert Project.model_validate(dumped) == given
