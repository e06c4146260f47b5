//! Signs with signtool, a tool of the Windows SDK.
//!
//! Source of its options: "SignTool", Microsoft Learn (win32/seccrypto/signtool).

use std::env;
use std::fs;
use std::os::windows::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::certificate::Identity;
use crate::der;
use crate::failure::{Failure, Result};
use crate::kit::{self, Search};
use crate::output::{self, TempFile};
use crate::pem;
use crate::process::{on_path, pass_on, Tool};
use crate::settings::{self, Settings};
use crate::signer::{has_pages, kind_of, not_a_certificate, secret, Order, Signer};

/// The maximum length of a path without its zero, for programs that do not opt in to longer ones
/// ("Maximum Path Length Limitation", Microsoft Learn).
const MAX_PATH: usize = 259;

pub struct Signtool {
    program: PathBuf,
    /// The thumbprint of the test certificate; None for the user's certificate.
    thumbprint: Option<String>,
}

impl Signtool {
    /// Finds signtool. The failure lists all places that were searched.
    pub fn find(settings: &Settings, identity: Option<&Identity>) -> Result<Signtool> {
        let program = match settings::file("DRIVER_SIGNTOOL", &settings.root) {
            Some(program) if program.is_file() => program,
            Some(program) => {
                return Err(Failure::new(format!(
                    "signing.signtool: {} does not exist or is not a file",
                    program.display()
                )))
            }
            None => kit_tool("signtool.exe", SIGNING_TOOLS)?,
        };
        Ok(Signtool {
            program,
            thumbprint: identity.map(|identity| identity.thumbprint.clone()),
        })
    }

    fn command(&self, verb: &str) -> Tool {
        // Its output is printed only if it fails.
        Tool::new(&self.program).args([verb, "/v"])
    }
}

const SIGNING_TOOLS: &str =
    "install the Windows SDK with its component \"Signing Tools for Desktop Apps\": \
     winget install Microsoft.WindowsSDK.10.0.26100";

/// Finds a tool of a kit on the PATH, then in the folders of the SDK, ClickOnce and NuGet. The
/// failure lists all places that were searched.
pub fn kit_tool(name: &str, advice: &str) -> Result<PathBuf> {
    let mut search = Search::default();
    if let Some(program) = search_for(name, &mut search) {
        return Ok(program);
    }
    let mut failure =
        Failure::new(format!("{name} was not found")).because("PATH: not in any of its folders");
    for place in search.tried {
        failure = failure.because(place);
    }
    failure = failure.help(advice);
    if name == "signtool.exe" {
        failure = failure
            .help("or the NuGet package Microsoft.Windows.SDK.BuildTools")
            .help(format!(
                "or set signing.signtool in {}",
                settings::config_name()
            ));
    }
    Err(failure)
}

/// Finds a tool of a kit that is not needed; None if it is not installed.
pub fn installed_tool(name: &str) -> Option<PathBuf> {
    search_for(name, &mut Search::default())
}

fn search_for(name: &str, search: &mut Search) -> Option<PathBuf> {
    on_path(name.trim_end_matches(".exe")).or_else(|| kit::tool(name, search))
}

impl Signer for Signtool {
    fn sign(&self, settings: &Settings, order: &Order, file: &Path) -> Result<()> {
        let mut tool = self.command("sign").args(["/fd", &order.digest]);
        if order.page_hashes && has_pages(file) {
            tool = tool.arg("/ph");
        }
        let certificates = one_in_each(&order.additional)?;
        for certificate in &certificates {
            tool = tool.arg("/ac").arg(certificate.path());
        }
        tool = match &self.thumbprint {
            Some(thumbprint) => with_store(tool)?.args(["/sha1", thumbprint]),
            None => with_user_certificate(tool, settings)?,
        };
        let output = with_short_path(file, |file| tool.arg(file).output())?;
        if output.status.success() {
            return Ok(());
        }
        let what = format!("signtool did not sign the {}", kind_of(file));
        Err(self.refusal(Failure::new(what), &output))
    }

    fn timestamp(&self, order: &Order, file: &Path) -> Result<Output> {
        let tool = self.command("timestamp");
        let tool = if order.is_rfc3161 {
            tool.args(["/tr", &order.timestamp_url, "/td", &order.digest])
        } else {
            tool.args(["/t", &order.timestamp_url])
        };
        with_short_path(file, |file| tool.arg(file).output())
    }

    /// Prints the output of signtool byte for byte: it can be in any language and code page.
    fn refusal(&self, failure: Failure, output: &Output) -> Failure {
        pass_on(output);
        failure.because(match output.status.code() {
            Some(code) => format!("{} ended with exit code {code}.", self.program.display()),
            None => format!("Another program ended {}.", self.program.display()),
        })
    }
}

/// A file with one certificate in DER.
enum Certificate<'a> {
    Given(&'a Path),
    Copied(TempFile),
}

impl Certificate<'_> {
    fn path(&self) -> &Path {
        match self {
            Certificate::Given(path) => path,
            Certificate::Copied(file) => file.path(),
        }
    }
}

/// Returns a file for each certificate in these files: the option /ac takes one certificate, and a
/// PEM file can contain a whole chain.
fn one_in_each(files: &[PathBuf]) -> Result<Vec<Certificate<'_>>> {
    let place = env::temp_dir().join("additional.cer");
    let mut certificates = Vec::new();
    for file in files {
        let bytes = output::read(file)?;
        if der::Certificate::parse(&bytes).is_some() {
            certificates.push(Certificate::Given(file));
            continue;
        }
        let blocks = pem::decode_all(&String::from_utf8_lossy(&bytes), "CERTIFICATE");
        let blocks = blocks.filter(|blocks| !blocks.is_empty());
        for block in blocks.ok_or_else(|| not_a_certificate(file))? {
            let mut copy = TempFile::beside(&place)?;
            copy.write(&block)?;
            certificates.push(Certificate::Copied(copy));
        }
    }
    Ok(certificates)
}

/// Adds the options that select the user's certificate.
fn with_user_certificate(tool: Tool, settings: &Settings) -> Result<Tool> {
    let file = |name: &str| settings::file(name, &settings.root);
    if let Some(pfx) = file("DRIVER_PFX") {
        let tool = tool.arg("/f").arg(pfx);
        // signtool accepts a password only as an argument.
        return Ok(
            match secret("signing.pfx-password-env", "DRIVER_PFX_PASSWORD_ENV")? {
                Some(password) => tool.arg("/p").secret(password),
                None => tool,
            },
        );
    }
    let public = file("DRIVER_PUBLIC_CERTIFICATE");
    let provider = settings::text("DRIVER_CSP")?;
    if !provider.is_empty() {
        let tool = match public {
            Some(public) => tool.arg("/f").arg(public),
            None => tool,
        };
        let tool = tool.args(["/csp", &provider, "/kc"]);
        // The name of a container can contain the PIN of a token.
        return Ok(
            match secret("signing.key-container-env", "DRIVER_KEY_CONTAINER_ENV")? {
                Some(container) => tool.secret(container),
                None => tool.arg(settings::text("DRIVER_KEY_CONTAINER")?),
            },
        );
    }
    let thumbprint = settings::text("DRIVER_CERTIFICATE_THUMBPRINT")?;
    let mut tool = tool;
    if let Some(library) = file("DRIVER_DLIB") {
        tool = tool.arg("/dlib").arg(library);
        if let Some(metadata) = file("DRIVER_DMDF") {
            tool = tool.arg("/dmdf").arg(metadata);
        }
        if let Some(public) = &public {
            tool = tool.arg("/f").arg(public);
        }
        if thumbprint.is_empty() {
            return Ok(tool);
        }
    }
    let tool = with_store(tool)?;
    Ok(if thumbprint.is_empty() {
        tool.arg("/n")
            .arg(settings::text("DRIVER_CERTIFICATE_SUBJECT")?)
    } else {
        tool.args(["/sha1", &thumbprint])
    })
}

fn with_store(tool: Tool) -> Result<Tool> {
    let tool = tool
        .arg("/s")
        .arg(settings::text("DRIVER_CERTIFICATE_STORE")?);
    Ok(if settings::is_yes("DRIVER_MACHINE_STORE") {
        tool.arg("/sm")
    } else {
        tool
    })
}

/// Whether a path is too long for the tools of the kits, which do not opt in to longer ones.
pub fn is_too_long(path: &Path) -> bool {
    path.as_os_str().encode_wide().count() > MAX_PATH
}

/// Lets `work` change a file, or, if the path is too long for signtool, a copy in the temporary
/// folder.
fn with_short_path(file: &Path, work: impl FnOnce(&Path) -> Result<Output>) -> Result<Output> {
    if !is_too_long(file) {
        return work(file);
    }
    let mut short = env::temp_dir().join("driver");
    short.set_extension(file.extension().unwrap_or_default()); // signtool chooses the format by it
    let mut copy = TempFile::beside(&short)?;
    copy.write(&output::read(file)?)?;
    let output = work(copy.path())?;
    let bytes = output::read(copy.path())?;
    fs::write(file, bytes).map_err(|error| Failure::io("write", file, &error))?;
    Ok(output)
}
