"""The linkers: the driver's, as the task build-driver finds it, and the host's, for build.rs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.packages import install
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Severity

__all__ = ["host_linker", "linkers"]

_BUILD = (Task.BUILD,)
_OLDEST_LLD = 15
_NO_LINKER = (
    "take a Rust toolchain of rustup's, which has rust-lld, or install LLVM's lld 15 or newer"
    " (such as Debian's lld-19)"
)
# learn.microsoft.com/visualstudio/install/workload-component-id-vs-build-tools
_COMPONENTS = {
    "x86_64": ("Microsoft.VisualStudio.Component.VC.Tools.x86.x64", "x64"),
    "i686": ("Microsoft.VisualStudio.Component.VC.Tools.x86.x64", "x86"),
    "aarch64": ("Microsoft.VisualStudio.Component.VC.Tools.ARM64", "arm64"),
}


def linkers(host: Host, project: Project, sysroot: Path | None) -> Iterator[Finding]:
    """Look for the linker of each target.

    Args:
        host: The machine.
        project: What is to be linked.
        sysroot: The toolchain's; None when there is no toolchain.
    """
    programs = {project.linker_for(profile).program for profile in project.profiles}
    for program in sorted(programs):
        if program in {"auto", "link"} and host.is_windows:
            for triple in project.driver.triples:
                yield _visual_studio(host, triple)
        elif program == "link":
            yield _missing(
                'linker.program = "link" is for Windows', '"auto" takes what each host has'
            )
        elif program == "auto":
            yield from _by_itself(host, project, sysroot)
        else:
            yield _named(host, program, sysroot)


def host_linker(host: Host, project: Project, triple: str) -> Iterator[Finding]:
    """Look for the linker of the host's own programs, which build.rs is one of."""
    if host.is_windows:
        programs = {project.linker_for(profile).program for profile in project.profiles}
        if triple.endswith("-msvc") and programs.isdisjoint({"auto", "link"}):
            yield _visual_studio(host, triple)
        return
    variable = f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER"
    program = host.env.get(variable) or "cc"
    answer = host.run((program, "--version"))
    remedy = install(host, "cc")
    yield outcome(
        "host linker",
        Severity.OK if answer.code == 0 else Severity.ERROR,
        answer.first_line if answer.code == 0 else f"{answer.first_line}: build.rs is linked by it",
        _BUILD,
        host.which(program),
        "" if answer.code == 0 else remedy.advice,
        () if answer.code == 0 else remedy.commands,
    )


def _by_itself(host: Host, project: Project, sysroot: Path | None) -> Iterator[Finding]:
    """Do as the task: cargo's own variable, rust-lld, lld-link, the newest lld-link-NN."""
    named = {
        triple: host.env.get(f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER", "")
        for triple in project.driver.triples
    }
    for program in sorted(set(named.values()) - {""}):
        yield _named(host, program, sysroot)
    if all(named.values()):
        return
    if rust_lld := _rust_lld(host, sysroot):
        yield _tried(host, rust_lld)
        return
    program = host.which("lld-link") or _newest_lld(host)
    if not program:
        yield _missing("this toolchain has no rust-lld, and there is no lld-link", _NO_LINKER)
        return
    yield _tried(host, program)


def _named(host: Host, program: str, sysroot: Path | None) -> Finding:
    place = _rust_lld(host, sysroot) if program == "rust-lld" else host.which(program)
    if not place:
        return _missing(f"linker.program: there is no {program}", _NO_LINKER)
    return _tried(host, place)


def _rust_lld(host: Host, sysroot: Path | None) -> str:
    if found := host.which("rust-lld"):
        return found
    name = "rust-lld.exe" if host.is_windows else "rust-lld"
    bundled = sorted(sysroot.glob(f"lib/rustlib/*/bin/{name}")) if sysroot else []
    return str(bundled[0]) if bundled else ""


def _newest_lld(host: Host) -> str:
    found = [
        (int(path.name.rpartition("-")[2]), str(path))
        for folder in host.env.get("PATH", "").split(":")
        if folder
        for path in Path(folder).glob("lld-link-[1-9][0-9]")
    ]
    return max(found, default=(0, ""))[1]


def _tried(host: Host, program: str) -> Finding:
    """Run a linker, which is LLVM's unless its name says otherwise."""
    name = Path(program).name
    if "lld" not in name:
        return outcome("linker", Severity.OK, name, _BUILD, program)
    flavor = ("-flavor", "link") if name.startswith("rust-lld") else ()
    answer = host.run((program, *flavor, "--version"))
    version = re.search(r"LLD (\d{1,9})", answer.text)
    if answer.code != 0 or version is None:
        return _missing(f"{name} does not run: {answer.first_line}", _NO_LINKER, program)
    if int(version[1]) < _OLDEST_LLD:
        return _missing(
            f"{name} is LLD {version[1]}, which takes /KERNEL and /RELEASE for names of files",
            _NO_LINKER,
            program,
        )
    return outcome("linker", Severity.OK, f"{name}: {version[0]}", _BUILD, program)


def _visual_studio(host: Host, triple: str) -> Finding:
    """Look for Microsoft's link.exe: that of a prompt for developers, or of any Visual Studio."""
    component, folder = _COMPONENTS[triple.partition("-")[0]]
    on_path = Path(host.which("link.exe"))
    # Other programs have that name too, such as one of Git's.
    if (on_path.parent.name.lower(), on_path.parent.parent.name.lower()[:4]) == (folder, "host"):
        return outcome("linker", Severity.OK, f"link.exe for {triple}", _BUILD, str(on_path))
    found = [
        program
        for place in _visual_studios(host)
        for program in place.glob(f"VC/Tools/MSVC/*/bin/Host*/{folder}/link.exe")
    ]
    if found:
        return outcome("linker", Severity.OK, f"link.exe for {triple}", _BUILD, str(found[0]))
    return _missing(
        f"no Visual Studio has link.exe for {triple}",
        f"in the Visual Studio Installer add {component}",
    )


def _visual_studios(host: Host) -> Iterator[Path]:
    """Yield where Visual Studios are: by its installer's own records, and in the usual folders."""
    data = Path(host.env.get("ProgramData") or "C:/ProgramData")
    records = data.glob("Microsoft/VisualStudio/Packages/_Instances/*/state.json")
    for record in sorted(records, reverse=True):
        with suppress(OSError, ValueError, TypeError, KeyError):
            yield Path(json.loads(record.read_bytes())["installationPath"])
    for variable in ("ProgramFiles", "ProgramFiles(x86)"):
        if programs := host.env.get(variable):
            yield from sorted(Path(programs, "Microsoft Visual Studio").glob("*/*"), reverse=True)


def _missing(message: str, advice: str, place: str = "") -> Finding:
    return outcome("linker", Severity.ERROR, message, _BUILD, place, advice)
