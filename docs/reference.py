"""Writes the pages of docs/reference, and the table of templates in docs/new.md.

They are made from the same data that the program uses. `python docs/reference.py` writes those that
differ; tests/docs/test_site.py fails if one of them is out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path

from kdrvgen import errors
from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.commands.parser import populate_parser
from kdrvgen.completion.words import actions
from kdrvgen.inspection.checks import RULES
from kdrvgen.lexicon import Term, entries
from kdrvgen.lexicon.rules import host_rules, rule_texts
from kdrvgen.lexicon.tasks import tasks
from kdrvgen.lexicon.windows import WindowsError, windows_errors
from kdrvgen.packaging.checks.inspect import RULES as _OF_PACKAGES
from kdrvgen.packaging.submission import RULES as _OF_SUBMISSIONS
from kdrvgen.report.reporter import COMMON_FORMATS
from kdrvgen.scaffold import template

__all__ = ["described_rules", "pages", "update"]

_DOCS = Path(__file__).parent

_SHOWN_KINDS = {
    "linker argument": "Arguments of the linker",
    "signtool switch": "Switches of signtool",
    "osslsigncode option": "Options of osslsigncode",
    "cargo and rustc": "cargo and rustc",
    "cargo-make": "cargo-make",
}

PACKAGE_RULES = (*_OF_PACKAGES, *_OF_SUBMISSIONS)
_RULES = rule_texts()


def pages() -> dict[Path, str]:
    """Return the text of each generated page, and of each page with a generated part."""
    new = _DOCS / "new.md"
    return {
        _DOCS / "reference/options.md": _options(),
        _DOCS / "reference/tasks.md": _tasks(),
        _DOCS / "reference/variables.md": _variables(),
        _DOCS / "reference/rules.md": _rules(),
        _DOCS / "reference/terms.md": _terms(),
        _DOCS / "doctor.md": _with_table("doctor.md", "## What it checks\n", _checks()),
        _DOCS / "troubleshooting.md": _with_table(
            "troubleshooting.md", "## Windows does not start the driver\n", _errors_of_windows()
        ),
        new: _replaced(new.read_text(encoding="utf-8"), "## Templates\n", _templates()),
    }


def described_rules() -> frozenset[str]:
    """Return the rules on the page of rules, without those of `kdrvgen doctor`."""
    return frozenset(
        {*_RULES["rules"], *_RULES["failures"], *(rule.id for rule in (*RULES, *PACKAGE_RULES))}
    )


# --- options ------------------------------------------------------------------------------------


def _options() -> str:
    parts = [
        "# Command-line options\n\n",
        "All options of all commands. [Commands](../commands.md) explains what the commands do.\n",
        "\n## All commands\n\n",
        *_option_table(_common()),
        "\n## `kdrvgen [CONFIG…]`\n\nWrites the files of a project.\n\n",
        *_option_table(_of(DEFAULT)),
    ]
    for verb, text in VERBS.items():
        parts.append(f"\n## `kdrvgen {verb}`\n\n{text[0].upper()}{text[1:]}.\n\n")
        parts.extend(_option_table(_of(verb)))
    return "".join(parts)


def _common() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    populate_parser(parser)
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("-h", "--help", action="store_true", help="print the options")
    return parser


def _of(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    module = import_module(f"kdrvgen.commands.{verb}")
    module.populate_parser(parser)
    formats = getattr(module, "FORMATS", COMMON_FORMATS)
    if formats != COMMON_FORMATS:
        parser.add_argument("--format", choices=formats, help="the formats of this command")
    return parser


def _option_table(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "| option | meaning |\n|---|---|\n"
    for action in actions(parser):
        if action.help != argparse.SUPPRESS:
            yield f"| {_written(action)} | {_sentence(action)} |\n"


def _written(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if isinstance(value, tuple):
        value = " ".join(value)
    if action.choices and not action.metavar:
        value = "\\|".join(map(str, action.choices))
    if not action.option_strings:
        return f"`{value}`"
    takes_none = action.nargs == 0
    return ", ".join(
        f"`{name}`" if takes_none else f"`{name} {value}`" for name in action.option_strings
    )


def _sentence(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default))
    return _cell(text.replace("%%", "%"))


# --- tasks and variables ------------------------------------------------------------------------


def _tasks() -> str:
    rows = "".join(
        f"| `{task.name}` | {task.description} | {', '.join(f'`{each}`' for each in task.before)} |\n"
        for task in tasks()
    )
    return f"""\
# Tasks

The tasks of the generated Makefile.toml, for a driver `hello`. `cargo make TASK` runs a task and, first, the tasks before it.
`cargo make --list-all-steps` prints the list for your project. [The pipeline](../pipeline.md) explains what the tasks do.

| task | what it does | tasks before it |
|---|---|---|
{rows}
Some of them exist only if the configuration needs them: `certificate`, `trust-certificate` and `clean-cert` if a profile signs with
a test certificate, `sign-all`, `package-all` and `submission-all` with several `driver.targets`, `rename-image`, `sign-image` and
`make-package` with [hooks](../pipeline.md#hooks) after their step, the tasks for the package with [`[package]`](../package.md), with which
`smoke` depends on `package` and installs it, and those for the submission with
[`[package.submission]`](../howto/microsoft-signature.md). `windows`, `windows-host` and `pipeline` are private tasks. Your own tasks
cannot have the name of a task that can be generated: those of the package are free without `[package]`, those of the submission without
`[package.submission]`.
"""


def _variables() -> str:
    variables = [entry for entry in entries().values() if entry.term.startswith("DRIVER_")]
    rows = "".join(
        f"| `{each.term}` | {_cell(each.does)} | {_cell(each.change)} |\n" for each in variables
    )
    return f"""\
# Variables

These environment variables are part of kdrvgen's interface.

## Of the tasks

Makefile.toml sets them for the pipeline program and for your own tasks. You set one for a single run with `cargo make -e NAME=VALUE TASK`.

| variable | content | to change it |
|---|---|---|
{rows}
Makefile.toml has more variables that begin with `DRIVER_`. They pass the settings of config.toml to the pipeline program, and
`kdrvgen why Makefile.toml:LINE` names the key behind each. All names that begin with `DRIVER_` are reserved.

## Of kdrvgen

| variable | effect |
|---|---|
| `NO_COLOR` | no color in the output |
| `KDRVGEN_NO_CACHE` | `1` turns [the cache](../commands.md#caches) off |
| `XDG_CACHE_HOME`, `LOCALAPPDATA` | the folder of the cache |
| `XDG_DATA_HOME` | the folder of [test certificates](../pipeline.md#the-test-certificate) outside Windows |
"""


# --- rules --------------------------------------------------------------------------------------


def _rules() -> str:
    codes = {each.rule: each.exit_code for each in vars(errors).values() if _is_error(each)}
    failures = "".join(
        f"| `{rule}` | {code} | {_RULES['failures'][rule]} |\n"
        for rule, code in sorted(codes.items(), key=lambda each: (each[1], each[0]))
    )
    parts = [
        "# Rules\n\n",
        "All rules that a [finding](../commands.md#findings) can name. The part before the first hyphen determines the\n",
        "[exit code](../commands.md#exit-codes). The names never change.\n",
        "\n## Why a command failed\n\n| rule | exit code | meaning |\n|---|---|---|\n",
        failures,
    ]
    described = {
        **{rule: (each["text"], each.get("page", "")) for rule, each in _RULES["rules"].items()},
        **{
            rule.id: (f"{rule.title[0].upper()}{rule.title[1:]}.", _page(rule.id))
            for rule in (*RULES, *PACKAGE_RULES)
        },
    }
    groups = _RULES["groups"]
    order = list(groups)
    ordered = sorted(described, key=lambda rule: order.index(rule.partition("-")[0]))
    for prefix, group in groupby(ordered, key=lambda rule: rule.partition("-")[0]):
        parts.append(f"\n## {groups[prefix]}\n\n| rule | what is wrong |\n|---|---|\n")
        parts.extend(_rule_row(rule, *described[rule]) for rule in group)
    parts.append(
        "\n## The machine\n\n`kdrvgen doctor` makes its rules from the names in [its table](../doctor.md#what-it-checks).\n"
        "\n| rule | what doctor checks | why | how to fix |\n|---|---|---|---|\n"
    )
    parts.extend(
        f"| `{rule}` | {_cell(host.checks)} | {_cell(host.why)} | {_cell(host.fix)} |\n"
        for rule, host in host_rules().items()
    )
    return "".join(parts)


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, errors.KdrvgenError)


def _rule_row(rule: str, text: str, page: str) -> str:
    name = f"[`{rule}`]({page})" if page else f"`{rule}`"
    return f"| {name} | {_cell(text)} |\n"


def _page(rule: str) -> str:
    if rule.startswith(("inf-", "package-", "catalog-", "submission-")):
        return "../package.md#the-rules"
    return f"../verify.md#{_RULES['headings-of-verify'][rule.partition('-')[0]]}"


# --- doctor and troubleshooting -----------------------------------------------------------------


def _checks() -> str:
    rows = (
        f"| {host.name} | {host.tasks} | {_cell(host.checks.replace('](../', ']('))} |\n"
        for host in host_rules().values()
    )
    return f"| name | for | what doctor checks |\n|---|---|---|\n{''.join(rows)}"


def _errors_of_windows() -> str:
    rows = []
    texts: dict[tuple[str, str], list[WindowsError]] = {}
    for each in windows_errors().values():
        texts.setdefault((each.cause, each.remedy), []).append(each)
    for (cause, remedy), group in texts.items():
        numbers = ", ".join(each.number for each in group)
        kernel = "; ".join(each for error in group for each in error.kernel)
        rows.append(f"| {numbers} | {_cell(cause)} | {_cell(remedy)} | {kernel} |\n")
    rows.append(
        "| another number | Windows, or your entry point, returned it. | `net helpmsg NUMBER` | |\n"
    )
    return f"| number | cause | what to do | NTSTATUS |\n|---|---|---|---|\n{''.join(rows)}"


def _with_table(page: str, heading: str, table: str) -> str:
    """Return a page with another first table after a heading."""
    before, mark, after = (_DOCS / page).read_text(encoding="utf-8").partition(heading)
    text, _, rest = after.partition("\n| ")
    _, _, rest = rest.partition("\n\n")
    return f"{before}{mark}{text}\n{table}\n{rest}"


# --- terms --------------------------------------------------------------------------------------


def _terms() -> str:
    terms = [entry for entry in entries().values() if entry.kind in _SHOWN_KINDS]
    parts = [
        "# Terms\n\n",
        "Switches, arguments and variables in generated files. `kdrvgen explain TERM` prints the same text in a terminal.\n",
        "The keys of config.toml are in [Configuration](../configuration.md).\n",
    ]
    for kind, group in groupby(terms, key=lambda entry: entry.kind):
        parts.append(f"\n## {_SHOWN_KINDS[kind]}\n")
        parts.extend(map(_term, group))
    return "".join(parts)


def _term(entry: Term) -> str:
    items = {
        "default": entry.default,
        "change it": entry.change,
        "without it": entry.without,
        "source": _linked(entry.source),
    }
    listed = "".join(f"- {label}: {text}\n" for label, text in items.items() if text)
    return f"\n### `{entry.term}`\n\n{entry.does}\n\n{listed}"


def _linked(source: str) -> str:
    words = (f"<{word}>" if word.startswith("https:") else word for word in source.split(" "))
    return " ".join(words).replace(";>", ">;").replace(":>", ">:")


# --- templates ----------------------------------------------------------------------------------


def _templates() -> str:
    rows = []
    for name in template.names():
        each = template.load(name)
        needs = (
            "Windows, a WDK"
            if each.config.get("wdk", {}).get("locate") == "wdk-build"
            else "no WDK"
        )
        rows.append(f"| `{name}` | {_cell(each.summary)} | {needs} |\n")
    table = "".join(rows)
    return f"\n| template | content | needs |\n|---|---|---|\n{table}\n"


def _replaced(page: str, heading: str, text: str) -> str:
    before, _, after = page.partition(heading)
    _, mark, rest = after.partition("## ")
    return f"{before}{heading}{text}{mark}{rest}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def update() -> None:
    """Write the pages that differ."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"updated {path.relative_to(_DOCS.parent)}\n")


if __name__ == "__main__":
    update()
