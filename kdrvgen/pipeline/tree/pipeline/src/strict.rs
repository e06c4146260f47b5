//! Checks that a signed catalog is in strict DER (ITU-T X.690, 10 and 11), which Windows requires.
//!
//! Certificates, certificate revocation lists and timestamps are the work of others, who sign their
//! bytes: only their order is checked.

use crate::der::{Element, CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET};

const BOOLEAN: u8 = 0x01;
const CONSTRUCTED: u8 = 0x20;
const CONTEXT_1: u8 = 0xA1;
const MAX_DEPTH: usize = 32;

type Check<T = ()> = Result<T, &'static str>;

/// Returns why a signed message (RFC 2315, 9.1) is not in strict DER; None if it is.
pub fn flaw(message: &[u8]) -> Option<&'static str> {
    message_of(message).err()
}

fn message_of(message: &[u8]) -> Check {
    let outer = one(message, SEQUENCE)?;
    let parts = elements(outer.content)?;
    let data = match &parts[..] {
        [kind, data] if (kind.tag, data.tag) == (OBJECT_IDENTIFIER, CONTEXT_0) => data,
        _ => return Err("it is not a signed message"),
    };
    let data = one(data.content, SEQUENCE)?;
    for part in elements(data.content)? {
        match part.tag {
            CONTEXT_0 => sorted(&elements(part.content)?, "the certificates are not sorted")?,
            CONTEXT_1 => sorted(
                &elements(part.content)?,
                "the revocation lists are not sorted",
            )?,
            SET if is_of_signers(&part)? => signers(&part)?,
            _ => value(&part, 0)?,
        }
    }
    Ok(())
}

/// Whether a set is that of the signers, not that of the digest algorithms, which begin with an
/// object identifier.
fn is_of_signers(set: &Element<'_>) -> Check<bool> {
    match elements(set.content)?.first() {
        Some(first) => Ok(elements(first.content)?.first().map(|part| part.tag) == Some(INTEGER)),
        None => Ok(false),
    }
}

fn signers(set: &Element<'_>) -> Check {
    let signers = elements(set.content)?;
    sorted(&signers, "the signers are not sorted")?;
    for signer in signers {
        for (index, part) in elements(signer.content)?.iter().enumerate() {
            match part.tag {
                CONTEXT_0 => {
                    let attributes = elements(part.content)?;
                    sorted(&attributes, "the signed attributes are not sorted")?;
                    attributes.iter().try_for_each(|each| value(each, 0))?;
                }
                CONTEXT_1 => sorted(
                    &elements(part.content)?,
                    "the unsigned attributes are not sorted",
                )?,
                _ if index == 1 => {} // the issuer, as its certificate has it
                _ => value(part, 0)?,
            }
        }
    }
    Ok(())
}

/// Checks an element and all that it contains.
fn value(element: &Element<'_>, depth: usize) -> Check {
    if depth > MAX_DEPTH {
        return Err("its values are nested too deep");
    }
    match element.tag {
        BOOLEAN if !matches!(element.content, [0] | [0xFF]) => Err("a truth value is not 00 or FF"),
        INTEGER => match element.content {
            [] => Err("an integer has no content"),
            [0, second, ..] if *second < 0x80 => Err("an integer is longer than needed"),
            [0xFF, second, ..] if *second >= 0x80 => Err("an integer is longer than needed"),
            _ => Ok(()),
        },
        tag if tag & CONSTRUCTED != 0 => {
            let members = elements(element.content)?;
            if tag == SET {
                sorted(&members, "a set is not sorted")?;
            }
            members.iter().try_for_each(|each| value(each, depth + 1))
        }
        _ => Ok(()),
    }
}

fn sorted(members: &[Element<'_>], flaw: &'static str) -> Check {
    let is_sorted = members
        .windows(2)
        .all(|pair| pair[0].whole <= pair[1].whole);
    if is_sorted {
        Ok(())
    } else {
        Err(flaw)
    }
}

fn one(bytes: &[u8], tag: u8) -> Check<Element<'_>> {
    let mut found = elements(bytes)?;
    match found.pop() {
        Some(element) if found.is_empty() && element.tag == tag => Ok(element),
        _ => Err("it is not a signed message"),
    }
}

/// Returns the elements in these bytes. Unlike `der::read`, it fails for a length that is not the
/// shortest one, and for anything after the last element.
fn elements(mut rest: &[u8]) -> Check<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while let [tag, first, ..] = *rest {
        if tag & 0x1F == 0x1F {
            return Err("a tag has several bytes");
        }
        let (length, header) = if first < 0x80 {
            (usize::from(first), 2)
        } else {
            let count = usize::from(first & 0x7F);
            let digits = rest.get(2..2 + count).ok_or("a length is cut off")?;
            if count == 0 {
                return Err("a length is indefinite");
            }
            if count > 4 || digits[0] == 0 || (count == 1 && digits[0] < 0x80) {
                return Err("a length is longer than needed");
            }
            let length = digits
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, 2 + count)
        };
        let end = header.checked_add(length).ok_or("a value is cut off")?;
        let whole = rest.get(..end).ok_or("a value is cut off")?;
        found.push(Element {
            tag,
            content: &whole[header..],
            whole,
        });
        rest = &rest[end..];
    }
    if rest.is_empty() {
        Ok(found)
    } else {
        Err("a value is cut off")
    }
}

#[cfg(test)]
mod tests {
    use super::{flaw, MAX_DEPTH};
    use crate::der::element;

    fn joined(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    /// A signed message with these certificates and attributes.
    fn message(certificates: &[u8], attributes: &[u8]) -> Vec<u8> {
        let signer = signer(&[0x30, 0], &element(0xA0, attributes));
        message_of(&element(0xA0, certificates), &signer)
    }

    /// A signer with this issuer, and with these parts after it.
    fn signer(issuer: &[u8], parts: &[u8]) -> Vec<u8> {
        element(0x30, &joined(&[&[2, 1, 1], issuer, parts, &[4, 0]]))
    }

    /// A signed message with these parts before its signers.
    fn message_of(parts: &[u8], signers: &[u8]) -> Vec<u8> {
        let data = joined(&[
            &[2, 1, 1, 0x31, 2, 0x30, 0, 0x30, 2, 6, 0],
            parts,
            &element(0x31, signers),
        ]);
        let data = element(0xA0, &element(0x30, &data));
        element(0x30, &joined(&[&[6, 0], &data]))
    }

    const SORTED: &[u8] = &[0x30, 1, 5, 0x30, 1, 6];
    const UNSORTED: &[u8] = &[0x30, 1, 6, 0x30, 1, 5];

    #[test]
    fn a_sorted_message_has_no_flaw() {
        assert_eq!(flaw(&message(&[0x04, 0, 0x04, 1, 7], &[0x04, 0])), None);
    }

    #[test]
    fn each_unsorted_set_is_found() {
        assert_eq!(
            flaw(&message(UNSORTED, &[])),
            Some("the certificates are not sorted")
        );
        assert_eq!(flaw(&message(SORTED, &[])), None);
        assert_eq!(
            flaw(&message(&[], &[4, 1, 2, 4, 1, 1])),
            Some("the signed attributes are not sorted")
        );
        assert_eq!(
            flaw(&message(&[], &[0x31, 6, 4, 1, 2, 4, 1, 1])),
            Some("a set is not sorted")
        );
    }

    #[test]
    fn each_unsorted_set_outside_of_the_signed_attributes_is_found() {
        let one = signer(&[0x30, 0], &[]);
        let flaw_in = |parts: &[u8]| flaw(&message_of(&[], &signer(&[0x30, 0], parts)));
        assert_eq!(flaw_in(&element(0xA1, SORTED)), None);
        assert_eq!(
            flaw_in(&element(0xA1, UNSORTED)),
            Some("the unsigned attributes are not sorted")
        );
        assert_eq!(flaw(&message_of(&element(0xA1, SORTED), &one)), None);
        assert_eq!(
            flaw(&message_of(&element(0xA1, UNSORTED), &one)),
            Some("the revocation lists are not sorted")
        );
        let longer = signer(&[0x30, 0], &[5, 0]);
        assert_eq!(flaw(&message_of(&[], &joined(&[&one, &longer]))), None);
        assert_eq!(
            flaw(&message_of(&[], &joined(&[&longer, &one]))),
            Some("the signers are not sorted")
        );
    }

    #[test]
    fn the_work_of_others_may_have_other_encodings() {
        let loose = element(0x31, UNSORTED);
        assert_eq!(flaw(&message_of(&[], &signer(&loose, &[]))), None);
        assert_eq!(
            flaw(&message_of(&[], &signer(&[0x30, 0], &loose))),
            Some("a set is not sorted")
        );
        let certificate = element(0x30, &loose);
        assert_eq!(flaw(&message(&certificate, &[])), None);
    }

    #[test]
    fn a_value_is_nested_to_a_limit() {
        let nested = |depth| (0..depth).fold(vec![4, 0], |inner, _| element(0x30, &inner));
        assert_eq!(flaw(&message(&[], &nested(MAX_DEPTH))), None);
        assert_eq!(
            flaw(&message(&[], &nested(MAX_DEPTH + 1))),
            Some("its values are nested too deep")
        );
    }

    #[test]
    fn each_value_that_is_longer_than_needed_is_found() {
        for (attribute, expected) in [
            (&[4_u8, 0x81, 1, 7][..], "a length is longer than needed"),
            (&[4, 0x82, 0, 1, 7], "a length is longer than needed"),
            (&[2, 2, 0, 1], "an integer is longer than needed"),
            (&[2, 2, 0xFF, 0xFF], "an integer is longer than needed"),
            (&[2, 0], "an integer has no content"),
            (&[1, 1, 1], "a truth value is not 00 or FF"),
            (&[0x24, 0x80, 0, 0], "a length is indefinite"),
            (&[0x1F, 1, 0], "a tag has several bytes"),
            (&[4, 9], "a value is cut off"),
            (&[4, 0x82, 1], "a length is cut off"),
        ] {
            assert_eq!(flaw(&message(&[], attribute)), Some(expected));
        }
        assert_eq!(flaw(&message(&[], &[2, 2, 0, 0x80])), None);
    }

    #[test]
    fn anything_else_is_no_signed_message() {
        for bytes in [&b""[..], b"0", b"\x30\x00", b"MZ", &[0x30, 2, 6, 0]] {
            assert!(flaw(bytes).is_some());
        }
        let mut longer = message(&[], &[]);
        longer.push(0);
        assert!(flaw(&longer).is_some());
    }
}
