"""Losses under optax's names, in its order ``(predictions, targets)`` and with its defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .. import texts
from ..objects.define import function
from ..objects.get import get

Array = Any
Axes = int | Sequence[int] | None
# Optax adds so much where a distance or a norm might be 0, which ours need not: it is next to nothing.
_NEXT_TO_NOTHING = 1e-6


# --- numbers, each of which is a data point --------------------------------------------------------------------------


def squared_error(predictions: Array, targets: Array | None = None) -> Array:
    """Squared difference of each element, as ``optax.squared_error``."""
    return _elements("mean_squared_error", predictions, targets)


def l2_loss(predictions: Array, targets: Array | None = None) -> Array:
    """Half the squared difference of each element, as ``optax.l2_loss``."""
    return 0.5 * _elements("mean_squared_error", predictions, targets)


def huber_loss(predictions: Array, targets: Array | None = None, *, delta: Array = 1.0) -> Array:
    """Quadratic up to a difference of ``delta`` and linear beyond, as ``optax.huber_loss``.

    >>> import jax.numpy as jnp, lossary.optax
    >>> print(lossary.optax.huber_loss(jnp.array([0.5, 3.0]), jnp.zeros(2)))
    [0.125 2.5  ]
    """
    return _elements("huber", predictions, targets, delta=delta)


def log_cosh(predictions: Array, targets: Array | None = None) -> Array:
    """Logarithm of the hyperbolic cosine of each difference, as ``optax.log_cosh``."""
    return _elements("log_cosh", predictions, targets)


def sigmoid_binary_cross_entropy(logits: Array, labels: Array) -> Array:
    """Binary cross-entropy of each score, as ``optax.sigmoid_binary_cross_entropy``."""
    return _elements("binary_crossentropy", logits, _as_fine(labels, logits), from_logits=True)


def sigmoid_focal_loss(logits: Array, labels: Array, *, alpha: Array | None = None, gamma: Array = 2.0) -> Array:
    """Binary cross-entropy in which what is easy counts less, as ``optax.sigmoid_focal_loss``."""
    balance = {} if alpha is None else {"apply_class_balancing": True, "alpha": alpha}
    own = {"from_logits": True, "gamma": gamma, **balance}
    return _elements("binary_focal_crossentropy", logits, _as_fine(labels, logits), **own)


def hinge_loss(predictor_outputs: Array, targets: Array) -> Array:
    """What each score lacks to a margin of 1, for classes -1 and 1, as ``optax.hinge_loss``."""
    return _elements("hinge", predictor_outputs, targets)


def perceptron_loss(predictor_outputs: Array, targets: Array) -> Array:
    """Linear cost of each score on the wrong side, for classes -1 and 1, as ``optax.perceptron_loss``."""
    return _elements("perceptron", predictor_outputs, targets)


def sparsemax_loss(logits: Array, labels: Array) -> Array:
    """Logistic loss with ends, for classes 0 and 1, as ``optax.losses.sparsemax_loss``."""
    return _elements("binary_sparsemax", logits, labels)


# --- classes ---------------------------------------------------------------------------------------------------------


def softmax_cross_entropy(logits: Array, labels: Array, axis: Axes = -1, where: Array | None = None) -> Array:
    """Cross-entropy of rows of scores with distributions, as ``optax.softmax_cross_entropy``.

    >>> import jax.numpy as jnp, lossary.optax
    >>> print(lossary.optax.softmax_cross_entropy(jnp.zeros((1, 4)), jnp.array([[0.0, 1.0, 0.0, 0.0]])).round(4))
    [1.3863]
    """
    return _rows("categorical_crossentropy", logits, labels, axis, where, from_logits=True)


def safe_softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    """As `softmax_cross_entropy`, which takes scores of minus infinity too; ``optax.safe_softmax_cross_entropy``."""
    return softmax_cross_entropy(logits, labels)


def softmax_cross_entropy_with_integer_labels(
    logits: Array, labels: Array, axis: int | Sequence[int] = -1, where: Array | None = None
) -> Array:
    """Cross-entropy of rows of scores with labels, as ``optax.softmax_cross_entropy_with_integer_labels``.

    Where classes lie along several axes, a label counts through the last of them first.
    """
    scores = jnp.asarray(logits)
    axes = _axes(axis, scores.ndim)
    mask = None if where is None else _mask(where, scores, axes)
    scores = _side_by_side(scores, axes)
    if mask is None:
        return _labels("sparse_categorical_crossentropy", scores, labels, from_logits=True)
    mask = _side_by_side(mask, axes)
    # A class that is left out is one that no row can have.
    scores = jnp.where(mask, scores, jnp.finfo(scores.dtype).min / 4)
    values = _labels("sparse_categorical_crossentropy", scores, labels, from_logits=True)
    return jnp.where(jnp.any(mask, axis=-1), values, 0.0)


def poly_loss_cross_entropy(
    logits: Array, labels: Array, *, epsilon: Array = 2.0, axis: Axes = -1, where: Array | None = None
) -> Array:
    """Cross-entropy with another weight of its first term, as ``optax.losses.poly_loss_cross_entropy``."""
    return _rows("poly_crossentropy", logits, labels, axis, where, from_logits=True, poly_weight=epsilon)


def multiclass_hinge_loss(scores: Array, labels: Array) -> Array:
    """What the true class lacks to a lead of 1, as ``optax.multiclass_hinge_loss``."""
    return _labels("multiclass_hinge", scores, labels)


def multiclass_perceptron_loss(scores: Array, labels: Array) -> Array:
    """How far the leading class lies above the true one, as ``optax.multiclass_perceptron_loss``."""
    return _labels("multiclass_perceptron", scores, labels)


def multiclass_sparsemax_loss(scores: Array, labels: Array) -> Array:
    """Cross-entropy's counterpart for sparse probabilities, as ``optax.losses.multiclass_sparsemax_loss``."""
    return _labels("sparsemax", scores, labels)


def ranking_softmax_loss(
    logits: Array,
    labels: Array,
    *,
    where: Array | None = None,
    weights: Array | None = None,
    reduce_fn: Callable[..., Array] | None = jnp.mean,
) -> Array:
    """Cross-entropy of lists whose items compete, as ``optax.losses.ranking_softmax_loss``."""
    gains = jnp.asarray(labels, jnp.result_type(logits, jnp.float32))
    gains = gains if weights is None else gains * weights
    values = _rows("ranking_softmax", logits, gains, -1, where)
    if reduce_fn is None:
        return values
    if where is None:
        return reduce_fn(values)
    # A list of which nothing is left does not count, and a batch of such lists costs nothing.
    left = jnp.any(where, axis=-1)
    return jnp.where(jnp.any(left), reduce_fn(values, where=left), 0.0)


# --- distributions and vectors ---------------------------------------------------------------------------------------


def kl_divergence(log_predictions: Array, targets: Array, axis: Axes = -1, where: Array | None = None) -> Array:
    """Kullback-Leibler divergence from log-probabilities, as ``optax.kl_divergence``."""
    return _rows("kl_divergence", log_predictions, targets, axis, where, from_logs=True)


def kl_divergence_with_log_targets(
    log_predictions: Array, log_targets: Array, axis: Axes = -1, where: Array | None = None
) -> Array:
    """`kl_divergence` with logarithms on both sides, as ``optax.losses.kl_divergence_with_log_targets``."""
    return kl_divergence(log_predictions, jnp.exp(jnp.asarray(log_targets)), axis, where)


def generalized_kl_divergence(
    log_predictions: Array, targets: Array, axis: Axes = -1, where: Array | None = None
) -> Array:
    """Divergence of amounts that need not sum to 1, as ``optax.losses.generalized_kl_divergence``."""
    return _rows("generalized_kl_divergence", log_predictions, targets, axis, where, from_logs=True)


def convex_kl_divergence(log_predictions: Array, targets: Array, axis: Axes = -1, where: Array | None = None) -> Array:
    """`generalized_kl_divergence`, as ``optax.convex_kl_divergence``."""
    return generalized_kl_divergence(log_predictions, targets, axis, where)


def cosine_similarity(
    predictions: Array, targets: Array, *, epsilon: float = 0.0, axis: Axes = -1, where: Array | None = None
) -> Array:
    """Cosine of the angle between two vectors, as ``optax.cosine_similarity``; 0 beside a vector of zeros."""
    _not_needed("cosine_similarity", "epsilon", epsilon)
    return -_rows("cosine_similarity", predictions, targets, axis, where)


def cosine_distance(
    predictions: Array, targets: Array, *, epsilon: float = 0.0, axis: Axes = -1, where: Array | None = None
) -> Array:
    """One minus the cosine of the angle between two vectors, as ``optax.cosine_distance``."""
    _not_needed("cosine_distance", "epsilon", epsilon)
    return 1.0 + _rows("cosine_similarity", predictions, targets, axis, where)


def triplet_margin_loss(
    anchors: Array,
    positives: Array,
    negatives: Array,
    axis: int = -1,
    norm_degree: float = 2,
    margin: Array = 1.0,
    eps: float = 1e-6,
) -> Array:
    """How far an anchor is from being nearer to its positive, as ``optax.losses.triplet_margin_loss``."""
    _not_needed("triplet_margin_loss", "eps", eps)
    vectors = map(jnp.asarray, (anchors, positives, negatives))
    return function("triplet_margin")(*vectors, margin=margin, norm=float(norm_degree), axis=axis)


def dice_loss(
    predictions: Array,
    targets: Array,
    *,
    class_weights: Array | None = None,
    smooth: Array = 1.0,
    alpha: Array = 0.5,
    beta: Array = 0.5,
    apply_softmax: bool = True,
    reduction: str = "mean",
    ignore_background: bool = False,
    axis: Axes = None,
) -> Array:
    """Dice and Tversky overlap of each class, the last axis, as ``optax.losses.dice_loss``."""
    scores, truth = jnp.asarray(predictions), jnp.asarray(targets)
    scores = scores[..., None] if scores.ndim == truth.ndim - 1 else scores
    truth = truth[..., None] if truth.ndim == scores.ndim - 1 else truth
    single = scores.shape[-1] == 1
    if apply_softmax and not single:
        scores = jax.nn.softmax(scores, axis=-1)
    region = tuple(range(1, scores.ndim - 1)) if axis is None else axis
    own = {"alpha": alpha, "beta": beta, "smooth": smooth, "from_logits": apply_softmax and single}
    values = _rows("tversky", scores, truth, region, None, **own)
    values = values[..., 1:] if ignore_background and not single else values
    if class_weights is not None:
        weights = jnp.asarray(class_weights)
        values = values * (weights[1:] if ignore_background and weights.size == scores.shape[-1] else weights)
    reduce: dict[str, Callable[..., Array]] = {"mean": jnp.mean, "sum": jnp.sum}
    if reduction != "none" and reduction not in reduce:
        raise texts.module_setting("dice_loss", "reduction", reduction, "are 'mean', 'sum', 'none'", "reduction='mean'")
    return values if reduction == "none" else reduce[reduction](values, axis=-1)


def binary_dice_loss(predictions: Array, targets: Array, *, smooth: Array = 1.0, apply_sigmoid: bool = True) -> Array:
    """Dice overlap of one class, as ``optax.losses.binary_dice_loss``."""
    scores, truth = jnp.asarray(predictions), jnp.asarray(targets)
    if scores.ndim == truth.ndim and scores.shape[-1] != 1:
        scores, truth = scores[..., None], truth[..., None]
    return dice_loss(scores, truth, smooth=smooth, apply_softmax=apply_sigmoid)


def multiclass_generalized_dice_loss(
    predictions: Array,
    targets: Array,
    *,
    smooth: Array = 1.0,
    apply_softmax: bool = True,
    ignore_background: bool = False,
) -> Array:
    """Mean `dice_loss` of classes that weigh as they are rare, as optax has it under this name.

    `lossary.generalized_dice` is that of the paper: one overlap of all classes.
    """
    truth = jnp.asarray(targets)
    # The weights of optax, with its epsilon for a class that no image has.
    weights = 1.0 / (jnp.sum(truth, axis=tuple(range(truth.ndim - 1))) ** 2 + 1e-7)
    scaled = weights / jnp.sum(weights) * len(weights)
    own = {"smooth": smooth, "apply_softmax": apply_softmax, "ignore_background": ignore_background}
    return jnp.mean(dice_loss(predictions, truth, class_weights=scaled, reduction="none", **own))


# --- batches, targets, losses of one's own ---------------------------------------------------------------------------


def ntxent(embeddings: Array, labels: Array, temperature: Array = 0.07) -> Array:
    """Cross-entropy of the cosines of a batch, the mean over all pairs of relatives, as ``optax.losses.ntxent``."""
    known = jnp.asarray(labels)
    relatives = jnp.sum(known[:, None] == known, axis=1) - 1
    loss = get("ntxent", temperature=temperature, reduction="mean_with_sample_weight")
    return loss(known, jnp.asarray(embeddings), sample_weight=relatives)


def smooth_labels(labels: Array, alpha: Array, *, axis: Axes = -1, where: Array | None = None) -> Array:
    """Targets of which a share ``alpha`` is spread over the classes, as ``optax.smooth_labels``.

    >>> import jax.numpy as jnp, lossary.optax
    >>> print(lossary.optax.smooth_labels(jnp.array([[0.0, 1.0]]), 0.5))
    [[0.25 0.75]]
    """
    shares = jnp.asarray(labels)
    if not jnp.issubdtype(shares.dtype, jnp.floating):
        raise texts.labels_to_smooth(shares.dtype.name)
    classes = jnp.size(shares, axis) if where is None else jnp.sum(jnp.asarray(where), axis, keepdims=True)
    return (1.0 - alpha) * shares + alpha / classes


def make_fenchel_young_loss(max_fun: Callable[..., Array]) -> Callable[..., Array]:
    """The loss ``max_fun(scores) - scores @ targets`` of rows, as ``optax.losses.make_fenchel_young_loss``.

    >>> import jax, jax.numpy as jnp, lossary.optax
    >>> loss = lossary.optax.make_fenchel_young_loss(jax.nn.logsumexp)
    >>> print(loss(jnp.zeros((1, 4)), jnp.array([[0.0, 1.0, 0.0, 0.0]])).round(4))
    [1.3863]
    """
    greatest = jnp.vectorize(max_fun, signature="(n)->()")
    product = jnp.vectorize(jnp.vdot, signature="(n),(n)->()")

    def fenchel_young_loss(scores: Array, targets: Array, *args: Any, **kwargs: Any) -> Array:
        return greatest(scores, *args, **kwargs) - product(targets, scores)

    return fenchel_young_loss


# --- the way to ours -------------------------------------------------------------------------------------------------


def _elements(name: str, predictions: Array, targets: Array | None, **parameters: Any) -> Array:
    """The value of each element, each of which is a row of its own."""
    scores, truth = _of_one_dtype(predictions, jnp.zeros_like(predictions) if targets is None else targets)
    truth = _of_one_shape(name, scores, truth)
    return function(name)(truth[..., None], scores[..., None], **parameters)


def _rows(name: str, predictions: Array, targets: Array, axis: Axes, where: Array | None, **parameters: Any) -> Array:
    """The value of each row along ``axis``, of which ``where`` leaves elements out."""
    scores, truth = _of_one_dtype(predictions, targets)
    truth = _of_one_shape(name, scores, truth)
    behind = _axes(axis, scores.ndim)
    loss = get(name, axis=behind[0] if len(behind) == 1 else behind, reduction="none", **parameters)
    mask = None if where is None else _mask(where, scores, behind)[None]
    return loss(truth[None], scores[None], where=mask)[0]


def _of_one_shape(name: str, scores: Array, truth: Array) -> Array:
    """The targets in the shape of the predictions: themselves, or with an axis of length one more or less."""
    if truth.shape == scores.shape:
        return truth
    if (*truth.shape, 1) == scores.shape or truth.shape == (*scores.shape, 1):
        return truth.reshape(scores.shape)
    raise texts.element_shapes(name, scores.shape, truth.shape)


def _as_fine(labels: Array, logits: Array) -> Array:
    """Labels in the dtype of the logits, as optax takes those of two classes."""
    return jnp.asarray(labels, jnp.asarray(logits).dtype)


def _of_one_dtype(predictions: Array, targets: Array) -> tuple[Array, Array]:
    """Both as arrays, the predictions at least as fine as targets that are no whole numbers, as JAX promotes them."""
    scores, truth = jnp.asarray(predictions), jnp.asarray(targets)
    floats = jnp.issubdtype(scores.dtype, jnp.floating) and jnp.issubdtype(truth.dtype, jnp.floating)
    return scores.astype(jnp.promote_types(scores.dtype, truth.dtype)) if floats else scores, truth


def _axes(axis: Axes, size: int) -> tuple[int, ...]:
    """All axes, counted from the end, because a first one is put before them: that of the data points."""
    axes = range(size) if axis is None else [axis] if isinstance(axis, int) else axis
    return tuple(each - size if each >= 0 else each for each in axes)


def _mask(where: Array, scores: Array, axes: tuple[int, ...]) -> Array:
    """The mask of each element; one of rows alone is that of all that is in them."""
    mask = jnp.asarray(where)
    rows = mask.ndim == scores.ndim - len(axes) and mask.ndim < scores.ndim
    return jnp.broadcast_to(jnp.expand_dims(mask, axes) if rows else mask, scores.shape)


def _side_by_side(array: Array, axes: tuple[int, ...]) -> Array:
    """What lies along these axes along one, the last."""
    last = tuple(range(-len(axes), 0))
    moved = jnp.moveaxis(array, axes, last)
    return moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1)


def _labels(name: str, scores: Array, labels: Array, **parameters: Any) -> Array:
    """The value of each row of scores with an integer label."""
    return function(name)(jnp.asarray(labels), jnp.asarray(scores), **parameters)


def _not_needed(name: str, setting: str, value: Any) -> None:
    """Refuses what would be another loss; next to nothing is left out."""
    if not 0 <= value <= _NEXT_TO_NOTHING:
        line = f"{name}() without {setting}: a length of 0 has the slope 0 here"
        raise texts.module_setting(name, setting, value, "is 0 to 1e-6", line)
