//! The task rename: a fresh copy of the DLL becomes the driver's image.

use crate::digest::sha256;
use crate::failure::Result;
use crate::image::Image;
use crate::output;
use crate::record;
use crate::settings::Settings;

/// Puts an unsigned image in place, unless the one there is of this very DLL: without a signature,
/// or with the one that the task sign made last.
///
/// A copy, and never a rename in place: cargo would make the DLL again and keep its hard link to
/// it, and an old image would be signed once more.
pub fn rename(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let _lock = record::lock(settings)?;
    output::remove_leftovers(&settings.output);
    let dll = record::read_dll(settings, &build)?;
    let image = output::read_own(&settings.path).unwrap_or_default();
    if image != dll && !is_as_signed(settings, &dll, &image) {
        output::replace(&settings.path, &dll)?;
        println!("rename: {}", settings.path.display());
    }
    match &build.pdb {
        Some(pdb) if output::is_same(pdb, &settings.pdb) => Ok(()),
        Some(pdb) => output::replace(&settings.pdb, &output::read(pdb)?),
        None => output::remove(&settings.pdb), // that of an older image
    }
}

/// Whether an image is the DLL with the signature that the task sign made last.
pub fn is_as_signed(settings: &Settings, dll: &[u8], image: &[u8]) -> bool {
    let signed = record::read_signed(settings);
    is_signed_copy(dll, image) && signed.map_or(false, |signed| signed.table == table_of(image))
}

/// Digest of an image's certificate table.
pub fn table_of(image: &[u8]) -> String {
    let table = Image::parse(image).and_then(|image| image.certificate_table());
    sha256(table.unwrap_or_default())
}

/// Whether an image is the DLL with nothing but a signature added.
pub fn is_signed_copy(dll: &[u8], image: &[u8]) -> bool {
    match (Image::parse(dll), Image::parse(image)) {
        (Some(dll), Some(image)) => dll.is_signed_as(&image),
        _ => false,
    }
}
