"""Totals: sums and weights of parts of a batch add up to the loss of the whole."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

import lossary
from lossary import Total, TotalOfTerms

# Squared errors 1, 4, 9 and 16 of points with these weights and this mask.
Y_TRUE, Y_PRED = np.zeros((4, 1), "float32"), np.asarray([[1.0], [2.0], [3.0], [4.0]], "float32")
WEIGHT, MASK = np.asarray([1.0, 2.0, 0.0, 3.0], "float32"), np.asarray([True, False, True, True])
MAKERS = {
    "numpy": np.asarray,
    "torch": torch.tensor,
    "jax": jnp.asarray,
    "tensorflow": tf.constant,
}


@pytest.fixture(params=MAKERS)
def array(request):
    return MAKERS[request.param]


@pytest.mark.parametrize(
    ("reduction", "weight", "mask", "total"),
    [
        ("mean", None, None, (30, 4)),
        ("mean", WEIGHT, None, (1 + 8 + 48, 4)),
        ("mean", None, MASK, (26, 3)),
        ("mean", WEIGHT, MASK, (1 + 48, 3)),
        ("mean_with_sample_weight", None, None, (30, 4)),
        ("mean_with_sample_weight", WEIGHT, None, (1 + 8 + 48, 6)),
        ("mean_with_sample_weight", WEIGHT, MASK, (1 + 48, 4)),
        ("sum", WEIGHT, MASK, (1 + 48, 3)),
        ("mean", None, MASK & ~MASK, (0, 0)),
    ],
)
def test_sums_and_weights_by_hand(reduction, weight, mask, total, array):
    given = {"sample_weight": weight, "where": mask}
    given = {name: None if x is None else array(x) for name, x in given.items()}
    found = lossary.MeanSquaredError(reduction=reduction).total(array(Y_TRUE), array(Y_PRED), **given)
    assert (float(found.sum), float(found.weight)) == total
    assert float(found.mean()) == pytest.approx(total[0] / max(total[1], 1))
    assert float((2 * found).mean()) == pytest.approx(2 * total[0] / max(total[1], 1))


LABELS, SCORES = np.asarray([0, -100, 2, -100, 1, 2, 0]), np.random.default_rng(0).normal(size=(7, 3))
# Losses whose denominators differ from the number of rows, each with the arguments of seven data points.
SCCE, BCE = lossary.SparseCategoricalCrossentropy, lossary.BinaryCrossentropy
UNEVEN = {
    "ignored": (SCCE(from_logits=True, ignore_class=-100), (LABELS, SCORES)),
    "class weights": (SCCE(from_logits=True, class_weight=[1, 2, 3]), (LABELS % 3, SCORES)),
    "output weights": (BCE(from_logits=True, pos_weight=[1, 2, 3]), (SCORES > 0, SCORES)),
    "named": (lossary.TripletMargin(), (SCORES, SCORES[::-1], SCORES * 2)),
    "parts": (lossary.GaussianNLL(), (SCORES, np.stack([SCORES, SCORES**2], -1))),
    "terms": (0.5 * lossary.MeanSquaredError() + lossary.Dice(axis=-1), (SCORES > 0, 1 / (1 + np.exp(-SCORES)))),
    "function": (lossary.get(lambda y_true, y_pred: ((y_true - y_pred) ** 2).mean(-1)), (SCORES * 2, SCORES)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNEVEN)
def test_parts_add_up_with_their_gradients(name):
    loss, arrays = UNEVEN[name]
    rng = np.random.default_rng(1)
    weight, where = rng.uniform(0.5, 2.0, 7), rng.random(7) > 0.3
    weighted = "mean_with_sample_weight", {"sample_weight": weight}
    for reduction, settings in (("mean", {}), ("mean", {"where": where}), weighted):
        whole = [torch.tensor(np.array(x, float if x.dtype == bool else None)) for x in arrays]
        whole[-1].requires_grad_()
        given = {key: torch.tensor(x) for key, x in settings.items()}
        made = loss.replaced(reduction=reduction)
        parts = [
            made.total(*(x[i:j] for x in whole), **{key: x[i:j] for key, x in given.items()})
            for i, j in ((0, 1), (1, 2), (2, 7))
        ]
        found, expected = sum(parts).mean(), made(*whole, **given)
        assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-12)
        one, other = (torch.autograd.grad(x, whole[-1])[0] for x in (found, expected))
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-15)


def test_micro_batches_take_their_share_of_the_whole():
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)
    labels, scores = torch.tensor(LABELS), torch.tensor(SCORES, requires_grad=True)
    whole = int((labels != -100).sum())
    for rows in (slice(0, 2), slice(2, 3), slice(3, 7)):
        loss.total(labels[rows], scores[rows]).mean(torch.tensor(whole)).backward()
    (expected,) = torch.autograd.grad(loss(labels, scores), scores)
    torch.testing.assert_close(scores.grad, expected, rtol=1e-12, atol=1e-15)


def test_a_total_is_a_tree_of_every_library():
    loss = lossary.MeanSquaredError()
    made = jax.jit(loss.total)(jnp.asarray(Y_TRUE), jnp.asarray(Y_PRED))
    assert isinstance(made, Total)
    assert float(jax.tree.map(lambda x: x * 2, made).sum) == 60
    step = tf.function(loss.total)
    assert float(step(tf.constant(Y_TRUE), tf.constant(Y_PRED)).mean()) == 7.5
    both = torch.utils._pytree.tree_map(
        lambda x: x * 2, (loss + loss).total(torch.tensor(Y_TRUE), torch.tensor(Y_PRED))
    )
    assert isinstance(both, TotalOfTerms)
    assert float(both.sum) == 120
    assert pickle.loads(pickle.dumps(made)) == made

    def over(total, batch):
        return total + loss.total(*batch), None

    stacked = jnp.asarray(Y_TRUE).reshape(2, 2, 1), jnp.asarray(Y_PRED).reshape(2, 2, 1)
    assert float(jax.lax.scan(over, Total(jnp.zeros(()), 0), stacked)[0].mean()) == 7.5


def test_axes_of_vmap_are_summed_over():
    loss, y_true, y_pred = lossary.MeanSquaredError(), jnp.asarray(Y_TRUE), jnp.asarray(Y_PRED)
    means = jax.vmap(lambda t, p: loss.total(t, p).psum("rows").mean(), axis_name="rows")(y_true, y_pred)
    assert means.tolist() == [7.5] * 4


def test_one_process_syncs_with_itself():
    total = (lossary.MeanSquaredError() + lossary.Huber()).total(torch.tensor(Y_TRUE), torch.tensor(Y_PRED))
    assert float(total.sync().mean()) == pytest.approx(float(total.mean()))


def test_nothing_else_is_added():
    loss = lossary.MeanSquaredError()
    total = loss.total(Y_TRUE, Y_PRED)
    for other in (1.0, np.float32(1.0), (loss + loss).total(Y_TRUE, Y_PRED), True):
        with pytest.raises(TypeError, match="accepted are totals of the same loss"):
            total + other
        with pytest.raises(TypeError, match="accepted are totals of the same loss"):
            other + total
