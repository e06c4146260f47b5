//! Security descriptors, in the form that the kernel stores and accepts.

/// `SECURITY_DESCRIPTOR_RELATIVE`: offsets are from its start, and 0 means that a part is missing.
#[repr(C)]
pub struct SecurityDescriptor {
    pub revision: u8,
    pub sbz1: u8,
    pub control: u16,
    pub owner: u32,
    pub group: u32,
    pub sacl: u32,
    pub dacl: u32,
}

layout! {
    SecurityDescriptor: 0x14, 0x14 {
        revision: 0x0, 0x0;
        sbz1: 0x1, 0x1;
        control: 0x2, 0x2;
        owner: 0x4, 0x4;
        group: 0x8, 0x8;
        sacl: 0xC, 0xC;
        dacl: 0x10, 0x10;
    }
}

/// `SECURITY_DESCRIPTOR_REVISION`.
pub const SECURITY_DESCRIPTOR_REVISION: u8 = 1;
/// `SE_DACL_PRESENT`.
pub const SE_DACL_PRESENT: u16 = 0x0004;
/// `SE_DACL_PROTECTED`: no entries are inherited.
pub const SE_DACL_PROTECTED: u16 = 0x1000;
/// `SE_SELF_RELATIVE`.
pub const SE_SELF_RELATIVE: u16 = 0x8000;

/// `ACL`: the head of an access control list. The entries follow it.
#[repr(C)]
pub struct Acl {
    pub acl_revision: u8,
    pub sbz1: u8,
    /// In bytes, with the entries.
    pub acl_size: u16,
    pub ace_count: u16,
    pub sbz2: u16,
}

layout! {
    Acl: 0x8, 0x8 {
        acl_revision: 0x0, 0x0;
        sbz1: 0x1, 0x1;
        acl_size: 0x2, 0x2;
        ace_count: 0x4, 0x4;
        sbz2: 0x6, 0x6;
    }
}

/// `ACL_REVISION`.
pub const ACL_REVISION: u8 = 2;

/// `ACE_HEADER`.
#[repr(C)]
pub struct AceHeader {
    pub ace_type: u8,
    pub ace_flags: u8,
    /// In bytes, with the SID.
    pub ace_size: u16,
}

layout! {
    AceHeader: 0x4, 0x4 {
        ace_type: 0x0, 0x0;
        ace_flags: 0x1, 0x1;
        ace_size: 0x2, 0x2;
    }
}

/// `ACCESS_ALLOWED_ACE_TYPE`.
pub const ACCESS_ALLOWED_ACE_TYPE: u8 = 0;
