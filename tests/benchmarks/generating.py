"""How long a generate takes, beside its floor, cookiecutter and copier. See README.md."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import kdrvgen
from kdrvgen import rendering
from tests.benchmarks.measure import Command, compare

TEMPLATES = Path(rendering.__file__).with_name("templates")
IMPORTS = """\
import jinja2, tomli
from pydantic import BaseModel
class M(BaseModel): x: int = 1
"""
FLOOR = f"""\
{IMPORTS}
environment = jinja2.Environment(loader=jinja2.FileSystemLoader({str(TEMPLATES)!r}))
for name in "cargo_make key purpose rust toml".split():
    environment.filters[name] = str
for name in environment.list_templates():
    environment.get_template(name)
"""
CONFIG = '[driver]\nname = "hello"\n'
ROUNDS = 15


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        times = compare(_commands(Path(folder)), ROUNDS)
    floor = times["floor"]
    print(f"{'':34}{'ms':>8}{'× floor':>9}")
    for name, milliseconds in times.items():
        print(f"{name:34}{milliseconds:8.1f}{milliseconds / floor:9.2f}")
    full, idle = times["kdrvgen, all files"], times["kdrvgen, nothing to change"]
    for peer in ("cookiecutter", "copier"):
        print(
            f"{peer} ÷ kdrvgen: all files {times[f'{peer}, all files'] / full:.1f}, "
            f"nothing to change {times[f'{peer}, nothing to change'] / idle:.1f}"
        )
    print()
    _in_one_process()


def _commands(folder: Path) -> dict[str, Command]:
    texts = {str(path): text for path, text in kdrvgen.render(kdrvgen.loads(CONFIG)).items()}
    python = [sys.executable]
    # Tools as users have them: installed, with compiled modules.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found: dict[str, Command] = {
        "python -c pass": Command([*python, "-c", "pass"], folder, env=env),
        "imports": Command([*python, "-c", IMPORTS], folder, env=env),
        "floor": Command([*python, "-c", FLOOR], folder, env=env),
    }
    makers = {
        "kdrvgen": (_kdrvgen, [*python, "-m", "kdrvgen", "config.toml"], "."),
        "cookiecutter": (
            _cookiecutter,
            [*python, "-m", "cookiecutter", "--no-input", "--overwrite-if-exists", "template"],
            "hello",
        ),
        "copier": (
            _copier,
            [*python, "-m", "copier", "copy", "--defaults", "--overwrite", "template", "hello"],
            "hello",
        ),
    }
    for name, (prepare, argv, made) in makers.items():
        for case in ("all files", "nothing to change"):
            where = folder / f"{name} {case}"
            prepare(where, texts)

            def remove(where: Path = where / made) -> None:
                for path in texts:
                    (where / path).unlink(missing_ok=True)

            before = remove if case == "all files" else (lambda: None)
            found[f"{name}, {case}"] = Command(argv, where, before, env)
    return found


def _kdrvgen(where: Path, texts: dict[str, str]) -> None:
    del texts
    where.mkdir()
    (where / "config.toml").write_text(CONFIG, encoding="utf-8")


def _template(where: Path, texts: dict[str, str], name: str, suffix: str) -> None:
    for path, text in texts.items():
        file = where / f"{path}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        parts = text.split("hello")
        file.write_text(
            name.join(f"{{% raw %}}{part}{{% endraw %}}" for part in parts), encoding="utf-8"
        )


def _cookiecutter(where: Path, texts: dict[str, str]) -> None:
    template = where / "template"
    _template(template / "{{cookiecutter.name}}", texts, "{{cookiecutter.name}}", "")
    (template / "cookiecutter.json").write_text(json.dumps({"name": "hello"}), encoding="utf-8")


def _copier(where: Path, texts: dict[str, str]) -> None:
    template = where / "template"
    _template(template, texts, "{{name}}", ".jinja")
    (template / "copier.yml").write_text("name: {type: str, default: hello}\n", encoding="utf-8")


def _in_one_process() -> None:
    kdrvgen.render(kdrvgen.loads(CONFIG))
    for count in (250, 500, 1000):
        projects = [
            kdrvgen.Project(
                driver=kdrvgen.Driver(name=f"driver-{number}", output_name=f"Driver {number}"),
                linker=kdrvgen.Linker(args=(f"/VERSION:{number}",)),
                signing=kdrvgen.Signing(subject=f"Certificate {number}"),
            )
            for number in range(count)
        ]
        start = time.perf_counter()
        different = {"".join(kdrvgen.render(project).values()) for project in projects}
        each = (time.perf_counter() - start) * 1000 / count
        print(f"{count:5} different projects in one process: {each:.2f} ms each")
        if len(different) < count:
            sys.exit("two projects gave the same files")


if __name__ == "__main__":
    if shutil.which("git") is None:
        sys.exit("copier needs git")
    main()
