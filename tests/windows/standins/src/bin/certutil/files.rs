//! Certificates as files: DER, or PEM.

use standins::certificate::Certificate;
use standins::handover::collect;
use standins::path::to_unix;

pub fn export_der(each: &Certificate, to: &str) -> bool {
    let part = format!("{to}.part");
    let done = collect(
        "openssl",
        &[
            "x509",
            "-in",
            &to_unix(&each.file),
            "-outform",
            "DER",
            "-out",
            &to_unix(&part),
        ],
    )
    .code
        == 0;
    done && std::fs::rename(&part, to).is_ok()
}

/// A certificate file, DER or PEM, as PEM.
pub fn as_pem(file: &str) -> Option<String> {
    let form = if std::fs::read(file).ok()?.starts_with(b"-----BEGIN") {
        "PEM"
    } else {
        "DER"
    };
    let said = collect("openssl", &["x509", "-inform", form, "-in", &to_unix(file)]);
    (said.code == 0).then(|| said.text())
}
