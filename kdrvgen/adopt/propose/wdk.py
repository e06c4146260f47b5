"""`[wdk]`: how the build script finds the kit, and which of its libraries it links."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.wdk_build import build_findings
from kdrvgen.adopt.read.build_script import BuildScript
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference
from kdrvgen.report.finding import Finding

__all__ = ["propose_wdk"]


def propose_wdk(draft: Draft, facts: Facts) -> Iterator[Finding]:
    """Set `[wdk]`."""
    script = facts.script
    if script.wdk:
        draft.set(("wdk", "locate"), "wdk-build", script.wdk)
        yield from build_findings(
            script.wdk,
            facts.manifest.wdk_build,
            facts.manifest.model,
            is_in_script=script.wdk_model is not None,
        )
        yield from _library_findings(script)
        return
    umdf = facts.umdf
    stamped = umdf and Located(".".join(umdf.text.split(".")[:2]), umdf.origin)
    draft.set_text(("wdk", "framework-version"), facts.manifest.framework or stamped)
    if script.is_unread:
        return
    if script.kit:
        draft.set(("wdk", "locate"), "path", script.kit.origin)
        draft.set_text(("wdk", "path"), script.kit)
        draft.set_text(("wdk", "version"), script.kit_version)
    elif script.registry and not script.environment:
        draft.set(("wdk", "locate"), "registry", script.registry)
    elif script.environment and not script.registry:
        draft.set(("wdk", "locate"), "env", script.environment)
    elif not (script.registry or facts.manifest.wdk):
        origin = Origin(facts.manifest.script or "no build.rs")
        model = facts.model
        if model is None or model.text == "wdm":
            draft.set(("wdk", "locate"), "none", origin)
        yield from _library_findings(script)
        return
    fixed = script.kit.origin if script.kit else None
    if origin_of_kit := script.registry or script.environment or fixed:
        libraries = tuple(script.libraries)
        first = libraries[0].origin if libraries else origin_of_kit
        draft.set(("wdk", "libraries"), libraries, first)


def _library_findings(script: BuildScript) -> Iterator[Finding]:
    for library in script.libraries:
        yield difference(
            library.origin,
            f"the build script links `{library.text}`, and the generated one does not",
            f'`linker.args = ["{library.text}.lib"]` links it',
        )
