"""Loads kdrvgen once, and forks for each run of it; tests/program.py starts this file.

The connection ends with the tests, however they end, and this process ends with the connection.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import signal
import socket
import struct
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

import kdrvgen
from kdrvgen.output.stamp import _code

_LENGTH = struct.Struct("!i")


def serve(connection: socket.socket) -> None:
    """Answer each request with the exit code of a run."""
    while True:
        start, descriptors, _, _ = socket.recv_fds(connection, _LENGTH.size, 3)
        if not start:
            return
        (length,) = _LENGTH.unpack(start)
        request = json.loads(connection.recv(length, socket.MSG_WAITALL))
        child = os.fork()
        if not child:
            connection.close()
            _run(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        connection.sendall(_LENGTH.pack(os.waitstatus_to_exitcode(status)))


def _run(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv[1:] = request["words"]
        sys.path[0] = request["cwd"]
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - numbers, for good
        sys.stdout = _writer(1, sys.stdout, line_buffering=os.isatty(1))
        sys.stderr = _writer(2, sys.stderr, line_buffering=True)
        os.fsync = _ignore  # waits for the disk, for a loss of power that no test has
        from kdrvgen.__main__ import run  # noqa: PLC0415 - loaded already

        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - nothing may get back into the loop of the server
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _ignore(fd: object) -> None:
    del fd


def _writer(descriptor: int, like: Any, *, line_buffering: bool) -> io.TextIOWrapper:  # noqa: ANN401 - typeshed's TextIO has no `errors`
    raw = open(descriptor, "wb", closefd=False)  # noqa: SIM115 - a number, for good
    return io.TextIOWrapper(
        raw, like.encoding, like.errors, line_buffering=line_buffering, write_through=False
    )


def _load() -> None:
    """Load and read what many runs need, so that no fork has to."""
    # They are as large as all the rest, and a fork takes the longer the more there is to copy.
    left_out = ("lief", "capstone")
    absent: Any = None  # which makes an import an ImportError
    sys.modules.update(dict.fromkeys(left_out, absent))
    package = Path(kdrvgen.__file__).parent
    for file in package.rglob("*.py"):
        parts = file.relative_to(package.parent).with_suffix("").parts
        if "templates" not in parts:
            with contextlib.suppress(ImportError):
                importlib.import_module(".".join(parts).removesuffix(".__init__"))
    for name in left_out:
        del sys.modules[name]
    _read()
    gc.collect()
    gc.freeze()


def _read() -> None:
    """Have kdrvgen compute what each run would compute again, and keeps: none depends on a run."""
    with tempfile.TemporaryDirectory() as folder:
        kdrvgen.bootstrap(folder, "hello")
        config = Path(folder, "hello", "config.toml")
        kdrvgen.check(kdrvgen.load(config), config.parent)
        kdrvgen.why(config, "Makefile.toml", 20)
        kdrvgen.explain("driver.name")
    _code()


if __name__ == "__main__":
    # Ctrl-C is for the tests: they close the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as _connection:
        serve(_connection)
    os._exit(0)  # the interpreter's end would have lief report each of its types
