"""Rules about what the image takes from other modules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from kdrvgen.inspection import sources
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.headers import Directory, DirectoryIndex
from kdrvgen.inspection.image import MOST_MODULES, Image
from kdrvgen.inspection.subject import Subject
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS", "is_kernel_module"]

USER_MODE = Rule(
    "import-user-mode",
    Severity.ERROR,
    "it imports from a module of user mode",
    "The kernel finds no such module, and the driver does not start.",
    sources.DRIVER,
)
UNKNOWN = Rule(
    "import-unknown-module",
    Severity.WARNING,
    "it imports from a driver that is not part of Windows",
    "That one has to be loaded already, or the driver does not start.",
    sources.DRIVER,
)
ORDINAL = Rule(
    "import-by-ordinal",
    Severity.WARNING,
    "it imports from the kernel by ordinal",
    "The kernel's ordinals differ from one Windows to the next: another function would be called.",
    sources.PE_FORMAT,
)
DELAYED = Rule(
    "import-delayed",
    Severity.ERROR,
    "it has delay imports",
    "Their helper is a function of user mode; the kernel resolves imports when it loads the image.",
    sources.DELAY_LOAD,
)
BOUND = Rule(
    "import-bound",
    Severity.WARNING,
    "its imports are bound",
    "Bound addresses are those of one version of Windows on one machine, and the kernel lies "
    "elsewhere at each start.",
    sources.BOUND_IMPORTS,
)
UNREADABLE = Rule(
    "import-unreadable",
    Severity.ERROR,
    "the import table cannot be read",
    "The loader would not find what the driver needs either.",
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
        *("cea.sys", "pmfilesystem.sys", "volmgrx.sys", "partmgr.sys", "fileinfo.sys"),
    }
)
# Names that Windows resolves to modules of the kernel (Microsoft Learn, "Windows API sets").
_API_SETS = "ext-ms-win-ntos-"
_HOST = re.compile(r"(.+\.exe|.+\.dll|.+\.drv)", re.IGNORECASE)
_SHOWN = 4
_DESCRIPTOR = 20  # bytes; the name is in the fourth of five fields


def is_kernel_module(name: str) -> bool:
    """Tell whether a module is known to be one of kernel mode that comes with Windows."""
    return name.lower() in _KERNEL or name.lower().startswith(_API_SETS)


def _modules(subject: Subject) -> Iterator[Finding]:
    if subject.is_user_mode:
        return
    directory = subject.image.headers.directory(DirectoryIndex.IMPORT)
    for module in subject.image.modules:
        if is_kernel_module(module.name):
            continue
        names = [symbol.name or f"#{symbol.ordinal}" for symbol in module.symbols]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        evidence = Evidence(
            "import table", f"{module.name}: {', '.join(names[:_SHOWN])}{more}", directory.offset
        )
        if _HOST.fullmatch(module.name):
            fix = (
                "Link without it: no_std, /NODEFAULTLIB as linker.preset has it, and wdk.libraries "
                "(or raw-dylib) for what the kernel gives."
            )
            yield found(USER_MODE, evidence, fix)
        else:
            fix = "Have its service start earlier (deploy), or import from Windows' own modules."
            yield found(UNKNOWN, evidence, fix)


def _ordinals(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.IMPORT)
    for module in subject.image.modules:
        ordinals = [str(each.ordinal) for each in module.symbols if not each.name]
        if ordinals and is_kernel_module(module.name):
            value = f"{module.name}: {', '.join(ordinals[:_SHOWN])}"
            fix = "Import by name: no import_name_type or link_ordinal at the declaration."
            yield found(ORDINAL, Evidence("import table", value, directory.offset), fix)


def _delayed(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.DELAY_IMPORT)
    if (directory.address and directory.size) and not subject.is_user_mode:
        value = ", ".join(subject.image.delayed[:_SHOWN]) or f"{directory.size} bytes"
        evidence = Evidence("data directory DELAY_IMPORT", value, directory.offset)
        yield found(DELAYED, evidence, "Take /DELAYLOAD out of linker.args.")


def _bound(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.BOUND_IMPORT)
    if directory.address and directory.size:
        evidence = Evidence(
            "data directory BOUND_IMPORT", f"{directory.size} bytes", directory.offset
        )
        fix = 'Do not bind the image; linker.args = ["/ALLOWBIND:NO"] keeps others from it.'
        yield found(BOUND, evidence, fix)


def _unreadable(subject: Subject) -> Iterator[Finding]:
    directory = subject.image.headers.directory(DirectoryIndex.IMPORT)
    there, read = _descriptors(subject.image, directory), len(subject.image.modules)
    if directory.address and directory.size and (not read or read < there):
        value = f"{there or 'no'} descriptors at 0x{directory.address:X}, {read} with a name"
        evidence = Evidence("data directory IMPORT", value, directory.offset)
        yield found(UNREADABLE, evidence, "Build and sign again: the image is damaged.")


def _descriptors(image: Image, directory: Directory) -> int:
    """Return how many modules the import table names; one whose name is none is not read."""
    section = image.section_at(directory.address)
    start = section.offset + directory.address - section.address if section else len(image.data)
    table = image.data[start : start + _DESCRIPTOR * MOST_MODULES]
    entries = (table[at : at + _DESCRIPTOR] for at in range(0, len(table), _DESCRIPTOR))
    return sum(1 for _ in takewhile(lambda entry: any(entry[12:16]), entries))


CHECKS = (_modules, _ordinals, _delayed, _bound, _unreadable)
