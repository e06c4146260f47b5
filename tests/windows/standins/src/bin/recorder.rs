//! Records its arguments, then runs the program that KDRVGEN_RECORDED_NAME names, where NAME is what
//! this file is called: on a real Windows, `signtool.exe` in front of the PATH.

use standins::{fail, record};

fn main() {
    let name = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .unwrap_or_default();
    record::call(&name);
    let variable = format!("KDRVGEN_RECORDED_{}", name.to_uppercase());
    let Some(program) = std::env::var_os(&variable) else {
        fail(&format!("recorder: {variable} is not set"), 99);
    };
    let status = std::process::Command::new(program).args(std::env::args_os().skip(1)).status();
    match status {
        Ok(status) => std::process::exit(status.code().unwrap_or(99)),
        Err(error) => fail(&format!("recorder: {variable}: {error}"), 99),
    }
}
