"""The valid forms of single values: names, paths, numbers, and text for scripts."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from kdrvgen import Bootstrap, Deploy, Driver, Makefile, Project, Signing

from .support import dotted, project, refusal, refusals_of


@pytest.mark.parametrize(
    "name", ["hello", "Hello", "my-driver", "my_driver", "a", "x64", "con-driver"]
)
def test_a_valid_package_name_is_a_valid_driver_name(name: str) -> None:
    assert Driver(name=name).name == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("con", "device"),
        ("NUL", "device"),
        ("com1", "device"),
        ("fn", "keyword"),
        ("Self", "keyword"),
        ("gen", "keyword"),
        ("core", "reserved"),
        ("proc-macro", "reserved"),
        ("compiler-builtins", "reserved"),
        ("deps", "reserved"),
        ("", "package name"),
        ("1driver", "package name"),
        ("my driver", "package name"),
        ("treiber-ü", "package name"),
        ("a" * 65, "package name"),
        ("../up", "package name"),
        ("a;rm", "package name"),
        ("$(id)", "package name"),
    ],
)
def test_a_name_that_cargo_rust_or_windows_reserves_is_refused(name: str, why: str) -> None:
    (line,) = refusals_of({"driver": {"name": name}})
    assert dotted(line) == "driver.name"
    assert why in line["msg"]


@pytest.mark.parametrize("name", ["hello", "Hello World", "ünï", "50% & more", "it's", "a.b", "$x"])
def test_a_valid_file_name_is_a_valid_output_name(name: str) -> None:
    assert Driver(name="a", output_name=name).image == f"{name}.sys"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " a",
        "a ",
        "a/b",
        "a\\b",
        "a:b",
        "a?",
        "a*",
        'a"',
        "a|b",
        "<a>",
        "a.",
        "..",
        "-rf",
        "hello.sys",
        "Hello.SYS",
        "hello.dll",
        "nul",
        "aux.b",
        "prn",
        "CONIN$",
        "conout$.txt",
        "lpt9",
        "com¹",
        "x" * 201,
        "ü" * 101,
    ],
)
def test_an_invalid_file_name_is_refused_as_output_name(name: str) -> None:
    (line,) = refusals_of({"driver": {"name": "a", "output-name": name}})
    assert dotted(line) == "driver.output-name"


@pytest.mark.parametrize("entry", ["", "2nd", "driver entry", "_driver_entry@8", "a-b", "é"])
def test_an_entry_point_must_be_an_undecorated_name(entry: str) -> None:
    (line,) = refusals_of({"driver": {"name": "a", "entry-point": entry}})
    assert dotted(line) == "driver.entry-point"


@pytest.mark.parametrize("version", ["0.1.0", "1.2.3-rc.1+build.5", "10.20.30"])
def test_a_semantic_version_is_accepted(version: str) -> None:
    assert Bootstrap(version=version).version == version


@pytest.mark.parametrize("version", ["", "1", "1.0", "01.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0-01"])
def test_a_version_that_cargo_refuses_is_refused(version: str) -> None:
    (line,) = refusals_of({"driver": {"name": "a"}, "bootstrap": {"version": version}})
    assert dotted(line) == "bootstrap.version"


@pytest.mark.parametrize("targets", ["[]", '["i686-pc-windows-msvc", "i686-pc-windows-msvc"]'])
def test_an_empty_or_repeated_list_of_targets_is_refused(targets: str) -> None:
    assert dotted(refusal(driver=f"targets = {targets}")) == "driver.targets"


def test_a_target_without_drivers_is_refused() -> None:
    line = refusal(driver='targets = ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"]')
    assert dotted(line) == "driver.targets.1"


@pytest.mark.parametrize(
    "channel", ["stable", "beta", "nightly", "nightly-2024-02-29", "1.84.0", "1.84"]
)
def test_a_channel_of_rustup_is_accepted(channel: str) -> None:
    assert project(f'[toolchain]\nchannel = "{channel}"').toolchain.channel == channel


@pytest.mark.parametrize(
    "channel", ["", "Stable", "nightly-2024-02-30", "nightly-24-1-1", "stable; id", "0.1", "1"]
)
def test_an_invalid_channel_is_refused(channel: str) -> None:
    assert dotted(refusal(f"[toolchain]\nchannel = {channel!r}")) == "toolchain.channel"


@pytest.mark.parametrize("program", ["lld", "ld", "", "link.exe", " rust-lld"])
def test_a_linker_must_be_a_known_name_or_a_path(program: str) -> None:
    assert dotted(refusal(f"[linker]\nprogram = {program!r}")) == "linker.program"


@pytest.mark.parametrize("program", ["auto", "link", "rust-lld", "lld-link", "./x", "a/b.exe"])
def test_a_linker_can_be_a_known_name_or_a_path(program: str) -> None:
    assert project(f"[linker]\nprogram = {program!r}").linker.program == program


@pytest.mark.parametrize("tag", ["Hell", "h3L1", "1234"])
def test_four_letters_or_digits_are_a_pool_tag(tag: str) -> None:
    assert Bootstrap(pool_tag=tag).pool_tag == tag


@pytest.mark.parametrize("tag", ["", "Hel", "Hello", "He l", "H\u00e9ll", "Hel\\", "Hel'"])
def test_another_pool_tag_is_refused_with_the_right_length(tag: str) -> None:
    line = refusal(f"[bootstrap]\npool-tag = {json.dumps(tag)}")
    assert dotted(line) == "bootstrap.pool-tag"
    assert "four ASCII letters or digits" in line["ctx"]["hint"]


@pytest.mark.parametrize("flag", ["--target=x", "--out-dir", "-o", "--crate-type", "--emit"])
def test_a_flag_that_cargo_sets_itself_is_refused(flag: str) -> None:
    assert dotted(refusal(f'[linker]\nrustflags = ["-g", "{flag}"]')) == "linker.rustflags.1"


@pytest.mark.parametrize("field", ["args", "pre-args", "remove", "rustflags"])
@pytest.mark.parametrize("argument", ["", " ", " /DEBUG", "/DEBUG "])
def test_an_argument_that_is_empty_or_has_spaces_at_an_end_is_refused(
    field: str, argument: str
) -> None:
    assert dotted(refusal(f'[linker]\n{field} = ["{argument}"]')) == f"linker.{field}.0"


@pytest.mark.parametrize(
    "library", ["hal.lib", "HAL.LIB", "km/hal", "../hal", "", "a b", "a=b", '{x}"']
)
def test_a_library_with_a_folder_or_an_extension_is_refused(library: str) -> None:
    assert dotted(refusal(f"[wdk]\nlibraries = [{library!r}]")) == "wdk.libraries.0"


@pytest.mark.parametrize("version", ["10", "newest", "10.0.x", "../10.0", "10.0.1.2.3"])
def test_a_kit_version_must_be_numeric(version: str) -> None:
    assert dotted(refusal(f'[wdk]\nversion = "{version}"')) == "wdk.version"


@pytest.mark.parametrize("version", ["1", "newest", "1.x", "1.15.0", "../1.15", "٣.٤"])
def test_a_framework_version_must_have_major_and_minor(version: str) -> None:
    line = refusal(f'[wdk]\nframework-version = "{version}"', driver='model = "kmdf"')
    assert dotted(line) == "wdk.framework-version"


def test_a_thumbprint_is_accepted_as_the_windows_dialog_shows_it() -> None:
    shown = "\u200e01 23 45 67 89 ab cd ef 01 23 45 67 89 ab cd ef 01 23 45 67"
    assert Signing(thumbprint=shown).thumbprint == "0123456789ABCDEF0123456789ABCDEF01234567"


@pytest.mark.parametrize("thumbprint", ["01", "0" * 39, "0" * 41, "g" * 40, "\ufb00" * 20])
def test_a_thumbprint_must_have_forty_hexadecimal_digits(thumbprint: str) -> None:
    assert dotted(refusal(f"[signing]\nthumbprint = {thumbprint!r}")) == "signing.thumbprint"


@pytest.mark.parametrize(
    "password", ["hunter2!", "correct horse", "pässwort", "-x", "$SECRET", "1a"]
)
def test_a_password_in_place_of_a_variable_name_is_refused_and_not_shown(
    password: str,
) -> None:
    document = {"driver": {"name": "a"}, "signing": {"pfx-password-env": password}}
    (line,) = refusals_of(document)
    assert dotted(line) == "signing.pfx-password-env"
    assert line["ctx"]["secret"] is True
    assert password not in line["msg"] + line["ctx"]["message"] + line["ctx"]["hint"]
    with pytest.raises(ValueError, match="environment variable") as caught:
        Project.model_validate(document)
    assert password not in str(caught.value)
    with pytest.raises(ValueError, match="environment variable") as caught:
        Signing(pfx_password_env=password)
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://timestamp.digicert.com", "https://[::1]:8080/x?y=$z", "http://127.0.0.1/", ""]
)
def test_a_web_address_is_accepted_as_timestamp_server(url: str) -> None:
    assert Signing(timestamp_url=url).timestamp_url == url


@pytest.mark.parametrize(
    "url",
    [
        "timestamp.digicert.com",
        "ftp://x",
        "http://",
        "http://x:0/",
        "http://x:99999/",
        "http://[x",
        'http://x/"',
        "http://x/ y",
        "http://x/${HOME}",
        "http://ü/",
        "http://x/`id`",
        "file:///x",
    ],
)
def test_another_address_is_refused_as_timestamp_server(url: str) -> None:
    assert dotted(refusal(f"[signing]\ntimestamp-url = {url!r}")) == "signing.timestamp-url"


@pytest.mark.parametrize("url", ["http://me:secret@tsa/", "http://me@tsa/", "ftp://me:secret@tsa"])
def test_an_address_with_a_password_is_refused_and_marked_as_secret(url: str) -> None:
    line = refusal(f'[signing]\ntimestamp-url = "{url}"')
    assert dotted(line) == "signing.timestamp-url"
    assert line["ctx"]["secret"] is True
    assert "secret" not in line["msg"] + line["ctx"]["hint"]


@pytest.mark.parametrize("path", ["a.cer", "certificates/My Driver.cer", "ü/é.crt", "a'b.DER"])
def test_a_certificate_file_in_the_project_is_accepted(path: str) -> None:
    assert Signing(certificate_file=path).certificate_file == path


@pytest.mark.parametrize(
    "path",
    [
        "../a.cer",
        "a/../../b.cer",
        "/a.cer",
        "\\a.cer",
        "C:a.cer",
        "C:/a.cer",
        "~/a.cer",
        "a\\b.cer",
        "a//b.cer",
        "a/",
        "./a.cer",
        "a /b.cer",
        "con.cer",
        "nul/a.cer",
        "a?.cer",
        "",
        "-a.cer",
    ],
)
def test_a_path_outside_the_project_or_for_one_system_is_refused(path: str) -> None:
    line = refusal(f"[signing]\ncertificate-file = {path!r}")
    assert dotted(line) == "signing.certificate-file"


@pytest.mark.parametrize("path", ["config.toml", "Makefile.toml", "build.rs", "src/lib.rs", "x"])
def test_a_certificate_file_with_another_extension_is_refused(path: str) -> None:
    line = refusal(f'[signing]\ncertificate-file = "{path}"')
    assert "extension of a certificate" in line["msg"]


@pytest.mark.parametrize(
    "path",
    ["../dist", "/dist", "C:/dist", "a\\\\b", "dist/", "", "d/{profil}", "{}", "a}", "con"],
)
def test_an_output_folder_outside_the_project_is_refused(path: str) -> None:
    assert dotted(refusal(driver=f'output-dir = "{path}"')) == "driver.output-dir"


@pytest.mark.parametrize(
    "path", ["", ".", "../", "/", "/root", "..\\\\..", "../a", "a/..", "../../"]
)
def test_a_workspace_root_must_be_a_folder_above(path: str) -> None:
    assert dotted(refusal(driver=f'workspace-root = "{path}"')) == "driver.workspace-root"


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("", ""),
        ('mode = "certificate"', "http://timestamp.digicert.com"),
        ('mode = "certificate"\ntimestamp-url = ""', ""),
        ('timestamp-url = "http://a.example"', "http://a.example"),
    ],
)
def test_a_test_signature_has_no_timestamp_unless_one_is_configured(text: str, server: str) -> None:
    assert project(f"[signing]\n{text}").signing.timestamp_server == server


@pytest.mark.parametrize("subject", ["CN=Me", "cn=Me", "x" * 65, "", " Me"])
def test_a_subject_must_be_a_plain_common_name(subject: str) -> None:
    assert dotted(refusal(f'[signing]\nsubject = "{subject}"')) == "signing.subject"


@pytest.mark.parametrize("name", ["Production", "1st", "", "a b", "a.b", "ü", "con", "nul"])
def test_a_profile_name_must_be_valid_for_cargo_make_and_windows(name: str) -> None:
    line = refusals_of({"driver": {"name": "a"}, "profiles": {name: {"cargo-profile": "release"}}})[
        0
    ]
    assert line["loc"][:2] == ("profiles", name)


@pytest.mark.parametrize(
    "profile", ["debug", "test", "bench", "build", "cargo-x", "a b", "", "2nd"]
)
def test_a_cargo_profile_must_be_able_to_build_a_library(profile: str) -> None:
    line = refusal(f'[profiles.production]\ncargo-profile = "{profile}"')
    assert dotted(line) == "profiles.production.cargo-profile"


TEXTS = [
    "driver.name",
    "bootstrap.version",
    "bootstrap.description",
    "bootstrap.authors.0",
    "bootstrap.license",
    "driver.output-name",
    "driver.entry-point",
    "driver.output-dir",
    "driver.workspace-root",
    "toolchain.channel",
    "linker.program",
    "linker.pre-args.0",
    "linker.args.0",
    "linker.remove.0",
    "linker.rustflags.0",
    "wdk.path",
    "wdk.version",
    "wdk.framework-version",
    "wdk.libraries.0",
    "signing.store",
    "signing.subject",
    "signing.certificate-file",
    "signing.thumbprint",
    "signing.pfx",
    "signing.pfx-password-env",
    "signing.additional-certificates.0",
    "signing.timestamp-url",
    "profiles.production.cargo-profile",
    "profiles.production.signing.store",
    "makefile.env.X",
    "makefile.tasks.x.description",
    "makefile.hooks.before-build.0",
]


@pytest.mark.parametrize("path", TEXTS)
@pytest.mark.parametrize(
    "character", ["\0", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\ud800"]
)
def test_control_characters_in_a_text_are_refused(path: str, character: str) -> None:
    *tables, last = path.split(".")
    value: object = f"a{character}b"
    if last == "0":
        last, value = tables.pop(), [value]
    document: dict[str, object] = {}
    innermost = document
    for table in tables:
        innermost[table] = innermost = {}
    innermost[last] = value
    document["driver"] = {"name": "a", **document.get("driver", {})}  # type: ignore[dict-item] # may be anything
    assert path in {dotted(line) for line in refusals_of(document)} or (
        path.startswith("makefile") and path.startswith(dotted(refusals_of(document)[0]))
    )


@pytest.mark.parametrize("key", ["a\u202eb", "a\0b", "a\ud800b"])
@pytest.mark.parametrize("table", ["env", "tasks", "profiles"])
def test_control_characters_in_a_key_are_refused(table: str, key: str) -> None:
    document: dict[str, object] = {"driver": {"name": "a"}, "makefile": {table: {key: {}}}}
    if table == "profiles":
        document = {"driver": {"name": "a"}, "profiles": {key: {"cargo-profile": "dev"}}}
    assert refusals_of(document)


def test_a_script_can_contain_line_ends_and_tabs() -> None:
    script = "if true; then\n\techo hello\r\nfi\n"
    given = Makefile(tasks={"own": {"script": script}})
    assert given.tasks["own"]["script"] == script


@pytest.mark.parametrize(
    "value",
    [
        None,
        object(),
        b"x",
        {1, 2},
        2**63,
        -(2**63) - 1,
        {1: "x"},
        dt.time(1, 2, tzinfo=dt.UTC),
        dt.datetime(1890, 1, 1, tzinfo=dt.timezone(dt.timedelta(minutes=53, seconds=28))),
    ],
)
def test_a_python_value_that_toml_cannot_represent_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"TOML|keys must be strings"):
        Makefile(env={"X": value})


def test_too_deeply_nested_tables_are_refused() -> None:
    endless: dict[str, object] = {}
    endless["x"] = endless
    with pytest.raises(ValueError, match="nested"):
        Makefile(tasks=endless)


@pytest.mark.parametrize("name", ["hello", "My Driver & co", "ünï 50%", "it's", "x" * 256])
def test_a_service_name_that_windows_and_sc_accept_is_accepted(name: str) -> None:
    assert Deploy(service=name).service == name


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a/b", "a\\b", "a=b", 'a"b', "a:b", "a\tb", "x" * 257]
)
def test_a_service_name_that_windows_or_sc_refuse_is_refused(name: str) -> None:
    (line,) = refusals_of({"driver": {"name": "a"}, "deploy": {"service": name}})
    assert dotted(line) == "deploy.service"


def test_start_type_boot_is_refused_with_the_reason() -> None:
    line = refusal('[deploy]\nstart-type = "boot"')
    assert dotted(line) == "deploy.start-type"
    assert "System32" in line["msg"]
    assert dotted(refusal('[deploy]\nstart-type = "manual"')) == "deploy.start-type"


# https://doc.rust-lang.org/reference/keywords.html
KEYWORDS = """
abstract as async await become box break const continue crate do dyn else enum extern false final
fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static
struct super trait true try type typeof unsafe unsized use virtual where while yield
"""
TAKEN_CRATES = "alloc build compiler_builtins core deps examples incremental proc_macro std test"
RESERVED_PROFILES = """
build check clean config doc fetch fix install metadata package publish report root run rust rustc
rustdoc target tmp uninstall
"""


@pytest.mark.parametrize("name", [*KEYWORDS.split(), *TAKEN_CRATES.split()])
def test_a_driver_is_not_named_by_a_keyword_or_by_a_crate_that_it_needs(name: str) -> None:
    (line,) = refusals_of({"driver": {"name": name}})
    assert dotted(line) == "driver.name"


@pytest.mark.parametrize("name", RESERVED_PROFILES.split())
def test_a_cargo_profile_has_no_name_that_cargo_reserves(name: str) -> None:
    line = refusal(f'[profiles.production]\ncargo-profile = "{name}"')
    assert dotted(line) == "profiles.production.cargo-profile"
    assert f"cargo reserves the name `{name}`" in line["msg"]
