"""One process per framework, because Keras fixes its backend per process; all of them take turns.

The parent says what to do and waits for the answer, so at any moment one process works.
"""

from __future__ import annotations

import importlib
import multiprocessing
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import memory
from benchmarks.cases import Case, Shape, inputs
from benchmarks.stacks import Run


class WorkerError(Exception):
    """What went wrong in a worker: its traceback as text."""


class Worker:
    """A process that holds one framework; ``ask`` calls a method of `_Desk` there."""

    def __init__(self, stack: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.stack = stack
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, stack), daemon=True)
        self._process.start()
        there.close()

    def tell(self, method: str, *args: Any) -> None:
        """Sends an order whose answer is fetched later."""
        self._pipe.send((method, args))

    def answer(self) -> Any:
        """The answer to the oldest order."""
        good, result = self._pipe.recv()
        if not good:
            raise WorkerError(f"{self.stack}: {result}")
        return result

    def ask(self, method: str, *args: Any) -> Any:
        """An order and its answer."""
        self.tell(method, *args)
        return self.answer()

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()


def _serve(pipe: Connection, stack: str) -> None:
    desk = None
    while True:
        try:
            method, args = pipe.recv()
        except EOFError:
            return
        try:
            desk = desk or _Desk(stack)
            pipe.send((True, getattr(desk, method)(*args)))
        except Exception:
            pipe.send((False, traceback.format_exc()))


class _Desk:
    """What a worker can be asked for."""

    def __init__(self, stack: str) -> None:
        self.stack = importlib.import_module(f"benchmarks.stacks.{stack}")
        self.runs: dict[str, Run] = {}

    def prepare(self, case: Case, shape: Shape, compiled: bool) -> dict[str, float]:
        """Everyone's value; after this every call is warm."""
        self.runs = self.stack.contenders(case, *inputs(case, shape), compiled)
        return {name: run() for name, run in self.runs.items()}

    def turn(self, name: str, lasting: float) -> list[float]:
        """Seconds of each call during one turn, which has at least one."""
        run = self.runs[name]
        seen: list[float] = []
        end = time.perf_counter() + lasting
        before = 0.0
        while not seen or before < end:
            before = time.perf_counter()
            run()
            seen.append(time.perf_counter() - before)
        return seen

    def names(self, case: Case, shape: Shape, compiled: bool) -> list[str]:
        """Who computes the loss here."""
        return list(self.stack.contenders(case, *inputs(case, shape), compiled))

    def first(self, case: Case, shape: Shape, compiled: bool, name: str) -> float:
        """Seconds of one contender's first call, which must be the first of all in this process."""
        self.stack.settle()
        run = self.stack.contenders(case, *inputs(case, shape), compiled)[name]
        before = time.perf_counter()
        run()
        return time.perf_counter() - before

    def memory(self, case: Case, shape: Shape, compiled: bool) -> dict[str, float]:
        """The most memory everyone takes beyond its inputs, in multiples of the gradient's."""
        values = self.stack.contenders(case, *inputs(case, shape), compiled)
        gradient = 4 * shape[0] * shape[1]
        return {name: memory.peak(run) / gradient for name, run in values.items() if name != "stream"}
