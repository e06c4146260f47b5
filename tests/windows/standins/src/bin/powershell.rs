//! Stands in for powershell.exe, which Wine has only as an empty program that reports success.
//!
//! Runs nothing. It records its arguments, for a test to give the script in them to a grammar, and
//! ends with the code in KDRVGEN_FAKE_POWERSHELL: without it, 1, as a script that failed.

fn main() {
    standins::record::call("powershell");
    std::process::exit(
        std::env::var("KDRVGEN_FAKE_POWERSHELL")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(1),
    );
}
