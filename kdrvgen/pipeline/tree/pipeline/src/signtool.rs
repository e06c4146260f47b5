//! Signing by signtool, on Windows.

use std::path::Path;
use std::process::Output;

use crate::certificate::Identity;
use crate::failure::{Failure, Result};
use crate::settings::Settings;
use crate::sign::{Order, Signer};

pub struct Signtool;

impl Signtool {
    pub fn find(_settings: &Settings, _identity: Option<&Identity>) -> Result<Signtool> {
        Err(Failure::new("not yet"))
    }
}

impl Signer for Signtool {
    fn sign(&self, _settings: &Settings, _order: &Order, _file: &Path) -> Result<()> {
        Ok(())
    }

    fn timestamp(&self, _order: &Order, _file: &Path) -> Result<Output> {
        Err(Failure::new("not yet"))
    }
}
