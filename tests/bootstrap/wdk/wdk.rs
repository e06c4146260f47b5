//! What the template uses of wdk 0.5.

#![no_std]

#[macro_export]
macro_rules! println {
    ($($argument:tt)*) => {{
        let _ = format_args!($($argument)*);
    }};
}
