"""The user's tasks can use only the tasks that their configuration generates."""

from __future__ import annotations

from itertools import product
from pathlib import PurePosixPath

import pytest
import tomli

import kdrvgen
from kdrvgen.model.tasks import ALL_TASKS, generated_tasks, packing_of
from tests.report.support import span

from .support import also, dotted, is_accepted, refusal, refusals_of

TARGETS = 'targets = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"]'
CERTIFICATE = '[signing]\nmode = "certificate"\nstore = "My"\n'
DEVICE = '[package]\nkind = "device"\nprovider = "Example"\n'
SUBMISSION = "[package.submission]\n"
OFF = '[signing]\nmode = "off"\n'


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("driver", "signing", "points", "package"),
    list(
        product(
            ["", TARGETS, TARGETS + '\nmodel = "kmdf"', 'model = "umdf"'],
            ["", CERTIFICATE, OFF, OFF + '[profiles.development]\nsigning.mode = "test"\n'],
            [(), ("after-build",), ("before-build", "before-sign", "after-sign")],
            ["", DEVICE, f"{DEVICE}# after-package\n", DEVICE + SUBMISSION],
        )
    ),
)
def test_the_list_of_generated_tasks_matches_makefile_toml(
    driver: str, signing: str, points: tuple[str, ...], package: str
) -> None:
    if package and "umdf" in driver:
        package = package.replace("device", "umdf")
    points = (*points, *(["after-package"] if "after-package" in package else []))
    hooks = "".join(f'makefile.hooks.{point} = ["{point}"]\n' for point in points)
    tasks = "".join(f'[makefile.tasks.{point}]\nscript = ""\n' for point in points)
    project = kdrvgen.loads(f'{hooks}[driver]\nname = "hello"\n{driver}\n{package}{signing}{tasks}')
    makefile = tomli.loads(kdrvgen.render(project)[PurePosixPath("Makefile.toml")])
    modes = {project.signing_for(name).mode for name in project.profiles}
    found = set(makefile["tasks"]) - set(points)
    triples = project.driver.triples
    assert found == generated_tasks(triples, modes, points, packing_of(project.package))
    assert found <= ALL_TASKS


def test_a_task_of_the_package_needs_a_package() -> None:
    own = '[makefile.tasks.a]\ndependencies = ["package"]\n'
    line = refusal(own)
    assert dotted(line) == "makefile.tasks.a.dependencies.0"
    assert "`[package]` does not describe a driver package" in line["msg"]
    assert is_accepted(DEVICE + own)
    line = refusal(DEVICE + own.replace('"package"', '"make-package"'))
    assert line["ctx"]["hint"] == "use `package` here"
    line = refusal(DEVICE + own.replace('"package"', '"package-all"'))
    assert line["ctx"]["hint"].startswith("use `package` here, or list several targets")


def test_a_task_of_the_submission_needs_its_table() -> None:
    own = '[makefile.tasks.a]\ndependencies = ["submission"]\n'
    assert "`[package]` does not describe a driver package" in refusal(own)["msg"]
    line = refusal(DEVICE + own)
    assert dotted(line) == "makefile.tasks.a.dependencies.0"
    assert "`[package.submission]` is missing" in line["msg"]
    assert is_accepted(DEVICE + SUBMISSION + own)
    line = refusal(DEVICE + SUBMISSION + own.replace('"submission"', '"submission-all"'))
    assert line["ctx"]["hint"].startswith("use `submission` here, or list several targets")


@pytest.mark.parametrize("task", ["certificate", "clean-cert", "trust-certificate"])
@pytest.mark.parametrize("signing", [OFF, CERTIFICATE])
def test_a_task_for_the_test_certificate_needs_a_profile_that_makes_one(
    task: str, signing: str
) -> None:
    own = f'[makefile.tasks.a]\ndependencies = ["sign", "{task}"]\n'
    line = refusal(signing + own)
    assert dotted(line) == "makefile.tasks.a.dependencies.1"
    assert f"does not generate the task `{task}`" in line["msg"]
    assert line["ctx"]["hint"]
    assert {"signing.mode", "profiles.production.signing.mode"} <= also(line)
    assert is_accepted(own)
    assert is_accepted(f'{signing}{own}[profiles.development]\nsigning.mode = "test"\n')


def test_a_task_for_several_targets_needs_several_targets() -> None:
    own = '[makefile.tasks.a]\ndependencies = ["sign-all"]\n'
    line = refusal(own)
    assert dotted(line) == "makefile.tasks.a.dependencies.0"
    assert "`driver.targets` has only one target" in line["msg"]
    assert is_accepted(own, TARGETS)


@pytest.mark.parametrize("name", ["certificate", "no-such-task"])
@pytest.mark.parametrize(
    ("written", "path"),
    [
        ('alias = "{}"', "alias"),
        ('linux_alias = "{}"', "linux_alias"),
        ('mac_alias = "{}"', "mac_alias"),
        ('windows_alias = "{}"', "windows_alias"),
        ('extend = "{}"', "extend"),
        ('dependencies = [{{ name = "{}" }}]', "dependencies.0.name"),
        ('run_task = "{}"', "run_task"),
        ('run_task = {{ name = "{}", fork = true }}', "run_task.name"),
        ('run_task = {{ name = ["sign", "{}"] }}', "run_task.name.1"),
        ('run_task = {{ name = "sign", cleanup_task = "{}" }}', "run_task.cleanup_task"),
        ('run_task = [{{ name = "sign" }}, {{ name = "{}" }}]', "run_task.1.name"),
        ('linux.dependencies = ["{}"]', "linux.dependencies.0"),
        ('windows.run_task = "{}"', "windows.run_task"),
        ('mac.extend = "{}"', "mac.extend"),
    ],
)
def test_every_way_to_name_a_task_is_checked(written: str, path: str, name: str) -> None:
    line = refusal(f"{OFF}[makefile.tasks.a]\n{written.format(name)}\n")
    assert dotted(line) == f"makefile.tasks.a.{path}"
    assert is_accepted(f"[makefile.tasks.a]\n{written.format('verify')}\n")


@pytest.mark.parametrize(
    "own",
    [
        'dependencies = [{ name = "certificate", path = "other.toml" }]',
        'dependencies = ["${MY_TASK}"]',
        'args = ["certificate"]',
    ],
)
def test_a_reference_to_a_task_of_another_file_is_not_checked(own: str) -> None:
    assert is_accepted(f"{OFF}[makefile.tasks.a]\n{own}\n")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[signing]\nmode = "of"\n', "signing.mode"),
        ("signing = 1\n", "signing"),
        (
            f'{OFF}[profiles.development]\nsigning.mode = "tset"\n',
            "profiles.development.signing.mode",
        ),
        ("profiles = 1\n", "profiles"),
    ],
)
def test_with_an_invalid_mode_generated_tasks_are_not_checked(text: str, path: str) -> None:
    own = '[makefile.tasks.a]\ndependencies = ["certificate"]\n'
    document = tomli.loads(f'{text}{own}[driver]\nname = "hello"\n')
    assert [dotted(line) for line in refusals_of(document)] == [path]


@pytest.mark.parametrize(
    ("keys", "wrong", "expected"),
    [
        ("category command cwd description script_extension script_runner", "1", "a string"),
        ("clear disabled private workspace", '"yes"', "true or false"),
        ("args dependencies script_runner_args", "true", "an array"),
        ("condition env", "1", "a table"),
        ("script", "1", "a string, an array or a table"),
    ],
)
def test_a_value_that_cargo_make_cannot_read_is_refused(
    keys: str, wrong: str, expected: str
) -> None:
    for key in keys.split():
        line = refusal(f"[makefile.tasks.own]\n{key} = {wrong}\n")
        assert dotted(line) == f"makefile.tasks.own.{key}"
        assert f"cargo-make expects {expected} here" in line["msg"]


def test_the_error_points_at_the_name_in_config_toml() -> None:
    text = '[driver]\nname = "hello"\n[makefile.tasks.a]\ndependencies = ["sign", "sign-all"]\n'
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(text)
    (found,) = caught.value.findings
    assert span(found) == (4, 25, 10)
    assert found.help == "use `sign` here, or list several targets in `driver.targets`"
