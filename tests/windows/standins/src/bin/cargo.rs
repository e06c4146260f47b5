//! Stands in for a Windows cargo: `cargo make …` starts cargo-make.exe, as cargo does with its
//! external subcommands (The Cargo Book, "Custom Subcommands"); all else is done by the cargo of
//! Linux, in the same folder, with paths translated in arguments, environment and JSON messages.
//!
//! What differs from a cargo of Windows: build scripts run on Linux, but for that of the pipeline's
//! own package, which is a program of Windows (see `rustc-for-programs` in setup.sh). MSVC's link.exe,
//! which is what rustc takes on Windows by default, is stood in for by rust-lld.

use standins::{handover, path, record};
use std::process::Command;
use std::sync::Mutex;

/// Translates each JSON string that is an absolute path of Linux, or a package id with one.
fn translate(line: &str) -> String {
    let mut result = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('"') {
        let (before, literal) = rest.split_at(start + 1);
        result += before;
        let mut escaped = false;
        let end = literal
            .find(|character| {
                let ends = character == '"' && !escaped;
                escaped = character == '\\' && !escaped;
                ends
            })
            .unwrap_or(literal.len());
        let text = &literal[..end];
        let windows = |unix: &str| {
            let plain = unix.replace("\\\"", "\"").replace("\\\\", "\\");
            let translated = record::json(&path::to_windows(&plain));
            translated[1..translated.len() - 1].to_owned()
        };
        if text.starts_with('/') && !text.starts_with("//") {
            result += &windows(text);
        } else if let Some(unix) = text.strip_prefix("path+file://") {
            result += "path+file:///";
            result += &windows(unix).replace("\\\\", "/");
        } else {
            result += text;
        }
        rest = &literal[end..];
        if let Some(closed) = rest.strip_prefix('"') {
            result.push('"');
            rest = closed;
        }
    }
    result + rest
}

fn is_windows_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 3
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/')
}

/// A path of Windows as Linux has it, which knows no drives. Wine has a place for every drive, and
/// a cargo of Linux would make folders there.
fn unix(what: &str, path: &str) -> String {
    if !std::path::Path::new(&path[..3]).is_dir() {
        standins::fail(
            &format!(
                "error: {what}: {path}: The system cannot find the path specified. (os error 3)"
            ),
            101,
        );
    }
    path::resolve(&path::to_unix(path))
}

/// The package id with a path of Linux for one with a path of Windows, as in `file:///C:/a#b`.
fn package_id(arg: &str) -> Option<String> {
    let kind = ["path+file:///", "file:///"]
        .iter()
        .find(|kind| arg.starts_with(**kind))?;
    let (path, package) = arg[kind.len()..].split_once('#')?;
    is_windows_path(path).then(|| {
        let path = unix("--package", path);
        format!(
            "{}{path}#{package}",
            kind.trim_end_matches('/').to_owned() + "//"
        )
    })
}

fn main() {
    let args = record::call("cargo");
    if args.first().is_some_and(|first| first == "make") {
        let status = Command::new("cargo-make.exe").args(&args).status();
        std::process::exit(status.map_or(101, |status| status.code().unwrap_or(101)));
    }
    let args: Vec<String> = args
        .iter()
        .map(|arg| match arg.split_once('=') {
            Some((option, value)) if option.starts_with("--") && is_windows_path(value) => {
                format!("{option}={}", unix(option, value))
            }
            _ if is_windows_path(arg) => unix("cargo", arg),
            _ => package_id(arg).unwrap_or_else(|| arg.clone()),
        })
        .collect();
    let mut env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| {
            (name.starts_with("CARGO_") || name.starts_with("RUST"))
                && !name.starts_with("CARGO_MAKE")
                && is_windows_path(value)
        })
        .filter(|_| args.first().is_some_and(|first| !first.starts_with('-')))
        .map(|(name, value)| {
            let path = unix(&name, &value);
            (name, path)
        })
        .collect();
    for target in ["X86_64", "I686", "AARCH64"] {
        let name = format!("CARGO_TARGET_{target}_PC_WINDOWS_MSVC_LINKER");
        let linker = std::env::var(&name).unwrap_or_default();
        if matches!(
            linker.to_lowercase().as_str(),
            "" | "link" | "link.exe" | "rust-lld.exe"
        ) {
            env.retain(|(known, _)| *known != name);
            env.push((name, "rust-lld".to_owned()));
        } else if let Some(plain) = linker
            .strip_suffix(".exe")
            .filter(|_| !is_windows_path(&linker))
        {
            env.push((name, plain.to_owned()));
        }
    }
    if args.iter().any(|arg| arg.ends_with("pipeline/Cargo.toml")) {
        let program = std::env::var("KDRVGEN_BED_RUSTC").unwrap_or_default();
        env.retain(|(name, _)| name != "RUSTC_WRAPPER");
        env.push(("RUSTC_WRAPPER".to_owned(), program));
    }
    let is_json = args
        .iter()
        .any(|arg| arg.starts_with("json") || arg.contains("=json"))
        || args.first().is_some_and(|first| first == "metadata");
    let pending = Mutex::new(Vec::new());
    let code = handover::stream("cargo", &args, &env, |is_error, chunk| {
        if is_error || !is_json {
            return handover::pass_on(is_error, chunk);
        }
        let mut pending = pending.lock().unwrap();
        pending.extend_from_slice(chunk);
        while let Some(end) = pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            handover::pass_on(false, translate(&String::from_utf8_lossy(&line)).as_bytes());
        }
    });
    handover::pass_on(false, &pending.into_inner().unwrap());
    std::process::exit(code);
}
