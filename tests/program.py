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
from typing import IO, NamedTuple

import kdrvgen

__all__ = ["Stream", "run_kdrvgen"]

Stream = int | IO[bytes]

_SERVER = Path(__file__).with_name("fork_server.py")
_CHECKOUT = str(Path(kdrvgen.__file__).parent.parent)
_LENGTH = struct.Struct("!i")

# The interpreter reads these when it starts, and a fork does not start.
_OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG")


class _Server(NamedTuple):
    connection: socket.socket
    environment: Mapping[str, str]


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
        if sys.platform == "win32" or _of_the_interpreter(env) != _server().environment:
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


def _of_the_interpreter(env: Mapping[str, str]) -> dict[str, str]:
    found = {name: env[name] for name in env if name.startswith(_OF_THE_INTERPRETER)}
    if found.get("PYTHONPATH") == _CHECKOUT:
        del found["PYTHONPATH"]  # where the server finds kdrvgen too
    return found


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
    connection = _server().connection
    with Path(os.devnull).open("rb") as nothing:
        descriptors = [
            (nothing if each == subprocess.DEVNULL else each) if isinstance(each, int) else each
            for each in streams
        ]
        numbers = [each if isinstance(each, int) else each.fileno() for each in descriptors]
        socket.send_fds(connection, [_LENGTH.pack(len(request))], numbers)
        connection.sendall(request)
        (code,) = _LENGTH.unpack(connection.recv(_LENGTH.size, socket.MSG_WAITALL))
    return int(code)


@cache
def _server() -> _Server:
    """Start the process that forks; it ends when this one does, however that ends."""
    ours, theirs = socket.socketpair()
    environment = {"PYTHONPATH": _CHECKOUT}
    own = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, _SERVER, str(theirs.fileno())],
        env=own | environment,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return _Server(ours, _of_the_interpreter(own))
