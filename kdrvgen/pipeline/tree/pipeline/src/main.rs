//! The program that the tasks of Makefile.toml run: builds, signs and installs one driver.
//!
//! It is compiled as the build script of its package; see Cargo.toml for the reason.

#[cfg(unix)]
mod authenticode;
mod cargo;
mod certificate;
mod checksum;
mod clean;
mod der;
mod digest;
mod driver;
mod failure;
mod image;
mod interrupt;
mod json;
#[path = "../../kit.rs"]
mod kit;
mod linker;
mod map;
mod osslsigncode;
mod output;
mod own;
mod process;
mod record;
mod rename;
mod rules;
mod service;
mod settings;
mod sign;
#[cfg(windows)]
mod signtool;
mod smoke;
mod sse;
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
    if own::is_build_script() {
        if let Err(failure) = own::install() {
            eprintln!("error: {failure}");
            exit(1);
        }
        return;
    }
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let verb = match arguments.first() {
        Some(verb) => verb.to_string_lossy().into_owned(),
        None => {
            eprintln!("error: this program is run by cargo-make: `cargo make sign`");
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

/// Carries one task out; returns the exit code.
fn run(verb: &str, arguments: &[OsString]) -> Result<i32> {
    refuse_words_after_the_task()?;
    if let Some(code) = own::renewed()? {
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
        "sign-all" => sign_all(&settings),
        "verify" => verify::verify(&settings),
        "smoke" => smoke::smoke(&settings),
        "trust-certificate" => certificate::trust(&settings),
        "windows" => service::require(&settings),
        "install" => service::install(&settings),
        "start" => service::start(&settings),
        "stop" => service::stop(&settings),
        "uninstall" => service::uninstall(&settings),
        "clean-driver" => clean::clean(&settings),
        "clean-cert" => certificate::clean(&settings),
        other => Err(
            Failure::new(format!("there is no task `{other}` in this version"))
                .help("run `kdrvgen` to make Makefile.toml and .kdrvgen of one version"),
        ),
    }
    .map(|()| 0)
}

/// cargo-make ignores what stands behind a task: `cargo make sign --profile production` would sign
/// a development build.
fn refuse_words_after_the_task() -> Result<()> {
    let words = settings::text("CARGO_MAKE_TASK_ARGS")?;
    if words.is_empty() {
        return Ok(());
    }
    let task = settings::text("CARGO_MAKE_TASK")?;
    let words: Vec<_> = words.split(';').collect();
    Err(Failure::new(format!("`{}` stands behind the task", words.join(" ")))
        .because("cargo-make takes its options in front of the task only, and ignores the others.")
        .help(format!("cargo make {} {task}", words.join(" "))))
}

/// Signs the driver for each of its targets, one after the other.
fn sign_all(settings: &Settings) -> Result<()> {
    let makefile = settings::text("CARGO_MAKE_MAKEFILE_PATH")?;
    for triple in &settings.triples {
        let mut tool = Tool::new("cargo").arg("make");
        if !makefile.is_empty() {
            tool = tool.args(["--makefile", &makefile]);
        }
        let code = tool
            .args(["--profile", &settings.profile])
            .args(["-e", &format!("DRIVER_TARGET={triple}"), "sign"])
            .show()?;
        if code != 0 {
            return Err(Failure::new(format!("the driver for {triple} was not signed")));
        }
    }
    Ok(())
}
