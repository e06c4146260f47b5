"""Set up, build and sign Windows kernel drivers written in Rust, from one validated file.

    import kdrvgen

    project = kdrvgen.load("config.toml")
    kdrvgen.generate(project, ".")

A configuration: `find_configs` finds it, `load` and `loads` read it, `dumps` writes it. Or build a
`Project` of a `Driver`, `Signing` and the other tables in Python.

Its files: `generate`, `generate_all` and `check` write and compare them, `render` returns their
texts, `eject` makes one your own, `why` returns the keys that a line comes from.

Around them: `bootstrap` creates a project, `propose` turns a hand-written one into a configuration,
`diagnose` checks this machine, `verify` and `verify_package` check what was built, `make_package`
and `make_submission` pack it, `ci` writes a workflow, `explain` and `schema` describe the keys.

These functions raise a `KdrvgenError`; its `findings` are what is wrong, where, and what to do.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; importing typing takes 4 ms
if TYPE_CHECKING:
    from kdrvgen.api import *  # noqa: F403 - its `__all__` is the list

__version__ = "0.2.0"


# PEP 562: the first use of a name imports `kdrvgen.api`, and with it pydantic and Jinja2. A run of
# the program with nothing to change uses none of the names.
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
