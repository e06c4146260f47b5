//! What went wrong, why it matters and what to do about it.

use std::fmt;
use std::io;
use std::path::Path;

/// The error of every task.
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

    /// Adds why it matters, or what a tool printed: shown as it is, line by line.
    pub fn because(mut self, detail: impl Into<String>) -> Failure {
        self.details.push(detail.into());
        self
    }

    /// Adds what the user can do.
    pub fn help(mut self, help: impl Into<String>) -> Failure {
        self.helps.push(help.into());
        self
    }

    /// An operating system's refusal.
    ///
    /// `deed` completes the sentence "cannot …".
    pub fn io(deed: &str, path: &Path, error: &io::Error) -> Failure {
        Failure::new(format!("cannot {deed} {}: {error}", path.display()))
    }

    /// A refusal by a function of Windows, in its own words and with its number.
    ///
    /// `deed` completes the sentence "cannot …".
    #[cfg(windows)]
    pub fn windows(deed: &str, code: u32) -> Failure {
        Failure::new(format!("cannot {deed}: {}", crate::system::words_for(code)))
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
