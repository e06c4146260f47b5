//! Stands in for signtool.exe: `sign` and `timestamp`.
//!
//! Every rule is one of Microsoft Learn, "SignTool"
//! (https://learn.microsoft.com/windows/win32/seccrypto/signtool); the comments name its section.
//! What that page does not document is refused. Switches begin with `/` or `-` and are
//! case-insensitive; values are words of their own. The rules of builds after 20236 hold (its first
//! note): `/fd` with `sign`, and `/td` with `/tr`, are required.
//!
//! - Certificates and their keys come out of the stores of Windows, which are Wine's here.
//! - osslsigncode signs and timestamps.
//! - Exit codes ("Return value"): 0 done, 1 failed, 2 done with warnings.
//! - The library of `/dlib` signs in a cloud: its identity is the PEM file that KDRVGEN_FAKE_CLOUD
//!   names.
//! - KDRVGEN_FAKE_BYTES holds hexadecimal digits of bytes that `sign` prints, as in another code page.
//!
//! The first line of each message is signtool's own where it is known from public logs ("No
//! certificates were found …", "No file digest algorithm specified."); the wording of the others is
//! not documented, and no test should rest on it.

mod call;
mod sign;
mod timestamp;

use standins::{fail, record};

fn main() {
    let args = record::call("signtool");
    let (command, rest) = args
        .split_first()
        .unwrap_or_else(|| fail("SignTool Error: A required parameter is missing.", 1));
    std::process::exit(match command.to_lowercase().as_str() {
        "sign" => sign::sign(rest),
        "timestamp" => timestamp::timestamp(rest),
        "catdb" | "remove" | "verify" => {
            fail(&format!("stand-in: signtool {command} is not covered"), 1)
        }
        _ => fail(&format!("SignTool Error: Invalid command: {command}"), 1),
    });
}
