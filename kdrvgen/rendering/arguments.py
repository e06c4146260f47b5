"""What each linker argument is for, in the words that the generated files say it."""

from __future__ import annotations

import re

__all__ = ["known_arguments", "purpose"]

# Sources: Microsoft Learn, "MSVC linker options"; LLVM's lld/COFF/Options.td.
_PURPOSES = {
    "/ALLOWBIND": "whether the imports may be bound in advance",
    "/BASE": "preferred load address",
    "/BREPRO": "no time stamps: the same objects give the same image",
    "/DEBUG": "writes debug information",
    "/DELAYLOAD": "loads a DLL on first use; not for the kernel",
    "/DRIVER": "a kernel-mode driver, not a program",
    "/DYNAMICBASE": "may be loaded at any address (KASLR)",
    "/ENTRY": "what Windows calls first",
    "/EXPORT": "exports a function",
    "/GUARD": "Control Flow Guard",
    "/IGNORE:4216": "the entry point is exported, and may be",
    "/IGNORE:4257": "objects not compiled for the kernel: Rust has no such mark",
    "/INTEGRITYCHECK": "loads only with a valid signature; ObRegisterCallbacks asks for it",
    "/KERNEL": "holds the image to the rules of kernel mode",
    "/LIBPATH": "where libraries are looked for",
    "/MANIFEST": "drivers carry no manifest",
    "/MAP": "writes a map file",
    "/MAPINFO": "what the map file lists",
    "/MERGE:.EDATA": "the export table needs no section of its own",
    "/MERGE:.RETPLNE": "a section without attributes, which the loader refuses",
    "/MERGE:.RUSTC": "rustc's metadata needs no section of its own",
    "/MERGE": "puts one section into another",
    "/NODEFAULTLIB": "no C runtime, no user-mode libraries",
    "/NOLOGO": "no banner",
    "/NXCOMPAT": "data is never executed",
    "/OPT": "leaves out what is not used, folds what is equal",
    "/PDBALTPATH": "path of the PDB as the image names it",
    "/RELEASE": "writes the checksum that boot-start drivers need",
    "/SECTION": "attributes of a section",
    "/STACK": "size of the stack",
    "/SUBSYSTEM": "runs without the Win32 subsystem",
    "/SUBSYSTEM:WINDOWS": "runs in UMDF's host process",
    "/VERSION": "version in the image's header",
}


def purpose(argument: str) -> str:
    """Return in a few words what the argument does; empty if it is not known here.

    The most exact entry counts: that of the whole argument, then of its value's first half, then of
    the switch.
    """
    whole = re.sub("^-", "/", argument).upper()
    switch, _, value = whole.partition(":")
    for key in (whole, f"{switch}:{value.partition('=')[0]}", switch):
        if key in _PURPOSES:
            return _PURPOSES[key]
    return ""


def known_arguments() -> tuple[str, ...]:
    """Return every argument that `purpose` knows."""
    return tuple(_PURPOSES)
