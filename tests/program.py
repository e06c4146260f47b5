"""`python -m kdrvgen` as a process, in a fraction of the time that Python takes to start.

Each run is a process of its own: a fork of one that has loaded Python and kdrvgen. Where a fork
would differ from a fresh process, and on Windows, which has no fork, a fresh process runs instead.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

import kdrvgen

__all__ = ["Stream", "run_kdrvgen"]

Stream = int | IO[bytes]

_SERVER = Path(__file__).with_name("fork_server.py")
_CHECKOUT = str(Path(kdrvgen.__file__).parent.parent)
_LENGTH = struct.Struct("!i")

# The interpreter reads these when it starts, and a fork does not start.
_OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG")
_USUAL = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LC_", "LANG")


def run_kdrvgen(
    *words: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: Stream = subprocess.DEVNULL,
    merged: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run the program until it ends; with `merged`, both streams are in `stdout`.

    Whatever comes of a run, it is no traceback.
    """
    argv = [sys.executable, "-m", "kdrvgen", *map(str, words)]
    env = os.environ if env is None else env
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        streams = (stdin, stdout, stdout if merged else stderr)
        if sys.platform == "win32" or not _is_usual(env):
            code = _run_fresh(argv, cwd, env, streams)
        else:
            code = _run_forked(argv[3:], cwd, env, streams)
        for stream in (stdout, stderr):
            stream.seek(0)
        out, err = (_text(stream.read()) for stream in (stdout, stderr))
    assert "Traceback" not in out + err, out + err
    return subprocess.CompletedProcess(argv, code, out, err)


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace").replace("\r\n", "\n")


def _of_the_interpreter(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(each for each in env.items() if each[0].startswith(_OF_THE_INTERPRETER)))


def _is_usual(env: Mapping[str, str]) -> bool:
    """Return whether the interpreter runs this checkout, in no special way."""
    names = [name for name, _ in _of_the_interpreter(env)]
    path = env.get("PYTHONPATH") or _CHECKOUT
    return path.split(os.pathsep)[0] == _CHECKOUT and all(map(_is_usual_name, names))


def _is_usual_name(name: str) -> bool:
    return name.startswith(_USUAL)


def _run_fresh(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], streams: tuple[Stream, Stream, Stream]
) -> int:
    stdin, stdout, stderr = streams
    return subprocess.run(
        argv, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, check=False
    ).returncode


def _run_forked(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], streams: tuple[Stream, Stream, Stream]
) -> int:
    request = json.dumps({"words": words, "cwd": str(cwd), "env": dict(env)}).encode()
    connection = _server(_of_the_interpreter(env))
    with Path(os.devnull).open("rb") as nothing:
        descriptors = [nothing if each == subprocess.DEVNULL else each for each in streams]
        numbers = [each if isinstance(each, int) else each.fileno() for each in descriptors]
        socket.send_fds(connection, [_LENGTH.pack(len(request))], numbers)
        connection.sendall(request)
        (code,) = _LENGTH.unpack(connection.recv(_LENGTH.size, socket.MSG_WAITALL))
    return int(code)


@cache
def _server(environment: tuple[tuple[str, str], ...]) -> socket.socket:
    """Start the process that forks; it ends when this one does, however that ends.

    Args:
        environment: What the interpreter reads of it.

    Returns:
        The connection to the process.
    """
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, _SERVER, str(theirs.fileno())],
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": _CHECKOUT, **dict(environment)},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
