"""Finds programs of the Windows SDK in the same places as the pipeline (`tool` in kit.rs)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.kit import environment_roots, kits_at, registered, versions

__all__ = ["find_tool"]

_ARCHITECTURES = {"ARM64": ("arm64", "x64", "x86"), "x86": ("x86",)}


def find_tool(host: Host, name: str) -> str:
    """Return the path of a program; "" if it is nowhere.

    The places in their order: PATH, the SDK version of a Visual Studio prompt, the newest kit,
    ClickOnce, the packages of NuGet.
    """
    if on_path := host.which(name):
        return on_path
    env = host.env
    machine = env.get("PROCESSOR_ARCHITEW6432") or env.get("PROCESSOR_ARCHITECTURE", "")
    architectures = _ARCHITECTURES.get(machine, ("x64", "x86"))
    programs = env.get("ProgramFiles(x86)") or env.get("ProgramFiles", "")
    prompt = [env.get("WindowsSdkVerBinPath", "")]
    if version := env.get("WindowsSDKVersion"):
        prompt.append(env.get("WindowsSdkDir", "") + "bin/" + version)
    roots = [place for _, place in environment_roots(host)]
    roots += [registered(host, view) for view in (64, 32)]
    kits = [
        kit
        for root in roots
        if root
        for architecture in architectures
        for kit in kits_at(Path(root), architecture)
    ]
    packages = env.get("NUGET_PACKAGES") or env.get("USERPROFILE", "") + "/.nuget/packages"
    candidates = [
        *(
            Path(folder, architecture, name)
            for folder in prompt
            if folder
            for architecture in architectures
        ),
        *_newest([kit / "bin" for kit in kits], architectures, name),
        Path(programs, "Microsoft SDKs/ClickOnce/SignTool", name),
        *_newest(
            list(Path(packages, "microsoft.windows.sdk.buildtools").glob("*/bin")),
            architectures,
            name,
        ),
    ]
    # A variable that is not set must not lead into the current folder.
    found = (path for path in candidates if path.is_absolute() and path.is_file())
    return next(map(str, found), "")


def _newest(folders: Sequence[Path], architectures: Sequence[str], name: str) -> list[Path]:
    """Return the possible paths of a program below folders of versions, the newest first.

    Kits before Windows 10 version 1703 have no folder of the version.
    """
    entries: list[tuple[tuple[int, ...], Path]] = [((), folder) for folder in folders]
    entries += [entry for folder in folders for entry in versions(folder, (10,))]
    entries.sort()
    return [
        entry / architecture / name for architecture in architectures for _, entry in entries[::-1]
    ]
