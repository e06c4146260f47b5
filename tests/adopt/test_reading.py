"""How single things that projects say are read, one file at a time."""

from __future__ import annotations

import pytest

import kdrvgen
from kdrvgen.adopt import Adoption, Snapshot
from kdrvgen.adopt import adopt as propose
from kdrvgen.adopt.rules import DIFFERENCE, EQUIVALENT, HAZARD, UNKNOWN

MANIFEST = '[package]\nname = "hello"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n'
LINKED = '[build]\ntarget = "x86_64-pc-windows-msvc"\nrustflags = ["-Clink-arg=/DRIVER"]\n'
SIGN = '[tasks.sign]\nscript = ["signtool sign {}"]\n'


def adopted(**files: str) -> Adoption:
    known = {"cargo": ".cargo/config.toml", "makefile": "Makefile.toml", "build": "build.rs"}
    given = {known.get(name, name): text for name, text in files.items()}
    return propose(Snapshot({"Cargo.toml": MANIFEST, ".cargo/config.toml": LINKED} | given))


def said(adoption: Adoption, rule: str) -> list[str]:
    return [f"{each.place} {each.message}" for each in adoption.findings if each.rule == rule]


@pytest.mark.parametrize(
    "flags",
    [
        '["-Z", "pre-link-arg=/DRIVER", "-C", "link-arg=/MAP"]',
        '["-Zpre-link-arg=/DRIVER", "-Clink-arg=/MAP"]',
        '["-Z", "pre-link-args=/DRIVER", "-C", "link-args=/MAP"]',
        '["--codegen", "link-arg=/MAP", "-Z", "pre_link_arg=/DRIVER"]',
        '["--codegen=link_arg=/MAP", "-Zpre_link_args=/DRIVER"]',
        '"-Z pre-link-arg=/DRIVER -C link-arg=/MAP"',
    ],
)
def test_every_form_of_a_linkers_argument_is_read(flags: str) -> None:
    project = adopted(cargo=f"[build]\nrustflags = {flags}\n").project

    assert project.toolchain.channel == "nightly"
    assert project.linker.pre_args == ("/DRIVER",)
    assert project.linker.args == ("/MAP",)


def test_flags_of_the_target_come_instead_of_those_of_the_build() -> None:
    project = adopted(
        cargo='[build]\nrustflags = ["-Clink-arg=/FORCE"]\n'
        "[target.'cfg(target_os = \"windows\")']\n"
        'rustflags = ["-Clink-arg=/DRIVER"]\n'
    ).project

    assert project.linker.args == ("/DRIVER",)


def test_the_configuration_without_toml_wins() -> None:
    adoption = adopted(**{".cargo/config": LINKED.replace("/DRIVER", "/DRIVER:WDM")})

    assert adoption.project.linker.args == ("/DRIVER:WDM",)
    assert adoption.project.toolchain.cargo_config == ".cargo/config.toml"
    assert any(
        "cargo reads .cargo/config and ignores this file" in each for each in said(adoption, HAZARD)
    )
    assert adoption.steps == ("delete .cargo/config: cargo reads it instead of .cargo/config.toml",)


def test_flags_of_folders_above_come_first() -> None:
    adoption = propose(
        Snapshot(
            {
                "Cargo.toml": MANIFEST,
                "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
                ".cargo/config.toml": '[build]\nrustflags = ["-Clink-arg=/DRIVER"]\n',
                "../.cargo/config": '[build]\nrustflags = ["-Clink-arg=/KERNEL"]\n',
            }
        )
    )

    assert adoption.project.linker.args == ("/KERNEL", "/DRIVER")


def test_flags_in_the_environment_come_instead_of_all_others() -> None:
    adoption = adopted(makefile='[env]\nRUSTFLAGS = "-Clink-arg=/SUBSYSTEM:NATIVE"\n')

    assert adoption.project.linker.args == ("/SUBSYSTEM:NATIVE",)
    assert "RUSTFLAGS" not in adoption.project.makefile.env
    assert any("RUSTFLAGS in the environment" in each for each in said(adoption, HAZARD))


@pytest.mark.parametrize(
    ("makefile", "line"),
    [
        ('[env]\nRUSTFLAGS = "{}"\n[tasks.build-driver]\nscript = ["cargo build"]\n', 2),
        ('[env.development]\nRUSTFLAGS = "{}"\n[tasks.sign]\nscript = ["cargo build"]\n', 2),
        ('[tasks.b]\nscript = ["cargo build"]\n[tasks.b.env]\nRUSTFLAGS = "{}"\n', 4),
        ('[tasks.b]\nscript = [\n"set RUSTFLAGS={}",\n"cargo build",\n]\n', 3),
        ('[env]\nCARGO_ENCODED_RUSTFLAGS = "{}"\nRUSTFLAGS = "-Cfrom=other"\n', 2),
    ],
    ids=["env", "profile", "task", "script", "encoded"],
)
def test_flags_in_the_environment_without_arguments_come_beside_those_that_link(
    makefile: str, line: int
) -> None:
    adoption = adopted(makefile=makefile.replace("{}", "-Ccontrol-flow-guard"))

    assert adoption.project.linker.args == ("/DRIVER",)
    assert adoption.project.linker.rustflags == ("-Ccontrol-flow-guard",)
    assert not adoption.project.makefile.env
    told = [each for each in said(adoption, HAZARD) if "in the environment replaces" in each]
    assert told[0].startswith(f"Makefile.toml:{line} ")


def test_flags_of_one_profile_are_left_out_and_said() -> None:
    adoption = adopted(makefile='[env.production]\nRUSTFLAGS = "-Ccontrol-flow-guard"\n')

    assert adoption.project.linker.rustflags == ()
    assert "production" not in adoption.project.makefile.env
    told = [each for each in said(adoption, HAZARD) if "`production` only" in each]
    assert [each.partition(" ")[0] for each in told] == ["Makefile.toml:2"]


def test_what_a_task_of_the_pipeline_has_in_its_env_is_carried_over() -> None:
    adoption = adopted(
        makefile="""\
[tasks.build-driver]
script = ["cargo build %FLAGS%"]
[tasks.build-driver.env]
FLAGS = "--release"
RUST_BACKTRACE = "1"
SOME_PASSWORD = "hunter2horse"
"""
    )

    assert dict(adoption.project.makefile.env) == {"RUST_BACKTRACE": "1"}
    assert adoption.project.profiles["development"].cargo_profile == "release"
    assert any(each.startswith("Makefile.toml:6 ") for each in said(adoption, UNKNOWN))
    assert "hunter2horse" not in f"{adoption.annotated}{adoption.findings}"


@pytest.mark.parametrize(
    ("makefile", "command", "is_seen"),
    [
        ("Makefile.toml", 'cd ..", "cargo build -p hello', True),
        ("Makefile.toml", 'cd ..", "cargo build --release --manifest-path=hello/Cargo.toml', True),
        ("Makefile.toml", "cargo build --manifest-path Cargo.toml", False),
        ("Makefile.toml", "cargo build -p hello", False),
        ("../Makefile.toml", "cargo build -p hello", True),
        ("../Makefile.toml", "cargo build --package=hello", True),
        ("../Makefile.toml", "cargo build --manifest-path hello/Cargo.toml", True),
        ("../Makefile.toml", "cargo build", False),
    ],
)
def test_a_build_from_where_cargo_reads_no_flags_of_the_package_is_a_hazard(
    makefile: str,
    command: str,
    is_seen: bool,
) -> None:
    files = {
        "Cargo.toml": MANIFEST,
        ".cargo/config.toml": LINKED,
        "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
        makefile: f'[tasks.own]\nscript = ["{command}"]\n',
    }

    adoption = propose(Snapshot(files, place=("home", "hello")))

    assert adoption.project.makefile.tasks["own"] == {"dependencies": ("build-driver",)}
    told = [each for each in said(adoption, HAZARD) if "reads no .cargo/config.toml" in each]
    assert [each.partition(" ")[0] for each in told] == [f"{makefile}:2"] * is_seen


def test_a_workspace_whose_tasks_run_in_its_root_builds_from_there() -> None:
    files = {
        "Cargo.toml": MANIFEST,
        ".cargo/config.toml": LINKED,
        "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
        "../Makefile.toml": "[config]\ndefault_to_workspace = false\n"
        '[tasks.all]\nscript = ["cargo build"]\n',
    }

    told = said(propose(Snapshot(files)), HAZARD)

    assert any(each.startswith("../Makefile.toml:4 cargo is run in another") for each in told)


def test_a_build_from_above_reads_the_configuration_that_is_there() -> None:
    files = {
        "Cargo.toml": MANIFEST,
        "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
        "../.cargo/config.toml": LINKED,
        "../Makefile.toml": '[tasks.own]\nscript = ["cargo build -p hello"]\n',
    }

    adoption = propose(Snapshot(files, place=("home", "hello")))

    assert not any("reads no" in each for each in said(adoption, HAZARD))


@pytest.mark.parametrize(
    "command",
    ["cargo build -p client", "cargo build --manifest-path ../client/Cargo.toml", "cargo run"],
)
def test_a_build_of_another_package_is_a_task_of_ones_own(command: str) -> None:
    adoption = adopted(
        makefile=f'[tasks.client]\nscript = ["{command}"]\n'
        f'[tasks.sign]\nscript = [\n"signtool sign /fd sha256 /n A hello.sys",\n"{command}"]\n'
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["client"] == {"script": (command,)}
    assert tasks["sign-after"]["script"] == f"{command}\n"


BLOG = (
    "/NOLOGO /NXCOMPAT /NODEFAULTLIB /SUBSYSTEM:NATIVE /DRIVER /DYNAMICBASE /MANIFEST:NO",
    "/OPT:REF,ICF /ENTRY:driver_entry /MERGE:.edata=.rdata /MERGE:.rustc=.data /INTEGRITYCHECK",
)
KERNEL = (
    "/DRIVER /KERNEL /SUBSYSTEM:NATIVE /ENTRY:driver_entry /NODEFAULTLIB /INTEGRITYCHECK "
    "/DYNAMICBASE /MANIFEST:NO /RELEASE /IGNORE:4257 /IGNORE:4216"
)


@pytest.mark.parametrize(
    ("pre", "post", "keys"),
    [
        (*BLOG, ("blog-2020", "", "", "")),
        (f"{BLOG[0]} /VERSION:1", BLOG[1], ("blog-2020", "/VERSION:1", "", "")),
        (BLOG[0], BLOG[1].removeprefix("/OPT:REF,ICF"), ("blog-2020", "", "", "/OPT:REF,ICF")),
        ("", f"{BLOG[0]} {BLOG[1]}", ("blog-2020", "", "", "")),
        ("", f"{KERNEL} /MAP", ("kernel", "", "/MAP", "")),
        ("/MAP", KERNEL, ("kernel", "/MAP", "", "")),
        ("", "/DRIVER /ENTRY:driver_entry", ("none", "", "/DRIVER /ENTRY:driver_entry", "")),
        ("", KERNEL.replace("/DRIVER", "-driver"), ("kernel", "", "", "")),
    ],
)
def test_the_preset_that_needs_the_least_beside_it_is_taken(
    pre: str, post: str, keys: tuple[str, str, str, str]
) -> None:
    flags = [f"-Zpre-link-arg={each}" for each in pre.split()]
    flags += [f"-Clink-arg={each}" for each in post.split()]

    adoption = adopted(cargo=f"[build]\nrustflags = {flags!r}\n")

    linker = adoption.project.linker
    told = (" ".join(each) for each in (linker.pre_args, linker.args, linker.remove))
    assert (linker.preset, *told) == keys


SIGNING: dict[str, dict[str, object]] = {
    "/s My /n A": {"mode": "certificate", "store": "My", "subject": "A", "timestamp_url": ""},
    "/sm /s My /n CN=A": {"machine_store": True, "subject": "A"},
    "/sha1 00112233445566778899aabbccddeeff00112233": {
        "mode": "certificate",
        "thumbprint": "00112233445566778899AABBCCDDEEFF00112233",
    },
    "/f a.pfx /p %KEY_WORD%": {
        "mode": "certificate",
        "pfx": "a.pfx",
        "pfx_password_env": "KEY_WORD",
    },
    "/n A /fd SHA512 /tr http://t.example.org /td SHA512": {
        "digest": "sha512",
        "timestamp_url": "http://t.example.org",
        "timestamp_protocol": "rfc3161",
    },
    "/n A /t http://t.example.org": {"timestamp_protocol": "authenticode"},
    "/n A /ac one.cer /ac two.cer /ph": {
        "additional_certificates": ("one.cer", "two.cer"),
        "page_hashes": True,
    },
    '/f own.cer /csp \\"A Provider\\" /kc key-1': {
        "mode": "certificate",
        "public_certificate": "own.cer",
        "csp": "A Provider",
        "key_container": "key-1",
        "pfx": "",
    },
    "/f own.cer /csp P /kc [{{correct-horse}}]=key": {"key_container_env": "KEY_CONTAINER"},
    "/f own.cer /csp P /kc %KEY%": {"key_container_env": "KEY", "key_container": ""},
    "/dlib tools\\\\Sign.dll /dmdf meta.json": {
        "mode": "certificate",
        "dlib": "tools/Sign.dll",
        "dmdf": "meta.json",
    },
    "-n A -s My": {"subject": "A", "store": "My"},
}


@pytest.mark.parametrize("switches", SIGNING)
def test_every_switch_of_signtool_has_its_key(switches: str) -> None:
    adoption = adopted(makefile=SIGN.replace("{}", f"{switches} hello.sys"))

    signing = adoption.project.signing
    assert "correct-horse" not in f"{adoption.annotated}{adoption.findings}"
    expected = SIGNING[switches]
    assert {name: getattr(signing, name) for name in expected} == expected


@pytest.mark.parametrize("switch", ["/d Name", "/du http://example.org", "/as", "/td sha384"])
def test_a_switch_without_a_key_is_named(switch: str) -> None:
    adoption = adopted(makefile=SIGN.format(f"/n A /fd sha256 {switch} hello.sys"))

    told = [each for each in said(adoption, DIFFERENCE) if "signtool is given" in each]
    assert told
    assert switch.split(maxsplit=1)[0] in told[0]
    assert told[0].startswith("Makefile.toml:2")


def test_a_command_with_arguments_is_read_as_a_script_is() -> None:
    adoption = adopted(
        makefile="""\
[env]
STORE = "My Store"
[tasks.build-driver]
command = "cargo"
args = ["rustc", "--release", "--", "-Copt-level=3"]
[tasks.sign]
command = "C:/Kits/10.0.22621.0/x64/signtool.exe"
args = ["sign", "/fd", "sha256", "/s", "${STORE}", "/n", "A", "hello.sys"]
"""
    )

    assert adoption.project.signing.store == "My Store"
    assert adoption.project.profiles["development"].cargo_profile == "release"
    assert any("flags for rustc after `--`" in each for each in said(adoption, DIFFERENCE))
    assert any("one version of the kit" in each for each in said(adoption, HAZARD))


def test_a_certificate_of_another_name_is_not_the_one_that_signs() -> None:
    adoption = adopted(
        makefile='[tasks.sign]\nscript = ["makecert -r -ss S -n CN=B b.cer", '
        '"signtool sign /s S /n A hello.sys"]\n'
    )

    assert adoption.project.signing.mode == "certificate"
    assert adoption.project.signing.subject == "A"


def test_powershell_makes_a_certificate_too() -> None:
    adoption = adopted(
        makefile='[tasks.sign]\nscript = ["powershell -File make.ps1", '
        '"signtool sign /fd sha256 /s My /n Test /tr http://t.example.org /td sha256 hello.sys"]\n',
        **{
            "make.ps1": "$made = New-SelfSignedCertificate -Type CodeSigningCert `\n"
            "    -Subject 'CN=Test' -CertStoreLocation Cert:\\LocalMachine\\My\n"
        },
    )

    signing = adoption.project.signing
    assert (signing.mode, signing.store, signing.subject) == ("test", "My", "Test")
    assert signing.machine_store
    assert not said(adoption, UNKNOWN)


def test_each_profile_says_what_differs() -> None:
    project = adopted(
        makefile="""\
[env.development]
WHO = "Test"
[env.production]
WHO = "Release"
FLAGS = "--release"
[env.field]
WHO = "Test"
FLAGS = "--profile field"
[tasks.build-driver]
script = ["cargo build %FLAGS%"]
[tasks.sign]
dependencies = ["build-driver"]
script = ["signtool sign /fd sha256 /s My /n %WHO% hello.sys"]
"""
    ).project

    cargo = {name: profile.cargo_profile for name, profile in project.profiles.items()}
    assert cargo == {"development": "dev", "production": "release", "field": "field"}
    subjects = {name: project.signing_for(name).subject for name in project.profiles}
    assert subjects == {"development": "Test", "production": "Release", "field": "Test"}


def test_on_windows_its_own_table_counts() -> None:
    project = adopted(
        makefile="""\
[tasks.sign]
script = ["osslsigncode sign -in hello.sys"]
[tasks.sign.windows]
script = ["signtool sign /fd sha256 /n A /s My hello.sys"]
"""
    ).project

    assert project.signing.store == "My"
    assert not project.makefile.tasks


def test_a_script_is_read_with_the_words_it_is_called_with() -> None:
    project = adopted(
        makefile='[tasks.sign]\nscript = ["call tools\\\\sign.cmd Store \\"A Name\\""]\n',
        **{"tools/sign.cmd": "@echo off\r\nsigntool sign /fd sha256 /s %1 /n %2 hello.sys\n"},
    ).project

    assert (project.signing.store, project.signing.subject) == ("Store", "A Name")


def test_without_a_makefile_the_script_that_signs_is_read() -> None:
    project = adopted(
        **{
            "sign.cmd": "copy target\\x86_64-pc-windows-msvc\\release\\hello.dll hi.sys\n"
            "signtool sign /fd sha256 /s My /n A hi.sys\n"
        }
    ).project

    assert project.driver.image == "hi.sys"
    assert project.signing.subject == "A"
    assert project.profiles["development"].cargo_profile == "release"


@pytest.mark.parametrize(
    ("move", "name"),
    [
        ("rename hello.dll seen.sys", "seen"),
        ("ren target\\\\hello.dll seen.sys", "seen"),
        ("copy /y hello.dll C:\\\\images\\\\seen.sys", "seen"),
        ("mv hello.dll out/seen.sys", "seen"),
        ('powershell -c \\"Copy-Item hello.dll seen.sys\\"', "seen"),
        ("if exist hello.dll ( move /Y hello.dll seen.sys )", "seen"),
        ("cd target && xcopy /y hello.dll seen.sys", "seen"),
    ],
)
def test_the_images_name_is_what_the_dll_is_renamed_to(move: str, name: str) -> None:
    project = adopted(makefile=f'[tasks.rename]\nscript = ["{move}"]\n').project

    assert project.driver.output_name == name


KIT = """\
fn main() {{
    println!("cargo:rustc-link-search=native={}");
    println!("cargo:rustc-link-lib=dylib=ntoskrnl");
}}
"""


def test_a_kit_that_is_written_out_is_named_by_path_and_version() -> None:
    folder = "C:\\\\Program Files (x86)\\\\Windows Kits\\\\10\\\\Lib\\\\10.0.19041.0\\\\km\\\\x64"

    wdk = adopted(build=KIT.format(folder)).project.wdk

    assert (wdk.locate, wdk.path) == ("path", "C:/Program Files (x86)/Windows Kits/10")
    assert wdk.version == "10.0.19041.0"
    assert wdk.libraries == ("ntoskrnl",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('println!("cargo:rustc-cfg=x");', "`rustc-cfg`"),
        ('println!("cargo::rustc-link-arg={}", more);', "is put together when it runs"),
        ('if wanted() { println!("cargo:rustc-link-arg=/MAP"); }', "depends on a condition"),
        ('#[cfg(x)] { embed::now("x"); }', "calls `embed::now`"),
        ('std::process::Command::new("cl").status();', "uses `process::Command`"),
        ('println!("cargo:rustc-link-search=native=C:/libs");', "look into C:/libs"),
    ],
)
def test_what_a_build_script_does_besides_is_said_with_its_line(line: str, told: str) -> None:
    adoption = adopted(build=f"fn wanted() -> bool {{ true }}\nfn main() {{\n    {line}\n}}\n")

    assert any(each.startswith("build.rs:3 ") and told in each for each in said(adoption, UNKNOWN))


def test_what_only_looks_like_an_argument_is_none() -> None:
    adoption = adopted(
        build="""\
// println!("cargo:rustc-link-arg=/ONE");
/* println!("cargo:rustc-link-arg=/TWO"); /* nested */ "a' */
fn unused() { println!("cargo:rustc-link-arg=/THREE"); }
fn main() {
    let _ = 'a';
    let _ = r#"println!("cargo:rustc-link-arg=/FOUR")"#;
    println!("cargo:rustc-link-arg=/FIVE");
}
"""
    )

    assert adoption.project.linker.args == ("/DRIVER", "/FIVE")
    assert not said(adoption, UNKNOWN)


def test_a_task_of_the_pipeline_whose_name_is_taken_becomes_the_generated_one() -> None:
    adoption = adopted(
        makefile="""\
[tasks.build-driver]
script = ["cargo b"]
[tasks.sign-image]
dependencies = ["build-driver"]
script = ["signtool sign /a /fd sha256 /n Own target/x86_64-pc-windows-msvc/debug/demo.sys"]
[tasks.ship]
dependencies = ["sign-image"]
command = "scp"
"""
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["ship"]["dependencies"] == ("sign",)
    assert "sign-image" not in tasks
    assert "the generated pipeline reserves the name `sign-image`" in str(
        said(adoption, DIFFERENCE)
    )


def test_a_task_whose_name_is_taken_keeps_its_references() -> None:
    makefile = adopted(
        makefile="""\
[env]
DRIVER_HOME = "C:/drivers"
[tasks.start]
script = ["sc start ${DRIVER_HOME}", "echo %DRIVER_HOME% $DRIVER_HOMES"]
[tasks.demo]
dependencies = ["start"]
"""
    ).project.makefile

    assert makefile.tasks["own-start"]["script"] == (
        "sc start ${MY_DRIVER_HOME}",
        "echo %MY_DRIVER_HOME% $DRIVER_HOMES",
    )
    assert makefile.tasks["demo"]["dependencies"] == ("own-start",)
    assert makefile.env["MY_DRIVER_HOME"] == "C:/drivers"


SERVICE = """\
[tasks.build-driver]
script = ["cargo build"]
[tasks.rename]
script = ["copy hello.dll Seen.sys"]
[tasks.load]
dependencies = ["rename", "unload"]
script = '''
@echo off
sc create Seen type= kernel start= system binPath= "C:\\my drivers\\seen.sys"
sc.exe start Seen
'''
[tasks.unload]
script = ["sc stop seen", "sc delete seen"]
ignore_errors = true
[tasks.stop]
command = "sc"
args = ["stop", "Seen"]
[tasks.demo]
dependencies = ["load", "stop"]
"""


def test_tasks_for_the_drivers_own_service_give_way_to_the_generated_ones() -> None:
    adoption = adopted(makefile=SERVICE)

    project = adoption.project
    assert (project.deploy.service, project.deploy.start_type) == ("Seen", "system")
    assert {name: dict(task) for name, task in project.makefile.tasks.items()} == {
        "load": {"dependencies": ("start",)},
        "unload": {"dependencies": ("uninstall",)},
        "demo": {"dependencies": ("load", "stop")},
    }
    told = said(adoption, DIFFERENCE)
    assert any(r"has its image at C:\my drivers\seen.sys" in each for each in told)
    assert any("`load`, `unload`, `stop`" in each for each in said(adoption, EQUIVALENT))
    assert not said(adoption, UNKNOWN)


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("seen.sys", "other.sys"),
        ("seen.sys", "%IMAGE%"),
        ("type= kernel", "type= filesys"),
        ("type= kernel ", ""),
        ("start= system", "start= boot"),
        ("start= system", "DisplayName= Name"),
        ("start= system", "start= system depend= FltMgr"),
        ("sc create Seen", "sc create %NAME%"),
        ("sc create Seen", "if exist x sc create Seen"),
        ("sc create Seen", "del log.txt\nsc create Seen"),
        ('["rename", "unload"]', '["rename", "client"]'),
    ],
)
def test_tasks_that_do_anything_else_are_carried_over(plain: str, other: str) -> None:
    assert plain in SERVICE
    makefile = SERVICE.replace(plain, other) + '[tasks.client]\nscript = ["cargo run"]\n'

    project = adopted(makefile=makefile).project

    assert "sc.exe start Seen" in project.makefile.tasks["load"]["script"]
    is_of_another = "client" in project.makefile.tasks["load"]["dependencies"]
    assert ("own-stop" in project.makefile.tasks) != is_of_another


def test_a_driver_that_was_started_by_default_is_started_by_default() -> None:
    makefile = SERVICE + '[tasks.default]\ndependencies = ["sign", "load"]\n'
    sign = '[tasks.sign]\ndependencies = ["unload"]\nscript = ["signtool sign /n A Seen.sys"]\n'

    adoption = adopted(makefile=makefile + sign)

    default = adoption.project.makefile.tasks["own-default"]
    assert default["dependencies"] == ("sign", "load")
    told = [each for each in said(adoption, DIFFERENCE) if "`sign` depends on" in each]
    assert "`unload`" in told[0]


@pytest.mark.parametrize(
    "task",
    [
        'script = ["signtool sign /f a.pfx /p hunter2horse a.exe"]',
        'command = "signtool"\nargs = ["sign", "/f", "a.pfx", "/p", "hunter2horse", "a.exe"]',
        'script = ["set PASSWORD=hunter2horse", "echo hunter2horse"]',
        "script = '''\npowershell Export-PfxCertificate -Password \"hunter2horse\"\n'''",
        'env = { SECRET = "hunter2horse" }\nscript = ["signtool sign /p hunter2horse a.exe"]',
        'script = ["cargo b -p client && signtool sign /f a.pfx /p hunter2horse a.exe"]',
        'script = ["cargo run -p client -- signtool /p hunter2horse"]',
        'command = "cargo"\nargs = ["run", "-p", "client", "--", "/p", "hunter2horse"]',
        'command = "cargo"\nargs = ["publish", "-p", "client", "--token", "hunter2horse"]',
        'command = "cargo"\nargs = ["publish", "--token=hunter2horse"]',
        'script = ["cargo publish -p client --token hunter2horse"]',
    ],
)
def test_a_password_in_a_task_of_ones_own_becomes_a_variable(task: str) -> None:
    adoption = adopted(makefile=f"[tasks.client]\n{task}\n")

    assert "hunter2horse" not in adoption.annotated
    assert "PFX_PASSWORD" in adoption.text
    assert "hunter2horse" not in "".join(f"{each}" for each in adoption.findings)
    assert any("a password in plain text" in each for each in said(adoption, HAZARD))


@pytest.mark.parametrize(
    "task",
    [
        'command = "cargo"\nargs = ["build", "-p", "client"]',
        'script = ["cargo build -p client", "signtool sign /n A client.exe"]',
    ],
)
def test_a_package_that_cargo_builds_is_no_password(task: str) -> None:
    adoption = adopted(makefile=f"[tasks.client]\n{task}\n")

    assert "PFX_PASSWORD" not in adoption.text
    assert not any("password" in each for each in said(adoption, HAZARD))


def test_what_the_model_does_not_take_is_left_out_and_said() -> None:
    adoption = adopted(
        cargo=LINKED.replace('"-C', '"-Clink-arg=/IMPLIB:x.lib", "-C'),
        makefile='[tasks.odd]\nargs = 7\n[tasks.fine]\nscript = ["echo"]\n',
    )

    assert adoption.project.linker.args == ("/DRIVER",)
    assert list(adoption.project.makefile.tasks) == ["fine"]
    told = said(adoption, DIFFERENCE)
    assert any(each.startswith(".cargo/config.toml:3 ") and "/IMPLIB" in each for each in told)
    assert any(each.startswith("Makefile.toml:2 ") and "args" in each for each in told)


METADATA = '[package.metadata.wdk.driver-model]\ndriver-type = "{}"\n'
WDK_BUILD = "fn main() -> Result<(), wdk_build::ConfigError> {\n    {}\n}\n"
STATIC = '[build]\nrustflags = ["-C", "target-feature=+crt-static"]\n'


def on_wdk_build(
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
def test_wdk_build_goes_on_building_what_it_builds(metadata: str, model: str) -> None:
    adoption = on_wdk_build(
        metadata=metadata + "target-kmdf-version-minor = 33\n",
        makefile='extend = "target/rust-driver-makefile.toml"\n',
    )

    project = adoption.project
    assert (project.wdk.locate, project.wdk.framework_version) == ("wdk-build", "")
    assert (project.driver.model, project.driver.entry) == (model, "DriverEntry")
    assert (project.linker.preset, project.linker.args) == ("none", ())
    assert project.linker.rustflags == ()
    assert project.signing.subject == "WDRLocalTestCert"
    assert any("static runtime" in each for each in said(adoption, EQUIVALENT))
    assert not said(adoption, UNKNOWN)


@pytest.mark.parametrize(
    "call",
    [
        "wdk_build::Config::from_env_auto()?.configure_binary_build()",
        "use wdk_build::Config;\nfn main() { Config::from_env_auto()?.configure_binary_build(); }",
        "use wdk_build::{configure_wdk_binary_build as all, ConfigError};\nfn main() { all(); }",
        "fn main() {\n    use wdk_build::configure_wdk_binary_build as f;\n    f();\n}",
    ],
)
def test_a_call_of_wdk_build_is_known_however_it_is_imported(call: str) -> None:
    adoption = on_wdk_build(call=call)

    assert adoption.project.wdk.locate == "wdk-build"
    assert not said(adoption, UNKNOWN)


def test_a_librarys_build_by_wdk_build_is_no_drivers() -> None:
    adoption = on_wdk_build(call="wdk_build::configure_wdk_library_build()")

    assert adoption.project.wdk.locate != "wdk-build"
    assert any("configure_wdk_library_build" in each for each in said(adoption, UNKNOWN))


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
def test_a_wdk_build_that_the_generated_script_cannot_call_is_named(
    version: str,
    is_too_old: bool,
) -> None:
    adoption = on_wdk_build(version)

    told = [each for each in said(adoption, DIFFERENCE) if "does not compile" in each]
    assert bool(told) == is_too_old
    assert all(each.startswith("Cargo.toml:9 ") for each in told)


def test_the_version_and_the_model_may_stand_in_the_workspace() -> None:
    adoption = on_wdk_build(
        "{ workspace = true }",
        metadata="",
        **{
            "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n'
            '[workspace.metadata.wdk.driver-model]\ndriver-type = "KMDF"\n'
            '[workspace.dependencies]\nwdk-build = "0.2"\n'
        },
    )

    assert adoption.project.driver.model == "kmdf"
    told = [each for each in said(adoption, DIFFERENCE) if "does not compile" in each]
    assert [each.partition(" ")[0] for each in told] == ["../Cargo.toml:6"]


def test_a_driver_model_in_the_build_script_has_to_move_to_the_metadata() -> None:
    adoption = on_wdk_build(
        '"0.2"',
        "use wdk_build::{Config, DriverConfig, KMDFConfig};\nfn main() {\n    Config {\n"
        "        driver_config: DriverConfig::KMDF(KMDFConfig::new()),\n"
        "        ..Config::default()\n    }\n    .configure_binary_build();\n}\n",
        metadata="",
    )

    assert adoption.project.driver.model == "kmdf"
    assert any("names the driver model" in each for each in said(adoption, DIFFERENCE))
    assert not said(adoption, UNKNOWN)


def test_what_else_the_linker_is_told_beside_wdk_build_is_kept() -> None:
    adoption = on_wdk_build(
        cargo='[build]\nrustflags = ["-Ctarget-feature=+crt-static", "-Clink-arg=/FORCE", '
        '"-Clink-arg=/ENTRY:other"]\n',
        call='println!("cargo:rustc-link-lib=fltmgr"); wdk_build::configure_wdk_binary_build()',
    )

    assert adoption.project.linker.args == ("/FORCE",)
    assert adoption.project.driver.entry == "DriverEntry"
    told = said(adoption, DIFFERENCE)
    assert any("links `fltmgr`, and leaves the kit to wdk-build" in each for each in told)
    assert any("wdk-build already sets the entry point" in each for each in told)


def test_wdk_build_makes_no_driver_for_i686() -> None:
    both = '[build]\ntarget = ["i686-pc-windows-msvc", "aarch64-pc-windows-msvc"]\n'

    adoption = on_wdk_build(cargo=both)

    assert adoption.project.driver.triples == ("aarch64-pc-windows-msvc",)
    assert any("no target wdk-build makes" in each for each in said(adoption, DIFFERENCE))
    with pytest.raises(kdrvgen.ConfigError, match="wdk-build makes no drivers of that"):
        on_wdk_build(cargo='[build]\ntarget = "i686-pc-windows-msvc"\n')


def test_what_depends_on_a_task_of_wdk_builds_makefile_depends_on_ours() -> None:
    adoption = on_wdk_build(
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
    told = said(adoption, DIFFERENCE)
    assert any("depends on `inf2cat`, which is wdk-build's own" in each for each in told)
    assert any(each.startswith("Makefile.toml:5 `infverif` changes a task") for each in told)
    assert any(each.startswith("Makefile.toml:1 ") and "end with it" in each for each in told)


def test_a_snapshot_is_all_that_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the disk was looked at")

    adopted()  # templates are read once
    monkeypatch.setattr("os.stat", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert isinstance(adopted().project, kdrvgen.Project)
