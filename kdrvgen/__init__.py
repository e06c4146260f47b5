"""Set up, build and sign Windows kernel drivers written in Rust, from one validated file.

    import kdrvgen

    project = kdrvgen.load("config.toml")
    kdrvgen.generate(project, ".")

The names come from `kdrvgen.api`, which is imported when the first of them is used (PEP 562). So a
run of the program with nothing to change does not import pydantic and Jinja2.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; importing typing takes 4 ms
if TYPE_CHECKING:
    from kdrvgen.api import *  # noqa: F403 - its `__all__` is the list

__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__all__":
        return __dir__()
    api = import_module("kdrvgen.api")
    if name not in getattr(api, "__all__", ()):  # empty while it is being imported
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(api, name)


def __dir__() -> list[str]:
    return ["__version__", *import_module("kdrvgen.api").__all__]
