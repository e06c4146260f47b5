"""Rules about the sections: what they are called and what may be done with their memory."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection import sources
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.headers import Characteristic
from kdrvgen.inspection.image import Section
from kdrvgen.inspection.subject import Subject
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

RETPOLINE = Rule(
    "section-retpoline",
    Severity.ERROR,
    "the section .retplne has no attributes",
    "lld leaves it so, and Windows then does not start the driver: error 998, invalid access.",
    sources.RETPOLINE,
)
NO_ACCESS = Rule(
    "section-no-access",
    Severity.ERROR,
    "a section may be neither read, written nor executed",
    "Windows maps it without access and the first one who touches it stops the system.",
    sources.PE_FORMAT,
)
WRITABLE_CODE = Rule(
    "section-writable-code",
    Severity.ERROR,
    "a section is writable and executable",
    "Memory integrity (HVCI), which new machines have switched on, refuses the image.",
    sources.HVCI,
)
PAGED = Rule(
    "section-paged",
    Severity.WARNING,
    "sections are not marked as non-paged",
    "Code and data that are needed at a raised IRQL must stay in memory. link.exe marks them so "
    "for /DRIVER, lld does not; what shall be paged is called PAGE.",
    sources.PAGEABLE,
)
DISCARDABLE = Rule(
    "section-discardable",
    Severity.WARNING,
    "a section is discarded after initialisation",
    "Windows frees it when the entry point has returned. Who uses it later stops the system.",
    sources.PAGEABLE,
)
INIT = Rule(
    "section-init",
    Severity.WARNING,
    "the section INIT is not discardable",
    "By its name it is used by the entry point alone; kept, it wastes memory that is never paged.",
    sources.PAGEABLE,
)
SHARED = Rule(
    "section-shared",
    Severity.WARNING,
    "a writable section is shared",
    "Whoever maps the image elsewhere could write to the driver's data.",
    sources.PE_FORMAT,
)
NAME = Rule(
    "section-name",
    Severity.NOTE,
    "a section's name is unusual",
    "Tools find sections by name. One that is not plain text, or that another one has as well, "
    "is the mark of a packer, or of damage.",
    sources.PE_FORMAT,
)

_MERGE = 'Put it into another one: linker.args = ["/MERGE:{name}=.rdata"].'
_ATTRIBUTES = 'Say what it needs: linker.args = ["/SECTION:{name},{letters}"].'
# Needed only while the image is loaded, or by a debugger.
_TRANSIENT = ("INIT", ".reloc", ".rsrc", ".debug", "GFIDS", ".buildid", "/")


def _retpoline(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.access == "---" and section.name.startswith(".retpl"):
            yield found(RETPOLINE, _evidence(section), _fix(_MERGE, section))


def _no_access(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.access == "---" and not section.name.startswith(".retpl"):
            yield found(NO_ACCESS, _evidence(section), _fix(_ATTRIBUTES, section, "R"))


def _writable_code(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.has(Characteristic.WRITE | Characteristic.EXECUTE):
            # Windows 10 takes the right to write from INIT by itself (the HLK page says so).
            severity = Severity.WARNING if section.name == "INIT" else None
            fix = _fix(_ATTRIBUTES, section, "ER")
            yield found(WRITABLE_CODE, _evidence(section), fix, severity=severity)


def _paged(subject: Subject) -> Iterator[Finding]:
    paged = [section for section in subject.image.sections if _may_be_paged_by_mistake(section)]
    if paged and not subject.is_user_mode:
        names = ", ".join(section.name for section in paged)
        evidence = Evidence("sections", names, paged[0].header_offset + 36)
        letters = paged[0].access.replace("X", "E").replace("-", "")
        fix = (
            f'Say so: linker.args = ["/SECTION:{paged[0].name},{letters}P"], as build.rs does for '
            "the usual ones; or call it PAGE when it may be paged."
        )
        yield found(PAGED, evidence, fix)


def _may_be_paged_by_mistake(section: Section) -> bool:
    is_marked = section.has(Characteristic.NOT_PAGED) or section.has(Characteristic.DISCARDABLE)
    is_meant = section.name.startswith(("PAGE", *_TRANSIENT))
    return section.access != "---" and not is_marked and not is_meant


def _discardable(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        is_discardable = section.has(Characteristic.DISCARDABLE)
        if is_discardable and not section.name.startswith(_TRANSIENT):
            yield found(DISCARDABLE, _evidence(section), _fix(_ATTRIBUTES, section, "!D"))
        if section.name == "INIT" and not is_discardable:
            yield found(INIT, _evidence(section), _fix(_ATTRIBUTES, section, "D"))


def _shared(subject: Subject) -> Iterator[Finding]:
    for section in subject.image.sections:
        if section.has(Characteristic.SHARED | Characteristic.WRITE):
            yield found(SHARED, _evidence(section), _fix(_ATTRIBUTES, section, "!S"))


def _names(subject: Subject) -> Iterator[Finding]:
    names = [section.name for section in subject.image.sections]
    for section in subject.image.sections:
        is_plain = section.name.isascii() and section.name.isprintable() and section.name
        if not is_plain or names.count(section.name) > 1:
            fix = "Name it in the source by #[link_section] with up to eight plain characters."
            evidence = Evidence("section", repr(section.name), section.header_offset)
            yield found(NAME, evidence, fix)


def _evidence(section: Section) -> Evidence:
    value = f"{section.access}, characteristics 0x{section.characteristics:08X}"
    return Evidence(f"section {section.name}", value, section.header_offset + 36)


def _fix(text: str, section: Section, letters: str = "") -> str:
    return text.format(name=section.name, letters=letters)


CHECKS = (_retpoline, _no_access, _writable_code, _paged, _discardable, _shared, _names)
