//! Writes the version resource of the image, which needs no resource compiler, and links it.
//!
//! Sources: Microsoft Learn, "`VS_VERSIONINFO` structure" and "Resource File Formats".

#![allow(clippy::cast_possible_truncation)] // eight texts of LONGEST_TEXT at most

use std::fs;
use std::path::Path;

use super::{fail, pass, variable, Model, Project};

/// The settings of the resource: `[driver.version-info]`. Cargo.toml has what is empty here.
#[derive(Debug)]
pub struct Info {
    /// The file name of the image.
    pub file: &'static str,
    /// The version of the file: `package.version`.
    pub version: Option<[u16; 4]>,
    pub company: &'static str,
    pub product: &'static str,
    pub description: &'static str,
    pub copyright: &'static str,
}

// The texts of Cargo.toml are part of this program: cargo compiles it again when they change, but it
// does not run it again for that.
const NAME: Option<&str> = option_env!("CARGO_PKG_NAME");
const DESCRIPTION: Option<&str> = option_env!("CARGO_PKG_DESCRIPTION");
const AUTHORS: Option<&str> = option_env!("CARGO_PKG_AUTHORS");
const VERSION: Option<&str> = option_env!("CARGO_PKG_VERSION");
const PRE: Option<&str> = option_env!("CARGO_PKG_VERSION_PRE");

/// In UTF-16 units.
const LONGEST_TEXT: usize = 255;

const FIXED_SIZE: u16 = 52; // bytes, of VS_FIXEDFILEINFO
const FLAGS_MASK: u32 = 0x3f;
const PRERELEASE: u32 = 0x2; // VS_FF_PRERELEASE
const WINDOWS_NT: u32 = 0x4_0004; // VOS_NT_WINDOWS32
const ENGLISH: u16 = 0x409;
const UNICODE: u16 = 1200; // the code page of the texts

/// Writes the resource and passes it to the linker of the driver.
pub fn link(project: &Project, info: &Info) {
    let target = variable("TARGET");
    if !project.targets.iter().any(|(triple, _)| *triple == target) {
        return; // a build for another host, whose linker does not know such files
    }
    let version = info.version.unwrap_or_else(|| cargo_version(project));
    let texts = texts(project, info, version);
    let path = Path::new(&variable("OUT_DIR")).join("version.res");
    if let Err(error) = fs::write(&path, resource(project.model, version, &texts)) {
        fail(&format!("cannot write {}: {error}", path.display()));
    }
    pass(&path.display().to_string()); // link.exe, lld-link and rust-lld take it as an input
}

/// Returns the version in Cargo.toml with a fourth number 0.
fn cargo_version(project: &Project) -> [u16; 4] {
    let version = VERSION.unwrap_or_default();
    let numbers = version.split(&['-', '+'][..]).next().unwrap_or_default();
    let numbers: Vec<u16> = numbers.split('.').flat_map(str::parse).collect();
    match numbers[..] {
        [major, minor, patch] => [major, minor, patch, 0],
        _ => fail(&format!(
            "the version {version} in Cargo.toml cannot be that of a file: Windows has numbers up to 65535\n\
             Change it, or set package.version in {}.",
            project.config
        )),
    }
}

/// Returns the names and values of the texts.
fn texts(project: &Project, info: &Info, version: [u16; 4]) -> Vec<(&'static str, String)> {
    let [major, minor, patch, build] = version;
    let or_else = |own: &str, other: String| match own {
        "" => other,
        _ => own.to_owned(),
    };
    let name = NAME.unwrap_or_default().to_owned();
    let description = or_else(&one_line(DESCRIPTION.unwrap_or_default()), name.clone());
    let mut found = vec![
        ("CompanyName", or_else(info.company, authors())),
        ("FileDescription", or_else(info.description, description)),
        ("FileVersion", format!("{major}.{minor}.{patch}.{build}")),
        ("InternalName", info.file.to_owned()),
        ("LegalCopyright", info.copyright.to_owned()),
        ("OriginalFilename", info.file.to_owned()),
        ("ProductName", or_else(info.product, name)),
        ("ProductVersion", VERSION.unwrap_or_default().to_owned()),
    ];
    found.retain(|(_, text)| !text.is_empty());
    for (name, text) in &found {
        if text.encode_utf16().count() > LONGEST_TEXT {
            fail(&format!(
                "{name} of the version resource has more than {LONGEST_TEXT} characters; it comes from Cargo.toml\n\
                 Shorten it there, or set it in [driver.version-info] of {}.",
                project.config
            ));
        }
    }
    found
}

/// Returns the names of the authors in Cargo.toml, without their addresses.
fn authors() -> String {
    let authors = one_line(AUTHORS.unwrap_or_default());
    let names = authors
        .split(':')
        .filter_map(|author| author.split('<').next())
        .map(str::trim);
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    names.join(", ")
}

fn one_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Returns the content of a .res file with this one resource.
fn resource(model: Model, version: [u16; 4], texts: &[(&'static str, String)]) -> Vec<u8> {
    let strings: Vec<Vec<u8>> = texts
        .iter()
        .map(|(name, text)| string(name, text))
        .collect();
    let language = format!("{ENGLISH:04X}{UNICODE:04X}");
    let table = node(&language, 0, true, &[], &strings);
    let translation = [ENGLISH.to_le_bytes(), UNICODE.to_le_bytes()].concat();
    let translation = node("Translation", 4, false, &translation, &[]);
    let parts = [
        node("StringFileInfo", 0, true, &[], &[table]),
        node("VarFileInfo", 0, true, &[], &[translation]),
    ];
    let fixed = fixed(model, version);
    let info = node("VS_VERSION_INFO", FIXED_SIZE, false, &fixed, &parts);
    // The header of the file, an empty resource; then that of the resource.
    let mut file = header(0, 0, 0, 0, 0);
    file.extend(header(info.len() as u32, 16, 1, 0x30, ENGLISH)); // RT_VERSION, as rc.exe does
    file.extend(info);
    align(&mut file);
    file
}

fn header(size: u32, kind: u16, name: u16, flags: u16, language: u16) -> Vec<u8> {
    const SIZE: u32 = 32;
    let mut bytes = [size.to_le_bytes(), SIZE.to_le_bytes()].concat();
    for number in [0xffff, kind, 0xffff, name, 0, 0, flags, language] {
        bytes.extend(u16::to_le_bytes(number));
    }
    bytes.extend([0; 8]); // its version and its characteristics
    bytes
}

/// Returns `VS_FIXEDFILEINFO`.
fn fixed(model: Model, version: [u16; 4]) -> Vec<u8> {
    let [major, minor, patch, build] = version.map(u32::from);
    let (high, low) = (major << 16 | minor, patch << 16 | build);
    let is_prerelease = !PRE.unwrap_or_default().is_empty();
    let (kind, of_kind) = match model {
        Model::Umdf => (2, 0), // VFT_DLL
        _ => (3, 7),           // VFT_DRV, VFT2_DRV_SYSTEM
    };
    let flags = if is_prerelease { PRERELEASE } else { 0 };
    let mut numbers = vec![0xfeef_04bd, 0x1_0000, high, low, high, low];
    numbers.extend([FLAGS_MASK, flags, WINDOWS_NT, kind, of_kind, 0, 0]);
    numbers.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn string(name: &str, text: &str) -> Vec<u8> {
    let value = utf_16(text);
    node(name, (value.len() / 2) as u16, true, &value, &[])
}

/// Returns a node of the tree: its lengths, type and name, its value and its children, each at a
/// multiple of four bytes.
fn node(name: &str, length: u16, is_text: bool, value: &[u8], children: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend(length.to_le_bytes());
    bytes.extend(u16::from(is_text).to_le_bytes());
    bytes.extend(utf_16(name));
    align(&mut bytes);
    bytes.extend(value);
    for child in children {
        align(&mut bytes);
        bytes.extend(child);
    }
    let size = bytes.len() as u16;
    bytes[..2].copy_from_slice(&size.to_le_bytes());
    bytes
}

fn align(bytes: &mut Vec<u8>) {
    bytes.resize((bytes.len() + 3) & !3, 0);
}

/// Returns a text with its final NUL.
fn utf_16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain([0]);
    units.flat_map(u16::to_le_bytes).collect()
}
