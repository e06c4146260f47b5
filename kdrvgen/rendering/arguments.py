"""The purpose of each linker argument, as in the comments of the generated files."""

from __future__ import annotations

import re

__all__ = ["known_arguments", "purpose"]

# Sources: Microsoft Learn, "MSVC linker options"; LLVM's lld/COFF/Options.td.
_PURPOSES = {
    "/ALLOWBIND": "whether the imports can be bound in advance",
    "/BASE": "preferred load address",
    "/BREPRO": "no timestamps: the same objects give the same image",
    "/DEBUG": "writes debug information",
    "/DELAYLOAD": "loads a DLL on first use; not for the kernel",
    "/DRIVER": "a kernel-mode driver, not a program",
    "/DYNAMICBASE": "can be loaded at any address (KASLR)",
    "/ENTRY": "the function that Windows calls first",
    "/EXPORT": "exports a function",
    "/GUARD": "Control Flow Guard",
    "/IGNORE:4216": "no warning that the entry point is exported",
    "/IGNORE:4257": "no warning about objects without the kernel mark, which Rust cannot set",
    "/INTEGRITYCHECK": "loads only with a valid signature; ObRegisterCallbacks requires it",
    "/KERNEL": "checks the rules of kernel mode",
    "/LIBPATH": "searches this folder for libraries",
    "/MANIFEST": "drivers have no manifest",
    "/MAP": "writes a map file",
    "/MAPINFO": "adds information to the map file",
    "/MERGE:.EDATA": "the export table needs no section of its own",
    "/MERGE:.RETPLNE": "a section without attributes, which the loader refuses",
    "/MERGE:.RUSTC": "rustc's metadata needs no section of its own",
    "/MERGE": "puts one section into another",
    "/NODEFAULTLIB": "no C runtime, no user-mode libraries",
    "/NOLOGO": "no banner",
    "/NXCOMPAT": "data is never executed",
    "/OPT": "removes unused functions, merges identical ones",
    "/PDBALTPATH": "path of the PDB in the image",
    "/RELEASE": "writes the checksum that boot-start drivers need",
    "/SECTION": "attributes of a section",
    "/STACK": "size of the stack",
    "/SUBSYSTEM": "runs without the Win32 subsystem",
    "/SUBSYSTEM:WINDOWS": "runs in UMDF's host process",
    "/VERSION": "version in the image's header",
}


def purpose(argument: str) -> str:
    """Return a short description of an argument; empty if the argument is unknown.

    The most specific entry applies: for the switch with the first half of its value, then for the
    switch.
    """
    switch, _, value = re.sub("^-", "/", argument).upper().partition(":")
    half = value.partition("=")[0]
    return _PURPOSES.get(f"{switch}:{half}") or _PURPOSES.get(switch, "")


def known_arguments() -> tuple[str, ...]:
    """Return every argument that `purpose` knows."""
    return tuple(_PURPOSES)
