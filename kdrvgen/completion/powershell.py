"""The completion script for PowerShell, of version 5.1 and later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kdrvgen.completion.words import Command, Values

__all__ = ["script"]

_SCRIPT = """\
# PowerShell completion for kdrvgen. To use it, add this line to your $PROFILE:
#   kdrvgen completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName kdrvgen -ScriptBlock {
    param($current, $commandAst, $position)
    $verbs = @(@verbs@)
    $texts = @{
@texts@
    }
    # Names of options whose value is one of these words; $null for a file.
    $values = @{
@values@
    }
    $positional = @{
@positional@
    }
    $typed = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $position } |
        ForEach-Object { $_.Extent.Text })
    $before = @($typed | Select-Object -Skip 1)
    if ($current -ne '' -and $before.Count -gt 0) {
        $before = @($before | Select-Object -First ($before.Count - 1))
    }
    $verb = ''
    if ($before.Count -gt 0 -and $verbs -ccontains $before[0]) { $verb = $before[0] }
    $option = ''
    if ($before.Count -gt 0) { $option = "$verb $($before[-1])" }

    if ($values.ContainsKey($option)) {
        $words = @($values[$option])
    } elseif ($current.StartsWith('-')) {
        $words = @($texts.Keys | Where-Object { $_.StartsWith("$verb -") } |
            ForEach-Object { $_.Substring($verb.Length + 1) })
    } elseif ($before.Count -eq 0) {
        $words = $verbs
    } else {
        $words = @($positional[$verb])
    }
    # Without a result, PowerShell completes the names of files.
    $words | Where-Object { $_ -and $_.StartsWith($current) } |
        # A value is offered behind its key only.
        Where-Object { $current.Contains('=') -or -not ($_ -match '=.') } | Sort-Object |
        ForEach-Object {
            $text = $texts["$verb $_"]
            if (-not $text) { $text = $_ }
            [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $text)
        }
}
"""


def script(commands: Sequence[Command]) -> str:
    """Return the script."""
    verbs = [each for each in commands if each.verb]
    texts = [(f" {each.verb}", each.text) for each in verbs]
    texts += [
        (f"{command.verb} {name}", option.text)
        for command in commands
        for option in command.options
        for name in option.names
    ]
    parts = {
        "@verbs@": _array(each.verb for each in verbs),
        "@texts@": _lines((key, _quoted(text)) for key, text in texts),
        "@values@": _lines(_option_values(commands)),
        "@positional@": _lines((each.verb, _words(each.values)) for each in commands),
    }
    text = _SCRIPT
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _option_values(commands: Sequence[Command]) -> Iterator[tuple[str, str]]:
    for command in commands:
        for option in command.options:
            if option.values is not None:
                for name in option.names:
                    yield f"{command.verb} {name}", _words(option.values)


def _words(values: Values) -> str:
    return f"@({_array(values.words)})" if values.words else "$null"


def _array(words: Iterable[str]) -> str:
    return ", ".join(map(_quoted, words))


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"        {_quoted(key)} = {value}" for key, value in pairs)


def _quoted(text: str) -> str:
    # PowerShell takes each of these for a quotation mark, and ends the text at it.
    for mark in "'\u2018\u2019\u201a\u201b":
        text = text.replace(mark, mark * 2)
    return f"'{text}'"
