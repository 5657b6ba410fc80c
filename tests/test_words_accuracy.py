"""Accuracy of the words that libraries spell by themselves least often, against 60 digits, on every backend.

One program per backend computes all of them.  Units are those in the last place of the exact answer, at zeros too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import lossary
from inputs import central_difference, few, jax_with
from lossary.backends import NUMPY, by_name
from lossary.graph import NUMBER, Graph, emit, words
from lossary.kernels.compiler import link
from lossary.kernels.compiler.typed import Typed
from lossary.kernels.cpu import alone, compiled
from lossary.kernels.lowering.form import SPECIAL
from oracle_formula import Exact

# Words by the numbers that they are asked about.
WORDS = {
    "positive": ("lgamma", "digamma", "trigamma", "binet", "binet_slope"),
    "real": ("expm1mx", "hypot1", "logcosh", "arctan", "bell", "erf", "log_ndtr", "inverse_mills"),
    "above": ("log1pmx",),
    "below": ("log1mexp",),
    "angle": ("cos", "sin"),
}
# Units in the last place of single precision.  XLA's and TensorFlow's elementary functions are off by more themselves.
LIMIT = 3.3
LIMITS = {"log_ndtr": 4.3, "inverse_mills": 4.3, "trigamma": 3.5, "binet_slope": 9.0}


def drawn(dtype: str, count: int = 600) -> dict[str, Any]:
    """Numbers of each kind: of all sizes, and where formulas change or functions have a zero."""
    rng = np.random.default_rng(11)
    turns = np.array([0.25, 1.0, 2.0, 3.5, 4.0, 1.4616321, 2.5, 0.8])
    near = (turns * (1.0 + rng.normal(size=(8, 8)) * 1e-4).T).ravel()
    size = np.concatenate([np.geomspace(1e-6, 1e6, count), rng.uniform(0.0, 6.0, count), near])
    signed = np.concatenate([rng.uniform(-36.0, 12.0, count), rng.uniform(-3.0, 3.0, count), near])
    signed[::9] = np.geomspace(1e-6, 4.0, signed[::9].size) * rng.choice([-1.0, 1.0], signed[::9].size)
    kinds = {"positive": size, "real": signed, "above": np.expm1(signed), "below": -size, "angle": signed}
    return {kind: x.astype(dtype) for kind, x in kinds.items()}


def exact(word: str, x: Any) -> Any:
    with mp.workdps(60):
        return getattr(Exact, word)(np.array([mp.mpf(float(a)) for a in x], object))


def errors(word: str, x: Any, got: Any) -> Any:
    """Units in the last place; answers that are subnormal or too large count as right."""
    tiny = float(np.finfo(x.dtype).tiny) * 100.0
    units = np.zeros(x.shape)
    for place, (answer, number) in enumerate(zip(exact(word, x), np.asarray(got, np.float64), strict=True)):
        if tiny < abs(answer) < np.finfo(x.dtype).max:
            with mp.workdps(60):
                unit = float(np.spacing(np.abs(x.dtype.type(float(answer)))))
                units[place] = float(abs(mp.mpf(float(number)) - answer)) / unit if np.isfinite(number) else math.inf
    return units


def all_words(backend: Any) -> Callable[..., list[Any]]:
    return lambda *arrays: [
        getattr(backend, word)(x) for x, names in zip(arrays, WORDS.values(), strict=True) for word in names
    ]


def on_numpy(arrays: list[Any]) -> list[Any]:
    with np.errstate(all="ignore"):
        return all_words(NUMPY)(*arrays)


def in_kernels(word: str, x: Any) -> Any:
    """A word by the function that fused loops call."""
    source = f"def loop(out, x):\n    for i in range(out.size):\n        out[i] = {word}(x[i])\n"
    parameters = [Typed(x.dtype.name, 1, is_written=True), Typed(x.dtype.name, 1)]
    with alone.compiling():
        run = link.function(compiled.machine_code("loop", source, x.dtype.name, parameters, {}), word)
    out = np.empty_like(x)
    run(out, x)
    return out


@pytest.mark.parametrize("word", sorted(SPECIAL))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_keep_the_digits_of_special_functions(word: str, dtype: str) -> None:
    x = next(drawn(dtype, 150)[kind] for kind, names in WORDS.items() if word in names)
    assert max(errors(word, x, in_kernels(word, x))) <= LIMITS.get(word, LIMIT)


def on_torch(arrays: list[Any]) -> list[Any]:
    torch = pytest.importorskip("torch")
    return [x.numpy() for x in all_words(by_name("torch"))(*map(torch.tensor, arrays))]


def on_jax(arrays: list[Any]) -> list[Any]:
    jax = pytest.importorskip("jax")
    return list(jax.jit(all_words(by_name("jax")))(*arrays))


def on_tensorflow(arrays: list[Any]) -> list[Any]:
    tf = pytest.importorskip("tensorflow")
    return [x.numpy() for x in tf.function(all_words(by_name("tensorflow")))(*map(tf.constant, arrays))]


def on_pytensor(arrays: list[Any]) -> list[Any]:
    pytensor = pytest.importorskip("pytensor")
    symbols = [pytensor.tensor.vector(dtype=str(x.dtype)) for x in arrays]
    return list(pytensor.function(symbols, all_words(by_name("pytensor"))(*symbols), mode="FAST_COMPILE")(*arrays))


RUNS = {
    "numpy": on_numpy,
    "torch": on_torch,
    "jax": on_jax,
    "tensorflow": on_tensorflow,
    "pytensor": on_pytensor,
}


@pytest.mark.parametrize("backend", few({"numpy", "torch"}.__contains__, RUNS))
def test_single_precision_on_every_backend(backend: str) -> None:
    given = drawn("float32", 250)
    names = [(kind, word) for kind, some in WORDS.items() for word in some]
    for (kind, word), got in zip(names, RUNS[backend](list(given.values())), strict=True):
        units = errors(word, given[kind], got)
        worst = int(units.argmax())
        assert units[worst] <= LIMITS.get(word, LIMIT), (word, given[kind][worst], got[worst], units[worst])


def test_double_precision_of_arrays_and_numbers() -> None:
    given = drawn("float64", 60)
    for kind, some in WORDS.items():
        for word in some:
            with np.errstate(all="ignore"):
                units = errors(word, given[kind], getattr(NUMPY, word)(given[kind]))
            assert units.max() <= LIMITS.get(word, LIMIT), (word, given[kind][units.argmax()])
            node = getattr(words, word)(Graph().input("x", NUMBER))
            scope = NUMPY.namespace((word,))
            exec(emit("run", ["x"], [node]), scope)
            units = errors(word, given[kind][::20], [scope["run"](float(x)) for x in given[kind][::20]])
            assert units.max() <= LIMITS.get(word, LIMIT), word


def composed(y_true: Any, y_pred: Any) -> Any:
    """Every word whose derivative is a word of its own, in one formula."""
    size = words.softplus(y_pred) + 0.1
    gammas = words.lgamma(size) + words.digamma(size) + words.binet(size) + words.binet_slope(2.0 * size)
    normal = words.erf(y_pred) + words.log_ndtr(y_pred) + words.inverse_mills(y_pred) + words.bell(y_pred)
    small = words.log1pmx(0.2 * y_pred) + words.expm1mx(y_pred) + words.log1mexp(-size)
    angles = words.hypot1(y_pred) + words.logcosh(y_pred) + words.arctan(y_pred) + words.cos(y_pred) * words.sin(y_true)
    return words.mean(gammas + normal + small + angles + (words.detach(y_pred) + words.position(y_pred)) * y_pred)


@pytest.mark.parametrize("library", few("torch".__eq__, ["torch", "jax"]))
def test_derivatives_of_derivatives(library: str) -> None:
    """By the library's own differentiation of our slopes, against differences of NumPy's."""
    loss = lossary.loss(name="composed_words")(composed).cls(reduction="sum")
    y, p, w = np.random.default_rng(2).normal(size=(3, 2, 4))

    def slope(at: Any) -> float:
        # What is detached stays where it is: it is a factor of a quarter of each slope.
        return float(((loss.value_and_grad(y, at)[1] - (at - p) / 4.0) * w).sum())

    wanted = central_difference(slope, p)
    if library == "torch":
        torch = pytest.importorskip("torch")
        leaf = torch.tensor(p, requires_grad=True)
        (first,) = torch.autograd.grad(loss(torch.tensor(y), leaf), leaf, create_graph=True)
        (second,) = torch.autograd.grad((first * torch.tensor(w)).sum(), leaf)
    else:
        jax = pytest.importorskip("jax")
        with jax_with(x64=True):
            pulled = jax.jit(jax.grad(lambda at: (jax.grad(lambda q: loss(y, q))(at) * w).sum()))
            second = pulled(jax.numpy.asarray(p))
    np.testing.assert_allclose(second, wanted, rtol=1e-6, atol=1e-8)


# The first and second derivative at 0, where magnitudes have none.
AT_ZERO = {
    "softplus": (0.5, 0.25), "sigmoid": (0.25, 0.0), "tanh": (1.0, 0.0), "sinh": (1.0, 0.0), "logcosh": (0.0, 1.0),
    "hypot1": (0.0, 1.0), "bell": (0.0, -2.0), "erf": (2.0 / math.sqrt(math.pi), 0.0), "expm1mx": (0.0, 1.0),
    "log1pmx": (0.0, -1.0), "log_ndtr": (math.sqrt(2.0 / math.pi), -2.0 / math.pi),
    "inverse_mills": (-2.0 / math.pi, math.sqrt(2.0 / math.pi) * (4.0 / math.pi - 1.0)),
}  # fmt: skip


@pytest.mark.parametrize("library", ["torch", "jax", "tensorflow"])
def test_derivatives_at_zero(library: str) -> None:
    """By the library's own differentiation of the words as they are spelled for it."""
    words_of: list[Any] = [getattr(by_name(library), word) for word in AT_ZERO]
    if library == "torch":
        torch = pytest.importorskip("torch")
        x = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
        first = [torch.autograd.grad(of(x).sum(), x, create_graph=True)[0] for of in words_of]
        second = [torch.autograd.grad(slope.sum(), x)[0] for slope in first]
    elif library == "jax":
        jax = pytest.importorskip("jax")
        slopes = [jax.grad(lambda x, of=of: of(x.reshape(1, 1))[0, 0]) for of in words_of]
        bends = [jax.grad(slope) for slope in slopes]
        with jax_with(x64=True):
            first, second = jax.jit(lambda x: ([f(x) for f in slopes], [f(x) for f in bends]))(0.0)
    else:
        tf = pytest.importorskip("tensorflow")
        x = tf.zeros((1, 1), tf.float64)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            values = [of(x) for of in words_of]
            first = [tape.gradient(value, x) for value in values]
        second = [tape.gradient(slope, x) for slope in first]
    found = [(float(np.squeeze(a.detach() if library == "torch" else a)), float(np.squeeze(b)))
             for a, b in zip(first, second, strict=True)]  # fmt: skip
    np.testing.assert_allclose(found, list(AT_ZERO.values()), rtol=1e-9, atol=1e-9)
