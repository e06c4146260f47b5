//! `NTSTATUS`: the result of the kernel's functions.

use core::error::Error;
use core::fmt;

/// `NTSTATUS`: the result of a function, in 32 bits. The two highest ones are the severity.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct NtStatus(u32);

/// A status that is not a success: a warning or an error.
///
/// It is what `Result` has as its error, so that neither `STATUS_SUCCESS` nor `STATUS_PENDING` can be
/// returned as one.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NtError(NtStatus);

/// The two highest bits of a status (\[MS-ERREF\], section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Success,
    Informational,
    Warning,
    Error,
}

impl NtStatus {
    /// Returns the status with a code of ntstatus.h. IRQL: any.
    pub const fn new(code: u32) -> Self {
        Self(code)
    }

    /// Returns the code, as in ntstatus.h. IRQL: any.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.0
    }

    /// Returns the severity. IRQL: any.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self.0 >> 30 {
            0 => Severity::Success,
            1 => Severity::Informational,
            2 => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// `NT_SUCCESS`: returns whether it is a success or informational. A warning is neither.
    /// IRQL: any.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self.severity(), Severity::Success | Severity::Informational)
    }

    /// Returns the status as a `Result`, for `?`. IRQL: any.
    ///
    /// A success means no more than that. If a function can return `STATUS_PENDING` or
    /// `STATUS_TIMEOUT`, compare its status with these first.
    ///
    /// # Errors
    ///
    /// A warning or error.
    pub const fn check(self) -> Result<(), NtError> {
        match NtError::new(self) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl NtError {
    /// Returns the error with this status; `None` for a success. IRQL: any.
    #[must_use]
    pub const fn new(status: NtStatus) -> Option<Self> {
        if status.is_success() {
            return None;
        }
        Some(Self(status))
    }

    /// Returns the status. IRQL: any.
    pub const fn status(self) -> NtStatus {
        self.0
    }

    /// Returns whether it is a warning, such as `STATUS_BUFFER_OVERFLOW`: a result with data.
    /// IRQL: any.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(self.0.severity(), Severity::Warning)
    }
}

impl From<NtError> for NtStatus {
    fn from(error: NtError) -> Self {
        error.0
    }
}

/// `STATUS_SUCCESS` or the error's status.
impl From<Result<(), NtError>> for NtStatus {
    fn from(result: Result<(), NtError>) -> Self {
        result.err().map_or(STATUS_SUCCESS, NtError::status)
    }
}

impl PartialEq<NtError> for NtStatus {
    fn eq(&self, error: &NtError) -> bool {
        *self == error.0
    }
}

impl PartialEq<NtStatus> for NtError {
    fn eq(&self, status: &NtStatus) -> bool {
        self.0 == *status
    }
}

impl Error for NtError {}

impl fmt::Display for NtStatus {
    /// Writes name and code, such as `STATUS_NOT_FOUND (0xC0000225)`; of an unknown status the code.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(formatter, "{name} ({:#010X})", self.0),
            None => write!(formatter, "{:#010X}", self.0),
        }
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for NtError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Debug for NtError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

macro_rules! statuses {
    (
        successes { $($success:ident = $success_code:literal;)+ }
        errors { $($error:ident = $error_code:literal;)+ }
    ) => {
        $(pub const $success: NtStatus = NtStatus($success_code);)+
        $(pub const $error: NtError = NtError(NtStatus($error_code));)+

        const _: () = {
            $(assert!($success.is_success());)+
            $(assert!(!$error.0.is_success());)+
        };

        impl NtStatus {
            /// Returns the name in ntstatus.h, if this module has it. IRQL: any.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($success_code => Some(stringify!($success)),)+
                    $($error_code => Some(stringify!($error)),)+
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    successes {
        STATUS_SUCCESS = 0x0000_0000;
        STATUS_TIMEOUT = 0x0000_0102;
        STATUS_PENDING = 0x0000_0103;
        STATUS_REPARSE = 0x0000_0104;
        STATUS_MORE_ENTRIES = 0x0000_0105;
        STATUS_OBJECT_NAME_EXISTS = 0x4000_0000;
    }
    errors {
        STATUS_BUFFER_OVERFLOW = 0x8000_0005;
        STATUS_NO_MORE_FILES = 0x8000_0006;
        STATUS_DEVICE_BUSY = 0x8000_0011;
        STATUS_NO_MORE_ENTRIES = 0x8000_001A;
        STATUS_UNSUCCESSFUL = 0xC000_0001;
        STATUS_NOT_IMPLEMENTED = 0xC000_0002;
        STATUS_INVALID_INFO_CLASS = 0xC000_0003;
        STATUS_INFO_LENGTH_MISMATCH = 0xC000_0004;
        STATUS_ACCESS_VIOLATION = 0xC000_0005;
        STATUS_INVALID_HANDLE = 0xC000_0008;
        STATUS_INVALID_CID = 0xC000_000B;
        STATUS_INVALID_PARAMETER = 0xC000_000D;
        STATUS_NO_SUCH_DEVICE = 0xC000_000E;
        STATUS_NO_SUCH_FILE = 0xC000_000F;
        STATUS_INVALID_DEVICE_REQUEST = 0xC000_0010;
        STATUS_END_OF_FILE = 0xC000_0011;
        STATUS_MORE_PROCESSING_REQUIRED = 0xC000_0016;
        STATUS_NO_MEMORY = 0xC000_0017;
        STATUS_ACCESS_DENIED = 0xC000_0022;
        STATUS_BUFFER_TOO_SMALL = 0xC000_0023;
        STATUS_OBJECT_TYPE_MISMATCH = 0xC000_0024;
        STATUS_OBJECT_NAME_INVALID = 0xC000_0033;
        STATUS_OBJECT_NAME_NOT_FOUND = 0xC000_0034;
        STATUS_OBJECT_NAME_COLLISION = 0xC000_0035;
        STATUS_OBJECT_PATH_INVALID = 0xC000_0039;
        STATUS_OBJECT_PATH_NOT_FOUND = 0xC000_003A;
        STATUS_OBJECT_PATH_SYNTAX_BAD = 0xC000_003B;
        STATUS_SHARING_VIOLATION = 0xC000_0043;
        STATUS_DELETE_PENDING = 0xC000_0056;
        STATUS_PRIVILEGE_NOT_HELD = 0xC000_0061;
        STATUS_PROCEDURE_NOT_FOUND = 0xC000_007A;
        STATUS_INSUFFICIENT_RESOURCES = 0xC000_009A;
        STATUS_DEVICE_NOT_READY = 0xC000_00A3;
        STATUS_IO_TIMEOUT = 0xC000_00B5;
        STATUS_NOT_SUPPORTED = 0xC000_00BB;
        STATUS_INVALID_PARAMETER_1 = 0xC000_00EF;
        STATUS_INVALID_PARAMETER_2 = 0xC000_00F0;
        STATUS_INTERNAL_ERROR = 0xC000_00E5;
        STATUS_NAME_TOO_LONG = 0xC000_0106;
        STATUS_PROCESS_IS_TERMINATING = 0xC000_010A;
        STATUS_CANCELLED = 0xC000_0120;
        STATUS_INVALID_DEVICE_STATE = 0xC000_0184;
        STATUS_INVALID_BUFFER_SIZE = 0xC000_0206;
        STATUS_NOT_FOUND = 0xC000_0225;
    }
}
