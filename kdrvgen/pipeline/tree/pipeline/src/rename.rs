//! The task rename: copies the DLL to the driver's image.

use crate::digest::sha256;
use crate::failure::Result;
use crate::image::Image;
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
        Some(pdb) if output::is_same(pdb, &settings.pdb) => Ok(()),
        Some(pdb) => output::replace(&settings.pdb, &output::read(pdb)?),
        None => output::remove(&settings.pdb), // of an older image
    }
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
