//! Stands in for a Windows rustc where it is asked something: `--print sysroot`, `-vV` and the like
//! are answered by the rustc of Linux, with the path of the answer translated.

use standins::{handover, path, record};

fn main() {
    let args = record::call("rustc");
    let code = handover::stream("rustc", &args, &[], |is_error, chunk| {
        let text = String::from_utf8_lossy(chunk);
        if !is_error && text.starts_with('/') {
            let translated = format!("{}\n", path::to_windows(text.trim_end()));
            handover::pass_on(false, translated.as_bytes());
        } else {
            handover::pass_on(is_error, chunk);
        }
    });
    std::process::exit(code);
}
