"""All commands report findings in the same shape, with the same rules and exit codes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen import errors
from kdrvgen.cli import main

ROOT = Path(kdrvgen.__file__).parent
DOCS = ROOT.parent / "docs"
MAKERS = {"Finding", "Rule", "self._finding"}
MEMBERS = ["rule", "severity", "message", "help", "place", "source"]
OPTIONAL = {"key", "related", "why", "reference", "tags", "fixes"}
CARGO = '[package]\nname = "hello"\n'
MAKEFILE = '[tasks.sign]\nscript = ["rename a.dll a.sys", "signtool sign /a a.sys"]\n'


def documented() -> dict[str, int]:
    """Return the exit code of each rule and prefix in the table of docs/commands.md."""
    page = (DOCS / "commands.md").read_text("utf-8")
    table = page.partition("## Exit codes\n")[2].partition("\n## ")[0]
    rows = (row.split("|") for row in table.splitlines() if re.match(r"\| \d", row))
    return {rule: int(row[1]) for row in rows for rule in re.findall(r"`([a-z]+-?)`", row[3])}


def code_of(rule: str) -> int | None:
    """Return the exit code that is documented for a rule."""
    known = documented()
    return known.get(rule, known.get(f"{rule.partition('-')[0]}-"))


def is_kebab(rule: str) -> bool:
    return bool(re.fullmatch(r"[a-z]+(-[a-z]+)*", rule))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Cargo.toml").write_text(CARGO, "utf-8")
    (tmp_path / "config.toml").write_text('[driver]\nname = "other"\n', "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("config.toml", 0),
        ("config.toml --check", 4),
        ("broken.toml", 3),
        ("none.toml", 2),
        ("config.toml --nothing", 2),
        ("doctor config.toml --time-limit 0.5", 7),
        ("adopt hand --dry-run", 0),
        ("adopt .", 5),
        ("explain nothing-known", 2),
        ("why build.rs:99999", 2),
        ("new 1x --no-input", 3),
        ("new hello bootstrap.licence=MIT --no-input", 3),
        ("new hello licence=MIT --no-input", 3),
        ("eject other.rs", 2),
        ("verify none.sys", 8),
    ],
)
def test_all_commands_report_findings_in_one_shape(
    project: Path, words: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "broken.toml").write_text("[driver]\nnmae = 'x'\nname = 1\n", "utf-8")
    (project / "hand").mkdir()
    (project / "hand/Cargo.toml").write_text(CARGO, "utf-8")
    (project / "hand/Makefile.toml").write_text(MAKEFILE, "utf-8")

    ended = main([*words.split(), "--format", "json"])

    document = json.loads(capsys.readouterr().out)
    assert (ended, document["exit-code"]) == (code, code)
    assert document["findings"]
    for found in document["findings"]:
        assert list(found)[: len(MEMBERS)] == MEMBERS
        assert set(found) <= {*MEMBERS, *OPTIONAL}
        assert found["place"] is None or {"file", "line", "column"} <= set(found["place"])
        assert found["severity"] in {"error", "warning", "note", "ok"}
        assert is_kebab(found["rule"]), found["rule"]
        assert code_of(found["rule"]) is not None, found["rule"]
    if code:
        assert code in {code_of(found["rule"]) for found in document["findings"]}


def test_an_error_has_the_exit_code_that_is_documented_for_its_rule() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    found = {each.rule: each.exit_code for each in classes if issubclass(each, errors.KdrvgenError)}
    assert found == {rule: code for rule, code in documented().items() if not rule.endswith("-")}


def test_the_prefix_of_every_rule_in_the_code_is_documented() -> None:
    rules = set(_rules())
    assert len(rules) > 60
    assert not [rule for rule in rules if not is_kebab(rule) or code_of(rule) is None]


def _rules() -> Iterator[str]:
    """Yield the first argument of each call that makes a rule or a finding, if it is a string."""
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in MAKERS:
                named = (each.value for each in node.keywords if each.arg == "rule")
                for value in (*node.args[:1], *named):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value


def test_the_report_imports_no_other_room() -> None:
    allowed = {"characters", "console", "credentials", "errors", "report", "spelling"}
    for file in (ROOT / "report").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kdrvgen."):
                assert str(node.module).split(".")[1] in allowed, file


@pytest.mark.parametrize("form", ["human", "github"])
def test_quiet_keeps_warnings_and_errors(
    project: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config.toml", "-q", "--format", form]) == 0

    shown = capsys.readouterr()

    assert "the package name is `hello`" in shown.out + shown.err
    assert "created" not in shown.out
    assert (project / "Makefile.toml").is_file()
