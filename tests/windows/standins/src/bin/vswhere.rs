//! Stands in for vswhere.exe: instances of Visual Studio that a file describes.
//!
//! Grammar: `vswhere -help` (github.com/microsoft/vswhere, README and wiki). The instances are the
//! lines of the file that KDRVGEN_FAKE_VSWHERE names: `PATH TAB VERSION TAB PRODUCT TAB COMPONENTS`,
//! the last with commas; without the file there are none. Covered: -latest, -prerelease, -all,
//! -legacy, -products, -requires, -requiresAny, -version (ignored), -property, -find, -format value,
//! -nologo, -utf8, -sort. Exit codes: 0, also when nothing is found; 87 for a wrong argument.

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
    let (mut latest, mut any) = (false, false);
    let (mut property, mut pattern) = (None, None);
    let (mut products, mut requires) = (Vec::new(), Vec::new());
    let mut list: Option<bool> = None;
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
            Some("requiresany") => any = true,
            Some("prerelease" | "all" | "legacy" | "nologo" | "utf8" | "sort") => {}
            Some("products") => {
                list = Some(true);
                products.push(value());
                continue;
            }
            Some("requires") => {
                list = Some(false);
                requires.push(value());
                continue;
            }
            Some("property") => property = Some(value()),
            Some("find") => pattern = Some(value()),
            Some("version") => {
                value();
            }
            Some("format") => {
                if value() != "value" {
                    fail("stand-in: only -format value is covered", 87)
                }
            }
            None => match list {
                Some(true) => {
                    products.push(arg.clone());
                    continue;
                }
                Some(false) => {
                    requires.push(arg.clone());
                    continue;
                }
                None => fail(&format!("Error 0x57: Unknown parameter: {arg}"), 87),
            },
            Some(_) => fail(&format!("Error 0x57: Unknown parameter: {arg}"), 87),
        }
        list = None;
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
        let has = |component: &String| {
            each[3]
                .split(',')
                .any(|known| known.eq_ignore_ascii_case(component))
        };
        // By default: Community, Professional and Enterprise; Build Tools have to be asked for.
        let product = match &products[..] {
            [] => !each[2].ends_with("BuildTools"),
            listed => listed
                .iter()
                .any(|wanted| wanted == "*" || wanted.eq_ignore_ascii_case(each[2])),
        };
        product
            && if any {
                requires.is_empty() || requires.iter().any(has)
            } else {
                requires.iter().all(has)
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
        let fields = [
            ("installationPath", each[0]),
            ("installationVersion", each[1]),
            ("productId", each[2]),
        ];
        match &property {
            Some(wanted) => fields
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .for_each(|(_, value)| println!("{value}")),
            None => fields
                .iter()
                .for_each(|(name, value)| println!("{name}: {value}")),
        }
    }
}
