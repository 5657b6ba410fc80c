"""Masks inside rows: a row of which some elements are left out is the shorter row, for every loss of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossary
from everywhere import ALL, elsewhere, examples, flat, predicted, run, there
from inputs import Setting, is_separable, jax_with
from lossary import words
from lossary.facts.axes import ELEMENT

# Losses whose value is no mean over elements, and whose targets do not name an element.
ROW_LOSSES = [
    s
    for s in ALL
    if not is_separable(s) and not s.record.labels_are_integers and s.record.depth == 1 and not s.record.compared
]
# Of each makeup one whose predictions are one array, the last.
WITNESSES = examples([s for s in ROW_LOSSES if predicted(s) == [len(s.record.arguments) - 1]])
each = pytest.mark.parametrize("setting", ROW_LOSSES, ids=str)

ROWS, WIDTH = 5, 4
# The kept elements of each row: all, some, some, one short of all, none.
KEEP = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 1], [0, 0, 0, 0]], bool)
WEIGHTS = np.array([0.5, 2.0, 1.0, 0.25, 3.0])


def per_element(setting: Setting, arguments: Any, change: Any) -> list[Any]:
    """The arguments with those that have one number per element changed."""
    return [change(x) if a.axes == ELEMENT else x for a, x in zip(setting.record.arguments, arguments, strict=True)]


def drawn(setting: Setting, rng: np.random.Generator) -> tuple[list[Any], list[Any]]:
    """Arguments, and the same with NaN wherever an element is left out."""
    arguments = setting.draw(rng, (ROWS, WIDTH))
    if setting.record.target.tolerance is not None:  # The class that is right is not left out.
        arguments = (np.eye(WIDTH)[KEEP.argmax(1)], *arguments[1:])
    return list(arguments), per_element(setting, arguments, lambda x: np.where(shaped(KEEP, x), x, np.nan))


def shaped(keep: Any, x: Any) -> Any:
    """What is kept, for elements of several parts too."""
    return keep[..., None] if np.ndim(x) > np.ndim(keep) else keep


def row(setting: Setting, arguments: Any, number: int) -> list[Any]:
    """One row without its gaps."""
    kept = KEEP[number]
    return [
        x[number : number + 1, kept] if a.axes == ELEMENT else x[number : number + 1]
        for a, x in zip(setting.record.arguments, arguments, strict=True)
    ]


@pytest.mark.usefixtures("formula_in")
@each
def test_a_row_with_gaps_is_the_shorter_row(setting: Setting, rng: np.random.Generator) -> None:
    plain, spoiled = drawn(setting, rng)
    loss = setting.configured(reduction="none")
    values, gradient = loss.value_and_grad(*spoiled, where=KEEP)
    for number in range(ROWS - 1):
        value, slopes = loss.value_and_grad(*row(setting, plain, number))
        np.testing.assert_allclose(values[number], value[0], rtol=1e-9, atol=1e-14)
        for mine, right in zip(flat(gradient), flat(slopes), strict=True):
            np.testing.assert_allclose(mine[number, KEEP[number]], right[0], rtol=1e-9, atol=1e-14)
    assert values[-1] == 0
    for mine in flat(gradient):
        assert np.all(mine[~KEEP] == 0)
    # A row without an element leaves the mean, with its weight.
    mean, slopes = setting.configured().value_and_grad(*spoiled, sample_weight=WEIGHTS, where=KEEP)
    np.testing.assert_allclose(mean, np.sum(values * WEIGHTS) / (ROWS - 1), rtol=1e-12)
    for mine, right in zip(flat(slopes), flat(gradient), strict=True):
        np.testing.assert_allclose(mine, right * WEIGHTS.reshape(-1, *[1] * (right.ndim - 1)) / (ROWS - 1), rtol=1e-12)
    weighted = setting.configured(reduction="mean_with_sample_weight")
    total = weighted(*spoiled, sample_weight=WEIGHTS, where=KEEP)
    np.testing.assert_allclose(total, np.sum(values * WEIGHTS) / WEIGHTS[:-1].sum(), rtol=1e-12)


@pytest.mark.usefixtures("formula_in")
@each
def test_a_mask_of_ones_changes_nothing(setting: Setting, rng: np.random.Generator) -> None:
    arguments = setting.draw(rng, (ROWS, WIDTH))
    loss = setting.configured()
    value, gradient = loss.value_and_grad(*arguments, where=np.ones((ROWS, WIDTH), bool))
    wanted, slopes = loss.value_and_grad(*arguments)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for mine, right in zip(flat(gradient), flat(slopes), strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("setting", "backend"), elsewhere(ROW_LOSSES), ids=str)
def test_every_backend_agrees_with_numpy(setting: Setting, backend: str, rng: np.random.Generator) -> None:
    _, spoiled = drawn(setting, rng)
    loss = setting.configured()

    def program(weights: Any, keep: Any, *arguments: Any) -> list[Any]:
        value, gradient = loss.value_and_grad(*arguments, sample_weight=weights, where=keep)
        return [value, *flat(gradient)]

    with jax_with(x64=True):
        got = run(backend, program, WEIGHTS, KEEP, *spoiled)
    for mine, right in zip(got, program(WEIGHTS, KEEP, *spoiled), strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("setting", WITNESSES, ids=str)
def test_autograd_sees_the_gaps(setting: Setting, rng: np.random.Generator) -> None:
    import torch

    _, spoiled = drawn(setting, rng)
    tensors = list(there("torch", tuple(spoiled)))
    tensors[-1].requires_grad_()
    loss = setting.configured()
    loss(*tensors, where=torch.tensor(KEEP)).backward()
    _, gradient = loss.value_and_grad(*spoiled, where=KEEP)
    np.testing.assert_allclose(tensors[-1].grad, gradient, rtol=1e-9, atol=1e-14)


@pytest.mark.costly
def test_gaps_under_a_compiler_of_steps(rng: np.random.Generator) -> None:
    import torch

    setting = next(s for s in ROW_LOSSES if s.record.name == "pairwise_logistic")
    _, spoiled = drawn(setting, rng)
    loss = setting.configured()
    y_true, y_pred, keep = *there("torch", tuple(spoiled)), torch.tensor(KEEP)
    compiled = torch.compile(lambda t, p, k: loss(t, p, where=k), backend="aot_eager")
    leaf = y_pred.clone().requires_grad_()
    value = compiled(y_true, leaf, keep)
    value.backward()
    wanted, gradient = loss.value_and_grad(*spoiled, where=KEEP)
    assert float(value.detach()) == pytest.approx(float(wanted), rel=1e-9)
    np.testing.assert_allclose(leaf.grad, gradient, rtol=1e-9, atol=1e-14)


def test_lists_are_padded() -> None:
    """By hand: of three items one is padding, so one pair is left, whose scores differ by log 3 the wrong way."""
    relevance, scores = np.array([[1.0, 0.0, 7.0]]), np.array([[0.0, np.log(3.0), np.nan]])
    keep = np.array([[True, True, False]])
    value, gradient = lossary.PairwiseLogistic().value_and_grad(relevance, scores, where=keep)
    assert value == pytest.approx(np.log(4.0))
    np.testing.assert_allclose(gradient, [[-0.75, 0.75, 0.0]])


def test_a_member_short_of_a_fair_ensemble_is_undefined() -> None:
    """The spread of one member cannot be told without bias; the value says so instead of being biased."""
    loss = lossary.CRPSEnsemble(fair=True, reduction="none")
    value, gradient = loss.value_and_grad([0.0, 0.0], [[3.0, 1.0], [3.0, 1.0]], where=[[True, False], [True, True]])
    assert np.isnan(value[0])
    assert np.isnan(gradient[0, 0])
    assert gradient[0, 1] == 0
    assert value[1] == 1.0  # (3 + 1)/2 - 2/2


@pytest.mark.parametrize("name", ["dice", "tversky"])
def test_regions_have_gaps(name: str, rng: np.random.Generator) -> None:
    y_true = rng.integers(0, 2, (2, 3, 4)).astype(float)
    y_pred, keep = rng.uniform(0.1, 0.9, (2, 3, 4)), rng.random((2, 3, 4)) < 0.6
    spoiled = np.where(keep, y_pred, np.nan)
    value, gradient = lossary.get(name, axis=(1, 2), reduction="none").value_and_grad(y_true, spoiled, where=keep)
    for image in range(2):
        kept = keep[image]
        one, slopes = lossary.get(name, reduction="none").value_and_grad(
            y_true[image][kept][None], y_pred[image][kept][None]
        )
        np.testing.assert_allclose(value[image], one[0], rtol=1e-12)
        np.testing.assert_allclose(gradient[image][kept], slopes[0], rtol=1e-9)
    assert np.all(gradient[~keep] == 0)


def test_positions_count_what_is_kept(rng: np.random.Generator) -> None:
    @lossary.loss
    def discounted(y_true: Any, y_pred: Any) -> Any:
        return words.mean(words.square(y_pred - y_true) / (1.0 + words.position(y_pred)))

    y_true, y_pred = rng.normal(size=(2, ROWS, WIDTH))
    values = lossary.get(discounted, reduction="none")(y_true, y_pred, where=KEEP)
    for number in range(ROWS - 1):
        kept = KEEP[number]
        errors = (y_pred - y_true)[number, kept] ** 2
        np.testing.assert_allclose(values[number], np.mean(errors / np.arange(1.0, 1.0 + kept.sum())), rtol=1e-12)


def test_items_may_have_scores_with_a_last_axis_of_one(rng: np.random.Generator) -> None:
    """A sequence of items in front of one unit: scores (N, T, 1), and a mask (N, T)."""
    relevance, scores = rng.integers(0, 3, (5, 4)).astype(float), rng.normal(size=(5, 4))
    wanted, slopes = lossary.PairwiseLogistic().value_and_grad(relevance, scores, where=KEEP)
    loss = lossary.PairwiseLogistic(axis=1)
    value, gradient = loss.value_and_grad(relevance[..., None], scores[..., None], where=KEEP)
    assert value == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(gradient[..., 0], slopes, rtol=1e-12)
    # One entry per list stays one per list.
    rows = np.array([True, False, True, True, False])
    for mask in (rows, rows[:, None]):
        np.testing.assert_array_equal(
            loss(relevance[..., None], scores[..., None], where=mask),
            lossary.PairwiseLogistic()(relevance, scores, where=rows),
        )
