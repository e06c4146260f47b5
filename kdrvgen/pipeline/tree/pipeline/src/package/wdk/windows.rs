//! Runs the kit's tools for driver packages.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cargo;
use crate::failure::{Failure, Result};
use crate::output::{self, TempFolder};
use crate::process::{pass_on, printed, Tool};
use crate::settings::{self, Model, Settings};
use crate::signtool::{installed_tool, is_too_long, kit_tool};

const KIT: &str = "install the Windows Driver Kit: winget install Microsoft.WindowsWDK.10.0.26100";
/// The value of DRIVER_FRAMEWORK_VERSION if wdk-build reads the version from Cargo.toml.
const BY_WDK_BUILD: &str = "wdk-build";
/// The digits of SOURCE_DATE_EPOCH until the year 5138; 13 digits are milliseconds.
const MAX_DIGITS: usize = 11;
/// The error of inf2cat about the date of the driver.
const WRONG_DATE: &str = "22.9.7";

/// Stamps the project's own INF with stampinf, and makes the catalog of a folder with inf2cat.
pub fn make(settings: &Settings, folder: &Path, inf: &OsStr, catalog: &OsStr) -> Result<()> {
    let tool = |name| {
        kit_tool(name, KIT).map_err(|failure| {
            failure.help("or set package.tool = \"kdrvgen\", which needs no kit")
        })
    };
    let stampinf = tool("stampinf.exe")?;
    let inf2cat = tool("inf2cat.exe")?;
    let source = settings::file("DRIVER_INX", &settings.root)
        .ok_or_else(|| Failure::new("package.inx is not set"))?;
    let inf = folder.join(inf);
    output::copy(&source, &inf)?;
    let output = stamping(settings, stampinf, &inf, catalog)?.output()?;
    succeeds("stampinf", &output).map_err(|code| {
        Failure::new(format!("stampinf did not stamp {}", source.display())).because(code)
    })?;
    let stamped = format!(
        "{} is the stamped copy of {}.",
        shown(&inf),
        source.display()
    );
    check_inf(&inf)
        .and_then(|()| make_catalog(settings, inf2cat, folder, catalog))
        .map_err(|failure| failure.because(stamped))
}

/// Returns the command that stamps an INF in place.
fn stamping(settings: &Settings, stampinf: PathBuf, inf: &Path, catalog: &OsStr) -> Result<Tool> {
    let tool = Tool::new(stampinf)
        .arg("-f")
        .arg(inf)
        .args(["-a", machine(settings), "-d", &date()?])
        .args(["-v", &version(settings)?, "-c"])
        .arg(catalog);
    let framework = framework(settings, inf)?;
    if framework.is_empty() {
        return Ok(tool);
    }
    let is_umdf = settings.model == Model::Umdf;
    Ok(tool.args([if is_umdf { "-u" } else { "-k" }, &framework]))
}

/// Returns the version of the framework for stampinf; empty for WDM. Warns if the INF needs one that
/// nobody has set.
fn framework(settings: &Settings, inf: &Path) -> Result<String> {
    let version = settings::text("DRIVER_FRAMEWORK_VERSION")?;
    let (model, ending) = match settings.model {
        Model::Umdf => ("umdf", ".0"),
        _ => ("kmdf", ""),
    };
    if version == BY_WDK_BUILD {
        return Ok(cargo::framework(&settings.root, model)? + ending);
    }
    let name = model.to_uppercase();
    let is_assumed = !settings::text("DRIVER_FRAMEWORK_ASSUMED")?.is_empty();
    if is_assumed && has_text(&output::read(inf)?, &format!("${name}")) {
        eprintln!(
            "package: warning: the INF names {name} {version}, because wdk.framework-version is not \
             set, but the driver is linked with the newest version that the kit has"
        );
    }
    Ok(version)
}

/// Whether an INF, in ANSI or UTF-16, contains an ASCII text.
fn has_text(inf: &[u8], text: &str) -> bool {
    let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
    [text.as_bytes(), &wide]
        .iter()
        .any(|text| inf.windows(text.len()).any(|window| window == *text))
}

fn make_catalog(
    settings: &Settings,
    inf2cat: PathBuf,
    folder: &Path,
    catalog: &OsStr,
) -> Result<()> {
    let systems = format!(
        "DRIVER_PACKAGE_OS_{}",
        settings.architecture().to_uppercase()
    );
    let mut driver = OsString::from("/driver:");
    driver.push(folder);
    let output = Tool::new(inf2cat)
        .arg(driver)
        .arg(format!("/os:{}", settings::text(&systems)?))
        .output()?;
    let mut outcome = succeeds("inf2cat", &output);
    // After some errors, inf2cat ends with exit code 0.
    if outcome.is_ok() && !folder.join(catalog).is_file() {
        pass_on(&output);
        outcome = Err("It wrote no catalog.".to_owned());
    }
    outcome.map_err(|code| {
        let name = Path::new(catalog).display();
        let failure =
            Failure::new(format!("inf2cat did not make the catalog {name}")).because(code);
        if printed(&output).contains(WRONG_DATE) {
            failure.help(
                "inf2cat takes the current date in UTC, and the release of each Windows in \
                 package.operating-systems: correct package.date, SOURCE_DATE_EPOCH or the clock",
            )
        } else {
            failure
        }
    })
}

/// Checks an INF with infverif, if it is installed.
pub fn check_inf(inf: &Path) -> Result<()> {
    let infverif = match installed_tool("infverif.exe") {
        Some(infverif) => infverif,
        None => return Ok(()),
    };
    let verify = |inf: &Path| Tool::new(infverif).arg("/v").arg(inf).output();
    let output = if is_too_long(inf) {
        let temporary = TempFolder::beside(&env::temp_dir().join("package"))?;
        let copy = temporary.path().join(shown(inf));
        output::copy(inf, &copy)?;
        verify(&copy)
    } else {
        verify(inf)
    };
    succeeds("infverif", &output?).map_err(|code| {
        Failure::new(format!("infverif found errors in {}", shown(inf)))
            .because(code)
            .help("https://learn.microsoft.com/windows-hardware/drivers/devtest/inf-validation-errors-and-warnings explains each number")
    })
}

fn shown(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    Path::new(name).display().to_string()
}

/// Prints the output of a tool that failed byte for byte: it can be in any language and code page.
fn succeeds(name: &str, output: &Output) -> std::result::Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    pass_on(output);
    let code = output.status.code().unwrap_or(-1);
    Err(format!("{name} ended with exit code {code}."))
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
    let is_small = |number: &str| number.parse::<u16>().is_ok();
    if !numbers.split('.').all(is_small) {
        return Err(Failure::new(format!(
            "`{version}` in Cargo.toml cannot be the version of a driver"
        ))
        .because("Windows has numbers up to 65535.")
        .help(format!(
            "set package.version in {}",
            settings::config_name()
        )));
    }
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
        let is_number =
            epoch.len() <= MAX_DIGITS && epoch.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = epoch.parse().ok().filter(|_| is_number);
        seconds.ok_or_else(|| {
            Failure::new(format!(
                "SOURCE_DATE_EPOCH is `{epoch}`, which is not a number of seconds since 1970"
            ))
        })?
    };
    let (year, month, day) = crate::der::date((seconds / 86_400) as i64);
    Ok(format!("{month:02}/{day:02}/{year}"))
}
