//! Runs a program of Linux from inside Wine and waits for it.
//!
//! Wine starts it (`fork_and_exec` in dlls/ntdll/unix/process.c) with the arguments in the Unix
//! locale's encoding and the environment, but gives no process handle: there is nothing to wait for
//! and no exit code, and Wine's pipes are no files that it could write to. So bash stands in between,
//! with three connections to a port of loopback: standard output, standard error, and the exit code.
//! Their end is what is waited for.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::path::to_unix;

/// What a program of Linux left.
pub struct Output {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Output {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
    pub fn said(&self) -> String {
        format!("{}{}", self.text(), String::from_utf8_lossy(&self.stderr))
    }
}

const SCRIPT: &str = r#"
exec 3>"/dev/tcp/127.0.0.1/$1" 4>"/dev/tcp/127.0.0.1/$1" 5>"/dev/tcp/127.0.0.1/$1" || exit
cd "$2" 2>&4 || exit
shift 2
"$@" </dev/null >&3 2>&4 3>&- 4>&- 5>&-
echo $? >&5
"#;

/// Runs a program and gives each chunk of its output to `sink` (true: standard error) as it comes.
///
/// `program` is looked for on the PATH of Linux; `env` is set on top of the own environment.
pub fn stream(
    program: &str,
    args: &[String],
    env: &[(String, String)],
    sink: impl Fn(bool, &[u8]) + Sync,
) -> i32 {
    let failed =
        |error: std::io::Error| -> ! { crate::fail(&format!("stand-in: {program}: {error}"), 99) };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| failed(error));
    let port = listener
        .local_addr()
        .unwrap_or_else(|error| failed(error))
        .port();
    Command::new(r"Z:\bin\bash")
        .args(["-c", SCRIPT, "bash", &port.to_string(), &to_unix(".")])
        .arg("env")
        .args(env.iter().map(|(name, value)| format!("{name}={value}")))
        .arg(program)
        .args(args)
        .stdin(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| failed(error));
    let accept = || listener.accept().unwrap_or_else(|error| failed(error)).0;
    let (mut out, mut err, mut code) = (accept(), accept(), accept());
    let copy = |is_error: bool, source: &mut dyn Read| {
        let mut chunk = [0; 65536];
        while let Ok(length @ 1..) = source.read(&mut chunk) {
            sink(is_error, &chunk[..length]);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| copy(true, &mut err));
        copy(false, &mut out);
    });
    let mut text = String::new();
    let _ = code.read_to_string(&mut text);
    text.trim().parse().unwrap_or(99)
}

/// Runs a program and collects what it says.
pub fn collect(program: &str, args: &[&str]) -> Output {
    let streams = std::sync::Mutex::new((Vec::new(), Vec::new()));
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let code = stream(program, &args, &[], |is_error, chunk| {
        let mut both = streams.lock().unwrap();
        if is_error {
            both.1.extend(chunk)
        } else {
            both.0.extend(chunk)
        }
    });
    let (stdout, stderr) = streams.into_inner().unwrap();
    Output {
        code,
        stdout,
        stderr,
    }
}

/// Passes output on as it is.
pub fn pass_on(is_error: bool, chunk: &[u8]) {
    let _ = if is_error {
        std::io::stderr().write_all(chunk)
    } else {
        std::io::stdout()
            .write_all(chunk)
            .and_then(|()| std::io::stdout().flush())
    };
}
