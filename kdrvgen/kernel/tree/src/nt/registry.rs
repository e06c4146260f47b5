//! The registry's structures.

/// `KEY_VALUE_PARTIAL_INFORMATION`, without the data, which follows it.
#[repr(C)]
pub struct KeyValuePartialInformation {
    pub title_index: u32,
    /// `REG_…`.
    pub value_type: u32,
    /// In bytes.
    pub data_length: u32,
}

layout! {
    KeyValuePartialInformation {
        title_index: 0x0, 0x0;
        value_type: 0x4, 0x4;
        data_length: 0x8, 0x8;
    }
}

/// `KeyValuePartialInformation`, a value of `KEY_VALUE_INFORMATION_CLASS`.
pub const KEY_VALUE_PARTIAL_INFORMATION: i32 = 2;

/// `KEY_READ`.
pub const KEY_READ: u32 = 0x2_0019;
/// `KEY_WRITE`.
pub const KEY_WRITE: u32 = 0x2_0006;

/// `REG_SZ`: text.
pub const REG_SZ: u32 = 1;
/// `REG_EXPAND_SZ`: text with names of environment variables.
pub const REG_EXPAND_SZ: u32 = 2;
/// `REG_BINARY`: bytes.
pub const REG_BINARY: u32 = 3;
/// `REG_DWORD`: a number of 32 bits.
pub const REG_DWORD: u32 = 4;
/// `REG_MULTI_SZ`: several texts.
pub const REG_MULTI_SZ: u32 = 7;
/// `REG_QWORD`: a number of 64 bits.
pub const REG_QWORD: u32 = 11;
