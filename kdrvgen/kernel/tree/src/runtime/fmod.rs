//! `fmod` and `fmodf`: the operator `%` of `f64` and `f32`.
//!
//! On x86, without SSE, no function of Rust can return a floating-point number. So this uses `transmute`
//! and `as` instead of the methods of `f64`, and returns only from `extern "C"` functions.
#![allow(clippy::cast_lossless)]

use core::mem::transmute;

const MANTISSA_BITS: u32 = 52;
const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;
const SIGN: u64 = 1 << 63;
const INFINITY: u64 = 0x7FF << MANTISSA_BITS;

/// Returns the exact remainder of a division that rounds toward zero, with the sign of `dividend`.
/// IRQL: any.
///
/// It is NaN if an argument is NaN, `dividend` is infinite or `divisor` is zero.
pub extern "C" fn fmod(dividend: f64, divisor: f64) -> f64 {
    // SAFETY: both types have 64 bits, all of which are valid.
    let [x, y] = unsafe { transmute::<[f64; 2], [u64; 2]>([dividend, divisor]) };
    let (sign, x, y) = (x & SIGN, x & !SIGN, y & !SIGN);
    if x >= INFINITY || y > INFINITY || y == 0 {
        return f64::NAN;
    }
    // The bits of positive numbers have the order of the numbers.
    if x < y {
        return dividend;
    }
    let (mantissa, exponent) = parts(x);
    let (divisor, lowest) = parts(y);
    // Long division, one bit at a time.
    let mut remainder = mantissa % divisor;
    for _ in lowest..exponent {
        remainder <<= 1;
        if remainder >= divisor {
            remainder -= divisor;
        }
    }
    // SAFETY: both types have 64 bits, all of which are valid.
    let [result] = unsafe { transmute::<[u64; 1], [f64; 1]>([sign | joined(remainder, lowest)]) };
    result
}

/// Returns the same for `f32`, whose remainder an `f64` holds exactly. IRQL: any.
#[allow(clippy::cast_possible_truncation)]
pub extern "C" fn fmodf(dividend: f32, divisor: f32) -> f32 {
    fmod(dividend as f64, divisor as f64) as f32
}

/// Returns mantissa and exponent of a finite positive number: `mantissa * 2^(exponent - 1075)`.
fn parts(bits: u64) -> (u64, u32) {
    match (bits & MANTISSA, exponent(bits)) {
        (mantissa, 0) => (mantissa, 1), // subnormal
        (mantissa, exponent) => (mantissa | 1 << MANTISSA_BITS, exponent),
    }
}

#[allow(clippy::cast_possible_truncation)] // 11 bits
const fn exponent(bits: u64) -> u32 {
    (bits >> MANTISSA_BITS) as u32
}

/// Returns the bits of a number with a mantissa of at most 53 bits, which `parts` returned or which is
/// smaller.
fn joined(mantissa: u64, exponent: u32) -> u64 {
    if mantissa == 0 {
        return 0;
    }
    // Shift the mantissa up to 53 bits, as far as the exponent allows.
    let wanted = mantissa.leading_zeros() - (63 - MANTISSA_BITS);
    let shift = wanted.min(exponent - 1);
    let (mantissa, exponent) = (mantissa << shift, exponent - shift);
    if mantissa >> MANTISSA_BITS == 0 {
        return mantissa; // subnormal
    }
    u64::from(exponent) << MANTISSA_BITS | mantissa & MANTISSA
}
