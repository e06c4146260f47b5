"""`[makefile.env]`: the variables that the copied tasks use, and those that no task uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.passwords import replace_passwords
from kdrvgen.adopt.parse.toml_values import joined_strings
from kdrvgen.adopt.parse.variables import variable_names
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.renames import Renames
from kdrvgen.adopt.read.env_file import Variable
from kdrvgen.adopt.read.environment import FLAG_VARIABLES
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference, equivalent, hazard, unknown
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.credentials import holds_credential
from kdrvgen.report.finding import Finding

__all__ = ["propose_variables"]


def propose_variables(
    draft: Draft,
    facts: Facts,
    renames: Renames,
    copied: Iterable[str],
    passwords: Collection[str],
) -> list[Finding]:
    """Set `[makefile.env]`.

    Args:
        draft: The draft.
        facts: What the project contains.
        renames: The new names of variables.
        copied: The texts of the copied tasks.
        passwords: Passwords in the makefile.
    """
    makefile = facts.makefile
    copied = list(copied)
    old = {new: name for name, new in renames.variables.items()}
    in_copied = {old.get(name, name) for text in copied for name in variable_names(text)}
    used = _reachable(makefile, in_copied)
    in_replaced = {
        name
        for task in facts.pipeline.roles
        if task in makefile.tasks
        for name in variable_names(joined_strings(makefile.tasks[task].table))
    }
    unneeded = _reachable(makefile, in_replaced) | facts.build_variables
    needed = used | (set(makefile.all_variables()) - unneeded)
    findings: dict[str, Finding] = {}
    for profile, variables in (("", makefile.env), *makefile.profiles.items()):
        for name, variable in variables.items():
            if name not in needed or name.upper() in FLAG_VARIABLES:
                continue
            if makefile.wdk and name.startswith("WDK_BUILD_") and name not in used:
                message = f"`{name}` is for wdk-build's makefile, and the proposal leaves it out"
                findings[message] = difference(variable.origin, message)
                continue
            for finding in _findings(variable, renames):
                findings.setdefault(finding.message, finding)
            if not (_is_cargo_makes(name) or _is_secret(variable)):
                value = replace_passwords(renames.in_value(variable.value), passwords)
                table = ("makefile", "env", profile) if profile else ("makefile", "env")
                draft.set((*table, renames.variable(name)), value, variable.origin)
    used_texts = "\n".join((*copied, *_proposed_texts(draft)))
    findings |= _cargo_make_variables(draft, facts, used_texts)
    return list(findings.values())


def _proposed_texts(draft: Draft) -> Iterator[str]:
    for path, entry in draft.entries.items():
        if path[:2] == ("makefile", "env"):
            yield joined_strings(entry.plain)


def _cargo_make_variables(draft: Draft, facts: Facts, text: str) -> dict[str, Finding]:
    """Set the variables that replace cargo-make's own ones, and report those without a value."""
    manifest = facts.manifest
    used = variable_names(text)
    version = manifest.version or Located("0.0.0", Origin("Cargo.toml"))
    name = manifest.name or Located("", Origin("Cargo.toml"))
    values = {
        "CRATE_VERSION": version,
        "CRATE_FS_NAME": Located(name.text.replace("-", "_"), name.origin),
        "CRATE_TRIPLE_TARGET_DIR": Located("${DRIVER_TARGET_DIR}/${DRIVER_TRIPLE}", name.origin),
    }
    for variable, value in values.items():
        if variable in used:
            draft.set_text(("makefile", "env", variable), value)
    findings: dict[str, Finding] = {}
    if "CRATE_VERSION" in used:
        message = "a task uses the version of the package, which cargo-make reads from Cargo.toml"
        remedy = "the proposal has it in `makefile.env.CRATE_VERSION`: change both together"
        findings[message] = difference(version.origin, message, remedy)
    for variable in sorted(used):
        if re.match(r"CARGO_MAKE_(CRATE|RUST|GIT|CARGO|CLIPPY)_", variable):
            message = f"a task uses `{variable}`, which the generated makefile does not set"
            remedy = f"set another variable in `[makefile.env]` and use it for `{variable}`"
            findings[message] = unknown(Origin(facts.makefile.file or ""), message, remedy)
    return findings


def _is_cargo_makes(name: str) -> bool:
    return name.upper().startswith("CARGO_MAKE_")


def _is_secret(variable: Variable) -> bool:
    return (
        holds_credential(variable.name) and bool(variable.text) and "${" not in str(variable.text)
    )


def _findings(variable: Variable, renames: Renames) -> Iterator[Finding]:
    name, origin = variable.name, variable.origin
    if _is_cargo_makes(name):
        yield difference(origin, f"`{name}` belongs to cargo-make, and the proposal leaves it out")
    elif _is_secret(variable):
        yield hazard(
            origin,
            f"`{name}` looks like a password in plain text",
            "the proposal does not contain it: set it in the environment to a new password",
            is_avoided=False,
        )
    elif renames.variable(name) != name:
        yield equivalent(
            origin,
            f"`{name}` begins with DRIVER_, which is for variables of the generated pipeline",
            f"its new name is `{renames.variable(name)}`",
        )


def _reachable(makefile: Makefile, names: set[str]) -> set[str]:
    """Return names with the variables in their values, the variables in those, and so on."""
    texts: dict[str, str] = {}
    for layer in (makefile.env, *makefile.profiles.values()):
        for name, variable in layer.items():
            texts[name] = f"{texts.get(name, '')} {joined_strings(variable.value)}"
    reachable = set(names)
    waiting = list(names)
    while waiting:
        for name in variable_names(texts.get(waiting.pop(), "")) - reachable:
            reachable.add(name)
            waiting.append(name)
    return reachable
