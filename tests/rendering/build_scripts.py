"""All build scripts that a configuration can give, for the tools that check them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import tomli

from kdrvgen import Project, loads, render
from kdrvgen.rendering.project import render_own

X64, X86, ARM64 = (f"{part}-pc-windows-msvc" for part in ("x86_64", "i686", "aarch64"))
BUILD, CARGO = PurePosixPath("build.rs"), PurePosixPath(".cargo/config.toml")
_LONG = "/very/long/path" * 10


def project(text: str = "", driver: str = "") -> Project:
    """Return a project for all targets, unless `driver` names some."""
    targets = "" if "target" in driver else f'targets = ["{X64}", "{X86}", "{ARM64}"]'
    return loads(f'[driver]\nname = "a"\n{targets}\n{driver}\n{text}')


def put(given: Project, folder: Path) -> Path:
    """Write build.rs and what it needs into a folder, and return its path."""
    for path, text in render(given).items():
        if path.suffix == ".rs" and "src" not in path.parts:
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="\n")
    return folder / BUILD


def flags(given: Project, target: str) -> str:
    """Return what the cargo configuration passes to rustc, as cargo tells a build script."""
    table = tomli.loads(render_own(given)[CARGO]).get("target", {})
    return "\x1f".join(table.get(target, {}).get("rustflags", []))


def build_scripts(folder: Path) -> list[Path]:
    """Write each build.rs that differs from the others into a folder, beside its support files."""
    given = [project(*each) for each in _configurations()]
    put(given[0], folder)
    found = dict.fromkeys(render_own(each)[BUILD].partition("\n\n")[2] for each in given)
    paths = [folder / f"build{index}.rs" for index in range(len(found))]
    for path, text in zip(paths, found, strict=True):
        path.write_text(text, encoding="utf-8", newline="\n")
    return paths


def of_each_shape(paths: Iterable[Path]) -> list[Path]:
    """Return one build script of those that use the same items: they differ only in texts."""
    shapes: dict[frozenset[str], Path] = {}
    for path in paths:
        used = re.findall(r"build_script::[\w:]+", path.read_text(encoding="utf-8"))
        shapes.setdefault(frozenset(used), path)
    return list(shapes.values())


def _configurations() -> Iterator[tuple[str, str]]:
    """Yield all that makes build.rs another program; what concerns the kit apart from the rest."""
    targets = f'targets = ["{X64}", "{X86}"]'
    for model, emit, preset, override in itertools.product(
        ("wdm", "kmdf", "umdf"),
        ("cargo-config", "build-script"),
        ("kernel", "blog-2020", "none"),
        ("", '[profiles.production.linker]\nargs = ["/DEBUG", "/B:\\"q\\" \\\\ {x} ü"]\n'),
    ):
        linker = f'{override}[linker]\nemit = "{emit}"\npreset = "{preset}"\n'
        yield linker, f'model = "{model}"\n{targets}'
    for (model, framework), locate, version in itertools.product(
        (("wdm", ""), ("kmdf", "1.33"), ("umdf", "")),
        ("auto", "registry", "env", "path"),
        ("", "10.0.26100.0"),
    ):
        path = f"path = '{_LONG}'\n" if locate == "path" else ""
        versions = f'version = "{version}"\nframework-version = "{framework}"\n'
        yield f'[wdk]\nlocate = "{locate}"\n{path}{versions}', f'model = "{model}"\n{targets}'
    yield '[wdk]\nlocate = "none"\n', targets
    for version in ("", 'kind = "device"\nprovider = "é"\nversion = "1.2.3.4"\n'):
        info = f'[driver.version-info]\ncopyright = "{_LONG}"\n' + "[package]\n" + version
        yield info, targets
