"""build.rs: how its linker arguments, kits and other actions are read."""

from __future__ import annotations

import pytest

from kdrvgen.adopt.read.findings import UNKNOWN
from tests.adopt.support import adopted, messages

KIT = """\
fn main() {{
    println!("cargo:rustc-link-search=native={}");
    println!("cargo:rustc-link-lib=dylib=ntoskrnl");
}}
"""


def test_a_kit_with_a_fixed_path_gives_path_and_version() -> None:
    folder = "C:\\\\Program Files (x86)\\\\Windows Kits\\\\10\\\\Lib\\\\10.0.19041.0\\\\km\\\\x64"

    wdk = adopted(build=KIT.format(folder)).project.wdk

    assert (wdk.locate, wdk.path) == ("path", "C:/Program Files (x86)/Windows Kits/10")
    assert wdk.version == "10.0.19041.0"
    assert wdk.libraries == ("ntoskrnl",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('println!("cargo:rustc-cfg=x");', "`cargo:rustc-cfg`"),
        ('println!("cargo::rustc-link-arg={}", more);', "is computed at run time"),
        ('if wanted() { println!("cargo:rustc-link-arg=/MAP"); }', "is under a condition"),
        ('#[cfg(x)] { embed::now("x"); }', "calls `embed::now`"),
        ('std::process::Command::new("cl").status();', "uses `process::Command`"),
        ('println!("cargo:rustc-link-search=native=C:/libs");', "adds C:/libs to the folders"),
    ],
)
def test_other_actions_of_a_build_script_are_reported_with_their_lines(
    line: str, message: str
) -> None:
    adoption = adopted(build=f"fn wanted() -> bool {{ true }}\nfn main() {{\n    {line}\n}}\n")

    assert any(
        finding.startswith("build.rs:3 ") and message in finding
        for finding in messages(adoption, UNKNOWN)
    )


def test_comments_strings_and_unused_functions_are_not_linker_arguments() -> None:
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
    assert not messages(adoption, UNKNOWN)


@pytest.mark.parametrize(
    ("loop", "arguments"),
    [
        ('for name in ["A", "B"] { println!("cargo:rustc-link-arg=/{name}"); }', ("/A", "/B")),
        ('for name in ["A", "B"] { println!("cargo:rustc-link-arg=/C"); }', ()),
    ],
)
def test_a_loop_gives_arguments_only_if_it_prints_its_strings(
    loop: str, arguments: tuple[str, ...]
) -> None:
    adoption = adopted(build=f"fn main() {{\n    {loop}\n}}\n")

    assert adoption.project.linker.args == ("/DRIVER", *arguments)
    assert bool(messages(adoption, UNKNOWN)) != bool(arguments)


def test_all_other_actions_of_a_script_are_one_finding() -> None:
    adoption = adopted(
        build="""\
use std::process::Command;
fn main() {
    let all: Vec<_> = Box::new(vec![Duration::from_secs(1)]).into_iter().collect();
    Command::new("rc").status();
    std::fs::write("a", "b"); Command::new("mc").status();
    cc::Build::new().compile("a");
}
"""
    )

    assert messages(adoption, UNKNOWN) == [
        (
            "build.rs:4 the build script does more than the generated one: it uses `Command` "
            "(lines 4, 5), uses `fs::write` (line 5), calls `cc::Build::new` (line 6)"
        )
    ]


OWN_KIT = """\
fn main() {{
    let newest = kits("lib").max();
    {more}
    wdk_build::configure_wdk_binary_build().unwrap();
}}
fn kits(name: &str) -> Vec<String> {{ Vec::new() }}
"""


@pytest.mark.parametrize(("more", "severity"), [("", "note"), ("cc::Build::new();", "warning")])
def test_a_script_that_the_project_keeps_still_compares_versions_as_text(
    more: str, severity: str
) -> None:
    adoption = adopted(build=OWN_KIT.format(more=more))

    (found,) = [each for each in adoption.findings if "compared as text" in each.message]
    assert found.severity.value == severity


def test_a_computed_folder_of_libraries_is_reported_with_wdk_build_too() -> None:
    search = 'println!("cargo:rustc-link-search=native={}", folder);'

    adoption = adopted(build=OWN_KIT.format(more=search))

    assert any("computes a folder for the linker" in each for each in messages(adoption, UNKNOWN))
