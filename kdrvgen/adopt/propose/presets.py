"""Which preset gives an ordered list of linker arguments with the fewest other keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.rustflags import LinkerArguments
from kdrvgen.model import Driver, Linker
from kdrvgen.model.presets import link_arguments, matches

__all__ = ["fewest_keys", "same_arguments"]

_Preset = Literal["blog-2020", "kernel", "none"]
_Keys: TypeAlias = Mapping[str, str | tuple[Located, ...]]


def fewest_keys(
    driver: Driver, wanted: LinkerArguments, *, is_nightly: bool, by_wdk_build: bool = False
) -> _Keys:
    """Return the keys of `[linker]` that give exactly the wanted arguments, in their order.

    Args:
        driver: A driver with the entry point and the default target of the arguments.
        wanted: The arguments.
        is_nightly: Whether `pre-args` come before the objects. With other channels they are the
            first arguments after the objects.
        by_wdk_build: Whether wdk-build passes its part of a preset.
    """
    if not is_nightly:
        wanted = LinkerArguments((), wanted.all)
    possible = [
        keys
        for preset in get_args(_Preset)
        for keys in _candidates(driver, preset, wanted, by_wdk_build=by_wdk_build)
        if _gives(driver, keys, wanted, is_nightly=is_nightly, by_wdk_build=by_wdk_build)
    ]
    return min(possible, key=_cost)


def same_arguments(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether the linker reads two lists alike. It takes `-` as `/` and ignores case."""
    return [_normalised(each) for each in one] == [_normalised(each) for each in other]


def _normalised(argument: str) -> str:
    switch, colon, value = argument.partition(":")
    return f"/{switch[1:].upper()}{colon}{value}" if switch[:1] in {"-", "/"} else argument


def _cost(keys: _Keys) -> int:
    return sum(len(value) for value in keys.values() if not isinstance(value, str))


def _candidates(
    driver: Driver, preset: _Preset, wanted: LinkerArguments, *, by_wdk_build: bool
) -> Iterator[_Keys]:
    bare = Linker(preset=preset)
    pre, post = link_arguments(driver, bare, driver.triples[0], by_wdk_build=by_wdk_build)
    texts = [each.text for each in wanted.all]
    missing = [each for each in (*pre, *post) if not any(matches(text, each) for text in texts)]
    kept_pre = sum(1 for each in pre if each not in missing)
    kept_post = sum(1 for each in post if each not in missing)
    removed = tuple(Located(each, _first_origin(wanted)) for each in missing)
    yield _keys(preset, removed, wanted.pre[kept_pre:], wanted.post[kept_post:])
    # Without nightly, the preset's arguments before the objects are the first ones after them.
    yield _keys(preset, removed, (), wanted.post[kept_pre + kept_post :])


def _keys(
    preset: _Preset,
    removed: tuple[Located, ...],
    pre: tuple[Located, ...],
    post: tuple[Located, ...],
) -> _Keys:
    lists = (("pre-args", pre), ("args", post), ("remove", removed))
    return {"preset": preset, **{name: value for name, value in lists if value}}


def _first_origin(wanted: LinkerArguments) -> Origin:
    return next((each.origin for each in wanted.all), Origin(""))


def _gives(
    driver: Driver,
    keys: _Keys,
    wanted: LinkerArguments,
    *,
    is_nightly: bool,
    by_wdk_build: bool,
) -> bool:
    values: dict[str, Any] = {
        name: value if isinstance(value, str) else tuple(each.text for each in value)
        for name, value in keys.items()
    }
    # Not validated here: the validation of the whole draft reports arguments that are not accepted.
    linker = Linker.model_construct(
        preset=values["preset"],
        pre_args=values.get("pre-args", ()),
        args=values.get("args", ()),
        remove=values.get("remove", ()),
    )
    pre, post = link_arguments(driver, linker, driver.triples[0], by_wdk_build=by_wdk_build)
    if not is_nightly:
        pre, post = (), (*pre, *post)
    return all(
        same_arguments(one, other) for one, other in zip((pre, post), wanted.texts, strict=True)
    )
