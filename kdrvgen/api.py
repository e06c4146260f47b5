"""The names that `import kdrvgen` offers."""

from __future__ import annotations

from kdrvgen.commands.generate import check, generate
from kdrvgen.commands.new import bootstrap
from kdrvgen.commands.verify import verify
from kdrvgen.config import load, loads
from kdrvgen.errors import (
    ConfigError,
    DriftError,
    FileAccessError,
    KdrvgenError,
    OccupiedError,
    RefusedError,
    ToolError,
    UsageError,
    VerificationError,
)
from kdrvgen.model import (
    Bootstrap,
    Build,
    Deploy,
    Driver,
    Hooks,
    Linker,
    Makefile,
    Package,
    Profile,
    Project,
    ReadFrom,
    Signing,
    Toolchain,
    Wdk,
)
from kdrvgen.model.help import describe
from kdrvgen.rendering.project import render
from kdrvgen.report.files import Entry, Report, Status
from kdrvgen.report.finding import Excerpt, Finding, Place, Related, Severity

describe(
    *(Bootstrap, Build, Deploy, Driver, Hooks, Linker, Makefile, Package, Profile, Project),
    *(Signing, Toolchain, Wdk),
)

__all__ = [
    "Bootstrap",
    "Build",
    "ConfigError",
    "Deploy",
    "DriftError",
    "Driver",
    "Entry",
    "Excerpt",
    "FileAccessError",
    "Finding",
    "Hooks",
    "KdrvgenError",
    "Linker",
    "Makefile",
    "OccupiedError",
    "Package",
    "Place",
    "Profile",
    "Project",
    "ReadFrom",
    "RefusedError",
    "Related",
    "Report",
    "Severity",
    "Signing",
    "Status",
    "ToolError",
    "Toolchain",
    "UsageError",
    "VerificationError",
    "Wdk",
    "bootstrap",
    "check",
    "generate",
    "load",
    "loads",
    "render",
    "verify",
]
