"""Which tasks of a makefile make the driver, and what they say for each profile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.parse.switches import (
    CargoBuild,
    Certificate,
    Signature,
    cargo_build,
    certificate,
    signature,
)
from kdrvgen.adopt.parse.variables import surroundings
from kdrvgen.adopt.read.makefile import Makefile, MakeTask
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.service import Service, read_service
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.adopt.read.steps import Act, Step, steps_of
from kdrvgen.report.finding import Finding

__all__ = ["Pipeline", "ProfileFacts", "read_pipeline"]

_ROLES = {
    Act.SIGN: "sign",
    Act.IMAGE: "rename",
    Act.BUILD: "build-driver",
    Act.CERTIFICATE: "certificate",
}
"""The generated task that takes the place of one that does this, the most telling act first."""


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """What the pipeline does in one profile of cargo-make.

    Attributes:
        name: The profile.
        is_declared: Whether the makefile has variables for it.
        values: The variables that its tasks see.
        build: How cargo is called, and where.
        dll: The .dll that becomes the image.
        image: The image that is made, or signed.
        signature: How signtool is called, where that stands, and the folder it runs in.
        certificate: How a certificate is made, where that stands, and the folder.
    """

    name: str
    is_declared: bool
    values: Mapping[str, str]
    build: tuple[CargoBuild, Origin] | None = None
    dll: Said | None = None
    image: Said | None = None
    signature: tuple[Signature, Origin, str | None] | None = None
    certificate: tuple[Certificate, Origin, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The tasks that make the driver.

    Attributes:
        profiles: What they say, development first.
        roles: For each of them the generated task that takes its place.
        mains: For each generated task the one of them whose word counts.
        steps: What every task does in development.
        service: The driver's service, if tasks make it; those are among `roles` too.
    """

    profiles: tuple[ProfileFacts, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    mains: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    service: Service | None = None


def read_pipeline(
    snapshot: Snapshot, makefile: Makefile, manifest: Manifest
) -> tuple[Pipeline, list[Finding]]:
    """Find the tasks that build, rename and sign, and read what they say.

    Without a makefile the scripts in the folder that sign are looked at instead.
    """
    tasks = makefile.tasks or _as_tasks(snapshot)
    package = manifest.name.text if manifest.name else ""
    findings: list[Finding] = []
    profiles: list[ProfileFacts] = []
    found = Pipeline(())
    lower = [name for name in makefile.profiles if name == name.lower()]
    for profile in dict.fromkeys(("development", *lower)):
        values = surroundings(package, profile, makefile.values(profile))
        steps: dict[str, list[Step]] = {}
        for name, task in tasks.items():
            known, told = steps_of(snapshot, task, values)
            findings += told if profile == "development" else []
            above = posixpath.dirname(makefile.file or "")
            steps[name] = [
                replace(step, act=Act.OTHER)
                if step.act is Act.BUILD and not _is_of(step, package, snapshot, above)
                else step
                for step in known
            ]
        roles = {name: role for name, each in steps.items() if (role := _role(each)) is not None}
        mains = _mains(tasks, roles)
        ordered = [each for name in _in_order(tasks, mains) for each in steps[name]]
        profiles.append(_facts(profile, values, ordered, is_declared=profile in makefile.profiles))
        if profile == "development":
            found = Pipeline((), roles, mains, steps)
    made = profiles[0].image
    image = posixpath.basename(made.text) if made else f"{manifest.library.text}.sys"
    service = read_service(tasks, found.steps, found.roles, image)
    all_roles = {**found.roles, **(service.tasks if service else {})}
    return replace(found, profiles=tuple(profiles), roles=all_roles, service=service), findings


def _as_tasks(snapshot: Snapshot) -> dict[str, MakeTask]:
    """Return scripts that sign as if tasks called them, for a project without a makefile."""
    return {
        path: MakeTask(path, {}, {"script": {"file": path}}, {}, Origin(path))
        for path, text in snapshot.files.items()
        if "/" not in path and re.search(r"\.(bat|cmd|ps1)$", path) and "signtool" in text.lower()
    }


def _role(steps: Sequence[Step]) -> str | None:
    acts = {step.act for step in steps}
    return next((role for act, role in _ROLES.items() if act in acts), None)


def _is_of(step: Step, package: str, snapshot: Snapshot, above: str) -> bool:
    """Tell whether a build is of the package, and not of another one.

    Args:
        step: The build.
        package: The package's name.
        snapshot: The project.
        above: The makefile's folder: tasks of the workspace's may run there.
    """
    build = cargo_build(step.words[1:])
    if build.manifest:
        places = {_joined(folder, build.manifest) for folder in (step.folder, above)}
        return "Cargo.toml" in {snapshot.from_here(place) for place in places}
    return build.package in {"", package}


def _mains(tasks: Mapping[str, MakeTask], roles: Mapping[str, str]) -> dict[str, str]:
    """Return for each generated task the task it takes the place of.

    The one of the same name; else what `default` comes to; else what the sign task comes to; else
    the first.
    """
    found: dict[str, str] = {}
    closures = [_closure(tasks, "default")]
    for role in _ROLES.values():
        candidates = [name for name in roles if roles[name] == role]
        if not candidates:
            continue
        preferred = [
            *(name for name in candidates if name == role),
            *(name for closure in closures for name in closure if name in candidates),
            *candidates,
        ]
        found[role] = preferred[0]
        closures.insert(0, _closure(tasks, preferred[0]))
    return found


def _closure(tasks: Mapping[str, MakeTask], root: str) -> list[str]:
    """Return a task and all that it comes to, in the order in which they run."""
    found: list[str] = []
    seen: set[str] = set()
    waiting = [(root, False)]
    while waiting:
        name, is_done = waiting.pop()
        if name not in tasks or (name in seen and not is_done):
            continue
        if is_done:
            found.append(name)
            continue
        seen.add(name)
        after = [*tasks[name].names("dependencies"), *_aliases(tasks[name])]
        waiting.append((name, True))
        waiting += [(each, False) for each in reversed(after)]
    return found


def _aliases(task: MakeTask) -> Iterator[str]:
    for key in ("alias", "windows_alias", "run_task"):
        yield from task.names(key)


def _in_order(tasks: Mapping[str, MakeTask], mains: Mapping[str, str]) -> list[str]:
    main = [name for role in reversed(_ROLES.values()) if (name := mains.get(role))]
    return list(dict.fromkeys(main)) if tasks else []


def _facts(
    name: str, values: Mapping[str, str], steps: Sequence[Step], *, is_declared: bool
) -> ProfileFacts:
    first: dict[Act, Step] = {}
    for step in steps:
        first.setdefault(step.act, step)
    build, image = first.get(Act.BUILD), first.get(Act.IMAGE)
    sign, made = first.get(Act.SIGN), first.get(Act.CERTIFICATE)
    dll, sys = _renamed(image) if image else (None, None)
    signed = signature(sign.words[2:]) if sign else None
    if sys is None and sign and signed:
        files = [each for each in signed.files if each.lower().endswith(".sys")]
        sys = Said(_joined(sign.folder, files[0]), sign.origin) if files else None
    return ProfileFacts(
        name=name,
        is_declared=is_declared,
        values=values,
        build=(cargo_build(build.words[1:]), build.origin) if build else None,
        dll=dll,
        image=sys,
        signature=(signed, sign.origin, sign.folder) if sign and signed else None,
        certificate=(_made(made), made.origin, made.folder) if made else None,
    )


def _renamed(step: Step) -> tuple[Said | None, Said | None]:
    files = [word for word in step.words[1:] if not re.match(r"[-/]\w*$", word)]
    source = _joined(step.folder, files[0])
    target = files[1].replace("\\", "/")
    if step.words[0] in {"rename", "ren"}:  # the new name is no path: it stays in its folder
        target = posixpath.join(posixpath.dirname(source), posixpath.basename(target))
    else:
        target = _joined(step.folder, target)
    return Said(source, step.origin), Said(target, step.origin)


def _joined(folder: str | None, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder or "", path.replace("\\", "/")))


_POWERSHELL = {
    "subject": "-n",
    "dnsname": "-n",
    "certstorelocation": "store",
    "hashalgorithm": "-a",
}


def _made(step: Step) -> Certificate:
    if step.words[0] == "makecert":
        return certificate(step.words[1:])
    words, found = list(step.words[1:]), []
    while words:
        name = words.pop(0).lower().lstrip("-")
        meant = _POWERSHELL.get(name)
        if meant == "store" and words:
            where, store = [*words.pop(0).strip("\\").split("\\"), "", "", ""][1:3]
            found += ["-ss", store, *(["-sr", where] if where.lower() == "localmachine" else [])]
        elif meant and words:
            value = words.pop(0)
            found += [meant, f"CN={value}" if name == "dnsname" else value]
        elif name == "type" and words and words.pop(0).lower() == "codesigningcert":
            found += ["-eku", "1.3.6.1.5.5.7.3.3"]
    # PowerShell's own default is SHA-256.
    return certificate([*found, *([] if "-a" in found else ["-a", "sha256"])])
