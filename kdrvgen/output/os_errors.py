"""Explain errors of the operating system, and what the user can do about them."""

from __future__ import annotations

import errno
import os

from kdrvgen.errors import FileAccessError

__all__ = ["explain"]

_ADVICE = {
    errno.ENOSPC: "Free space on that disk, then run kdrvgen again.",
    errno.EDQUOT: "Your disk quota is used up: free space, then run kdrvgen again.",
    errno.EFBIG: "The system limits the file size (see `ulimit -f`).",
    errno.EROFS: "Use -o to write to another folder.",
    errno.EACCES: "Change its permissions, or use -o to write to another folder.",
    errno.EPERM: "Change its permissions, or use -o to write to another folder.",
    errno.ENOTDIR: "A file is in the place of a folder: move it away.",
    errno.EISDIR: "A folder is in the place of a file: move it away.",
    errno.EEXIST: "Something else has this name: move it away.",
    errno.ELOOP: "Symbolic links form a loop: remove one of them.",
}


def explain(deed: str, path: str, error: OSError, aftermath: str = "") -> FileAccessError:
    """Return the error that explains `error` to the user.

    Args:
        deed: The verb for the message, as in "cannot `write`".
        path: The path, as the user would write it.
        error: The error of the operating system.
        aftermath: The state of the project after the error.
    """
    reason = os.strerror(error.errno) if error.errno else str(error)
    advice = _ADVICE.get(error.errno or 0, "")
    return FileAccessError(
        " ".join(part for part in (f"cannot {deed} {path}: {reason}.", aftermath, advice) if part)
    )
