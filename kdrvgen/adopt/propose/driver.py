"""`[driver]`, `[toolchain]`, `[linker]` and `[wdk]` out of what the project's files say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.linker import fewest_keys
from kdrvgen.adopt.propose.wdk_build import build_findings, without_static_runtime
from kdrvgen.adopt.read.build_script import BuildScript
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference, hazard, unknown
from kdrvgen.model import Driver
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding

__all__ = ["draft_project"]

_TARGETS: tuple[Target, ...] = get_args(Target)


def draft_project(draft: Draft, facts: Facts) -> list[Finding]:
    """Say in the draft what is built, by what, and how it is linked.

    Raises:
        ConfigError: It is nothing that Windows loads drivers of.
    """
    findings = [*facts.flags.findings, *_driver(draft, facts), *_toolchain(draft, facts)]
    findings += _linker(draft, facts)
    findings += _wdk(draft, facts)
    return findings


def _driver(draft: Draft, facts: Facts) -> Iterator[Finding]:
    manifest = facts.manifest
    if manifest.name is None:
        raise facts.refuse(
            ("workspace",),
            "there is no package here: `[package]` with a `name` is missing",
            "name the folder of the driver's own package",
        )
    draft.take(("driver", "name"), manifest.name)
    if not facts.is_a_driver:
        raise facts.refuse(
            ("package", "name"),
            "nothing here makes a driver: no /DRIVER or /SUBSYSTEM:NATIVE for the linker, no .sys, "
            "no crate of Microsoft's wdk",
            "name the folder of the driver's own package",
        )
    image = facts.pipeline.profiles[0].image
    library = manifest.library
    if image and not re.search(r"[%$]", image.text):
        name = re.sub(r"\.sys$", "", image.text.rpartition("/")[2], flags=re.IGNORECASE)
        draft.say(("driver", "output-name"), name, image.origin)
    elif image:
        yield unknown(image.origin, "the name of the image is not known before it runs")
    elif library.text != manifest.name.text.replace("-", "_"):
        draft.take(("driver", "output-name"), library)
    draft.take(("driver", "model"), facts.model)
    entry = facts.entry
    if facts.script.wdk:
        draft.say(("driver", "entry-point"), "DriverEntry", facts.script.wdk)
    elif entry and entry.text != "FxDriverEntry":
        draft.take(("driver", "entry-point"), entry)
    yield from _targets(draft, facts)


def _targets(draft: Draft, facts: Facts) -> Iterator[Finding]:
    said = facts.triples
    possible = [each for each in _TARGETS if not (facts.script.wdk and each.startswith("i686"))]
    good = [each for each in said if each.text in possible]
    if said and not good:
        who = "wdk-build makes" if said[0].text in _TARGETS else "Windows loads"
        raise facts.refuse_said(
            said[0],
            f"this builds for `{said[0].text}`, and {who} no drivers of that",
            f"one of {', '.join(possible)}",
        )
    draft.say_all(("driver", "targets"), good)
    for each in said:
        if each not in good:
            what = "wdk-build makes drivers of" if each.text in _TARGETS else "that has drivers"
            yield difference(each.origin, f"`{each.text}` is no target {what}")
    if not said:
        yield difference(
            Origin("Cargo.toml"),
            "no target is named: cargo builds for the machine it runs on, into target/debug",
            f"the target is {_TARGETS[0]}, and the image lies in target/{_TARGETS[0]}/debug",
        )
    known = {each.text for each in good} or {_TARGETS[0]}
    for each in facts.cargo.own:
        if each.text not in known:
            told = f"nothing builds for `{each.text}`, which has a table here"
            yield difference(each.origin, told, "name it under `driver.targets`, if it is one")
    for each in good[1:]:
        if facts.cargo.flags_for(each.text) != facts.flags:
            yield difference(
                each.origin,
                f"`{each.text}` has other flags than `{good[0].text}`",
                f"both get those of `{good[0].text}`",
            )


def _toolchain(draft: Draft, facts: Facts) -> Iterator[Finding]:
    channel = facts.asked_channel
    if channel and channel.text != "stable":
        draft.take(("toolchain", "channel"), channel)
    draft.say_all(("toolchain", "build-std"), _build_std(facts))
    unstable = facts.flags.unstable
    if unstable and channel and not channel.text.startswith("nightly"):
        yield difference(
            unstable.origin,
            f"`{unstable.text}` needs nightly, and the channel is `{channel.text}`",
            "with it, arguments meant for before the objects come after them",
        )
    elif facts.flags.pre:
        yield hazard(
            facts.flags.pre[0].origin,
            "arguments before the objects need nightly",
            "`linker.args` takes them with any channel: move them there, and drop `channel`",
            cured=False,
        )
    if facts.cargo.file == ".cargo/config" and not facts.cargo.is_superseded:
        draft.say(("toolchain", "cargo-config"), ".cargo/config", Origin(".cargo/config"))
    for said in facts.flags.pre:
        if said.text.upper().startswith("/PDBALTPATH"):
            yield hazard(
                said.origin,
                "rustc passes a /PDBALTPATH of its own after this one, and the last counts",
                "as an element of `linker.args` it comes last",
                cured=False,
            )


def _build_std(facts: Facts) -> list[Said]:
    for profile in facts.pipeline.profiles:
        if profile.build and profile.build[0].build_std:
            return [Said(each, profile.build[1]) for each in profile.build[0].build_std]
    return list(facts.cargo.build_std)


def _linker(draft: Draft, facts: Facts) -> Iterator[Finding]:
    wanted, flags = facts.wanted, facts.flags
    triples = facts.triples
    program = flags.linker or (facts.cargo.linkers.get(triples[0].text) if triples else None)
    if program:
        name = re.sub(r"\.exe$", "", program.text, flags=re.IGNORECASE)
        draft.say(("linker", "program"), name, program.origin)
    if wanted.pre or wanted.post or facts.script.wdk:
        first = next((said.origin for said in (*wanted.pre, *wanted.post)), facts.script.wdk)
        keys = fewest_keys(
            _bare_driver(facts),
            wanted,
            is_nightly=_is_nightly(facts),
            by_wdk_build=facts.script.wdk is not None,
        )
        for name, value in keys.items():
            if isinstance(value, str):
                draft.say(("linker", name), value, first or Origin(""))
            else:
                draft.say_all(("linker", name), value)
        if facts.script.arguments and not (flags.pre or flags.post):
            origin = facts.script.arguments[0].origin
            draft.say(("linker", "emit"), "build-script", origin)
    else:
        yield difference(
            Origin("Cargo.toml"),
            "nothing tells the linker to make a driver",
            "the preset `kernel` does",
        )
    other = flags.other
    if facts.script.wdk:
        other, told = without_static_runtime(other)
        yield from told
    draft.say_all(("linker", "rustflags"), other)


def _bare_driver(facts: Facts) -> Driver:
    triples = [each.text for each in facts.triples if each.text in _TARGETS]
    entry, model = facts.entry, facts.model
    is_umdf = model is not None and model.text == "umdf"
    return Driver.model_construct(
        name="x",
        model="kmdf" if model and model.text == "kmdf" else "umdf" if is_umdf else "wdm",
        entry_point=entry.text if entry and entry.text != "FxDriverEntry" else None,
        target=triples[0] if triples else None,
        targets=None,
    )


def _is_nightly(facts: Facts) -> bool:
    channel = facts.asked_channel
    return bool(channel and channel.text.startswith("nightly"))


def _wdk(draft: Draft, facts: Facts) -> Iterator[Finding]:
    script = facts.script
    if script.wdk:
        draft.say(("wdk", "locate"), "wdk-build", script.wdk)
        yield from build_findings(
            script.wdk,
            facts.manifest.wdk_build,
            facts.manifest.model,
            is_for_older=script.wdk_model is not None,
        )
        yield from _libraries(script, "leaves the kit to wdk-build")
        return
    draft.take(("wdk", "framework-version"), facts.manifest.framework)
    if script.is_unclear:
        return
    if script.kit:
        draft.say(("wdk", "locate"), "path", script.kit.origin)
        draft.take(("wdk", "path"), script.kit)
        draft.take(("wdk", "version"), script.kit_version)
    elif script.registry and not script.environment:
        draft.say(("wdk", "locate"), "registry", script.registry)
    elif script.environment and not script.registry:
        draft.say(("wdk", "locate"), "env", script.environment)
    elif not (script.registry or facts.manifest.wdk):
        origin = Origin(facts.manifest.script or "no build.rs")
        model = facts.model
        if model is None or model.text == "wdm":
            draft.say(("wdk", "locate"), "none", origin)
        yield from _libraries(script, "looks for no kit")
        return
    if origin_of := script.registry or script.environment or _root_of(script):
        libraries = tuple(script.libraries)
        first = libraries[0].origin if libraries else origin_of
        draft.say(("wdk", "libraries"), libraries, first)


def _libraries(script: BuildScript, why: str) -> Iterator[Finding]:
    for said in script.libraries:
        yield difference(
            said.origin,
            f"the build script links `{said.text}`, and {why}",
            f'`linker.args = ["{said.text}.lib"]` links it',
        )


def _root_of(script: BuildScript) -> Origin | None:
    """Return where the script has the path of a kit, if it has one."""
    return script.kit.origin if script.kit else None
