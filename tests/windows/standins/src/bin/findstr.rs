//! Stands in for findstr.exe, which Wine 8 has only as an empty program that reports success.
//!
//! Grammar: Microsoft Learn, "findstr" (windows-commands/findstr). Covered: /b /e /x /l /r /i /v /n
//! /m /c:TEXT, search words separated by blanks, files or standard input; in expressions `.`, `*`,
//! `^`, `$`, `[class]`, `\x`, `\<` not. Exit codes: 0 found, 1 not found, 2 wrong use.

use std::io::Read;

enum Item {
    Any,
    One(char),
    Class(bool, Vec<(char, char)>),
}

fn compile(text: &str) -> Vec<(Item, bool)> {
    let mut items: Vec<(Item, bool)> = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let item = match character {
            '*' if !items.is_empty() => {
                items.last_mut().unwrap().1 = true;
                continue;
            }
            '.' => Item::Any,
            '\\' => Item::One(characters.next().unwrap_or('\\')),
            '[' => {
                let inside: Vec<char> = characters
                    .by_ref()
                    .take_while(|&each| each != ']')
                    .collect();
                let negated = inside.first() == Some(&'^');
                let inside = &inside[usize::from(negated)..];
                let mut ranges = Vec::new();
                let mut at = 0;
                while at < inside.len() {
                    let range = at + 2 < inside.len() && inside[at + 1] == '-';
                    ranges.push((inside[at], inside[at + if range { 2 } else { 0 }]));
                    at += if range { 3 } else { 1 };
                }
                Item::Class(negated, ranges)
            }
            other => Item::One(other),
        };
        items.push((item, false));
    }
    items
}

fn starts(items: &[(Item, bool)], text: &[char], to_end: bool) -> bool {
    let Some(((item, repeated), rest)) = items.split_first() else {
        return !to_end || text.is_empty();
    };
    let fits = |character: char| match item {
        Item::Any => true,
        Item::One(one) => *one == character,
        Item::Class(negated, ranges) => {
            *negated
                != ranges
                    .iter()
                    .any(|&(low, high)| low <= character && character <= high)
        }
    };
    if *repeated {
        let most = text
            .iter()
            .take_while(|&&character| fits(character))
            .count();
        return (0..=most).any(|count| starts(rest, &text[count..], to_end));
    }
    text.first().is_some_and(|&character| fits(character)) && starts(rest, &text[1..], to_end)
}

fn main() {
    let (mut flags, mut searched, mut files) = (String::new(), Vec::new(), Vec::new());
    let mut literal_text = false;
    for arg in std::env::args().skip(1) {
        match arg.strip_prefix('/') {
            Some(option) if option.to_lowercase().starts_with("c:") => {
                literal_text = true;
                searched.push(option[2..].to_owned());
            }
            Some(option)
                if option
                    .to_lowercase()
                    .chars()
                    .all(|each| "bexlrivnm".contains(each)) =>
            {
                flags += &option.to_lowercase()
            }
            Some(_) => standins::fail(
                &format!("FINDSTR: {arg} ignored or not covered by the stand-in"),
                2,
            ),
            None if searched.is_empty() => searched.extend(
                arg.split(' ')
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned),
            ),
            None => files.push(arg),
        }
    }
    if searched.is_empty() {
        standins::fail("FINDSTR: Bad command line", 2);
    }
    let has = |flag: char| flags.contains(flag);
    // Words are expressions by default, /c: is text.
    let literal = has('l') || (literal_text && !has('r'));
    let fold = |text: &str| {
        if has('i') {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    };
    let patterns: Vec<(Vec<(Item, bool)>, bool, bool)> = searched
        .iter()
        .map(|text| {
            let text = fold(text);
            let (mut inner, mut begin, mut end) =
                (text.as_str(), has('b') || has('x'), has('e') || has('x'));
            if literal {
                return (
                    inner.chars().map(|each| (Item::One(each), false)).collect(),
                    begin,
                    end,
                );
            }
            if let Some(rest) = inner.strip_prefix('^') {
                inner = rest;
                begin = true
            }
            if let Some(rest) = inner.strip_suffix('$') {
                inner = rest;
                end = true
            }
            (compile(inner), begin, end)
        })
        .collect();
    let mut texts = Vec::new();
    for file in &files {
        let bytes = std::fs::read(file)
            .unwrap_or_else(|_| standins::fail(&format!("FINDSTR: Cannot open {file}"), 1));
        texts.push((
            if files.len() > 1 {
                format!("{file}:")
            } else {
                String::new()
            },
            bytes,
        ));
    }
    if files.is_empty() {
        let mut bytes = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut bytes);
        texts.push((String::new(), bytes));
    }
    let mut found = false;
    for (name, bytes) in texts {
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let characters: Vec<char> = fold(line).chars().collect();
            let hit = patterns.iter().any(|(items, begin, end)| {
                (0..=if *begin { 0 } else { characters.len() })
                    .any(|at| starts(items, &characters[at..], *end))
            });
            if hit != has('v') {
                found = true;
                if has('m') {
                    println!("{}", name.trim_end_matches(':'));
                    break;
                }
                println!(
                    "{name}{}{line}",
                    if has('n') {
                        format!("{}:", number + 1)
                    } else {
                        String::new()
                    }
                );
            }
        }
    }
    std::process::exit(i32::from(!found));
}
