"""The comments about linker arguments in the generated files."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

import kdrvgen
from kdrvgen import Driver, Linker, Project

KNOWN = """\
/ALLOWBIND:NO /BASE:0x10000 /BREPRO /DEBUG:FULL /DELAYLOAD:a.dll /DRIVER:WDM /DYNAMICBASE:NO
/ENTRY:Start /EXPORT:DriverEntry /GUARD:CF /IGNORE:4216 /IGNORE:4257 /INTEGRITYCHECK /KERNEL
/LIBPATH:lib /MANIFEST:NO /MAP /MAPINFO:EXPORTS /MERGE:.edata=.rdata /MERGE:.retplne=.text
/MERGE:.rustc=.rdata /MERGE:.a=.b /NODEFAULTLIB /NOLOGO /NXCOMPAT /OPT:REF,ICF /PDBALTPATH:%_PDB%
/RELEASE /SECTION:INIT,d /STACK:0x8000 /SUBSYSTEM:NATIVE /SUBSYSTEM:WINDOWS /VERSION:10.0
"""


def comment(argument: str) -> str:
    """Return the comment about an argument in the cargo configuration."""
    linker = Linker(args=(argument,), preset="none", reproducible=False)
    model = "umdf" if argument.upper().endswith("WINDOWS") else "wdm"
    project = Project(driver=Driver(name="hello", model=model), linker=linker)
    text = kdrvgen.render(project)[PurePosixPath(".cargo/config.toml")]
    (line,) = (line for line in text.splitlines() if f'"-Clink-arg={argument}"' in line)
    return line.partition("#")[2].strip()


def test_every_common_argument_has_a_comment_of_its_own() -> None:
    comments = {argument: comment(argument) for argument in KNOWN.split()}
    assert [argument for argument, text in comments.items() if not text] == []
    assert len(set(comments.values())) == len(KNOWN.split())


@pytest.mark.parametrize("argument", ["/IGNORE:1", "/VERBOSE", "/XSTACK:1", "lib.lib"])
def test_an_argument_of_another_meaning_has_none(argument: str) -> None:
    assert not comment(argument)


def test_the_case_and_the_sign_of_a_switch_do_not_matter() -> None:
    assert comment("-subsystem:Windows") == comment("/SUBSYSTEM:WINDOWS")
    assert comment("-merge:.RustC=.rdata") == comment("/MERGE:.rustc=.text")
