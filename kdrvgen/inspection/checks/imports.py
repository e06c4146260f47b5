"""Rules about what the image imports from other modules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.kernel_exports import FIRST_BUILDS, NAMES
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.pe.headers import Directory, DirectoryIndex
from kdrvgen.inspection.pe.image import MAX_MODULES, Image
from kdrvgen.report.finding import Finding, Rule, Severity
from kdrvgen.spelling import first_of, quantity

__all__ = ["CHECKS", "is_kernel_module"]

USER_MODE = Rule(
    "import-user-mode",
    Severity.ERROR,
    "the image imports from a user-mode module",
    "The kernel does not find this module, and the driver does not start.",
    sources.DRIVER,
)
UNKNOWN = Rule(
    "import-unknown-module",
    Severity.WARNING,
    "the image imports from a driver that is not part of Windows",
    "If the other driver is not loaded yet, this driver does not start.",
    sources.DRIVER,
)
VERBATIM = Rule(
    "import-without-verbatim",
    Severity.ERROR,
    "the name of a kernel module has a second ending",
    "Without the modifier `+verbatim`, rustc appends `.dll` to the name of a raw-dylib. The kernel "
    "finds no module of this name, and the driver does not start.",
    sources.RAW_DYLIB,
)
NEWER = Rule(
    "import-newer-windows",
    Severity.WARNING,
    "the image imports functions that the oldest supported Windows does not have",
    "The kernel resolves all imports when it loads the image. If a function is missing, the driver "
    "does not start (error 127).",
    sources.KERNEL_FUNCTIONS,
)
ORDINAL = Rule(
    "import-by-ordinal",
    Severity.WARNING,
    "the image imports from the kernel by ordinal",
    "The kernel's ordinals differ between versions of Windows. On another version the driver "
    "calls another function.",
    sources.PE_FORMAT,
)
DELAYED = Rule(
    "import-delayed",
    Severity.ERROR,
    "the image has delay-load imports",
    "The helper for delay loading works in user mode only. The kernel resolves imports when it "
    "loads the image.",
    sources.DELAY_LOAD,
)
BOUND = Rule(
    "import-bound",
    Severity.WARNING,
    "the imports are bound",
    "Bound addresses are valid for one version of Windows on one machine, and the address of the "
    "kernel changes at each start.",
    sources.BOUND_IMPORTS,
)
UNREADABLE = Rule(
    "import-unreadable",
    Severity.ERROR,
    "the import table cannot be read",
    "The loader cannot resolve the imports either.",
    sources.PE_FORMAT,
)

_KERNEL = frozenset(
    {
        *("ntoskrnl.exe", "hal.dll", "ntkrnlpa.exe", "ci.dll", "clfs.sys", "bootvid.dll"),
        *("kdcom.dll", "ksecdd.sys", "cng.sys", "pshed.dll"),
        *("fltmgr.sys", "wdfldr.sys", "wdf01000.sys", "wmilib.sys", "werkernel.sys", "tbs.sys"),
        *("ndis.sys", "netio.sys", "tdi.sys", "fwpkclnt.sys", "wfplwfs.sys", "rdbss.sys"),
        *("storport.sys", "scsiport.sys", "classpnp.sys", "ataport.sys", "mountmgr.sys"),
        *("hidclass.sys", "hidparse.sys", "usbd.sys", "usbport.sys", "usbrpm.sys", "usbcamd2.sys"),
        *("ks.sys", "drmk.sys", "portcls.sys", "stream.sys", "dxgkrnl.sys", "videoprt.sys"),
        *("watchdog.sys", "win32k.sys", "win32kbase.sys", "win32kfull.sys", "dxapi.sys"),
        *("pcmcia.sys", "pciidex.sys", "battc.sys", "smclib.sys", "winhv.sys", "winhvr.sys"),
        *("vmbkmcl.sys", "vmbkmclr.sys", "spbcx.sys", "gpioclx.sys", "msgpioclx.sys", "acpiex.sys"),
        *("sercx.sys", "sercx2.sys", "ucx01000.sys", "udecx.sys", "ufx01000.sys", "urscx01000.sys"),
        *("ucmcx.sys", "ucmtcpcicx.sys", "netadaptercx.sys", "wificx.sys", "mbbcx.sys", "vhf.sys"),
        *("msnetioquic.sys", "bthport.sys", "irda.sys", "http.sys", "mrxsmb.sys", "tcpip.sys"),
        *("cea.sys", "wpprecorder.sys", "msrpc.sys", "pmfilesystem.sys"),
        *("volmgrx.sys", "partmgr.sys", "fileinfo.sys"),
    }
)
# Names that Windows resolves to kernel modules (Microsoft Learn, "Windows API sets").
_API_SETS = "ext-ms-win-ntos-"
_USER_MODE_NAME = re.compile(r"(.+\.exe|.+\.dll|.+\.drv)", re.IGNORECASE)
_MAX_SHOWN = 4
_DESCRIPTOR_SIZE = 20  # five fields of 4 bytes; the fourth is the address of the name


def is_kernel_module(name: str) -> bool:
    """Return whether a module is a kernel module of Windows, as far as kdrvgen knows them."""
    return name.lower() in _KERNEL or name.lower().startswith(_API_SETS)


def _modules(subject: Subject) -> Iterator[Finding]:
    if subject.is_user_mode:
        return
    directory = subject.image.headers.directory(DirectoryIndex.IMPORT)
    for module in subject.image.modules:
        if is_kernel_module(module.name):
            continue
        if is_kernel_module(module.name.lower().removesuffix(".dll")):
            value = f"{module.name}, which should be {module.name[:-4]}"
            fix = (
                'Add the modifier to the declaration: #[link(name = "ntoskrnl.exe", kind = '
                '"raw-dylib", modifiers = "+verbatim")].'
            )
            yield violation(VERBATIM, Evidence("import table", value, directory.offset), fix)
            continue
        names = [symbol.name or f"#{symbol.ordinal}" for symbol in module.symbols]
        value = f"{module.name}: {first_of(names, _MAX_SHOWN)}"
        evidence = Evidence("import table", value, directory.offset)
        if _USER_MODE_NAME.fullmatch(module.name):
            fix = (
                "Do not link it: use no_std and /NODEFAULTLIB, as linker.preset does. For kernel "
                "functions, use wdk.libraries or raw-dylib."
            )
            yield violation(USER_MODE, evidence, fix)
        else:
            fix = "Start the service of that driver earlier, or import from modules of Windows."
            yield violation(UNKNOWN, evidence, fix)


def _ordinals(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.IMPORT)
    for module in subject.image.modules:
        ordinals = [str(symbol.ordinal) for symbol in module.symbols if not symbol.name]
        if ordinals and is_kernel_module(module.name):
            value = f"{module.name}: {', '.join(ordinals[:_MAX_SHOWN])}"
            fix = "Import by name: remove import_name_type and link_ordinal from the declaration."
            yield violation(ORDINAL, Evidence("import table", value, directory.offset), fix)


def _newer(subject: Subject) -> Iterator[Finding]:
    if subject.is_user_mode:
        return
    needed = sorted(
        (FIRST_BUILDS[name], name) for name in subject.image.imported() if name in FIRST_BUILDS
    )
    oldest = subject.expected.oldest_build if subject.expected else None
    missing = [(build, name) for build, name in needed if build > (oldest or 0)]
    if not missing:
        return
    newest = missing[-1][0]
    names = first_of([name for build, name in reversed(missing) if build == newest], _MAX_SHOWN)
    value = f"{names}: since {NAMES[newest]} (build {newest})"
    if oldest:
        value = f"{value}; package.minimum-build is {oldest}"
    directory = subject.image.headers.directory(DirectoryIndex.IMPORT)
    fix = (
        f"Set package.minimum-build to {newest}, or look the function up with "
        "MmGetSystemRoutineAddress, and do without it on older versions."
    )
    severity = None if oldest else Severity.NOTE
    message = "" if oldest else f"the image needs {NAMES[newest]} or later"
    evidence = Evidence("import table", value, directory.offset)
    yield violation(NEWER, evidence, fix, severity=severity, message=message)


def _delayed(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.DELAY_IMPORT)
    if (directory.address and directory.size) and not subject.is_user_mode:
        value = ", ".join(subject.image.delayed[:_MAX_SHOWN]) or quantity(directory.size, "byte")
        evidence = Evidence("data directory DELAY_IMPORT", value, directory.offset)
        yield violation(DELAYED, evidence, "Remove /DELAYLOAD from linker.args.")


def _bound(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.BOUND_IMPORT)
    if directory.address and directory.size:
        evidence = Evidence(
            "data directory BOUND_IMPORT", quantity(directory.size, "byte"), directory.offset
        )
        fix = 'Do not bind the image. linker.args = ["/ALLOWBIND:NO"] prevents it.'
        yield violation(BOUND, evidence, fix)


def _unreadable(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.IMPORT)
    total, read = _descriptors(subject.image, directory), len(subject.image.modules)
    if directory.address and directory.size and (not read or read < total):
        value = f"{quantity(total, 'descriptor')} at 0x{directory.address:X}"
        if total:
            value = f"{value}, {read} with a readable name"
        evidence = Evidence("data directory IMPORT", value, directory.offset)
        yield violation(UNREADABLE, evidence, "The image is damaged. Build and sign it again.")


def _descriptors(image: Image, directory: Directory) -> int:
    """Return how many descriptors the import table has, also those with unreadable names."""
    section = image.section_at(directory.address)
    start = section.offset + directory.address - section.address if section else len(image.data)
    table = image.data[start : start + _DESCRIPTOR_SIZE * MAX_MODULES]
    entries = (table[at : at + _DESCRIPTOR_SIZE] for at in range(0, len(table), _DESCRIPTOR_SIZE))
    return sum(1 for _ in takewhile(lambda entry: any(entry[12:16]), entries))


CHECKS = (_modules, _newer, _ordinals, _delayed, _bound, _unreadable)
