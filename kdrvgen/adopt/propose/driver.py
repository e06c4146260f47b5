"""`[driver]` and `[toolchain]`: what is built, for which targets, and by which toolchain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.references import output_folder
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference, equivalent, hazard, unknown
from kdrvgen.adopt.read.refusal import manifest_error, text_error
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding

__all__ = ["OWN_SCRIPT", "TARGETS", "propose_driver", "propose_toolchain"]

TARGETS: tuple[Target, ...] = get_args(Target)
"""The targets that Windows loads drivers for."""


OWN_SCRIPT = "build_own.rs"
"""The file for the project's own build steps."""

_QUOTED_ARGUMENT = re.compile(r'"[-/](DRIVER|SUBSYSTEM:NATIVE)\b[^"\n]*"', re.IGNORECASE)
_GNU = re.compile(r"-Wl,(--subsystem[,=]native|-e,|--entry)|--subsystem[,=]native")


def propose_driver(draft: Draft, facts: Facts) -> Iterator[Finding]:
    """Set `[driver]`.

    Raises:
        ConfigError: The project is not a driver, or none of its targets can have one.
    """
    manifest = facts.manifest
    if manifest.name is None:
        raise manifest_error(
            facts.snapshot,
            ("workspace",),
            "this folder has no package: `[package]` with a `name` is missing",
            "name the folder of the driver's own package",
        )
    draft.set_text(("driver", "name"), manifest.name)
    _refuse_gnu(facts)
    if not facts.is_driver:
        _refuse_target_file(facts)
        raise manifest_error(
            facts.snapshot,
            ("package", "name"),
            "kdrvgen finds no driver in this package: it has no /DRIVER or /SUBSYSTEM:NATIVE for "
            "the linker, makes no .sys and depends on no crate of Microsoft's WDK",
            "name the folder of the driver's own package",
        )
    image = facts.pipeline.profiles[0].image
    library = manifest.library
    if image and not re.search(r"[%$]", image.text):
        name = re.sub(r"\.(sys|dll)$", "", image.text.rpartition("/")[2], flags=re.IGNORECASE)
        draft.set(("driver", "output-name"), name, image.origin)
    elif image:
        yield unknown(image.origin, "the name of the image is known only at run time")
    if image and not facts.pipeline.profiles[0].is_placed:
        message = "kdrvgen does not know the folder that this command runs in"
        remedy = "tasks that use the image need its new folder: write %DRIVER_OUTPUT%"
        yield unknown(image.origin, message, remedy)
    elif not image and library.text != manifest.name.text.replace("-", "_"):
        draft.set_text(("driver", "output-name"), library)
    draft.set_text(("driver", "model"), facts.model)
    _own_places(draft, facts)
    yield from _entry_point(draft, facts)
    yield from _targets(draft, facts)


def _own_places(draft: Draft, facts: Facts) -> None:
    if folder := output_folder(facts):
        draft.set(("driver", "output-dir"), *folder)
    if facts.script.own_steps:
        draft.set(("driver", "build-script"), OWN_SCRIPT, facts.script.own_steps[0])


def _entry_point(draft: Draft, facts: Facts) -> Iterator[Finding]:
    entry = facts.entry_point
    if facts.script.wdk:
        draft.set(("driver", "entry-point"), "DriverEntry", facts.script.wdk)
    elif entry and entry.text != "FxDriverEntry":
        draft.set_text(("driver", "entry-point"), entry)
    for earlier in facts.earlier_entry_points:
        yield equivalent(
            earlier.origin,
            f"`{earlier.text}` has no effect: the linker uses the last of several entry points",
            "the proposal passes only the last one",
        )


def _refuse_gnu(facts: Facts) -> None:
    """Raise the error about a driver that another linker than Microsoft's or LLVM's links."""
    arguments = [
        each
        for flags in (facts.flags, *facts.cargo.flags.values())
        for each in (*flags.pre, *flags.post)
        if _GNU.match(each.text)
    ]
    gnu = next((each for each in facts.triples if each.text.endswith("-gnu")), None)
    if gnu and (arguments or facts.is_driver):
        msvc = gnu.text.removesuffix("-gnu") + "-msvc"
        raise text_error(
            facts.snapshot,
            gnu,
            f"the target is `{gnu.text}`, whose linker is GNU's: kdrvgen generates arguments of "
            "link.exe and lld-link",
            f"use `{msvc}`, with /DRIVER and /SUBSYSTEM:NATIVE in place of `-Wl,` arguments",
        )


def _refuse_target_file(facts: Facts) -> None:
    """Raise the error about a driver whose linker arguments are in a target specification."""
    for name, text in facts.snapshot.files.items():
        if name.endswith(".json") and (argument := _QUOTED_ARGUMENT.search(text)):
            line = text.count("\n", 0, argument.start()) + 1
            raise text_error(
                facts.snapshot,
                Located(argument[0], Origin(name, line)),
                f"the driver is built for a target specification of its own, {name}",
                f"build for {TARGETS[0]}, and pass the linker arguments with `-Clink-arg=` in "
                "`rustflags` of .cargo/config.toml",
            )


def _targets(draft: Draft, facts: Facts) -> Iterator[Finding]:
    triples = facts.triples
    supported = [each for each in TARGETS if not (facts.script.wdk and each.startswith("i686"))]
    accepted = [each for each in triples if each.text in supported]
    if triples and not accepted:
        first = triples[0].text
        who = "wdk-build does not build" if first in TARGETS else "Windows does not load"
        raise text_error(
            facts.snapshot,
            triples[0],
            f"the target is `{first}`, and {who} drivers for it",
            f"use one of {', '.join(supported)}",
        )
    draft.set_array(("driver", "targets"), accepted)
    for triple in triples:
        if triple not in accepted:
            who = "wdk-build does not build" if triple.text in TARGETS else "Windows does not load"
            yield difference(
                triple.origin, f"{who} drivers for the target `{triple.text}`", "it is left out"
            )
    if not triples:
        folder = facts.cargo.target_folder.rstrip("/")
        yield difference(
            Origin("Cargo.toml"),
            f"no target is set: cargo builds for its host, into {folder}/debug",
            f"the proposal builds for {TARGETS[0]}, into {folder}/{TARGETS[0]}/debug",
        )
    known = {each.text for each in accepted} or {TARGETS[0]}
    for triple in facts.cargo.own_targets:
        if triple.text not in known:
            yield difference(
                triple.origin,
                f"`{triple.text}` has a table here, and the project does not build for it",
                "if the driver needs this target, add it to `driver.targets`",
            )
    for triple in accepted[1:]:
        if facts.cargo.flags_for(triple.text) != facts.flags:
            yield difference(
                triple.origin,
                f"`{triple.text}` and `{accepted[0].text}` have different flags",
                f"the proposal uses the flags of `{accepted[0].text}` for both",
            )


def propose_toolchain(draft: Draft, facts: Facts) -> Iterator[Finding]:
    """Set `[toolchain]`."""
    channel = facts.channel
    if channel and channel.text != "stable":
        draft.set_text(("toolchain", "channel"), channel)
    draft.set_array(("toolchain", "build-std"), facts.build_std)
    unstable = facts.flags.unstable
    if unstable and channel and not facts.is_nightly:
        yield difference(
            unstable.origin,
            f"`{unstable.text}` requires nightly, and the channel is `{channel.text}`",
            "with this channel, the linker gets these arguments after the objects",
        )
    elif facts.flags.pre:
        yield hazard(
            facts.flags.pre[0].origin,
            "linker arguments before the objects require nightly",
            "move them to `linker.args`, which any channel accepts, and remove `channel`",
            is_avoided=False,
        )
    if facts.cargo.file == ".cargo/config" and not facts.cargo.is_superseded:
        draft.set(("toolchain", "cargo-config"), ".cargo/config", Origin(".cargo/config"))
    for argument in facts.flags.pre:
        if argument.text.upper().startswith("/PDBALTPATH"):
            yield hazard(
                argument.origin,
                "rustc passes its own /PDBALTPATH after this one, and the linker uses the last",
                "move it to `linker.args`, whose arguments come last",
                is_avoided=False,
            )
    yield from _flag_findings(facts)


def _flag_findings(facts: Facts) -> Iterator[Finding]:
    for flag in facts.flags.panic_abort:
        yield equivalent(
            flag.origin,
            "the project sets `-C panic=abort` as a flag for rustc",
            "the generated cargo configuration sets it in the profiles dev and release",
        )
    for flag in facts.flags.set_by_cargo:
        yield difference(flag.origin, f"cargo itself sets `{flag.text}`", "it is left out")
