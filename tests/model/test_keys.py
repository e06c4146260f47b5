"""Every key of config.toml: its default, its spelling, its type."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from kdrvgen import Driver, Linker, Makefile, Project, Signing, Toolchain, Wdk

from .support import dotted, project, refusal, refusals, refusals_of

DEFAULTS = {
    "driver": {
        "name": "hello",
        "output-name": None,
        "model": "wdm",
        "entry-point": None,
        "target": None,
        "targets": None,
        "output-dir": None,
        "build-script": None,
        "kernel-crate": False,
        "workspace-root": None,
        "version-info": None,
    },
    "toolchain": {"channel": "stable", "build-std": (), "cargo-config": ".cargo/config.toml"},
    "build": {"features": (), "default-features": True, "locked": False, "args": ()},
    "linker": {
        "program": "auto",
        "preset": "kernel",
        "pre-args": (),
        "args": (),
        "remove": (),
        "emit": "cargo-config",
        "rustflags": (),
        "reproducible": False,
    },
    "wdk": {
        "locate": "auto",
        "path": "",
        "version": "",
        "framework-version": "",
        "libraries": ("ntoskrnl", "hal"),
    },
    "signing": {
        "mode": "test",
        "tool": "auto",
        "signtool": "",
        "store": "PrivateCertStore",
        "machine-store": False,
        "subject": "DriverCertificate",
        "certificate-file": None,
        "thumbprint": "",
        "pfx": "",
        "pfx-password-env": "",
        "public-certificate": "",
        "csp": "",
        "key-container": "",
        "key-container-env": "",
        "dlib": "",
        "dmdf": "",
        "additional-certificates": (),
        "digest": "sha256",
        "page-hashes": False,
        "timestamp-url": None,
        "timestamp-protocol": "rfc3161",
        "validity-days": 365,
    },
    "bootstrap": {
        "template": "minimal",
        "version": "0.1.0",
        "description": "",
        "authors": (),
        "license": "",
        "edition": "2021",
        "allocator": True,
        "pool-tag": None,
        "logger": "DbgPrintEx",
        "log-component": "IHVDRIVER",
        "log-level": "error",
        "git": False,
        "vscode": False,
        "answers": {},
    },
    "deploy": {"service": None, "start-type": "demand"},
    "package": {
        "kind": None,
        "inx": None,
        "tool": "kdrvgen",
        "provider": None,
        "display-name": None,
        "hardware-ids": (),
        "device-class": None,
        "class-guid": None,
        "minimum-build": None,
        "operating-systems": (),
        "version": None,
        "date": None,
        "start-type": "demand",
        "altitude": None,
        "load-order-group": None,
        "extra-files": (),
        "submission": None,
    },
}
SUBMISSION = {
    "name": None,
    "signatures": (),
    "device-type": "internalExternal",
    "marketing-names": (),
    "test-signing": False,
}


@pytest.mark.parametrize("table", DEFAULTS)
def test_every_key_has_the_default_that_is_documented(table: str) -> None:
    found = getattr(project(), table).model_dump(by_alias=True)
    assert found == DEFAULTS[table]


def test_a_submission_has_the_defaults_that_are_documented() -> None:
    table = '[package]\nkind = "device"\nprovider = "a"\n[package.submission]\n'
    found = project(table).package.submission
    assert found is not None
    assert found.model_dump(by_alias=True) == SUBMISSION


def test_a_project_has_these_tables_and_no_others() -> None:
    assert set(project().model_dump(by_alias=True)) == {
        *DEFAULTS,
        *("kdrvgen-version", "cargo-config", "profiles", "makefile"),
    }


def test_tables_for_other_programs_are_empty_by_default() -> None:
    assert dict(project().makefile.env) == {}
    assert dict(project().cargo_config) == {}
    assert dict(project().makefile.tasks) == {}
    assert set(project().makefile.hooks.by_point.values()) == {()}


def test_the_default_target_is_x86_64() -> None:
    assert project().driver.triples == ("x86_64-pc-windows-msvc",)


def test_target_is_a_shorthand_for_targets_with_one_element() -> None:
    short = project(driver='target = "i686-pc-windows-msvc"')
    long = project(driver='targets = ["i686-pc-windows-msvc"]')
    assert short.driver.triples == long.driver.triples == ("i686-pc-windows-msvc",)


@pytest.mark.parametrize(
    ("model", "entry"), [("wdm", "driver_entry"), ("kmdf", "DriverEntry"), ("umdf", "DriverEntry")]
)
def test_the_entry_point_is_that_of_the_driver_model(model: str, entry: str) -> None:
    assert project(driver=f'model = "{model}"').driver.entry == entry


def test_the_image_has_the_name_of_the_library_by_default() -> None:
    assert Driver(name="my-driver").image == "my_driver.sys"
    assert Driver(name="my-driver", output_name="My Driver").image == "My Driver.sys"
    assert Driver(name="my-driver", model="umdf").image == "my_driver.dll"


def test_there_is_always_a_development_and_a_production_profile() -> None:
    found = {name: profile.cargo_profile for name, profile in project().profiles.items()}
    assert found == {"development": "dev", "production": "release"}


def test_user_defined_profiles_follow_and_can_change_the_standard_ones() -> None:
    given = project(
        '[profiles.staging]\ncargo-profile = "release"\n[profiles.development]\n'
        'cargo-profile = "quick"\n'
    )
    found = {name: profile.cargo_profile for name, profile in given.profiles.items()}
    assert list(found.items()) == [
        ("development", "quick"),
        ("production", "release"),
        ("staging", "release"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "unknown = 1",
        "[unknown]",
        *(f"[{table}]\nunknown = 1" for table in ("toolchain", "linker", "wdk", "signing")),
        "[makefile]\nunknown = 1",
        "[profiles.production]\nunknown = 1",
        "[profiles.production.linker]\nunknown = 1",
        "[profiles.production.signing]\nunknown = 1",
    ],
)
def test_an_unknown_key_is_refused_in_every_table(text: str) -> None:
    line = refusal(text)
    assert line["type"] == "extra_forbidden"
    assert line["loc"][-1] == "unknown"


def test_the_name_is_the_only_required_key() -> None:
    (line,) = refusals_of({"driver": {}})
    assert (line["type"], dotted(line)) == ("missing", "driver.name")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[wdk]\nlocate = "somewhere"', "wdk.locate"),
        ('[linker]\npreset = "blog"', "linker.preset"),
        ('[signing]\nmode = "on"', "signing.mode"),
        ('[signing]\ndigest = "sha1"', "signing.digest"),
        ('[toolchain]\ncargo-config = "config.toml"', "toolchain.cargo-config"),
        ('[toolchain]\nbuild-std = ["std"]', "toolchain.build-std.0"),
        ('[signing]\nmachine-store = "yes"', "signing.machine-store"),
        ("[signing]\npage-hashes = 1", "signing.page-hashes"),
        ('[signing]\nvalidity-days = "365"', "signing.validity-days"),
        ("[signing]\nvalidity-days = true", "signing.validity-days"),
        ("[signing]\nvalidity-days = 0", "signing.validity-days"),
        ("[signing]\nvalidity-days = 36501", "signing.validity-days"),
        ("[signing]\nsubject = 1", "signing.subject"),
        ('[linker]\nargs = "/DEBUG"', "linker.args"),
        ("[linker]\nargs = [1]", "linker.args.0"),
        ("[linker]\nreproducible = 1", "linker.reproducible"),
        ('[profiles.production.signing]\ndigest = "sha1"', "profiles.production.signing.digest"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_at_its_key(text: str, where: str) -> None:
    assert dotted(refusal(text)) == where


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[profiles]\nproduction = 1", "profiles.production"),
        ("profiles = 1", "profiles"),
        ("linker = []", "linker"),
    ],
)
def test_a_value_in_place_of_a_table_is_refused(text: str, where: str) -> None:
    name, _, rest = text.partition("\n")
    document = f'{text}\n[driver]\nname = "hello"' if not name.startswith("[") else ""
    if document:
        import tomli  # noqa: PLC0415 - for these two only

        (line,) = refusals_of(tomli.loads(document))
    else:
        (line,) = refusals(f"{name}\n{rest}")
    assert dotted(line) == where


@pytest.mark.parametrize("document", [None, 1, "text", [], {}])
def test_a_document_that_is_not_a_table_is_refused(document: object) -> None:
    assert refusals_of(document)


@pytest.mark.parametrize("table", [Driver, Toolchain, Linker, Wdk, Signing, Makefile, Project])
def test_the_key_of_every_field_is_its_name_with_hyphens(table: type[BaseModel]) -> None:
    for name, field in table.model_fields.items():
        assert (field.alias or name) == name.replace("_", "-")


def test_a_key_of_a_profile_has_priority_in_each_table_that_a_profile_can_change() -> None:
    found = project(
        '[build]\nlocked = true\nfeatures = ["a"]\n'
        '[linker]\npreset = "none"\nemit = "build-script"\n'
        '[signing]\nsubject = "One"\ndigest = "sha384"\n'
        "[profiles.production]\n"
        'build.features = ["b"]\nlinker.preset = "blog-2020"\nsigning.subject = "Two"\n'
    )
    name = "production"
    build, linker, signing = found.build_for(name), found.linker_for(name), found.signing_for(name)
    assert (build.locked, build.features) == (True, ("b",))
    assert (linker.preset, linker.emit) == ("blog-2020", "build-script")
    assert (signing.subject, signing.digest) == ("Two", "sha384")
    assert found.signing_for("development") == found.signing
