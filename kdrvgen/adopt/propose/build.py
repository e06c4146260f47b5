"""`[build]`: the features and arguments that the project builds with."""

from __future__ import annotations

from kdrvgen.adopt.parse.cargo_build import CargoBuild
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.profile_facts import ProfileFacts

__all__ = ["propose_build"]


def propose_build(draft: Draft, facts: Facts) -> None:
    """Set `[build]`, and in `[profiles]` what differs."""
    first, *others = facts.pipeline.profiles
    base = _keys(first.build.command) if first.build else _keys(CargoBuild())
    defaults = _keys(CargoBuild())
    if first.build:
        for key, value in base.items():
            if value != defaults[key]:
                _set(draft, ("build", key), value, first.build.origin)
    for profile in others:
        if profile.build is None:
            continue
        for key, value in _keys(profile.build.command).items():
            if value != base[key]:
                _set(draft, _place(profile, key), value, profile.build.origin)


def _place(profile: ProfileFacts, key: str) -> tuple[str, ...]:
    return "profiles", profile.name, "build", key


def _keys(build: CargoBuild) -> dict[str, object]:
    return {
        "features": build.features,
        "default-features": build.has_default_features,
        "locked": build.is_locked,
        "args": build.accepted,
    }


def _set(draft: Draft, path: tuple[str, ...], value: object, origin: Origin) -> None:
    if isinstance(value, tuple):
        draft.set(path, tuple(Located(each, origin) for each in value), origin)
    else:
        draft.set(path, value, origin)
