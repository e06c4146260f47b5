"""The tasks that build, rename and sign the driver, and their commands in each profile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeVar

from kdrvgen.adopt.parse.cargo_build import CargoBuild, parse_cargo_build
from kdrvgen.adopt.parse.inf_tools import parse_stampinf
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.makecert import (
    CertificateCommand,
    parse_makecert,
    parse_new_self_signed_certificate,
)
from kdrvgen.adopt.parse.paths import joined, slashes
from kdrvgen.adopt.parse.signtool import SignCommand, parse_sign_command
from kdrvgen.adopt.parse.steps import (
    COPIES,
    Action,
    Step,
    linked_image,
    links_image,
    may_sign_image,
)
from kdrvgen.adopt.parse.variables import task_environment
from kdrvgen.adopt.read.findings import unknown
from kdrvgen.adopt.read.installation import Installation, find_installation
from kdrvgen.adopt.read.makefile import Makefile, MakeTask
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.package import Package
from kdrvgen.adopt.read.project_package import Project, read_package
from kdrvgen.adopt.read.roles import find_main_tasks, in_order, role_of
from kdrvgen.adopt.read.service import Service, find_service
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.adopt.read.task_steps import read_steps
from kdrvgen.report.finding import Finding

__all__ = ["Invocation", "Pipeline", "ProfileFacts", "read_pipeline"]

_Command = TypeVar("_Command")
_MAX_PROFILES = 16
_LINKER = re.compile(r"\blink(?:\.exe)?\b")
# What a script calls that signs, makes a package, or handles the driver's service.
_TOOLS = re.compile(r"signtool|stampinf|inf2cat|\bsc(?:\.exe)?\s+create\b", re.IGNORECASE)
_JUSTFILES = frozenset({"justfile", ".justfile"})


class Invocation(NamedTuple, Generic[_Command]):
    """A parsed call of a tool, where it is, and the folder that it runs in."""

    command: _Command
    origin: Origin
    folder: str | None


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """What the pipeline does in one profile of cargo-make.

    Attributes:
        name: The profile.
        is_declared: Whether the makefile has variables for it.
        build: The call of cargo.
        dll: The path of the .dll that becomes the image.
        image: The path of the image that is renamed or signed.
        is_placed: Whether the folder of the image is known.
        signature: The call of signtool.
        certificate: The call that creates a certificate.
    """

    name: str
    is_declared: bool
    build: Invocation[CargoBuild] | None = None
    dll: Located | None = None
    image: Located | None = None
    is_placed: bool = True
    signature: Invocation[SignCommand] | None = None
    certificate: Invocation[CertificateCommand] | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The tasks that make the driver.

    Attributes:
        profiles: What they do in each profile, development first.
        roles: For each of the tasks, the generated task that replaces it.
        main_tasks: For each generated task, the one of its tasks that decides.
        steps: The commands of every task in development.
        service: The driver's service, if tasks create it. These tasks have a role too.
        package: The driver package, if tasks make it. The tasks that do nothing else have the role
            `package`.
        installation: The tasks that install the package. They have a role too.
        link_arguments: The arguments of a linker that a script calls to make the image.
    """

    profiles: tuple[ProfileFacts, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    main_tasks: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    service: Service | None = None
    package: Package | None = None
    installation: Installation | None = None
    link_arguments: tuple[Located, ...] = ()

    def made_by(self, task: str) -> str:
        """Return the generated task that does all that a task with a role does."""
        actions = {step.action for step in self.steps[task]}
        return "package" if self.package and Action.PACKAGE in actions else self.roles[task]


def read_pipeline(
    snapshot: Snapshot, makefile: Makefile, manifest: Manifest
) -> tuple[Pipeline, list[Finding]]:
    """Find the tasks that build, rename and sign, and read their commands.

    Without a makefile, reads the scripts in the folder that call signtool.
    """
    tasks = makefile.tasks or _scripts_as_tasks(snapshot, manifest.library.text)
    package = manifest.name.text if manifest.name else ""
    findings: list[Finding] = []
    profiles: list[ProfileFacts] = []
    pipeline = Pipeline(())
    selectable = [name for name in makefile.profiles if name == name.lower()]
    findings += [
        unknown(Origin(makefile.file or ""), f"kdrvgen reads only {_MAX_PROFILES} profiles")
    ] * (len(selectable) > _MAX_PROFILES)
    for profile in dict.fromkeys(("development", *selectable[:_MAX_PROFILES])):
        values = task_environment(package, profile, makefile.values(profile))
        steps: dict[str, list[Step]] = {}
        for name, task in tasks.items():
            if profile != "development" and name not in pipeline.roles:
                continue  # the same as in development, as far as it matters
            task_steps, task_findings = read_steps(snapshot, task, values)
            findings += task_findings if profile == "development" else []
            above = posixpath.dirname(makefile.file or "")
            steps[name] = [
                replace(step, action=Action.OTHER)
                if step.action is Action.BUILD and not _builds(step, package, snapshot, above)
                else step
                for step in task_steps
            ]
        if _is_umdf(manifest, steps):
            steps = _with_dll_as_image(steps, f"{manifest.library.text}.dll")
        roles = {name: role for name, each in steps.items() if (role := role_of(each)) is not None}
        if "sign" not in roles.values():  # a task of the project may use the certificate
            roles = {name: role for name, role in roles.items() if role != "certificate"}
        main_tasks = find_main_tasks(tasks, roles)
        ordered = [step for name in in_order(main_tasks) for step in steps[name]]
        profiles.append(_facts(profile, ordered, is_declared=profile in makefile.profiles))
        if profile == "development":
            pipeline = Pipeline((), roles, main_tasks, steps)
    package_facts, marked = read_package(
        Project(snapshot, makefile, manifest), tasks, pipeline.steps, profiles
    )
    pipeline = replace(pipeline, steps=marked)
    if package_facts:
        made = dict.fromkeys(package_facts.tasks, "package")
        first = next(iter(sorted(made)), None)
        own = {"package": "package" if "package" in made else first} if first else {}
        pipeline = replace(
            pipeline,
            roles={**pipeline.roles, **made},
            main_tasks={**pipeline.main_tasks, **own},
            package=package_facts,
        )
        if package_facts.signature and not _signs_image(profiles[0], pipeline):
            signature = Invocation(*package_facts.signature, "")
            profiles = [replace(profile, signature=signature) for profile in profiles]
    image = profiles[0].image
    image_name = posixpath.basename(image.text) if image else f"{manifest.library.text}.sys"
    service = find_service(tasks, pipeline.steps, pipeline.roles, image_name)
    roles = {**pipeline.roles, **(service.tasks if service else {})}
    installation = (
        find_installation(tasks, pipeline.steps, roles, package_facts.inf)
        if package_facts
        else None
    )
    roles |= installation.tasks if installation else {}
    links = [step for each in pipeline.steps.values() for step in each if links_image(step)]
    linked = profiles[0]
    if links and linked.image is None:
        path = joined(links[0].folder, linked_image(links[0]))
        profiles[0] = replace(linked, image=Located(path, links[0].origin))
    arguments = tuple(
        Located(word, step.origin)
        for step in links[:1]
        for word in step.words[1:]
        if word.startswith("/") and not re.match(r"/(OUT|NOLOGO|MACHINE)\b", word, re.IGNORECASE)
    )
    result = replace(
        pipeline,
        profiles=tuple(profiles),
        roles=roles,
        service=service,
        installation=installation,
        link_arguments=arguments,
    )
    return result, findings


def _scripts_as_tasks(snapshot: Snapshot, library: str) -> dict[str, MakeTask]:
    """Return the scripts that sign or link, as tasks that call them.

    In a folder above, a script must name the driver's image.
    """
    image = re.compile(rf"\b{re.escape(library)}\.(sys|dll)\b", re.IGNORECASE)
    tasks: dict[str, MakeTask] = {}
    for path, text in snapshot.files.items():
        folder, name = posixpath.split(path)
        is_near = not folder or (not folder.strip("./") and image.search(text))
        if not is_near or not _makes_image(text.lower()):
            continue
        if name.lower() in _JUSTFILES:
            lines = [line.strip().lstrip("@-") for line in text.split("\n") if line[:1].isspace()]
            tasks[path] = MakeTask(path, {}, {"script": lines}, {}, Origin(path))
        elif re.search(r"\.(bat|cmd|ps1)$", path):
            tasks[path] = MakeTask(path, {}, {"script": {"file": path}}, {}, Origin(path))
    return tasks


def _signs_image(profile: ProfileFacts, pipeline: Pipeline) -> bool:
    """Return whether a task signs the image, or a file that may be it."""
    steps = (step for each in pipeline.steps.values() for step in each)
    return profile.signature is not None or any(map(may_sign_image, steps))


def _makes_image(script: str) -> bool:
    """Return whether a script, in lower case, may sign or link an image."""
    is_linked = "/out:" in script and ".sys" in script and _LINKER.search(script)
    return _TOOLS.search(script) is not None or bool(is_linked)


def _is_umdf(manifest: Manifest, steps: Mapping[str, Sequence[Step]]) -> bool:
    """Return whether the metadata or a task that stamps the INF names UMDF."""
    if manifest.model:
        return manifest.model.text.lower() == "umdf"
    stamps = (step for each in steps.values() for step in each if step.words[:1] == ("stampinf",))
    return any(parse_stampinf(step.words[1:]).value("u") for step in stamps)


def _with_dll_as_image(steps: Mapping[str, Sequence[Step]], library: str) -> dict[str, list[Step]]:
    """Return the steps with those marked that rename or sign the .dll of a UMDF driver."""
    images = {library.lower()}

    def marked(step: Step) -> Step:
        files = [posixpath.basename(slashes(word)).lower() for word in step.words[1:]]
        if step.words[:1] and step.words[0] in COPIES and _renames_dll(files, library.lower()):
            images.add(files[1])
            return replace(step, action=Action.RENAME)
        is_signed = step.words[:2] == ("signtool", "sign") and images & set(files)
        return replace(step, action=Action.SIGN) if is_signed else step

    return {name: [marked(step) for step in each] for name, each in steps.items()}


def _renames_dll(files: Sequence[str], library: str) -> bool:
    """Return whether a command gives cargo's .dll the name of the image."""
    match files:
        case [source, target, *_]:
            return source == library != target and target.endswith(".dll")
    return False


def _builds(step: Step, package: str, snapshot: Snapshot, makefile_folder: str) -> bool:
    """Return whether a call of cargo builds the package.

    Args:
        step: The call.
        package: The package's name.
        snapshot: The project.
        makefile_folder: The makefile's folder; tasks of the workspace may run there.
    """
    build = parse_cargo_build(step.words[1:])
    if build.manifest:
        paths = {joined(folder, build.manifest) for folder in (step.folder, makefile_folder)}
        return "Cargo.toml" in {snapshot.shortest(path) for path in paths}
    return build.package in {"", package}


def _facts(name: str, steps: Sequence[Step], *, is_declared: bool) -> ProfileFacts:
    first: dict[Action, Step] = {}
    for step in steps:
        first.setdefault(step.action, step)
    build, rename = first.get(Action.BUILD), first.get(Action.RENAME)
    sign, certificate = first.get(Action.SIGN), first.get(Action.CERTIFICATE)
    dll, image = _renamed_files(rename) if rename else (None, None)
    signature = _invocation(sign, parse_sign_command(sign.words[2:])) if sign else None
    if image is None and signature:
        files = [file for file in signature.command.files if re.search(r"(?i)\.(sys|dll)$", file)]
        path = joined(signature.folder, files[0]) if files else ""
        image = Located(path, signature.origin) if files else None
    making = rename or (sign if image else None)
    return ProfileFacts(
        name=name,
        is_declared=is_declared,
        build=_invocation(build, parse_cargo_build(build.words[1:])) if build else None,
        dll=dll,
        image=image,
        is_placed=making is None or making.folder is not None or _is_absolute(image),
        signature=signature,
        certificate=(
            _invocation(certificate, _parse_certificate(certificate)) if certificate else None
        ),
    )


def _is_absolute(image: Located | None) -> bool:
    return image is not None and re.match(r"/|[A-Za-z]:|[%$]", image.text) is not None


def _invocation(step: Step, command: _Command) -> Invocation[_Command]:
    return Invocation(command, step.origin, step.folder)


def _parse_certificate(step: Step) -> CertificateCommand:
    if step.words[0] == "makecert":
        return parse_makecert(step.words[1:])
    return parse_new_self_signed_certificate(step.words[1:])


def _renamed_files(step: Step) -> tuple[Located, Located]:
    """Return the paths of the .dll and of the image that a command makes from it."""
    files = [word for word in step.words[1:] if not re.match(r"[-/]\w*$", word)]
    source = joined(step.folder, files[0])
    target = slashes(files[1])
    if step.words[0] in {"rename", "ren"}:  # the new name has no folder: the file stays in its own
        target = posixpath.join(posixpath.dirname(source), posixpath.basename(target))
    else:
        target = joined(step.folder, target)
    return Located(source, step.origin), Located(target, step.origin)
