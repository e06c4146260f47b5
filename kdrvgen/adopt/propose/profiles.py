"""`[profiles]`: the profile of cargo for each profile of cargo-make."""

from __future__ import annotations

from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.cargo_profile import read_cargo_profile
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference
from kdrvgen.report.finding import Finding

__all__ = ["propose_profiles"]

_DEFAULTS = {"development": "dev", "production": "release"}


def propose_profiles(draft: Draft, facts: Facts) -> list[Finding]:
    """Set `cargo-profile` in `[profiles]`."""
    findings: list[Finding] = []
    for profile in facts.pipeline.profiles:
        cargo_profile, profile_findings = read_cargo_profile(profile, facts.makefile)
        findings += profile_findings
        if cargo_profile is None:
            continue
        name = "dev" if cargo_profile.text == "debug" else cargo_profile.text
        if profile.is_declared or name != _DEFAULTS.get(profile.name):
            path = ("profiles", profile.name, "cargo-profile")
            draft.set(path, name, cargo_profile.origin)
        if profile.build and (arguments := profile.build.command.other):
            findings.append(
                difference(
                    profile.build.origin,
                    f"the task passes {', '.join(f'`{each}`' for each in arguments)} to cargo, and "
                    "the generated `build-driver` does not",
                    "config.toml has no key for it",
                )
            )
    return findings
