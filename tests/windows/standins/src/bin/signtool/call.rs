//! The grammar of signtool's command line.

use standins::fail;
use standins::path::to_unix;
use std::collections::BTreeMap;
use std::path::Path;

/// Documented switches of `sign` with a value, and without.
pub const SIGN: (&[&str], &[&str]) = (
    &[
        "ac", "c", "csp", "d", "dg", "di", "dlib", "dmdf", "ds", "du", "f", "fd", "i", "kc", "n",
        "p", "p7", "p7ce", "p7co", "r", "s", "sa", "seal", "sha1", "t", "td", "tr", "tseal", "u",
    ],
    &[
        "a",
        "as",
        "debug",
        "force",
        "itos",
        "nosealwarn",
        "nph",
        "ph",
        "q",
        "rmc",
        "sm",
        "uw",
        "v",
    ],
);
/// Documented switches that the stand-in does nothing with.
pub const SIGN_NOT_COVERED: &[&str] = &[
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
];
pub const VERIFY: (&[&str], &[&str]) = (
    &[
        "ag",
        "bp",
        "c",
        "ca",
        "ds",
        "hash",
        "o",
        "p7content",
        "r",
        "sha1",
    ],
    &[
        "a", "ad", "all", "as", "d", "debug", "enclave", "kp", "ms", "p7", "pa", "pg", "ph", "q",
        "sl", "tw", "v",
    ],
);
pub const VERIFY_NOT_COVERED: &[&str] = &[
    "a",
    "ad",
    "ag",
    "all",
    "as",
    "bp",
    "c",
    "ca",
    "d",
    "debug",
    "ds",
    "enclave",
    "hash",
    "ms",
    "o",
    "p7",
    "p7content",
    "pg",
    "ph",
    "q",
    "r",
    "sha1",
    "sl",
    "tw",
];
const ALGORITHMS: &[&str] = &["sha1", "sha256", "sha384", "sha512"];

pub struct Call {
    pub switches: BTreeMap<String, Vec<String>>,
    pub files: Vec<String>,
}

impl Call {
    pub fn parse(args: &[String], grammar: (&[&str], &[&str]), not_covered: &[&str]) -> Self {
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
            if not_covered.contains(&name.as_str()) {
                fail(&format!("stand-in: signtool's /{name} is not covered"), 1);
            }
            let values = call.switches.entry(name.clone()).or_default();
            if grammar.0.contains(&name.as_str()) {
                match rest.next() {
                    Some(value) => values.push(value.clone()),
                    None => fail(
                        &format!("SignTool Error: Option requires a parameter: {arg}"),
                        1,
                    ),
                }
                if values.len() > 1 && name != "ac" {
                    fail(
                        &format!("SignTool Error: Option {arg} may not be given more than once."),
                        1,
                    );
                }
            } else if !grammar.1.contains(&name.as_str()) {
                fail(&format!("SignTool Error: Invalid option: {arg}"), 1);
            }
        }
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
}
