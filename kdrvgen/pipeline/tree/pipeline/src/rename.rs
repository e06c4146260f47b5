//! The task rename: copies the DLL to the driver's image, and its symbols and map file beside it.

use std::path::Path;

use crate::digest::sha256;
use crate::failure::Result;
use crate::image::Image;
use crate::map;
use crate::output;
use crate::record;
use crate::settings::Settings;

/// Copies the DLL to the image, unless the image is already this DLL, unsigned or with the last
/// signature of the task sign.
///
/// Never moves the DLL: the image would be one file with cargo's hard link in `deps`, and signing
/// would change both.
pub fn rename(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let _lock = record::lock(settings)?;
    output::remove_leftovers(&settings.output);
    let dll = record::read_dll(settings, &build)?;
    let image = output::read_regular(&settings.path).unwrap_or_default();
    if image != dll && !is_as_signed(settings, &dll, &image) {
        output::replace(&settings.path, &dll)?;
        println!("rename: {}", settings.path.display());
    }
    match &build.pdb {
        Some(pdb) => copy(pdb, &settings.pdb)?,
        None => output::remove(&settings.pdb)?, // of an older image
    }
    copy_map(settings, &build.dll, &dll)
}

/// Copies the map file of the DLL, if the linker wrote one (`/MAP`), and removes that of an older
/// image.
fn copy_map(settings: &Settings, path: &Path, dll: &[u8]) -> Result<()> {
    let copied = settings.path.with_extension("map");
    let image = match Image::parse(dll) {
        Some(image) => image,
        None => return Ok(()),
    };
    if let Some((map, _)) = map::find(path, &image) {
        return copy(&map, &copied);
    }
    let is_outdated = map::read(&copied).map_or(false, |map| !map.is_of(&image));
    if is_outdated {
        output::remove(&copied)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if output::is_same(from, to) {
        return Ok(());
    }
    output::replace(to, &output::read(from)?)
}

/// Whether an image is the DLL with the signature that the task sign made last.
pub fn is_as_signed(settings: &Settings, dll: &[u8], image: &[u8]) -> bool {
    let signed = record::read_signed(settings);
    is_signed_copy(dll, image) && signed.map_or(false, |signed| signed.table == table_of(image))
}

/// Returns the digest of an image's certificate table.
pub fn table_of(image: &[u8]) -> String {
    let table = Image::parse(image).and_then(|image| image.certificate_table());
    sha256(table.unwrap_or_default())
}

/// Whether an image is the DLL with only a signature added.
pub fn is_signed_copy(dll: &[u8], image: &[u8]) -> bool {
    match (Image::parse(dll), Image::parse(image)) {
        (Some(dll), Some(image)) => dll.is_signed_as(&image),
        _ => false,
    }
}
