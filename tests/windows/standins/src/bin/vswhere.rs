//! Stands in for vswhere.exe: instances of Visual Studio that a file describes.
//!
//! Grammar: `vswhere -help` (github.com/microsoft/vswhere, README and wiki). The instances are the
//! lines of the file that KDRVGEN_FAKE_VSWHERE names: `PATH TAB VERSION TAB PRODUCT`;
//! without the file there are none. Covered: -latest, -prerelease, -all,
//! -products, -property, -find, -utf8. Exit codes: 0, also when nothing is found; 87 for a wrong
//! argument.

use standins::{fail, record};
use std::path::{Path, PathBuf};

/// The files below `folder` that match the rest of a pattern: `*` in names, `**` for any folders.
fn find(folder: &Path, pattern: &[&str], found: &mut Vec<PathBuf>) {
    let Some((first, rest)) = pattern.split_first() else {
        found.extend(folder.exists().then(|| folder.to_owned()));
        return;
    };
    if *first == "**" {
        find(folder, rest, found);
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if *first == "**" {
            if entry.path().is_dir() {
                find(&entry.path(), pattern, found);
            }
        } else if matches(&name, &first.to_lowercase()) {
            find(&entry.path(), rest, found);
        }
    }
}

fn matches(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(&rest[at..], after))
        }),
    }
}

fn main() {
    let args = record::call("vswhere");
    let (mut latest, mut property, mut pattern) = (false, None, None);
    let (mut products, mut in_list) = (Vec::new(), false);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut value = || {
            rest.next()
                .unwrap_or_else(|| {
                    fail(&format!("Error 0x57: Missing value for argument {arg}"), 87)
                })
                .clone()
        };
        match arg
            .strip_prefix(['-', '/'])
            .map(str::to_lowercase)
            .as_deref()
        {
            Some("latest") => latest = true,
            Some("prerelease" | "all" | "utf8") => {}
            Some("products") => {
                in_list = true;
                products.push(value());
                continue;
            }
            Some("property") => property = Some(value()),
            Some("find") => pattern = Some(value()),
            None if in_list => {
                products.push(arg.clone());
                continue;
            }
            _ => fail(&format!("Error 0x57: Unknown parameter: {arg}"), 87),
        }
        in_list = false;
    }
    let text = std::env::var("KDRVGEN_FAKE_VSWHERE")
        .ok()
        .and_then(|file| std::fs::read_to_string(file).ok())
        .unwrap_or_default();
    let mut instances: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    instances.retain(|each| {
        // By default: Community, Professional and Enterprise; Build Tools have to be asked for.
        match &products[..] {
            [] => !each[2].ends_with("BuildTools"),
            listed => listed
                .iter()
                .any(|wanted| wanted == "*" || wanted.eq_ignore_ascii_case(each[2])),
        }
    });
    instances.sort_by_key(|each| {
        std::cmp::Reverse(
            each[1]
                .split('.')
                .map(|part| part.parse().unwrap_or(0))
                .collect::<Vec<u32>>(),
        )
    });
    if latest {
        instances.truncate(1);
    }
    for each in instances {
        if let Some(pattern) = &pattern {
            let mut found = Vec::new();
            find(
                Path::new(each[0]),
                &pattern.split(['\\', '/']).collect::<Vec<_>>(),
                &mut found,
            );
            found.sort();
            found.iter().for_each(|file| println!("{}", file.display()));
            continue;
        }
        match property.as_deref() {
            Some("installationPath") => println!("{}", each[0]),
            _ => fail(
                "stand-in: only -find and -property installationPath are covered",
                87,
            ),
        }
    }
}
