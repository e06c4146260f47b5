"""What cargo's configuration does to the build: files that clash, aliases, wrappers, panics."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.doctor.cargo_files import CargoFiles, read_cargo_files
from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["cargo_configuration"]

_BUILD = (Task.BUILD,)
_CONFIGURATION = Check("cargo configuration", _BUILD)
_ALIAS = Check("cargo configuration", tuple(Task))
_PROGRAMS = ("rustc", "rustc-wrapper", "rustc-workspace-wrapper")


def cargo_configuration(host: Host, project: Project) -> Iterator[Finding]:
    """Check the files that cargo reads in the project's folder, above it and at home."""
    files = read_cargo_files(host)
    findings = [
        *_older_name(host, project),
        *_problems(files),
        *_alias(host, files),
        *_missing_programs(host, files),
        *_unwinding(host, project, files),
    ]
    names = ", ".join(str(file.path) for file in files.files) or "no file"
    yield from findings or [_CONFIGURATION.ok(f"cargo reads {names}")]


def _older_name(host: Host, project: Project) -> Iterator[Finding]:
    old = host.folder / ".cargo/config"
    if project.toolchain.cargo_config == ".cargo/config.toml" and old.exists():
        yield _CONFIGURATION.error(
            "cargo reads .cargo/config instead of .cargo/config.toml, which has the driver's"
            " linker arguments",
            str(old),
            Remedy(f"move its settings to {project.config_name}, and delete it"),
        )


def _problems(files: CargoFiles) -> Iterator[Finding]:
    for problem in files.problems:
        finding = _ALIAS.error(problem.message, remedy=Remedy(problem.advice))
        yield finding._replace(place=problem.place)


def _alias(host: Host, files: CargoFiles) -> Iterator[Finding]:
    """Yield an alias that cargo runs in place of cargo-make."""
    if "CARGO_ALIAS_MAKE" in host.env:
        place = "CARGO_ALIAS_MAKE"
    elif found := next((file for file in files.files if "make" in file.table("alias")), None):
        place = str(found.path)
    else:
        return
    message = "`make` is an alias, which `cargo make` runs instead of cargo-make"
    yield _ALIAS.error(message, place, Remedy("give the alias another name"))


def _missing_programs(host: Host, files: CargoFiles) -> Iterator[Finding]:
    """Yield the compilers and wrappers that cargo would run, and that do not exist."""
    for key in _PROGRAMS:
        variable = key.upper().replace("-", "_")
        setting = next(
            (name for name in (variable, f"CARGO_BUILD_{variable}") if name in host.env), ""
        )
        if setting:
            program, place = host.env[setting], setting
        elif found := files.value("build", key):
            file, value = found
            program, place = file.program(str(value)) if value else "", str(file.path)
        else:
            continue
        if program and not host.which(program):
            message = f"build.{key} is `{program}`, which does not exist"
            remedy = Remedy("install it, or remove the setting")
            yield _CONFIGURATION.error(message, place, remedy)


def _unwinding(host: Host, project: Project, files: CargoFiles) -> Iterator[Finding]:
    """Yield what makes a cargo profile unwind on a panic, from outside of the project.

    Variables have priority over files: doc.rust-lang.org/cargo/reference/config.html#profile. The
    comparison with Cargo.toml reports files of the project.
    """
    if project.driver.model == "umdf":
        return
    for name in dict.fromkeys(each.cargo_profile or "" for each in project.profiles.values()):
        variable = f"CARGO_PROFILE_{name.upper().replace('-', '_')}_PANIC"
        if variable in host.env:
            value, place = host.env[variable], variable
        elif (found := files.value("profile", name, "panic")) and not host.holds(
            str(found[0].path)
        ):
            value, place = str(found[1]), str(found[0].path)
        else:
            continue
        if value != "abort":
            yield _CONFIGURATION.error(
                f"profile.{name}.panic is `{value}`, but the kernel cannot unwind",
                place,
                Remedy("remove the setting: the project sets `abort`"),
            )
