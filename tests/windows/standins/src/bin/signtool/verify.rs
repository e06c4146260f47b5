//! `verify`: has osslsigncode verify, against what the Root stores trust.

use crate::call::{Call, VERIFY, VERIFY_NOT_COVERED};
use standins::handover::collect;
use standins::path::to_unix;
use standins::store;
use std::path::Path;

pub fn verify(args: &[String]) -> i32 {
    let call = Call::parse(args, VERIFY, VERIFY_NOT_COVERED);
    call.only_one_of(&["pa", "kp"]);
    let roots = std::env::temp_dir().join(format!("roots-{}.pem", std::process::id()));
    let trusted: String = [false, true]
        .into_iter()
        .flat_map(|machine| store::certificates(machine, "Root"))
        .filter_map(|each| std::fs::read_to_string(each.file).ok())
        .collect();
    let _ = std::fs::write(&roots, &trusted);
    let mut code = 0;
    for file in &call.files {
        code = code.max(verify_file(&call, file, &to_unix(&roots)));
    }
    let _ = std::fs::remove_file(&roots);
    code
}

fn verify_file(call: &Call, file: &str, roots: &str) -> i32 {
    let refuse = |text: &str| {
        eprintln!("SignTool Error: {text}");
        1
    };
    if !Path::new(file).is_file() {
        return refuse(&format!("File not found: {file}"));
    }
    let result = collect(
        "osslsigncode",
        &[
            "verify",
            "-CAfile",
            roots,
            "-TSA-CAfile",
            roots,
            "-in",
            &to_unix(file),
        ],
    );
    let said = result.said();
    if call.has("v") {
        println!("\nVerifying: {file}\n{said}");
    }
    if said.contains("No signature found") {
        return refuse("No signature found.");
    }
    if said.contains("MISMATCH") {
        return refuse("WinVerifyTrust returned error: 0x80096010\n\tThe digital signature of the object did not verify.");
    }
    if result.code != 0 {
        return refuse("A certificate chain processed, but terminated in a root\n\tcertificate which is not trusted by the trust provider.");
    }
    if !call.has("pa") {
        return refuse("Signing Cert does not chain to a Microsoft Root Cert.");
    }
    println!("Successfully verified: {file}");
    0
}
