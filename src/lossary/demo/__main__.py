"""``python -m lossary.demo [LOSS]...``; every option can also come from the environment, as ``make demo`` passes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import INTERRUPTED
from ..console.arguments import loss_from
from ..console.output import reporting
from . import OTHERS, run


@reporting
def main(
    losses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LOSS]...", envvar="LOSSES", help="Losses besides categorical_crossentropy."),
    ] = None,
    data: Annotated[str, typer.Option(envvar="DATA", help="digits or fashion-mnist.")] = "digits",
    data_dir: Annotated[Path | None, typer.Option(envvar="DATA_DIR", help="A folder of IDX files.")] = None,
    epochs: Annotated[int | None, typer.Option(envvar="EPOCHS", min=1, help="Passes over the images.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", envvar="OUTPUT", help="The picture.")] = Path("demo.png"),
) -> None:
    """Train one small network on real images with several losses, and compare them."""
    results = run([loss_from(loss) for loss in losses or OTHERS], data, data_dir, epochs, output)
    if results[-1].stopped:
        raise typer.Exit(INTERRUPTED)


if __name__ == "__main__":
    typer.run(main)
