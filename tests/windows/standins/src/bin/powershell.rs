//! Stands in for powershell.exe, which Wine has only as an empty program that reports success.
//!
//! It records its arguments, for a test to give the script in them to a grammar, and runs in its
//! place the batch file that KDRVGEN_FAKE_POWERSHELL names, which does what the script would have
//! done. Without one it ends with 1, as a script that failed.

fn main() {
    standins::record::call("powershell");
    let code = std::env::var_os("KDRVGEN_FAKE_POWERSHELL").map(|batch| {
        std::process::Command::new("cmd")
            .arg("/c")
            .arg(batch)
            .status()
            .ok()
            .and_then(|status| status.code())
    });
    std::process::exit(code.flatten().unwrap_or(1));
}
