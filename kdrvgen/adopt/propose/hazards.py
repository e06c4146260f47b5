"""What goes wrong in pipelines that people copy, recognised in the tasks of a project."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.parse.passwords import is_variable
from kdrvgen.adopt.parse.switches import Certificate, cargo_build
from kdrvgen.adopt.read.findings import difference, hazard, note, unknown
from kdrvgen.adopt.read.makefile import Makefile, MakeTask
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.pipeline import Pipeline, ProfileFacts
from kdrvgen.adopt.read.steps import Act, Step
from kdrvgen.report.finding import Finding

__all__ = ["cargo_profile", "pipeline_hazards"]


def pipeline_hazards(
    makefile: Makefile, pipeline: Pipeline, manifest: Manifest, target: str, own: str | None
) -> list[Finding]:
    """Return the hazards of the tasks.

    Args:
        makefile: The makefile.
        pipeline: The tasks of it that make the driver.
        manifest: What the package is called.
        target: The target triple that cargo is told; empty if it is told none.
        own: The cargo configuration in the package's own folder, if there is one.
    """
    found: list[Finding] = []
    for name in pipeline.roles:
        task = makefile.tasks.get(name)
        steps = pipeline.steps[name]
        is_tidied = any(step.act is Act.TIDY for step in steps)
        for step in steps:
            found += _of_step(step, task, is_tidied=is_tidied)
            if own and step.act is Act.BUILD:
                found += _of_build(step, makefile, own)
        if task:
            found += [*_of_lines(task), *_of_keys(task)]
    for profile in pipeline.profiles:
        found += _of_signing(profile)
        found += _of_folders(profile, makefile, target)
    found += _of_names(pipeline, manifest)
    return list(dict.fromkeys(found))


def _of_step(step: Step, task: MakeTask | None, *, is_tidied: bool) -> Iterator[Finding]:
    origin, name = step.origin, step.words[0] if step.words else ""
    if step.act is Act.IMAGE and name in {"rename", "ren", "move", "mv", "rename-item"}:
        yield hazard(
            origin,
            f"`{name}` makes the image in place, which alters what cargo keeps"
            + ("" if is_tidied else "; where an image is left from before, it fails"),
            "`rename` makes a fresh copy of what cargo says it made",
        )
    if step.act is Act.IMAGE and task and task.keys.get("ignore_errors") is True:
        yield hazard(
            task.where("ignore_errors"),
            "`ignore_errors` hides that the image was not made anew: the old one is signed again",
            "the first task that fails ends the run",
        )
    if name in {"cd", "chdir"} and "/d" not in {word.lower() for word in step.words}:
        yield hazard(
            origin,
            "`cd` without `/d` does nothing on another drive, and when it fails the rest runs "
            "in the wrong folder",
            "no generated task changes its folder",
        )
    if step.act is Act.SETTING and name.startswith(("vc", "vsdev", "launch", "setup")):
        found = "rustc finds the linker, and signtool is looked for in the kits"
        if re.search(r"Visual Studio[\\/]\d+", step.program):
            yield hazard(
                origin,
                "one edition of Visual Studio, in one folder: on other machines the script goes on "
                "without it",
                found,
            )
        else:
            yield note(origin, "the developer environment is set up", found)
    if step.act in {Act.SIGN, Act.CERTIFICATE} and re.search(r"[\\/]10\.\d", step.program):
        yield hazard(
            origin,
            "one version of the kit, in one folder: it is another one on the next machine",
            "the tools are looked for in all kits, the newest first",
        )
    if step.act is Act.CERTIFICATE:
        condition = " ".join(step.command.condition).lower()
        if "exist" in condition:
            yield hazard(
                origin,
                "a file is looked for and not the certificate: the store may have none, or two of "
                "one name",
                "`certificate` asks the store",
            )


def _of_build(step: Step, makefile: Makefile, own: str) -> Iterator[Finding]:
    build = cargo_build(step.words[1:])
    is_above = (makefile.file or "").startswith("../")
    is_from_root = makefile.runs_in_root or (is_above and (build.package or build.manifest))
    if step.folder or is_from_root:
        yield hazard(
            step.origin,
            f"cargo is run in another folder than the package's, and from there reads no {own}: "
            "without its flags the driver is linked as an ordinary DLL",
            "the package's own Makefile.toml runs cargo where it is read, and `rename` refuses a "
            ".dll that is no driver",
        )


def _of_lines(task: MakeTask) -> Iterator[Finding]:
    if task.keys.get("script_runner"):
        return
    for line in task.strings("script"):
        text = line.text.strip()
        if text.startswith("#"):
            yield hazard(line.origin, "`#` begins no comment in cmd", "no cmd is run")
        if re.match(r"rm\s", text) or re.search(r"\(\s*rm\s", text):
            yield hazard(line.origin, "`rm` is no command of cmd", "no cmd is run")
        if re.search(r"\$\{\w+\}", text):
            yield hazard(
                line.origin,
                "cmd expands no `${…}`, and cargo-make none in scripts",
                "no cmd is run",
            )


# Keys of a task that are read, or that say nothing of what it does.
_READ = frozenset(
    """script command args cwd env dependencies run_task alias windows_alias linux_alias mac_alias
    ignore_errors toolchain script_runner script_extension description category private workspace
    clear extend""".split()  # noqa: SIM905 - words
)


def _of_keys(task: MakeTask) -> Iterator[Finding]:
    for key in task.keys:
        if key not in _READ:
            told = f"`{key}` of `{task.name}` is not looked at: it is read as if it always ran"
            yield unknown(task.where(key), told)


def _of_signing(profile: ProfileFacts) -> Iterator[Finding]:
    if profile.certificate:
        yield from _of_certificate(*profile.certificate[:2])
    if not profile.signature:
        return
    sign, origin, _ = profile.signature
    given = set(sign.given)
    for is_there, message, remedy in (
        (
            "fd" not in given,
            "no `/fd`: today's signtool refuses",
            "the digest is always given; sha256 by default",
        ),
        (
            "tr" in given and "td" not in given,
            "`/tr` without `/td`: signtool refuses",
            "both are always given",
        ),
        (
            "a" in given and "sha1" not in given,
            "`/a` picks one of several certificates of a name and says nothing",
            "the certificate is named by its thumbprint",
        ),
        (
            bool(sign.password) and not is_variable(sign.password),
            "a password in plain text: whoever has this file can sign as you",
            "it is not carried over: put another one into the variable that config.toml names",
        ),
    ):
        if is_there:
            yield hazard(origin, message, remedy)
    if "t" in given:
        yield hazard(
            origin,
            "`/t` asks for a time stamp by a protocol that servers give up",
            '`timestamp-protocol = "authenticode"` keeps it; without that line it is RFC 3161',
            cured=False,
        )
    if sign.strange:
        told = f"signtool is given {', '.join(sign.strange)}"
        yield difference(origin, told, "`[signing]` has no key for it")


def _of_certificate(made: Certificate, origin: Origin) -> Iterator[Finding]:
    lacks = [
        *([] if made.is_sha256 else ["SHA-1 by default"]),
        *([] if made.is_for_code else ["not marked for code signing"]),
    ]
    if lacks:
        yield hazard(
            origin,
            f"the certificate is {' and '.join(lacks)}",
            "the test certificate is SHA-256 and for code signing only",
        )
    if made.strange:
        told = f"the certificate is made with {', '.join(made.strange)}"
        yield difference(origin, told, "`[signing]` has no key for it")


def cargo_profile(profile: ProfileFacts, makefile: Makefile) -> tuple[Said | None, list[Finding]]:
    """Return the profile of cargo that a profile of cargo-make means to build by.

    A variable of flags that the build does not use, beside one that it uses and that has no value,
    is what was meant.
    """
    if profile.build is None:
        found = re.search(r"/(debug|release)/[^/]*$", profile.dll.text) if profile.dll else None
        if profile.dll is None or found is None:
            return None, []
        return Said({"debug": "dev"}.get(found[1], found[1]), profile.dll.origin), []
    build, origin = profile.build
    if build.is_explicit or not build.unset:
        return Said(build.profile, origin), []
    variables = {**makefile.env, **makefile.profiles.get(profile.name, {})}
    for variable in variables.values():
        found = re.search(r"--release\b|--profile[= ](\S+)", variable.text or "")
        if found:
            meant = found[1] or "release"
            told = hazard(
                variable.origin,
                f"`{variable.name}` is set and `{build.unset[0]}` is used: the profile "
                f"`{profile.name}` builds by `dev` without a word",
                f"it builds by `{meant}`",
            )
            return Said(meant, variable.origin), [told]
    return Said(build.profile, origin), []


def _of_folders(profile: ProfileFacts, makefile: Makefile, target: str) -> Iterator[Finding]:
    if profile.image is None or not re.search(r"(^|/)target/", profile.image.text):
        return
    chosen, _ = cargo_profile(profile, makefile)
    folder = profile.image.text.split("/")
    expected = {"dev": "debug"}.get(chosen.text, chosen.text) if chosen else ""
    taken = next((part for part in folder if part in {"debug", "release"}), "")
    if expected and taken and taken != expected:
        yield hazard(
            profile.image.origin,
            f"the profile `{profile.name}` builds {expected} and takes the image from {taken}",
            "the image is made beside what cargo says it made",
        )
    where = "/".join(folder[:-1])
    if target and target not in folder:
        yield hazard(
            profile.image.origin,
            f"cargo builds into target/{target}, and the image is taken from {where}",
            "the image is made beside what cargo says it made",
        )


def _of_names(pipeline: Pipeline, manifest: Manifest) -> Iterator[Finding]:
    facts = pipeline.profiles[0]
    if facts.dll is None:
        return
    named = facts.dll.text.rpartition("/")[2]
    made = f"{manifest.library.text}.dll"
    if "%" in named or "$" in named:
        yield unknown(facts.dll.origin, "the name of the .dll is not known before it runs")
    elif named.lower() != made.lower():
        yield hazard(
            facts.dll.origin,
            f"cargo makes {made}, and {named} is looked for: the image is never made anew",
            "the pipeline takes what cargo says it made",
        )
