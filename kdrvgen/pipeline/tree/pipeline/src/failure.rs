//! The error type: what is wrong, why it matters, and what to do.

use std::fmt;
use std::io;
use std::path::Path;

/// The error of all tasks.
#[derive(Debug)]
pub struct Failure {
    what: String,
    details: Vec<String>,
    helps: Vec<String>,
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// One sentence: what is wrong, and where.
    pub fn new(what: impl Into<String>) -> Failure {
        Failure {
            what: what.into(),
            details: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Adds why it matters, or the output of a tool.
    pub fn because(mut self, detail: impl Into<String>) -> Failure {
        self.details.push(detail.into());
        self
    }

    /// Adds what the user can do.
    pub fn help(mut self, help: impl Into<String>) -> Failure {
        self.helps.push(help.into());
        self
    }

    /// An error of the operating system.
    ///
    /// `action` completes "cannot …".
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Failure {
        Failure::new(format!("cannot {action} {}: {error}", path.display()))
    }

    /// An error of a Windows function, with Windows' message and number.
    ///
    /// `action` completes "cannot …".
    #[cfg(windows)]
    pub fn windows(action: &str, code: u32) -> Failure {
        Failure::new(format!(
            "cannot {action}: {}",
            crate::system::error_text(code)
        ))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.what)?;
        for detail in &self.details {
            for line in detail.trim_end().lines() {
                write!(formatter, "\n  {}", line)?;
            }
        }
        for help in &self.helps {
            write!(formatter, "\n  help: {}", help)?;
        }
        Ok(())
    }
}
