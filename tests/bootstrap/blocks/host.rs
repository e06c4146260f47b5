//! Tests of the blocks without a kernel, on the machine that builds.
//!
//! The functions of the kernel are defined here: Wine's kernel has no ExAllocatePool2, and completes
//! requests without telling how often.

#![allow(dead_code, unused_imports)] // a driver uses only a part of what is tested here

/// In place of the crate's own macro: the tests define the functions.
#[macro_export]
macro_rules! import {
    ($library:literal, $(#[$attribute:meta])* extern $abi:literal { $($functions:tt)* }) => {
        unsafe extern "system" { $($functions)* }
    };
}

mod allocator;
mod file;
mod files;
#[path = "runtime/fmod.rs"]
mod fmod;
mod handle;
mod irql;
mod lock;
mod mdl;
mod memory;
mod nt;
mod object;
mod open;
mod opens;
mod packets;
mod queue;
mod queues;
mod request;
mod requests;
mod security;
mod shared;
mod string;
mod transfer;
mod transfers;

pub use nt::{NtError, NtStatus, UnicodeString};

mod text {
    use crate::nt::status::STATUS_NAME_TOO_LONG;
    use crate::nt::UnicodeString;
    use crate::{string, unicode_string, wide};

    #[test]
    fn utf16_is_that_of_the_standard_library_for_every_character() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            let expected: Vec<u16> = text.encode_utf16().collect();
            assert_eq!(string::utf16_length(&text), expected.len());
            match expected[..] {
                [one] => assert_eq!(string::utf16::<1>(&text), [one]),
                _ => assert_eq!(&string::utf16::<2>(&text)[..], expected),
            }
        }
    }

    #[test]
    fn a_literal_becomes_utf16_without_a_nul() {
        assert_eq!(wide!(""), &[0_u16; 0]);
        assert_eq!(wide!("a\0"), &[0x61, 0]);
        assert_eq!(wide!("é€😀"), &[0xE9, 0x20AC, 0xD83D, 0xDE00]);
        assert_eq!(wide!(concat!("a", "b")), &[0x61, 0x62]);
    }

    #[test]
    fn the_macros_see_the_names_of_their_caller() {
        const TEXT: &str = "a";
        const UNITS: &str = "b";
        const STRING: &str = "c";
        mod core {}
        assert_eq!(wide!(TEXT), &[0x61]);
        assert_eq!(wide!(UNITS), &[0x62]);
        assert_eq!(unicode_string!(STRING).units(), &[0x63]);
    }

    #[test]
    fn a_nul_follows_the_string_of_a_literal() {
        let string = unicode_string!("ab");
        let units = string.units();
        assert_eq!(units, [0x61, 0x62]);
        // SAFETY: the literal has a NUL at its end.
        assert_eq!(unsafe { *units.as_ptr().add(2) }, 0);
        // SAFETY: these are the first four bytes of a UNICODE_STRING.
        let lengths = unsafe { (&raw const string).cast::<[u16; 2]>().read() };
        assert_eq!(lengths, [4, 6]);
    }

    #[test]
    fn a_string_of_a_literal_is_a_constant() {
        static NAME: UnicodeString<'static> = unicode_string!(r"\Device\hello");
        assert_eq!(NAME.to_string(), r"\Device\hello");
        assert_eq!(NAME.units(), wide!(r"\Device\hello"));
    }

    #[test]
    fn the_kernel_sees_lengths_in_bytes() {
        let string = UnicodeString::from_units(wide!("a😀")).unwrap();
        // SAFETY: these are the first four bytes of a UNICODE_STRING.
        let lengths = unsafe { (&raw const string).cast::<[u16; 2]>().read() };
        assert_eq!(lengths, [6, 6]);
    }

    #[test]
    fn a_slice_has_at_most_32767_units() {
        let units = vec![0x61; 32768];
        let longest = UnicodeString::from_units(&units[1..]).unwrap();
        assert_eq!(longest.units(), &units[1..]);
        assert_eq!(
            UnicodeString::from_units(&units).unwrap_err(),
            STATUS_NAME_TOO_LONG
        );
        assert!(UnicodeString::from_units(&[]).unwrap().units().is_empty());
    }

    #[test]
    fn what_is_no_utf16_is_shown_as_the_replacement_character() {
        let units = [0x61, 0xD83D, 0x62, 0xDE00];
        let string = UnicodeString::from_units(&units).unwrap();
        assert_eq!(string.to_string(), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(format!("{string:?}"), "\"a\u{FFFD}b\u{FFFD}\"");
        assert_eq!(format!("{:?}", unicode_string!("a\"\n")), r#""a\"\n""#);
    }

    #[test]
    fn a_string_of_the_kernels_may_have_no_buffer() {
        // SAFETY: all zeros is what the kernel's empty strings are.
        let string = unsafe { std::mem::zeroed::<UnicodeString<'_>>() };
        assert!(string.units().is_empty());
    }
}

mod status {
    use crate::nt::status::*;

    #[test]
    fn success_and_information_are_successes_and_warnings_are_not() {
        for (code, severity, succeeds) in [
            (0x0000_0000, Severity::Success, true),
            (0x3FFF_FFFF, Severity::Success, true),
            (0x4000_0000, Severity::Informational, true),
            (0x7FFF_FFFF, Severity::Informational, true),
            (0x8000_0000, Severity::Warning, false),
            (0xBFFF_FFFF, Severity::Warning, false),
            (0xC000_0000, Severity::Error, false),
            (0xFFFF_FFFF, Severity::Error, false),
        ] {
            let status = NtStatus::new(code);
            assert_eq!(status.severity(), severity);
            assert_eq!(status.is_success(), succeeds);
            assert_eq!(status.check().is_ok(), succeeds);
            assert_eq!(NtError::new(status).map(NtError::status), status.check().err().map(NtError::status));
            assert_eq!(status.code(), code);
        }
    }

    #[test]
    fn a_status_shows_its_name_and_its_code() {
        assert_eq!(
            STATUS_NOT_FOUND.to_string(),
            "STATUS_NOT_FOUND (0xC0000225)"
        );
        assert_eq!(format!("{STATUS_SUCCESS:?}"), "STATUS_SUCCESS (0x00000000)");
        assert_eq!(NtStatus::new(0xC0FF_EE00).to_string(), "0xC0FFEE00");
    }

    #[test]
    fn what_ends_in_a_question_mark_becomes_the_status_for_the_kernel() {
        fn fails() -> Result<(), NtError> {
            STATUS_BUFFER_OVERFLOW.status().check()?;
            unreachable!("a warning is not a success");
        }
        assert_eq!(NtStatus::from(fails()), STATUS_BUFFER_OVERFLOW);
        assert_eq!(NtStatus::from(STATUS_PENDING.check()), STATUS_SUCCESS);
    }
}

mod access {
    use crate::security::Access;

    /// The bytes of a descriptor: its length is that of the head and of the list.
    fn bytes(access: Access) -> Vec<u8> {
        let start = access.descriptor().cast::<u8>();
        // SAFETY: the head has 20 bytes; the list's size follows its revision.
        unsafe {
            let list = std::slice::from_raw_parts(start, 24);
            let size = usize::from(u16::from_le_bytes([list[22], list[23]]));
            std::slice::from_raw_parts(start, 20 + size).to_vec()
        }
    }

    const HEAD: &str = "0100049000000000000000000000000014000000";
    const SYSTEM: &str = "00001400ff011f00010100000000000512000000";
    const ADMINISTRATORS: &str = "00001800ff011f0001020000000000052000000020020000";
    const WORLD: &str = "000014009f011200010100000000000100000000";

    #[test]
    fn the_descriptors_have_the_bytes_of_their_sddl() {
        let hexadecimal = |access| -> String {
            bytes(access).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(
            hexadecimal(Access::default()),
            format!("{HEAD}0200340002000000{SYSTEM}{ADMINISTRATORS}")
        );
        assert_eq!(
            hexadecimal(Access::Everyone),
            format!("{HEAD}0200480003000000{SYSTEM}{ADMINISTRATORS}{WORLD}")
        );
    }
}

mod remainder {
    use crate::fmod::{fmod, fmodf};

    #[test]
    fn fmod_is_exact_for_numbers_of_every_size() {
        let mut numbers = vec![0.0, -0.0, 1.0, 0.1, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY];
        numbers.extend([f64::NAN, f64::from_bits(1), f64::from_bits(0xF_FFFF_FFFF_FFFF)]);
        let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..400 {
            bits = bits.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            numbers.push(f64::from_bits(bits));
            numbers.push((bits >> 40) as f64 / 8.0);
        }
        for &dividend in &numbers {
            for &divisor in &numbers {
                let (ours, theirs) = (fmod(dividend, divisor), dividend % divisor);
                assert!(
                    ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(),
                    "{dividend:e} % {divisor:e}: {ours:e}, not {theirs:e}"
                );
            }
        }
    }

    #[test]
    fn fmodf_is_exact() {
        for (dividend, divisor) in [(5.5_f32, 2.0), (-5.5, 2.0), (1e30, 3.0), (f32::MAX, 1e-40)] {
            assert_eq!(fmodf(dividend, divisor).to_bits(), (dividend % divisor).to_bits());
        }
    }
}
