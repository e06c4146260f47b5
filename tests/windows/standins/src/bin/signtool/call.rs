//! The grammar of signtool's command line.

use standins::fail;
use standins::path::to_unix;
use std::collections::BTreeMap;
use std::path::Path;

/// A command's switches, as the page lists them.
pub struct Grammar {
    /// With a value behind them.
    pub values: &'static [&'static str],
    /// Without one.
    pub flags: &'static [&'static str],
    /// Documented, and the stand-in does nothing with them.
    pub not_covered: &'static [&'static str],
}

/// "Sign command options", and the global ones.
pub const SIGN: Grammar = Grammar {
    values: &[
        "ac", "csp", "dlib", "dmdf", "f", "fd", "kc", "n", "p", "s", "sha1", "t", "td", "tr",
    ],
    flags: &["a", "ph", "sm", "v"],
    not_covered: &[
        "as",
        "c",
        "d",
        "debug",
        "dg",
        "di",
        "ds",
        "du",
        "force",
        "i",
        "itos",
        "nosealwarn",
        "nph",
        "p7",
        "p7ce",
        "p7co",
        "q",
        "r",
        "rmc",
        "sa",
        "seal",
        "tseal",
        "u",
        "uw",
    ],
};

/// "Timestamp command options", and the global ones.
pub const TIMESTAMP: Grammar = Grammar {
    values: &["t", "td", "tr"],
    flags: &["v"],
    not_covered: &["debug", "force", "nosealwarn", "p7", "q", "tp", "tseal"],
};

/// What `/fd` and `/td` take.
const ALGORITHMS: &[&str] = &["sha1", "sha256", "sha384", "sha512"];

pub struct Call {
    pub switches: BTreeMap<String, Vec<String>>,
    pub files: Vec<String>,
}

impl Call {
    pub fn parse(args: &[String], grammar: &Grammar) -> Self {
        let mut call = Self {
            switches: BTreeMap::new(),
            files: Vec::new(),
        };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let Some(name) = arg.strip_prefix(['/', '-']) else {
                call.files.push(arg.clone());
                continue;
            };
            let name = name.to_lowercase();
            if grammar.not_covered.contains(&name.as_str()) {
                fail(&format!("stand-in: signtool's /{name} is not covered"), 1);
            }
            let values = call.switches.entry(name.clone()).or_default();
            if grammar.values.contains(&name.as_str()) {
                match rest.next() {
                    Some(value) => values.push(value.clone()),
                    None => fail(
                        &format!("SignTool Error: Option requires a parameter: {arg}"),
                        1,
                    ),
                }
                // "/ac": may be given for each additional certificate.
                if values.len() > 1 && name != "ac" {
                    fail(
                        &format!("SignTool Error: Option {arg} may not be given more than once."),
                        1,
                    );
                }
            } else if !grammar.flags.contains(&name.as_str()) {
                fail(&format!("SignTool Error: Invalid option: {arg}"), 1);
            }
        }
        // "Syntax": signtool [command] [options] [file_name | ...]
        if call.files.is_empty() {
            fail("SignTool Error: Missing filename.", 1);
        }
        call
    }

    pub fn has(&self, name: &str) -> bool {
        self.switches.contains_key(name)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.switches.get(name)?.first().map(String::as_str)
    }

    pub fn only_one_of(&self, names: &[&str]) {
        let given: Vec<String> = names
            .iter()
            .filter(|name| self.has(name))
            .map(|name| format!("/{name}"))
            .collect();
        if given.len() > 1 {
            fail(
                &format!(
                    "SignTool Error: The following options are incompatible: {}",
                    given.join(", ")
                ),
                1,
            );
        }
    }

    pub fn needs(&self, name: &str, other: &str) {
        if self.has(name) && !self.has(other) {
            fail(
                &format!("SignTool Error: The /{name} option requires the /{other} option."),
                1,
            );
        }
    }

    pub fn algorithm(&self, name: &str) -> Option<String> {
        let given = self.get(name)?.to_lowercase();
        if !ALGORITHMS.contains(&given.as_str()) {
            fail(
                &format!("SignTool Error: Invalid value for the /{name} option: {given}"),
                1,
            );
        }
        Some(given)
    }

    pub fn existing(&self, name: &str) -> Option<String> {
        let file = self.get(name)?;
        if !Path::new(file).is_file() {
            fail(&format!("SignTool Error: File not found: {file}"), 1);
        }
        Some(to_unix(file))
    }

    /// "/t", "/tr", "/td": the options of osslsigncode that ask for a timestamp; none without a
    /// server.
    pub fn stamp(&self) -> Vec<String> {
        // "/t": this option cannot be used with /tr.
        self.only_one_of(&["t", "tr"]);
        // "/td": used with the /tr option.
        self.needs("td", "tr");
        if self.has("tr") && self.algorithm("td").is_none() {
            fail(
                "SignTool Error: No timestamp digest algorithm specified. Please specify the digest algorithm with the /td flag. \
                 Using /td SHA256 is recommended and more secure than SHA1.",
                1,
            );
        }
        match (self.get("tr"), self.get("t")) {
            (Some(url), _) => vec!["-ts".to_owned(), url.to_owned()],
            (_, Some(url)) => vec!["-t".to_owned(), url.to_owned()],
            _ => Vec::new(),
        }
    }
}

/// Has osslsigncode change a file, in place as signtool does it: whatever is linked to the file
/// changes with it. Returns what osslsigncode said when it failed.
pub fn change(file: &str, options: &[String]) -> Result<(), String> {
    let part = format!("{file}.changing-{}", std::process::id());
    let (input, output) = (to_unix(file), to_unix(&part));
    let words: Vec<&str> = options
        .iter()
        .map(String::as_str)
        .chain(["-in", &input, "-out", &output])
        .collect();
    let result = standins::handover::collect("osslsigncode", &words);
    let bytes = std::fs::read(&part).unwrap_or_default();
    let _ = std::fs::remove_file(&part);
    if result.code != 0 {
        return Err(result.said());
    }
    std::fs::write(file, bytes).map_err(|error| {
        format!("The file is being used by another process, or is read-only: {error}")
    })
}
