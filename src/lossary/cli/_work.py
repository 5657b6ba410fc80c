"""The command that trains: ``demo``."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..console.arguments import LOSS, AsJson, complete_loss, loss_from
from ..console.output import emit, reporting


@reporting
def demo(
    losses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOSS",
            help=f"Losses to compare with categorical crossentropy. {LOSS}",
            autocompletion=complete_loss,
        ),
    ] = None,
    *,
    data: Annotated[str, typer.Option(help="digits (built in) or fashion-mnist.")] = "digits",
    data_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder of IDX files to read instead.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training images.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The picture.")] = Path("demo.png"),
    as_json: AsJson = False,
) -> None:
    """Train a small network with several losses, compared."""
    from ..demo import run

    # With --json the training reports on the error stream, and the output is JSON alone.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        results = run([loss_from(loss) for loss in losses or ()] or None, data, data_dir, epochs, output)
    if as_json:
        emit({"picture": str(output), "results": [dataclasses.asdict(result) for result in results]})
