"""`[package]`: steps of a project that make INF, catalog and package, and that install them."""

from __future__ import annotations

from typing import Any

import pytest

from kdrvgen.adopt import Adoption, Snapshot
from kdrvgen.adopt import adopt as propose
from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, UNKNOWN
from tests.adopt.support import LINKED, MANIFEST, adopted, messages

STAMP = "stampinf -f dist\\hello.inf -d 03/04/2026 -a amd64 -c hello.cat -v 1.2.3.4"
CATALOG = "inf2cat /driver:dist /os:10_X64"
SIGN = "signtool sign /fd sha256 /n A target\\x86_64-pc-windows-msvc\\debug\\hello.sys"
SIGN_CATALOG = "signtool sign /fd sha256 /n A dist\\hello.cat"
COPY = "copy hello.inx dist\\hello.inf"
PACKAGE = (COPY, STAMP, CATALOG, SIGN_CATALOG)
MAKING = f"""\
[tasks.make]
script = ['cargo build', 'copy hello.dll target\\x86_64-pc-windows-msvc\\debug\\hello.sys']
[tasks.sign]
dependencies = ["make"]
script = ['{SIGN}']
"""


def task(name: str, *lines: str, dependencies: str = '["sign"]') -> str:
    script = "\n".join(lines)
    return f"[tasks.{name}]\ndependencies = {dependencies}\nscript = '''\n{script}\n'''\n"


def packaged(*lines: str, more: str = "", name: str = "dist", **files: str) -> Adoption:
    """Adopt a project with a task that runs the given commands after signing."""
    return adopted(makefile=MAKING + task(name, *(lines or PACKAGE)) + more, **files)


def replaced(old: str, new: str, **files: str) -> Adoption:
    """Adopt a project whose commands for the package have another text in one place."""
    assert any(old in line for line in PACKAGE)
    return packaged(*(line.replace(old, new) for line in PACKAGE), **files)


def tasks_of(adoption: Adoption) -> dict[str, dict[str, Any]]:
    return {name: dict(each) for name, each in adoption.project.makefile.tasks.items()}


def hooks_of(adoption: Adoption) -> dict[str, tuple[str, ...]]:
    hooks = adoption.project.makefile.hooks.model_dump()
    return {point: names for point, names in hooks.items() if names}


def differences(adoption: Adoption) -> str:
    return "\n".join(messages(adoption, DIFFERENCE))


def test_the_task_package_replaces_the_steps() -> None:
    adoption = packaged()

    package = adoption.project.package
    assert (package.inx, package.version, package.date) == ("hello.inx", "1.2.3.4", "2026-03-04")
    assert (package.operating_systems, package.extra_files) == (("10_X64",), ())
    assert tasks_of(adoption)["dist"] == {"dependencies": ("package",)}
    assert not hooks_of(adoption)
    assert not messages(adoption, UNKNOWN)
    assert "stampinf" not in differences(adoption)
    assert any(
        "Makefile.toml:10 the project makes" in each for each in messages(adoption, EQUIVALENT)
    )


@pytest.mark.parametrize(
    ("argument", "version", "reported"),
    [
        ("-v 1.2.3.4", "1.2.3.4", ""),
        ("-v 1.2", "1.2.0.0", ""),
        ("-v *", None, "Makefile.toml:10 stampinf gets the version of the INF from the time"),
        ("", None, "Makefile.toml:10 stampinf gets the version of the INF from the time"),
        ("-v %RELEASE%", None, "stampinf gets the version of the INF as `%RELEASE%`"),
        ("-v ${CARGO_MAKE_CRATE_VERSION}.0", None, ""),
        ("-v 1.2.3.99999", None, "does not accept this `package.version`"),
    ],
)
def test_the_version_of_the_inf(argument: str, version: str | None, reported: str) -> None:
    adoption = replaced("-v 1.2.3.4", argument)

    assert adoption.project.package.version == version
    assert reported in differences(adoption)
    assert bool(reported) == ("version" in differences(adoption))


@pytest.mark.parametrize(
    ("argument", "date", "reported"),
    [
        ("-d 03/04/2026", "2026-03-04", False),
        ("-d *", None, False),
        ("", None, False),
        ("-d 2026-03-04", None, True),
        ("-d 13/04/2026", None, True),
    ],
)
def test_the_date_of_the_inf(argument: str, date: str | None, *, reported: bool) -> None:
    adoption = replaced("-d 03/04/2026", argument)

    assert adoption.project.package.date == date
    assert ("stampinf gets the date" in differences(adoption)) == reported


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ("-a amd64", "-a arm64", "the architecture `arm64`, which is not that of a target"),
        ("-c hello.cat", "-c other.cat", "Makefile.toml:10 the catalog is named other.cat"),
        ("-c hello.cat", "-c hello.cat -x -y", "`[package]` has no key for `/x`, `/y` of stampinf"),
        ("/os:10_X64", "/os:10_X64 /nocat", "Makefile.toml:11 `[package]` has no key for `/nocat`"),
        ("-v 1.2.3.4", "-v 1.2.3.4 -k 1.15", "stampinf gets the version 1.15 of KMDF"),
        ("/n A", "/n B", "Makefile.toml:12 the catalog is signed otherwise than the image: "),
        ("/n A", "/n A /ph", "than the image: `signing.page-hashes`"),
        ("dist\\hello.cat", "dist\\other.exe", "no task signs the catalog"),
    ],
)
def test_what_the_generated_package_has_otherwise_is_named(
    old: str, new: str, reported: str
) -> None:
    assert reported not in differences(packaged())
    assert reported in differences(replaced(old, new))


def test_an_inf_with_another_name_is_named() -> None:
    adoption = packaged(
        "copy other.inx dist\\other.inf", "stampinf -f dist\\other.inf -v 1.0", CATALOG
    )

    assert adoption.project.package.inx == "other.inx"
    assert "the INF of the package is named other.inf" in differences(adoption)


def test_the_framework_that_stampinf_gets_is_that_of_the_driver() -> None:
    linked = LINKED.replace('DRIVER"', 'DRIVER", "-Clink-arg=/ENTRY:FxDriverEntry"')

    adoption = replaced("-v 1.2.3.4", "-v 1.2.3.4 -k 1.31", cargo=linked)

    assert adoption.project.wdk.framework_version == "1.31"
    assert "of KMDF" not in differences(adoption)


def test_switches_of_infverif_are_named() -> None:
    plain, other = (
        packaged(*PACKAGE, f"infverif {switch} dist\\hello.inf") for switch in ("/w /v", "/msft")
    )

    assert "infverif" not in differences(plain)
    assert "Makefile.toml:13 `[package]` has no key for `/msft` of infverif" in differences(other)
    assert tasks_of(other)["dist"] == {"dependencies": ("package",)}


def test_a_project_that_signs_only_the_catalog() -> None:
    makefile = "[tasks.make]\nscript = ['cargo build', 'copy hello.dll dist\\hello.sys']\n"

    adoption = adopted(makefile=makefile + task("dist", *PACKAGE, dependencies='["make"]'))

    assert adoption.project.signing.subject == "A"
    assert "the project signs the catalog, but not the image" in differences(adoption)


def test_one_call_that_signs_image_catalog_and_program() -> None:
    adoption = adopted(
        makefile="[tasks.sign]\nscript = ['signtool sign /fd sha256 /n A hello.sys dist\\hello.cat "
        "tool.exe']\n" + task("dist", COPY, STAMP, CATALOG)
    )

    assert tasks_of(adoption)["sign-after"]["script"] == "signtool sign /fd sha256 /n A tool.exe\n"
    assert "signed otherwise" not in differences(adoption)
    assert "`sign` also makes the driver package" in differences(adoption)


def test_commands_around_the_package_keep_their_order() -> None:
    adoption = adopted(
        makefile=task(
            "release",
            "first",
            "cargo build",
            "copy hello.dll hello.sys",
            "second",
            "signtool sign /fd sha256 /n A hello.sys",
            "third",
            *PACKAGE[:2],
            "fourth",
            *PACKAGE[2:],
            "fifth",
            dependencies="[]",
        )
    )

    tasks, hooks = tasks_of(adoption), hooks_of(adoption)
    assert {point: [tasks[name]["script"] for name in names] for point, names in hooks.items()} == {
        "before_build": ["first\n"],
        "after_build": ["second\n"],
        "after_sign": ["third\n"],
        "before_package": ["fourth\n"],
        "after_package": ["fifth\n"],
    }
    assert tasks["release"] == {"dependencies": ("package",)}


def test_a_task_for_the_package_runs_its_last_commands_itself() -> None:
    adoption = packaged("early", *PACKAGE, "upload dist\\hello.cat")

    tasks = tasks_of(adoption)
    assert hooks_of(adoption) == {"before_package": ("dist-before",)}
    assert tasks["dist"] == {"dependencies": ("package", "dist-after")}
    assert tasks["dist-after"]["script"] == 'upload "%DRIVER_PACKAGE:/=\\%\\hello.cat"\n'
    assert any(
        "Makefile.toml:14 `dist` does more" in each for each in messages(adoption, EQUIVALENT)
    )


def test_the_last_commands_of_a_task_named_package_are_a_hook() -> None:
    adoption = packaged(*PACKAGE, "upload", name="package")

    assert hooks_of(adoption) == {"after_package": ("package-after",)}
    assert "package" not in tasks_of(adoption)


def test_dependencies_of_the_package_run_before_it() -> None:
    adoption = adopted(
        makefile=f"{MAKING}[tasks.firmware]\ncommand = 'make'\n"
        + task("dist", *PACKAGE, dependencies='["sign", "firmware"]')
        + task("ship", "upload", dependencies='["dist"]')
    )

    assert hooks_of(adoption) == {"before_package": ("firmware",)}
    assert tasks_of(adoption)["ship"]["dependencies"] == ("dist",)


def test_files_that_are_copied_beside_become_extra_files() -> None:
    adoption = packaged(
        *PACKAGE[:2],
        "if not exist dist mkdir dist",
        "del dist\\old.txt",
        "copy /y target\\hello.pdb dist",
        "copy certificates\\root.cer dist",
        "xcopy /y firmware\\hello.bin dist\\",
        "cp notes.txt firmware/hello.bin dist",
        *PACKAGE[2:],
    )

    assert adoption.project.package.extra_files == ("firmware/hello.bin", "notes.txt")
    assert tasks_of(adoption)["dist"] == {"dependencies": ("package",)}
    assert not messages(adoption, UNKNOWN)


@pytest.mark.parametrize(
    "line",
    [
        "copy firmware\\*.bin dist",
        "copy ..\\firmware\\a.bin dist",
        "copy C:\\firmware\\a.bin dist",
        "copy %FIRMWARE%\\a.bin dist",
        "copy firmware\\a.bin X:\\",
        "for %%f in (a b) do copy %%f dist",
        "for %%f in (*.inf) do copy firmware\\a.bin dist",
        "copy target\\tool.sys other",
    ],
)
def test_a_copy_that_no_key_expresses_stays_a_task(line: str) -> None:
    adoption = packaged(*PACKAGE[:2], line, *PACKAGE[2:])

    assert adoption.project.package.extra_files == ()
    assert hooks_of(adoption) == {"before_package": ("dist-before-package",)}
    script = str(tasks_of(adoption)["dist-before-package"]["script"])
    assert script.split(maxsplit=1)[0] == line.split(maxsplit=1)[0]


def test_a_task_that_only_deletes_the_package_is_copied() -> None:
    adoption = packaged(more="[tasks.tidy]\nscript = ['rmdir /s /q dist', 'del dist\\x.inf']\n")

    assert tasks_of(adoption)["tidy"] == {
        "script": ('rmdir /s /q "%DRIVER_PACKAGE:/=\\%"', 'del "%DRIVER_PACKAGE:/=\\%\\x.inf"')
    }


def test_a_program_in_the_folder_of_the_package_is_found() -> None:
    more = "[tasks.a]\nscript = ['dist\\setup.exe /x', '  dist x']\n"

    assert tasks_of(packaged(more=more))["a"]["script"] == (
        '"%DRIVER_PACKAGE:/=\\%\\setup.exe" /x',
        "  dist x",
    )


def test_a_folder_with_a_variable_is_replaced_too() -> None:
    lines = [line.replace("dist", "%OUT_DIR%\\dist") for line in PACKAGE]

    adoption = packaged(*lines, more=task("ship", "copy %OUT_DIR%\\dist\\hello.cat X:"))

    assert tasks_of(adoption)["dist"] == {"dependencies": ("package",)}
    assert tasks_of(adoption)["ship"]["script"] == 'copy "%DRIVER_PACKAGE:/=\\%\\hello.cat" X:\n'


def test_words_that_only_resemble_the_folder_of_the_package_stay() -> None:
    more = "[tasks.a]\nscript = ['dist', 'x my-dist dist.txt dist2', 'y other\\dist']\n"

    assert tasks_of(packaged(more=more))["a"]["script"] == (
        "dist",
        "x my-dist dist.txt dist2",
        "y other\\dist",
    )


def test_an_image_in_the_folder_of_the_package_moves_with_it() -> None:
    makefile = "[tasks.sign]\nscript = ['cargo build', 'copy hello.dll dist\\hello.sys',"
    makefile += " 'signtool sign /fd sha256 /n A dist\\hello.sys']\n"

    adoption = adopted(
        makefile=makefile
        + task("dist", *PACKAGE)
        + task("ship", "copy dist\\hello.cat X:", "copy dist\\hello.sys X:", dependencies="[]")
    )

    assert adoption.project.driver.output_dir is None
    assert tasks_of(adoption)["ship"]["script"] == (
        'copy "%DRIVER_PACKAGE:/=\\%\\hello.cat" X:\ncopy "%DRIVER_PATH:/=\\%" X:\n'
    )


POWERSHELL = """\
New-Item -ItemType Directory dist
Copy-Item -Path hello.inx -Destination dist/hello.inf
& stampinf -f dist/hello.inf -v 7.6.5.4 `
    -d *
& inf2cat /driver:dist /os:10_X64
Write-Host "done"
"""
SHELL = """\
#!/bin/sh
mkdir -p dist
cp hello.inx dist/hello.inf
stampinf -f dist/hello.inf -v 7.6.5.4 -d '*'
inf2cat /driver:dist /os:10_X64
"""


@pytest.mark.parametrize(
    ("file", "line", "text", "call"),
    [
        ("make.ps1", 3, POWERSHELL, "powershell -File make.ps1"),
        ("make.sh", 4, SHELL, "make.sh"),
        ("make.bat", 2, "\n".join(PACKAGE).replace("1.2.3.4", "7.6.5.4"), "make.bat"),
    ],
)
def test_scripts_that_tasks_call(file: str, line: int, text: str, call: str) -> None:
    adoption = packaged(call, **{file: text})

    package = adoption.project.package
    assert (package.inx, package.version) == ("hello.inx", "7.6.5.4")
    assert tasks_of(adoption)["dist"] == {"dependencies": ("package",)}
    assert not messages(adoption, UNKNOWN)
    assert f"{file}:{line} the project makes" in str(messages(adoption, EQUIVALENT))


def test_a_script_without_a_makefile() -> None:
    adoption = adopted(**{"make.bat": "\n".join(PACKAGE)})

    assert adoption.project.package.version == "1.2.3.4"


def test_an_inf_that_no_tool_stamps() -> None:
    adoption = packaged("copy hello.inf dist", CATALOG, SIGN_CATALOG)

    assert adoption.project.package.inx == "hello.inf"
    assert "Makefile.toml:9 no task stamps the INF" in differences(adoption)


def test_without_an_inf_of_the_project_the_tasks_are_copied() -> None:
    adoption = packaged(CATALOG, SIGN_CATALOG)

    assert not adoption.project.package.is_described
    assert tasks_of(adoption)["dist"]["script"] == f"{CATALOG}\n{SIGN_CATALOG}\n"


def test_tools_that_are_named_by_a_variable() -> None:
    lines = [
        line.replace("stampinf", "%STAMPINF_PATH%").replace("inf2cat", '"%Inf2Cat%"')
        for line in PACKAGE
    ]

    adoption = packaged(*lines)

    assert adoption.project.package.version == "1.2.3.4"
    assert tasks_of(adoption)["dist"] == {"dependencies": ("package",)}


def test_a_default_task_that_makes_the_package_keeps_doing_it() -> None:
    more = "[tasks.default]\ndependencies = ['sign', 'dist']\n"

    adoption = packaged(more=more)

    assert tasks_of(adoption)["own-default"] == {"dependencies": ("sign", "dist")}
    assert "yours is renamed to `own-default`" in str(
        [each.help for each in adoption.findings if each.rule == DIFFERENCE]
    )


@pytest.mark.parametrize(
    ("inx", "proposed"), [("driver\\hello.inx", "hello.inx"), ("other\\hello.inx", None)]
)
def test_tasks_that_run_in_the_root_of_the_workspace(inx: str, proposed: str | None) -> None:
    lines = [line.replace("copy hello.inx", f"copy {inx}") for line in PACKAGE]
    files = {
        "Cargo.toml": MANIFEST,
        ".cargo/config.toml": LINKED,
        "../Cargo.toml": "[workspace]\nmembers = ['driver']\n",
        "../Makefile.toml": "[config]\ndefault_to_workspace = false\n"
        + MAKING
        + task("dist", *lines, "copy driver\\a.bin dist"),
    }

    adoption = propose(Snapshot(files, place=("home", "driver")))

    assert adoption.project.package.inx == proposed
    assert adoption.project.package.extra_files == (("a.bin",) if proposed else ())
    assert ("script" in tasks_of(adoption)["dist"]) == (proposed is None)


@pytest.mark.parametrize(
    ("old", "development", "production", "reported"),
    [
        ("1.2.3.4", "1.2.3.4", "2.0.0.0", True),
        ("10_X64", "10_X64", "10_NI_X64", True),
        ("/n A dist", "/n A dist", "/n A /ph dist", True),
        ("dist", "debug", "release", False),
        ("hello.inx", "hello.inx", "hello.inx", False),
    ],
)
def test_a_profile_with_another_package_is_named(
    old: str, development: str, production: str, *, reported: bool
) -> None:
    profiles = f"[env.development]\nX = '{development}'\n[env.production]\nX = '{production}'\n"

    adoption = packaged(*(line.replace(old, "%X%") for line in PACKAGE), more=profiles)

    assert adoption.project.package.inx == "hello.inx"
    assert ("profile `production` makes the package" in differences(adoption)) == reported
    assert "profile `development`" not in differences(adoption)


def test_a_name_that_the_generated_package_needs_is_changed() -> None:
    more = "[tasks.package]\ncommand = 'zip'\n[tasks.all]\ndependencies = ['package', 'dist']\n"

    tasks = tasks_of(packaged(more=more))

    assert tasks["own-package"] == {"command": "zip"}
    assert tasks["all"]["dependencies"] == ("own-package", "dist")
    assert "package" in tasks_of(adopted(makefile=MAKING + more.replace(", 'dist'", "")))


def test_makecab_is_named() -> None:
    adoption = packaged(*PACKAGE, "makecab /f hello.ddf")

    assert tasks_of(adoption)["dist-after"]["script"] == "makecab /f hello.ddf\n"
    assert "Makefile.toml:13 makecab packs files from the folder" in differences(adoption)


# Installing


@pytest.mark.parametrize(
    ("line", "replacement"),
    [
        ("pnputil /add-driver dist\\hello.inf /install", "install-package"),
        ("pnputil.exe -i -a dist\\hello.inf", "install-package"),
        ("devcon install dist\\hello.inf Root\\hello", "install-package"),
        ("devcon update dist\\hello.inf Root\\hello", "install-package"),
        (
            "rundll32 setupapi.dll,InstallHinfSection DefaultInstall 132 dist\\hello.inf",
            "install-package",
        ),
        (
            "rundll32 setupapi.dll,InstallHinfSection DefaultUninstall 132 dist\\hello.inf",
            "uninstall-package",
        ),
        ("pnputil /delete-driver oem12.inf /uninstall /force", "uninstall-package"),
        ("pnputil /delete-driver hello.inf", "uninstall-package"),
        ("pnputil /add-driver dist\\hello.inf", ""),
        ("pnputil /add-driver dist\\other.inf /install", ""),
        ("pnputil /add-driver dist\\hello.inf /install /reboot", ""),
        ("pnputil /delete-driver other.inf", ""),
        ("pnputil /enum-drivers", ""),
        ("devcon restart dist\\hello.inf", ""),
        ("if exist x pnputil /add-driver dist\\hello.inf /install", ""),
    ],
)
def test_tasks_that_install_the_package(line: str, replacement: str) -> None:
    adoption = packaged(more=task("try", line, "echo ok", dependencies='["dist"]'))

    task_of_project = tasks_of(adoption)["try"]
    if replacement:
        assert task_of_project == {"dependencies": ("dist", replacement)}
        assert any("`try`" in each for each in messages(adoption, EQUIVALENT))
    else:
        assert line.split(maxsplit=1)[0] in str(task_of_project["script"])
    assert ("that one machine gave" in differences(adoption)) == ("oem12" in line)
    assert ("name that one machine" in differences(adoption)) == ("oem12" in line)


def test_a_task_that_does_more_than_install_is_copied() -> None:
    install = "pnputil /add-driver dist\\hello.inf /install"
    adoption = packaged(
        more=task("a", install, "shutdown /r")
        + task("b", install, "pnputil /delete-driver oem1.inf")
        + task("c", install, dependencies='["a"]')
    )

    assert all("script" in tasks_of(adoption)[name] for name in "abc")


def test_without_a_package_an_installation_is_copied() -> None:
    adoption = adopted(makefile=MAKING + task("try", "pnputil /add-driver hello.inf /install"))

    assert "pnputil" in str(tasks_of(adoption)["try"]["script"])


def test_an_installation_in_a_script_that_a_task_calls() -> None:
    lines = {
        "a.bat": "@echo off\npnputil /add-driver dist\\hello.inf /install\n",
        "b.bat": "rundll32 setupapi.dll,InstallHinfSection DefaultUninstall 132 dist\\hello.inf\n",
    }

    adoption = packaged(more=task("a", "a.bat") + task("b", "b.bat"), **lines)

    assert tasks_of(adoption)["a"] == {"dependencies": ("install-package",)}
    assert tasks_of(adoption)["b"] == {"dependencies": ("uninstall-package",)}


def test_a_service_in_a_script_without_a_makefile() -> None:
    script = 'sc create helper type= kernel binPath= "C:\\x\\hello.sys"\nsc start helper\n'

    assert adopted(**{"load.bat": script}).project.deploy.service == "helper"


def test_services_in_scripts_that_tasks_call() -> None:
    scripts = {
        "load.bat": "@echo off\nsc create hello type= kernel binPath= %CD%\\hello.sys\n"
        "sc start hello\n",
        "unload.cmd": "sc stop hello\nsc delete hello\n",
        "other.bat": "sc start hello\nnotify\n",
    }
    adoption = adopted(
        makefile=MAKING
        + "".join(task(name, f"call {name}.bat") for name in ("load", "other"))
        + task("unload", "call unload.cmd"),
        **scripts,
    )

    tasks = tasks_of(adoption)
    assert adoption.project.deploy.service == "hello"
    assert tasks["load"] == {"dependencies": ("start",)}
    assert tasks["unload"] == {"dependencies": ("uninstall",)}
    assert tasks["other"]["script"] == "call other.bat\n"


def test_a_script_that_uses_the_old_folder_is_named() -> None:
    image = "target\\x86_64-pc-windows-msvc\\debug\\hello.sys"
    adoption = packaged(
        more=task("a", "call a.bat") + task("b", "call b.bat") + task("c", "call c.bat"),
        **{
            "a.bat": f"scp {image} lab:\n",
            "b.bat": "scp dist\\hello.inf lab:\n",
            "c.bat": "scp my-dist\\hello.inf lab:\n",
        },
    )

    assert [
        each.partition(",")[0] for each in messages(adoption, DIFFERENCE) if "script" in each
    ] == [
        "a.bat the script uses target/x86_64-pc-windows-msvc/debug",
        "b.bat the script uses dist",
    ]


# wdk-build

METADATA = """\
[package.metadata.wdk.driver-model]
driver-type = "KMDF"
kmdf-version-major = 1
target-kmdf-version-minor = 31
[build-dependencies]
wdk-build = "0.5"
"""
BUILD = "fn main() { wdk_build::configure_wdk_binary_build().unwrap() }\n"
EXTENDED = 'extend = "target/rust-driver-makefile.toml"\n'
# The tasks of rust-driver-makefile.toml in each version.
ALWAYS = (
    "copy-inx-to-output stampinf infverif copy-pdb-to-package copy-inf-to-package inf2cat "
    "generate-certificate copy-certificate-to-package signtool-sign sign-cat signtool-verify "
    "verify-signature-cat package-driver package-driver-flow"
)
SINCE_3 = (
    f"{ALWAYS} generate-driver-binary-file copy-driver-binary-to-package sign-driver-binary "
    "verify-signature-driver-binary"
)
VERSIONS = {
    "0.2": f"{ALWAYS} generate-sys-file copy-sys-to-package copy-map-to-package sign-sys "
    "verify-signature-sys",
    "0.3": f"{SINCE_3} copy-map-to-package",
    "0.5": f"{SINCE_3} copy-map-to-package",
    "0.6": SINCE_3,
}


def with_wdk_build(makefile: str, *, has_inx: bool = True, readme: str = "") -> Adoption:
    given = {
        "Cargo.toml": MANIFEST + METADATA,
        "build.rs": BUILD,
        "Makefile.toml": EXTENDED + makefile,
        "README.md": readme,
    }
    return propose(Snapshot(given, infs=frozenset({"hello.inx"}) if has_inx else frozenset()))


@pytest.mark.parametrize("version", VERSIONS)
def test_tasks_of_every_version_of_wdk_build_have_a_generated_one(version: str) -> None:
    names = VERSIONS[version].split()
    adoption = with_wdk_build(f"[tasks.mine]\ndependencies = {names}\n")

    dependencies = tasks_of(adoption)["mine"]["dependencies"]
    assert dependencies[names.index("package-driver-flow")] == "package"
    assert len(dependencies) == len(names)
    assert "is a task of wdk-build" not in differences(adoption)


def test_the_inx_of_a_project_with_wdk_build_is_its_package() -> None:
    with_inx, without = (with_wdk_build("", has_inx=has_inx) for has_inx in (True, False))

    assert with_inx.project.package.inx == "hello.inx"
    assert "run" not in differences(with_inx)
    assert "in which `cargo make` makes the driver package" in differences(with_inx)
    assert not without.project.package.is_described


def test_arguments_that_replace_those_of_wdk_build_are_read() -> None:
    adoption = with_wdk_build(
        '[tasks.stampinf]\nargs = ["-f", "${WDK_BUILD_OUTPUT_DIRECTORY}/hello.inf", '
        '"-v", "4.3.2.1"]\n[tasks.inf2cat]\nargs = ["/driver:x", "/os:10_NI_X64"]\n'
        '[tasks.signtool-sign]\nargs = ["sign", "/fd", "SHA256", "/n", "Mine", "/s", "My", '
        '"${WDK_BUILD_SIGNTOOL_SIGN_INPUT_FILE}"]\n'
    )

    project = adoption.project
    assert (project.package.version, project.package.operating_systems) == (
        "4.3.2.1",
        ("10_NI_X64",),
    )
    assert (project.signing.subject, project.signing.store) == ("Mine", "My")
    assert not messages(adoption, UNKNOWN)


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("cargo make default --release", "--profile production package`"),
        ("cargo +nightly make default", "write `cargo make package`"),
        ("`cargo make`", "write `cargo make package`"),
        ("cargo make default --profile release", "--profile production package`"),
        ("cargo make default --target=aarch64-pc-windows-msvc", "-e DRIVER_TARGET=aarch64-pc-wi"),
        ("cargo make default --features a,b", "`--features a,b` belongs into `[build]`"),
        ("cargo make default -r --locked -j 4", "production package`; `--locked` belongs into `["),
        ("makers sign-cat", "write `cargo make package`"),
        ("cargo make --makefile other/Driver.toml mine", "write `cargo make mine`"),
        ("cargo make --makefile other/Makefile.toml mine", ""),
        ("cargo make -p lab mine", "with `[profiles.lab]` in config.toml"),
        ("cargo make -p production mine", ""),
        ("cargo make mine", ""),
        ("Run cargo make to build.", ""),
        ("cargo makeover sign-cat", ""),
        ("cargo make sign-cat --token hunter2", "write `cargo make package`"),
    ],
)
def test_calls_in_the_readme_that_change_are_named(text: str, reported: str) -> None:
    adoption = with_wdk_build("[tasks.mine]\ncommand = 'x'\n", readme=f"# hello\n{text}\n")

    found = [each for each in adoption.findings if "README" in each.file]
    assert len(found) == bool(reported)
    for finding in found:
        assert (str(finding.place), finding.rule) == ("README.md:2", DIFFERENCE)
        assert reported in finding.help
        assert "hunter2" not in finding.message + finding.help


def test_only_the_first_calls_of_a_readme_are_named() -> None:
    adoption = with_wdk_build("", readme="cargo make sign-cat\n" * 10_000 + "x" * 1_000_000)

    assert len([each for each in adoption.findings if "README" in each.file]) == 200


@pytest.mark.parametrize("option", ["--profile", "-p"])
def test_a_profile_after_the_task_is_named(option: str) -> None:
    readme = f"cargo make make {option} production\ncargo make make -x\n"

    found = [each for each in packaged(**{"README.md": readme}).findings if "README" in each.file]

    assert [(str(each.place), each.help) for each in found] == [
        ("README.md:1", "write `cargo make --profile production make`")
    ]


def test_calls_of_other_projects_are_not_named() -> None:
    calls = "cargo make build-all\ncargo make default --release\ncargo make sign\n"

    adoption = packaged(**{"README.md": calls, ".github/workflows/ci.yml": calls, "a.md": calls})

    assert [each for each in messages(adoption, DIFFERENCE) if "cargo make" in each] == []


@pytest.mark.parametrize(
    ("value", "systems"),
    [
        ("'10_NI_X64'", ("10_NI_X64",)),
        (
            (
                "{ source = '${CARGO_MAKE_CRATE_TARGET_TRIPLE}', default_value = 'x', "
                "mapping = { x86_64-pc-windows-msvc = '10_CO_X64' } }"
            ),
            ("10_CO_X64",),
        ),
        ("{ script = ['echo 10_X64'] }", ()),
    ],
)
def test_the_systems_of_inf2cat_may_be_a_variable_of_the_task(
    value: str, systems: tuple[str, ...]
) -> None:
    adoption = with_wdk_build(
        f"[tasks.inf2cat]\nenv = {{ SYSTEMS = {value} }}\n"
        'args = ["/driver:x", "/os:${SYSTEMS}"]\n'
    )

    assert adoption.project.package.operating_systems == systems
    assert ("only a run shows its value" in differences(adoption)) is not bool(systems)
