"""What goes wrong in the pipelines that people copy, recognised in the tasks of a project."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.adopt.parse.cargo_build import parse_cargo_build
from kdrvgen.adopt.parse.steps import Action, Step, is_vcvars
from kdrvgen.adopt.propose.remainder import MAKING
from kdrvgen.adopt.propose.signing_hazards import find_signing_hazards
from kdrvgen.adopt.read.cargo_profile import read_cargo_profile
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import equivalent, hazard, unknown
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.adopt.read.profile_facts import ProfileFacts
from kdrvgen.report.finding import Finding

__all__ = ["find_hazards"]

_MOVES = frozenset({"rename", "ren", "move", "mv", "rename-item", "move-item"})
# In a script, `move` and `mv` replace a file.
_REPLACE = frozenset({"move", "mv"})
# Keys of a task that kdrvgen reads, or that do not change what the task does.
_READ_KEYS = frozenset(
    {
        *("script", "command", "args", "cwd", "env", "dependencies", "run_task", "alias"),
        *("windows_alias", "linux_alias", "mac_alias", "ignore_errors", "toolchain"),
        *("script_runner", "script_extension", "description", "category", "private"),
        *("workspace", "clear", "extend"),
    }
)
_NO_CMD = "no generated task uses cmd"


def find_hazards(facts: Facts) -> list[Finding]:
    """Return the hazards of the tasks that make the driver."""
    makefile, pipeline = facts.makefile, facts.pipeline
    target = facts.cargo.targets[0].text if facts.cargo.targets else ""
    findings: list[Finding] = []
    for name in pipeline.roles:
        task = makefile.tasks.get(name)
        steps = pipeline.steps[name]
        deletes_image = any(step.action is Action.DELETE for step in steps)
        for step in steps:
            findings += _step(step, task, deletes_image=deletes_image)
            if facts.cargo.file and step.action is Action.BUILD:
                findings += _build(step, makefile, facts.cargo.file)
        if task:
            findings += [*_script(task), *_keys(task)]
    for profile in pipeline.profiles:
        findings += find_signing_hazards(profile)
        findings += _folders(profile, makefile, target)
    findings += _dll_name(pipeline, facts.manifest)
    return list(dict.fromkeys(findings))


def _step(step: Step, task: MakeTask | None, *, deletes_image: bool) -> Iterator[Finding]:
    origin, name = step.origin, step.words[0] if step.words else ""
    if step.action is Action.RENAME and name in _MOVES:
        yield hazard(
            origin,
            f"`{name}` removes the .dll from the folder that cargo manages"
            + (
                ""
                if deletes_image or name in _REPLACE
                else ", and fails if an earlier image exists"
            ),
            "the generated `rename` copies the file that cargo reports",
        )
    if step.action is Action.RENAME and task and task.keys.get("ignore_errors") is True:
        yield hazard(
            task.where("ignore_errors"),
            "`ignore_errors` hides that the rename failed: the next tasks use the old image",
            "the generated pipeline stops at the first task that fails",
        )
    if name in {"cd", "chdir"} and "/d" not in {word.lower() for word in step.words}:
        yield hazard(
            origin,
            "`cd` without `/d` does not change to another drive; if it fails, the next commands "
            "run in the wrong folder",
            "no generated task changes its folder",
        )
    if step.action is Action.SETUP and is_vcvars(name):
        yield _developer_environment(step)
    if step.action in {Action.SIGN, Action.CERTIFICATE} and re.search(r"[\\/]10\.\d", step.program):
        yield hazard(
            origin,
            "the path contains one version of the kit, and other machines have another version",
            "the generated pipeline looks for the tools in all kits, the newest first",
        )
    is_script = task is not None and not {"command", "script_runner"} & task.keys.keys()
    if step.action in MAKING and is_script and re.search(r"\$\{\w+\}", step.command.line):
        message = "cmd does not expand `${…}`, and cargo-make does not expand it in scripts"
        yield hazard(origin, message, _NO_CMD)
    condition = " ".join(step.command.condition).lower()
    if step.action is Action.CERTIFICATE and "exist" in condition:
        yield hazard(
            origin,
            "the task checks for a file, not for the certificate: the store may have none, or two "
            "of the same name",
            "the generated `certificate` checks the store",
        )


def _developer_environment(step: Step) -> Finding:
    remedy = "rustc finds the linker, and the generated pipeline finds signtool in the kits"
    if re.search(r"Visual Studio[\\/]\d+", step.program):
        return hazard(
            step.origin,
            "the path contains one edition of Visual Studio: on other machines the script goes on "
            "without it",
            remedy,
        )
    return equivalent(step.origin, "the task sets up the developer environment", remedy)


def _build(step: Step, makefile: Makefile, cargo_config: str) -> Iterator[Finding]:
    build = parse_cargo_build(step.words[1:])
    is_above = (makefile.file or "").startswith("../")
    is_from_root = makefile.runs_in_root or (is_above and (build.package or build.manifest))
    if step.folder or is_from_root:
        yield hazard(
            step.origin,
            f"cargo runs outside the package's folder, where it does not read {cargo_config}: "
            "without its flags, the driver is linked as an ordinary DLL",
            "the generated Makefile.toml runs cargo in the package's folder, and its `rename` "
            "rejects a .dll that is not a driver",
        )


def _script(task: MakeTask) -> Iterator[Finding]:
    if task.keys.get("script_runner"):
        return
    for line in task.strings("script"):
        text = line.text.strip()
        if text.startswith("#"):
            yield hazard(line.origin, "`#` does not start a comment in cmd", _NO_CMD)
        if re.match(r"rm\s", text) or re.search(r"\(\s*rm\s", text):
            yield hazard(line.origin, "`rm` is not a command of cmd", _NO_CMD)


def _keys(task: MakeTask) -> Iterator[Finding]:
    for key in task.keys:
        if key not in _READ_KEYS:
            message = f"kdrvgen ignores `{key}` of `{task.name}` and assumes that it always runs"
            yield unknown(task.where(key), message)


def _folders(profile: ProfileFacts, makefile: Makefile, target: str) -> Iterator[Finding]:
    if profile.image is None or not re.search(r"(^|/)target/", profile.image.text):
        return
    remedy = "the generated pipeline uses the file that cargo reports"
    cargo_profile, _ = read_cargo_profile(profile, makefile)
    folder = profile.image.text.split("/")
    built = {"dev": "debug"}.get(cargo_profile.text, cargo_profile.text) if cargo_profile else ""
    used = next((part for part in folder if part in {"debug", "release"}), "")
    if built and used and used != built:
        yield hazard(
            profile.image.origin,
            f"the profile `{profile.name}` builds {built}, but the image comes from {used}",
            remedy,
        )
    if target and target not in folder:
        yield hazard(
            profile.image.origin,
            f"cargo builds into target/{target}, but the image comes from {'/'.join(folder[:-1])}",
            remedy,
        )


def _dll_name(pipeline: Pipeline, manifest: Manifest) -> Iterator[Finding]:
    dll = pipeline.profiles[0].dll
    if dll is None:
        return
    used = dll.text.rpartition("/")[2]
    built = f"{manifest.library.text}.dll"
    if "%" in used or "$" in used:
        yield unknown(dll.origin, "the name of the .dll is known only at run time")
    elif used.lower() != built.lower():
        yield hazard(
            dll.origin,
            f"cargo builds {built}, but the task renames {used}: the image never changes",
            "the generated pipeline uses the file that cargo reports",
        )
