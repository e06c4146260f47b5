"""The tasks that build, rename and sign the driver, and their commands in each profile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kdrvgen.adopt.parse.cargo_build import parse_cargo_build
from kdrvgen.adopt.parse.inf_tools import parse_stampinf
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.paths import joined, slashes
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
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.package import Package
from kdrvgen.adopt.read.profile_facts import Invocation, ProfileFacts, profile_facts
from kdrvgen.adopt.read.project_package import Project, read_package
from kdrvgen.adopt.read.roles import find_main_tasks, in_order, role_of
from kdrvgen.adopt.read.service import Service, find_service
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.adopt.read.task_steps import read_steps
from kdrvgen.report.finding import Finding

__all__ = ["Pipeline", "read_pipeline"]

_MAX_PROFILES = 16
_LINKER = re.compile(r"\blink(?:\.exe)?\b")
# What a script calls that signs, makes a package, or handles the driver's service.
_TOOLS = re.compile(r"signtool|stampinf|inf2cat|\bsc(?:\.exe)?\s+create\b", re.IGNORECASE)
_JUSTFILES = frozenset({"justfile", ".justfile"})


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
    project = Project(snapshot, makefile, manifest)
    tasks = makefile.tasks or _scripts_as_tasks(snapshot, manifest.library.text)
    pipeline, findings = _read_profiles(project, tasks)
    pipeline = _with_package(pipeline, project, tasks)
    pipeline = _with_service(pipeline, project, tasks)
    return _with_linked_image(pipeline), findings


def _read_profiles(
    project: Project, tasks: Mapping[str, MakeTask]
) -> tuple[Pipeline, list[Finding]]:
    """Read what the tasks do in each profile. Their roles are those in development."""
    makefile = project.makefile
    selectable = [name for name in makefile.profiles if name == name.lower()]
    findings: list[Finding] = []
    if len(selectable) > _MAX_PROFILES:
        message = f"kdrvgen reads only {_MAX_PROFILES} profiles"
        findings.append(unknown(Origin(makefile.file or ""), message))
    pipeline = Pipeline(())
    profiles: list[ProfileFacts] = []
    for profile in dict.fromkeys(("development", *selectable[:_MAX_PROFILES])):
        is_first = profile == "development"
        # The other tasks are the same as in development, as far as it matters.
        read = (
            tasks if is_first else {name: tasks[name] for name in tasks if name in pipeline.roles}
        )
        steps, task_findings = _read_all_steps(project, read, profile)
        findings += task_findings if is_first else []
        roles = {name: role for name, each in steps.items() if (role := role_of(each)) is not None}
        if "sign" not in roles.values():  # a task of the project may use the certificate
            roles = {name: role for name, role in roles.items() if role != "certificate"}
        main_tasks = find_main_tasks(tasks, roles)
        ordered = [step for name in in_order(main_tasks) for step in steps[name]]
        profiles.append(profile_facts(profile, ordered, is_declared=profile in makefile.profiles))
        if is_first:
            pipeline = Pipeline((), roles, main_tasks, steps)
    return replace(pipeline, profiles=tuple(profiles)), findings


def _read_all_steps(
    project: Project, tasks: Mapping[str, MakeTask], profile: str
) -> tuple[dict[str, list[Step]], list[Finding]]:
    """Return the commands of each task in a profile; only calls that build the package build."""
    snapshot, makefile, manifest = project
    package = manifest.name.text if manifest.name else ""
    values = task_environment(package, profile, makefile.values(profile))
    above = posixpath.dirname(makefile.file or "")
    steps: dict[str, list[Step]] = {}
    findings: list[Finding] = []
    for name, task in tasks.items():
        task_steps, task_findings = read_steps(snapshot, task, values)
        findings += task_findings
        steps[name] = [
            replace(step, action=Action.OTHER)
            if step.action is Action.BUILD and not _builds(step, package, snapshot, above)
            else step
            for step in task_steps
        ]
    if _is_umdf(manifest, steps):
        steps = _with_dll_as_image(steps, f"{manifest.library.text}.dll")
    return steps, findings


def _with_package(pipeline: Pipeline, project: Project, tasks: Mapping[str, MakeTask]) -> Pipeline:
    """Return the pipeline with the driver package, and with the signature of its catalog.

    The catalog's signature counts where no task signs the image.
    """
    package, steps = read_package(project, tasks, pipeline.steps, pipeline.profiles)
    pipeline = replace(pipeline, steps=steps)
    if package is None:
        return pipeline
    made = dict.fromkeys(package.tasks, "package")
    first = next(iter(sorted(made)), None)
    own = {"package": "package" if "package" in made else first} if first else {}
    pipeline = replace(
        pipeline,
        roles={**pipeline.roles, **made},
        main_tasks={**pipeline.main_tasks, **own},
        package=package,
    )
    if package.signature and not _signs_image(pipeline):
        signature = Invocation(*package.signature, "")
        signed = tuple(replace(each, signature=signature) for each in pipeline.profiles)
        pipeline = replace(pipeline, profiles=signed)
    return pipeline


def _with_service(pipeline: Pipeline, project: Project, tasks: Mapping[str, MakeTask]) -> Pipeline:
    """Return the pipeline with the driver's service, and the tasks that install the package."""
    image = pipeline.profiles[0].image
    library = project.manifest.library.text
    image_name = posixpath.basename(image.text) if image else f"{library}.sys"
    service = find_service(tasks, pipeline.steps, pipeline.roles, image_name)
    roles = {**pipeline.roles, **(service.tasks if service else {})}
    installation = (
        find_installation(tasks, pipeline.steps, roles, pipeline.package.inf)
        if pipeline.package
        else None
    )
    roles |= installation.tasks if installation else {}
    return replace(pipeline, roles=roles, service=service, installation=installation)


def _with_linked_image(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with the image and the arguments of a linker that a script calls."""
    links = [step for each in pipeline.steps.values() for step in each if links_image(step)]
    if not links:
        return pipeline
    development, *others = pipeline.profiles
    if development.image is None:
        path = joined(links[0].folder, linked_image(links[0]))
        development = replace(development, image=Located(path, links[0].origin))
    arguments = tuple(
        Located(word, links[0].origin)
        for word in links[0].words[1:]
        if word.startswith("/") and not re.match(r"/(OUT|NOLOGO|MACHINE)\b", word, re.IGNORECASE)
    )
    return replace(pipeline, profiles=(development, *others), link_arguments=arguments)


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


def _signs_image(pipeline: Pipeline) -> bool:
    """Return whether a task signs the image, or a file that may be it."""
    steps = (step for each in pipeline.steps.values() for step in each)
    return pipeline.profiles[0].signature is not None or any(map(may_sign_image, steps))


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
