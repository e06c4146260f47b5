"""Rules about the sections: their names and the attributes of their memory."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.pe.headers import Characteristic
from kdrvgen.inspection.pe.image import Section
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

RETPOLINE = Rule(
    "section-retpoline",
    Severity.ERROR,
    "the section .retplne has no attributes",
    "lld leaves the attributes of this section empty. Windows then does not start the driver "
    "(error 998, invalid access).",
    sources.RETPOLINE,
)
NO_ACCESS = Rule(
    "section-no-access",
    Severity.ERROR,
    "a section cannot be read, written or executed",
    "Windows maps the section without access rights, and the first access stops the system.",
    sources.PE_FORMAT,
)
WRITABLE_CODE = Rule(
    "section-writable-code",
    Severity.ERROR,
    "a section is writable and executable",
    "Memory integrity (HVCI), which is on by default on new machines, refuses the image. It makes "
    "an exception for the section INIT.",
    sources.HVCI,
)
PAGED = Rule(
    "section-paged",
    Severity.WARNING,
    "sections are not marked as non-paged",
    "Code and data that the driver uses at a raised IRQL must stay in memory. With /DRIVER, "
    "link.exe marks sections as non-paged, but lld does not. A section that may be paged needs a "
    "name that begins with PAGE.",
    sources.PAGEABLE,
)
DISCARDABLE = Rule(
    "section-discardable",
    Severity.WARNING,
    "a section is discarded after initialization",
    "Windows frees the section when the entry point returns. A later access stops the system.",
    sources.PAGEABLE,
)
INIT = Rule(
    "section-init",
    Severity.WARNING,
    "the section INIT is not discardable",
    "By convention, only the entry point uses this section. If Windows keeps it, it wastes "
    "non-paged memory.",
    sources.PAGEABLE,
)
SHARED = Rule(
    "section-shared",
    Severity.WARNING,
    "a writable section is shared",
    "Any process that maps the image can write to the driver's data.",
    sources.PE_FORMAT,
)
NAME = Rule(
    "section-name",
    Severity.NOTE,
    "a section has an unusual name",
    "Tools find sections by name. A name that is not plain text, or that two sections share, is "
    "a sign of a packer or of damage.",
    sources.PE_FORMAT,
)

# The letters of /SECTION. P means not paged.
_LETTERS = {
    "E": Characteristic.EXECUTE,
    "R": Characteristic.READ,
    "W": Characteristic.WRITE,
    "D": Characteristic.DISCARDABLE,
    "S": Characteristic.SHARED,
    "P": Characteristic.NOT_PAGED,
}
# Needed only while Windows loads this image or another one, or by a debugger.
_TRANSIENT = ("INIT", ".reloc", ".rsrc", ".debug", "GFIDS", ".buildid", "/", ".edata")


def _retpoline(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.access == "---" and section.name.startswith(".retpl"):
            fix = f'Merge it into another section: linker.args = ["/MERGE:{section.name}=.rdata"].'
            yield violation(RETPOLINE, _evidence(section), fix)


def _no_access(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.access == "---" and not section.name.startswith(".retpl"):
            yield violation(NO_ACCESS, _evidence(section), _set(section, add="R"))


def _writable_code(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.has(Characteristic.WRITE | Characteristic.EXECUTE):
            is_init = section.name == "INIT"
            severity = Severity.NOTE if is_init else None
            message = "the section INIT is writable and executable" if is_init else ""
            fix = _set(section, remove="E")
            if section.has(Characteristic.CODE):
                data = "Data that the driver writes must be in another section."
                fix = f"{_set(section, remove='W')} {data}"
            evidence = _evidence(section)
            yield violation(WRITABLE_CODE, evidence, fix, severity=severity, message=message)


def _paged(subject: Subject) -> Iterator[Finding]:
    paged = [section for section in subject.image.sections if _is_pageable_by_mistake(section)]
    if paged and not subject.is_user_mode:
        names = ", ".join(section.name for section in paged)
        evidence = Evidence("sections", names, paged[0].header_offset + 36)
        fix = (
            f'Mark it: linker.args = ["{_argument(paged[0], add="P")}"], as build.rs does for the '
            "usual sections. If it may be paged, give it a name that begins with PAGE."
        )
        yield violation(PAGED, evidence, fix)


def _is_pageable_by_mistake(section: Section) -> bool:
    is_marked = section.has(Characteristic.NOT_PAGED) or section.has(Characteristic.DISCARDABLE)
    is_intended = section.name.startswith(("PAGE", *_TRANSIENT))
    return section.access != "---" and not is_marked and not is_intended


def _discardable(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        is_discardable = section.has(Characteristic.DISCARDABLE)
        if is_discardable and not section.name.startswith(_TRANSIENT):
            yield violation(DISCARDABLE, _evidence(section), _set(section, remove="D"))
        if section.name == "INIT" and not is_discardable:
            yield violation(INIT, _evidence(section), _set(section, add="D"))


def _shared(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.has(Characteristic.SHARED | Characteristic.WRITE):
            yield violation(SHARED, _evidence(section), _set(section, remove="S"))


def _names(subject: Subject) -> Iterator[Finding]:
    names = [section.name for section in subject.image.sections]
    for section in subject.image.sections:
        is_plain = section.name.isascii() and section.name.isprintable() and section.name
        if not is_plain or names.count(section.name) > 1:
            fix = "Name it with #[link_section] in the source: up to eight ASCII characters."
            evidence = Evidence("section", repr(section.name), section.header_offset)
            yield violation(NAME, evidence, fix)


def _evidence(section: Section) -> Evidence:
    value = f"{section.access}, characteristics 0x{section.characteristics:08X}"
    return Evidence(f"section {section.name}", value, section.header_offset + 36)


def _set(section: Section, *, add: str = "", remove: str = "") -> str:
    return f'Set its attributes: linker.args = ["{_argument(section, add, remove)}"].'


def _argument(section: Section, add: str = "", remove: str = "") -> str:
    """Return the linker argument that adds letters to the attributes of a section or removes them.

    It has all letters that the section needs: lld clears the others, and rejects `!`.
    """
    letters = "".join(
        letter
        for letter, flag in _LETTERS.items()
        if letter in add or (section.has(flag) and letter not in remove)
    )
    return f"/SECTION:{section.name},{letters}"


CHECKS = (_retpoline, _no_access, _writable_code, _paged, _discardable, _shared, _names)
