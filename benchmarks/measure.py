"""Interleaved measuring: everyone in turn, many rounds, so that a busy moment hits all alike."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.cases import Case, Shape
from benchmarks.worker import Worker

# Threads of the one before spin for a moment before they sleep.
_REST = 0.002
_ROUNDS = 8
_FEWEST = 3


@contextmanager
def staffed(stacks: Iterable[str], **environment: str) -> Iterator[list[Worker]]:
    """Workers for these frameworks, which see these variables."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    workers = [Worker(stack) for stack in stacks]
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


def together(workers: Sequence[Worker], method: str, *args: Any) -> list[dict[str, float]]:
    """The answers of all workers, which work side by side: for what is not timed."""
    for worker in workers:
        worker.tell(method, *args)
    return [worker.answer() for worker in workers]


def one(workers: Sequence[Worker], case: Case, shape: Shape, *, compiled: bool, budget: float) -> dict[str, Any]:
    """One loss at one shape: seconds of everyone, who must agree on the value."""
    names: dict[str, Worker] = {}
    values: dict[str, float] = {}
    for worker, found in zip(workers, together(workers, "prepare", case, shape, compiled), strict=True):
        names |= dict.fromkeys(found, worker)
        values |= found
    values.pop("stream", None)
    disagreement(f"{case.label} at {shape[0]} x {shape[1]}", values)
    return {"loss": case.label, "shape": list(shape), "seconds": interleaved(names, budget)}


def disagreement(what: str, values: dict[str, float]) -> None:
    """Raises an error unless everyone computes the same loss."""
    wanted = statistics.median(values.values())
    wrong = {name: value for name, value in values.items() if not abs(value - wanted) <= 1e-3 * max(abs(wanted), 1e-3)}
    if wrong:
        raise AssertionError(f"{what}: the value is {wanted}, but {wrong}")


def interleaved(names: dict[str, Worker], budget: float) -> dict[str, dict[str, float]]:
    """Seconds per call, least and median, within about this many seconds for all together."""
    seen: dict[str, list[float]] = {name: [] for name in names}
    lasting = budget / len(names) / _ROUNDS
    start = time.perf_counter()
    rounds = 0
    while rounds < _FEWEST or time.perf_counter() - start < budget:
        for name, worker in names.items():
            time.sleep(_REST)
            seen[name] += worker.ask("turn", name, lasting)
        rounds += 1
    return {name: {"min": min(times), "median": statistics.median(times)} for name, times in seen.items()}


def first_calls(
    stacks: Sequence[str], case: Case, shapes: Sequence[tuple[Shape, bool]], *, compiled: bool
) -> dict[str, dict[str, float]]:
    """Seconds of first calls: with empty caches on disk, and where asked with what that call left there.

    Everyone has processes and caches of their own: what one of them loads or leaves would be there for the next.
    """
    found: dict[str, dict[str, float]] = {}
    for stack in stacks:
        with staffed([stack]) as (worker,):
            names = [name for name in worker.ask("names", case, shapes[0][0], compiled) if name != "stream"]
        for name, (shape, again) in itertools.product(names, shapes):
            label = f"{shape[0]} x {shape[1]}"
            with tempfile.TemporaryDirectory() as folder:
                caches = {"LOSSARY_CACHE_DIR": f"{folder}/ours", "TORCHINDUCTOR_CACHE_DIR": f"{folder}/torch"}
                for column in (label, f"{label}, caches on disk")[: 1 + again]:
                    with staffed([stack], **caches) as (worker,):
                        found.setdefault(name, {})[column] = worker.ask("first", case, shape, compiled, name)
    return found


def import_seconds() -> float:
    """Importing the library where NumPy is loaded, the least of five processes."""
    program = "import numpy, time; t = time.perf_counter(); import lossary; print(time.perf_counter() - t)"
    root = Path(__file__).resolve().parent.parent
    done = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
            for _ in range(5)]  # fmt: skip
    return min(float(one.stdout) for one in done)
