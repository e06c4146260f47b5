//! The program behind the tasks of Makefile.toml: it builds, signs and installs one driver.
//!
//! Cargo compiles it as the build script of its package. Cargo.toml explains why.

#[cfg(windows)]
#[path = "setup_api.rs"]
mod api;
#[cfg(unix)]
mod authenticode;
mod cabinet;
mod cargo;
mod catalog;
mod certificate;
mod checksum;
mod clean;
mod der;
#[cfg(windows)]
mod device;
mod digest;
mod driver;
mod failure;
mod folder;
mod image;
mod inf;
mod install;
mod interrupt;
mod json;
mod kdrvgen;
#[path = "../../kit.rs"]
mod kit;
mod linker;
mod lock;
mod map;
mod osslsigncode;
mod output;
mod package;
mod pem;
mod process;
mod rebuild;
mod record;
mod rename;
mod rules;
mod service;
mod settings;
mod sign;
mod signed_data;
mod signer;
#[cfg(windows)]
mod signtool;
mod smoke;
mod sse;
mod strict;
mod submission;
mod system;
mod verify;
#[cfg(windows)]
mod win32;

use std::env;
use std::ffi::OsString;
use std::process::exit;

use failure::{Failure, Result};
use process::Tool;
use settings::Settings;

fn main() {
    if rebuild::is_build_script() {
        if let Err(failure) = rebuild::install() {
            eprintln!("error: {failure}");
            exit(1);
        }
        return;
    }
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let verb = match arguments.first() {
        Some(verb) => verb.to_string_lossy().into_owned(),
        None => {
            eprintln!(
                "error: no task\n  help: cargo-make runs this program: run `cargo make sign`"
            );
            exit(2);
        }
    };
    match run(&verb, &arguments[1..]) {
        Ok(code) => exit(code),
        Err(failure) => {
            eprintln!("{verb}: error: {failure}");
            exit(1);
        }
    }
}

/// Runs one task and returns the exit code.
fn run(verb: &str, arguments: &[OsString]) -> Result<i32> {
    refuse_arguments_after_the_task()?;
    if let Some(code) = rebuild::if_changed()? {
        return Ok(code);
    }
    interrupt::listen();
    let settings = Settings::read()?;
    match verb {
        "build-driver" => driver::build(&settings, arguments),
        "rename" => rename::rename(&settings),
        "certificate" => certificate::make(&settings),
        "sign" => sign::sign(&settings),
        "check-signed" => sign::check_signed(&settings),
        "sign-all" => for_each_target(&settings, "sign", "signed"),
        "package" => package::package(&settings),
        "check-package" => package::check(&settings),
        "package-all" => for_each_target(&settings, "package", "packaged"),
        "submission" => submission::submission(&settings),
        "submission-all" => for_each_target(&settings, "submission", "packed for submission"),
        "verify" => verify::verify(&settings),
        "smoke" => smoke::smoke(&settings, arguments),
        "trust-certificate" => certificate::trust(&settings),
        "windows" => service::require(&settings),
        "windows-host" => service::require_windows(),
        "install" => service::install(&settings),
        "start" => service::start(&settings),
        "stop" => service::stop(&settings),
        "uninstall" => service::uninstall(&settings),
        "install-package" => install::install(&settings),
        "uninstall-package" => install::uninstall(&settings),
        "clean-driver" => clean::clean(&settings),
        "clean-cert" => certificate::clean(&settings),
        other => Err(
            Failure::new(format!("this version does not know the task `{other}`"))
                .help("run `kdrvgen`: it writes Makefile.toml and .kdrvgen in the same version"),
        ),
    }
    .map(|()| 0)
}

/// Fails for arguments after the task, which cargo-make ignores: `cargo make sign --profile
/// production` would sign a development build.
fn refuse_arguments_after_the_task() -> Result<()> {
    let arguments = settings::text("CARGO_MAKE_TASK_ARGS")?;
    if arguments.is_empty() {
        return Ok(());
    }
    let task = settings::text("CARGO_MAKE_TASK")?;
    let arguments = arguments.replace(';', " ");
    Err(
        Failure::new(format!("`{arguments}` is after the task `{task}`"))
            .because("cargo-make reads its options only before the task, and ignores the others.")
            .help(format!("cargo make {arguments} {task}")),
    )
}

/// Runs a task for each target of the driver, one after the other. `done` is what it does to the
/// driver.
fn for_each_target(settings: &Settings, task: &str, done: &str) -> Result<()> {
    let makefile = settings::text("CARGO_MAKE_MAKEFILE_PATH")?;
    for triple in &settings.triples {
        let mut tool = Tool::new("cargo").arg("make");
        if !makefile.is_empty() {
            tool = tool.args(["--makefile", &makefile]);
        }
        let code = tool
            .args(["--profile", &settings.profile])
            .args(["-e", &format!("DRIVER_TARGET={triple}"), task])
            .show()?;
        if code != 0 {
            return Err(Failure::new(format!(
                "the driver for {triple} was not {done}"
            )));
        }
    }
    Ok(())
}
