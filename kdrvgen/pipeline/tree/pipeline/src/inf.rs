//! Reads what the tasks need from the INF of a package that kdrvgen or infverif has checked.
//!
//! Source: "General Syntax Rules for INF Files", Microsoft Learn.

/// The text of an INF, with its sections.
pub struct Inf {
    text: String,
    is_wide: bool,
    sections: Vec<Section>,
}

struct Section {
    /// In lower case.
    name: String,
    lines: Vec<Line>,
}

struct Line {
    /// What is before `=`; empty without it.
    key: String,
    values: Vec<String>,
}

impl Inf {
    /// Reads an INF in UTF-16 with a byte order mark, or in a code page. All that the tasks look for
    /// is ASCII, or in UTF-16.
    pub fn parse(bytes: &[u8]) -> Inf {
        let is_wide = bytes.starts_with(&[0xFF, 0xFE]);
        let text = if is_wide {
            let units = bytes[2..].chunks_exact(2);
            let units: Vec<u16> = units
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        } else {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        };
        let sections = sections(&text);
        Inf {
            text,
            is_wide,
            sections,
        }
    }

    /// The services that the INF installs.
    pub fn services(&self) -> Vec<String> {
        let mut names = Vec::new();
        for section in &self.sections {
            for name in section.values_of("addservice").filter_map(|v| v.first()) {
                let name = self.expand(name);
                if !name.is_empty() && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The hardware IDs of the devices that the INF is for; none for a package without a device.
    pub fn hardware_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        let manufacturers = self.sections.iter().filter(|s| s.name == "manufacturer");
        for line in manufacturers.flat_map(|section| &section.lines) {
            let models = match line.values.first() {
                Some(models) => self.expand(models).to_lowercase(),
                None => continue,
            };
            let is_of_models = |section: &&Section| {
                section.name == models || section.name.starts_with(&format!("{models}."))
            };
            for line in self
                .sections
                .iter()
                .filter(is_of_models)
                .flat_map(|section| &section.lines)
            {
                for id in line.values.iter().skip(1).map(|id| self.expand(id)) {
                    if !id.is_empty() && !ids.contains(&id) {
                        ids.push(id);
                    }
                }
            }
        }
        ids
    }

    /// A value of `[Version]`, such as `Provider`; empty without it.
    #[cfg_attr(unix, allow(dead_code))] // Windows finds installed packages by it
    pub fn version(&self, key: &str) -> String {
        let sections = self.sections.iter().filter(|s| s.name == "version");
        let mut values = sections.flat_map(|section| section.values_of(key));
        let first = values.next().and_then(|values| values.first());
        first.map_or_else(String::new, |value| self.expand(value))
    }

    /// Returns the INF without the versions of Windows that it is for, such as `.10.0...16299`:
    /// Wine does not know them.
    pub fn for_any_windows(&self) -> Vec<u8> {
        let mut text = self.text.clone();
        for machine in ["amd64", "arm64", "x86"] {
            text = without_versions(&text, &format!("nt{machine}"));
        }
        if self.is_wide {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            [0xFF, 0xFE].into_iter().chain(units).collect()
        } else {
            text.chars().map(|character| character as u8).collect()
        }
    }

    /// Replaces each `%token%` by its text in `[Strings]`.
    fn expand(&self, value: &str) -> String {
        let mut expanded = String::new();
        for (index, part) in value.split('%').enumerate() {
            if index % 2 == 0 {
                expanded.push_str(part);
            } else if part.is_empty() {
                expanded.push('%');
            } else {
                let strings = self.sections.iter().filter(|s| s.name == "strings");
                let text = strings
                    .flat_map(|section| section.values_of(part))
                    .next()
                    .and_then(|values| values.first());
                expanded.push_str(text.map_or(part, String::as_str));
            }
        }
        expanded
    }
}

impl Section {
    fn values_of<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Vec<String>> {
        self.lines
            .iter()
            .filter(move |line| line.key.eq_ignore_ascii_case(key))
            .map(|line| &line.values)
    }
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut pending = String::new();
    for line in text.lines() {
        pending.push_str(&without_comment(line));
        if pending.ends_with('\\') {
            pending.pop();
            continue;
        }
        let line = std::mem::take(&mut pending);
        let name = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next());
        if let Some(name) = name {
            sections.push(Section {
                name: name.trim().to_lowercase(),
                lines: Vec::new(),
            });
        } else if let (false, Some(section)) = (line.is_empty(), sections.last_mut()) {
            section.lines.push(fields(&line));
        }
    }
    sections
}

fn without_comment(line: &str) -> String {
    let mut is_quoted = false;
    let end = line.find(|character| {
        is_quoted ^= character == '"';
        character == ';' && !is_quoted
    });
    line[..end.unwrap_or(line.len())].trim().to_owned()
}

fn fields(line: &str) -> Line {
    let mut key = String::new();
    let mut values = vec![String::new()];
    let mut is_quoted = false;
    let mut has_key = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let last = values.len() - 1;
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                values[last].push('"');
            }
            '"' => is_quoted = !is_quoted,
            '=' if !is_quoted && !has_key => {
                has_key = true;
                key = values.join(",").trim().to_owned();
                values = vec![String::new()];
            }
            ',' if !is_quoted => values.push(String::new()),
            other => values[last].push(other),
        }
    }
    let values = values.iter().map(|value| value.trim().to_owned()).collect();
    Line { key, values }
}

/// Removes `.10.0...16299` after each `NTamd64`, in any case.
fn without_versions(text: &str, decoration: &str) -> String {
    let lower = text.to_ascii_lowercase(); // of the same length
    let mut result = String::new();
    let mut from = 0;
    while let Some(at) = lower[from..].find(decoration) {
        let end = from + at + decoration.len();
        result.push_str(&text[from..end]);
        let rest = &text[end..];
        let is_of_version = |character: char| character == '.' || character.is_ascii_digit();
        let mut length = rest.find(|c| !is_of_version(c)).unwrap_or(rest.len());
        // The point before `Services` stays.
        let is_followed = rest[length..].starts_with(|c: char| c.is_ascii_alphabetic());
        if is_followed && rest[..length].ends_with('.') {
            length -= 1;
        }
        from = end + length;
    }
    result.push_str(&text[from..]);
    result
}

#[cfg(test)]
mod tests {
    use super::Inf;

    const DEVICE: &str = "[Version]\r\nProvider = %P%\r\nCatalogFile = \"a b.cat\"\r\n\
        [Manufacturer]\r\n%P% = Models,NTamd64.10.0...16299\r\n\
        [Models.NTamd64.10.0...16299]\r\n%D% = Install,Root\\hello,\"USB\\x;y\" ; comment\r\n\
        [Install.NT.Services]\r\nAddService = %S%,2,\\\r\n Service\r\n\
        [Strings]\r\nP = \"A \"\"b\"\" ; c\"\r\ns = hello\r\n";
    const PRIMITIVE: &str = "[DefaultInstall.NTamd64.10.0...18362]\n\
        [DefaultInstall.NTAMD64.10.0...18362.Services]\nAddService = hello,,Service\n";

    #[test]
    fn services_devices_and_version_are_found() {
        let inf = Inf::parse(DEVICE.as_bytes());
        assert_eq!(inf.services(), ["hello"]);
        assert_eq!(inf.hardware_ids(), [r"Root\hello", r"USB\x;y"]);
        assert_eq!(inf.version("provider"), "A \"b\" ; c");
        assert_eq!(inf.version("CatalogFile"), "a b.cat");
        assert_eq!(inf.version("Class"), "");
    }

    #[test]
    fn a_package_without_a_device_has_no_hardware_ids() {
        let inf = Inf::parse(PRIMITIVE.as_bytes());
        assert_eq!(inf.services(), ["hello"]);
        assert!(inf.hardware_ids().is_empty());
    }

    #[test]
    fn a_service_and_a_device_are_listed_once() {
        let inf = Inf::parse(
            b"[Manufacturer]\n%P% = Models,NTamd64,NTx86\n\
              [Models.NTamd64]\nA = X,Root\\hello\n[Models.NTx86]\nA = X,root\\a,Root\\hello\n\
              [Models2.NTamd64]\nB = X,Root\\other\n\
              [X.NTamd64.Services]\nAddService = ,2\nAddService = hello,2,S\n\
              [X.NTx86.Services]\nAddService = hello,2,S\n",
        );
        assert_eq!(inf.services(), ["hello"]);
        assert_eq!(inf.hardware_ids(), [r"Root\hello", r"root\a"]);
    }

    #[test]
    fn a_value_may_have_percent_signs_and_equals_signs() {
        let inf = Inf::parse(
            b"[Version]\nProvider = %P%\nCatalogFile = 5%%=%P%.cat\n[Strings]\nP = a=b\n",
        );
        assert_eq!(inf.version("Provider"), "a=b");
        assert_eq!(inf.version("CatalogFile"), "5%=a=b.cat");
    }

    #[test]
    fn an_inf_in_utf_16_is_read_and_written() {
        let wide: Vec<u8> = "\u{feff}[A]\r\nAddService = ü\r\n[x.ntX86.6.1]\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let inf = Inf::parse(&wide);
        assert_eq!(inf.services(), ["ü"]);
        let again = Inf::parse(&inf.for_any_windows());
        assert_eq!(again.text, "[A]\r\nAddService = ü\r\n[x.ntX86]\r\n");
    }

    #[test]
    fn versions_of_windows_are_removed() {
        let text =
            |text: &str| String::from_utf8(Inf::parse(text.as_bytes()).for_any_windows()).unwrap();
        assert_eq!(
            text(PRIMITIVE),
            "[DefaultInstall.NTamd64]\n[DefaultInstall.NTAMD64.Services]\n\
             AddService = hello,,Service\n"
        );
        assert_eq!(text("a = b,NTamd64.10.0\n"), "a = b,NTamd64\n");
        assert_eq!(
            text("a = b,NTarm64, NTx86.6.1...7600"),
            "a = b,NTarm64, NTx86"
        );
        let code_page = [b'[', 0xE9, b']'];
        assert_eq!(Inf::parse(&code_page).for_any_windows(), code_page);
    }
}
