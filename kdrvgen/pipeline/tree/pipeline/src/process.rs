//! Running other programs: shown with `-v`, stopped when the user interrupts.

use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::settings;

/// A program and its arguments.
pub struct Tool {
    command: Command,
    shown: Vec<String>,
    shown_env: Vec<String>,
    input: Option<Vec<u8>>,
}

impl Tool {
    pub fn new(program: impl AsRef<OsStr>) -> Tool {
        Tool {
            shown: vec![quoted(program.as_ref())],
            shown_env: Vec::new(),
            command: Command::new(program),
            input: None,
        }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Tool {
        self.shown.push(quoted(argument.as_ref()));
        self.command.arg(argument);
        self
    }

    pub fn args<I>(mut self, arguments: I) -> Tool
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        for argument in arguments {
            self = self.arg(argument);
        }
        self
    }

    /// An argument that is never shown.
    #[cfg(windows)] // signtool alone takes secrets as arguments
    pub fn secret(mut self, argument: impl AsRef<OsStr>) -> Tool {
        self.shown.push("***".to_owned());
        self.command.arg(argument);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Tool {
        self.shown_env
            .push(format!("{name}={} ", quoted(value.as_ref())));
        self.command.env(name, value);
        self
    }

    pub fn env_remove(mut self, name: &str) -> Tool {
        self.command.env_remove(name);
        self
    }

    /// Bytes for the program's standard input, which is empty otherwise.
    pub fn input(mut self, bytes: Vec<u8>) -> Tool {
        self.input = Some(bytes);
        self
    }

    /// Runs the program with the terminal's streams and waits for its end.
    ///
    /// Returns its exit code; -1 for one that a signal ended.
    pub fn show(mut self) -> Result<i32> {
        self.announce();
        let mut child = self.spawn()?;
        let status = child.wait();
        interrupt::leave();
        let status = status.map_err(|error| self.failure(&error))?;
        interrupt::check()?;
        Ok(status.code().unwrap_or(-1))
    }

    /// Runs the program and returns what it printed on both streams.
    pub fn output(mut self) -> Result<Output> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.run()
    }

    /// Runs the program and returns its standard output; its standard error goes to the terminal.
    pub fn stdout(mut self) -> Result<Output> {
        self.command.stdout(Stdio::piped());
        self.run()
    }

    fn run(mut self) -> Result<Output> {
        self.announce();
        let input = self.input.take();
        self.command.stdin(match input {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        });
        let mut child = self.spawn()?;
        if let (Some(bytes), Some(mut pipe)) = (input, child.stdin.take()) {
            // A program that does not read its input ends by itself and says why.
            let _ = pipe.write_all(&bytes);
        }
        let output = child.wait_with_output();
        interrupt::leave();
        let output = output.map_err(|error| self.failure(&error))?;
        interrupt::check()?;
        Ok(output)
    }

    fn spawn(&mut self) -> Result<std::process::Child> {
        let child = self.command.spawn().map_err(|error| self.failure(&error))?;
        interrupt::enter(child.id());
        Ok(child)
    }

    fn failure(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("cannot run {}: {error}", self.shown[0]))
    }

    fn announce(&self) {
        if settings::is_verbose() {
            eprintln!("+ {}{}", self.shown_env.concat(), self.shown.join(" "));
        }
    }
}

/// What a program printed, as text: its standard output, then its standard error.
pub fn printed(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// Shows what a program printed, byte for byte: Rust's own streams take no text in a code page of
/// Windows.
#[cfg(windows)]
pub fn pass_on(output: &Output) {
    use std::fs::File;
    use std::mem::ManuallyDrop;
    use std::os::windows::io::{AsRawHandle, FromRawHandle};

    let handle = std::io::stderr().as_raw_handle();
    if handle.is_null() {
        return; // of a process without a standard error
    }
    // SAFETY: the handle is open as long as the process runs, and is not closed here.
    let mut stream = ManuallyDrop::new(unsafe { File::from_raw_handle(handle) });
    for bytes in [&output.stdout, &output.stderr] {
        let _ = stream.write_all(bytes);
    }
}

/// A program of that name on the PATH. Folders of the PATH that are not absolute do not count:
/// what lies in the project is not run.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .map(|program| match env::consts::EXE_EXTENSION {
            "" => program,
            extension => program.with_extension(extension),
        })
        .find(|program| is_program(program))
}

#[cfg(unix)]
pub fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .map(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        .unwrap_or(false)
}

#[cfg(not(unix))]
pub fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// An argument as one would type it, for showing only.
fn quoted(argument: &OsStr) -> String {
    let text = argument.to_string_lossy();
    let is_plain = |character: char| character.is_alphanumeric() || "-_./:=+,@\\".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.escape_debug())
    }
}
