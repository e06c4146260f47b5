"""`kdrvgen new --template FOLDER`: a user's own template."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.scaffold import isolation
from kdrvgen.scaffold.exchange import CPU_SECONDS, Item
from tests.bootstrap.support import kdrvgen_process, tree

MANIFEST = """\
summary = "the drivers of ACME"

[config]
wdk.locate = "none"

[options]
allocator = false

[questions.company]
text = "Company that signs the driver"
default = "ACME"

[questions.with-irp]
text = "Handle requests?"
default = false

[questions.bus]
text = "Bus of the device"
default = "pci"
choices = ["pci", "usb"]
when = "answers.with_irp"

[shared]
"Cargo.toml" = "project/Cargo.toml.j2"
"docs/tasks.json" = "project/.vscode/tasks.json"

[when]
"src/irp.rs" = "answers.with_irp"
"README.md" = "false"
"""
LIBRARY = """\
{% import "macros.j2" as macros %}
//! {{ macros.by(answers.company) }}
{% include "license.j2" %}
#![no_std]
{% for triple in driver.triples %}
// {{ loop.index }}: {{ triple.split("-")[0] | upper }}
{% endfor %}
const COMPANY: &str = {{ answers.company | rust }};
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    put(folder, "template.toml", MANIFEST)
    put(folder, "tree/src/lib.rs.j2", LIBRARY)
    put(folder, "tree/src/irp.rs", "// for {{ not rendered }}\n")
    put(folder, "tree/docs/{{ driver.name }}.md.j2", "# {{ driver.name | markdown }}\n")
    put(folder, "include/macros.j2", "{% macro by(who) %}by {{ who }}{% endmacro %}\n")
    put(folder, "include/license.j2", "//! {{ options.license or 'no license' }}\n")
    put(folder, ".git/config", "[core]\n")  # a checkout
    return folder


def put(folder: Path, path: str, text: str | bytes) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def new(where: Path, *words: str, template: str = "./acme") -> subprocess.CompletedProcess[str]:
    return kdrvgen_process("new", "hello", "--template", template, *words, cwd=where)


def test_a_folder_is_a_template(template: Path, tmp_path: Path) -> None:
    done = new(tmp_path, "license=MIT", 'company=A "B"', "with-irp=yes")
    assert done.returncode == 0, done.stderr
    files = tree(tmp_path / "hello")
    assert files["src/lib.rs"].decode() == (
        '//! by A "B"\n//! MIT\n#![no_std]\n// 1: X86_64\nconst COMPANY: &str = "A \\"B\\"";\n'
    )
    assert files["src/irp.rs"] == b"// for {{ not rendered }}\n"
    assert files["docs/hello.md"] == b"# hello\n"
    assert {"Cargo.toml", "docs/tasks.json", ".gitignore", "Makefile.toml"} <= set(files)
    assert "README.md" not in files
    assert template.name == "acme"


def test_a_condition_that_is_false_leaves_a_file_out(template: Path, tmp_path: Path) -> None:
    assert template.is_dir()
    assert new(tmp_path).returncode == 0
    assert "src/irp.rs" not in tree(tmp_path / "hello")


@pytest.mark.slow
def test_the_answers_are_in_config_toml_and_make_another_project(
    template: Path, tmp_path: Path
) -> None:
    assert template.is_dir()
    assert (
        new(tmp_path, "company=Contoso", "with-irp=on", "bootstrap.answers.bus=usb").returncode == 0
    )
    bootstrap = kdrvgen.load(tmp_path / "hello" / "config.toml").bootstrap
    assert bootstrap.template == "./acme"
    assert dict(bootstrap.answers) == {"company": "Contoso", "with-irp": True, "bus": "usb"}
    words = ["new", "hello", "--config", "hello/config.toml", "-o", "again"]
    done = kdrvgen_process(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "hello") == tree(tmp_path / "again" / "hello")


def test_the_api_takes_a_folder_too(template: Path, tmp_path: Path) -> None:
    config = {"bootstrap": {"answers": {"with-irp": True}}}
    kdrvgen.bootstrap(tmp_path, "hello", str(template), config=config)
    assert (tmp_path / "hello" / "src" / "irp.rs").is_file()
    with pytest.raises(kdrvgen.ConfigError, match="does not have the question `wiht-irp`"):
        kdrvgen.bootstrap(
            tmp_path, "other", str(template), config={"bootstrap": {"answers": {"wiht-irp": True}}}
        )


def test_list_templates_shows_its_questions(template: Path, tmp_path: Path) -> None:
    words = ["new", "--list-templates", "--template", f"{template}"]
    done = kdrvgen_process(*words, cwd=tmp_path)
    assert "./acme  the drivers of ACME\n" in done.stdout
    assert "company: Company that signs the driver\n" in done.stdout


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("compny=x", "unknown option `compny`"),
        ("with-irp=perhaps", "`with-irp` must be yes or no"),
        ("bus=ubs", "`bus` is not one of the choices"),
        ("company=x company=y", "is set twice"),
    ],
)
def test_a_wrong_answer_is_an_error_at_its_place(
    template: Path, tmp_path: Path, word: str, message: str
) -> None:
    assert template.is_dir()
    done = new(tmp_path, *word.split())
    assert done.returncode == 3
    assert message in done.stderr
    assert "command line:1:" in done.stderr
    assert not (tmp_path / "hello").exists()


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[questions\n", "1:11", "`]` is missing here"),
        ("sumary = 'x'\n", "1:1", "did you mean `summary`?"),
        ("[options]\ngti = true\n", "2:1", "unknown key `gti`"),
        ("[options]\ngit = true\n", "2:7", "only the user can ask for `git init`"),
        ("[options]\nlogger = 'x'\n", "2:10", 'cannot be "x"'),
        ("[config]\nwdk.lcate = 'none'\n", "2:5", "did you mean `locate`?"),
        ("[config.linker]\nemit = 'x'\n", "2:8", 'cannot be "x"'),
        ("[config.bootstrap]\ngit = true\n", "1:1", "options go into `[options]`"),
        ("[questions.license]\ntext = 'x'\n", "1:", "option or a table of kdrvgen's own"),
        ("[questions.template]\ntext = 'x'\n", "1:", "option or a table of kdrvgen's own"),
        ("[questions.answers]\ntext = 'x'\n", "1:", "option or a table of kdrvgen's own"),
        ("[questions.linker]\ntext = 'x'\n", "1:", "option or a table of kdrvgen's own"),
        ("[when]\n'src/irp.rs' = ''\n", "2:16", "the value is empty"),
        ("[questions.a]\ntext = 'x'\nchoices = ['b']\n", "1:1", "not one of the choices"),
        (
            "[shared]\n'a' = 'project/Crago.toml.j2'\n",
            "2:7",
            "did you mean `project/Cargo.toml.j2`?",
        ),
        ("[shared]\n'a.rs' = '../../x'\n", "2:10", "leads out of the project folder"),
        ("[when]\n'src/irq.rs' = 'true'\n", "2:16", "did you mean `src/irp.rs`?"),
        ("[when]\n'src/irp.rs' = 'a b'\n", "2:16", "not a valid expression"),
        ("[when]\n'src/irp.rs' = 'answers.x'\n", "2:16", "has no attribute 'x'"),
        ("kdrvgen-version = '>=99'\n", "1:19", "this template is for kdrvgen >=99"),
        ("[[member]]\npath = 'b'\nconfig.driver.name = '{{ x }}'\n", "3:22", "'x' is undefined"),
    ],
)
def test_an_error_in_template_toml_has_its_place(
    template: Path, tmp_path: Path, text: str, place: str, message: str
) -> None:
    put(template, "template.toml", text)
    put(template, "tree/src/lib.rs.j2", "")
    done = new(tmp_path)
    assert done.returncode == 3, done.stdout
    assert f"{Path('acme', 'template.toml')}:{place}" in done.stderr
    assert message in done.stderr
    assert done.stderr.endswith(f"\n1 error in {Path('acme', 'template.toml')}\n")
    assert not (tmp_path / "hello").exists()


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("path", "text", "place", "message"),
    [
        ("tree/a.j2", "x\n{% if %}", "tree/a.j2:2", "Expected an expression"),
        ("tree/a.j2", "x\n{{ nobody }}", "tree/a.j2:2", "'nobody' is undefined"),
        ("tree/a.j2", "{{ 1 | noth }}", "tree/a.j2:1", "No filter named 'noth'"),
        ("include/b.j2", "\n\n{{ 1 // 0 }}", "include/b.j2:3", "zero"),
        ("tree/a.j2", b"\xff", "tree/a.j2", "not UTF-8"),
        ("tree/Makefile.toml", "x", "tree/Makefile.toml", "kdrvgen writes `Makefile.toml` itself"),
    ],
)
def test_an_error_in_a_file_has_its_place(  # noqa: PLR0913, PLR0917 - the columns of a table
    template: Path, tmp_path: Path, path: str, text: str | bytes, place: str, message: str
) -> None:
    put(template, "tree/c.j2", '{% include "b.j2" %}' if "include" in path else "")
    put(template, path, text)
    done = new(tmp_path)
    assert done.returncode == 3, done.stdout
    assert f"{Path('acme', place)}" in done.stderr
    assert message in done.stderr
    assert not (tmp_path / "hello").exists()


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("./nothing", "the template folder ./nothing does not exist"),
        ("./acme/tree", "the template folder ./acme/tree has no template.toml"),
        ("acme", "Did you mean the folder `./acme`?"),
    ],
)
def test_a_folder_that_is_no_template_is_reported(
    template: Path, tmp_path: Path, folder: str, message: str
) -> None:
    assert template.is_dir()
    done = new(tmp_path, template=folder)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


def test_a_folder_whose_name_cannot_be_in_config_toml_is_refused(
    template: Path, tmp_path: Path
) -> None:
    template.rename(tmp_path / "a\u200bcme")
    done = new(tmp_path, template="./a\u200bcme")
    assert done.returncode == 2
    assert "cannot be in a config.toml" in done.stderr
    assert not (tmp_path / "hello").exists()


HOSTILE = {
    "the sandbox's classic": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a filter for attributes": "{{ '' | attr('__class__') }}",
    "an attribute in map": "{{ [driver] | map(attribute='__class__') | first }}",
    "a function's globals": "{{ range.__globals__ }}",
    "jinja's own objects": "{{ self.__init__.__globals__ }}",
    "a macro's function": "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "a method of the model": "{{ driver.parse_file('/etc/passwd') }}",
    "pickle": "{{ options.parse_raw('x', proto='pickle', allow_pickle=True) }}",
    "format": "{{ '{0.__class__}'.format(driver) }}",
    "format_map": "{{ '{x.__class__}'.format_map(options) }}",
    "an absolute include": "{% include '/etc/passwd' %}",
    "an include above": "{% include '../template.toml' %}",
    "an import of the tree": "{% import '../tree/src/irp.rs' as x %}",
    "an include of its own making": "{% include ['a', driver.name ~ '/../../x'] %}",
    "a random answer": "{{ [1, 2] | random }}",
    "debug": "{% debug %}",
    "a loop without end": "{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% endfor %}{% endfor %}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "an include of itself": "{% include 'self.j2' %}",
    "a long text": "{{ 'a' * 9999999999 }}",
    "a text by format": "{{ '%9999999999d' % 1 }}",
    "a large number": "{{ 9 ** 9 ** 9 }}",
    "padding": "{{ 'a'.zfill(9999999999) }}",
    "a wide indent": "{{ 'a\nb' | indent(9999999999) }}",
    "a text that doubles": "{% set x = namespace(y='aaaaaaaa') %}{% for i in range(60) %}"
    "{% set x.y = x.y ~ x.y %}{% endfor %}",
    "much output": "{% for a in range(99999) %}{{ '" + "a" * 999 + "' }}{% endfor %}",
    "parentheses": "{{ " + "(" * 20000 + ")" * 20000 + " }}",
    "nested blocks": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_refused_in_time_and_writes_nothing(
    template: Path, tmp_path: Path, text: str
) -> None:
    put(template, "include/self.j2", "{% include 'self.j2' %}")
    put(template, "tree/src/lib.rs.j2", text)
    done = new(tmp_path)
    assert done.returncode == 3, done.stdout
    assert "acme" in done.stderr
    assert "root:" not in done.stderr
    assert not (tmp_path / "hello").exists()


REFUSED = {
    "{{ driver.name.zfill(9) }}": "cannot call `zfill`",
    "{{ '{}'.format(1) }}": "cannot call `format`",
    "{{ 'a' * 9 }}": "cannot use `*`",
    "{{ '%9d' % 1 }}": "cannot use `%`",
    "{{ 9223372036854775808 * 2 }}": "cannot use `*`",
    "{{ 2 ** 9 }}": "cannot use `**`",
    "{{ 'a' | attr('upper') }}": "No filter named 'attr'",
    "{{ [1] | random }}": "No filter named 'random'",
    "{{ lipsum() }}": "'lipsum' is undefined",
    "{{ driver.model_dump() }}": "has no attribute 'model_dump'",
    "{{ namespace.mro() }}": "unsafe",
    "{{ [].append(1) }}": "unsafe",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}": "calls or includes itself",
    "{% include 'x.j2' %}": "the folder include has no file `x.j2`",
    "{{ {}['a'] }}": "has no attribute 'a'",
    "{{ 'x' | int('y') + 1 }}": "can only concatenate str",
}
ALLOWED = {
    "{{ 'a,b'.split(',')[1] | upper }}": "B",
    "{{ driver.name.startswith('h') }}": "True",
    "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(driver.name) }}": "<hello>",
    "{% for i in range(3) %}{{ loop.cycle('a', 'b') }}{% endfor %}": "aba",
    "{% set n = namespace(x=0) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}"
    "{{ n.x * 2 % 5 }}": "1",
    "{% for key, value in {'b': 1}.items() %}{{ key }}{{ value }}{% endfor %}": "b1",
    "{{ ['b', 'a'] | sort | join(' ') | toml }}": '"a b"',
}

ALLOWED |= {
    "{{ -2 | abs }}": "2",
    "{{ [1, 2, 3] | batch(2) | list }}": "[[1, 2], [3]]",
    "{{ 'aB' | capitalize }}": "Ab",
    "{{ 'ab' | count }}": "2",
    "{{ nobody | d('x') }}": "x",
    "{{ nobody | default('x') }}": "x",
    "{{ {'b': 1, 'a': 2} | dictsort }}": "[('a', 2), ('b', 1)]",
    "{{ 'ab' | first }}{{ 'ab' | last }}{{ 'ab' | length }}": "ab2",
    "{% for k, v in [{'a': 1}, {'a': 2}] | groupby('a') %}{{ k }}{% endfor %}": "12",
    "{{ 'a\nb' | indent(2) }}": "a\n  b",
    "{{ '7' | int + 1 }}": "8",
    "{{ {'a': 1} | items | list }}": "[('a', 1)]",
    "{{ 'Ab' | lower }}{{ 'Ab' | upper }}{{ 'ab c' | title }}{{ ' a ' | trim }}": "abABAb Ca",
    "{{ ['a'] | map('upper') | join }}": "A",
    "{{ [1, 3] | max }}{{ [1, 3] | min }}{{ [1, 3] | sum }}": "314",
    "{{ [0, 1] | reject | list }}{{ [0, 1] | select | list }}": "[0][1]",
    "{{ [{'a': 0}] | rejectattr('a') | list }}": "[{'a': 0}]",
    "{{ [{'a': 0}] | selectattr('a') | list }}": "[]",
    "{{ 'ab' | replace('a', 'c') }}": "cb",
    "{{ 'ab' | reverse }}": "ba",
    "{{ [1, 2, 3] | slice(2) | list }}": "[[1, 2], [3]]",
    "{{ 1 | string ~ 'a' }}": "1a",
    "{{ [2, 1, 2] | unique | list }}": "[2, 1]",
    "{{ 'a.b' | key }}{{ 'a b' | gitignore }}{{ 'a*' | markdown }}": '"a.b"/a\\ ba\\*',
    "{{ 'a\"' | rust }}{{ [1] | toml }}": '"a\\""[1]',
    "{{ 'ab'.capitalize() }}{{ 'aB'.lower() }}{{ 'a b'.title() }}{{ 'a'.upper() }}": "AbabA BA",
    "{{ 'a'.endswith('a') }}{{ '1'.isalnum() }}{{ '1'.isalpha() }}": "TrueTrueFalse",
    "{{ '1'.isdigit() }}{{ ' a '.lstrip() }}{{ ' a '.rstrip() }}{{ ' a '.strip() }}": "Truea  aa",
    "{{ 'a=b'.partition('=') }}": "('a', '=', 'b')",
    "{{ 'a=b=c'.rpartition('=')[0] }}{{ 'a=b=c'.rsplit('=', 1)[0] }}": "a=ba=b",
    "{{ 'ab'.removeprefix('a') }}{{ 'ab'.removesuffix('b') }}{{ 'ab'.replace('a', 'c') }}": "bacb",
    "{{ 'a\nb'.splitlines() }}": "['a', 'b']",
    "{{ {'a': 1}.get('b', 2) }}{{ {'a': 1}.keys() | list }}{{ {'a': 1}.values() | list }}": (
        "2['a'][1]"
    ),
    "{{ 2 * 3 }}{{ 7 % 4 }}{{ 7 // 2 }}": "633",
}


def test_a_template_can_use_only_what_is_pure_and_small() -> None:
    values = {"driver": {"name": "hello"}, "options": {}}

    def render(texts: Iterable[str]) -> tuple[list[str | None], list[str]]:
        items = [Item(file="x.j2", source=text, when="") for text in texts]
        results, failures = isolation.render(items, {}, values)
        return results, [failure["message"] for failure in failures]

    assert render(ALLOWED) == (list(ALLOWED.values()), [])
    results, messages = render(REFUSED)
    assert results == []
    for message, expected in zip(messages, REFUSED.values(), strict=True):
        assert expected in message


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    "path",
    [
        "tree/.git/hooks/post-checkout",
        "tree/.GIT/config",
        "tree/sub/git~1/config",
        "tree/.kdrvgen/kit.rs",
        "tree/{{ '..' }}.j2",
        "tree/{{ '.' }}git/config",
        "tree/src/{{ '' }}",
        "tree/{{ 'SRC/LIB' }}.rs",
        "tree/src/{{ 'lib' }}.rs/x",
    ],
)
def test_a_path_that_a_project_cannot_have_is_refused(
    template: Path, tmp_path: Path, path: str
) -> None:
    put(template, path, "x")
    done = new(tmp_path)
    assert done.returncode == 3, done.stdout
    assert f"{Path('acme', 'tree')}{os.sep}" in done.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["acme"]


def links(template: Path, tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "secret").write_text("secret\n", "utf-8")
    (tmp_path / "folder").mkdir(exist_ok=True)
    yield template / "tree" / "a.txt"
    yield template / "tree" / "a.j2"
    yield template / "include" / "a.j2"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("target", ["secret", "folder", "nothing"])
def test_a_link_in_a_template_is_refused(
    template: Path, tmp_path: Path, number: int, target: str
) -> None:
    link = list(links(template, tmp_path))[number]
    link.symlink_to(tmp_path / target)
    done = new(tmp_path)
    assert done.returncode == 3
    assert f"{link.relative_to(tmp_path)}: error: this is a link" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
@pytest.mark.parametrize("name", ["tree", "include", "template.toml"])
def test_a_part_of_a_template_that_is_a_link_is_refused(
    template: Path, tmp_path: Path, name: str
) -> None:
    (template / name).rename(tmp_path / "elsewhere")
    (template / name).symlink_to(tmp_path / "elsewhere")
    done = new(tmp_path)
    assert done.returncode == 3
    assert f"{Path('acme', name)}: error: this is a link" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_in_a_template_is_refused_and_not_waited_for(template: Path, tmp_path: Path) -> None:
    os.mkfifo(template / "tree" / "pipe")
    done = new(tmp_path)
    assert "this is a device or a pipe, not a file" in done.stderr


@pytest.mark.slow
def test_the_size_of_a_template_is_limited(template: Path, tmp_path: Path) -> None:
    put(template, "tree/large", b"\0" * (1024 * 1024 + 1))
    assert "the file is larger than 1 MiB" in new(tmp_path).stderr
    (template / "tree" / "large").unlink()
    put(template, "tree/" + "a/" * 20 + "b", "x")
    assert "folders deep" in new(tmp_path).stderr
    put(template, "tree/" + "a/" * 20 + "b", "x")
    for number in range(1001):
        put(template, f"tree/0/{number}", "")
    assert "more than 1000 files" in new(tmp_path).stderr


def test_the_process_that_renders_has_no_current_folder_on_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("jinja2", "json", "kdrvgen"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('hostile')\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    item = Item(file="x", source="{{ a }}", when="")
    assert isolation.render([item], {}, {"a": "b", "options": {}}) == (["b"], [])


@pytest.mark.skipif(sys.platform == "win32", reason="the interpreter is a shell script")
def test_the_process_that_renders_does_not_get_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = put(
        tmp_path,
        "python",
        f"#!/bin/sh\nexport -p >{shlex.quote(str(tmp_path / 'seen'))}\n"
        f'exec {shlex.quote(sys.executable)} "$@"\n',
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PFX_PASSWORD", "a secret")
    item = Item(file="x", source="{{ a }}", when="")
    assert isolation.render([item], {}, {"a": "b", "options": {}}) == (["b"], [])
    assert "PFX_PASSWORD" not in (tmp_path / "seen").read_text("utf-8")


@pytest.mark.slow
def test_a_text_that_needs_too_much_time_is_named_and_ended() -> None:
    resource = pytest.importorskip("resource", reason="Windows does not limit processor time")
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    items = [
        Item(file="a.j2", source="a", when=""),
        Item(file="b.j2", source=endless, when=""),
        Item(file="c.j2", source="c", when=""),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    results, (failure,) = isolation.render(items, {}, {"options": {}})
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert results == []
    assert (failure["item"], failure["file"]) == (1, "b.j2")
    assert used < 2 * CPU_SECONDS


@pytest.mark.slow
def test_the_memory_and_the_output_of_all_texts_are_limited() -> None:
    pytest.importorskip("resource", reason="Windows does not limit memory")
    doubled = "{% set x = namespace(y='a') %}{% for i in range(31) %}{% set x.y = x.y ~ x.y %}"
    large = Item(file="a.j2", source=doubled + "{% endfor %}{{ x.y | length }}", when="")
    results, (failure,) = isolation.render([large], {}, {"options": {}})
    assert results == []
    assert "too much memory" in failure["message"]
    half = Item(file="a.j2", source="a" * (9 * 1024 * 1024), when="")
    assert isolation.render([half], {}, {"options": {}})[1] == []
    _, (failure,) = isolation.render([half, half], {}, {"options": {}})
    assert (failure["item"], "too large" in failure["message"]) == (1, True)


@pytest.mark.slow
def test_the_number_and_the_size_of_all_files_are_limited(template: Path, tmp_path: Path) -> None:
    for number in range(16):  # beside the files that the template has already
        put(template, f"tree/{number}", b"\0" * (1024 * 1024))
    assert "the files have more than 16 MiB" in new(tmp_path).stderr
    for number in range(16):
        (template / "tree" / str(number)).unlink()
    for number in range(1001):
        put(template, f"tree/{number % 2}/{number}", "")
    assert "more than 1000 files" in new(tmp_path).stderr


@pytest.mark.slow
def test_the_folders_without_files_are_limited(template: Path, tmp_path: Path) -> None:
    for number in range(1001):
        (template / "tree" / "a" / str(number)).mkdir(parents=True)
    assert "more than 1000 files" in new(tmp_path).stderr


def test_a_condition_can_be_about_a_shared_part_of_the_template(
    template: Path, tmp_path: Path
) -> None:
    put(template, "template.toml", MANIFEST + '"Cargo.toml" = "answers.with_irp"\n')
    assert new(tmp_path, "with-irp=yes").returncode == 0
    assert (tmp_path / "hello" / "Cargo.toml").exists()
    (tmp_path / "hello").rename(tmp_path / "with")
    assert new(tmp_path).returncode == 0
    assert not (tmp_path / "hello" / "Cargo.toml").exists()


def test_a_condition_can_have_one_character(template: Path, tmp_path: Path) -> None:
    put(template, "template.toml", MANIFEST.replace('"answers.with_irp"\n"README', '"0"\n"README'))
    assert new(tmp_path, "with-irp=yes").returncode == 0
    assert not (tmp_path / "hello" / "src" / "irp.rs").exists()


def test_a_member_has_values_of_each_type(template: Path, tmp_path: Path) -> None:
    member = """
[[member]]
path = "drivers/first"
[member.config]
driver.name = "{{ driver.name }}-first"
linker.args = ["/MAP:{{ driver.name }}.map"]
signing.validity-days = 30
makefile.env.FIRST = { value = "{{ answers.bus }}", condition = { profiles = ["production"] } }
"""
    put(template, "template.toml", "root = false\n" + MANIFEST + member)
    assert new(tmp_path).returncode == 0
    found = kdrvgen.load(tmp_path / "hello" / "drivers" / "first" / "config.toml")
    assert found.driver.name == "hello-first"
    assert found.linker.args == ("/MAP:hello.map",)
    assert found.signing.validity_days == 30
    text = 'FIRST = { value = "pci", condition = { profiles = ["production"] } }\n'
    assert text in kdrvgen.dumps(found)


def test_a_name_of_a_template_that_no_folder_can_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(kdrvgen.UsageError, match="does not exist"):
        kdrvgen.bootstrap(tmp_path, "hello", template="./a\0b")


def test_a_finding_names_the_line_for_programs_too(template: Path, tmp_path: Path) -> None:
    put(template, "tree/src/lib.rs.j2", "x\n{{ nobody }}\n")
    done = new(tmp_path, "--format", "json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["rule"] == "template-render"
    assert finding["place"]["line"] == 2
    assert finding["source"] == "{{ nobody }}"


def test_a_file_of_kdrvgens_own_is_named_for_programs_too(template: Path, tmp_path: Path) -> None:
    put(template, "tree/build.RS", "fn main() {}\n")
    done = new(tmp_path, "--format", "json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["rule"] == "template-file"
    assert finding["message"] == "kdrvgen writes `build.RS` itself"
    assert finding["help"].startswith("remove the file")
