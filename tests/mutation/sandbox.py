"""A run of a command that can write only to a folder that is removed afterwards.

A mutant writes where kdrvgen refuses to: to /dev, to a system folder, through a link out of the
project. bubblewrap mounts everything read-only, except for one new folder, and gives the command
devices, processes and a network of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["SandboxError", "is_active", "run_in_sandbox"]

_ACTIVE = "KDRVGEN_MUTATION_SANDBOX"

# Tests that run as root give files away, and become another user. Root needs no other capability,
# in particular none that can mount a file system or make a device.
_KEPT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")


class SandboxError(Exception):
    """The sandbox cannot be started; the message says what to do."""


def is_active() -> bool:
    """Return whether this process runs in the sandbox.

    Raises:
        SandboxError: The environment says so, but the file system is writable.
    """
    if sys.platform == "win32" or _ACTIVE not in os.environ:
        return False
    if not os.statvfs("/").f_flag & os.ST_RDONLY:
        raise SandboxError(f"{_ACTIVE} is set, but / is not read-only. Unset the variable.")
    return True


def run_in_sandbox(words: Sequence[str]) -> int:
    """Run a command in the sandbox, with its temporary files and its home in the new folder.

    Returns:
        The command's exit code.

    Raises:
        SandboxError: bubblewrap is missing, or the kernel does not allow its namespaces.
    """
    bwrap = shutil.which("bwrap")
    if not bwrap:
        raise SandboxError("bwrap is missing. On Debian, run: apt-get install bubblewrap")
    with tempfile.TemporaryDirectory(prefix="kdrvgen-mutation-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)  # tests become other users, who must get to their own folders in it
        (home := folder / "home").mkdir()
        (temporary := folder / "tmp").mkdir()
        temporary.chmod(0o1777)
        sandbox = [bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        sandbox += ["--bind", str(folder), str(folder)]
        sandbox += ["--unshare-ipc", "--unshare-net", "--unshare-pid", "--die-with-parent"]
        sandbox += ["--setenv", "HOME", str(home), "--setenv", "TMPDIR", str(temporary)]
        sandbox += ["--setenv", _ACTIVE, "1"]
        if sys.platform != "win32" and os.geteuid() == 0:
            sandbox += ["--cap-drop", "ALL"]
            for capability in _KEPT_CAPABILITIES:
                sandbox += ["--cap-add", f"CAP_{capability}"]
        tried = subprocess.run([*sandbox, "true"], check=False, capture_output=True, text=True)
        if tried.returncode:
            raise SandboxError(f"{tried.stderr.strip()}. Allow user namespaces on this machine.")
        return subprocess.run([*sandbox, *words], check=False).returncode
