"""Losses under optax's names: its values, gradients, order and defaults, with ours behind them."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lossary
import lossary.optax as ours

RNG = np.random.default_rng(0)
N, C = 5, 4


def real(*shape):
    return jnp.asarray(RNG.normal(size=shape), jnp.float32)


def shares(*shape):
    return jax.nn.softmax(real(*shape))


def labels(*shape, classes=C):
    return jnp.asarray(RNG.integers(0, classes, shape), jnp.int32)


def hot(*shape):
    return jax.nn.one_hot(labels(*shape), C)


def signs(*shape):
    return 2.0 * labels(*shape, classes=2) - 1.0


MASK = jnp.asarray([[True, True, False, True]] * 2 + [[True] * 4] * 3)
WEIGHTS, CLASS_WEIGHTS = shares(N, C), jnp.asarray([1.0, 2.0, 3.0, 4.0])
# The last steps of the first sequence and the last label are padding.
UNHEARD = jnp.asarray([[0, 0, 0, 0, 1, 1], [0] * 6])
SPOKEN, UNSAID = jnp.asarray([[1, 2, 0], [3, 3, 1]]), jnp.asarray([[0, 0, 1], [0, 0, 0]])
STEPS, EARLY = real(2, 6, C), jnp.asarray([[1, 0, 0, 0, 0, 0], [0] * 6])
# Name, arguments, keywords.
CALLS = [
    ("squared_error", (real(N, C), real(N, C)), {}),
    ("squared_error", (real(N),), {}),
    ("l2_loss", (real(N, C), real(N, C)), {}),
    ("huber_loss", (real(N, C), real(N, C)), {"delta": 0.4}),
    ("huber_loss", (2 * real(N),), {}),
    ("log_cosh", (real(N, C), real(N, C)), {}),
    ("sigmoid_binary_cross_entropy", (real(N, C), shares(N, C)), {}),
    ("sigmoid_focal_loss", (real(N, C), labels(N, C, classes=2)), {}),
    ("sigmoid_focal_loss", (real(N), labels(N, classes=2)), {"alpha": 0.3, "gamma": 1.5}),
    ("hinge_loss", (real(N), signs(N)), {}),
    ("perceptron_loss", (real(N), signs(N)), {}),
    ("sparsemax_loss", (real(N), labels(N, classes=2)), {}),
    ("softmax_cross_entropy", (real(N, C), hot(N)), {}),
    ("softmax_cross_entropy", (real(C), shares(C)), {}),
    ("softmax_cross_entropy", (real(C, N), shares(N, C).T), {"axis": 0}),
    ("softmax_cross_entropy", (real(2, 2, N), shares(N, 4).T.reshape(2, 2, N)), {"axis": (0, 1)}),
    ("softmax_cross_entropy", (real(N, C), jnp.where(MASK, 1 / MASK.sum(-1, keepdims=True), 0.0)), {"where": MASK}),
    ("safe_softmax_cross_entropy", (real(N, C), hot(N)), {}),
    ("softmax_cross_entropy_with_integer_labels", (real(N, C), labels(N)), {}),
    ("softmax_cross_entropy_with_integer_labels", (real(C), labels()), {}),
    ("softmax_cross_entropy_with_integer_labels", (real(N, C, 2), labels(N, 2)), {"axis": 1}),
    ("softmax_cross_entropy_with_integer_labels", (real(N, C), labels(N, classes=2)), {"where": MASK}),
    ("softmax_cross_entropy_with_integer_labels", (real(N, C), labels(N)), {"where": jnp.arange(N) > 1}),
    ("softmax_cross_entropy_with_integer_labels", (real(2, N, C), labels(N, classes=8)), {"axis": (2, 0)}),
    ("softmax_cross_entropy_with_integer_labels", (real(2, N, 2), labels(N)), {"axis": (-3, -1),
     "where": jnp.asarray([True] * 4 + [False])[None, :, None] & jnp.ones((2, N, 2), bool)}),
    ("softmax_cross_entropy", (real(N, C), hot(N)), {"where": jnp.arange(N) > 1}),
    ("poly_loss_cross_entropy", (real(N, C), hot(N)), {"epsilon": -0.5}),
    ("multiclass_hinge_loss", (real(N, C), labels(N)), {}),
    ("multiclass_perceptron_loss", (real(N, C), labels(N)), {}),
    ("multiclass_sparsemax_loss", (real(N, C), labels(N)), {}),
    ("ranking_softmax_loss", (real(N, C), labels(N, C)), {}),
    ("ranking_softmax_loss", (real(N, C), labels(N, C)), {"where": MASK, "weights": WEIGHTS, "reduce_fn": jnp.sum}),
    ("ranking_softmax_loss", (real(N, C), labels(N, C)), {"reduce_fn": None, "where": MASK}),
    ("ranking_softmax_loss", (real(N, C), labels(N, C)), {"where": jnp.zeros((N, C), bool)}),
    ("kl_divergence", (jnp.log(shares(N, C)), shares(N, C)), {}),
    ("kl_divergence", (jnp.log(shares(N, C)), hot(N)), {"where": MASK}),
    ("kl_divergence", (jnp.log(shares(N, C)).T, shares(N, C).T), {"axis": 0}),
    ("kl_divergence_with_log_targets", (jnp.log(shares(N, C)), jnp.log(shares(N, C))), {}),
    ("convex_kl_divergence", (real(N, C), jnp.abs(real(N, C))), {}),
    ("generalized_kl_divergence", (real(N, C), jnp.abs(real(N, C))), {"axis": None}),
    ("cosine_similarity", (real(N, C), real(N, C)), {}),
    ("cosine_distance", (real(N, C), real(N, C)), {"axis": 0}),
    ("cosine_similarity", (real(N, C), real(N, C)), {"where": MASK}),
    ("triplet_margin_loss", (real(N, C), real(N, C), real(N, C)), {"margin": 0.5}),
    ("dice_loss", (real(2, 3, 3, C), hot(2, 3, 3)), {}),
    ("dice_loss", (real(2, 3, 3, C), hot(2, 3, 3)), {"alpha": 0.3, "beta": 0.9, "class_weights": CLASS_WEIGHTS,
     "ignore_background": True, "reduction": "sum"}),
    ("dice_loss", (shares(2, 9, C), hot(2, 9)), {"apply_softmax": False, "reduction": "none", "smooth": 0.1}),
    ("dice_loss", (real(2, 9), labels(2, 9, 1, classes=2)), {}),
    ("multiclass_generalized_dice_loss", (real(2, 9, C), hot(2, 9)), {"ignore_background": True, "smooth": 0.5}),
    ("ntxent", (real(7, C), jnp.asarray([0, 1, 0, 2, 1, 0, 2])), {"temperature": 0.4}),
    ("ctc_loss", (real(2, 6, C), UNHEARD, SPOKEN, UNSAID), {}),
    ("binary_dice_loss", (real(2, 3, 3), labels(2, 3, 3, classes=2)), {}),
    ("smooth_labels", (hot(N), 0.2), {}),
    ("smooth_labels", (hot(N), jnp.linspace(0.0, 1.0, N)[:, None]), {"where": MASK}),
    ("smooth_labels", (hot(2, 3), 0.2), {"axis": (-2, -1)}),
]  # fmt: skip
# What has no single value, at which tests of their own look.
APART = {"make_fenchel_young_loss", "ctc_loss_with_forward_probs"}
LOOSE = {"triplet_margin_loss": 1e-5, "ctc_loss": 1e-5}


# The last call of each of these stands for the mechanisms that there are.
WITNESSES = {"huber_loss", "sigmoid_focal_loss", "softmax_cross_entropy", "softmax_cross_entropy_with_integer_labels"}
WITNESSES |= {"ranking_softmax_loss", "kl_divergence", "cosine_distance", "triplet_margin_loss", "binary_dice_loss"}


def is_witness(place):
    return CALLS[place][0] in WITNESSES - {name for name, *_ in CALLS[place + 1 :]}


@pytest.mark.parametrize(
    ("name", "arguments", "keywords"),
    [c if is_witness(i) else pytest.param(*c, marks=pytest.mark.exhaustive) for i, c in enumerate(CALLS)],
)
def test_values_and_gradients_are_those_of_optax(name, arguments, keywords):
    def both(room):
        def total(predictions):
            values = getattr(room, name)(predictions, *arguments[1:], **keywords)
            return jnp.sum(values), values

        step = jax.value_and_grad(total, has_aux=True)
        # Without a softmax optax looks at the values itself.
        (_, values), slopes = (step if "apply_softmax" in keywords else jax.jit(step))(arguments[0])
        return values, slopes

    close = LOOSE.get(name, 2e-6)
    for found, expected in zip(both(ours), both(optax.losses), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=close, atol=close)


def test_every_loss_of_optax_is_here_with_its_signature():
    theirs = {n for n, f in vars(optax.losses).items() if callable(f) and n[0] != "_"}
    assert set(ours.__all__) == theirs == {name for name, *_ in CALLS} | APART
    for name in ours.__all__:
        one, other = (
            [(p.name, p.default, p.kind) for p in inspect.signature(getattr(room, name)).parameters.values()]
            for room in (ours, optax.losses)
        )
        assert one == other


def test_the_probability_of_what_was_said_so_far():
    both = [jax.jit(room.ctc_loss_with_forward_probs) for room in (ours, optax.losses)]
    for unheard in (UNHEARD, EARLY):
        found, expected = (each(STEPS, unheard, SPOKEN, UNSAID) for each in both)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
        empty = jnp.pad(UNSAID, ((0, 0), (1, 0)))
        for one, other, states in zip(found[1:], expected[1:], (empty, UNSAID), strict=True):
            assert one.shape == other.shape
            there = (other > -5e4) & (states == 0)
            assert there.any()
            np.testing.assert_allclose(one[there], other[there], rtol=1e-5, atol=1e-5)
            assert (one[~there] < -9e4).all()

    def likely(scores, room):
        _, *states = room.ctc_loss_with_forward_probs(scores, UNHEARD[1:], SPOKEN[1:], UNSAID[1:])
        return sum(jnp.where(each > -1e3, each, 0.0).sum() for each in states)

    slopes = [jax.jit(jax.grad(likely), static_argnums=1)(STEPS[1:], room) for room in (ours, optax.losses)]
    np.testing.assert_allclose(*slopes, rtol=1e-4, atol=1e-4)


def test_a_loss_of_a_maximum():
    scores, target = real(2, N, C), shares(2, N, C)
    found, expected = (
        jax.value_and_grad(lambda x, room=room: room.make_fenchel_young_loss(jax.nn.logsumexp)(x, target).sum())(scores)
        for room in (ours, optax.losses)
    )
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


def test_the_finer_dtype_is_that_of_the_result():
    scores, target = real(N, C).astype(jnp.bfloat16), shares(N, C)
    for name in ("softmax_cross_entropy", "huber_loss", "sigmoid_binary_cross_entropy", "kl_divergence"):
        given = -abs(scores) - 2 if "kl" in name else scores
        found = getattr(ours, name)(given, target)
        assert found.dtype == getattr(optax.losses, name)(given, target).dtype
        # Without the rounding of what optax computes on the way.
        expected = getattr(optax.losses, name)(given.astype(jnp.float32), target)
        np.testing.assert_allclose(found, expected, rtol=1e-5 if found.dtype == jnp.float32 else 2e-2)


def test_scores_of_minus_infinity_are_safe():
    scores = jnp.asarray([[0.0, -jnp.inf, 1.0]])
    target = jnp.asarray([[0.5, 0.0, 0.5]])
    losses = ours.safe_softmax_cross_entropy, optax.safe_softmax_cross_entropy

    def both(scores):
        return [jax.value_and_grad(lambda x, loss=loss: loss(x, target)[0])(scores) for loss in losses]

    (value, slope), (expected, right) = jax.jit(both)(scores)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(slope, right, atol=1e-6)


def test_inside_jit_and_vmap():
    scores, target = real(N, C), labels(N)
    made = jax.jit(jax.vmap(ours.softmax_cross_entropy_with_integer_labels))(scores, target)
    np.testing.assert_allclose(made, optax.softmax_cross_entropy_with_integer_labels(scores, target), rtol=1e-6)


def test_messages():
    with pytest.raises(lossary.ShapeError):
        ours.squared_error(real(N), real(N, 1, 1))
    assert ours.squared_error(real(N), real(N, 1)).shape == (N,)
    with pytest.raises(lossary.ParameterError, match=r"eps=0\.5; accepted is 0 to 1e-6"):
        ours.triplet_margin_loss(real(N, C), real(N, C), real(N, C), eps=0.5)
    with pytest.raises(lossary.ParameterError, match="reduction='average'; accepted are 'mean', 'sum', 'none'"):
        ours.dice_loss(real(2, 9, C), hot(2, 9), reduction="average")
