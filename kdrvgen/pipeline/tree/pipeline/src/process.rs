//! Runs other programs. Prints them with `-v`, and stops them if the user interrupts.

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

    /// Adds an argument that is never printed.
    #[cfg(windows)] // only signtool gets secrets as arguments
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

    /// Sets the program's standard input, which is empty by default.
    pub fn input(mut self, bytes: Vec<u8>) -> Tool {
        self.input = Some(bytes);
        self
    }

    /// Runs the program with the streams of the terminal and waits until it ends.
    ///
    /// Returns its exit code; -1 if a signal ended it.
    pub fn show(mut self) -> Result<i32> {
        self.announce();
        let mut child = self.spawn()?;
        let status = child.wait();
        interrupt::leave();
        let status = status.map_err(|error| self.failure(&error))?;
        interrupt::check()?;
        Ok(status.code().unwrap_or(-1))
    }

    /// Runs the program and returns its standard output and standard error.
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
            // A program that does not read its input ends, and reports why.
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

/// Returns the output of a program as text: its standard output, then its standard error.
pub fn printed(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// Prints the output of a program byte for byte: Rust's streams reject text in a Windows code page.
#[cfg(windows)]
pub fn pass_on(output: &Output) {
    use std::fs::File;
    use std::mem::ManuallyDrop;
    use std::os::windows::io::{AsRawHandle, FromRawHandle};

    let handle = std::io::stderr().as_raw_handle();
    if handle.is_null() {
        return; // the process has no standard error
    }
    // SAFETY: the handle is open while the process runs, and is not closed here.
    let mut stream = ManuallyDrop::new(unsafe { File::from_raw_handle(handle) });
    for bytes in [&output.stdout, &output.stderr] {
        let _ = stream.write_all(bytes);
    }
}

/// Finds a program on the PATH. Relative folders of the PATH are ignored, so that no program in the
/// project is run.
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
        .map(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        .unwrap_or(false)
}

#[cfg(not(unix))]
pub fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Returns an argument in quotes if needed, only for printing.
fn quoted(argument: &OsStr) -> String {
    let text = argument.to_string_lossy();
    let is_plain =
        |character: char| character.is_alphanumeric() || "-_./:=+,@\\".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.escape_debug())
    }
}
