"""`kdrvgen.bootstrap` as a Python function."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

import kdrvgen
from kdrvgen import ConfigError, RefusedError, Status, UsageError
from kdrvgen.scaffold import answers, render
from kdrvgen.scaffold import template as templates
from tests.bootstrap.support import bootstrap, tree


@pytest.mark.slow
def test_the_function_creates_the_same_project_as_the_command(tmp_path: Path) -> None:
    (tmp_path / "command").mkdir()
    command = bootstrap(tmp_path / "command", "device", "allocator=yes", "bootstrap.license=MIT")
    config = {"bootstrap": {"allocator": True, "license": "MIT"}}
    report = kdrvgen.bootstrap(tmp_path / "function", "hello", "device", config=config)
    assert tree(tmp_path / "function" / "hello") == tree(command)
    assert {str(entry.path) for entry in report.entries} == set(tree(command))
    assert {entry.status for entry in report.entries} == {Status.CREATED}
    assert report.changed


def test_an_invalid_setting_is_a_config_error(tmp_path: Path) -> None:
    for name, config in (
        ("../out", {}),
        ("hello", {"bootstrap": {"edition": "2020"}}),
        ("hello", {"bootstrap": {"pool-tag": "abc"}}),
        ("hello", {"bootstrap": "minimal"}),
        ("hello", {"driver": "hello"}),
        ("hello", {"drivre": {}}),
    ):
        with pytest.raises(ConfigError):
            kdrvgen.bootstrap(tmp_path, name, config=config)
    assert list(tmp_path.iterdir()) == []


def test_an_option_that_the_template_does_not_have_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("shared", "[options]\ngit = false\n"), ("bare", 'summary = "x"\n')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "template.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(templates, "FOLDER", tmp_path)
    with pytest.raises(
        ConfigError, match="the template `bare` does not have the option `pool-tag`"
    ):
        kdrvgen.bootstrap(tmp_path, "x", "bare", config={"bootstrap": {"pool-tag": "Abcd"}})


def test_a_missing_template_is_a_usage_error(tmp_path: Path) -> None:
    for name in ("minmal", "shared", "", "..", "minimal/../minimal", str(tmp_path)):
        with pytest.raises(UsageError, match=r"the template .* (does not exist|has no)"):
            kdrvgen.bootstrap(tmp_path, "hello", name)


def test_an_occupied_folder_is_refused(tmp_path: Path) -> None:
    kdrvgen.bootstrap(tmp_path, "hello")
    before = tree(tmp_path)
    with pytest.raises(RefusedError, match="exists and is not empty") as caught:
        kdrvgen.bootstrap(tmp_path, "hello", "process")
    assert caught.value.exit_code == 5
    (refused,) = caught.value.report.refused
    assert (str(refused.path), refused.reason) == (".", "exists and is not empty")
    assert tree(tmp_path) == before


def test_files_are_rendered_in_memory_and_differ_only_in_the_name(tmp_path: Path) -> None:
    template = templates.load("minimal")
    document = answers.complete(template, {"driver": {"name": "hello"}})
    made = render.render(template, document)
    kdrvgen.bootstrap(tmp_path, "hello")
    assert {str(path): text for path, text in made.items()} == tree(tmp_path / "hello")
    with pytest.raises(TypeError):
        made[PurePosixPath("x")] = b""  # type: ignore[index] # what is refused
