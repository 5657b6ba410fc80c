"""The command line: ``lossary list``, ``show``, ``plot``, ``verify``, ``suggest``, ``check``, ``score``, ..."""

from __future__ import annotations

import os
import sys

from .._extras import MissingExtraError, require
from ..console import FAILED, INTERRUPTED

__all__ = ["main"]


def main() -> None:
    """The entry point of the ``lossary`` command."""
    try:
        for module in ("typer", "rich"):
            require(module, "cli", "the command line")
    except MissingExtraError as error:
        print(f"lossary: {error}", file=sys.stderr)
        sys.exit(FAILED)
    try:
        from ..console import streams
        from ._app import app

        status = streams.run(lambda: app(prog_name="lossary"))
    except KeyboardInterrupt:
        status = INTERRUPTED
    # Threads that read or compute would abort the process where the interpreter is taken down under them: those of an
    # interrupted command, and now and then those of a reader that has just ended.
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(status)
