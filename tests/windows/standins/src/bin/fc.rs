//! Stands in for fc.exe, which Wine 8 has only as an empty program that reports success.
//!
//! Grammar: Microsoft Learn, "fc" (windows-commands/fc); only `fc /b A B` is covered. Exit codes: 0
//! the same, 1 different, 2 a file that cannot be read.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<&String> = args
        .iter()
        .filter(|arg| !arg.eq_ignore_ascii_case("/b"))
        .collect();
    let [first, second] = files[..] else {
        standins::fail("FC: Invalid Switch or wrong number of files", 2)
    };
    if files.len() == args.len() {
        standins::fail("stand-in: only fc /b is covered", 2);
    }
    println!("Comparing files {first} and {second}");
    let read = |file: &str| {
        std::fs::read(file).unwrap_or_else(|_| {
            standins::fail(
                &format!("FC: cannot open {file} - No such file or folder\n"),
                2,
            )
        })
    };
    let (first, second) = (read(first), read(second));
    if first == second {
        println!("FC: no differences encountered\n");
        return;
    }
    for (at, (one, other)) in first
        .iter()
        .zip(&second)
        .enumerate()
        .filter(|(_, (one, other))| one != other)
    {
        println!("{at:08X}: {one:02X} {other:02X}");
    }
    if first.len() != second.len() {
        println!("FC: files are of different length\n");
    }
    std::process::exit(1);
}
