"""Gradients and diagonal Hessians of raw scores: against 60 digits, differences, JAX, and hands."""

from __future__ import annotations

import math
import pickle
from functools import partial

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import linprog

import lossary
from inputs import NAMES, few, jax_with
from lossary import kernels
from lossary.backends import NUMPY
from lossary.calls.programs import Program, program_for
from lossary.graph import OTHER
from lossary.graph.node import Node, walk
from lossary.kernels.cpu import curvature
from lossary.objects.curvature import Curvature
from lossary.objects.raw import link_of, raw

# --- what a hand would write ----------------------------------------------------------------------------------------


def sigmoid(s):
    return 1 / (1 + mp.exp(-s))


# Loss and link -> the loss of a raw score, from the definition; its derivatives are taken in 60 digits.
POINTS = {
    ("mean_squared_error", "identity"): lambda y, s: (y - s) ** 2,
    ("poisson", "log"): lambda y, s: mp.exp(s) - y * s,
    ("gamma_deviance", "log"): lambda y, s: 2 * (y * mp.exp(-s) - 1 - mp.log(y) + s),
    ("tweedie_deviance", "log"): lambda y, s: 4 * mp.exp(s / 2) + 4 * y * mp.exp(-s / 2),
    ("generalized_kl_divergence", "log"): lambda y, s: mp.exp(s) - y * s,
    ("binary_crossentropy", "logit"): lambda y, s: -y * mp.log(sigmoid(s)) - (1 - y) * mp.log(sigmoid(-s)),
    ("pseudo_huber", "identity"): lambda y, s: mp.sqrt(1 + (y - s) ** 2) - 1,
    ("log_cosh", "identity"): lambda y, s: mp.log(mp.cosh(y - s)),
    ("fair_loss", "identity"): lambda y, s: abs(y - s) - mp.log(1 + abs(y - s)),
    ("soft_margin", "identity"): lambda y, s: mp.log(1 + mp.exp(-y * s)),
    ("exponential", "identity"): lambda y, s: mp.exp(-y * s),
    ("mean_squared_error", "logit"): lambda y, s: (y - sigmoid(s)) ** 2,
}
TARGETS = {"binary_crossentropy": [0.0, 1.0, 0.25], "soft_margin": [-1.0, 1.0], "exponential": [-1.0, 1.0]}
SCORES = {"log": [-80.0, -16.2, -3.0, -0.25, 0.0, 1.5, 20.0, 60.0], "logit": [-80.0, -9.0, -0.5, 0.0, 2.0, 30.0, 80.0]}
# Subtractions whose answer is smaller than what is subtracted keep the digits of that: as numbers of this size.
SIZES = {
    "poisson": lambda y, s: y,
    "generalized_kl_divergence": lambda y, s: y,
    "gamma_deviance": lambda y, s: 2.0,
    "tweedie_deviance": lambda y, s: 2.0 * y * np.exp(-s / 2),
    "mean_squared_error": lambda y, s: 0.25 * np.exp(-abs(s)),
}


@pytest.fixture
def in_kernels(monkeypatch):
    """Kernels for every size; the list grows by each call that one has computed."""
    taken = []
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    monkeypatch.setattr(kernels, "PLAIN", 10**9)  # Nothing is computed at once.
    monkeypatch.setattr(
        curvature, "derivatives", lambda call, run=curvature.derivatives: taken.append(run(call)) or taken[-1]
    )
    return taken


@pytest.mark.parametrize(("name", "link"), POINTS, ids=lambda each: each)
def test_kernels_have_the_digits_of_the_answer(name, link, in_kernels):
    check_digits(name, link, "float32")
    assert len(in_kernels) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "link"), POINTS, ids=lambda each: each)
def test_derivatives_have_the_digits_of_the_answer(name, link, dtype):
    check_digits(name, link, dtype)


def check_digits(name, link, dtype):
    scores = SCORES.get(link, [-40.0, -9.0, -1.5, 0.3, 0.0, 1e-3, 7.0, 30.0, 1e4 if name != "exponential" else 60.0])
    pairs = np.array([(y, s) for y in TARGETS.get(name, [0.5, 3.0, 7.0]) for s in scores], dtype)
    y, s = pairs.T
    got = lossary.grad_and_hess(name, link=link)(y, s)
    least, most = float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)
    with mp.workdps(120):
        for place, (true, score) in enumerate(pairs):
            for order, found in enumerate(got, start=1):
                exact = mp.diff(lambda x, y=mp.mpf(float(true)): POINTS[name, link](y, x), mp.mpf(float(score)), order)
                size = float(SIZES[name](true, score)) if name in SIZES and not (order == 2 and link == "log") else 0.0
                unit = np.spacing(np.asarray(min(max(float(abs(exact)), size, least), most), dtype))
                assert abs(float(found[place]) - exact) <= 8 * float(unit), (order, true, score, found[place])


def test_a_rate_far_below_its_count_is_drawn_up_with_full_force():
    gradient, diagonal = lossary.grad_and_hess("poisson")(np.array([3.0, 3.0, 0.0]), np.array([-16.2, -800.0, -800.0]))
    assert gradient == pytest.approx([math.exp(-16.2) - 3.0, -3.0, 0.0], rel=1e-15)
    assert diagonal == pytest.approx([math.exp(-16.2), 0.0, 0.0], rel=1e-15)


def test_epsilon_that_was_set_stays():
    gradient, _ = lossary.grad_and_hess(lossary.Poisson(epsilon=1e-3))(np.array([3.0]), np.array([-16.2]))
    rate = math.exp(-16.2)
    assert gradient[0] == pytest.approx(rate - 3.0 * rate / (rate + 1e-3), rel=1e-12)


@pytest.mark.parametrize("link", ["auto", "log"])
@pytest.mark.parametrize("name", ["poisson", "gamma_deviance", "tweedie_deviance", "generalized_kl_divergence"])
def test_a_loss_of_logarithms_is_one_of_raw_scores(name, link):
    """Its slope is that of means times these, and the best constant is the logarithm of the mean."""
    loss, y, s = lossary.get(name, from_logs=True), np.array([[0.5], [1.0], [4.0]]), np.array([[0.1], [-0.7], [2.0]])
    of_means = {"tweedie_deviance": np.exp(s / 2) / 0.5, "gamma_deviance": 2.0}.get(name, np.exp(s))
    wanted = of_means * (1.0 - y * np.exp(-s))
    gradient, _ = lossary.grad_and_hess(loss, link=link)(y, s)
    np.testing.assert_allclose(np.ravel(gradient), np.ravel(wanted), rtol=1e-12)
    if name != "generalized_kl_divergence":  # A sum over rows.
        assert loss.best_constant(y) == pytest.approx(math.log(5.5 / 3.0), rel=1e-9)


def test_logarithms_of_shares_keep_the_half_of_softmax_that_is_not_in_the_loss():
    y, z = np.array([[0.25, 0.75]]), np.array([[1.0, -0.5]])
    shares = np.exp(z) / np.exp(z).sum()
    for link in ("auto", "softmax"):
        gradient, _ = lossary.grad_and_hess(lossary.KLDivergence(from_logs=True), link=link)(y, z)
        np.testing.assert_allclose(gradient, shares - y, rtol=1e-12)


# --- every loss: differences ----------------------------------------------------------------------------------------


def nodes(name: str) -> list[Node]:
    return walk([program_of(name).output])


def program_of(name: str) -> Program:
    loss = lossary.get(name)
    return program_for(loss.record, loss.parameters, NUMPY)


def accepted(name: str) -> bool:
    """Whether a data point is a row of scores whose outputs are not compared in pairs."""
    record = lossary.get(name).record
    alone = not (record.regions or record.compared or record.depth > 1)
    usual = record.has_usual_names and alone and len(record.predictions) == 1
    return usual and not any(OTHER in node.axes for node in nodes(name))


@pytest.mark.parametrize("name", [name for name in NAMES if accepted(name)])
def test_every_loss_agrees_with_differences(name, monkeypatch):
    if name not in KINDS:  # Kernels agree with words, as the next tests say; LLVM takes a second for a loss of rows.
        monkeypatch.setenv("LOSSARY_KERNELS", "0")
    loss, rng = lossary.get(name), np.random.default_rng(5)
    derivatives = lossary.grad_and_hess(loss)
    y_true, scores = loss.record.arguments[0].sample(rng, (6, 3)), 1.5 + rng.normal(size=(6, 3))
    if name == "mean_squared_logarithmic_error":  # Below 0 the slope is that at 0.
        scores = np.abs(scores)
    values = raw(loss, link_of(loss)).replaced(reduction="none")
    many = 3.0 if derivatives._terms[0][1].lined_up((y_true, scores)).program.separable else 1.0
    gradient, diagonal = derivatives(y_true, scores)
    for output, step in enumerate(np.eye(3) * 1e-5):
        slope = many * (values(y_true, scores + step) - values(y_true, scores - step)) / 2e-5
        curve = (derivatives(y_true, scores + step)[0] - derivatives(y_true, scores - step)[0])[:, output] / 2e-5
        np.testing.assert_allclose(gradient[:, output], slope, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(diagonal[:, output], curve, rtol=1e-5, atol=1e-5)


# --- kernels ------------------------------------------------------------------------------------------------------

# A word of theirs has no loop, or there are too many of them.
IN_WORDS = {
    "asymmetric_loss",
    "jensen_shannon_divergence",
    "knowledge_distillation",
    "reverse_kl_divergence",
    "sparsemax",
}


def fused(name: str) -> bool:
    program = program_of(name)
    return accepted(name) and name not in IN_WORDS and not (kernels.unfit(program) or kernels.of_several(program))


def kind(name: str) -> tuple[bool, bool, bool]:
    """Elements or rows, of labels or of soft targets, with choices along the row or without."""
    chooses = any(node.op == "first_max" for node in nodes(name))
    return program_of(name).separable, lossary.get(name).record.labels_are_integers, chooses


# One of each kind; all others are seen by `make proof`.
KINDS = set({kind(name): name for name in reversed(NAMES) if fused(name)}.values())


@pytest.mark.parametrize(
    "name",
    [name if name in KINDS else pytest.param(name, marks=pytest.mark.exhaustive) for name in NAMES if fused(name)],
)
@pytest.mark.parametrize("columns", [3, 40])  # Rows side by side, and one after another.
def test_kernels_agree_with_words(name, columns, in_kernels, monkeypatch):
    loss, rng = lossary.get(name), np.random.default_rng(5)
    y_true, scores = loss.record.arguments[0].sample(rng, (70, columns)), 1.5 + rng.normal(size=(70, columns))
    for dtype, most in (("float64", 1e-12), ("float32", 3e-5)):
        true = y_true if y_true.dtype.kind == "i" else y_true.astype(dtype)
        given = true.copy(), scores.astype(dtype)
        monkeypatch.setattr(kernels, "THRESHOLD", 0)
        found = lossary.grad_and_hess(loss)(*given)
        assert in_kernels.pop() is not None
        np.testing.assert_array_equal(given[0], true)
        np.testing.assert_array_equal(given[1], scores.astype(dtype))
        monkeypatch.setattr(kernels, "THRESHOLD", 10**9)
        for ours, words in zip(found, lossary.grad_and_hess(loss)(*given), strict=True):
            np.testing.assert_allclose(ours, words, rtol=0, atol=most * max(1e-3, np.abs(words).max()))


AT_ONCE = ("huber", "sparse_categorical_crossentropy", "categorical_crossentropy")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("columns", [1, 3, 40])
@pytest.mark.parametrize("name", AT_ONCE)
def test_small_calls_are_computed_at_once(name, columns, weighted, monkeypatch):
    loss, rng = lossary.get(name), np.random.default_rng(6)
    y_true, scores = loss.record.arguments[0].sample(rng, (7, columns)), rng.normal(size=(7, columns))
    weights = rng.uniform(0.5, 2.0, 7) if weighted else None
    wanted = [lossary.grad_and_hess(loss)(*map(list, (y_true, scores)), weights)]  # Lists go the general way.
    wanted.append(lossary.grad_and_hess(loss, hessian="positive")(y_true.tolist(), scores.tolist(), weights))
    monkeypatch.setattr(type(loss), "lined_up", None)  # No other way leads to an answer.
    for kind, both in zip(("exact", "positive"), wanted, strict=True):
        found = lossary.grad_and_hess(loss, hessian=kind)(y_true, scores, weights)
        for ours, words in zip(found, both, strict=True):
            assert ours.shape == scores.shape
            np.testing.assert_allclose(ours, words, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("y_true", "raw", "weights", "error"),
    [
        ([1.0, 2.0], [0.0, 0.0], None, lossary.DomainError),
        ([1.0, 0.0], [0.0, math.nan], None, lossary.DomainError),
        ([1.0, 0.0], [0.0, 0.0], [1.0, math.inf], lossary.DomainError),
        ([1.0, 0.0], [0.0, 0.0], [1.0, 1.0, 1.0], lossary.ShapeError),
        ([1.0, 0.0, 1.0], [0.0, 0.0], None, lossary.ShapeError),
    ],
)
def test_what_is_computed_at_once_is_looked_at(y_true, raw, weights, error):
    derivatives = lossary.grad_and_hess("bce")
    derivatives(np.array([1.0, 0.0]), np.zeros(2))
    with pytest.raises(error):
        derivatives(*(None if x is None else np.array(x) for x in (y_true, raw, weights)))


def test_kernels_take_any_layout_weights_and_threads(in_kernels):
    rng = np.random.default_rng(3)
    labels, scores, weights = rng.integers(0, 5, 60_000), rng.normal(size=(60_000, 5)), rng.random(60_000)
    derivatives = lossary.grad_and_hess("scce")
    plain = derivatives(labels, scores)
    p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(plain[0], p - np.eye(5)[labels], rtol=0, atol=1e-14)
    np.testing.assert_allclose(plain[1], p * (1 - p), rtol=1e-12)
    for turned in (np.asfortranarray(scores), np.repeat(scores, 2, axis=1)[:, ::2]):
        for ours, expected in zip(derivatives(labels.astype(np.int32), turned), plain, strict=True):
            np.testing.assert_array_equal(ours, expected)
    for ours, expected in zip(derivatives(labels, scores, weights), plain, strict=True):
        np.testing.assert_array_equal(ours, expected * weights[:, None])
    assert len(in_kernels) == 4


def test_what_a_kernel_cannot_say_is_said_in_words(in_kernels):
    gradient, diagonal = lossary.grad_and_hess("poisson")(np.array([3.0, 1.0]), np.array([-800.0, 800.0]))
    assert in_kernels == [None]  # exp(800) is infinite.
    assert gradient[0] == -3.0
    assert diagonal[0] == 0.0


INVERSE = {
    "log": np.exp,
    "logit": lambda s: 1.0 / (1.0 + np.exp(-s)),
    "softmax": lambda s: np.exp(s) / np.exp(s).sum(-1, keepdims=True),
}
LINKED = [
    *((lossary.TweedieDeviance(power=power), "log") for power in (-1.0, 0.0, 1.0, 1.9, 2.0, 3.0)),
    *((lossary.Poisson(epsilon=epsilon), "log") for epsilon in (0.0, 0.01)),
    *((lossary.get(name), "log") for name in ("msle", "mape", "mse", "huber", "gamma_deviance", "smape")),
    (lossary.GeneralizedKLDivergence(), "log"),
    (lossary.MeanSquaredError(), "logit"),
    (lossary.KLDivergence(), "softmax"),
]


@pytest.mark.parametrize(("loss", "link"), LINKED, ids=str)
def test_a_link_is_what_it_would_be_by_hand(loss, link):
    scores = np.random.default_rng(0).normal(size=(6, 3))
    y_true = np.tile({"log": [0.5, 2.0, 3.5]}.get(link, [0.2, 0.5, 0.3]), (6, 1))
    plain, derivatives = loss.replaced(reduction="none"), lossary.grad_and_hess(loss, link=link)
    many = 3.0 if derivatives._terms[0][1].lined_up((y_true, scores)).program.separable else 1.0
    gradient, diagonal = derivatives(y_true, scores)
    for output, step in enumerate(np.eye(3) * 1e-5):
        above, below = (plain(y_true, INVERSE[link](scores + way * step)) for way in (1.0, -1.0))
        curve = (derivatives(y_true, scores + step)[0] - derivatives(y_true, scores - step)[0])[:, output] / 2e-5
        np.testing.assert_allclose(gradient[:, output], many * (above - below) / 2e-5, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(diagonal[:, output], curve, rtol=1e-6, atol=1e-6)


ROWS = {
    "sparse_categorical_crossentropy": lambda jnp, y, s: -jnp.log(jnp.exp(s) / jnp.exp(s).sum())[y],
    "brier": lambda jnp, y, s: ((jnp.exp(s) / jnp.exp(s).sum() - jnp.eye(4)[y]) ** 2).sum(),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_have_the_diagonal_and_the_matrix_of_jax(name):
    rng = np.random.default_rng(2)
    labels, scores = rng.integers(0, 4, 5), rng.normal(size=(5, 4)) * 2.0
    y_true = labels if name.startswith("sparse") else np.eye(4)[labels]
    import jax

    with jax_with(x64=True):
        hessian = jax.jit(jax.hessian(partial(ROWS[name], jax.numpy), argnums=1))
        expected = np.stack([hessian(y, s) for y, s in zip(labels, scores, strict=True)])
    derivatives = lossary.grad_and_hess(name)
    diagonal = derivatives(y_true, scores)[1]
    np.testing.assert_allclose(diagonal, expected.diagonal(axis1=1, axis2=2), rtol=1e-10, atol=1e-14)
    of_row = derivatives.of_rows(y_true[:1], scores[:1])
    found = [of_row(y_true[i : i + 1], scores[i : i + 1])[1].copy() for i in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_a_choice_does_not_reach_into_a_sum_over_the_row():
    """Inside the sum the same condition holds of some outputs and not of others."""

    @lossary.loss
    def lifted(y_true, y_pred):
        above, words = y_pred > 0.0, lossary.words
        return words.sum(words.where(above, words.sum(words.where(above, y_pred**3, y_pred**2)), y_pred))

    # f = k (a^3 + b^3 + c^2) + c, where k = 2 are above 0.
    gradient, diagonal = lossary.grad_and_hess(lifted)(np.zeros((1, 3)), np.array([[1.0, 2.0, -3.0]]))
    np.testing.assert_allclose(gradient, [[6.0, 24.0, -11.0]])
    np.testing.assert_allclose(diagonal, [[12.0, 24.0, 4.0]])


def test_a_leader_keeps_its_digits():
    _, diagonal = lossary.grad_and_hess("sparse_categorical_crossentropy")(np.array([2]), np.array([[0.0, 1.0, 60.0]]))
    rest = math.exp(-60.0) + math.exp(-59.0)
    np.testing.assert_allclose(diagonal[0], [math.exp(-60.0), math.exp(-59.0), rest], rtol=1e-14)


# --- links, Hessians, weights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "link"),
    {
        "binary_crossentropy": "logit",
        "sparse_categorical_crossentropy": "softmax",
        "poisson": "log",
        "tweedie_deviance": "log",
        "negative_log_likelihood": "log_softmax",
        "mean_squared_logarithmic_error": "identity",
        "hinge": "identity",
    }.items(),
)
def test_the_usual_link(name, link):
    assert lossary.grad_and_hess(name).link.name == link


def test_logits_and_probabilities_are_one_objective():
    y, s = np.array([1.0, 0.0]), np.array([0.5, 3.0])
    one = lossary.grad_and_hess(lossary.BinaryCrossentropy())(y, s)
    other = lossary.grad_and_hess(lossary.BinaryCrossentropy(from_logits=True))(y, s)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["poisson", "kl_divergence"])
def test_logarithms_and_what_they_are_of_are_one_objective(name):
    y, s = np.array([[0.3, 0.7], [1.0, 0.0]]), np.array([[0.5, 3.0], [-1.0, 2.0]])
    y = y.round() if name == "poisson" else y
    plain, logs = lossary.get(name), lossary.get(name, from_logs=True)
    np.testing.assert_array_equal(lossary.grad_and_hess(plain)(y, s), lossary.grad_and_hess(logs)(y, s))
    np.testing.assert_allclose(np.exp(logs.best_constant(y)), plain.best_constant(y), rtol=1e-9)
    if name == "poisson":  # Without a link the scores are the logarithms that the loss takes.
        assert lossary.grad_and_hess(logs, link="identity")(y, s)[0] == pytest.approx(np.exp(s) - y)


def test_a_branch_behind_softmax_keeps_from_dividing_by_nothing():
    """The slope of ``sum(y log(y / p))`` is ``p - y``, also where the term of a target of 0 is left out by a branch."""
    words, probabilities = lossary.words, lossary.domains.Probabilities()

    @lossary.loss(name="own_divergence_for_raw_scores", target=probabilities, prediction=probabilities)
    def own(y_true, y_pred):
        none = y_true == 0.0
        return words.sum(words.where(none, 0.0, y_true * words.log(words.where(none, 1.0, y_true) / y_pred)))

    y, s = np.array([[0.8, 0.2, 0.0], [1.0, 0.0, 0.0]]), np.array([[0.0, 0.5, 1.0], [1.0, 0.0, -2.0]])
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    slope, curvature = lossary.grad_and_hess(own, link="softmax")(y, s)
    np.testing.assert_allclose(slope, p - y, rtol=1e-12, atol=1e-15)
    assert np.isfinite(curvature).all()


def test_a_guard_of_targets_stays_where_the_loss_needs_it():
    """The reverse divergence has no value at targets of 0, where its plain definition is infinite."""
    y, s = np.array([[0.8, 0.2], [1.0, 0.0]]), np.array([[0.0, 0.5], [1.0, 0.0]])
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    r = np.log(p / np.maximum(y, 1e-7))
    slope, _ = lossary.grad_and_hess("reverse_kl_divergence")(y, s)
    np.testing.assert_allclose(slope, p * (r - (p * r).sum(1, keepdims=True)), rtol=1e-9)
    assert np.isfinite(lossary.ReverseKLDivergence().best_constant(y)).all()


def test_kinds_of_hessian():
    y, s = np.array([0.0, 0.0, 5.0]), np.array([4.0, -0.5, 5.0])
    absolute = [lossary.grad_and_hess("mae", hessian=kind)(y, s)[1] for kind in ("exact", "positive", "constant")]
    np.testing.assert_array_equal(absolute, [[0.0] * 3, [1e-16] * 3, [1.0] * 3])
    curve = lossary.grad_and_hess("mae", hessian="majorizer")(y, s)[1]
    assert curve[:2] == pytest.approx([0.25, 2.0])
    assert np.isfinite(curve[2]) and curve[2] > 1e4  # noqa: PT018
    # Huber, delta 1: 1 inside, delta / |d| outside.
    assert lossary.grad_and_hess("huber", hessian="majorizer")(y, s)[1] == pytest.approx([0.25, 1.0, 1.0])
    pinball = lossary.Pinball(quantile=0.9)
    assert lossary.grad_and_hess(pinball, hessian="majorizer")(y, s)[1][:2] == pytest.approx([0.1 / 4, 0.9 / 0.5])


def test_a_majorizer_touches_and_lies_above():
    """Of even losses whose slope falls behind the difference; on the far side of the target too."""
    for name in ("mae", "huber", "log_cosh", "pseudo_huber", "charbonnier", "cauchy", "welsch"):
        loss = lossary.get(name, reduction="none")
        for s in (-7.0, -0.8, 0.3, 2.5, 40.0):
            gradient, curve = lossary.grad_and_hess(loss, hessian="majorizer")(np.array([0.0]), np.array([s]))
            around = np.linspace(-60.0, 60.0, 241)
            parabola = loss([0.0], [s]) + gradient * (around - s) + 0.5 * curve * (around - s) ** 2
            assert (parabola >= loss(np.zeros(241), around) - 1e-9).all(), (name, s)


def test_weights_classes_and_outputs():
    rng = np.random.default_rng(0)
    y, s, w = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), np.array([1.0, 0.0, 2.0, 0.5])
    gradient, diagonal = lossary.grad_and_hess("mse")(y, s, w)
    np.testing.assert_allclose(gradient, 2.0 * (s - y) * w[:, None])
    np.testing.assert_allclose(diagonal, 2.0 * w[:, None] * np.ones((1, 2)))
    # Labels that are not looked at, and a NaN under a weight of 0, touch nothing.
    s[1] = math.nan
    np.testing.assert_array_equal(lossary.grad_and_hess("mse")(y, s, w)[0], gradient)
    heavy = lossary.BinaryCrossentropy(pos_weight=3.0)
    plain, weighted = (lossary.grad_and_hess(each)([1.0, 0.0], np.zeros(2)) for each in ("bce", heavy))
    np.testing.assert_allclose(weighted, np.array(plain) * [3.0, 1.0])
    ignoring = lossary.SparseCategoricalCrossentropy(ignore_class=1)
    assert not np.any(lossary.grad_and_hess(ignoring)([1], np.zeros((1, 3))))


def test_sums_own_losses_and_plain_functions():
    y, s = np.array([1.0, -2.0]), np.array([0.0, 0.5])
    both = 0.5 * lossary.MeanSquaredError() + 2.0 * lossary.MeanAbsoluteError()
    np.testing.assert_allclose(lossary.grad_and_hess(both)(y, s), [(s - y) + 2.0 * np.sign(s - y), [1.0, 1.0]])
    assert lossary.grad_and_hess(both, hessian="majorizer")(y, s)[1] == pytest.approx(1.0 + 2.0 / np.abs(s - y))

    @lossary.loss
    def cubic(y_true, y_pred):
        return lossary.words.mean(abs(y_pred - y_true) ** 3)

    np.testing.assert_allclose(lossary.grad_and_hess(cubic)(y, s)[1], 6.0 * np.abs(s - y))
    function = lossary.grad_and_hess(lambda true, pred: np.mean((true - pred) ** 2, -1))
    np.testing.assert_allclose(function(y, s), [2.0 * (s - y), [2.0, 2.0]])


@pytest.mark.parametrize("library", ["torch", "jax", "tensorflow"])
def test_other_libraries(library):
    array = getattr(
        pytest.importorskip(library), {"torch": "tensor", "jax": "numpy", "tensorflow": "constant"}[library]
    )
    array = getattr(array, "asarray", array)
    y, s = np.array([3.0, 0.0, 1.0], "float32"), np.array([-16.2, 0.0, 2.0], "float32")
    for name, kind in (("poisson", "exact"), ("mae", "majorizer")):
        expected = lossary.grad_and_hess(name, hessian=kind)(y, s)
        for got, want in zip(lossary.grad_and_hess(name, hessian=kind)(array(y), array(s)), expected, strict=True):
            assert type(got) is type(array(s))
            np.testing.assert_allclose(np.asarray(got), want, rtol=3e-6)
    labels, scores = np.array([0, 2]), np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 30.0]], "float32")
    expected = lossary.grad_and_hess("sparse_categorical_crossentropy")(labels, scores)
    got = lossary.grad_and_hess("sparse_categorical_crossentropy")(array(labels), array(scores))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-5, atol=0)


def test_many_rows_are_the_same_as_few():
    rng = np.random.default_rng(3)
    y, s = rng.integers(0, 30, 9000), rng.normal(size=(9000, 30))
    derivatives = lossary.grad_and_hess("sparse_categorical_crossentropy")
    one, two, few = (np.array(derivatives(y[place], s[place])) for place in (slice(9000), slice(6000), slice(5)))
    np.testing.assert_array_equal(one[:, :6000], two)
    np.testing.assert_allclose(one[:, :5], few, rtol=1e-14)  # In words.


# --- the best constant ----------------------------------------------------------------------------------------------


def test_best_constants_are_those_of_the_textbooks():
    rng = np.random.default_rng(0)
    y, w = rng.gamma(2.0, size=50), rng.uniform(0.5, 2.0, 50)
    for name in ("mse", "poisson", "gamma_deviance", "tweedie_deviance"):
        assert lossary.get(name).best_constant(y, w) == pytest.approx(np.average(y, weights=w), rel=1e-9)
    assert lossary.get("mae").best_constant(y) == pytest.approx(np.median(y), rel=1e-12)
    assert lossary.get("mae").best_constant(y[:49]) == pytest.approx(np.median(y[:49]), rel=1e-12)
    assert lossary.Pinball(quantile=0.9).best_constant(np.arange(1.0, 12.0)) == pytest.approx(10.0)
    assert lossary.get("msle").best_constant(y) == pytest.approx(np.expm1(np.log1p(y).mean()), rel=1e-9)
    assert lossary.get("bce").best_constant([0, 1, 1, 1]) == pytest.approx(0.75)
    assert lossary.BinaryCrossentropy(from_logits=True).best_constant([0, 1, 1, 1]) == pytest.approx(math.log(3.0))
    shares = lossary.get("sparse_categorical_crossentropy").best_constant([0, 1, 1, 2], [1.0, 1.0, 1.0, 2.0])
    assert shares == pytest.approx([0.2, 0.4, 0.4])
    assert lossary.get("mse").best_constant(np.array([[1.0, 4.0], [3.0, 8.0]])) == pytest.approx([2.0, 6.0])


def test_best_constants_of_distributions():
    """The mean of the targets, and their geometric mean."""
    y = np.array([[0.2, 0.3, 0.5], [0.4, 0.5, 0.1]])
    geometric = np.sqrt(y.prod(0))
    assert lossary.KLDivergence().best_constant(y) == pytest.approx(y.mean(0), rel=1e-6)
    assert lossary.ReverseKLDivergence().best_constant(y) == pytest.approx(geometric / geometric.sum(), rel=1e-6)


def test_best_constants_of_rows_of_numbers():
    """The mean of amounts; of labels that are as often 1 as 0 the score whose sides cost alike."""
    y = np.array([[0.5, 1.0], [1.0, 3.0], [4.0, 2.0]])
    assert lossary.get("generalized_kl_divergence").best_constant(y) == pytest.approx(y.mean(0), rel=1e-6)
    assert lossary.get("generalized_kl_divergence").best_constant(y[:, 0]) == pytest.approx(5.5 / 3.0, rel=1e-6)
    assert lossary.get("zlpr").best_constant(np.eye(2)) == pytest.approx([0.0, 0.0], abs=1e-6)
    assert lossary.get("zlpr").best_constant([[1], [0]]) == pytest.approx(0.0, abs=1e-6)


SHARES = [[0.6, 0.3, 0.1], [0.2, 0.2, 0.2, 0.4], [0.1, 0.2, 0.25, 0.2, 0.25]]
# What a margin loss costs where class k is the true one, as the sum of parts, each the larger of 0 and 1 more than the
# lead of one class, or of the first of all others.
MARGINS = {"categorical_hinge": "first", "crammer_singer": "first", "weston_watkins": "each", "multi_margin": "each"}


@pytest.mark.parametrize("name", MARGINS)
@pytest.mark.parametrize("shares", few(lambda shares: len(shares) == 4, SHARES))
def test_best_constants_of_margins_are_those_of_linear_programs(name, shares):
    size, counts = len(shares), np.round(200 * np.array(shares)).astype(int)
    pairs = [(k, j) for k in range(size) for j in range(size) if j != k]
    # Scores, then one number per class, or per pair, that is at least 0 and at least 1 + s_j - s_k.
    parts = {pair: (pair if MARGINS[name] == "each" else pair[0]) for pair in pairs}
    columns = {part: size + place for place, part in enumerate(dict.fromkeys(parts.values()))}
    costs, rows = np.zeros(size + len(columns)), np.zeros((len(pairs), size + len(columns)))
    for part, place in columns.items():
        costs[place] = counts[part[0] if isinstance(part, tuple) else part] / 200
    for row, (k, j) in zip(rows, pairs, strict=True):
        row[[k, j, columns[parts[k, j]]]] = -1.0, 1.0, -1.0
    bounds = [(None, None)] * size + [(0, None)] * len(columns)
    least = linprog(costs, rows, -np.ones(len(pairs)), bounds=bounds).fun / (size if MARGINS[name] == "each" else 1)
    loss, y = lossary.get(name), np.repeat(np.arange(size), counts)
    y = y if loss.record.labels_are_integers else np.eye(size)[y]
    best = loss.best_constant(y)
    assert loss(y, np.tile(best, (200, 1))) == pytest.approx(least, rel=1e-9)
    assert np.abs(best).max() < 30.0


def test_a_best_constant_without_a_best_score():
    assert lossary.get("poisson").best_constant([0, 0]) < 1e-12
    assert lossary.get("bce").best_constant([1, 1]) == pytest.approx(1.0)
    assert lossary.get("mse").best_constant([3.0, 3.0]) == pytest.approx(3.0)


def test_a_best_constant_among_outliers():
    y = np.concatenate([np.linspace(-1.0, 1.0, 41), np.full(10, 1000.0)])
    loss = lossary.Cauchy()
    best = loss.best_constant(y)
    around = np.linspace(-2.0, 2.0, 4001)
    assert float(loss(y, np.full(51, best))) <= min(float(loss(y, np.full(51, each))) for each in around) + 1e-12


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: lossary.grad_and_hess("dice"), "dice: compares whole regions.*BinaryCrossentropy"),
        (lambda: lossary.grad_and_hess("ntxent"), r"ntxent: looks at whole batches.*value_and_grad"),
        (lambda: lossary.grad_and_hess("triplet_margin"), r"takes anchor, positive, negative.*value_and_grad"),
        (lambda: lossary.grad_and_hess("mse", link="sqrt"), r"link is 'sqrt'; accepted are 'auto', .*link='auto'"),
        (lambda: lossary.grad_and_hess("mse", hessian="newton"), r"hessian is 'newton'.*Write hessian='exact'"),
        (lambda: lossary.grad_and_hess("mse", link="softmax"), "link is 'softmax'.*link='auto'"),
        (
            lambda: lossary.grad_and_hess(lossary.BinaryCrossentropy(from_logits=True), link="log"),
            "from_logits=True.*link='auto'",
        ),
        (
            lambda: lossary.grad_and_hess(lossary.Poisson() + lossary.MeanSquaredError()),
            "usual links differ.*log, identity",
        ),
        (
            lambda: lossary.grad_and_hess("pairwise_logistic")(np.ones((1, 3)), np.zeros((1, 3))),
            "pairwise_logistic: its outputs are compared in pairs.*lambdarank",
        ),
        (
            lambda: lossary.grad_and_hess("multiclass_hinge", hessian="majorizer")([0], np.zeros((1, 3))),
            "multiclass_hinge: hessian is 'majorizer'.*hessian='positive'",
        ),
        (lambda: lossary.grad_and_hess("poisson")([-1.0], [0.0]), "poisson: y_true.*-1"),
        (
            lambda: lossary.grad_and_hess(lambda t, p: np.sort(t - p)),
            "custom_loss: the formula calls np.sort.*to a host",
        ),
        (lambda: lossary.get("mse").best_constant([]), r"y_true has shape \(0,\)"),
    ],
)
def test_refusals(given, said):
    with pytest.raises(lossary.LossError, match=said):
        given()


def test_raw_losses_are_pickled():
    made = Curvature(lossary.get("poisson"), link_of(lossary.get("poisson")), "exact")
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again([1.0], np.array([0.5])), made([1.0], np.array([0.5])))
