"""`[makefile.hooks]`: the user's tasks that generated tasks run, each once and at its point."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

import kdrvgen
from kdrvgen.characters import is_invisible
from kdrvgen.model import Driver, Makefile, Project
from kdrvgen.model.package import Package
from kdrvgen.model.tasks import ALL_TASKS, PACKAGE_TASKS, SUBMISSION_TASKS, tasks_that_run

from .support import also, dotted, is_accepted, project, refusal, refusals

POINTS = (
    *("before-build", "after-build", "before-sign", "after-sign"),
    *("before-package", "after-package"),
)
OF_SIGN = POINTS[:4]
PACKAGE = '[package]\nkind = "device"\nprovider = "Example"\n'
SEVERAL = 'targets = ["x86_64-pc-windows-msvc", "i686-pc-windows-msvc"]'


def makefile_of(given: Project) -> dict[str, Any]:
    return tomli.loads(kdrvgen.render(given)[PurePosixPath("Makefile.toml")])


def hooked(point: str, own: str, hook: str = "h") -> str:
    """Return a configuration whose only hook is the task `h`, with the lines `own` in it."""
    return f'{PACKAGE}[makefile.hooks]\n{point} = ["{hook}"]\n[makefile.tasks.h]\n{own}\n'


def test_without_hooks_nothing_is_generated_for_them() -> None:
    tasks = makefile_of(project())["tasks"]
    assert "rename-image" not in tasks
    assert "sign-image" not in tasks
    assert kdrvgen.render(project()) == kdrvgen.render(
        project("[makefile.hooks]\n" + "".join(f"{point} = []\n" for point in POINTS))
    )


def test_each_hook_is_a_dependency_at_its_point() -> None:
    given = project(
        PACKAGE
        + "[makefile.hooks]\n"
        + "".join(f'{point} = ["{point}-1", "{point}-2"]\n' for point in POINTS)
        + "[makefile.tasks]\n"
        + "".join(f"{point}-{number} = {{}}\n" for point in POINTS for number in (1, 2))
    )
    tasks = makefile_of(given)["tasks"]
    program = "${DRIVER_PIPELINE}"

    assert tasks["build-driver"]["dependencies"] == ["pipeline", "before-build-1", "before-build-2"]
    assert tasks["rename-image"]["dependencies"] == ["build-driver"]
    assert tasks["rename-image"]["args"] == ["rename"]
    assert tasks["rename"]["dependencies"] == ["rename-image", "after-build-1", "after-build-2"]
    assert "command" not in tasks["rename"]
    assert tasks["sign-image"]["dependencies"] == [
        *("rename", "certificate", "before-sign-1", "before-sign-2")
    ]
    assert (tasks["sign-image"]["command"], tasks["sign-image"]["args"]) == (program, ["sign"])
    assert tasks["sign"]["dependencies"] == ["sign-image", "after-sign-1", "after-sign-2"]
    assert (tasks["sign"]["command"], tasks["sign"]["args"]) == (program, ["check-signed"])
    assert tasks["make-package"]["dependencies"] == ["sign", "before-package-1", "before-package-2"]
    assert tasks["make-package"]["args"] == ["package"]
    assert tasks["package"]["dependencies"] == [
        *("make-package", "after-package-1", "after-package-2")
    ]
    assert tasks["package"]["args"] == ["check-package"]


@pytest.mark.parametrize("point", POINTS)
def test_the_tasks_that_run_a_hook_are_those_of_makefile_toml(point: str) -> None:
    hooks = "".join(f'makefile.hooks.{each} = ["{each}"]\n' for each in POINTS)
    own = "".join(f"makefile.tasks.{each} = {{}}\n" for each in POINTS)
    tables = f'{PACKAGE}[package.submission]\n[driver]\nname = "a"\n{SEVERAL}\n'
    given = kdrvgen.loads(hooks + own + tables)
    tasks = makefile_of(given)["tasks"]

    def runs(name: str) -> bool:
        # The program calls `cargo make sign`, `package` or `submission` for each target.
        called = [name.removesuffix("-all")] if name.endswith("-all") else []
        inner = [*tasks[name].get("dependencies", []), *called]
        return name == point or any(map(runs, inner))

    assert {name for name in tasks if runs(name)} - {point} == tasks_that_run(point)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", sorted(ALL_TASKS))
def test_a_generated_task_cannot_be_a_hook(point: str, name: str) -> None:
    line = refusal(hooked(point, "", name) + "[package.submission]\n")
    assert dotted(line) == f"makefile.hooks.{point}.0"
    assert "is a generated task, which cannot be a hook" in line["msg"]


@pytest.mark.parametrize("point", POINTS)
def test_an_unknown_task_gets_a_suggestion(point: str) -> None:
    line = refusal(hooked(point, "", "hh"))
    assert dotted(line) == f"makefile.hooks.{point}.0"
    assert "the task `hh` does not exist" in line["msg"]
    assert line["ctx"]["hint"] == "did you mean `h`?"
    assert "did you mean" not in refusal(hooked(point, "", "quux"))["ctx"]["hint"]


def test_a_hook_that_is_named_twice_is_refused() -> None:
    line = refusal('[makefile]\nhooks.after-build = ["h", "h"]\ntasks.h = {}\n')
    assert dotted(line) == "makefile.hooks.after-build.1"
    assert also(line) == {"makefile.hooks.after-build.0"}
    line = refusal(
        '[makefile]\nhooks.after-sign = ["h"]\nhooks.before-build = ["h"]\ntasks.h = {}\n'
    )
    assert dotted(line) == "makefile.hooks.after-sign.0"
    assert also(line) == {"makefile.hooks.before-build.0"}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    "own",
    [
        "private = true",
        "disabled = true",
        'condition = { profiles = ["production"] }',
        'linux.command = "true"',
        'dependencies = ["pipeline", "windows", "stop", "other"]',
        'run_task = "other"',
    ],
)
def test_a_hook_can_be_any_of_the_users_tasks(point: str, own: str) -> None:
    assert is_accepted(hooked(point, own) + '[makefile.tasks.other]\ncommand = "true"\n')


@pytest.mark.parametrize(
    ("own", "path"),
    [
        ('alias = "sign"', "alias"),
        ('dependencies = ["stop", "sign"]', "dependencies.1"),
        ('dependencies = [{ name = "verify" }]', "dependencies.0.name"),
        ('run_task = "sign"', "run_task"),
        ('run_task = { name = ["stop", "install"], fork = true }', "run_task.name.1"),
        (
            'run_task = { name = "stop", fork = true, cleanup_task = "start" }',
            "run_task.cleanup_task",
        ),
        ('run_task = [{ name = "smoke" }]', "run_task.0.name"),
        ('mac.dependencies = ["default"]', "mac.dependencies.0"),
        ('windows.run_task = "sign"', "windows.run_task"),
        ('extend = "sign"', "extend"),
        ('extend = "sign-all"\ndependencies = []', "extend"),
        ('dependencies = ["h"]', "dependencies.0"),
    ],
)
def test_a_hook_that_runs_the_task_that_runs_it_is_refused(own: str, path: str) -> None:
    for point in OF_SIGN:
        line = refusal(hooked(point, own), SEVERAL)
        assert dotted(line) == f"makefile.tasks.h.{path}"
        assert "would never end" in line["msg"]
        assert also(line) == {f"makefile.hooks.{point}.0"}
        assert line["ctx"]["hint"]


@pytest.mark.parametrize(
    ("own", "path"),
    [
        ('alias = "package"', "alias"),
        ('dependencies = ["stop", "install-package"]', "dependencies.1"),
        ('run_task = [{ name = "smoke" }]', "run_task.0.name"),
        ('extend = "package-all"\ndependencies = []', "extend"),
        ('extend = "submission-all"\ndependencies = []', "extend"),
    ],
)
def test_a_hook_that_runs_a_task_that_makes_the_package_is_refused(own: str, path: str) -> None:
    for point in POINTS:
        line = refusal(hooked(point, own) + "[package.submission]\n", SEVERAL)
        assert dotted(line) == f"makefile.tasks.h.{path}"
        assert "would never end" in line["msg"]


@pytest.mark.parametrize("point", ["before-package", "after-package"])
def test_a_hook_of_a_package_needs_a_package(point: str) -> None:
    own = hooked(point, 'command = "true"')
    line = refusal(own.removeprefix(PACKAGE))
    assert dotted(line) == f"makefile.hooks.{point}"
    assert "these hooks never run" in line["msg"]
    assert also(line) == {"package.kind"}
    assert is_accepted(own)


@pytest.mark.parametrize("name", sorted(PACKAGE_TASKS))
def test_without_a_package_its_tasks_are_names_for_own_tasks(name: str) -> None:
    own = f'[makefile.tasks.{name}]\ncommand = "true"\n'
    own += f'[makefile.tasks.a]\ndependencies = ["{name}"]\n'
    assert is_accepted(own)
    assert dotted(refusal(PACKAGE + own)) == f"makefile.tasks.{name}"


@pytest.mark.parametrize("name", sorted(SUBMISSION_TASKS))
def test_without_a_submission_its_tasks_are_names_for_own_tasks(name: str) -> None:
    own = f'[makefile.tasks.{name}]\ncommand = "true"\n'
    own += f'[makefile.tasks.a]\ndependencies = ["{name}"]\n'
    assert is_accepted(PACKAGE + own)
    line = refusal(f"{PACKAGE}[package.submission]\n{own}")
    assert dotted(line) == f"makefile.tasks.{name}"


@pytest.mark.parametrize(
    ("point", "task", "is_allowed"),
    [
        ("before-build", "build-driver", False),
        ("after-build", "build-driver", True),
        ("after-build", "rename-image", True),
        ("after-build", "rename", False),
        ("before-sign", "rename", True),
        ("before-sign", "certificate", True),
        ("after-sign", "sign-image", True),
        ("after-sign", "verify", False),
        ("after-sign", "package", False),
        ("before-package", "verify", True),
        ("before-package", "package", False),
        ("after-package", "make-package", True),
        ("after-package", "install-package", False),
    ],
)
@pytest.mark.parametrize("key", ["dependencies", "run_task"])
def test_a_hook_can_depend_on_earlier_steps(
    point: str, task: str, key: str, *, is_allowed: bool
) -> None:
    value = f'["{task}"]' if key == "dependencies" else f'"{task}"'
    assert is_accepted(hooked(point, f"{key} = {value}")) is is_allowed


def test_a_hook_that_runs_itself_is_reported_at_the_reference() -> None:
    text = hooked("after-sign", 'dependencies = ["a"]')
    line = refusal(f'{text}[makefile.tasks]\na.run_task = "b"\nb.dependencies = ["stop", "sign"]\n')
    assert dotted(line) == "makefile.tasks.b.dependencies.1"
    assert "`sign` runs the hook `h`" in line["msg"]

    line = refusal(f'{text}[makefile.tasks]\na.run_task = "b"\nb.dependencies = ["h"]\n')
    assert dotted(line) == "makefile.tasks.b.dependencies.0"

    # Through the hook of another point.
    hooks = '[makefile.hooks]\nafter-build = ["h"]\nbefore-sign = ["g"]\n[makefile.tasks]\n'
    lines = refusals(f'{hooks}h.dependencies = ["g"]\ng.dependencies = ["rename"]\n')
    assert "makefile.tasks.g.dependencies.0" in map(dotted, lines)


@pytest.mark.parametrize(
    ("tasks", "is_allowed"),
    [
        ('h = { extend = "a" }\na = { dependencies = ["sign"] }\n', False),
        ('h = { extend = "a", dependencies = [] }\na = { dependencies = ["sign"] }\n', True),
        ('h = { extend = "a", dependencies = [] }\na = { run_task = "sign" }\n', False),
        ('h = { extend = "a", run_task = "stop" }\na = { run_task = "sign" }\n', True),
        (
            'h = { extend = "a", dependencies = [] }\na.extend = "b"\nb.dependencies = ["sign"]\n',
            True,
        ),
        ('h = { extend = "verify", dependencies = [] }\n', True),
        ('h = { extend = "h" }\n', False),
        ('h = { dependencies = [{ name = "sign", path = "other.toml" }] }\n', True),
    ],
)
def test_a_task_that_extends_another_overrides_its_keys(tasks: str, *, is_allowed: bool) -> None:
    text = f'[makefile.hooks]\nafter-sign = ["h"]\n[makefile.tasks]\n{tasks}'
    assert is_accepted(text) is is_allowed


def test_a_hook_waits_for_its_point() -> None:
    hooks = '[makefile.hooks]\nbefore-build = ["a"]\nafter-sign = ["h"]\n[makefile.tasks]\n'
    line = refusal(f'{hooks}h = {{}}\na.dependencies = ["b"]\nb.linux.dependencies = ["h"]\n')
    assert dotted(line) == "makefile.hooks.after-sign.0"
    assert also(line) == {"makefile.tasks.b.linux.dependencies.0"}
    assert "the hook `a` of `before-build` depends on it" in line["msg"]
    # A task inherits the dependencies of the task that it extends.
    line = refusal(f'{hooks}h = {{}}\na.extend = "b"\nb.dependencies = ["h"]\n')
    assert dotted(line) == "makefile.hooks.after-sign.0"
    assert also(line) == {"makefile.tasks.b.dependencies.0"}
    assert is_accepted(
        f'{hooks}h = {{}}\na = {{ extend = "b", dependencies = [] }}\nb.dependencies = ["h"]\n'
    )
    # The other way round, and where the task runs twice.
    assert is_accepted(f'{hooks}a = {{}}\nh.dependencies = ["a"]\n')
    assert is_accepted(f'{hooks}h = {{}}\na.run_task = "h"\n')
    assert is_accepted(f'{hooks}h = {{}}\na.run_task = "b"\nb.dependencies = ["h"]\n')
    same = '[makefile.hooks]\nbefore-build = ["a", "h"]\n[makefile.tasks]\n'
    assert is_accepted(f'{same}h = {{}}\na.dependencies = ["h"]\n')


@pytest.mark.parametrize(("name", "point"), [("rename", "after-build"), ("sign", "after-sign")])
def test_the_inner_task_of_a_step_is_only_generated_with_hooks(name: str, point: str) -> None:
    own = f'[makefile.tasks.own]\ndependencies = ["{name}-image"]\n'
    line = refusal(own)
    assert dotted(line) == "makefile.tasks.own.dependencies.0"
    assert f"`makefile.hooks.{point}` has no hook" in line["msg"]
    assert line["ctx"]["hint"] == f"use `{name}` here"
    assert is_accepted(hooked(point, "") + own)
    line = refusal(f"[makefile.tasks.{name}-image]\n")
    assert dotted(line) == f"makefile.tasks.{name}-image"


TEXT = st.text(st.sampled_from(list("${}:'\"\\ aHOME#%@\u00fc\n\t,[]")), min_size=1, max_size=20)
HARD = [
    *("{{ x }} {% x %} {# x #}", "${HOME}", "${:$}", '"', "'''", "a = 1 # x", "\\", "]", "a:b"),
    *("-rf", "sign;", "${DRIVER_PATH}", "__class__", "日本語", "x" * 300),
]
NAMES = (TEXT | st.text(min_size=1, max_size=20) | st.sampled_from(HARD)).filter(
    lambda name: (
        name == name.strip()
        and name not in ALL_TASKS
        and not any(map(is_invisible, name))
        and name.isprintable()
    )
)


@given(st.dictionaries(NAMES, st.sampled_from(POINTS), min_size=1, max_size=6))
def test_any_task_name_is_written_unchanged(points: dict[str, str]) -> None:
    hooks = {
        point: [name for name, at in points.items() if at == point] for point in points.values()
    }
    tasks = {name: {"command": "true"} for name in points}
    package = Package(kind="device", provider="Example")
    bare = Project(driver=Driver(name="a"), package=package)
    own = Makefile(hooks=hooks, tasks=tasks)
    made = makefile_of(Project(driver=Driver(name="a"), package=package, makefile=own))["tasks"]
    plain = makefile_of(bare)["tasks"]

    first = {"before-build": "build-driver", "after-build": "rename", "after-sign": "sign"}
    first["before-sign"] = "sign-image" if "after-sign" in hooks else "sign"
    first["before-package"] = "make-package" if "after-package" in hooks else "package"
    first["after-package"] = "package"
    for point, names in hooks.items():
        assert made[first[point]]["dependencies"][-len(names) :] == names
    extra = {"rename-image"} if "after-build" in hooks else set()
    extra |= {"sign-image"} if "after-sign" in hooks else set()
    extra |= {"make-package"} if "after-package" in hooks else set()
    assert set(made) == {*plain, *tasks, *extra}
