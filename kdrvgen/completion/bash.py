"""The completion script for bash, from version 3.2 on, which macOS has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from kdrvgen.completion.words import Command, Values

__all__ = ["script"]

_SCRIPT = """\
# bash completion for kdrvgen. To use it in this shell: eval "$(kdrvgen completion bash)"

_kdrvgen() {
    local current option value verb='' words='' files='' folders='' word IFS=$' \\t\\n'
    # bash itself splits words at `=` and `:`.
    current=${COMP_LINE:0:COMP_POINT}
    current=${current##*[[:space:]]}
    value=$current
    option=${COMP_WORDS[COMP_CWORD - 1]}
    case $current in
    --*=*) option=${current%%=*} value=${current#*=} ;;
    *[=:]*) option='' ;;
    esac
    if ((COMP_CWORD > 1)); then
        verb=${COMP_WORDS[1]}
        case $verb in
        @verbs@) ;;
        *) verb='' ;;
        esac
    fi
    case $verb:$option in
@values@
    *)
        case $verb:$current in
@options@
        :*)
            files=yes
            ((COMP_CWORD > 1)) || words=@all_verbs@
            ;;
@positional@
        esac
        ;;
    esac

    COMPREPLY=()
    local before=''
    # bash replaces only the text behind the last separator.
    [[ $COMP_WORDBREAKS != *=* ]] || before=${value%%"${value##*[=:]}"}
    for word in $words; do
        # A value is offered behind its key only.
        [[ $word == *=?* && $value != *=* || $word != "$value"* ]] && continue
        COMPREPLY+=("${word#"$before"}")
    done
    if [[ $folders ]]; then
        # With this option bash quotes a `=`, as in the name of a file.
        ((${#COMPREPLY[@]})) || compopt -o filenames 2>/dev/null
        while IFS= read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -d -- "$value")
    fi
    [[ $files ]] || compopt +o default +o bashdefault 2>/dev/null
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
}

complete -o bashdefault -o default -F _kdrvgen kdrvgen
"""


def script(commands: Sequence[Command]) -> str:
    """Return the script."""
    verbs = [each.verb for each in commands if each.verb]
    parts = {
        "@verbs@": " | ".join(verbs),
        "@all_verbs@": quote(" ".join(verbs)),
        "@values@": "\n".join(_option_values(commands)),
        "@options@": "\n".join(_options(commands)),
        "@positional@": "\n".join(_positional(commands)),
    }
    text = _SCRIPT
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _option_values(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.values is not None:
                names = " | ".join(f"{command.verb}:{name}" for name in option.names)
                yield f"    {names}) {_assigned(option.values.words, option.values)} ;;"


def _options(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        names = [name for option in command.options for name in option.names]
        yield f"        {command.verb}:-*) {_assigned(names, Values())} ;;"


def _positional(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        if command.verb:
            yield f"        {command.verb}:*) {_assigned(command.values.words, command.values)} ;;"


def _assigned(words: Iterable[str], values: Values) -> str:
    parts = [f"words={quote(' '.join(words))}"]
    if values.has_files:
        parts.append("files=yes")
    if values.has_folders:
        parts.append("folders=yes")
    return " ".join(parts)
