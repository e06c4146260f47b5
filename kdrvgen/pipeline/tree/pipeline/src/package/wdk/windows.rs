//! Runs the kit's tools for driver packages.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cargo;
use crate::failure::{Failure, Result};
use crate::output;
use crate::process::{pass_on, Tool};
use crate::settings::{self, Settings};
use crate::signtool::{installed_tool, kit_tool};

const KIT: &str = "install the Windows Driver Kit: winget install Microsoft.WindowsWDK.10.0.26100";

/// Stamps the project's own INF with stampinf, and makes the catalog of a folder with inf2cat.
pub fn make(settings: &Settings, folder: &Path, inf: &OsStr, catalog: &OsStr) -> Result<()> {
    let stampinf = kit_tool("stampinf.exe", KIT)?;
    let inf2cat = kit_tool("inf2cat.exe", KIT)?;
    let source = settings::file("DRIVER_INX", &settings.root)
        .ok_or_else(|| Failure::new("package.inx is not set"))?;
    let inf = folder.join(inf);
    output::copy(&source, &inf)?;
    let mut tool = Tool::new(stampinf)
        .arg("-f")
        .arg(&inf)
        .args(["-a", machine(settings), "-d", &date()?])
        .args(["-v", &version(settings)?, "-c"])
        .arg(catalog);
    let framework = settings::text("DRIVER_FRAMEWORK_VERSION")?;
    if !framework.is_empty() {
        let is_umdf = settings.model == crate::settings::Model::Umdf;
        tool = tool.args([if is_umdf { "-u" } else { "-k" }, &framework]);
    }
    succeeds("stampinf", &tool.output()?)?;
    verify_inf(&inf)?;
    let systems = format!(
        "DRIVER_PACKAGE_OS_{}",
        settings.architecture().to_uppercase()
    );
    let mut driver = std::ffi::OsString::from("/driver:");
    driver.push(folder);
    let tool = Tool::new(inf2cat)
        .arg(driver)
        .arg(format!("/os:{}", settings::text(&systems)?));
    succeeds("inf2cat", &tool.output()?)?;
    output::read(&folder.join(catalog)).map(|_| ())
}

/// Checks an INF with infverif, if it is installed.
pub fn verify_inf(inf: &Path) -> Result<()> {
    match installed_tool("infverif.exe") {
        None => Ok(()),
        Some(infverif) => succeeds(
            "infverif",
            &Tool::new(infverif).arg("/v").arg(inf).output()?,
        ),
    }
}

/// Prints the output of a tool that failed byte for byte: it can be in any language and code page.
fn succeeds(name: &str, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    pass_on(output);
    let code = output.status.code().unwrap_or(-1);
    Err(Failure::new(format!("{name} ended with exit code {code}")))
}

fn machine(settings: &Settings) -> &'static str {
    match settings.architecture() {
        "i686" => "x86",
        "aarch64" => "arm64",
        _ => "amd64",
    }
}

fn version(settings: &Settings) -> Result<String> {
    let given = settings::text("DRIVER_PACKAGE_VERSION")?;
    if !given.is_empty() {
        return Ok(given);
    }
    let version = cargo::version(&settings.root)?;
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    Ok(format!("{numbers}.0"))
}

/// Returns the date of the driver as `MM/DD/YYYY`: `package.date`, SOURCE_DATE_EPOCH, or today in
/// UTC.
fn date() -> Result<String> {
    let given = settings::text("DRIVER_PACKAGE_DATE")?;
    let mut parts = given.split('-');
    if let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) {
        return Ok(format!("{month}/{day}/{year}"));
    }
    let epoch = settings::text("SOURCE_DATE_EPOCH")?;
    let seconds = if epoch.is_empty() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().as_secs()
    } else {
        epoch.parse().map_err(|_| {
            Failure::new(format!(
                "SOURCE_DATE_EPOCH is `{epoch}`, which is not a number of seconds since 1970"
            ))
        })?
    };
    let (year, month, day) = crate::der::date((seconds / 86_400) as i64);
    Ok(format!("{month:02}/{day:02}/{year}"))
}
