"""Which preset, and what beside it, gives an ordered list of linker arguments with the least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.model import Driver, Linker
from kdrvgen.model.presets import link_arguments, matches

__all__ = ["Wanted", "fewest_keys", "same_arguments"]

_Preset = Literal["blog-2020", "kernel", "none"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Arguments as the project has them: before the objects and after them."""

    pre: tuple[Said, ...]
    post: tuple[Said, ...]

    @property
    def texts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The arguments without where they stand."""
        return tuple(said.text for said in self.pre), tuple(said.text for said in self.post)


def fewest_keys(
    driver: Driver, wanted: Wanted, *, is_nightly: bool, by_wdk_build: bool = False
) -> Mapping[str, str | tuple[Said, ...]]:
    """Return keys of `[linker]` that give exactly the wanted arguments, in their order.

    Args:
        driver: Its entry point and default target are those of the arguments.
        wanted: The arguments.
        is_nightly: Whether `pre-args` stand before the objects; with any other channel they come
            first of those after them.
        by_wdk_build: Whether wdk-build passes what of a preset is its part.
    """
    if not is_nightly:
        wanted = Wanted((), (*wanted.pre, *wanted.post))
    found = [
        keys
        for preset in get_args(_Preset)
        for keys in _candidates(driver, preset, wanted, by_wdk_build=by_wdk_build)
        if _gives(driver, keys, wanted, is_nightly=is_nightly, by_wdk_build=by_wdk_build)
    ]
    return min(found, key=_cost)


def same_arguments(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether two lists say the same to the linker: `-` is `/`, and case does not count."""
    return [_plain(each) for each in one] == [_plain(each) for each in other]


def _plain(argument: str) -> str:
    switch, colon, value = argument.partition(":")
    return f"/{switch[1:].upper()}{colon}{value}" if switch[:1] in {"-", "/"} else argument


def _cost(keys: Mapping[str, str | tuple[Said, ...]]) -> int:
    return sum(len(value) for value in keys.values() if not isinstance(value, str))


def _candidates(
    driver: Driver, preset: _Preset, wanted: Wanted, *, by_wdk_build: bool
) -> Iterator[Mapping[str, str | tuple[Said, ...]]]:
    bare = Linker(preset=preset)
    pre, post = link_arguments(driver, bare, driver.triples[0], by_wdk_build=by_wdk_build)
    both = [said.text for said in (*wanted.pre, *wanted.post)]
    missing = [each for each in (*pre, *post) if not any(matches(text, each) for text in both)]
    kept_pre = sum(1 for each in pre if each not in missing)
    kept_post = sum(1 for each in post if each not in missing)
    removed = tuple(Said(each, _nowhere(wanted)) for each in missing)
    yield _keys(preset, removed, wanted.pre[kept_pre:], wanted.post[kept_post:])
    # Without nightly those of the preset that stand before the objects come first after them.
    yield _keys(preset, removed, (), wanted.post[kept_pre + kept_post :])


def _keys(
    preset: _Preset, removed: tuple[Said, ...], pre: tuple[Said, ...], post: tuple[Said, ...]
) -> dict[str, str | tuple[Said, ...]]:
    lists = (("pre-args", pre), ("args", post), ("remove", removed))
    return {"preset": preset, **{name: value for name, value in lists if value}}


def _nowhere(wanted: Wanted) -> Origin:
    return next((said.origin for said in (*wanted.pre, *wanted.post)), Origin(""))


def _gives(
    driver: Driver,
    keys: Mapping[str, str | tuple[Said, ...]],
    wanted: Wanted,
    *,
    is_nightly: bool,
    by_wdk_build: bool,
) -> bool:
    given: dict[str, Any] = {
        name: value if isinstance(value, str) else tuple(said.text for said in value)
        for name, value in keys.items()
    }
    # As it is: an argument that the model refuses is told of when the whole is validated.
    linker = Linker.model_construct(
        preset=given["preset"],
        pre_args=given.get("pre-args", ()),
        args=given.get("args", ()),
        remove=given.get("remove", ()),
    )
    pre, post = link_arguments(driver, linker, driver.triples[0], by_wdk_build=by_wdk_build)
    if not is_nightly:
        pre, post = (), (*pre, *post)
    return all(
        same_arguments(one, other) for one, other in zip((pre, post), wanted.texts, strict=True)
    )
