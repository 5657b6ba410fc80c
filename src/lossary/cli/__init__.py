"""The command line: ``lossary list``, ``show``, ``plot``, ``verify``, ``suggest``, ``check``, ``score``, ..."""

from __future__ import annotations

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
    try:
        from ..console import streams
        from ._app import app

        sys.exit(streams.run(lambda: app(prog_name="lossary")))
    except KeyboardInterrupt:
        sys.exit(130)
