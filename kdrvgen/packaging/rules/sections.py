"""Rules for sections that are missing, or that nothing refers to."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.packaging.inf.document import Field
from kdrvgen.packaging.rules.rule import InfRule, violation
from kdrvgen.packaging.rules.structure import Reference, Structure
from kdrvgen.report.finding import Finding, Rule, Severity
from kdrvgen.spelling import nearest

__all__ = ["RULES", "check"]

_VERIFY = "https://learn.microsoft.com/windows-hardware/drivers/devtest/inf-validation-errors-and-warnings"
_DIRS = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-destinationdirs-section"

_MISSING = InfRule(
    Rule(
        "inf-section-missing",
        Severity.ERROR,
        "a directive names a section that does not exist",
        "",
        _VERIFY,
    ),
    1203,
)
_UNUSED = InfRule(
    Rule(
        "inf-section-unused",
        Severity.WARNING,
        "nothing refers to a section",
        "Windows does not read it.",
        _VERIFY,
    ),
    2083,
)
_UNDEFINED = InfRule(
    Rule(
        "inf-section-undefined",
        Severity.WARNING,
        "`[DestinationDirs]` names a section that does not exist",
        "",
        _DIRS,
    )
)
RULES = (_MISSING, _UNUSED, _UNDEFINED)
"""The rules of this module."""

_DIRS_DEFAULT = "defaultdestdir"


def check(structure: Structure) -> Iterator[Finding]:
    """Yield the sections that are missing or unused."""
    yield from _models(structure)
    for reference in structure.references:
        if not reference.name.startswith("@") and not _is_there(structure, reference):
            advice = _advice(structure, reference.name)
            if reference.directive == "copyfiles" and "." in reference.name:
                advice = f"write `@{reference.name}` if it is a file; {advice}"
            yield _missing(structure, reference.field, "section", reference.name, advice)
    for key, section in structure.inf.sections.items():
        if key not in structure.used and section.entries:
            message = f"nothing refers to `[{section.name}]`"
            advice = "remove it, or correct its name"
            yield violation(_UNUSED, structure.inf, section, message, advice)
    yield from _folders(structure)


def _models(structure: Structure) -> Iterator[Finding]:
    for field, name, _ in structure.model_names:
        if name.lower() not in structure.inf.sections:
            yield _missing(structure, field, "models section", name, _advice(structure, name))
    for models, _ in structure.models:
        for entry in models.entries:
            field = entry.values[0]
            name = structure.inf.expand(field.text)
            if name and not structure.decorated(name):
                advice = _advice(structure, name)
                yield _missing(structure, field, "install section", name, advice)


def _missing(structure: Structure, field: Field, kind: str, name: str, advice: str) -> Finding:
    message = f"the {kind} `[{name}]` does not exist"
    return violation(_MISSING, structure.inf, field, message, advice)


def _folders(structure: Structure) -> Iterator[Finding]:
    dirs = structure.inf.section("destinationdirs")
    for entry in dirs.entries if dirs else ():
        name = structure.inf.expand(entry.key.text) if entry.key else _DIRS_DEFAULT
        if name.lower() != _DIRS_DEFAULT and not structure.decorated(name):
            message = f"the section `[{name}]` does not exist"
            yield violation(_UNDEFINED, structure.inf, entry, message, _advice(structure, name))


def _is_there(structure: Structure, reference: Reference) -> bool:
    """Return whether the section exists, in this file or perhaps in one that it includes."""
    if structure.decorated(reference.name):
        return True
    return any(
        entry.key and entry.key.text.lower() == "include" for entry in reference.source.entries
    )


def _advice(structure: Structure, name: str) -> str:
    near = nearest(name, [section.name for section in structure.inf.sections.values()])
    return f"did you mean `[{near}]`?" if near else f"add `[{name}]`"
