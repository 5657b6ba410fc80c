"""What the demonstration says: a heading, the table at the end and the picture of the curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .._extras import require
from ._data import Images
from ._train import Result

# From how many curves on the legend stands beside the picture.
CROWD = 5


def announce(images: Images, losses: list[str], epochs: int) -> None:
    """What is about to happen."""
    height, width = images.train.shape[1:3]
    print(
        f"{images.name}: {len(images.train)} images of {height} x {width} to learn from, {len(images.test)} held out, "
        f"{images.classes} classes\nKeras on {keras.backend.backend()}, SGD, {epochs} epochs with each of: "
        f"{', '.join(losses)}  (Ctrl-C stops early and keeps what was trained)",
        flush=True,
    )


def summarise(results: list[Result], name: str, output: Path) -> None:
    """The table on the terminal and the picture in a file."""
    console = Console(highlight=False)
    console.print()
    console.print(table(results, name))
    if results[-1].stopped:
        console.print(f"Stopped early: {results[-1].loss} after {len(results[-1].accuracies)} whole epochs.")
    if any(result.accuracies for result in results):
        picture(results, name, output)
        console.print(f"Curves: {output}", soft_wrap=True)


def table(results: list[Result], name: str) -> Table:
    """Loss, held-out accuracy and seconds."""
    found = Table(title=name, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("loss", "outputs", "targets"):
        found.add_column(heading, no_wrap=True)
    for heading in ("held-out accuracy", "seconds"):
        found.add_column(heading, justify="right")
    best = max((result.accuracy or 0.0 for result in results), default=0.0)
    for result in results:
        accuracy = "-" if result.accuracy is None else f"{result.accuracy:.3f}"
        if result.accuracy == best:
            accuracy = f"[bold]{accuracy}[/bold]"
        found.add_row(result.loss, result.activation, result.coding, accuracy, f"{result.seconds:.1f}")
    return found


def picture(results: list[Result], name: str, output: Path) -> None:
    """Held-out accuracy, and each objective relative to its first epoch, into a file."""
    matplotlib = require("matplotlib", "demo", "the picture")
    from matplotlib.figure import Figure

    from ..show._style import pen, settings

    with matplotlib.rc_context(settings()):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        for index, result in enumerate(results):
            if result.accuracies:
                style = pen(index) | {"marker": "o", "markersize": 3.5}
                steps = range(1, len(result.accuracies) + 1)
                label = f"{result.loss}  ({result.accuracies[-1]:.3f})"
                left.plot(steps, result.accuracies, label=label, **style)
                scale = abs(result.objective[0]) or 1.0
                right.plot(steps, [value / scale for value in result.objective], **style)
        _axes(left, "Held-out accuracy", "share of images recognised")
        _axes(right, "Training loss", "relative to its first epoch")
        if len(results) > CROWD:
            figure.set_figwidth(13)
            figure.legend(loc="outside right upper")
        else:
            left.legend()
        figure.suptitle(f"One network, several losses: {name}", fontweight="bold")
        output.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(output)


def _axes(axes: Any, title: str, label: str) -> None:
    axes.set(title=title, xlabel="epoch", ylabel=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
