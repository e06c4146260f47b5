"""Set up, build and sign Windows kernel drivers written in Rust, from one validated file.

    import kdrvgen

    project = kdrvgen.load("config.toml")
    kdrvgen.generate(project, ".")

Names are resolved on first use (PEP 562), so that a run with nothing to change pays neither for
pydantic nor for Jinja2.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; importing typing costs a no-op run 4 ms
if TYPE_CHECKING:
    from kdrvgen.commands.generate import check as check
    from kdrvgen.commands.generate import generate as generate
    from kdrvgen.commands.new import bootstrap as bootstrap
    from kdrvgen.commands.verify import verify as verify
    from kdrvgen.config import load as load
    from kdrvgen.config import loads as loads
    from kdrvgen.config.diagnostics import Diagnostic as Diagnostic
    from kdrvgen.errors import ConfigError as ConfigError
    from kdrvgen.errors import DriftError as DriftError
    from kdrvgen.errors import FileAccessError as FileAccessError
    from kdrvgen.errors import KdrvgenError as KdrvgenError
    from kdrvgen.errors import OccupiedError as OccupiedError
    from kdrvgen.errors import RefusedError as RefusedError
    from kdrvgen.errors import ToolError as ToolError
    from kdrvgen.errors import UsageError as UsageError
    from kdrvgen.errors import VerificationError as VerificationError
    from kdrvgen.model import Bootstrap as Bootstrap
    from kdrvgen.model import Build as Build
    from kdrvgen.model import Deploy as Deploy
    from kdrvgen.model import Driver as Driver
    from kdrvgen.model import Linker as Linker
    from kdrvgen.model import Makefile as Makefile
    from kdrvgen.model import Profile as Profile
    from kdrvgen.model import Project as Project
    from kdrvgen.model import Signing as Signing
    from kdrvgen.model import Toolchain as Toolchain
    from kdrvgen.model import Wdk as Wdk
    from kdrvgen.output.report import Entry as Entry
    from kdrvgen.output.report import Report as Report
    from kdrvgen.output.report import Status as Status
    from kdrvgen.rendering.project import render as render

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(("check", "generate"), "kdrvgen.commands.generate"),
    "Diagnostic": "kdrvgen.config.diagnostics",
    "bootstrap": "kdrvgen.commands.new",
    "load": "kdrvgen.config",
    "loads": "kdrvgen.config",
    "render": "kdrvgen.rendering.project",
    "verify": "kdrvgen.commands.verify",
    **dict.fromkeys(("Entry", "Report", "Status"), "kdrvgen.output.report"),
    **dict.fromkeys(
        (
            *("Build", "Deploy", "Driver", "Linker", "Makefile", "Profile", "Project", "Signing"),
            *("Bootstrap", "Toolchain", "Wdk"),
        ),
        "kdrvgen.model",
    ),
    **dict.fromkeys(
        (
            "ConfigError",
            "DriftError",
            "FileAccessError",
            "KdrvgenError",
            "OccupiedError",
            "RefusedError",
            "ToolError",
            "UsageError",
            "VerificationError",
        ),
        "kdrvgen.errors",
    ),
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - the names are the table's keys


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOME[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
