"""The completion script for fish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kdrvgen.completion.words import Command, Option, Values

__all__ = ["script"]

_HEAD = """\
# fish completion for kdrvgen. To use it in this shell: kdrvgen completion fish | source
# To keep it: kdrvgen completion fish > ~/.config/fish/completions/kdrvgen.fish

function __kdrvgen_runs
    set -l words (commandline -opc)
    set -l verb ''
    if set -q words[2]; and contains -- $words[2] @verbs@
        set verb $words[2]
    end
    test "$verb" = "$argv[1]"
end

function __kdrvgen_begins
    test (count (commandline -opc)) -eq 1
end

# A value is offered behind its key only.
function __kdrvgen_settings
    set -l current (commandline -ct)
    if string match -q -- '*=*' $current
        printf '%s\\n' $argv | string match -- '*=?*'
    else
        printf '%s\\n' $argv | string match -- '*='
    end
end

complete -c kdrvgen -e
complete -c kdrvgen -f
"""


def script(commands: Sequence[Command]) -> str:
    """Return the script."""
    verbs = [each.verb for each in commands if each.verb]
    return "\n".join([_HEAD.replace("@verbs@", " ".join(verbs)), *_lines(commands)]) + "\n"


def _lines(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        if command.verb:
            text = _quoted(command.text)
            yield f"complete -c kdrvgen -n __kdrvgen_begins -a {command.verb} -d {text}"
    for command in commands:
        runs = f"complete -c kdrvgen -n {_quoted(f'__kdrvgen_runs {_quoted(command.verb)}')}"
        for option in command.options:
            yield f"{runs}{_option(option)}"
        yield from (f"{runs}{rest}" for rest in _values(command.values))


def _option(option: Option) -> str:
    names = "".join(
        f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names
    )
    rest = f" -d {_quoted(option.text)}"
    if option.values is None:
        return names + rest
    # -x: a value and no file; -r: a value.
    takes = " -r -F" if option.values.has_files else " -x"
    return names + takes + "".join(_words(option.values)) + rest


def _values(values: Values) -> Iterator[str]:
    if values.has_files:
        yield " -F"
    words = " ".join(map(_quoted, values.words))
    if any(word.endswith("=") for word in values.words):
        yield f" -a {_quoted(f'(__kdrvgen_settings {words})')}"
    else:
        yield from _words(values)


def _words(values: Values) -> Iterable[str]:
    found = list(values.words)
    if values.has_folders:
        found.append("(__fish_complete_directories)")
    if found:
        yield f" -a {_quoted(' '.join(found))}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
