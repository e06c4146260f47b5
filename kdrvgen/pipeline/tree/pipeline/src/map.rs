//! The entry point by a linker's map file, for images that do not export it.

/// What a map file says about the entry point.
#[derive(Debug, PartialEq)]
pub struct Map {
    /// The image's time stamp, by which a map of another link is found out.
    pub time_stamp: Option<u32>,
    /// The symbols at the entry point.
    pub entry_symbols: Vec<String>,
}

/// Reads a map file of link.exe or LLVM's lld-link: both name a place as `SECTION:OFFSET`.
///
/// None if it does not say where the entry point is.
pub fn parse(text: &str) -> Option<Map> {
    let mut time_stamp = None;
    let mut entry = None;
    let mut symbols: Vec<((u32, u32), String)> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Timestamp is ") {
            let digits = rest.split_whitespace().next().unwrap_or_default();
            time_stamp = u32::from_str_radix(digits, 16).ok();
        } else if let Some(rest) = line.strip_prefix("entry point at") {
            entry = place(rest.trim());
        } else {
            let mut words = line.split_whitespace();
            let place = words.next().and_then(place);
            let name = words.next();
            // A line with a length and a class describes a section: `0001:00000000 00001000H .text CODE`.
            let is_symbol = words
                .next()
                .map_or(false, |address| address.len() >= 8 && !address.starts_with('.'));
            if let (Some(place), Some(name), true) = (place, name, is_symbol) {
                symbols.push((place, name.to_owned()));
            }
        }
    }
    let entry = entry?;
    let at_entry = symbols.into_iter().filter(|(place, _)| *place == entry);
    Some(Map {
        time_stamp,
        entry_symbols: at_entry.map(|(_, name)| name).collect(),
    })
}

fn place(text: &str) -> Option<(u32, u32)> {
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

    // The form that link.exe writes (Microsoft Learn, "/MAP"), and lld-link with it.
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
            time_stamp: Some(0x65a1_b2c3),
            entry_symbols: vec!["FxDriverEntry".to_owned()],
        };
        assert_eq!(parse(TEXT), Some(map));
    }

    #[test]
    fn a_text_without_an_entry_point_is_no_map() {
        assert_eq!(parse("Timestamp is 1\n"), None);
    }
}
