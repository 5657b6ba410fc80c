"""The command line: ``lossary list``, ``show``, ``plot``, ``suggest``, ``check``, ``score``, ``demo``, ``bench``."""

from __future__ import annotations

import os
import sys

from .._extras import MissingExtraError, require

__all__ = ["main"]


def main() -> None:
    """The entry point of the ``lossary`` command."""
    try:
        for module in ("typer", "rich"):
            require(module, "cli", "the command line")
    except MissingExtraError as error:
        print(f"lossary: {error}", file=sys.stderr)
        sys.exit(2)
    from ._app import app

    try:
        app(prog_name="lossary")
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
