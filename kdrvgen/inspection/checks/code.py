"""Rules about the machine code: registers and stack that a driver must not use freely."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.pe.headers import DirectoryIndex, Machine
from kdrvgen.inspection.pe.image import Image
from kdrvgen.inspection.pe.instructions import vector_instructions
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

AVX = Rule(
    "code-avx",
    Severity.WARNING,
    "the code uses AVX",
    "The kernel does not preserve the registers of AVX. Unless a driver saves them with "
    "KeSaveExtendedProcessorState, it destroys the values of running programs.",
    sources.EXTENDED_STATE,
)
SSE = Rule(
    "code-sse",
    Severity.WARNING,
    "the code uses SSE or MMX on x86",
    "On x86 the kernel does not preserve these registers. A driver must save them with "
    "KeSaveExtendedProcessorState or KeSaveFloatingPointState, and must not use them in interrupt "
    "routines. Otherwise it destroys the values of running programs.",
    sources.FLOATING_POINT,
)
PARTLY_READ = Rule(
    "code-partly-read",
    Severity.NOTE,
    "the image has more code than kdrvgen decodes",
    "kdrvgen decodes code to find AVX and SSE instructions. It did not decode all of it, so it can "
    "miss some.",
    sources.EXTENDED_STATE,
)
FRAME = Rule(
    "code-large-frame",
    Severity.WARNING,
    "a function has a stack frame larger than a page",
    "The compiler calls __chkstk in functions with such a frame. A kernel stack has 24 KB on x64, "
    "and all drivers of a device stack share it. If it overflows, the system stops.",
    sources.KERNEL_STACK,
)

_SAVING = frozenset(
    {"KeSaveExtendedProcessorState", "KeSaveFloatingPointState", "EngSaveFloatingPointState"}
)


def _vectors(subject: Subject) -> Iterator[Finding]:
    if subject.is_user_mode:
        return
    image = subject.image
    found, is_complete = vector_instructions(image)
    if not is_complete:
        evidence = Evidence("code", "not decoded completely")
        yield violation(PARTLY_READ, evidence, "Nothing to do if the driver is yours.")
    if found is None:
        return
    rule, fix = (
        (AVX, "Remove `target-cpu` and `+avx` from rustflags, also in the folders above.")
        if image.headers.machine == Machine.AMD64
        else (
            SSE,
            (
                'Compile without them: rustflags = ["-Ctarget-feature=-sse,-sse2,-mmx"], and lto = '
                "true in the cargo profile. Or save the registers around all code that uses them."
            ),
        )
    )
    value = f"`{found.text}` at 0x{found.address:X}"
    severity = None
    if saving := sorted(image.imported() & _SAVING):
        value = f"{value}; the image imports {', '.join(saving)}"
        severity = Severity.NOTE
    section = image.section_at(found.address)
    offset = section.offset + found.address - section.address if section else None
    yield violation(rule, Evidence("code", value, offset), fix, severity=severity)


def _frames(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    names = image.imported() & {"__chkstk", "_chkstk"}
    if names and image.headers.machine == Machine.AMD64 and not subject.is_user_mode:
        evidence = Evidence("import table", ", ".join(sorted(names)), _import_table(image))
        fix = (
            "Pass large values by reference, and allocate them on the heap without creating them "
            "on the stack first. Builds with opt-level 0 have larger frames."
        )
        yield violation(FRAME, evidence, fix)


def _import_table(image: Image) -> int:
    return image.headers.directory(DirectoryIndex.IMPORT).offset


CHECKS = (_vectors, _frames)
