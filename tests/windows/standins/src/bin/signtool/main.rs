//! Stands in for signtool.exe: `sign` and `verify`.
//!
//! Grammar: Microsoft Learn, "SignTool" (win32/seccrypto/signtool). Switches begin with `/` or `-`
//! and are case-insensitive; values are words of their own; what is not documented is refused.
//! Exit codes: 0 done, 1 failed, 2 done with warnings (the same page, "Return value").
//! The rules of builds after 20236 hold: `/fd` with `sign` and `/td` with `/tr` are required.
//!
//! - Certificates come from the store on disk (`/s`, `/sm`; chosen by `/sha1`, `/n`, `/a`), from a PFX
//!   (`/f`, `/p`), from a file with its key in a container (`/f`, `/csp`, `/kc`: the key is
//!   %KDRVGEN_FAKE_STORE%\keys\CSP\CONTAINER.pem), or from a library (`/dlib`, `/dmdf`: the
//!   identity is %KDRVGEN_FAKE_STORE%\cloud.pem).
//! - A store's certificate counts when it is valid today, may sign code and has its private key.
//! - osslsigncode signs. A time stamp that does not come leaves the file as it was and ends with 1,
//!   or, with KDRVGEN_FAKE_TIMESTAMP_WARNING set, as older versions do, signed with 2.
//! - `verify /pa` trusts what is in the Root stores of user and machine. Without `/pa`, and with `/kp`,
//!   the drivers' policy wants a root of Microsoft's, which nothing here has: it fails with 1.
//!
//! The first line of each message is signtool's own where it is known from public logs ("No
//! certificates were found …", "No file digest algorithm specified."); the wording of the others is
//! not documented, and no test should rest on it.

mod call;
mod sign;
mod verify;

use standins::{fail, record};

fn main() {
    let args = record::call("signtool");
    let (command, rest) = args
        .split_first()
        .unwrap_or_else(|| fail("SignTool Error: A required parameter is missing.", 1));
    std::process::exit(match command.to_lowercase().as_str() {
        "sign" => sign::sign(rest),
        "verify" => verify::verify(rest),
        "catdb" | "remove" | "timestamp" => {
            fail(&format!("stand-in: signtool {command} is not covered"), 1)
        }
        _ => fail(&format!("SignTool Error: Invalid command: {command}"), 1),
    });
}
