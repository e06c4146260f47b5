//! What of the building blocks needs no kernel, tested on the machine that builds.
//!
//! The allocator meets a pool of its own here, since Wine's kernel has no ExAllocatePool2.

#![allow(dead_code, unused_imports)] // a driver uses what is tested here in part

mod allocator;
mod nt;
mod pool;
mod string;

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
    fn a_literal_becomes_utf16_with_no_nul_but_one_that_is_written() {
        assert_eq!(wide!(""), &[0_u16; 0]);
        assert_eq!(wide!("a\0"), &[0x61, 0]);
        assert_eq!(wide!("é€😀"), &[0xE9, 0x20AC, 0xD83D, 0xDE00]);
        assert_eq!(wide!(concat!("a", "b")), &[0x61, 0x62]);
    }

    #[test]
    fn a_string_of_a_literal_is_a_constant() {
        static NAME: UnicodeString<'static> = unicode_string!(r"\Device\hello");
        assert_eq!(NAME.to_string(), r"\Device\hello");
        assert_eq!(NAME.units(), wide!(r"\Device\hello"));
    }

    #[test]
    fn the_kernel_sees_lengths_in_bytes() {
        let string = unicode_string!("a😀");
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
            assert_eq!(status.check(), if succeeds { Ok(()) } else { Err(status) });
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
        fn fails() -> Result<(), NtStatus> {
            STATUS_BUFFER_OVERFLOW.check()?;
            unreachable!("a warning is no success");
        }
        assert_eq!(NtStatus::from(fails()), STATUS_BUFFER_OVERFLOW);
        assert_eq!(NtStatus::from(STATUS_PENDING.check()), STATUS_SUCCESS);
    }
}
