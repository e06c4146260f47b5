//! Reads the signatures of images, cabinets and catalogs: signed data (RFC 2315, 9).

use crate::cabinet::Cabinet;
use crate::der::{
    read, Element, Reader, CONTEXT_0, CONTEXT_1, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING,
    SEQUENCE, SET,
};
use crate::image::Image;

/// A file that can have a signature.
pub enum Subject<'a> {
    Image(Image<'a>),
    Cabinet(Cabinet<'a>),
    /// One signed message, with its content in it.
    Catalog(&'a [u8]),
}

impl<'a> Subject<'a> {
    /// Reads an image or a cabinet. Takes anything else as a catalog.
    pub fn of(data: &'a [u8]) -> Subject<'a> {
        if let Some(image) = Image::parse(data) {
            return Subject::Image(image);
        }
        match Cabinet::parse(data) {
            Some(cabinet) => Subject::Cabinet(cabinet),
            None => Subject::Catalog(data),
        }
    }

    /// The signature; None without one.
    pub fn signature(&self) -> Option<&'a [u8]> {
        match self {
            Subject::Image(image) => image.signature(),
            Subject::Cabinet(cabinet) => cabinet.signature(),
            Subject::Catalog(data) => Some(data),
        }
    }
}

/// id-signedData, 1.2.840.113549.1.7.2 (RFC 2315)
const SIGNED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];

/// The parts of a signature.
#[cfg_attr(windows, allow(dead_code))] // WinVerifyTrust checks the other fields
pub struct Signed<'a> {
    /// openssl's name of the digest algorithm, such as `sha256`.
    pub digest_name: &'static str,
    /// What is signed: a structure with the digest of the file, or the list of the catalog. It is
    /// the input of the message digest.
    pub content: &'a [u8],
    pub message_digest: &'a [u8],
    /// The authenticated attributes, as the signature covers them.
    pub attributes: Vec<u8>,
    pub signature: &'a [u8],
    /// The signer's certificate.
    pub certificate: &'a [u8],
    /// Whether a timestamp is attached, valid or not.
    pub has_timestamp: bool,
}

impl<'a> Signed<'a> {
    /// Parses a signature (RFC 2315, 9.1 and 9.2); None for anything else.
    pub fn parse(signature: &'a [u8]) -> Option<Signed<'a>> {
        let mut outer = read(signature).expect(SEQUENCE)?.children();
        if outer.expect(OBJECT_IDENTIFIER)?.content != SIGNED_DATA {
            return None;
        }
        let data = outer.expect(CONTEXT_0)?.children().expect(SEQUENCE)?;
        let mut fields = data.children();
        fields.expect(INTEGER)?; // version
        fields.expect(SET)?; // digest algorithms
        let mut content = fields.expect(SEQUENCE)?.children();
        content.expect(OBJECT_IDENTIFIER)?;
        let content = content.expect(CONTEXT_0)?.children().expect(SEQUENCE)?;
        let certificates = fields.expect(CONTEXT_0)?;
        let signers = fields.find(|field| field.tag == SET)?;
        let mut signer = signers.children().expect(SEQUENCE)?.children();
        signer.expect(INTEGER)?; // version
        let issuer_and_serial = signer.expect(SEQUENCE)?;
        let algorithm = signer.expect(SEQUENCE)?.children().next()?;
        let attributes = signer.expect(CONTEXT_0)?;
        signer.expect(SEQUENCE)?; // signature algorithm
        let signature = signer.expect(OCTET_STRING)?;
        let unsigned = signer.expect(CONTEXT_1);
        let has_timestamp = unsigned.map_or(false, |all| all.children().any(is_timestamp));
        let message_digest = attributes.children().find_map(message_digest)?;
        let certificate = certificates
            .children()
            .find(|certificate| is_named(*certificate, issuer_and_serial))?;
        let mut signed = attributes.whole.to_vec();
        signed[0] = SET; // the signature covers this tag (RFC 2315, 9.3)
        Some(Signed {
            digest_name: digest_name(algorithm.content)?,
            content: content.content,
            message_digest,
            attributes: signed,
            signature: signature.content,
            certificate: certificate.whole,
            has_timestamp,
        })
    }
}

impl<'a> Signed<'a> {
    /// The digest of the image or the cabinet that is signed ("Windows Authenticode Portable Executable Signature
    /// Format", SpcIndirectDataContent).
    #[cfg(unix)]
    pub fn file_digest(&self) -> Option<&'a [u8]> {
        let digest_info = read(self.content).nth(1)?;
        Some(digest_info.children().nth(1)?.content)
    }
}

/// id-sha256, id-sha384, id-sha512: 2.16.840.1.101.3.4.2.1 to 3 (NIST)
fn digest_name(identifier: &[u8]) -> Option<&'static str> {
    match identifier {
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
            1 => Some("sha256"),
            2 => Some("sha384"),
            3 => Some("sha512"),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the value of the attribute messageDigest, 1.2.840.113549.1.9.4.
fn message_digest(attribute: Element<'_>) -> Option<&[u8]> {
    const MESSAGE_DIGEST: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04];
    let mut fields = attribute.children();
    if fields.expect(OBJECT_IDENTIFIER)?.content != MESSAGE_DIGEST {
        return None;
    }
    let value = fields.expect(SET)?.children().expect(OCTET_STRING)?;
    Some(value.content)
}

/// Whether an attribute is a timestamp: szOID_RFC3161_counterSign, 1.3.6.1.4.1.311.3.3.1, or
/// counterSignature, 1.2.840.113549.1.9.6 (wincrypt.h).
fn is_timestamp(attribute: Element<'_>) -> bool {
    const RFC_3161: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x03, 0x03, 0x01];
    const AUTHENTICODE: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x06];
    let identifier = attribute.children().expect(OBJECT_IDENTIFIER);
    identifier.map_or(false, |identifier| {
        [RFC_3161, AUTHENTICODE].contains(&identifier.content)
    })
}

/// Whether a certificate has this issuer and serial number.
fn is_named(certificate: Element<'_>, issuer_and_serial: Element<'_>) -> bool {
    let names = |wanted: &mut Reader<'_>| {
        let mut fields = certificate.children().expect(SEQUENCE)?.children();
        let mut serial = fields.next()?;
        if serial.tag == CONTEXT_0 {
            serial = fields.next()?;
        }
        fields.next()?; // signature
        let issuer = fields.next()?;
        Some(wanted.next()?.whole == issuer.whole && wanted.next()?.whole == serial.whole)
    };
    names(&mut issuer_and_serial.children()).unwrap_or(false)
}
