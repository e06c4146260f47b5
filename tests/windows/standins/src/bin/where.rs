//! Stands in for where.exe, which Wine 8 has only as an empty program that reports success.
//!
//! Grammar: Microsoft Learn, "where" (windows-commands/where). Covered: /q and names without
//! wildcards, looked for in the current folder and on PATH, as they are and with PATHEXT. Exit codes:
//! 0 found, 1 not found, 2 wrong use.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let quiet = args.iter().any(|arg| arg.eq_ignore_ascii_case("/q"));
    let names: Vec<&String> = args
        .iter()
        .filter(|arg| !arg.eq_ignore_ascii_case("/q"))
        .collect();
    if names.is_empty()
        || names
            .iter()
            .any(|name| name.starts_with('/') || name.contains(['*', '?', ':']))
    {
        standins::fail("stand-in: only where [/q] NAME... is covered", 2);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let extensions = std::env::var("PATHEXT").unwrap_or_else(|_| ".COM;.EXE;.BAT;.CMD".to_owned());
    let mut code = 0;
    for name in names {
        let mut found = false;
        for folder in std::env::current_dir()
            .into_iter()
            .chain(std::env::split_paths(&path))
        {
            for extension in std::iter::once("").chain(extensions.split(';')) {
                let file = folder.join(format!("{name}{}", extension.to_lowercase()));
                if file.is_file() {
                    found = true;
                    if !quiet {
                        println!("{}", file.display());
                    }
                }
            }
        }
        if !found {
            code = 1;
            if !quiet {
                eprintln!("INFO: Could not find files for the given pattern(s).");
            }
        }
    }
    std::process::exit(code);
}
