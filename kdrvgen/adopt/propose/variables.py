"""`[makefile.env]`: the variables that something beside the pipeline uses, or that nothing does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from kdrvgen.adopt.parse.passwords import without_passwords
from kdrvgen.adopt.parse.variables import mentioned
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.names import Names, all_variables, strings
from kdrvgen.adopt.read.environment import FLAG_VARIABLES
from kdrvgen.adopt.read.findings import difference, hazard, note
from kdrvgen.adopt.read.makefile import Makefile, Variable
from kdrvgen.credentials import holds_credential
from kdrvgen.report.finding import Finding

__all__ = ["say_variables"]


def say_variables(  # noqa: PLR0913 - what is carried, and what decides it
    draft: Draft,
    makefile: Makefile,
    names: Names,
    *,
    carried: Iterable[str],
    replaced: Iterable[str],
    spent: Collection[str],
    passwords: Collection[str],
) -> list[Finding]:
    """Say in the draft which variables there are.

    Args:
        draft: Where to say it.
        makefile: The makefile.
        names: What is called otherwise now.
        carried: The texts of the tasks that are carried over.
        replaced: The texts of the tasks that generated ones replace.
        spent: Variables whose meaning has gone into other keys already.
        passwords: Passwords found in the makefile.
    """
    old = {new: name for name, new in names.variables.items()}
    used = _reached(makefile, {old.get(name, name) for text in carried for name in mentioned(text)})
    needless = _reached(makefile, {name for text in replaced for name in mentioned(text)})
    needed = used | (set(all_variables(makefile)) - needless - set(spent))
    findings: dict[str, Finding] = {}
    for where, variables in (("", makefile.env), *makefile.profiles.items()):
        for name, variable in variables.items():
            if name not in needed or name.upper() in FLAG_VARIABLES:
                continue
            if makefile.wdk and name.startswith("WDK_BUILD_") and name not in used:
                told_of = f"`{name}` is for wdk-build's makefile, and is not carried over"
                findings[told_of] = difference(variable.origin, told_of)
                continue
            told = list(_told(variable, names))
            findings |= {each.message: each for each in told if each.message not in findings}
            if _may_be_carried(variable):
                value = without_passwords(names.in_value(variable.value), passwords)
                path = ("makefile", "env", *([where] if where else []), names.variable(name))
                draft.say(path, value, variable.origin)
    return list(findings.values())


def _may_be_carried(variable: Variable) -> bool:
    return not (variable.name.upper().startswith("CARGO_MAKE_") or _is_secret(variable))


def _is_secret(variable: Variable) -> bool:
    return (
        holds_credential(variable.name) and bool(variable.text) and "${" not in str(variable.text)
    )


def _told(variable: Variable, names: Names) -> Iterator[Finding]:
    name, origin = variable.name, variable.origin
    if name.upper().startswith("CARGO_MAKE_"):
        yield difference(origin, f"`{name}` is cargo-make's own, and is not carried over")
    elif _is_secret(variable):
        yield hazard(
            origin,
            f"`{name}` looks like a password in plain text",
            "it is not carried over: set it in the environment, and make another one",
            cured=False,
        )
    elif names.variable(name) != name:
        yield note(
            origin,
            f"variables that begin with DRIVER_ are the pipeline's: `{name}`",
            f"it is called `{names.variable(name)}` now",
        )


def _reached(makefile: Makefile, names: set[str]) -> set[str]:
    """Return names with those that the values of these variables mention, and so on."""
    layers = (makefile.env, *makefile.profiles.values())
    texts: Mapping[str, str] = {
        name: " ".join(strings(layer[name].value) for layer in layers if name in layer)
        for name in all_variables(makefile)
    }
    found = set(names)
    waiting = list(names)
    while waiting:
        for name in mentioned(texts.get(waiting.pop(), "")) - found:
            found.add(name)
            waiting.append(name)
    return found
