"""cookiecutter, with this checkout as its template, makes what `kdrvgen new` makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kdrvgen.scaffold import questions, values
from kdrvgen.scaffold import template as templates
from kdrvgen.scaffold.manifest import OPTIONS
from tests.bootstrap.support import bootstrap, surroundings, tree
from tests.tools import need

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "docs" / "cookiecutter"
TEMPLATES = templates.names()


def cookiecutter(
    where: Path, *words: str, typed: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter in a home of its own, by itself or with the lines that are typed."""
    home = where / "home"
    home.mkdir(exist_ok=True)
    options = ["--directory", "docs/cookiecutter", "-o", str(where / "made")]
    options += [] if typed is not None else ["--no-input"]
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(CHECKOUT), *options, *words],
        capture_output=True,
        check=False,
        cwd=where,
        env=surroundings() | {"HOME": str(home), "XDG_CONFIG_HOME": str(home)} | environment,
        input=typed or "",
        encoding="utf-8",
    )


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_the_same_answers_give_the_same_bytes(template: str, tmp_path: Path) -> None:
    answers = ["bootstrap.license=MIT", 'bootstrap.description=A "new" \\ driver']
    answers += ["vscode=yes", "toolchain.channel=1.90"]
    done = cookiecutter(tmp_path, "name=hello", f"bootstrap.template={template}", *answers)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "made" / "hello") == tree(bootstrap(tmp_path, template, *answers))


@pytest.mark.slow
def test_every_option_can_be_set_and_a_repository_created(tmp_path: Path) -> None:
    need("git")
    answers = ["allocator=yes", "pool-tag=Abcd", "logger=DbgPrint", "log-level=error", "git=yes"]
    answers += ["bootstrap.edition=2024", "driver.targets=i686-pc-windows-msvc"]
    done = cookiecutter(tmp_path, "name=hello", *answers)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made" / "hello" / ".git").is_dir()
    assert tree(tmp_path / "made" / "hello") == tree(bootstrap(tmp_path, "minimal", *answers))


@pytest.mark.slow
def test_its_own_questions_lead_to_the_same_project(tmp_path: Path) -> None:
    done = cookiecutter(tmp_path, typed="my-driver\n2\n" + "\n" * 20)
    assert done.returncode == 0, done.stderr
    made = bootstrap(tmp_path, "device", name="my-driver")
    assert tree(tmp_path / "made" / "my-driver") == tree(made)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["name=../x", "name=con", "pool-tag=abc", "allocator=perhaps"])
def test_a_wrong_answer_is_a_clear_error_before_anything_is_made(
    answer: str, tmp_path: Path
) -> None:
    done = cookiecutter(tmp_path, answer)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: answers: error: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "made").exists()


@pytest.mark.slow
def test_a_missing_dependency_beside_cookiecutter_is_reported(tmp_path: Path) -> None:
    missing = "raise ModuleNotFoundError(\"No module named 'pydantic'\", name='pydantic')\n"
    (tmp_path / "pydantic.py").write_text(missing, encoding="utf-8")
    done = cookiecutter(tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: this template needs pydantic beside cookiecutter")
    assert not (tmp_path / "made").exists()


def expected() -> dict[str, Any]:
    """Return what cookiecutter.json has to be for it to ask what `kdrvgen new` asks."""
    found: dict[str, Any] = {"name": "hello", "bootstrap.template": list(TEMPLATES)}
    prompts: dict[str, Any] = {
        "name": "Name of the project and of its Cargo package",
        "bootstrap.template": {
            "__prompt__": "Template",
            **{name: f"{name}: {templates.load(name).summary}" for name in TEMPLATES},
        },
    }
    defaults = {
        "bootstrap.description": "",
        "bootstrap.license": "",
        "bootstrap.edition": ["2021", "2018", "2024"],
        "driver.targets": "x86_64-pc-windows-msvc",
        "toolchain.channel": "stable",
    }
    for path in questions.COMMON_KEYS:
        name = ".".join(map(str, path))
        found[name] = defaults[name]
        prompts[name] = questions.summary(path)
    for name in OPTIONS:
        path = ("bootstrap", name)
        among = ", ".join(values.choices(path))
        found[name] = f"{{{{ kdrvgen_default(cookiecutter, '{name}') }}}}"
        prompts[name] = questions.summary(path) + (f" One of {among}." if among else "")
    return found | {
        "__prompts__": prompts,
        "__checked": "{{ kdrvgen_check(cookiecutter) }}",
        "_extensions": ["kdrvgen_extension.Kdrvgen"],
    }


def test_its_questions_match_the_model_and_the_templates() -> None:
    file = FOLDER / "cookiecutter.json"
    text = json.dumps(expected(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text
