"""The output and error streams of the command: whatever they are, what is said reaches them or the status tells."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any

from . import FAILED


def run(command: Callable[[], Any]) -> int:
    """Runs a command that may leave with SystemExit, and returns its status: 2 if its output could not be written."""
    _occupy()
    if sys.stdout is None:
        return _lost("the output stream is closed")
    sink = _Sink(sys.stdout.fileno())
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(sink), sys.stdout.encoding, "backslashreplace", line_buffering=sys.stdout.isatty()
    )
    status = 0
    try:
        command()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except OSError:
        if not sink.reason:
            raise
    sys.stdout.flush()
    return _lost(f"the output cannot be written: {sink.reason}") if sink.reason else status


class _Sink(io.RawIOBase):
    """A file descriptor; a reader of the pipe that has seen enough (head, less) is no error, a full disk is one."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.reason = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self._number

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        """Writes what fits; after an error everything is dropped."""
        if not self.reason:
            try:
                return os.write(self._number, data)
            except BrokenPipeError:
                pass
            except OSError as error:
                self.reason = error.strerror or type(error).__name__
        return len(data)


def _occupy() -> None:
    """No file that is opened later may take the place of a standard stream that is closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _lost(reason: str) -> int:
    print(f"lossary: {reason}", file=sys.stderr)
    return FAILED
