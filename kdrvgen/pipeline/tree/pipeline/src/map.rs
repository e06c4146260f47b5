//! Finds the linker's map file of an image, and reads the entry point from it.

use std::path::{Path, PathBuf};

use crate::image::Image;
use crate::output;

/// The entry point in a map file.
#[derive(Debug, PartialEq)]
pub struct Map {
    /// The timestamp of the image; None with `/Brepro`, with which lld-link writes 0.
    timestamp: Option<u32>,
    /// The number of its section, from 1, and its offset there.
    entry: (u32, u32),
    /// The symbols at the entry point.
    pub entry_symbols: Vec<String>,
}

impl Map {
    /// Whether the link that wrote this map file wrote an image.
    pub fn is_of(&self, image: &Image<'_>) -> bool {
        let (section, offset) = self.entry;
        self.timestamp.map_or(true, |time| time == image.timestamp)
            && image.address(section, offset) == Some(image.entry)
    }
}

/// Returns the map file of a DLL, with its path. Cargo links in `deps`.
pub fn find(dll: &Path, image: &Image<'_>) -> Option<(PathBuf, Map)> {
    let name = dll.with_extension("map");
    let deps = dll.with_file_name("deps").join(name.file_name()?);
    let mut found = [deps, name]
        .into_iter()
        .filter_map(|path| read(&path).map(|map| (path, map)));
    found.find(|(_, map)| map.is_of(image))
}

/// Reads a file; None if it is not a map file.
pub fn read(path: &Path) -> Option<Map> {
    parse(&String::from_utf8_lossy(&output::read_regular(path)?))
}

/// Reads a map file of link.exe or LLVM's lld-link. Both write addresses as `SECTION:OFFSET`.
///
/// Returns None if it does not contain the entry point.
fn parse(text: &str) -> Option<Map> {
    let mut timestamp = None;
    let mut entry = None;
    let mut symbols: Vec<((u32, u32), String)> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Timestamp is ") {
            let digits = rest.split_whitespace().next().unwrap_or_default();
            let time = u32::from_str_radix(digits, 16).ok();
            timestamp = time.filter(|time| *time != 0);
        } else if let Some(rest) = line.strip_prefix("entry point at") {
            entry = address(rest.trim());
        } else {
            let mut words = line.split_whitespace();
            let address = words.next().and_then(address);
            let name = words.next();
            // A line with a length and a class describes a section: `0001:00000000 00001000H .text
            // CODE`.
            let is_symbol = words
                .next()
                .map_or(false, |base| base.len() >= 8 && !base.starts_with('.'));
            if let (Some(address), Some(name), true) = (address, name, is_symbol) {
                symbols.push((address, name.to_owned()));
            }
        }
    }
    let entry = entry?;
    let at_entry = symbols.into_iter().filter(|(address, _)| *address == entry);
    Some(Map {
        timestamp,
        entry,
        entry_symbols: at_entry.map(|(_, name)| name).collect(),
    })
}

fn address(text: &str) -> Option<(u32, u32)> {
    let (section, offset) = text.split_once(':')?;
    if section.len() != 4 || offset.len() != 8 {
        return None;
    }
    let section = u32::from_str_radix(section, 16).ok()?;
    Some((section, u32::from_str_radix(offset, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{parse, Map};

    // The format of link.exe (Microsoft Learn, "/MAP"), which lld-link uses too.
    const TEXT: &str = " hello

 Timestamp is 65a1b2c3 (Fri Jan 12 21:44:35 2024)

 Preferred load address is 0000000140000000

 Start         Length     Name                   Class
 0001:00000000 00000123H .text                   CODE

  Address         Publics by Value              Rva+Base               Lib:Object

 0001:00000010       DriverEntry                0000000140001010 f   hello.o
 0001:00000040       FxDriverEntry              0000000140001040 f   WdfDriverEntry:stub.obj

 entry point at        0001:00000040

 Static symbols
";

    #[test]
    fn the_symbol_at_the_entry_point_is_found() {
        let map = Map {
            timestamp: Some(0x65a1_b2c3),
            entry: (1, 0x40),
            entry_symbols: vec!["FxDriverEntry".to_owned()],
        };
        assert_eq!(parse(TEXT), Some(map));
    }

    #[test]
    fn a_reproducible_image_has_another_timestamp_than_its_map_file() {
        let text = TEXT.replace(
            "65a1b2c3 (Fri Jan 12 21:44:35 2024)",
            "00000000 (Repro mode)",
        );
        assert_eq!(parse(&text).map(|map| map.timestamp), Some(None));
    }

    #[test]
    fn a_text_without_an_entry_point_is_not_a_map() {
        assert_eq!(parse("Timestamp is 1\n"), None);
    }
}
