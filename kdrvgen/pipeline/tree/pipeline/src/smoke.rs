//! The task smoke: loads the driver in Wine's kernel, prints its log and unloads it.
//!
//! A project with a driver package installs the package, and removes it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::lock::Lock;
use crate::output;
use crate::process::{is_program, on_path};
use crate::settings::{self, Settings};
use crate::system;

#[path = "smoke/package.rs"]
mod package;

/// The name of the service in this task's Wine.
const SERVICE: &str = "smoke";

/// `cargo` is the command that starts cargo; only a project with a package needs it.
pub fn smoke(settings: &Settings, cargo: &[OsString]) -> Result<()> {
    let has_package = !settings::text("DRIVER_PACKAGE_TOOL")?.is_empty();
    if cfg!(windows) {
        return Err(
            Failure::new("the task smoke needs Wine, which does not run on Windows").help(
                if has_package {
                    "to install the package in Windows: cargo make install-package"
                } else {
                    "to load the driver in Windows: cargo make start"
                },
            ),
        );
    }
    if settings.architecture() != "x86_64" {
        return Err(Failure::new(format!(
            "Wine's 64-bit kernel cannot load a driver for {}",
            settings.triple
        )));
    }
    let home = cache_folder()?.join("kdrvgen/smoke");
    // One run at a time: the log must contain only this driver's lines.
    let _lock = Lock::take(&home.join("lock"), "loads a driver in Wine")?;
    let wine = Wine::prepare(&home)?;
    let outcome = if has_package {
        package::install_and_remove(&wine, settings, cargo)
    } else {
        wine.load_and_unload(&settings.path)
    };
    wine.stop();
    outcome?;
    println!(
        "smoke: {} was RUNNING and is unloaded",
        settings.path.display()
    );
    Ok(())
}

fn cache_folder() -> Result<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .ok_or_else(|| {
            Failure::new("HOME is not set to an absolute path")
                .because("The task keeps its Wine prefix below it.")
                .help("set HOME, or set XDG_CACHE_HOME to one of your folders")
        })
}

/// A Wine prefix that all projects of this user share.
struct Wine {
    program: PathBuf,
    server: PathBuf,
    prefix: PathBuf,
    log: PathBuf,
}

impl Wine {
    fn prepare(home: &Path) -> Result<Wine> {
        let wine = Wine {
            program: find(&[
                "wine64",
                "/usr/lib/wine/wine64",
                "/usr/lib/wine/wine",
                "wine",
            ])
            .ok_or_else(|| {
                Failure::new("Wine is not installed").help("Debian: apt install wine64")
            })?,
            server: find(&[
                "wineserver",
                "/usr/lib/wine/wineserver64",
                "/usr/lib/wine/wineserver",
            ])
            .ok_or_else(|| Failure::new("Wine's wineserver is not installed"))?,
            prefix: home.join("wine"),
            log: home.join("log"),
        };
        let ready = wine.prefix.join("ready");
        if !ready.is_file() {
            if wine.prefix.exists() {
                fs::remove_dir_all(&wine.prefix)
                    .map_err(|error| Failure::io("remove", &wine.prefix, &error))?;
            }
            println!("smoke: setting up Wine, once (about ten seconds)");
            let is_success = wine.run(&["wineboot", "--init"], &wine.log)?;
            if !is_success {
                return Err(Failure::new(format!(
                    "Wine could not set up {}",
                    wine.prefix.display()
                ))
                .because(text_of(&wine.log)));
            }
            output::replace(&ready, b"")?;
        }
        // The server that set up the prefix starts no drivers, and one of an earlier run logs
        // elsewhere.
        wine.stop();
        Ok(wine)
    }

    /// Runs a program in Wine and writes its standard output to a file. A pipe would stay open,
    /// because services keep it open until the server ends.
    fn run(&self, arguments: &[&str], stdout: &Path) -> Result<bool> {
        let create = |path: &Path| {
            let mut options = fs::OpenOptions::new();
            options.create(true).append(true);
            options
                .open(path)
                .map_err(|error| Failure::io("write", path, &error))
        };
        let mut child = self
            .command(&self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(create(stdout)?)
            .stderr(create(&self.log)?)
            .spawn()
            .map_err(|error| Failure::io("run", &self.program, &error))?;
        interrupt::enter(child.id());
        let status = child.wait();
        interrupt::leave();
        interrupt::check()?;
        status
            .map(|status| status.success())
            .map_err(|error| Failure::io("run", &self.program, &error))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all,+debugstr")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=")
            // A 32-bit prefix loads no 64-bit drivers.
            .env_remove("WINEARCH")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        // Wine 8.0 of Debian 12 has no preloader that reserves addresses. Its loader is at
        // 0x7d000000, and a heap at a random place behind it covers, once in some thousand starts,
        // the address of the data that all programs of Windows share, 0x7ffe0000.
        system::without_randomization(&mut command);
        command
    }

    /// Ends all programs in the prefix.
    fn stop(&self) {
        let _ = self
            .command(&self.server)
            .arg("-k")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }

    fn load_and_unload(&self, image: &Path) -> Result<()> {
        let copy = self.prefix.join("drive_c/driver.sys");
        output::replace(&copy, &output::read(image)?)?;
        File::create(&self.log).map_err(|error| Failure::io("write", &self.log, &error))?;
        self.sc(&["delete", SERVICE])?;
        let created = self.sc(&[
            "create",
            SERVICE,
            "type=",
            "kernel",
            "binPath=",
            r"C:\driver.sys",
        ])?;
        if !created.is_success {
            return Err(
                Failure::new("Wine could not create the service").because(text_of(&self.log))
            );
        }
        self.sc(&["start", SERVICE])?;
        let started = self.sc(&["query", SERVICE])?;
        self.sc(&["stop", SERVICE])?;
        let stopped = self.sc(&["query", SERVICE])?;
        self.sc(&["delete", SERVICE])?;
        self.stop(); // completes the log
        self.print_messages();
        judge(image, &started, &stopped)
    }

    fn print_messages(&self) {
        for line in messages(&text_of(&self.log)) {
            println!("smoke: log: {line}");
        }
    }

    fn sc(&self, arguments: &[&str]) -> Result<Printed> {
        let mut words = vec!["sc"];
        words.extend(arguments);
        self.output(&words)
    }

    /// Runs a program in Wine.
    fn output(&self, words: &[&str]) -> Result<Printed> {
        let file = self.log.with_extension("stdout");
        output::remove(&file)?;
        let is_success = self.run(words, &file)?;
        Ok(Printed {
            is_success,
            text: text_of(&file),
        })
    }
}

/// Fails unless the driver ran and was then unloaded.
fn judge(image: &Path, started: &Printed, stopped: &Printed) -> Result<()> {
    if !started.has_state("4") {
        return Err(Failure::new(format!(
            "{} does not start in Wine's kernel",
            image.display()
        ))
        .because(started.text.as_str())
        .help(
            "an image does not start if it imports a function that Wine lacks, or if its entry \
             point returns an error",
        ));
    }
    if !stopped.has_state("1") {
        return Err(Failure::new(format!("{} does not unload", image.display()))
            .because(stopped.text.as_str())
            .help("set DriverUnload, and return from it"));
    }
    Ok(())
}

/// The result of a program in Wine, such as sc.
struct Printed {
    is_success: bool,
    text: String,
}

impl Printed {
    /// Whether sc printed the line `STATE : N …` with this number.
    fn has_state(&self, state: &str) -> bool {
        self.text.lines().any(|line| {
            let (name, value) = line.split_once(':').unwrap_or_default();
            name.trim() == "STATE" && value.split_whitespace().next() == Some(state)
        })
    }
}

fn find(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| {
        let path = Path::new(name);
        if path.is_absolute() {
            Some(path.to_owned()).filter(|path| is_program(path))
        } else {
            on_path(name)
        }
    })
}

fn text_of(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
}

/// Returns the driver's DbgPrint lines from Wine's debugstr channel.
fn messages(log: &str) -> Vec<&str> {
    let of_driver = log
        .lines()
        .filter_map(|line| line.split_once(":debugstr:vDbgPrintExWithPrefix "));
    let texts = of_driver.filter_map(|(_, rest)| {
        // The component and the level, each before a colon.
        let mut parts = rest.splitn(3, ':');
        let is_hex = |part: Option<&str>| {
            part.map_or(false, |part| {
                part.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        };
        if is_hex(parts.next()) && is_hex(parts.next()) {
            parts.next().map(str::trim_start)
        } else {
            None
        }
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::messages;

    #[test]
    fn the_drivers_own_lines_are_found_in_wines_log() {
        let log =
            "0024:fixme:x:y z\n0030:warn:debugstr:vDbgPrintExWithPrefix 4d:0: \"hello: a:b\"\n";
        assert_eq!(messages(log), ["\"hello: a:b\""]);
    }
}
