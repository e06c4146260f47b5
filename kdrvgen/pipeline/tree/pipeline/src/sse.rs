//! Whether 32-bit x86 code uses the registers of SSE or MMX, which 32-bit Windows does not save for
//! kernel code (Intel, "Software Developer's Manual", volume 2, appendix A).

/// The number of instructions that use these registers, and the offset of the first one.
pub fn uses(code: &[u8]) -> (usize, Option<usize>) {
    let (mut count, mut first) = (0, None);
    let mut at = 0;
    while at < code.len() {
        // What is not an instruction, such as padding, is skipped byte by byte.
        let (length, is_vector) = decode(&code[at..]).unwrap_or((1, false));
        if is_vector {
            count += 1;
            first = first.or(Some(at));
        }
        at += length;
    }
    (count, first)
}

/// What follows an opcode.
struct Operands {
    has_modrm: bool,
    /// In bytes.
    immediate: usize,
}

/// The length of the first instruction, and whether it uses the registers; None if it is cut off.
fn decode(code: &[u8]) -> Option<(usize, bool)> {
    let mut at = 0;
    let (mut word, mut short_address) = (4, false); // operands of 32 bits
    loop {
        match *code.get(at)? {
            0x66 => word = 2,
            0x67 => short_address = true,
            0x26 | 0x2E | 0x36 | 0x3E | 0x64 | 0x65 | 0xF0 | 0xF2 | 0xF3 => {}
            _ => break,
        }
        at += 1;
    }
    let opcode = *code.get(at)?;
    at += 1;
    let next = code.get(at).copied().unwrap_or(0);
    // In 32-bit code, LES, LDS and BOUND with a register are the prefixes of AVX.
    if matches!(opcode, 0x62 | 0xC4 | 0xC5) && next >= 0xC0 {
        let rest = if opcode == 0xC5 { 2 } else { 3 };
        return Some((at + rest, true));
    }
    let (operands, is_vector) = match opcode {
        0x0F => {
            at += 1;
            match next {
                0x38 | 0x3A => {
                    let third = *code.get(at)?;
                    at += 1;
                    let is_vector = next == 0x3A || !matches!(third, 0xF0 | 0xF1 | 0xF5..=0xF9);
                    (with_modrm(usize::from(next == 0x3A)), is_vector)
                }
                _ => (second_map(next, word), is_vector(next)),
            }
        }
        0xA0..=0xA3 => {
            let address = if short_address { 2 } else { 4 };
            (without_modrm(address), false)
        }
        0xF6 | 0xF7 if next & 0x38 < 0x10 => {
            let immediate = if opcode == 0xF6 { 1 } else { word };
            (with_modrm(immediate), false)
        }
        _ => (first_map(opcode, word), false),
    };
    if operands.has_modrm {
        at += modrm(&code[at..], short_address)?;
    }
    at += operands.immediate;
    if at > code.len() {
        return None;
    }
    Some((at, is_vector))
}

fn with_modrm(immediate: usize) -> Operands {
    Operands {
        has_modrm: true,
        immediate,
    }
}

fn without_modrm(immediate: usize) -> Operands {
    Operands {
        has_modrm: false,
        immediate,
    }
}

/// The operands of an opcode of one byte.
fn first_map(opcode: u8, word: usize) -> Operands {
    match opcode {
        0x00..=0x3F => match opcode & 7 {
            0..=3 => with_modrm(0),
            4 => without_modrm(1),
            5 => without_modrm(word),
            _ => without_modrm(0),
        },
        0x62
        | 0x63
        | 0x84..=0x8F
        | 0xC4
        | 0xC5
        | 0xD0..=0xD3
        | 0xD8..=0xDF
        | 0xF6
        | 0xF7
        | 0xFE
        | 0xFF => with_modrm(0),
        0x69 | 0x81 | 0xC7 => with_modrm(word),
        0x6B | 0x80 | 0x82 | 0x83 | 0xC0 | 0xC1 | 0xC6 => with_modrm(1),
        0x68 | 0xA9 | 0xB8..=0xBF | 0xE8 | 0xE9 => without_modrm(word),
        0x6A | 0x70..=0x7F | 0xA8 | 0xB0..=0xB7 | 0xCD | 0xD4 | 0xD5 | 0xE0..=0xE7 | 0xEB => {
            without_modrm(1)
        }
        0x9A | 0xEA => without_modrm(word + 2),
        0xC2 | 0xCA => without_modrm(2),
        0xC8 => without_modrm(3),
        _ => without_modrm(0),
    }
}

/// The operands of an opcode of two bytes, of which 0F is the first.
fn second_map(opcode: u8, word: usize) -> Operands {
    match opcode {
        0x05..=0x09
        | 0x0B
        | 0x0E
        | 0x30..=0x37
        | 0x77
        | 0xA0..=0xA2
        | 0xA8..=0xAA
        | 0xC8..=0xCF => without_modrm(0),
        0x80..=0x8F => without_modrm(word),
        0x0F | 0x70..=0x73 | 0xA4 | 0xAC | 0xBA | 0xC2 | 0xC4..=0xC6 => with_modrm(1),
        _ => with_modrm(0),
    }
}

/// Whether an opcode of two bytes uses the registers.
fn is_vector(opcode: u8) -> bool {
    matches!(
        opcode,
        0x0F..=0x17 | 0x28..=0x2F | 0x50..=0x7F | 0xC2 | 0xC4..=0xC6 | 0xD0..=0xFE
    )
}

/// The length of the byte ModR/M, and of the address that follows it.
fn modrm(code: &[u8], short_address: bool) -> Option<usize> {
    let byte = *code.first()?;
    let (mode, register) = (byte >> 6, byte & 7);
    if mode == 3 {
        return Some(1);
    }
    if short_address {
        return Some(match (mode, register) {
            (0, 6) | (2, _) => 3,
            (1, _) => 2,
            _ => 1,
        });
    }
    let has_index = register == 4;
    let base = if has_index {
        *code.get(1)? & 7
    } else {
        register
    };
    let displacement = match (mode, base) {
        (0, 5) | (2, _) => 4,
        (1, _) => 1,
        _ => 0,
    };
    Some(1 + usize::from(has_index) + displacement)
}

#[cfg(test)]
mod tests {
    use super::{decode, uses};

    #[test]
    fn instructions_have_their_lengths() {
        for (code, length) in [
            (&[0x55][..], 1),                           // push ebp
            (&[0x8B, 0xEC], 2),                         // mov ebp, esp
            (&[0x81, 0xEC, 0, 2, 0, 0], 6),             // sub esp, 0x200
            (&[0x66, 0xC7, 0x44, 0x24, 8, 1, 0], 7),    // mov word [esp+8], 1
            (&[0xA1, 1, 2, 3, 4], 5),                   // mov eax, [0x4030201]
            (&[0x64, 0xA1, 0, 0, 0, 0], 6),             // mov eax, fs:[0]
            (&[0xF7, 0xC1, 1, 0, 0, 0], 6),             // test ecx, 1
            (&[0xF7, 0xD9], 2),                         // neg ecx
            (&[0xFF, 0x24, 0x85, 1, 2, 3, 4], 7),       // jmp [eax*4+0x4030201]
            (&[0x0F, 0x84, 1, 0, 0, 0], 6),             // je
            (&[0x0F, 0xB6, 0x84, 0x24, 1, 0, 0, 0], 8), // movzx eax, byte [esp+1]
            (&[0xF0, 0x0F, 0xB1, 0x0D, 1, 2, 3, 4], 8), // lock cmpxchg
            (&[0xF2, 0x0F, 0x10, 0x45, 8], 5),          // movsd xmm0, [ebp+8]
            (&[0xC8, 0, 1, 0], 4),                      // enter
        ] {
            assert_eq!(
                decode(code).map(|found| found.0),
                Some(length),
                "{:X?}",
                code
            );
            assert_eq!(decode(&code[..length - 1]), None, "{:X?}", code);
        }
    }

    #[test]
    fn instructions_with_vector_registers_are_counted() {
        let code = [
            0x55, // push ebp
            0x0F, 0x57, 0xC0, // xorps xmm0, xmm0
            0x0F, 0x11, 0x44, 0x24, 0x08, // movups [esp+8], xmm0
            0x66, 0x0F, 0x3A, 0x0F, 0xC1, 8, // palignr xmm0, xmm1, 8
            0xC5, 0xF8, 0x77, // vzeroupper
            0x0F, 0xAF, 0xC1, // imul eax, ecx
            0xB8, 0x0F, 0x57, 0xC0, 0,    // mov eax, 0xC0570F
            0xC3, // ret
        ];
        assert_eq!(uses(&code), (4, Some(1)));
        assert_eq!(uses(&[0xCC; 16]), (0, None));
    }
}
