"""A driver whose hand-written project was adopted is built and signed under its old names."""

from __future__ import annotations

import pytest

from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project, run

pytestmark = pytest.mark.slow

CARGO = """\
[build]
target = "x86_64-pc-windows-msvc"
rustflags = [
    "-C", "link-arg=/NODEFAULTLIB",
    "-C", "link-arg=/SUBSYSTEM:NATIVE",
    "-C", "link-arg=/DRIVER",
    "-C", "link-arg=/ENTRY:driver_entry",
    "-C", "link-arg=/MANIFEST:NO",
]
"""
MAKEFILE = """\
[env.development]
TARGET_PATH = "target/x86_64-pc-windows-msvc/debug"
[env.production]
TARGET_PATH = "target/x86_64-pc-windows-msvc/release"
BUILD_RELEASE = "--release"
[tasks.build-driver]
script = ["cargo b %BUILD_FLAGS%"]
[tasks.rename]
ignore_errors = true
script = ["cd %TARGET_PATH%", "rename hello.dll Adopted.sys"]
[tasks.sign-driver]
dependencies = ["build-driver", "rename"]
script = [
    "if not exist Own.cer ( makecert -r -pe -ss Own -n CN=Own Own.cer )",
    "signtool sign /a /s Own /n Own %TARGET_PATH%/Adopted.sys",
]
"""


@pytest.mark.parametrize("profile", ["debug", "release"])
def test_it_is_signed_under_its_old_name_by_its_old_task(project: Project, profile: str) -> None:
    (project.folder / "config.toml").unlink()
    (project.folder / "build.rs").unlink()
    (project.folder / "Makefile.toml").write_text(MAKEFILE, "utf-8")
    (project.folder / ".cargo/config.toml").write_text(CARGO, "utf-8")
    for words in (["adopt"], ["config.toml", "--force"]):
        done = run(["python", "-m", "kdrvgen", *words], project.folder, project.env)
        assert done.returncode == 0, done.stdout

    cargo_make = {"debug": "development", "release": "production"}[profile]
    project.make("--profile", cargo_make, "sign-driver")

    path = project.output("Adopted.sys", cargo_make)
    image = Image.read(path)
    assert image.subsystem == NATIVE
    assert image.is_signed
    assert image.entry == image.exports()["driver_entry"]
    assert (project.folder / "Own.cer").is_file()


def test_vendored_sources_are_built_after_it_was_adopted(project: Project) -> None:
    vendored = project.folder / "vendor/foo"
    (vendored / "src").mkdir(parents=True)
    manifest = '[package]\nname = "foo"\nversion = "1.0.0"\nedition = "2021"\n'
    (vendored / "Cargo.toml").write_text(manifest, "utf-8")
    (vendored / "src/lib.rs").write_text("#![no_std]\npub fn seven() -> u32 { 7 }\n", "utf-8")
    (vendored / ".cargo-checksum.json").write_text('{"files":{},"package":null}', "utf-8")
    project.depend('foo = "1"')
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write("pub use foo::seven;\n")
    (project.folder / "config.toml").unlink()
    (project.folder / "build.rs").unlink()
    (project.folder / "Makefile.toml").write_text(MAKEFILE, "utf-8")
    (project.folder / ".cargo/config.toml").write_text(
        f"""{CARGO}
[net]
offline = true

[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
""",
        "utf-8",
    )
    for words in (["adopt"], ["config.toml", "--force"]):
        done = run(["python", "-m", "kdrvgen", *words], project.folder, project.env)
        assert done.returncode == 0, done.stdout

    project.make("sign")

    assert Image.read(project.output("Adopted.sys")).is_signed
