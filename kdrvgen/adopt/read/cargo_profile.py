"""The profile of cargo that a profile of cargo-make builds with."""

from __future__ import annotations

import re

from kdrvgen.adopt.parse.located import Located
from kdrvgen.adopt.read.findings import hazard
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.profile_facts import ProfileFacts
from kdrvgen.report.finding import Finding

__all__ = ["read_cargo_profile"]


def read_cargo_profile(
    profile: ProfileFacts, makefile: Makefile
) -> tuple[Located | None, list[Finding]]:
    """Return the profile of cargo that a profile of cargo-make is meant to build with.

    If the build uses a variable without a value, and another variable with flags is unused, these
    flags are the intended ones.
    """
    if profile.build is None:
        return _from_folder(profile.dll), []
    build, origin, _ = profile.build
    if build.is_explicit or not build.undefined:
        return Located(build.profile, origin), []
    for variable in makefile.variables(profile.name).values():
        flag = re.search(r"--release\b|--profile[= ](\S+)", variable.text or "")
        if flag:
            intended = flag[1] or "release"
            used = build.undefined[0]
            name = used.strip("%${}")
            why = (
                f"cmd does not expand `{used}`, so cargo gets this text as an argument and fails"
                if name == variable.name
                else f"`{variable.name}` is set, but the build uses `{name}`, so the profile "
                f"`{profile.name}` builds with `dev`"
            )
            remedy = f"the proposal builds with `{intended}`"
            finding = hazard(variable.origin, why, remedy)
            return Located(intended, variable.origin), [finding]
    return Located(build.profile, origin), []


def _from_folder(dll: Located | None) -> Located | None:
    folder = re.search(r"/(debug|release)/[^/]*$", dll.text) if dll else None
    if dll is None or folder is None:
        return None
    return Located({"debug": "dev"}.get(folder[1], folder[1]), dll.origin)
