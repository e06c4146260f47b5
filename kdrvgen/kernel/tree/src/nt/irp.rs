//! `IRP` and `IO_STACK_LOCATION`: a request to a driver.

use core::ffi::c_void;

use super::file::FileObject;
use super::mdl::Mdl;
use super::objects::DeviceObject;

/// `IRP_MJ_CREATE`: a program opens a handle to the device.
pub const IRP_MJ_CREATE: u8 = 0x00;
/// `IRP_MJ_CLOSE`: the last reference to a file object of the device was released.
pub const IRP_MJ_CLOSE: u8 = 0x02;
/// `IRP_MJ_READ`.
pub const IRP_MJ_READ: u8 = 0x03;
/// `IRP_MJ_WRITE`.
pub const IRP_MJ_WRITE: u8 = 0x04;
/// `IRP_MJ_DEVICE_CONTROL`: `DeviceIoControl`.
pub const IRP_MJ_DEVICE_CONTROL: u8 = 0x0E;
/// `IRP_MJ_SHUTDOWN`, for drivers that registered for it.
pub const IRP_MJ_SHUTDOWN: u8 = 0x10;
/// `IRP_MJ_CLEANUP`: the last handle to a file object of the device was closed.
pub const IRP_MJ_CLEANUP: u8 = 0x12;

/// The number of major functions: one more than `IRP_MJ_MAXIMUM_FUNCTION`.
pub const MAJOR_FUNCTIONS: usize = 0x1C;

/// `IO_NO_INCREMENT`: completing the request does not raise the waiting thread's priority.
pub const IO_NO_INCREMENT: i8 = 0;

/// `SL_PENDING_RETURNED`, in `IO_STACK_LOCATION.Control`: the dispatch routine returns
/// `STATUS_PENDING`.
pub const SL_PENDING_RETURNED: u8 = 0x01;

/// `DRIVER_CANCEL`: the routine that a request is cancelled with, at `DISPATCH_LEVEL`. It releases the
/// cancel spin lock.
pub type DriverCancel = unsafe extern "system" fn(device: *mut DeviceObject, irp: *mut Irp);

/// `IRP`, up to the last member that a driver uses. Only the kernel creates one.
#[repr(C)]
pub struct Irp {
    pub object_type: i16,
    pub size: u16,
    /// With direct I/O, the pages of the program's buffer.
    pub mdl_address: *mut Mdl,
    pub flags: u32,
    pub associated_irp: AssociatedIrp,
    pub thread_list_entry: [*mut c_void; 2],
    pub io_status: IoStatusBlock,
    pub requestor_mode: i8,
    pub pending_returned: u8,
    pub stack_count: i8,
    pub current_location: i8,
    pub cancel: u8,
    pub cancel_irql: u8,
    pub apc_environment: i8,
    pub allocation_flags: u8,
    pub user_iosb: *mut IoStatusBlock,
    pub user_event: *mut c_void,
    pub overlay: [*mut c_void; OVERLAY],
    /// A [`DriverCancel`], which `IoSetCancelRoutine` exchanges atomically.
    pub cancel_routine: *mut c_void,
    pub user_buffer: *mut c_void,
    pub tail: IrpTail,
}

layout! {
    Irp {
        object_type: 0x0, 0x0;
        size: 0x2, 0x2;
        mdl_address: 0x8, 0x4;
        flags: 0x10, 0x8;
        associated_irp: 0x18, 0xC;
        thread_list_entry: 0x20, 0x10;
        io_status: 0x30, 0x18;
        requestor_mode: 0x40, 0x20;
        pending_returned: 0x41, 0x21;
        stack_count: 0x42, 0x22;
        current_location: 0x43, 0x23;
        cancel: 0x44, 0x24;
        cancel_irql: 0x45, 0x25;
        apc_environment: 0x46, 0x26;
        allocation_flags: 0x47, 0x27;
        user_iosb: 0x48, 0x28;
        user_event: 0x50, 0x2C;
        overlay: 0x58, 0x30;
        cancel_routine: 0x68, 0x38;
        user_buffer: 0x70, 0x3C;
        tail: 0x78, 0x40;
    }
}

/// Two pointers, in a union with a 64-bit number.
const OVERLAY: usize = 2;

/// `IRP.AssociatedIrp`.
#[repr(C)]
pub union AssociatedIrp {
    pub master_irp: *mut Irp,
    pub irp_count: i32,
    /// With `METHOD_BUFFERED` and buffered I/O, the kernel's copy of the input, which the output
    /// replaces.
    pub system_buffer: *mut c_void,
}

/// `IRP.Tail.Overlay`; the other members of the union `Tail` belong to the kernel.
#[repr(C)]
pub struct IrpTail {
    /// For the driver that owns the request.
    pub driver_context: [*mut c_void; 4],
    pub thread: *mut c_void,
    pub auxiliary_buffer: *mut i8,
    pub list_entry: [*mut c_void; 2],
    /// The result of `IoGetCurrentIrpStackLocation`.
    pub current_stack_location: *mut IoStackLocation,
    pub original_file_object: *mut c_void,
}

layout! {
    IrpTail {
        driver_context: 0x0, 0x0;
        thread: 0x20, 0x10;
        auxiliary_buffer: 0x28, 0x14;
        list_entry: 0x30, 0x18;
        current_stack_location: 0x40, 0x20;
        original_file_object: 0x48, 0x24;
    }
}

/// `IO_STATUS_BLOCK`: the result of a request.
#[repr(C)]
pub struct IoStatusBlock {
    pub result: IoStatusResult,
    /// The number of bytes that the kernel reports to the program, and copies from its own buffer.
    pub information: usize,
}

layout! {
    IoStatusBlock: 0x10, 0x8 {
        result: 0x0, 0x0;
        information: 0x8, 0x4;
    }
}

/// `IO_STATUS_BLOCK.Status`, in a union with a pointer.
#[repr(C)]
pub union IoStatusResult {
    pub status: super::status::NtStatus,
    pub pointer: *mut c_void,
}

/// `IO_STACK_LOCATION`: the part of a request for one of the drivers that it passes through.
#[repr(C)]
pub struct IoStackLocation {
    pub major_function: u8,
    pub minor_function: u8,
    pub flags: u8,
    pub control: u8,
    pub parameters: Parameters,
    pub device_object: *mut DeviceObject,
    pub file_object: *mut FileObject,
    pub completion_routine: *mut c_void,
    pub context: *mut c_void,
}

layout! {
    IoStackLocation: 0x48, 0x24 {
        major_function: 0x0, 0x0;
        minor_function: 0x1, 0x1;
        flags: 0x2, 0x2;
        control: 0x3, 0x3;
        parameters: 0x8, 0x4;
        device_object: 0x28, 0x14;
        file_object: 0x30, 0x18;
        completion_routine: 0x38, 0x1C;
        context: 0x40, 0x20;
    }
}

/// `IO_STACK_LOCATION.Parameters`: the member depends on `major_function`.
#[repr(C)]
pub union Parameters {
    pub device_io_control: DeviceIoControl,
    pub transfer: TransferParameters,
    pub others: [*mut c_void; 4],
}

/// `IO_STACK_LOCATION.Parameters.DeviceIoControl`, for `IRP_MJ_DEVICE_CONTROL`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DeviceIoControl {
    pub output_buffer_length: Parameter,
    pub input_buffer_length: Parameter,
    pub io_control_code: Parameter,
    pub type3_input_buffer: *mut c_void,
}

layout! {
    DeviceIoControl: 0x20, 0x10 {
        output_buffer_length: 0x0, 0x0;
        input_buffer_length: 0x8, 0x4;
        io_control_code: 0x10, 0x8;
        type3_input_buffer: 0x18, 0xC;
    }
}

/// `IO_STACK_LOCATION.Parameters.Read` and `Write`, for `IRP_MJ_READ` and `IRP_MJ_WRITE`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TransferParameters {
    /// In bytes.
    pub length: u32,
    pub key: Parameter,
    /// A 64-bit number, of which the low half comes first. On x86 its alignment is that of a `u32`.
    pub byte_offset: [u32; 2],
}

layout! {
    TransferParameters {
        length: 0x0, 0x0;
        key: 0x8, 0x4;
        byte_offset: 0x10, 0x8;
    }
}

/// A 32-bit number with the size and alignment of a pointer (`POINTER_ALIGNMENT`).
#[repr(C)]
#[cfg_attr(target_pointer_width = "64", repr(align(8)))]
#[derive(Clone, Copy)]
pub struct Parameter(pub u32);
