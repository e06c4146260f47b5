"""cookiecutter, with this checkout as its template, makes what `kdrvgen new` makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kdrvgen.scaffold import questions
from kdrvgen.scaffold import template as templates
from kdrvgen.scaffold.manifest import OPTIONS
from tests.bootstrap.support import bootstrap, kdrvgen_process, surroundings, tree
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
    assert done.stderr.startswith("Error: command line:1:")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "made").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        "signing.store=MyStore linker.args=/MAP",
        "license=MIT edition=2024 version=1.2.3",
        "bootstrap.allocator=on",
        "allocator=True pool-tag=Abcd",
        "driver.target=i686-pc-windows-msvc",
        "template=device vscode=1",
        "bootstrap.template=wdk driver.model=kmdf",
        "profiles.production.signing.digest=sha384",
        "authors=A,B makefile.env.A=1",
    ],
)
def test_a_word_that_kdrvgen_new_takes_is_taken(words: str, tmp_path: Path) -> None:
    own = kdrvgen_process("new", "hello", "--no-input", *words.split(), cwd=tmp_path)
    done = cookiecutter(tmp_path, *words.split())
    assert (own.returncode, done.returncode) == (0, 0), own.stderr + done.stderr
    assert tree(tmp_path / "made" / "hello") == tree(tmp_path / "hello")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        "driver.licence=MIT",
        "licence=MIT",
        "driver.license=MIT",
        "bootstrap.edition=2020",
        "bootstrap.template=nonsense",
        "bootstrap.template=wdk logger=DbgPrint",
        "git=perhaps",
        "license=MIT license=MIT",
        "license=MIT bootstrap.license=MIT",
        "signing.store=",
        "nothing.here=1",
    ],
)
def test_a_word_that_kdrvgen_new_refuses_is_refused(words: str, tmp_path: Path) -> None:
    own = kdrvgen_process("new", "hello", "--no-input", *words.split(), cwd=tmp_path)
    done = cookiecutter(tmp_path, *words.split())
    assert (own.returncode != 0, done.returncode) == (True, 1), done.stdout
    message = own.stderr.partition("\n")[0].partition("error: ")[2]
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "made").exists()


def asked(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_question_that_the_other_answers_make_useless_is_not_asked(tmp_path: Path) -> None:
    # name, template, three texts, targets, channel, allocator, logger 2, git, vscode
    logged = asked(cookiecutter(tmp_path, typed="one\n1\n\n\n\n\n\nn\n2\nn\nn\n"))
    assert "Use a global allocator" in logged
    assert "The tag of" not in logged
    assert "The level that" not in logged
    assert 'logger = "DbgPrint"' in (tmp_path / "made" / "one" / "config.toml").read_text("utf-8")
    wdk = asked(cookiecutter(tmp_path, typed="two\n7\n\n\n\n\n\ny\n\n\n\n"))
    assert "The kernel function that writes the log" not in wdk
    assert tree(tmp_path / "made" / "two") == tree(bootstrap(tmp_path, "wdk", name="two"))


@pytest.mark.slow
def test_a_wrong_answer_is_reported_and_the_question_repeated(tmp_path: Path) -> None:
    typed = "con\ntwo\n1\n\n\n\ni686\ni686-pc-windows-msvc\n\ny\nabc\nAbcd\n" + "\n" * 10
    done = cookiecutter(tmp_path, typed=typed)
    assert done.returncode == 0, done.stderr
    assert "`con` is a device in Windows" in done.stderr
    assert "`abc` is not a valid pool tag" in done.stderr
    words = ["driver.targets=i686-pc-windows-msvc", "allocator=yes", "pool-tag=Abcd"]
    made = bootstrap(tmp_path, "minimal", *words, name="two")
    assert tree(tmp_path / "made" / "two") == tree(made)


@pytest.mark.slow
def test_a_word_is_the_default_of_its_question(tmp_path: Path) -> None:
    words = ["license=MIT", "bootstrap.allocator=yes", "signing.store=MyStore"]
    done = cookiecutter(tmp_path, "name=hello", *words, typed="\n" * 20)
    assert "(MIT)" in asked(done)
    assert tree(tmp_path / "made" / "hello") == tree(bootstrap(tmp_path, "minimal", *words))


@pytest.mark.slow
def test_a_replay_makes_the_same_project_with_the_words(tmp_path: Path) -> None:
    asked(cookiecutter(tmp_path, "signing.store=MyStore", "license=MIT"))
    first = tree(tmp_path / "made" / "hello")
    (tmp_path / "made").rename(tmp_path / "before")
    options = ["--directory", "docs/cookiecutter", "-o", str(tmp_path / "made"), "--replay"]
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(CHECKOUT), *options],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env=surroundings() | {"HOME": str(tmp_path / "home")},
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "made" / "hello") == first


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
    found: dict[str, Any] = {"__words": "{{ kdrvgen_words() }}", "name": "hello"}
    found["bootstrap.template"] = "{{ kdrvgen_default(cookiecutter, 'bootstrap.template') }}"
    prompts: dict[str, Any] = {
        "name": "Name of the project and of its Cargo package",
        "bootstrap.template": {
            "__prompt__": "Template",
            **{name: f"{name}: {templates.load(name).summary}" for name in TEMPLATES},
        },
    }
    for path in questions.COMMON_KEYS:
        name = ".".join(map(str, path))
        found[name] = f"{{{{ kdrvgen_default(cookiecutter, '{name}') }}}}"
        prompts[name] = questions.summary(path)
    for name in OPTIONS:
        path = ("bootstrap", name)
        found[name] = f"{{{{ kdrvgen_default(cookiecutter, '{name}') }}}}"
        prompts[name] = questions.summary(path)
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
