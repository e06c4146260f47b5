//! Reads JSON (RFC 8259), for cargo's messages.

use std::collections::BTreeMap;

/// A JSON value. A number is its text, because nothing here calculates with it.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

const MAX_DEPTH: usize = 128;

impl Json {
    /// Parses a whole text; None if it is not JSON.
    pub fn parse(text: &str) -> Option<Json> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.skip_whitespace();
        if reader.at == text.len() {
            Some(value)
        } else {
            None
        }
    }

    /// Returns the member with this name; Null without one.
    pub fn get(&self, name: &str) -> &Json {
        match self {
            Json::Object(members) => members.get(name).unwrap_or(&Json::Null),
            _ => &Json::Null,
        }
    }

    /// Returns the text; empty for any other value.
    pub fn text(&self) -> &str {
        match self {
            Json::Text(text) => text,
            _ => "",
        }
    }

    /// Returns the text of a number; None for any other value.
    #[cfg(any(windows, test))]
    pub fn number(&self) -> Option<&str> {
        match self {
            Json::Number(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is the value `true`.
    pub fn is_true(&self) -> bool {
        *self == Json::Bool(true)
    }

    /// Returns the elements of a list; empty for any other value.
    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(elements) => elements,
            _ => &[],
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, token: &str) -> Option<()> {
        if self.text[self.at..].starts_with(token) {
            self.at += token.len();
            Some(())
        } else {
            None
        }
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip_whitespace();
        match self.peek()? {
            b'n' => self.take("null").map(|()| Json::Null),
            b't' => self.take("true").map(|()| Json::Bool(true)),
            b'f' => self.take("false").map(|()| Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => self.elements(depth),
            b'{' => self.members(depth),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<Json> {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|character: char| !"+-.0123456789eE".contains(character))
            .unwrap_or(rest.len());
        self.at += end;
        rest[..end].parse::<f64>().ok()?;
        Some(Json::Number(rest[..end].to_owned()))
    }

    fn elements(&mut self, depth: usize) -> Option<Json> {
        self.take("[")?;
        let mut elements = Vec::new();
        self.skip_whitespace();
        if self.take("]").is_some() {
            return Some(Json::List(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.skip_whitespace();
            if self.take(",").is_none() {
                self.take("]")?;
                return Some(Json::List(elements));
            }
        }
    }

    fn members(&mut self, depth: usize) -> Option<Json> {
        self.take("{")?;
        let mut members = BTreeMap::new();
        self.skip_whitespace();
        if self.take("}").is_some() {
            return Some(Json::Object(members));
        }
        loop {
            self.skip_whitespace();
            let name = self.string()?;
            self.skip_whitespace();
            self.take(":")?;
            members.insert(name, self.value(depth + 1)?);
            self.skip_whitespace();
            if self.take(",").is_none() {
                self.take("}")?;
                return Some(Json::Object(members));
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(['"', '\\'])?;
            text.push_str(&rest[..plain]);
            self.at += plain;
            if self.take("\"").is_some() {
                return Some(text);
            }
            self.take("\\")?;
            let escaped = self.peek()?;
            self.at += 1;
            match escaped {
                b'"' | b'\\' | b'/' => text.push(escaped as char),
                b'b' => text.push('\u{8}'),
                b'f' => text.push('\u{c}'),
                b'n' => text.push('\n'),
                b'r' => text.push('\r'),
                b't' => text.push('\t'),
                b'u' => text.push(self.escaped_character()?),
                _ => return None,
            }
        }
    }

    /// Reads what follows `\u`: one UTF-16 unit, or a surrogate pair.
    fn escaped_character(&mut self) -> Option<char> {
        let first = self.unit()?;
        let units = if (0xD800..0xDC00).contains(&first) {
            self.take("\\u")?;
            vec![first, self.unit()?]
        } else {
            vec![first]
        };
        char::decode_utf16(units).next()?.ok()
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            u16::from_str_radix(digits, 16).ok()
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn every_escape_is_decoded() {
        let value = Json::parse(r#""a\tb\"c\\d\/e\n\r\b\f\u00e9\ud83d\ude00""#);
        let text = "a\tb\"c\\d/e\n\r\u{8}\u{c}é😀";
        assert_eq!(value, Some(Json::Text(text.to_owned())));
    }

    #[test]
    fn members_are_found_by_name_at_any_depth() {
        let value = Json::parse(r#" {"a": [1, {"b": "x"}, true, null], "c": -1.5e3} "#).unwrap();
        assert_eq!(value.get("a").list()[1].get("b").text(), "x");
        assert_eq!(value.get("missing"), &Json::Null);
    }

    #[test]
    fn invalid_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "\"\\x\"",
            "\"\\ud800\"",
            "01x",
            "nul",
            "[] []",
            "\"",
            "\"\\u12\"",
            "\"\\u+123\"",
        ] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
        assert_eq!(Json::parse(&"[".repeat(100_000)), None);
    }
}
