//! Stands in for the kit's tools for driver packages: stampinf.exe, inf2cat.exe, infverif.exe,
//! whichever this file is called. tests/windows/kit_tools.py, which KDRVGEN_KIT_TOOLS starts, does the
//! work and prints its exit code, and names the pages that it follows.
//!
//! KDRVGEN_SAYS_NAME, such as KDRVGEN_SAYS_INF2CAT, replaces the work: an exit code, a blank and the
//! output. `{}` in it is the file of the last argument.

use standins::path::to_unix;
use standins::{fail, handover, record};

fn main() {
    let name = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_stem()?.to_str()?.to_lowercase()))
        .unwrap_or_default();
    let args = record::call(&name);
    let variable = format!("KDRVGEN_SAYS_{}", name.to_uppercase());
    if let Ok(says) = std::env::var(&variable) {
        let (code, text) = says.split_once(' ').unwrap_or((&says, ""));
        let last = args.last().map(String::as_str).unwrap_or_default();
        println!("{}", text.replace("{}", last));
        std::process::exit(code.parse().unwrap_or(99));
    }
    let Ok(program) = std::env::var("KDRVGEN_KIT_TOOLS") else {
        fail("stand-in: KDRVGEN_KIT_TOOLS is not set", 99);
    };
    let mut words = vec![name];
    let mut paths = Vec::new();
    for arg in args {
        // An absolute path, alone or behind a switch: `/driver:C:\package`.
        let start = arg.find(r":\").and_then(|colon| colon.checked_sub(1));
        words.push(match start {
            None => arg,
            Some(start) => {
                let unix = to_unix(&arg[start..]);
                paths.push((unix.clone(), arg[start..].to_owned()));
                format!("{}{unix}", &arg[..start])
            }
        });
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = handover::collect(&program, &words);
    let mut text = output.said();
    for (unix, windows) in paths {
        text = text.replace(&unix, &windows);
    }
    let (text, code) = text.rsplit_once("exit code ").unwrap_or((&text, "99"));
    print!("{text}");
    std::process::exit(code.trim().parse().unwrap_or(99));
}
