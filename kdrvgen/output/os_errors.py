"""What the operating system's refusals mean, and what the user can do about each."""

from __future__ import annotations

import errno
import os

from kdrvgen.errors import FileAccessError

__all__ = ["explain"]

_ADVICE = {
    errno.ENOSPC: "Make room on that disk, then run kdrvgen again.",
    errno.EDQUOT: "Your share of that disk is used up: make room, then run kdrvgen again.",
    errno.EFBIG: "The system limits how large a file may be here (see `ulimit -f`).",
    errno.EROFS: "Use -o to write to another folder.",
    errno.EACCES: "Change who may use it, or use -o to write to another folder.",
    errno.EPERM: "Change who may use it, or use -o to write to another folder.",
    errno.ENOTDIR: "A file stands where a folder is needed: move it away.",
    errno.EISDIR: "A folder stands where a file is needed: move it away.",
    errno.EEXIST: "Something else stands there: move it away.",
    errno.ELOOP: "Symbolic links lead round in a circle there: remove one of them.",
}


def explain(deed: str, path: str, error: OSError, aftermath: str = "") -> FileAccessError:
    """Return the error that tells the user what `error` means.

    Args:
        deed: What was tried, as in "cannot `write`".
        path: On what, as the user would write it.
        error: What the operating system said.
        aftermath: In which state the project is now.
    """
    said = os.strerror(error.errno) if error.errno else str(error)
    advice = _ADVICE.get(error.errno or 0, "")
    return FileAccessError(
        " ".join(part for part in (f"cannot {deed} {path}: {said}.", aftermath, advice) if part)
    )
