"""The linkers: the driver's, found as build-driver finds it, and the host's, for build.rs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kdrvgen.doctor.cargo_files import read_cargo_files
from kdrvgen.doctor.check import NO_REMEDY, Check, Remedy
from kdrvgen.doctor.fix import install
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.rustup import cargo_home
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["host_linker", "linkers"]

_BUILD = (Task.BUILD,)
_LINKER = Check("linker", _BUILD)
_HOST_LINKER = Check("host linker", _BUILD)
_KEY = "linker.program"
_LLD = re.compile(r"rust-lld|lld-link(-\d+)?")
_OLDEST_LLD = 15
_INSTALL = Remedy(
    "use a Rust toolchain from rustup, which includes rust-lld, or install LLVM's lld 15 or newer"
    " (for example Debian's lld-19)"
)
# learn.microsoft.com/visualstudio/install/workload-component-id-vs-build-tools
_COMPONENTS = {
    "x86_64": ("Microsoft.VisualStudio.Component.VC.Tools.x86.x64", "x64"),
    "i686": ("Microsoft.VisualStudio.Component.VC.Tools.x86.x64", "x86"),
    "aarch64": ("Microsoft.VisualStudio.Component.VC.Tools.ARM64", "arm64"),
}


def linkers(host: Host, project: Project, sysroot: Path | None) -> Iterator[Finding]:
    """Check the linker of each target.

    Args:
        host: The machine.
        project: The project.
        sysroot: That of the toolchain; None if there is no toolchain.
    """
    programs = {project.linker_for(profile).program for profile in project.profiles}
    for program in sorted(programs):
        if program in {"auto", "link"} and host.is_windows:
            for triple in project.driver.triples:
                yield _visual_studio(host, triple)
        elif program == "link":
            yield _LINKER.error(
                'linker.program = "link" works on Windows only',
                remedy=Remedy('set linker.program = "auto" to use the linker of each system'),
            )
        elif program == "auto":
            yield from _automatic(host, project, sysroot)
        else:
            yield _configured(host, program, sysroot, _KEY)


def host_linker(host: Host, project: Project, triple: str) -> Iterator[Finding]:
    """Check the linker for programs that run on the host, such as build.rs."""
    if host.is_windows:
        programs = {project.linker_for(profile).program for profile in project.profiles}
        if triple.endswith("-msvc") and programs.isdisjoint({"auto", "link"}):
            yield _visual_studio(host, triple)
        return
    program = host.env.get(_linker_variable(triple)) or "cc"
    found = read_cargo_files(host).value("target", triple, "linker")
    if program == "cc" and found:
        file, value = found
        program = file.program(str(value))
        if not (place := host.which(program)):
            message = f"target.{triple}.linker is `{program}`, which does not exist"
            yield _HOST_LINKER.error(message, str(file.path))
            return
        # A file above the project can belong to the same repository.
        if file.path.parent != cargo_home(host) or host.holds(str(file.path)):
            yield _HOST_LINKER.ok(f"{program}, not run: {file.path} names it", place)
            return
    place = host.which(program)
    answer = host.run((program, "--version"))
    if answer.code == 0:
        yield _HOST_LINKER.ok(answer.first_line, place)
    elif answer.is_refused:
        yield _HOST_LINKER.note(answer.text, place)
    else:
        message = f"{answer.first_line}; cargo needs it to link build.rs"
        is_missing = not place and program == "cc"
        yield _HOST_LINKER.error(message, place, install(host, "cc") if is_missing else NO_REMEDY)


def _automatic(host: Host, project: Project, sysroot: Path | None) -> Iterator[Finding]:
    """Search as the task does: cargo's variable, rust-lld, lld-link, the newest lld-link-NN."""
    variables = map(_linker_variable, project.driver.triples)
    programs = {variable: host.env.get(variable, "") for variable in variables}
    named = {program: variable for variable, program in programs.items() if program}
    for program, variable in sorted(named.items()):
        yield _configured(host, program, sysroot, variable)
    if all(programs.values()):
        return
    place = _rust_lld(host, sysroot) or host.which("lld-link") or _newest_lld(host)
    if place:
        yield _try(host, place)
    else:
        message = "this toolchain has no rust-lld, and lld-link is not on PATH"
        yield _LINKER.error(message, remedy=_INSTALL)


def _linker_variable(triple: str) -> str:
    return f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER"


def _configured(host: Host, program: str, sysroot: Path | None, setting: str) -> Finding:
    """Check the linker that a setting names: a key of the configuration, or a variable."""
    place = _rust_lld(host, sysroot) if program == "rust-lld" else host.which(program)
    if not place:
        return _LINKER.error(f'{setting} = "{program}": no such program', remedy=_INSTALL)
    name = Path(program).name
    # The project must not choose what runs here: only LLVM's linkers, where PATH has them.
    is_known = _LLD.fullmatch(name) and (program == name or place == host.which(name))
    if setting == _KEY and not is_known:
        return _LINKER.ok(f"{name}, not run: the project names it", place)
    return _try(host, place)


def _rust_lld(host: Host, sysroot: Path | None) -> str:
    if on_path := host.which("rust-lld"):
        return on_path
    name = "rust-lld.exe" if host.is_windows else "rust-lld"
    bundled = sorted(sysroot.glob(f"lib/rustlib/*/bin/{name}")) if sysroot else []
    return str(bundled[0]) if bundled else ""


def _newest_lld(host: Host) -> str:
    versions = [
        (int(path.name.rpartition("-")[2]), str(path))
        for folder in host.path
        for path in folder.glob("lld-link-[1-9][0-9]")
    ]
    return max(versions, default=(0, ""))[1]


def _try(host: Host, program: str) -> Finding:
    """Run a linker if its name shows that it is LLVM's."""
    name = Path(program).name
    if "lld" not in name:
        return _LINKER.ok(name, program)
    flavor = ("-flavor", "link") if name.startswith("rust-lld") else ()
    answer = host.run((program, *flavor, "--version"))
    version = re.search(r"LLD (\d{1,9})", answer.text)
    if answer.is_refused:
        return _LINKER.note(answer.text, program)
    if answer.code != 0 or version is None:
        return _LINKER.error(f"{name} does not run: {answer.first_line}", program, _INSTALL)
    if int(version[1]) < _OLDEST_LLD:
        message = (
            f"{name} is LLD {version[1]}, which reads /KERNEL and /RELEASE as file names; "
            f"use {_OLDEST_LLD} or newer"
        )
        return _LINKER.error(message, program, _INSTALL)
    return _LINKER.ok(f"{name}: {version[0]}", program)


def _visual_studio(host: Host, triple: str) -> Finding:
    """Check Microsoft's link.exe: on the PATH of a developer prompt, or in any Visual Studio."""
    component, folder = _COMPONENTS[triple.partition("-")[0]]
    on_path = Path(host.which("link.exe"))
    # Other programs have this name too, for example one of Git for Windows.
    if (on_path.parent.name.lower(), on_path.parent.parent.name.lower()[:4]) == (folder, "host"):
        return _LINKER.ok(f"link.exe for {triple}", str(on_path))
    programs = [
        program
        for place in _visual_studios(host)
        for program in place.glob(f"VC/Tools/MSVC/*/bin/Host*/{folder}/link.exe")
    ]
    if programs:
        return _LINKER.ok(f"link.exe for {triple}", str(programs[0]))
    return _LINKER.error(
        f"no Visual Studio has link.exe for {triple}",
        remedy=Remedy(f"in the Visual Studio Installer, add {component}"),
    )


def _visual_studios(host: Host) -> Iterator[Path]:
    """Yield the folders of Visual Studio: from the installer's records, then the usual ones."""
    data = Path(host.env.get("ProgramData") or "C:/ProgramData")
    records = data.glob("Microsoft/VisualStudio/Packages/_Instances/*/state.json")
    for record in sorted(records, reverse=True):
        with suppress(OSError, ValueError, TypeError, KeyError):
            yield Path(json.loads(record.read_bytes())["installationPath"])
    for variable in ("ProgramFiles", "ProgramFiles(x86)"):
        if programs := host.env.get(variable):
            yield from sorted(Path(programs, "Microsoft Visual Studio").glob("*/*"), reverse=True)
