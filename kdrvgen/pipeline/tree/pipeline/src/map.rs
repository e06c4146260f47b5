//! Reads the entry point from a linker's map file, for images that do not export it.

/// The entry point in a map file.
#[derive(Debug, PartialEq)]
pub struct Map {
    /// The timestamp of the image, which shows a map file of another link.
    pub timestamp: Option<u32>,
    /// The symbols at the entry point.
    pub entry_symbols: Vec<String>,
}

/// Reads a map file of link.exe or LLVM's lld-link. Both write addresses as `SECTION:OFFSET`.
///
/// Returns None if it does not contain the entry point.
pub fn parse(text: &str) -> Option<Map> {
    let mut timestamp = None;
    let mut entry = None;
    let mut symbols: Vec<((u32, u32), String)> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Timestamp is ") {
            let digits = rest.split_whitespace().next().unwrap_or_default();
            timestamp = u32::from_str_radix(digits, 16).ok();
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
            entry_symbols: vec!["FxDriverEntry".to_owned()],
        };
        assert_eq!(parse(TEXT), Some(map));
    }

    #[test]
    fn a_text_without_an_entry_point_is_not_a_map() {
        assert_eq!(parse("Timestamp is 1\n"), None);
    }
}
