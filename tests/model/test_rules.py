"""Rules between keys: the key to blame, the keys that contribute, and the combined report."""

from __future__ import annotations

import pytest

from .support import also, dotted, is_accepted, project, refusal, refusals


def test_target_and_targets_exclude_each_other() -> None:
    x64 = "x86_64-pc-windows-msvc"
    line = refusal(driver=f'target = "{x64}"\ntargets = ["{x64}"]')
    assert (dotted(line), also(line)) == ("driver.target", {"driver.targets"})


@pytest.mark.parametrize("model", ["kmdf", "umdf"])
def test_another_entry_point_is_refused_for_a_framework_driver(model: str) -> None:
    line = refusal(driver=f'model = "{model}"\nentry-point = "driver_entry"')
    assert (dotted(line), also(line)) == ("driver.entry-point", {"driver.model"})
    assert is_accepted(driver=f'model = "{model}"\nentry-point = "DriverEntry"')


@pytest.mark.parametrize("channel", ["stable", "beta", "1.84.0"])
def test_build_std_needs_a_nightly_channel(channel: str) -> None:
    line = refusal(f'[toolchain]\nchannel = "{channel}"\nbuild-std = ["core"]')
    assert (dotted(line), also(line)) == ("toolchain.build-std", {"toolchain.channel"})


@pytest.mark.parametrize("channel", ["nightly", "nightly-2024-05-01"])
def test_build_std_is_fine_on_nightly(channel: str) -> None:
    assert is_accepted(f'[toolchain]\nchannel = "{channel}"\nbuild-std = ["core", "alloc"]')


def test_a_kit_located_by_path_needs_the_path() -> None:
    assert dotted(refusal('[wdk]\nlocate = "path"')) == "wdk.locate"


@pytest.mark.parametrize("locate", ["auto", "registry", "env", "none"])
def test_a_kit_path_that_locate_ignores_is_refused(locate: str) -> None:
    line = refusal(f'[wdk]\nlocate = "{locate}"\npath = "C:/Kits/10"')
    assert (dotted(line), also(line)) == ("wdk.path", {"wdk.locate"})


@pytest.mark.parametrize("path", ["Kits/10", "../Kits", "C:Kits"])
def test_a_relative_kit_path_is_refused(path: str) -> None:
    assert dotted(refusal(f'[wdk]\nlocate = "path"\npath = "{path}"')) == "wdk.path"


@pytest.mark.parametrize(
    "path", ["C:/Program Files (x86)/Windows Kits/10", "/opt/kits", "//nas/kits"]
)
def test_a_kit_path_can_be_of_windows_or_posix(path: str) -> None:
    assert project(f'[wdk]\nlocate = "path"\npath = "{path}"').wdk.path == path


@pytest.mark.parametrize("model", ["kmdf", "umdf"])
def test_a_framework_driver_needs_a_kit(model: str) -> None:
    line = refusal('[wdk]\nlocate = "none"', driver=f'model = "{model}"')
    assert (dotted(line), also(line)) == ("driver.model", {"wdk.locate"})


WDK_BUILD = '[wdk]\nlocate = "wdk-build"\n'
ITS_ENTRY = 'entry-point = "DriverEntry"'


@pytest.mark.parametrize("driver", ["", 'entry-point = "driver_entry"'])
def test_wdk_build_requires_the_entry_point_driver_entry(driver: str) -> None:
    line = refusal(WDK_BUILD, driver)
    assert (dotted(line), also(line)) == ("driver.entry-point", {"wdk.locate"})
    assert is_accepted(WDK_BUILD, ITS_ENTRY)
    assert is_accepted(WDK_BUILD, 'model = "kmdf"')


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target", '"i686-pc-windows-msvc"'),
        ("targets", '["x86_64-pc-windows-msvc", "i686-pc-windows-msvc"]'),
    ],
)
def test_wdk_build_refuses_a_32_bit_target(key: str, value: str) -> None:
    line = refusal(WDK_BUILD, f"{ITS_ENTRY}\n{key} = {value}")
    assert (dotted(line), also(line)) == (f"driver.{key}", {"wdk.locate"})


@pytest.mark.parametrize(
    ("key", "value"), [("version", "10.0.26100"), ("framework-version", "1.15")]
)
def test_wdk_build_ignores_the_versions_in_config_toml(key: str, value: str) -> None:
    line = refusal(f'{WDK_BUILD}{key} = "{value}"', 'model = "kmdf"')
    assert (dotted(line), also(line)) == (f"wdk.{key}", {"wdk.locate"})


def test_an_entry_point_beside_wdk_builds_is_refused_with_every_preset() -> None:
    for preset in ("kernel", "blog-2020", "none"):
        linker = f'[linker]\npreset = "{preset}"\nargs = ["/ENTRY:DriverEntry"]\n'
        line = refusal(linker + WDK_BUILD, ITS_ENTRY)
        assert (dotted(line), also(line)) == ("linker.args.0", {"wdk.locate"})


def test_an_argument_that_wdk_build_passes_cannot_be_removed() -> None:
    line = refusal('[linker]\nremove = ["/INTEGRITYCHECK"]\n' + WDK_BUILD, ITS_ENTRY)
    assert dotted(line) == "linker.remove.0"
    assert line["ctx"]["hint"] == "its arguments: /RELEASE"


def test_a_kit_version_that_locate_ignores_is_refused() -> None:
    line = refusal('[wdk]\nlocate = "none"\nversion = "10.0.26100.0"')
    assert (dotted(line), also(line)) == ("wdk.version", {"wdk.locate"})


@pytest.mark.parametrize(
    ("model", "version"), [("wdm", "1.15"), ("kmdf", "2.15"), ("umdf", "1.11")]
)
def test_a_framework_version_of_another_model_is_refused(model: str, version: str) -> None:
    line = refusal(f'[wdk]\nframework-version = "{version}"', driver=f'model = "{model}"')
    assert (dotted(line), also(line)) == ("wdk.framework-version", {"driver.model"})


@pytest.mark.parametrize("argument", ["/ENTRY:mine", "-entry:mine", "/Entry:mine@8"])
@pytest.mark.parametrize("field", ["args", "pre-args"])
@pytest.mark.parametrize("preset", ["kernel", "blog-2020"])
def test_a_second_entry_point_is_refused(argument: str, field: str, preset: str) -> None:
    line = refusal(f'[linker]\npreset = "{preset}"\n{field} = ["/DEBUG", "{argument}"]')
    assert dotted(line) == f"linker.{field}.1"
    assert also(line) == {"driver.entry-point", "linker.preset"}
    assert 'driver.entry-point = "mine"' in line["ctx"]["hint"]


def test_two_entry_points_in_args_are_refused() -> None:
    line = refusal('[linker]\npreset = "none"\npre-args = ["/ENTRY:a"]\nargs = ["/ENTRY:b"]')
    assert (dotted(line), also(line)) == ("linker.args.0", {"linker.pre-args.0"})


@pytest.mark.parametrize(
    ("driver", "linker"),
    [
        ("", 'preset = "none"'),
        ("", 'remove = ["/ENTRY"]'),
        ('model = "umdf"', ""),
    ],
)
def test_the_only_entry_point_is_fine(driver: str, linker: str) -> None:
    assert is_accepted(f'[linker]\n{linker}\nargs = ["/ENTRY:mine"]', driver=driver)


@pytest.mark.parametrize("argument", ["/SUBSYSTEM:CONSOLE", "-subsystem:windows", "/SUBSYSTEM:"])
@pytest.mark.parametrize("model", ["wdm", "kmdf"])
def test_a_kernel_driver_must_have_subsystem_native(argument: str, model: str) -> None:
    line = refusal(f'[linker]\nargs = ["{argument}"]', driver=f'model = "{model}"')
    assert (dotted(line), also(line)) == ("linker.args.0", {"driver.model"})


def test_a_user_mode_driver_must_have_subsystem_windows() -> None:
    line = refusal('[linker]\nargs = ["/SUBSYSTEM:NATIVE"]', driver='model = "umdf"')
    assert dotted(line) == "linker.args.0"
    assert is_accepted('[linker]\nargs = ["/SUBSYSTEM:WINDOWS,10.0"]', driver='model = "umdf"')


@pytest.mark.parametrize("argument", ["/SUBSYSTEM:NATIVE", "-subsystem:native,6.02"])
def test_the_subsystem_can_be_set_again_with_a_version(argument: str) -> None:
    assert is_accepted(f'[linker]\nargs = ["{argument}"]')


@pytest.mark.parametrize("argument", ["/OUT:x.sys", "-dll", "/IMPLIB:x.lib"])
def test_a_switch_that_rustc_passes_is_refused(argument: str) -> None:
    assert dotted(refusal(f'[linker]\nargs = ["{argument}"]')) == "linker.args.0"


@pytest.mark.parametrize(
    ("preset", "pattern"),
    [
        ("kernel", "/NXCOMPAT"),
        ("kernel", "DRIVER"),
        ("kernel", "/ENTRY:other"),
        ("kernel", "/"),
        ("none", "/DRIVER"),
    ],
)
def test_removing_an_argument_that_the_preset_lacks_is_refused(preset: str, pattern: str) -> None:
    line = refusal(f'[linker]\npreset = "{preset}"\nremove = ["{pattern}"]')
    assert (dotted(line), also(line)) == ("linker.remove.0", {"linker.preset", "driver.model"})


def test_brepro_is_not_part_of_a_preset() -> None:
    line = refusal('[linker]\nreproducible = true\nremove = ["/Brepro"]')
    assert dotted(line) == "linker.remove.0"


@pytest.mark.parametrize(
    "pattern", ["/DRIVER", "-driver", "/ENTRY", "/ENTRY:driver_entry", "/ignore"]
)
def test_an_argument_is_removed_by_switch_or_whole_argument_in_any_case(pattern: str) -> None:
    assert is_accepted(f'[linker]\nremove = ["{pattern}"]')


def test_an_argument_of_one_target_can_be_removed() -> None:
    targets = 'targets = ["x86_64-pc-windows-msvc", "i686-pc-windows-msvc"]'
    assert is_accepted('[linker]\nremove = ["/ENTRY:driver_entry@8"]', driver=targets)


def test_a_user_defined_profile_must_set_cargo_profile() -> None:
    assert dotted(refusal("[profiles.staging]")) == "profiles.staging"


def test_a_profile_overrides_only_the_keys_that_it_sets() -> None:
    given = project(
        '[linker]\nargs = ["/DEBUG"]\nreproducible = true\n[signing]\nsubject = "Me"\n'
        '[profiles.production]\nlinker.args = []\nsigning.digest = "sha384"\n'
    )
    production, development = given.linker_for("production"), given.linker_for("development")
    assert (production.args, production.reproducible) == ((), True)
    assert development == given.linker
    assert given.signing_for("production").digest == "sha384"
    assert given.signing_for("production").subject == "Me"
    assert given.signing_for("development") == given.signing


def test_a_profile_may_set_a_key_back_to_its_default() -> None:
    given = project('[linker]\npreset = "none"\n[profiles.production.linker]\npreset = "kernel"')
    assert given.linker_for("production").preset == "kernel"


def test_an_unknown_profile_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        project().signing_for("staging")


def test_a_rule_that_a_profile_breaks_blames_the_profiles_key() -> None:
    line = refusal('[profiles.production.linker]\nargs = ["/ENTRY:mine"]')
    assert dotted(line) == "profiles.production.linker.args.0"
    assert also(line) == {"driver.entry-point", "linker.preset"}


def test_a_rule_that_a_profile_and_the_table_break_together_names_both() -> None:
    line = refusal(
        '[signing]\nmode = "certificate"\npfx = "a.pfx"\n'
        f'[profiles.production.signing]\nthumbprint = "{"0" * 40}"'
    )
    assert dotted(line) == "profiles.production.signing.thumbprint"
    assert also(line) == {"signing.pfx"}


@pytest.mark.parametrize("name", ["", "1X", "A B", "A=B", "ü", "A$B"])
def test_a_variable_name_must_be_valid_on_every_system(name: str) -> None:
    assert dotted(refusal(f"[makefile.env]\n{name!r} = 'x'")) == f"makefile.env.{name}"


@pytest.mark.parametrize("name", ["DRIVER_TARGET", "driver_image", "DRIVER_ANYTHING"])
@pytest.mark.parametrize("table", ["makefile.env", "makefile.env.production"])
def test_the_pipelines_own_variables_cannot_be_set(name: str, table: str) -> None:
    assert dotted(refusal(f"[{table}]\n{name} = 'x'")) == f"{table}.{name}"


def test_a_variable_with_the_name_of_a_profile_is_refused() -> None:
    assert dotted(refusal('[makefile.env]\nproduction = "x"')) == "makefile.env.production"


@pytest.mark.parametrize("name", ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"])
def test_flags_in_the_environment_would_replace_the_drivers_own(name: str) -> None:
    for table in ("makefile.env", "makefile.env.production", "makefile.tasks.a.env"):
        assert dotted(refusal(f'[{table}]\n{name} = "-g"')) == f"{table}.{name}"


@pytest.mark.parametrize("name", ["LINK", "_LINK_", "CARGO_MAKE_PROFILE"])
def test_a_variable_that_changes_the_build_silently_cannot_be_set(name: str) -> None:
    assert dotted(refusal(f'[makefile.env]\n{name} = "x"')) == f"makefile.env.{name}"


@pytest.mark.parametrize(
    ("key", "value"), [("command", "3"), ("args", '"a"'), ("private", '"yes"'), ("env", "1")]
)
def test_a_type_that_cargo_make_cannot_read_is_refused(key: str, value: str) -> None:
    line = refusal(f"[makefile.tasks.a]\n{key} = {value}")
    assert dotted(line) == f"makefile.tasks.a.{key}"


@pytest.mark.parametrize(
    "flag",
    ["--emit=obj", "--crate-type=lib", "-Clink-arg=/OUT:x.dll", "-Clinker=x", "@flags", "-o"],
)
def test_flags_that_break_the_build_or_hide_arguments_are_refused(flag: str) -> None:
    assert dotted(refusal(f'[linker]\nrustflags = ["{flag}"]')) == "linker.rustflags.0"


@pytest.mark.parametrize(
    "name", ["build-driver", "sign", "default", "install", "pipeline", "windows", "sign-all"]
)
def test_the_pipelines_own_tasks_cannot_be_set(name: str) -> None:
    line = refusal(f'[makefile.tasks.{name}]\ncommand = "true"')
    assert dotted(line) == f"makefile.tasks.{name}"


def test_a_task_that_is_not_a_table_is_refused() -> None:
    assert dotted(refusal('[makefile]\ntasks.own = "echo"')) == "makefile.tasks.own"


def test_other_tasks_and_variables_are_accepted() -> None:
    given = project(
        '[makefile.env]\nMY_PATH = "${HOME}/x"\nLIST = ["a", "b"]\n'
        'IF = { value = "x", condition = { env_not_set = ["IF"] } }\n'
        '[makefile.env.staging]\nA = "b"\n'
        '[makefile.tasks.own]\nscript = "echo"\ndependencies = ["sign"]\n'
    )
    assert given.makefile.env["LIST"] == ("a", "b")
    assert given.makefile.tasks["own"]["dependencies"] == ("sign",)


def test_errors_of_keys_and_rules_are_reported_together() -> None:
    found = {
        dotted(line)
        for line in refusals(
            '[toolchain]\nbuild-std = ["core"]\n'
            '[linker]\nargs = ["/OUT:x"]\n'
            '[wdk]\nlocate = "somewhere"\n'
            "[signing]\nunknown = 1\n"
            "[profiles.staging]\n"
            '[makefile.env]\nDRIVER_X = "x"',
            driver='target = "one"',
        )
    }
    assert found == {
        "driver.target",
        "toolchain.build-std",
        "linker.args.0",
        "wdk.locate",
        "signing.unknown",
        "profiles.staging",
        "makefile.env.DRIVER_X",
    }


def test_a_rule_on_a_default_table_is_checked_beside_other_errors() -> None:
    found = {
        dotted(line)
        for line in refusals(
            '[profiles.production.signing]\npfx = "a.pfx"\n[toolchain]\nchannel = "newest"'
        )
    }
    assert found == {"profiles.production.signing.pfx", "toolchain.channel"}


def test_an_error_of_another_key_of_the_driver_does_not_hide_a_rule() -> None:
    found = refusals('[linker]\nargs = ["/ENTRY:foo"]', driver='model = "wmd"')
    assert {dotted(line) for line in found} == {"driver.model", "linker.args.0"}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("MAP", "neither a switch nor a library"),
        ("/MAP /DEBUG:FULL", "would read these arguments as one"),
        ("-Clink-arg=/MAP", "a flag for rustc"),
        ("@more", "a response file"),
    ],
)
def test_an_argument_that_the_linker_would_misread_is_refused(argument: str, message: str) -> None:
    line = refusal(f'[linker]\nargs = ["/OPT:REF", "{argument}"]')
    assert (dotted(line), message in line["msg"]) == ("linker.args.1", True)


@pytest.mark.parametrize("argument", ["/MAP", "-map", "/PDBALTPATH:a b.pdb", "own.lib"])
def test_switches_and_libraries_are_arguments(argument: str) -> None:
    assert is_accepted(f'[linker]\nargs = ["{argument}"]')


@pytest.mark.parametrize(("name", "meant"), [("dev", "development"), ("release", "production")])
def test_a_profile_named_like_one_of_cargo_gets_a_suggestion(name: str, meant: str) -> None:
    line = refusal(f'[profiles.{name}]\nsigning.timestamp-url = ""')
    assert f"did you mean `{meant}`" in line["ctx"]["hint"]


def test_a_task_that_depends_on_a_missing_task_is_refused() -> None:
    line = refusal('[makefile.tasks.a]\ndependencies = ["sign", "a", "sgn"]')
    assert dotted(line) == "makefile.tasks.a.dependencies.2"
    assert is_accepted('[makefile.tasks.a]\ndependencies = ["sign", { path = "b.toml" }]')
    assert is_accepted('[makefile.tasks.a]\ndependencies = ["install"]')
    line = refusal('[makefile.tasks.a]\ndependencies = ["test"]')
    assert dotted(line) == "makefile.tasks.a.dependencies.0"


def test_a_rule_is_not_checked_on_invalid_keys() -> None:
    found = refusals('[signing]\nmode = "certificate"\npfx = 1\npfx-password-env = "P"\n')
    assert [dotted(line) for line in found] == ["signing.pfx"]


def test_an_error_in_one_profile_does_not_hide_a_rule_on_another() -> None:
    found = refusals('[profiles.production]\ncargo-profile = "test"\n[profiles.fast]\n')
    assert {dotted(line) for line in found} == {
        "profiles.production.cargo-profile",
        "profiles.fast",
    }


def test_a_umdf_driver_refuses_the_keys_of_a_service() -> None:
    line = refusal('[deploy]\nservice = "x"', driver='model = "umdf"')
    assert dotted(line) == "deploy.service"
    assert also(line) == {"driver.model"}
    assert is_accepted('[deploy]\nservice = "x"', driver='model = "kmdf"')


def test_an_output_folder_that_targets_share_is_refused() -> None:
    targets = 'targets = ["x86_64-pc-windows-msvc", "i686-pc-windows-msvc"]'
    line = refusal(driver=f'output-dir = "dist"\n{targets}')
    assert dotted(line) == "driver.output-dir"
    assert also(line) == {"driver.targets"}
    assert is_accepted(driver=f'output-dir = "dist/{{target}}"\n{targets}')
    assert is_accepted(driver='output-dir = "dist"')


@pytest.mark.parametrize("argument", ["/MAP:a.map", "-map:b"])
def test_a_map_file_elsewhere_is_refused_for_a_kmdf_driver(argument: str) -> None:
    line = refusal(f'[linker]\nargs = ["{argument}"]', driver='model = "kmdf"')
    assert dotted(line) == "linker.args.0"
    assert also(line) == {"driver.model"}
    assert is_accepted(f'[linker]\nargs = ["{argument}"]')
    assert is_accepted('[linker]\nargs = ["/MAP"]', driver='model = "kmdf"')


def test_each_further_entry_argument_is_reported_with_the_first() -> None:
    found = refusals('[linker]\npreset = "none"\nargs = ["/ENTRY:a", "/ENTRY:b", "/ENTRY:c"]')
    assert [(dotted(line), also(line)) for line in found] == [
        ("linker.args.1", {"linker.args.0"}),
        ("linker.args.2", {"linker.args.0"}),
    ]
