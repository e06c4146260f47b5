"""Projects with Microsoft's crate wdk-build."""

from __future__ import annotations

import pytest

import kdrvgen
from kdrvgen.adopt import Adoption
from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, UNKNOWN
from tests.adopt.support import MANIFEST, adopted, messages

METADATA = '[package.metadata.wdk.driver-model]\ndriver-type = "{}"\n'


WDK_BUILD = "fn main() -> Result<(), wdk_build::ConfigError> {\n    {}\n}\n"


STATIC = '[build]\nrustflags = ["-C", "target-feature=+crt-static"]\n'


def adopted_with_wdk_build(
    version: str = '"0.5"',
    call: str = "wdk_build::configure_wdk_binary_build()",
    metadata: str = METADATA.format("WDM"),
    **files: str,
) -> Adoption:
    manifest = f"{MANIFEST}{metadata}[build-dependencies]\nwdk-build = {version}\n"
    build = call if "fn main" in call else WDK_BUILD.replace("{}", call, 1)
    return adopted(**({"Cargo.toml": manifest, "build": build, "cargo": STATIC} | files))


@pytest.mark.parametrize(
    ("metadata", "model"),
    [
        (METADATA.format("WDM"), "wdm"),
        (f"{METADATA.format('KMDF')}kmdf-version-major = 1\n", "kmdf"),
        (f"{METADATA.format('UMDF')}umdf-version-major = 2\n", "umdf"),
    ],
)
def test_wdk_build_still_finds_the_kit_and_links(metadata: str, model: str) -> None:
    adoption = adopted_with_wdk_build(
        metadata=metadata + "target-kmdf-version-minor = 33\n",
        makefile='extend = "target/rust-driver-makefile.toml"\n',
    )

    project = adoption.project
    assert (project.wdk.locate, project.wdk.framework_version) == ("wdk-build", "")
    assert (project.driver.model, project.driver.entry) == (model, "DriverEntry")
    assert (project.linker.preset, project.linker.args) == ("none", ())
    assert project.linker.rustflags == ()
    assert project.signing.subject == "WDRLocalTestCert"
    assert any("static runtime" in message for message in messages(adoption, EQUIVALENT))
    assert not messages(adoption, UNKNOWN)


@pytest.mark.parametrize(
    "call",
    [
        "wdk_build::Config::from_env_auto()?.configure_binary_build()",
        "use wdk_build::Config;\nfn main() { Config::from_env_auto()?.configure_binary_build(); }",
        "use wdk_build::{configure_wdk_binary_build as all, ConfigError};\nfn main() { all(); }",
        "fn main() {\n    use wdk_build::configure_wdk_binary_build as f;\n    f();\n}",
    ],
)
def test_a_call_of_wdk_build_is_found_however_it_is_imported(call: str) -> None:
    adoption = adopted_with_wdk_build(call=call)

    assert adoption.project.wdk.locate == "wdk-build"
    assert not messages(adoption, UNKNOWN)


def test_a_library_that_wdk_build_configures_is_not_a_driver() -> None:
    adoption = adopted_with_wdk_build(call="wdk_build::configure_wdk_library_build()")

    assert adoption.project.wdk.locate != "wdk-build"
    assert any("configure_wdk_library_build" in message for message in messages(adoption, UNKNOWN))


@pytest.mark.parametrize(
    ("version", "is_too_old"),
    [
        ('"0.1.0"', True),
        ('"^0.2"', True),
        ('{ version = "=0.2.0" }', True),
        ('"0.3.0"', False),
        ('{ version = "0.6", features = [] }', False),
        ('"0"', False),
        ('">=0.2"', False),
        ('"*"', False),
        ('"1"', False),
        ('{ git = "https://example.org/drivers" }', False),
    ],
)
def test_a_version_of_wdk_build_that_is_too_old_is_reported(
    version: str,
    *,
    is_too_old: bool,
) -> None:
    adoption = adopted_with_wdk_build(version)

    reported = [
        message for message in messages(adoption, DIFFERENCE) if "does not compile" in message
    ]
    assert bool(reported) == is_too_old
    assert all(message.startswith("Cargo.toml:9 ") for message in reported)


def test_version_and_driver_model_may_come_from_the_workspace() -> None:
    adoption = adopted_with_wdk_build(
        "{ workspace = true }",
        metadata="",
        **{
            "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n'
            '[workspace.metadata.wdk.driver-model]\ndriver-type = "KMDF"\n'
            '[workspace.dependencies]\nwdk-build = "0.2"\n'
        },
    )

    assert adoption.project.driver.model == "kmdf"
    reported = [
        message for message in messages(adoption, DIFFERENCE) if "does not compile" in message
    ]
    assert [message.partition(" ")[0] for message in reported] == ["../Cargo.toml:6"]


def test_a_driver_model_in_the_build_script_must_move_to_the_metadata() -> None:
    adoption = adopted_with_wdk_build(
        '"0.2"',
        "use wdk_build::{Config, DriverConfig, KMDFConfig};\nfn main() {\n    Config {\n"
        "        driver_config: DriverConfig::KMDF(KMDFConfig::new()),\n"
        "        ..Config::default()\n    }\n    .configure_binary_build();\n}\n",
        metadata="",
    )

    assert adoption.project.driver.model == "kmdf"
    assert any("names the driver model" in message for message in messages(adoption, DIFFERENCE))
    assert not messages(adoption, UNKNOWN)


def test_other_linker_arguments_are_kept_with_wdk_build() -> None:
    adoption = adopted_with_wdk_build(
        cargo='[build]\nrustflags = ["-Ctarget-feature=+crt-static", "-Clink-arg=/FORCE", '
        '"-Clink-arg=/ENTRY:other"]\n',
        call='println!("cargo:rustc-link-lib=fltmgr"); wdk_build::configure_wdk_binary_build()',
    )

    assert adoption.project.linker.args == ("/FORCE",)
    assert adoption.project.driver.entry == "DriverEntry"
    reported = messages(adoption, DIFFERENCE)
    assert any("links `fltmgr`, and the generated one does not" in message for message in reported)
    assert any("wdk-build already sets the entry point" in message for message in reported)


def test_wdk_build_does_not_support_i686() -> None:
    both = '[build]\ntarget = ["i686-pc-windows-msvc", "aarch64-pc-windows-msvc"]\n'

    adoption = adopted_with_wdk_build(cargo=both)

    assert adoption.project.driver.triples == ("aarch64-pc-windows-msvc",)
    assert any(
        "wdk-build does not build drivers for the target `i686" in message
        for message in messages(adoption, DIFFERENCE)
    )
    with pytest.raises(kdrvgen.ConfigError, match="wdk-build does not build drivers for it"):
        adopted_with_wdk_build(cargo='[build]\ntarget = "i686-pc-windows-msvc"\n')


def test_generated_tasks_replace_dependencies_on_tasks_of_wdk_build() -> None:
    adoption = adopted_with_wdk_build(
        makefile="""\
extend = "target/rust-driver-makefile.toml"
[tasks.deploy]
dependencies = ["package-driver-flow", "generate-certificate", "inf2cat"]
script = ["echo done"]
[tasks.infverif]
args = ["/v"]
"""
    )

    tasks = adoption.project.makefile.tasks
    assert list(tasks) == ["deploy"]
    assert tasks["deploy"]["dependencies"] == ("sign", "certificate")
    reported = messages(adoption, DIFFERENCE)
    assert any(
        "depends on `inf2cat`, which is a task of wdk-build" in message for message in reported
    )
    assert any(
        message.startswith("Makefile.toml:5 `infverif` changes a task") for message in reported
    )
    assert any(
        message.startswith("Makefile.toml:1 ") and "does not load wdk-build's makefile" in message
        for message in reported
    )
