"""The completion script for zsh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from kdrvgen.completion.words import Command, Values

__all__ = ["script"]

_SCRIPT = """\
#compdef kdrvgen
# zsh completion for kdrvgen. To use it, write this script to a file _kdrvgen in a folder of $fpath,
# or after compinit: eval "$(kdrvgen completion zsh)"

_kdrvgen() {
    local verb= option=${words[CURRENT - 1]} files= folders= current=${words[CURRENT]}
    local -a described plain
    if [[ $current == --*=* ]]; then
        option=${current%%=*}
        compset -P '*='
    fi
    if (( CURRENT > 2 )); then
        case ${words[2]} in
        @verbs@) verb=${words[2]} ;;
        esac
    fi
    case $verb:$option in
@values@
    *)
        case $verb:$current in
@options@
        :*)
            files=1
            (( CURRENT > 2 )) || described=(@all_verbs@)
            ;;
@positional@
        esac
        ;;
    esac
    local result=1
    if (( $#described )); then
        _describe kdrvgen described && result=0
    fi
    if (( $#plain )); then
        # A value is offered behind its key only.
        local -a keys=(${(M)plain:#*=})
        if [[ $PREFIX == *=* ]] || (( ! $#keys )); then
            compadd -- ${plain:#*=} && result=0
        else
            compadd -S '' -- $keys && result=0
        fi
    fi
    if [[ -n $files ]]; then
        _files && result=0
    elif [[ -n $folders ]]; then
        _files -/ && result=0
    fi
    return result
}

if [[ $funcstack[1] == _kdrvgen ]]; then
    _kdrvgen "$@"
else
    compdef _kdrvgen kdrvgen
fi
"""


def script(commands: Sequence[Command]) -> str:
    """Return the script."""
    verbs = [each.verb for each in commands if each.verb]
    parts = {
        "@verbs@": "|".join(verbs),
        "@all_verbs@": " ".join(_described(each.verb, each.text) for each in commands if each.verb),
        "@values@": "\n".join(_option_values(commands)),
        "@options@": "\n".join(_options(commands)),
        "@positional@": "\n".join(_positional(commands)),
    }
    text = _SCRIPT
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _described(word: str, text: str) -> str:
    return quote(word.replace(":", "\\:") + ":" + text)


def _option_values(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.values is not None:
                names = "|".join(f"{command.verb}:{name}" for name in option.names)
                yield f"    {names}) {_assigned(option.values)} ;;"


def _options(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        described = (
            _described(name, option.text) for option in command.options for name in option.names
        )
        yield f"        {command.verb}:-*) described=({' '.join(described)}) ;;"


def _positional(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        if command.verb:
            yield f"        {command.verb}:*) {_assigned(command.values)} ;;"


def _assigned(values: Values) -> str:
    parts = [f"plain=({' '.join(map(quote, values.words))})"]
    if values.has_files:
        parts.append("files=1")
    if values.has_folders:
        parts.append("folders=1")
    return " ".join(parts)
