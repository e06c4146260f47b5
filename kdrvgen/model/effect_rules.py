"""Rules on keys that have no effect because of another key: harmless, but a surprise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from kdrvgen.model.base import Path, to_kebab
from kdrvgen.model.bootstrap import Bootstrap
from kdrvgen.model.problems import Problem
from kdrvgen.model.project import Project
from kdrvgen.model.signing import Signing

__all__ = ["keys_without_effect"]


class _Unused(NamedTuple):
    """When keys of `[signing]` have no effect.

    Attributes:
        fields: The keys, as fields of the model.
        holds: Returns whether the keys have no effect with these settings of a profile.
        why: The reason, for the message.
        cause: The key that is the reason.
    """

    fields: tuple[str, ...]
    holds: Callable[[Signing], bool]
    why: str
    cause: str


_OF_TEST_CERTIFICATES = ("certificate_file", "validity_days")
_OF_STORES = ("machine_store", "store", "subject")
_UNUSED = (
    _Unused(
        tuple(name for name in Signing.model_fields if name != "mode"),
        lambda signing: signing.mode == "off",
        'nothing is signed with `mode = "off"`',
        "mode",
    ),
    _Unused(
        _OF_TEST_CERTIFICATES,
        lambda signing: signing.mode == "certificate",
        'it is for a test certificate, and `mode = "certificate"` does not make one',
        "mode",
    ),
    _Unused(
        _OF_STORES,
        lambda signing: signing.mode == "certificate" and bool(signing.pfx),
        "the certificate comes from the `pfx` file, not from a store",
        "pfx",
    ),
    _Unused(
        _OF_STORES,
        lambda signing: signing.mode == "certificate" and bool(signing.csp),
        "the certificate comes from `public-certificate`, not from a store",
        "csp",
    ),
    _Unused(
        _OF_STORES,
        lambda signing: (
            signing.mode == "certificate" and bool(signing.dlib) and not signing.thumbprint
        ),
        "`dlib` signs without a store, unless `thumbprint` names a certificate in one",
        "dlib",
    ),
    _Unused(
        ("subject",),
        lambda signing: signing.mode == "certificate" and bool(signing.thumbprint),
        "`thumbprint` chooses the certificate",
        "thumbprint",
    ),
    _Unused(
        ("timestamp_protocol",),
        lambda signing: not signing.timestamp_server,
        "no timestamp server is configured",
        "timestamp-url",
    ),
)


def keys_without_effect(project: Project) -> Iterator[Problem]:
    """Yield each key that is set but not used in any profile."""
    yield from _libraries_are_of_a_kit(project)
    yield from _choices_of_a_template(project.bootstrap)
    seen: set[Path] = set()
    for rule in _UNUSED:
        for field in rule.fields:
            for path, profiles in _given(project, field):
                used = [project.signing_for(name) for name in profiles]
                if path not in seen and used and all(map(rule.holds, used)):
                    seen.add(path)
                    yield Problem(
                        path,
                        f"this key has no effect: {rule.why}",
                        hint="delete the line",
                        also=_causes(project, rule.cause, profiles),
                    )


def _given(project: Project, field: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield each place where a key of `[signing]` is set, with the profiles to which it applies."""
    key = to_kebab(field)
    own = [
        name
        for name, profile in project.profiles.items()
        if field in profile.signing.model_fields_set
    ]
    if field in project.signing.model_fields_set:
        yield ("signing", key), tuple(name for name in project.profiles if name not in own)
    for name in own:
        yield ("profiles", name, "signing", key), (name,)


def _causes(project: Project, key: str, profiles: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(
        path
        for path, others in _given(project, key.replace("-", "_"))
        if not set(others).isdisjoint(profiles)
    )


def _libraries_are_of_a_kit(project: Project) -> Iterator[Problem]:
    wdk = project.wdk
    reasons = {
        "none": '`locate = "none"` links no library',
        "wdk-build": "the crate wdk-sys links the libraries",
    }
    if "libraries" in wdk.model_fields_set and wdk.libraries and wdk.locate in reasons:
        yield Problem(
            ("wdk", "libraries"),
            f"this key has no effect: {reasons[wdk.locate]}",
            hint='delete the line, or set `locate = "auto"`',
            also=(("wdk", "locate"),),
        )


def _choices_of_a_template(bootstrap: Bootstrap) -> Iterator[Problem]:
    """Yield keys of `[bootstrap]` that `kdrvgen new` ignores because of another one."""
    given = bootstrap.model_fields_set
    found = []
    if "allocator" in given and not bootstrap.allocator and bootstrap.pool_tag:
        found.append(
            ("pool_tag", "allocator", "only the allocator uses the tag, and `allocator` is false")
        )
    if bootstrap.logger == "DbgPrint":
        why = "`DbgPrint` always has the component `DEFAULT` and the level `info`"
        found += [(field, "logger", why) for field in ("log_component", "log_level")]
    for field, cause, why in found:
        if field in given:
            yield Problem(
                ("bootstrap", to_kebab(field)),
                f"this key has no effect: {why}",
                hint="delete the line",
                also=(("bootstrap", cause),),
            )
