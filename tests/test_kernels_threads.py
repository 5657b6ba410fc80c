"""Kernels and threads: the same bits whatever runs beside them, and no call that waits for another."""

from __future__ import annotations

import importlib
import math
import multiprocessing
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

import numpy as np
import pytest
import torch

import lossary
from lossary import backends
from lossary.facts.registry import enrol
from lossary.kernels.cpu import alone, pages, threads

CALLS = {
    "total": ("log_cosh", {}, {}),
    "rows": ("log_cosh", {}, {"sample_weight": np.linspace(0.0, 2.0, 3000)}),
    "masked": ("poisson", {}, {"where": np.arange(3000) % 3 > 0}),
    "labels": ("sparse_categorical_crossentropy", {"from_logits": True}, {}),
    "none": ("cosine_similarity", {"reduction": "none"}, {}),
}


def call(kind: str, seed: int = 0) -> bytes:
    """Value and gradient of a large call, as bits."""
    name, parameters, options = CALLS[kind]
    rng = np.random.default_rng(seed)
    y_pred = np.abs(rng.normal(size=(3000, 401))).astype("float32")
    y_true = rng.integers(0, 401, 3000) if kind == "labels" else np.abs(rng.normal(size=(3000, 401))).astype("float32")
    if kind == "masked":
        y_true = np.round(y_true)
    loss = lossary.get(name, **parameters)
    assert loss.batch(y_true, y_pred, fusible=True, **options).fused is not None
    value, gradient = loss.value_and_grad(y_true, y_pred, **options)
    return bytes(value.tobytes() + gradient.tobytes())


@pytest.mark.parametrize("kind", CALLS)
def test_the_same_bits_whatever_the_number_of_threads(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "count", lambda: 1)
    expected = call(kind)
    for number in (2, 3, 7):
        seen: set[int] = set()
        monkeypatch.setattr(threads, "count", lambda number=number, seen=seen: seen.add(number) or number)
        for _ in range(3):
            assert call(kind) == expected
        assert seen == {number}


def test_arrays_that_are_read_sooner_than_shared_stay_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[int] = []

    def run(task: Any, firsts: range) -> int:
        shared.append(len(firsts))
        return max(map(task, firsts))

    monkeypatch.setattr(threads, "count", lambda: 2)
    monkeypatch.setattr(threads, "run", run)
    x = np.zeros((4096, 64), np.float32)
    for name in ("mean_squared_error", "huber", "log_cosh"):
        lossary.get(name).value_and_grad(x, x)
    assert shared == [2]


def test_many_calls_at_once_beside_other_pools() -> None:
    """Eight threads call different kernels while PyTorch's own pool multiplies matrices."""
    expected = {kind: call(kind) for kind in CALLS}
    stop = Event()

    def disturb() -> None:
        matrix = torch.ones(400, 400)
        while not stop.is_set():
            torch.mm(matrix, matrix)

    noise = Thread(target=disturb)
    noise.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            kinds = list(CALLS) * 4
            assert list(pool.map(call, kinds, timeout=60)) == [expected[kind] for kind in kinds]
    finally:
        stop.set()
        noise.join()


def nested() -> None:
    """Run in a process of its own: if a thread of a pool waits for the same pool, it never ends."""
    threads.count = lambda: 3
    expected = call("total")
    results: list[bytes] = []

    class Nested(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *upstream: torch.Tensor) -> torch.Tensor:
            results.append(call("total"))
            return upstream[0]

    Nested.apply(torch.ones(3, requires_grad=True)).sum().backward()

    def task(_: int) -> int:
        results.append(call("total"))
        return 0

    threads.run(task, range(6))
    assert results == [expected] * 7


@pytest.mark.costly
def test_calls_from_inside_a_backward_pass_and_a_kernel_task() -> None:
    program = "import test_kernels_threads; test_kernels_threads.nested()"
    folder = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, timeout=60, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def _in_child(expected: bytes) -> None:
    enrol(lossary.get("log_cosh").record)  # So that its kernels are loaded again, under the lock.
    raise SystemExit(0 if call("total") == expected else 3)


def test_a_fork_while_kernels_run_in_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "count", lambda: 3)
    expected = call("total")
    stop = Event()

    def work() -> None:
        while not stop.is_set():
            call("rows")

    busy = [Thread(target=work) for _ in range(2)]
    for thread in busy:
        thread.start()
    try:
        children = [multiprocessing.get_context("fork").Process(target=_in_child, args=(expected,)) for _ in range(3)]
        children[0].start()
        with threads._helpers._lock:
            children[1].start()
        with alone.compiling():
            children[2].start()
        for child in children:
            child.join(timeout=60)
            assert child.exitcode == 0
    finally:
        stop.set()
        for thread in busy:
            thread.join()
        for child in children:
            child.kill()


def _without_kernels() -> None:
    enrol(lossary.get("log_cosh").record)
    y_pred = np.full((300, 301), 1.25)
    value, _ = lossary.value_and_grad(lossary.LogCosh())(np.zeros((300, 301)), y_pred)
    said = lossary.kernels.explain("log_cosh", y_pred, y_pred)
    right = abs(float(value) - math.log(math.cosh(1.25))) < 1e-15 and "forked while another thread" in said
    raise SystemExit(0 if right else 3)


def test_a_process_forked_while_another_thread_compiles_goes_without_kernels() -> None:
    held, stop = Event(), Event()

    def compile_something() -> None:
        with alone.compiling():
            held.set()
            stop.wait()

    thread = Thread(target=compile_something)
    thread.start()
    held.wait()
    child = multiprocessing.get_context("fork").Process(target=_without_kernels)
    child.start()
    child.join(timeout=30)
    stop.set()
    thread.join()
    status = child.exitcode
    child.kill()
    assert status == 0


def test_a_fork_waits_until_what_another_thread_needs_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of an import stays closed in a process that is forked meanwhile."""
    begun, imported = Event(), []
    load = importlib.import_module

    def slow(module: str) -> Any:
        begun.set()
        time.sleep(0.1)
        imported.append(module)
        return load(module)

    monkeypatch.setattr(importlib, "import_module", slow)
    thread = Thread(target=backends.by_name, args=("torch",))
    thread.start()
    begun.wait()
    child = multiprocessing.get_context("fork").Process(target=backends.by_name, args=("torch",))
    child.start()
    assert imported == ["lossary.backends.torch"]
    child.join(timeout=30)
    thread.join()
    assert child.exitcode == 0


def test_where_no_further_thread_starts_everything_is_still_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may refuse any thread: the first, or one after others were asked to work."""
    start, allowed = Thread.start, [0]

    def limited(thread: Thread) -> None:
        if not allowed[0]:
            raise RuntimeError("can't start new thread")
        allowed[0] -= 1
        start(thread)

    monkeypatch.setattr(threads, "count", lambda: 4)
    monkeypatch.setattr(threads, "_helpers", type(threads._helpers)())
    monkeypatch.setattr(Thread, "start", limited)
    for most in (0, 1, 2):
        allowed[0] = most
        done = np.zeros(12)

        def task(place: int, done: Any = done) -> int:
            time.sleep(0.002)
            done[place] = 1.0
            return 1 << place

        assert threads.run(task, range(12)) == (1 << 12) - 1
        assert done.all()


def test_an_error_of_a_helper_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "count", lambda: 2)
    caller, helped = current_thread(), Event()

    def task(_: int) -> int:
        if current_thread() is not caller:
            helped.set()
            raise MemoryError("of the helper")
        assert helped.wait(60.0)  # However long a busy machine takes to start it.
        return 0

    with pytest.raises(MemoryError, match="of the helper"):
        threads.run(task, range(6))


LATE = """
import atexit, threading, time
import numpy as np, lossary

def late(_=0):
    time.sleep(0.3)
    value, gradient = lossary.value_and_grad("huber")(np.zeros((900, 300)), np.ones((900, 300)))
    print(float(value), round(float(gradient.sum()), 6))

LAST
"""


@pytest.mark.parametrize("last", ["threading.Thread(target=late).start()", "atexit.register(late)"])
def test_a_first_large_call_while_the_interpreter_ends(last: str) -> None:
    command = [sys.executable, "-c", LATE.replace("LAST", last)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("0.5 1.0\n", "", 0)


def test_no_two_gradients_share_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads take, fill, check and let go of blocks that are lent again and again."""
    monkeypatch.setattr(pages, "_LARGE", 1)
    pages.release()

    def borrow(number: int) -> bool:
        kept = []
        for turn in range(300):
            block = pages.empty((40 + number + turn % 3, 5), "float32")
            block.fill(number)
            kept = [*kept[-2:], block]
            if not all((held == number).all() for held in kept):
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(borrow, range(8)))
    pages.release()


@pytest.mark.costly
def test_an_interruption_waits_until_a_kernel_is_compiled() -> None:
    """Nothing stays half imported or half linked."""
    before, reached = signal.getsignal(signal.SIGINT), []

    def compile_something() -> None:
        with alone.compiling(), alone.compiling():
            signal.raise_signal(signal.SIGINT)
            reached.append("compiled")
        reached.append("went on")

    with pytest.raises(KeyboardInterrupt):
        compile_something()
    assert reached == ["compiled"]
    assert signal.getsignal(signal.SIGINT) is before
    seen = []

    def in_a_thread() -> None:
        with alone.compiling():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert seen == [before]
