"""The programs of the Windows SDK, where the pipeline finds them (`tool` of its kit.rs)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.kit import registered, versions

__all__ = ["find_tool"]

_ARCHITECTURES = {"ARM64": ("arm64", "x64", "x86"), "x86": ("x86",)}


def find_tool(host: Host, name: str) -> str:
    """Return where a program is; "" if nowhere.

    That on PATH, of the version that a prompt of Visual Studio has chosen, of the newest kit, of
    ClickOnce, of NuGet's packages: the first of these that has it.
    """
    if found := host.which(name):
        return found
    env = host.env
    machine = env.get("PROCESSOR_ARCHITEW6432") or env.get("PROCESSOR_ARCHITECTURE", "")
    architectures = _ARCHITECTURES.get(machine, ("x64", "x86"))
    programs = env.get("ProgramFiles(x86)") or env.get("ProgramFiles", "")
    chosen = [env.get("WindowsSdkVerBinPath", "")]
    if version := env.get("WindowsSDKVersion"):
        chosen.append(env.get("WindowsSdkDir", "") + "bin/" + version)
    roots = [env.get("WDKContentRoot", ""), *(registered(host, view) for view in (64, 32))]
    packages = env.get("NUGET_PACKAGES") or env.get("USERPROFILE", "") + "/.nuget/packages"
    candidates = [
        *(Path(folder, each, name) for folder in chosen if folder for each in architectures),
        *_newest([Path(root, "bin") for root in roots if root], architectures, name),
        Path(programs, "Microsoft SDKs/ClickOnce/SignTool", name),
        *_newest(
            list(Path(packages, "microsoft.windows.sdk.buildtools").glob("*/bin")),
            architectures,
            name,
        ),
    ]
    return next((str(path) for path in candidates if path.is_file()), "")


def _newest(folders: Sequence[Path], architectures: Sequence[str], name: str) -> list[Path]:
    """Return where a program may be below folders of versions, the newest first."""
    found = sorted(
        (version, entry) for folder in folders for version, entry in versions(folder, (10,))
    )
    return [
        entry / architecture / name for architecture in architectures for _, entry in found[::-1]
    ]
