"""What a driver project is: the tables of config.toml as frozen values. Nothing here does I/O."""

from __future__ import annotations

from kdrvgen.model.bootstrap import Bootstrap
from kdrvgen.model.build import Build
from kdrvgen.model.deploy import Deploy
from kdrvgen.model.driver import Driver, Toolchain
from kdrvgen.model.linker import Linker
from kdrvgen.model.makefile import Hooks, Makefile
from kdrvgen.model.package import Package
from kdrvgen.model.profile import Profile
from kdrvgen.model.project import Project, ReadFrom
from kdrvgen.model.signing import Signing
from kdrvgen.model.submission import Submission
from kdrvgen.model.version_info import VersionInfo
from kdrvgen.model.wdk import Wdk

__all__ = [
    "Bootstrap",
    "Build",
    "Deploy",
    "Driver",
    "Hooks",
    "Linker",
    "Makefile",
    "Package",
    "Profile",
    "Project",
    "ReadFrom",
    "Signing",
    "Submission",
    "Toolchain",
    "VersionInfo",
    "Wdk",
]
