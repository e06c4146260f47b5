"""Each option, name and value of a project's files becomes its own key, or is reported."""

from __future__ import annotations

import pytest

import kdrvgen
from kdrvgen.adopt import Snapshot, adopt
from kdrvgen.adopt.read.findings import DIFFERENCE, HAZARD, UNKNOWN
from tests.adopt.support import LINKED, MANIFEST, adopted, messages

TRIPLE = "x86_64-pc-windows-msvc"
UNLINKED = f'[build]\ntarget = "{TRIPLE}"\n'


def build(options: str) -> kdrvgen.Project:
    return adopted(makefile=f"[tasks.build-driver]\nscript = ['cargo build {options}']\n").project


@pytest.mark.parametrize(
    "option",
    [
        *("-v", "-vv", "--verbose", "-q", "--quiet", "--lib", "--keep-going", "--timings"),
        *("--color always", "-j 4", "--jobs 4", "--message-format short", "--color=always"),
        "-Z build-std-features=compiler-builtins-mem",
        *("%FLAGS%", "$FLAGS", "${FLAGS}"),
    ],
)
def test_an_option_of_cargo_that_does_not_change_the_driver_is_left_out(option: str) -> None:
    makefile = f"[tasks.build-driver]\nscript = ['cargo build {option} --release']\n"
    adoption = adopted(makefile=makefile)

    assert adoption.project.profiles["development"].cargo_profile == "release"
    assert "to cargo, and the generated" not in str(messages(adoption, DIFFERENCE))
    assert not adoption.project.build.args


@pytest.mark.parametrize(
    "option", ["--all-features", "--ignore-rust-version", "--offline", "--frozen"]
)
def test_an_option_of_cargo_that_config_toml_accepts_is_kept(option: str) -> None:
    assert build(option).build.args == (option,)


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ("--target-dir out", "`--target-dir out`"),
        ("--config a.toml", "`--config a.toml`"),
        ("-Z unstable-options", "`-Z unstable-options`"),
        ("--workspace", "`--workspace`"),
        ("-- -Cdebuginfo=2 --release", "`flags for rustc after `--``"),
    ],
)
def test_another_option_of_cargo_is_reported(option: str, shown: str) -> None:
    makefile = f"[tasks.build-driver]\nscript = ['cargo build {option}']\n"

    assert f"the task passes {shown} to cargo" in str(
        messages(adopted(makefile=makefile), DIFFERENCE)
    )


def test_options_of_cargo_become_keys_in_each_spelling() -> None:
    for option in ("-r", "--release", "--profile release", "--profile=release"):
        assert build(option).profiles["development"].cargo_profile == "release"
    for option in ("--features a,b", "-F a,b", '--features "a b"', "-F a -F b"):
        assert build(option).build.features == ("a", "b")
    for option in ("-Zbuild-std=core,alloc", "-Z build-std=core,alloc"):
        makefile = f"[tasks.build-driver]\nscript = ['cargo +nightly build {option}']\n"
        assert adopted(makefile=makefile).project.toolchain.build_std == ("core", "alloc")
    assert build("--no-default-features").build.default_features is False
    assert build("--locked").build.locked
    assert build("--target i686-pc-windows-msvc").driver.triples[0] == "i686-pc-windows-msvc"
    makefile = "[tasks.build-driver]\nscript = ['cargo +nightly build']\n"
    assert adopted(makefile=makefile).project.toolchain.channel == "nightly"


@pytest.mark.parametrize(
    "switch",
    [
        *("f", "n", "s", "sha1", "fd", "t", "tr", "ac", "td", "p", "c", "csp", "d", "du", "i"),
        *("kc", "p7", "p7co", "p7ce", "r", "seal", "u", "dg", "ds", "di", "dlib", "dmdf"),
    ],
)
def test_the_value_of_a_switch_of_signtool_is_not_the_image(switch: str) -> None:
    adoption = adopted(
        makefile=f"[tasks.sign]\nscript = ['signtool sign /n A /{switch} value.sys hello.sys']\n"
    )

    assert adoption.project.driver.output_name == "hello"


def test_a_certificate_of_powershell_for_code_has_no_defect() -> None:
    def hazards(kind: str) -> str:
        script = f"powershell New-SelfSignedCertificate {kind} -Subject CN=A; {sign}"
        return str(messages(adopted(makefile=f"[tasks.sign]\nscript = ['{script}']\n"), HAZARD))

    sign = "signtool sign /fd sha256 /n A hello.sys"
    assert "not marked for code signing" not in hazards("-Type CodeSigningCert")
    assert "not marked for code signing" in hazards("-Type Custom")
    assert "SHA-1" not in hazards("")
    assert "SHA-1" in hazards("-HashAlgorithm sha1")


def test_the_digest_of_the_certificate_is_reported() -> None:
    makefile = "[tasks.sign]\nscript = ['signtool sign /fd certHash /n A hello.sys']\n"
    adoption = adopted(makefile=makefile)

    (finding,) = [each for each in adoption.findings if "certHash" in each.message]
    assert (finding.rule, finding.help) == (DIFFERENCE, "the proposal uses sha256")
    created = makefile.replace("['", "['makecert -r -ss S -n CN=A a.cer', '")
    (finding,) = [each for each in adopted(makefile=created).findings if "certHash" in each.message]
    assert finding.help == "the test certificate uses SHA-256, and so does the proposal"


def test_files_of_a_signing_service_are_relative_to_the_folder_of_the_call() -> None:
    signing = adopted(
        makefile="[tasks.sign]\ncwd = 'sub'\n"
        "script = ['signtool sign /dlib x.dll /dmdf m.json /f a.cer /ac b.cer hello.sys']\n"
    ).project.signing

    assert (signing.dlib, signing.dmdf) == ("sub/x.dll", "sub/m.json")
    assert signing.public_certificate == "sub/a.cer"
    assert signing.additional_certificates == ("sub/b.cer",)


HARMLESS = """\
std::env::var("A"); env::var("A"); var("A"); var_os("A"); args(); Path::new("a");
PathBuf::from("a"); Result::ok(x); Option::map(x, y); String::from("a"); RegKey::predef(A);
winreg::enums::x(); failure::err_msg("a"); anyhow::bail("a"); Error::from(x); Vec::new();
path::absolute(x); <String>::from("a"); Vec::<u8>::new(); <u8 as Default>::default();
Some(1); Color::Red(1); if (a) {} match (a) {} while (a) {} for (a, b) in (c) {}
#[cfg(windows)] println!("a text without a key"); println!("key=value");
println!("cargo:rustc-link-arg"); println!("cargo:warning=a"); println!("cargo::warning=a");
return (a);"""


@pytest.mark.parametrize(
    "statement", [each.strip() for each in HARMLESS.split(";") if each.strip()]
)
def test_a_harmless_statement_of_a_build_script_needs_no_script_of_your_own(statement: str) -> None:
    adoption = adopted(build=f"fn main() {{ {statement}; }}")

    assert adoption.project.driver.build_script is None
    assert not messages(adoption, UNKNOWN)


@pytest.mark.parametrize(
    ("literal", "argument"),
    [
        (r'"/A:\"b\""', '/A:"b"'),
        (r'"/A:\\b"', "/A:\\b"),
        ('"/A:\\\n      b"', "/A:b"),
        (r'r"/A:\b"', "/A:\\b"),
        (r'r#"/A:"b""#', '/A:"b"'),
        ('"/A:é"', "/A:é"),
    ],
)
def test_a_string_of_a_build_script_is_read_as_rust_does(literal: str, argument: str) -> None:
    prefix, _, text = literal.partition("/")
    build_script = f"fn main() {{ println!({prefix}cargo:rustc-link-arg=/{text}); }}"

    assert argument in adopted(cargo=UNLINKED, build=build_script, makefile="[tasks.sign]\n"
        "script = ['signtool sign /n A hello.sys']\n").project.linker.args  # fmt: skip


@pytest.mark.parametrize("escape", ["n", "r", "t", "0"])
def test_a_control_character_of_a_build_script_is_refused_as_such(escape: str) -> None:
    build_script = f'fn main() {{ println!("cargo:rustc-link-arg=/A:x\\{escape}y"); }}'

    adoption = adopted(build=build_script)

    assert not [each for each in adoption.project.linker.args if each.startswith("/A:")]
    assert "does not accept this `linker.args`" in str(messages(adoption, DIFFERENCE))


def test_a_kit_from_the_environment_is_found_there() -> None:
    adoption = adopted(build='fn main() { let a = std::env::var("WDKContentRoot"); }')

    assert adoption.project.wdk.locate == "env"


@pytest.mark.parametrize("table", ["build-dependencies", "dependencies"])
@pytest.mark.parametrize("crate", ["wdk-build", "wdk-sys", "wdk"])
def test_a_crate_of_the_wdk_makes_a_package_a_driver(table: str, crate: str) -> None:
    manifest = f'{MANIFEST}[{table}]\n{crate} = "0.3"\n'

    assert adopted(cargo=UNLINKED, **{"Cargo.toml": manifest}).project.driver.name == "hello"
    with pytest.raises(kdrvgen.ConfigError, match="no driver"):
        adopted(cargo=UNLINKED, **{"Cargo.toml": manifest.replace(crate, "other")})


def test_a_build_script_with_wdk_build_needs_the_crate_and_the_driver_model() -> None:
    adoption = adopted(cargo=UNLINKED, build="fn main() { wdk_build::configure_binary_build(); }")

    found = {each.message: each.help for each in adoption.findings if each.rule == DIFFERENCE}
    assert found[
        "the generated build.rs calls wdk-build, and this package does not depend on it"
    ] == ("add it under [build-dependencies], in the version that wdk-sys depends on")
    assert found[
        "the project names no driver model, and wdk-build 0.3 and later read it from Cargo.toml"
    ].startswith('write `driver-type = "WDM"`, "KMDF" or "UMDF" under [package.metadata')


WDK_TASKS = {
    "sign": "package-driver-flow package-driver sign-driver-binary sign-sys signtool-sign",
    "rename": "generate-driver-binary-file generate-sys-file copy-driver-binary-to-package "
    "copy-sys-to-package",
    "certificate": "generate-certificate copy-certificate-to-package",
    "verify": "verify-signature-driver-binary verify-signature-sys signtool-verify",
    "build-driver": "copy-pdb-to-package copy-map-to-package",
    "": "wdk-build-init setup-wdk-config-env-vars copy-inx-to-output copy-inf-to-package stampinf "
    "infverif inf2cat sign-cat verify-signature-cat",
}


@pytest.mark.parametrize("generated", WDK_TASKS)
def test_a_task_of_wdk_build_is_replaced_in_dependencies(generated: str) -> None:
    names = WDK_TASKS[generated].split()
    own = "".join(f"[tasks.{name}-own]\ndependencies = ['{name}']\n" for name in names)
    makefile = "extend = 'target/rust-driver-makefile.toml'\n" + own

    adoption = adopted(cargo=UNLINKED, makefile=makefile)

    tasks = adoption.project.makefile.tasks
    for name in names:
        assert tasks[f"{name}-own"]["dependencies"] == ((generated,) if generated else ())
        missing = f"depends on `{name}`, which is a task of wdk-build"
        assert (missing in str(messages(adoption, DIFFERENCE))) == (not generated)


@pytest.mark.parametrize(
    ("value", "is_accepted"),
    [
        ("9223372036854775807", True),
        ("9223372036854775808", False),
        ("0x8000000000000000", False),
        ("-9223372036854775808", True),
        ("-9223372036854775809", False),
    ],
)
def test_integers_of_toml_have_64_bits(value: str, *, is_accepted: bool) -> None:
    makefile = f"[tasks.a]\ncommand = 'x'\n[x]\ny = [{value}]\n"
    if is_accepted:
        adopted(makefile=makefile)
        return
    with pytest.raises(kdrvgen.ConfigError, match="does not fit into 64 bits"):
        adopted(makefile=makefile)


def test_the_version_of_a_workspace_is_the_version_of_its_packages() -> None:
    files = {
        "Cargo.toml": MANIFEST.replace("edition", "version.workspace = true\nedition")
        + '[workspace]\n[workspace.package]\nversion = "1.2.3"\n'
    }
    makefile = "[tasks.a]\nscript = ['echo %CARGO_MAKE_CRATE_VERSION%']\n"

    adoption = adopted(makefile=makefile, **files)

    assert adoption.project.makefile.env["CRATE_VERSION"] == "1.2.3"
    (finding,) = [each for each in adoption.findings if "CRATE_VERSION" in each.help]
    assert finding.message.startswith("a task uses the version of the package")
    assert finding.rule == DIFFERENCE


@pytest.mark.parametrize(
    ("old", "new"),
    {
        "CARGO_MAKE_PROJECT_NAME": "DRIVER_NAME",
        "CARGO_MAKE_PROJECT_VERSION": "CRATE_VERSION",
        "CARGO_MAKE_CRATE_CUSTOM_TRIPLE_TARGET_DIRECTORY": "CRATE_TRIPLE_TARGET_DIR",
        "CARGO_MAKE_CRATE_TARGET_TRIPLE": "DRIVER_TRIPLE",
        "CARGO_MAKE_RUST_TARGET_TRIPLE": "DRIVER_TRIPLE",
    }.items(),
)
def test_a_variable_of_cargo_make_is_replaced(old: str, new: str) -> None:
    makefile = adopted(makefile=f"[tasks.a]\nscript = ['echo %{old}%']\n").project.makefile

    assert makefile.tasks["a"]["script"] == (f"echo %{new}%",)
    values = {
        "CRATE_VERSION": "0.0.0",
        "CRATE_TRIPLE_TARGET_DIR": "${DRIVER_TARGET_DIR}/${DRIVER_TRIPLE}",
    }
    assert dict(makefile.env) == {name: values[name] for name in values if name == new}


def test_a_name_that_cargo_does_not_accept_is_refused_with_advice() -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        adopted(**{"Cargo.toml": MANIFEST.replace("hello", "02-hello")})
    assert caught.value.findings[0].help == "cargo does not accept such a name either"
    with pytest.raises(kdrvgen.ConfigError) as caught:
        adopted(**{"Cargo.toml": MANIFEST.replace("hello", "a b")})
    assert caught.value.findings[0].help != "cargo does not accept such a name either"


def test_a_target_with_an_escape_is_refused_at_its_line() -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        adopted(cargo=LINKED.replace(TRIPLE, "wasm32\\u002dunknown-unknown"))
    place = caught.value.findings[0].place
    assert place
    assert (place.line, place.column) == (2, 1)


def test_what_other_keys_have_is_not_repeated_in_the_own_configuration() -> None:
    adoption = adopted(
        cargo=f'{LINKED}[unstable]\nbuild-std = ["core"]\n'
        'build-std-features = ["compiler-builtins-mem"]\n'
    )

    assert adoption.project.toolchain.build_std == ("core",)
    assert "cargo-config" not in adoption.text
    assert "build-std" not in str(adoption.findings)


def test_flags_for_a_target_in_the_configuration_above_are_reported() -> None:
    above = f"[target.{TRIPLE}]\nrustflags = ['-Cdebuginfo=2']\n"
    files = {"Cargo.toml": MANIFEST, ".cargo/config.toml": LINKED}
    workspace = {"../Cargo.toml": "[workspace]\nmembers = ['a']\n"}

    adoption = adopt(Snapshot({**files, **workspace, "../.cargo/config.toml": above}))

    (message,) = messages(adoption, DIFFERENCE)
    assert message.startswith("../.cargo/config.toml:2 cargo ")
    assert "these flags" in message
    assert TRIPLE in message
    assert "debuginfo" not in adoption.text


@pytest.mark.parametrize("order", ["/n A /fd sha256 hello.dll", "hello.dll /n A /fd sha256"])
@pytest.mark.parametrize("stamp", ["-u 2.33.0 -f hello.inf", "-f hello.inf -u 2.33.0"])
def test_a_umdf_driver_is_found_whatever_the_order_of_arguments(order: str, stamp: str) -> None:
    script = f"['stampinf {stamp}', 'signtool sign {order}']"
    project = adopted(cargo=UNLINKED, makefile=f"[tasks.a]\nscript = {script}\n").project

    assert (project.driver.model, project.signing.subject) == ("umdf", "A")


def test_a_build_task_without_a_command_builds_all_features_as_that_of_cargo_make() -> None:
    assert adopted(makefile="[tasks.build]\ncwd = '.'\n").project.build.args == ("--all-features",)


def test_a_umdf_driver_may_be_the_only_file_that_signtool_signs() -> None:
    script = "['stampinf -f hello.inf -u 2.33.0', 'signtool sign hello.dll /a']"
    adoption = adopted(cargo=UNLINKED, makefile=f"[tasks.a]\nscript = {script}\n")

    assert "`/a` selects any certificate" in str(messages(adoption, UNKNOWN))


@pytest.mark.parametrize("table", ["build-dependencies", "dependencies"])
@pytest.mark.parametrize("crate", ["wdk-build", "wdk-sys", "wdk"])
def test_the_inx_beside_a_crate_of_the_wdk_is_that_of_the_package(table: str, crate: str) -> None:
    files = {
        "Cargo.toml": f'{MANIFEST}[{table}]\n{crate} = "0.3"\n',
        ".cargo/config.toml": UNLINKED,
    }

    text = adopt(Snapshot(files, infs=frozenset({"hello.inx"}))).annotated

    assert 'inx = "hello.inx"  # from Cargo.toml:7\n' in text


@pytest.mark.parametrize(
    ("more", "folder"), [("", "target"), ("target-dir = 'out/rust'", "out/rust")]
)
def test_the_folder_of_a_build_without_a_target_is_that_of_cargo(more: str, folder: str) -> None:
    cargo = (
        f"[build]\n{more}\n[target.x86_64-pc-windows-msvc]\nrustflags = ['-Clink-arg=/DRIVER']\n"
    )

    assert f"cargo builds for its host, into {folder}/debug" in str(
        messages(adopted(cargo=cargo), DIFFERENCE)
    )


def test_a_table_of_which_nothing_is_left_is_left_out() -> None:
    flags = "{ value = '-Copt-level=3', condition = { env_not_set = ['A'] } }"
    task = f"[tasks.a]\ncommand = 'x'\nenv = {{ RUSTFLAGS = {flags} }}\n"

    adoption = adopted(makefile=task)

    assert adoption.project.makefile.tasks["a"] == {"command": "x"}
    assert "`makefile.tasks.a.env.RUSTFLAGS`" in str(messages(adoption, DIFFERENCE))


@pytest.mark.parametrize("command", ["ren", "copy", "Copy-Item"])
def test_a_umdf_driver_keeps_the_name_that_a_task_gives_it(command: str) -> None:
    makefile = (
        "[tasks.build]\ncommand = 'cargo'\nargs = ['build']\n"
        "[tasks.inf]\nscript = ['stampinf -f target/hello.inf -u 2.33.0']\n"
        f"[tasks.name]\nscript = ['cd target', '{command} hello.dll Greeter.dll']\n"
        "[tasks.sign]\nscript = ['signtool sign /n A /fd SHA256 target/Greeter.dll']\n"
    )

    project = adopted(makefile=makefile).project

    assert (project.driver.model, project.driver.output_name) == ("umdf", "Greeter")
    assert project.signing.subject == "A"
