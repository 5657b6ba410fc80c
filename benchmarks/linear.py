"""``python -m benchmarks.linear``: a language model's head, value and gradients, beside its peers.

Everyone has a process of its own in every round, and everyone comes to turn in each: a figure is the least of all.
Memory is the most that a call takes beyond its inputs, gradients included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.measure import disagreement
from benchmarks.report import table

Run = Callable[[], Any]
Arrays = tuple[Any, Any, Any]
SHAPE = (4096, 512, 32000)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linear", description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=SHAPE, metavar=("TOKENS", "FEATURES", "VOCABULARY"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measured(options.one, tuple(options.shape))))
        return
    names = [name for name in PEERS if options.only in name and _is_here(name)]
    found: dict[str, dict[str, float]] = {}
    for _ in range(options.rounds):
        for name in names:
            one = _in_a_process(name, options.shape)
            before = found.setdefault(name, one)
            found[name] = {key: min(before[key], one[key]) for key in one}
            print(json.dumps({"name": name, **one}), file=sys.stderr, flush=True)
    disagreement(
        f"a head of {' x '.join(map(str, options.shape))}", {name: one["value"] for name, one in found.items()}
    )
    columns = ["", "CPU seconds", "seconds", "MiB beyond inputs"]
    rows = [[name, f"{x['cpu']:.2f}", f"{x['wall']:.2f}", f"{x['memory']:.0f}"] for name, x in found.items()]
    print(table(columns, rows))


def _is_here(name: str) -> bool:
    """Whether a peer is installed, and a GPU where it needs one."""
    needed = {"liger": "liger_kernel", "cce": "cut_cross_entropy"}.get(name)
    if needed is None:
        return find_spec(name.split(maxsplit=1)[0]) is not None
    if find_spec(needed) is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def _in_a_process(name: str, shape: tuple[int, int, int]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.linear", "--one", name, "--shape", *map(str, shape)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(name: str, shape: tuple[int, int, int]) -> dict[str, float]:
    run = PEERS[name](_inputs(shape))
    peak = memory.peak(run)
    cpu, wall, value = float("inf"), float("inf"), float("nan")
    for _ in range(2):
        before = time.process_time(), time.perf_counter()
        value = float(run())
        cpu, wall = min(cpu, time.process_time() - before[0]), min(wall, time.perf_counter() - before[1])
    return {"value": value, "cpu": cpu, "wall": wall, "memory": peak / 2**20}


def _inputs(shape: tuple[int, int, int]) -> Arrays:
    rng, (tokens, features, vocabulary) = np.random.default_rng(0), shape
    hidden = (rng.standard_normal((tokens, features)) * 0.5).astype(np.float32)
    weight = (rng.standard_normal((vocabulary, features)) / np.sqrt(features)).astype(np.float32)
    return rng.integers(0, vocabulary, tokens), hidden, weight


# --- PyTorch --------------------------------------------------------------------------------------------------------


def _torch(function: Callable[..., Any]) -> Callable[[Arrays], Run]:
    def prepared(arrays: Arrays) -> Run:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        y_true, hidden, weight = (torch.from_numpy(x).to(device) for x in arrays)
        hidden.requires_grad_()
        weight.requires_grad_()

        def run() -> float:
            value = function(y_true, hidden, weight)
            value.backward()
            hidden.grad = weight.grad = None
            return float(value.detach())

        return run

    return prepared


@_torch
def _torch_plain(y_true: Any, hidden: Any, weight: Any) -> Any:
    from torch.nn import functional

    return functional.cross_entropy(functional.linear(hidden, weight), y_true)


@_torch
def _torch_own(y_true: Any, hidden: Any, weight: Any) -> Any:
    from torch import nn

    return nn.functional.linear_cross_entropy(hidden, weight, y_true, options=nn.LinearCrossEntropyOptions())


@_torch
def _torch_lossary(y_true: Any, hidden: Any, weight: Any) -> Any:
    import lossary

    return lossary.linear_cross_entropy(y_true, hidden, weight)


@_torch
def _liger(y_true: Any, hidden: Any, weight: Any) -> Any:
    from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

    return LigerFusedLinearCrossEntropyLoss()(weight, hidden, y_true)


@_torch
def _cce(y_true: Any, hidden: Any, weight: Any) -> Any:
    from cut_cross_entropy import linear_cross_entropy

    return linear_cross_entropy(hidden.bfloat16(), weight.bfloat16(), y_true)


# --- JAX ------------------------------------------------------------------------------------------------------------


def _jax(function: Callable[..., Any]) -> Callable[[Arrays], Run]:
    def prepared(arrays: Arrays) -> Run:
        import jax

        y_true, hidden, weight = (jax.numpy.asarray(x) for x in arrays)
        both = jax.jit(jax.value_and_grad(lambda h, w: function(y_true, h, w), argnums=(0, 1)))

        def run() -> float:
            value, gradients = jax.block_until_ready(both(hidden, weight))
            del gradients
            return float(value)

        return run

    return prepared


@_jax
def _jax_plain(y_true: Any, hidden: Any, weight: Any) -> Any:
    import optax

    return optax.softmax_cross_entropy_with_integer_labels(hidden @ weight.T, y_true).mean()


@_jax
def _jax_remat(y_true: Any, hidden: Any, weight: Any) -> Any:
    import jax
    import optax

    def one(part: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(part[0] @ weight.T, part[1]).sum()

    chunk = next(size for size in range(256, 0, -1) if hidden.shape[0] % size == 0)
    parts = hidden.reshape(-1, chunk, hidden.shape[1]), y_true.reshape(-1, chunk)
    return jax.lax.map(jax.checkpoint(one), parts).sum() / hidden.shape[0]


@_jax
def _jax_lossary(y_true: Any, hidden: Any, weight: Any) -> Any:
    import lossary

    return lossary.linear_cross_entropy(y_true, hidden, weight)


# --- TensorFlow -----------------------------------------------------------------------------------------------------


def _tensorflow(function: Callable[..., Any]) -> Callable[[Arrays], Run]:
    def prepared(arrays: Arrays) -> Run:
        import tensorflow as tf

        y_true, hidden, weight = (tf.constant(x) for x in arrays)

        @tf.function(autograph=False)
        def both(hidden: Any, weight: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch((hidden, weight))
                value = function(y_true, hidden, weight)
            return value, tape.gradient(value, (hidden, weight))

        return lambda: float(both(hidden, weight)[0])

    return prepared


@_tensorflow
def _tensorflow_plain(y_true: Any, hidden: Any, weight: Any) -> Any:
    import tensorflow as tf

    scores = tf.matmul(hidden, weight, transpose_b=True)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y_true, scores))


@_tensorflow
def _tensorflow_lossary(y_true: Any, hidden: Any, weight: Any) -> Any:
    import lossary

    return lossary.linear_cross_entropy(y_true, hidden, weight)


# --- NumPy ----------------------------------------------------------------------------------------------------------


def _numpy_plain(arrays: Arrays) -> Run:
    import lossary

    y_true, hidden, weight = arrays
    both = lossary.value_and_grad(lossary.SparseCategoricalCrossentropy(from_logits=True))

    def run() -> float:
        value, slopes = both(y_true, hidden @ weight.T)
        gradients = slopes @ weight, slopes.T @ hidden
        del gradients
        return float(value)

    return run


def _numpy_lossary(arrays: Arrays) -> Run:
    import lossary

    loss = lossary.LinearCrossEntropy()
    return lambda: float(loss.value_and_grad(*arrays)[0])


PEERS: dict[str, Callable[[Arrays], Run]] = {
    "torch F.linear, F.cross_entropy": _torch_plain,
    "torch F.linear_cross_entropy": _torch_own,
    "torch lossary": _torch_lossary,
    "jax optax": _jax_plain,
    "jax optax, lax.map of jax.checkpoint": _jax_remat,
    "jax lossary": _jax_lossary,
    "tensorflow tf.nn": _tensorflow_plain,
    "tensorflow lossary": _tensorflow_lossary,
    "numpy scores at once": _numpy_plain,
    "numpy lossary": _numpy_lossary,
    "liger": _liger,
    "cce": _cce,
}


if __name__ == "__main__":
    main()
