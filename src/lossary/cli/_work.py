"""Commands that work for a while: ``demo`` and ``bench``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from .._extras import require
from ._arguments import AsJson, complete_loss, loss_from
from ._output import UsageError, emit, reporting


@reporting
def demo(
    losses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LOSS]...", help="Losses to train with besides the first.", autocompletion=complete_loss
        ),
    ] = None,
    data: Annotated[str, typer.Option(help="digits (built in) or fashion-mnist.")] = "digits",
    data_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder of IDX files.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 5,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The picture.")] = Path("demo.png"),
) -> None:
    """Train a small network with several losses, compared."""
    require("keras", "demo", "the demo")
    from ..demo import run

    for name in losses or []:
        loss_from(name)
    run(losses or ["categorical_crossentropy"], data, data_dir, epochs, output)


@reporting
def bench(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARGUMENT]...", help="Passed on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the benchmarks of a source checkout."""
    folder = Path("benchmarks")
    if not (folder / "__main__.py").is_file():
        raise UsageError(
            f"there are no benchmarks in {folder.resolve()}; they are part of the source tree and not of the installed "
            "package. In a checkout of the sources run: make bench"
        )
    done = subprocess.run([sys.executable, "-m", "benchmarks", *(arguments or [])], check=False)
    if as_json:
        emit({"exit_status": done.returncode})
    raise typer.Exit(done.returncode)
