"""The names that `import kdrvgen` offers."""

from __future__ import annotations

from kdrvgen.adopt import Adoption
from kdrvgen.adopt.parse.located import Origin
from kdrvgen.commands.adopt import propose
from kdrvgen.commands.ci import ci
from kdrvgen.commands.doctor import diagnose
from kdrvgen.commands.eject import eject
from kdrvgen.commands.explain import explain
from kdrvgen.commands.generate import check, generate, generate_all
from kdrvgen.commands.new import bootstrap
from kdrvgen.commands.package import make_package
from kdrvgen.commands.projects import find_configs
from kdrvgen.commands.submission import make_submission
from kdrvgen.commands.verify import verify, verify_package
from kdrvgen.commands.whole_folder import FolderReport
from kdrvgen.commands.why import Reason, why
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
from kdrvgen.lexicon import Term
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
    Submission,
    Toolchain,
    VersionInfo,
    Wdk,
)
from kdrvgen.model.help import describe
from kdrvgen.model.schema import schema
from kdrvgen.rendering.config_file import dumps
from kdrvgen.rendering.project import render
from kdrvgen.report.files import Entry, Report, Status
from kdrvgen.report.finding import Excerpt, Finding, Place, Related, Severity

describe(
    *(Bootstrap, Build, Deploy, Driver, Hooks, Linker, Makefile, Package, Profile, Project),
    *(Signing, Submission, Toolchain, VersionInfo, Wdk),
)

__all__ = [
    "Adoption",
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
    "FolderReport",
    "Hooks",
    "KdrvgenError",
    "Linker",
    "Makefile",
    "OccupiedError",
    "Origin",
    "Package",
    "Place",
    "Profile",
    "Project",
    "ReadFrom",
    "Reason",
    "RefusedError",
    "Related",
    "Report",
    "Severity",
    "Signing",
    "Status",
    "Submission",
    "Term",
    "ToolError",
    "Toolchain",
    "UsageError",
    "VerificationError",
    "VersionInfo",
    "Wdk",
    "bootstrap",
    "check",
    "ci",
    "diagnose",
    "dumps",
    "eject",
    "explain",
    "find_configs",
    "generate",
    "generate_all",
    "load",
    "loads",
    "make_package",
    "make_submission",
    "propose",
    "render",
    "schema",
    "verify",
    "verify_package",
    "why",
]
