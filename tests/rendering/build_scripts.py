"""All build scripts that a configuration can give, for the tools that judge them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kdrvgen import loads, render

X64, X86 = (f"{part}-pc-windows-msvc" for part in ("x86_64", "i686"))
_LONG = "/very/long/path" * 10


def script(text: str = "", driver: str = "") -> str:
    """Return build.rs of a configuration."""
    return render(loads(f'[driver]\nname = "a"\n{driver}\n{text}'))[PurePosixPath("build.rs")]


def build_scripts(folder: Path) -> list[Path]:
    """Write each that differs from the others into a folder, as a module that others may call."""
    found = dict.fromkeys(script(*each).partition("\n\n")[2] for each in _configurations())
    paths = [folder / f"build{index}.rs" for index in range(len(found))]
    for path, text in zip(paths, found, strict=True):
        # Nobody uses `main` of a module, and so nobody would use anything else.
        path.write_text(text.replace("\nfn main()", "\npub fn main()"), encoding="utf-8")
    return paths


def _configurations() -> Iterator[tuple[str, str]]:
    """Yield all that makes build.rs another program; what concerns the kit apart from the rest."""
    targets = f'targets = ["{X64}", "{X86}"]'
    for model, emit, preset, override, locate in itertools.product(
        ("wdm", "kmdf", "umdf"),
        ("cargo-config", "build-script"),
        ("kernel", "blog-2020", "none"),
        ("", '[profiles.production.linker]\nargs = ["/DEBUG", "/B:\\"q\\" \\\\ {x} ü"]\n'),
        ("auto", "none"),
    ):
        if model == "wdm" or locate != "none":
            linker = f'{override}[linker]\nemit = "{emit}"\npreset = "{preset}"\n'
            yield f'{linker}[wdk]\nlocate = "{locate}"\n', f'model = "{model}"\n{targets}'
    for (model, framework), locate, version in itertools.product(
        (("wdm", ""), ("kmdf", ""), ("kmdf", "1.33"), ("umdf", "")),
        ("auto", "registry", "env", "path"),
        ("", "10.0", "10.0.26100.0"),
    ):
        path = f"path = '{_LONG}'\n" if locate == "path" else ""
        versions = f'version = "{version}"\nframework-version = "{framework}"\n'
        yield f'[wdk]\nlocate = "{locate}"\n{path}{versions}', f'model = "{model}"\n{targets}'
