//! The task smoke: loads the driver in Wine's kernel, shows its log and unloads it.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::output::{self, Lock};
use crate::process::{is_program, on_path};
use crate::settings::Settings;

/// The name of the service in the Wine of this task.
const SERVICE: &str = "smoke";

pub fn smoke(settings: &Settings) -> Result<()> {
    if cfg!(windows) {
        return Err(Failure::new("smoke loads the driver in Wine, which is for other hosts")
            .help("cargo make start"));
    }
    if settings.architecture() != "x86_64" {
        return Err(Failure::new(format!(
            "Wine's 64-bit kernel loads no driver for {}",
            settings.triple
        )));
    }
    let home = cache_folder()?.join("kdrvgen/smoke");
    // One test at a time: the log is the driver's alone.
    let _lock = Lock::take(&home.join("lock"), "tries a driver in Wine")?;
    let wine = Wine::prepare(&home)?;
    let outcome = wine.try_driver(&settings.path);
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
            Failure::new("HOME is not set, or not an absolute path")
                .because("Wine's folder lies below it.")
                .help("set HOME, or XDG_CACHE_HOME to a folder of your own")
        })
}

/// A Windows of its own, for all projects of this user.
struct Wine {
    program: PathBuf,
    server: PathBuf,
    prefix: PathBuf,
    log: PathBuf,
}

impl Wine {
    fn prepare(home: &Path) -> Result<Wine> {
        let wine = Wine {
            program: find(&["wine64", "/usr/lib/wine/wine64", "/usr/lib/wine/wine", "wine"])
                .ok_or_else(|| {
                    Failure::new("Wine is not installed").help("Debian: apt install wine64")
                })?,
            server: find(&["wineserver", "/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver"])
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
            let is_done = wine.run(&["wineboot", "--init"], &wine.log)?;
            if !is_done {
                return Err(
                    Failure::new(format!("Wine could not set up {}", wine.prefix.display()))
                        .because(text_of(&wine.log)),
                );
            }
            output::replace(&ready, b"")?;
        }
        // The server that Wine was set up by starts no drivers, and one left over logs elsewhere.
        wine.stop();
        Ok(wine)
    }

    /// Runs a program in Wine; its standard output goes to a file. Services hold the log open until
    /// the server ends, so that a pipe would not end before.
    fn run(&self, arguments: &[&str], answer: &Path) -> Result<bool> {
        let create = |path: &Path| {
            let mut options = fs::OpenOptions::new();
            options.create(true).append(true);
            options.open(path).map_err(|error| Failure::io("write", path, &error))
        };
        let mut child = self
            .command(&self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(create(answer)?)
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
            // 32-bit prefixes load no 64-bit drivers.
            .env_remove("WINEARCH")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Ends all programs of this Windows.
    fn stop(&self) {
        let _ = self
            .command(&self.server)
            .arg("-k")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }

    fn try_driver(&self, image: &Path) -> Result<()> {
        let copy = self.prefix.join("drive_c/driver.sys");
        output::replace(&copy, &output::read(image)?)?;
        File::create(&self.log).map_err(|error| Failure::io("write", &self.log, &error))?;
        self.sc(&["delete", SERVICE])?;
        let made = self.sc(&["create", SERVICE, "type=", "kernel", "binPath=", r"C:\driver.sys"])?;
        if !made.is_done {
            return Err(Failure::new("Wine made no service").because(text_of(&self.log)));
        }
        self.sc(&["start", SERVICE])?;
        let started = self.sc(&["query", SERVICE])?;
        self.sc(&["stop", SERVICE])?;
        let stopped = self.sc(&["query", SERVICE])?;
        self.sc(&["delete", SERVICE])?;
        self.stop(); // what is written to the log is in it then
        for line in messages(&text_of(&self.log)) {
            println!("smoke: log: {line}");
        }
        if !started.shows("4") {
            return Err(
                Failure::new(format!("{} does not start in Wine's kernel", image.display()))
                    .because(started.text)
                    .help(
                        "an image that imports what Wine lacks, or whose entry point returns an \
                         error, does not start",
                    ),
            );
        }
        if !stopped.shows("1") {
            return Err(Failure::new(format!("{} does not unload", image.display()))
                .because(stopped.text)
                .help("set DriverUnload, and let it return"));
        }
        Ok(())
    }

    fn sc(&self, arguments: &[&str]) -> Result<Answer> {
        let file = self.log.with_extension("answer");
        output::remove(&file)?;
        let mut words = vec!["sc"];
        words.extend(arguments);
        let is_done = self.run(&words, &file)?;
        Ok(Answer {
            is_done,
            text: text_of(&file),
        })
    }
}

/// What Wine's sc printed.
struct Answer {
    is_done: bool,
    text: String,
}

impl Answer {
    /// Whether the line `STATE : N …` has this number.
    fn shows(&self, state: &str) -> bool {
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

/// What the driver printed by DbgPrint, as Wine's channel debugstr shows it.
fn messages(log: &str) -> Vec<&str> {
    let of_driver = log
        .lines()
        .filter_map(|line| line.split_once(":debugstr:vDbgPrintExWithPrefix "));
    let texts = of_driver.filter_map(|(_, rest)| {
        // Component and level, each with a colon behind it.
        let mut parts = rest.splitn(3, ':');
        let is_hex = |part: Option<&str>| {
            part.map_or(false, |part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
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
        let log = "0024:fixme:x:y z\n0030:warn:debugstr:vDbgPrintExWithPrefix 4d:0: \"hello: a:b\"\n";
        assert_eq!(messages(log), ["\"hello: a:b\""]);
    }
}
