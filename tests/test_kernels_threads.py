"""Kernels and threads: the same bits whatever runs beside them, and no call that waits for another."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import torch

import lossary
from lossary.kernels import pages, run, threads
from lossary.program import enrol

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
        with threads._lock:
            children[1].start()
        with run.locks[0]:
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
