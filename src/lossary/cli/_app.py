"""The commands and their groups."""

from __future__ import annotations

from typing import Annotated

import typer

from ..console.output import say
from . import _bench, _catalogue, _files, _work

app = typer.Typer(
    help="The loss layer of machine learning: look losses up, find the one that fits, check it, score files with it.",
    epilog="For example: lossary suggest data.csv --target price",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        say(f"lossary {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Look losses up, find the one that fits, check it, score files with it."""


app.command("list")(_catalogue.list_losses)
app.command("show")(_catalogue.show)
app.command("plot")(_catalogue.plot)
app.command("verify")(_catalogue.verify)
app.command("suggest")(_files.suggest)
app.command("check")(_files.check)
app.command("score")(_files.score)
app.command("demo")(_work.demo)
app.command("bench")(_bench.bench)
