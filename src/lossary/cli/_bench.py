"""The command ``bench``: how fast losses are on this machine, with the frameworks that are installed here."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import typer

from .. import backends
from ..console.arguments import LOSS, AsJson, complete_loss, loss_from, one_of
from ..console.errors import UsageError
from ..console.output import console, emit, progress, reporting, say, table
from ..doctor.probe import Probe, leaves
from ..kernels import explain
from ..objects.define import Loss

BACKENDS = ("numpy", "torch", "jax", "tensorflow")
DEFAULT = ("mean_squared_error", "log_cosh", "binary_crossentropy:from_logits=true")
FEWEST = 3


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one loss on one backend; ``reading`` is what reading both arrays and writing one takes."""

    loss: str
    backend: str
    best: float
    median: float
    calls: int
    reading: float
    path: str


def measured(loss: Loss, name: str, rows: int, columns: int, seconds: float) -> Timing:
    """Value and gradient of the mean loss, called as a training step would, after a first call that compiles."""
    rng, backend = np.random.default_rng(0), backends.by_name(name)
    probe = Probe(loss, backend, rng, columns)
    arrays = tuple(probe.arguments(probe.inputs(rows), "float32"))
    drawn = probe.loss  # Regions along the last axis, where arrays have several.
    step = backend.compiled(drawn.value_and_grad)

    def call() -> None:
        for result in leaves(step(*arrays)):
            backend.host(result, wait=True)

    call()
    times = _times(call, seconds)
    one, target = np.ones((rows, columns), np.float32), np.empty((rows, columns), np.float32)
    reading = min(_times(lambda: np.add(one, one, out=target), seconds / 10))
    # The way and not the reason, which `lossary.kernels.explain` tells in full.
    told = explain(drawn, *arrays)
    path = told.removeprefix(f"{loss.record.name} runs in ").partition(":")[0].partition(", ")[0]
    return Timing(repr(loss), name, min(times), statistics.median(times), len(times), reading, path)


def _times(call: Callable[[], Any], seconds: float) -> list[float]:
    """Milliseconds of every call, for about so long."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < FEWEST or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def _shape(text: str) -> tuple[int, int]:
    rows, _, columns = text.lower().partition("x")
    try:
        shape = int(rows), int(columns)
    except ValueError:
        shape = 0, 0
    if min(shape) < 1:
        raise UsageError(f"shape {text!r} cannot be read; write it as data points x outputs, --shape 65536x64")
    return shape


def _installed(wanted: list[str] | None) -> list[str]:
    if wanted:
        return [one_of("backend", name, BACKENDS) for name in wanted]
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


@reporting
def bench(
    losses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help=f"{LOSS} Without a name: {', '.join(DEFAULT)}.",
            autocompletion=complete_loss,
        ),
    ] = None,
    *,
    backend: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(BACKENDS)}; repeat it for several. Without it: all that are installed."),
    ] = None,
    shape: Annotated[str, typer.Option(metavar="ROWSxCOLUMNS", help="Data points and outputs.")] = "65536x64",
    seconds: Annotated[float, typer.Option(min=0.01, help="How long to measure each loss on each backend.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Measure how fast losses are on this machine.

    What is measured is value and gradient of the mean loss in float32, after a first call: jit on JAX, tf.function on
    TensorFlow. Beside it stands what reading one such array twice and writing it once takes with one core.
    """
    from .._extras import require

    rows, columns = _shape(shape)
    names = _installed(backend)
    for name in names:
        require(name, None, f"--backend {name}")
    made = [loss_from(text) for text in losses or DEFAULT]
    found = []
    with progress("measuring", quiet=as_json) as advance:
        for place, (loss, name) in enumerate((loss, name) for loss in made for name in names):
            found.append(measured(loss, name, rows, columns, seconds))
            advance((place + 1) / (len(made) * len(names)))
    if as_json:
        emit({"shape": [rows, columns], "dtype": "float32", "timings": [asdict(timing) for timing in found]})
        return
    say(f"value and gradient, {rows} x {columns} float32, milliseconds")
    _print_timings([(t.loss, t.backend, *(f"{x:.3g}" for x in (t.best, t.median, t.reading)), t.path) for t in found])


def _print_timings(rows: list[tuple[str, ...]]) -> None:
    headings = ("loss", "backend", "best", "median", "reading", "path")
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= console().width:
        table(headings, rows)
        return
    for loss, *cells in rows:
        say(loss, style="bold")
        table(["", ""], list(zip(headings[1:], cells, strict=True)), headed=False)
