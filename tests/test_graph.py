"""Tracing, differentiating and printing of formulas."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import lossary
from inputs import SETTINGS, Setting, central_difference
from lossary import TraceError, words
from lossary.backends import NUMPY
from lossary.calls.programs import Program, program_for
from lossary.facts.arguments import target_and_prediction
from lossary.facts.domain import Real
from lossary.facts.record import Record
from lossary.graph import ELEMENT, differentiate, walk
from lossary.graph.rules import RULES


def program_of(formula: Any) -> Program:
    """A program that belongs to no registered loss."""
    record = Record(
        name="formula",
        formula=formula,
        slope=None,
        aliases=(),
        class_name="Formula",
        arguments=target_and_prediction(Real(), Real()),
        parameters=(),
        definition="",
        source="",
        cases=(),
        builtin=False,
    )
    return Program(record, ())


def _each(function: Any) -> Any:
    return np.vectorize(lambda x: float(function(float(x))))


def _binet(x: float) -> Any:
    return mp.loggamma(x) - (x - 0.5) * mp.log(x) + x - mp.log(2 * mp.pi) / 2


def _binet_slope(x: float) -> Any:
    return mp.digamma(x) - mp.log(x) + 0.5 / x


def _normal(x: Any) -> Any:
    return 0.5 * (1 + _each(math.erf)(x / math.sqrt(2)))


def _nearest(p: Any) -> Any:
    """The nearest distributions, from the level above which there is 1 in all, found by halving an interval."""
    low, high = np.max(p, -1, keepdims=True) - 1.0, np.max(p, -1, keepdims=True)
    for _ in range(60):
        middle = 0.5 * (low + high)
        enough = np.sum(np.maximum(p - middle, 0.0), -1, keepdims=True) > 1.0
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return np.maximum(p - low, 0.0)


# Every word that has a derivative, with NumPy's or math's own meaning beside it.
WORDS: dict[str, tuple[Any, Any]] = {
    "abs": (lambda y, p: abs(p), np.abs),
    "sign": (lambda y, p: words.sign(p), np.sign),
    "exp": (lambda y, p: words.exp(p), np.exp),
    "expm1": (lambda y, p: words.expm1(p), np.expm1),
    "log": (lambda y, p: words.log(p * p), lambda p: np.log(p * p)),
    "log1p": (lambda y, p: words.log1p(p * p), lambda p: np.log1p(p * p)),
    "log1pmx": (lambda y, p: words.log1pmx(p * p), lambda p: np.log1p(p * p) - p * p),
    "expm1mx": (lambda y, p: words.expm1mx(p), lambda p: np.expm1(p) - p),
    "log1mexp": (lambda y, p: words.log1mexp(-p * p), lambda p: np.log1p(-np.exp(-p * p))),
    "hypot1": (lambda y, p: words.hypot1(p), lambda p: np.hypot(1.0, p)),
    "logcosh": (lambda y, p: words.logcosh(p), lambda p: np.log(np.cosh(p))),
    "arctan": (lambda y, p: words.arctan(p), np.arctan),
    "cos": (lambda y, p: words.cos(p), np.cos),
    "sin": (lambda y, p: words.sin(p), np.sin),
    "lgamma": (lambda y, p: words.lgamma(p * p + 0.1), lambda p: _each(math.lgamma)(p * p + 0.1)),
    "digamma": (lambda y, p: words.digamma(p * p + 0.1), lambda p: _each(mp.digamma)(p * p + 0.1)),
    "binet": (lambda y, p: words.binet(p * p + 0.1), lambda p: _each(_binet)(p * p + 0.1)),
    "binet_slope": (lambda y, p: words.binet_slope(p * p + 0.1), lambda p: _each(_binet_slope)(p * p + 0.1)),
    "erf": (lambda y, p: words.erf(p), _each(math.erf)),
    "bell": (lambda y, p: words.bell(p), lambda p: np.exp(-p * p)),
    "log_ndtr": (lambda y, p: words.log_ndtr(p), lambda p: np.log(_normal(p))),
    "inverse_mills": (
        lambda y, p: words.inverse_mills(p),
        lambda p: np.exp(-p * p / 2) / math.sqrt(2 * math.pi) / _normal(p),
    ),
    "detach": (lambda y, p: p - words.detach(y), lambda p: p),
    "position": (lambda y, p: p * words.position(p), lambda p: p * np.arange(p.shape[-1])),
    "sparsemax": (lambda y, p: p * words.sparsemax(p), lambda p: p * _nearest(p)),
    "sqrt": (lambda y, p: words.sqrt(p * p + 1), lambda p: np.sqrt(p * p + 1)),
    "square": (lambda y, p: p**2, lambda p: p * p),
    "power": (lambda y, p: p**3, lambda p: p * p * p),
    "sinh": (lambda y, p: words.sinh(p), np.sinh),
    "tanh": (lambda y, p: words.tanh(p), np.tanh),
    "sigmoid": (lambda y, p: words.sigmoid(p), lambda p: 1 / (1 + np.exp(-p))),
    "softplus": (lambda y, p: words.softplus(p), lambda p: np.log(1 + np.exp(p))),
    "maximum": (lambda y, p: words.maximum(p, 0.3), lambda p: np.maximum(p, 0.3)),
    "minimum": (lambda y, p: words.minimum(0.3, p), lambda p: np.minimum(p, 0.3)),
    "xlogy": (lambda y, p: words.xlogy(p, p * p), lambda p: p * np.log(p * p)),
    "weighted": (lambda y, p: words.weighted(p, words.exp(p)), lambda p: p * np.exp(p)),
    "residual": (lambda y, p: words.residual(p, p * p, words.exp(p)), lambda p: p - p * p * np.exp(p)),
    "where": (lambda y, p: words.where(p > 0.2, p * p, -p), lambda p: np.where(p > 0.2, p * p, -p)),
    "indicator": (lambda y, p: p * words.where(p > 0.2, 3.0, 2.0), lambda p: p * np.where(p > 0.2, 3.0, 2.0)),
    "divide": (lambda y, p: 1 / (2 + p), lambda p: 1 / (2 + p)),
    "subtract": (lambda y, p: 3 - p - 2 * (1 - p), lambda p: 1 + p),
    "negative": (lambda y, p: -p * words.negative(p) * -p, lambda p: -p * p * p),
    "sum": (lambda y, p: p / words.sum(p * p), lambda p: p / np.sum(p * p, -1, keepdims=True)),
    "mean": (lambda y, p: p * words.mean(p), lambda p: p * np.mean(p, -1, keepdims=True)),
    "mean_square": (lambda y, p: p * words.mean_square(p), lambda p: p * np.mean(p * p, -1, keepdims=True)),
    "max": (lambda y, p: p * words.max(p), lambda p: p * np.max(p, -1, keepdims=True)),
    "lead": (lambda y, p: p * words.lead(p), lambda p: p * np.max(p, -1, keepdims=True)),
    "count": (lambda y, p: p * words.count(p), lambda p: p * p.shape[-1]),
    "spread": (lambda y, p: words.spread(words.max(p), p), lambda p: np.max(p, -1, keepdims=True) + 0 * p),
    "logical": (
        lambda y, p: words.where((p > 0) & ~(p >= 1) | (p == 5), p, 0.0),
        lambda p: np.where((p > 0) & (p < 1), p, 0.0),
    ),
    "sum_other": (
        lambda y, p: words.sum(words.softplus(words.other(p) - p), over="other"),
        lambda p: np.log(1 + np.exp(p[:, :, None] - p[:, None, :])).sum(1),
    ),
    "max_other": (
        lambda y, p: words.max(p * words.other(p * p), over="other") - words.max(p, over="other"),
        lambda p: (p[:, :, None] ** 2 * p[:, None, :]).max(1) - p,
    ),
    "other": (
        lambda y, p: words.sum(words.where(words.other(p) < p, words.other(p * p - words.other(p)), words.mean(p))),
        lambda p: np.where(
            p[:, :, None] < p[:, None, :], (p * p)[:, :, None] - p[:, None, :], p.mean(-1)[:, None, None]
        ).sum((1, 2), keepdims=True)[..., 0],
    ),
}


@pytest.mark.parametrize("word", WORDS)
def test_every_word_and_its_derivative(word: str, rng: np.random.Generator) -> None:
    formula, meaning = WORDS[word]
    program = program_of(formula)
    p = rng.normal(size=(3, 4))
    y = np.zeros((3, 4))
    np.testing.assert_allclose(program.value(NUMPY)(y, p)[:, 0], meaning(p).mean(-1), rtol=1e-12, atol=1e-14)
    slope = np.broadcast_to(program.slope(NUMPY)(y, p), p.shape)
    expected = central_difference(lambda q: meaning(q).mean(-1), p)
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-7)


def test_every_rule_is_tested() -> None:
    elsewhere = {"add", "multiply", "guard", "take", "scale_to_one", "trigamma"}
    elsewhere |= {"alignment_nll", "alignment_slope"}  # Of matrices: `lossary.verify` compares the two.

    assert set(RULES) <= set(WORDS) | elsewhere


def test_scale_to_one_is_a_power_of_two_without_a_derivative() -> None:
    program = program_of(lambda y_true, y_pred: words.scale_to_one(y_pred) * y_pred)
    for number, scale in ((3.0, 0.5), (-0.3, 4.0), (1.0, 1.0), (0.75 * 2.0**-1022, 2.0**1022), (2.0**1023, 2.0**-1022)):
        p = np.asarray([[number]])
        assert program.value(NUMPY)(p, p).item() == number * scale
        assert program.slope(NUMPY)(p, p).item() == scale


def test_a_weight_of_zero_takes_even_the_infinite_away() -> None:
    program = program_of(lambda y_true, y_pred: words.weighted(y_true, words.log(y_pred)))
    zero = np.asarray([[0.0]])
    with np.errstate(divide="ignore"):
        assert program.value(NUMPY)(zero, zero).item() == 0.0
        assert program.slope(NUMPY, 0)(zero, zero).item() == -np.inf


def test_a_residual_in_float32_is_rounded_once(rng: np.random.Generator) -> None:
    a, factor, b = rng.normal(size=(3, 500)).astype("float32")
    exact = [Fraction(float(x)) - Fraction(float(y)) * Fraction(float(z)) for x, y, z in zip(a, factor, b, strict=True)]
    np.testing.assert_array_equal(NUMPY.residual(a, factor, b), np.array([float(x) for x in exact], np.float32))


def test_guard_clips_the_value_and_not_the_slope() -> None:
    program = program_of(lambda y_true, y_pred: words.guard(y_pred, 0.5))
    p = np.asarray([[0.2, 0.8]])
    assert program.value(NUMPY)(p, p).item() == pytest.approx(0.65)
    assert program.slope(NUMPY)(p, p).tolist() == [[0.5, 0.5]]


def test_derivative_of_the_derivative(rng: np.random.Generator) -> None:
    program = program_of(lambda y_true, y_pred: words.tanh(y_pred) * words.exp(y_true))
    second = differentiate(words.sum(program.derivative(1)), program.y_pred)
    assert second.axes == ELEMENT
    y, p = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    scope = {"tanh": np.tanh, "exp": np.exp, "square": np.square, "count": lambda x: x.shape[-1]}
    scope |= {"sum": lambda x: x.sum(-1, keepdims=True), "spread": np.broadcast_to}
    from lossary.graph import emit

    exec(emit("second", program.inputs, [second]), scope)
    t = np.tanh(p)
    np.testing.assert_allclose(scope["second"](y, p), np.exp(y) * -2 * t * (1 - t * t) / 3, rtol=1e-12)  # type: ignore[operator]


def test_equal_terms_are_computed_once() -> None:
    program = program_of(lambda y_true, y_pred: words.exp(y_pred - y_true) + 1 / words.exp(y_pred - y_true))
    assert program.source("value_and_slope").count("exp(") == 1
    order = walk(program.outputs("value_and_slope"))
    assert len({id(node) for node in order}) == len(order)
    position = {id(node): i for i, node in enumerate(order)}
    assert all(position[id(arg)] < position[id(node)] for node in order for arg in node.args)


@pytest.mark.parametrize("number", [1.5, -2.0, 1e-300, math.inf, -math.inf, math.nan])
def test_numbers_survive_printing(number: float) -> None:
    program = program_of(lambda y_true, y_pred: words.maximum(y_pred, number))
    got = program.value(NUMPY)(np.zeros((1, 1)), np.full((1, 1), -5.0)).item()
    np.testing.assert_equal(got, float(np.maximum(-5.0, number)))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_sources_are_python_that_runs_alone(setting: Setting) -> None:
    program = program_for(setting.record, setting.record.defaults() | dict(setting.parameters), NUMPY)
    for part in ("value", "slope", "value_and_slope"):
        source = program.source(part)
        compile(source, "<source>", "exec")
        assert source.startswith(f"def {setting.record.name}_{part}(y_true, y_pred")


def test_words_outside_a_formula() -> None:
    with pytest.raises(TraceError, match="outside a formula"):
        words.log(2.0)


def test_huber_slope_with_respect_to_the_target_at_the_edge() -> None:
    import torch

    y_true = torch.tensor([[0.0, 0.0, 0.0]], requires_grad=True)
    lossary.huber(y_true, torch.tensor([[1.0, -1.0, 0.5]])).sum().backward()
    assert y_true.grad is not None
    np.testing.assert_allclose(y_true.grad, [[-1 / 3, 1 / 3, -0.5 / 3]], rtol=1e-6)


def test_value_and_slope_from_scores_share_the_look_up_of_the_label():
    """Looking up is the slowest word of a small call."""
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True)
    both = program_for(loss.record, loss.parameters, NUMPY).outputs("value_and_slope")
    assert [node.op for node in walk(both)].count("take") == 1
