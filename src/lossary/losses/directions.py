"""Losses of directions: vectors whose angles are to mean something, and whose lengths do not."""

from __future__ import annotations

from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import Real, Signs, Similarity
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import abs, max, maximum, sqrt, square, sum, where
from ._rows import aside, scaled


def cosine_slope(y_true: Any, y_pred: Any) -> Any:
    """The slope of the negated cosine in the second row; 0 where that has no direction."""
    a, b = scaled(y_true), scaled(y_pred)
    factor = -1.0 / (sqrt(a.squared) * sqrt(b.squared))
    # The scale last: of the smallest rows it takes what is not 0 beyond all numbers.
    return where(max(abs(y_pred)) == 0.0, 0.0, factor) * aside(a, b) * b.scale


@loss(
    aliases=("cosine_proximity", "cosine"),
    target=Real(),
    prediction=Real(),
    slope=cosine_slope,
    definition="-sum(y_true * y_pred) / (norm(y_true) * norm(y_pred))",
    source="G. Salton, M. J. McGill, Introduction to Modern Information Retrieval (1983), p. 121; the sign is Keras's",
    peers={
        "keras.losses.CosineSimilarity": "",
        "optax.cosine_similarity": "-1.0 * Loss()   # a similarity there",
        "optax.cosine_distance": "Loss()   # and 1 is added there",
        "tensorflow.compat.v1.losses.cosine_distance": "Loss()   # and 1 is added there",
    },
    cases=(
        Case([[1.0, 0.0]], [[3.0, 4.0]], (-0.6,), "-3/5"),
        Case([[0.0, 0.0]], [[3.0, 4.0]], (0.0,), "a zero vector has no direction: 0"),
    ),
)
def cosine_similarity(y_true: Any, y_pred: Any) -> Any:
    """Cosine of the angle between target and prediction, negated: -1 for the same direction, 1 for the opposite one.

    For embeddings and other rows whose direction matters and length does not.  A row of zeros has the value 0 and the
    slope 0.

    >>> import lossary
    >>> print(lossary.cosine_similarity([[1.0, 0.0]], [[3.0, 4.0]]).round(4))
    [-0.6]
    """
    a, b = scaled(y_true), scaled(y_pred)
    return -sum(a.row * b.row) / (sqrt(a.squared) * sqrt(b.squared))


def cosine_between(first: Any, second: Any) -> tuple[Any, Any]:
    """The cosine of two rows, and by how much its magnitude is below 1, with the digits of a small angle."""
    a, b = scaled(first), scaled(second)
    cosine = sum(a.row * b.row) / (sqrt(a.squared) * sqrt(b.squared))
    return cosine, sum(square(aside(a, b))) / a.squared / (1.0 + abs(cosine))


def _above(cosine: Any, below_one: Any, level: Any) -> Any:
    """``cosine - level``, of two differences from 1 or -1 where that is near."""
    return where(cosine > 0.0, (1.0 - level) - below_one, below_one - (1.0 + level))


def _cosine_embedding_slopes(y_true: Any, first: Any, second: Any, *, margin: Any = 0.0) -> Any:
    too_near = _above(*cosine_between(first, second), margin) > 0.0
    factor = where(y_true == 1.0, 1.0, where(too_near, -1.0, 0.0))
    return factor * cosine_slope(second, first), factor * cosine_slope(first, second)


@loss(
    target=PerRow(Signs()),
    predictions={"first": Real(), "second": Real()},
    parameters={"margin": Interval("Cosine up to which strangers cost nothing", -1.0, 1.0)},
    slope=_cosine_embedding_slopes,
    definition="1 - cos(first, second) if y_true == 1 else max(cos(first, second) - margin, 0)",
    source="J. Bromley et al., Signature verification using a Siamese time delay neural network (1993); the form is "
    "PyTorch's",
    peers={
        "torch.nn.CosineEmbeddingLoss": "",
        "torch.nn.functional.cosine_embedding_loss": "",
    },
    cases=(
        Case([1.0, -1.0], [[1.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [3.0, 4.0]], (0.4, 0.6), "1 - 3/5; 3/5 - 0"),
        Case([-1.0, -1.0], [[1.0, 0.0], [2.0, 0.0]], [[4.0, 3.0], [3.0, 4.0]], (0.1, 0.0), "4/5 - 0.7; 3/5 < 0.7",
             {"margin": 0.7}),
        Case([1.0, 0.0], [[0.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [-1.0, 0.0]], (1.0, 0.0),
             "a zero vector has the cosine 0; -1 < 0, 0 read as -1"),
    ),
)  # fmt: skip
def cosine_embedding(y_true: Any, first: Any, second: Any, *, margin: float = 0.0) -> Any:
    """Cosine of pairs of vectors: those that belong together are turned to one direction, others away from it.

    For embeddings of pairs, in which angles count and lengths do not: ``y_true`` has one label per pair, 1 for one that
    belongs together and -1 (or 0) for strangers, whose cosine costs nothing up to ``margin``, best between 0 and 1/2.
    ``first`` and ``second`` are vectors (N, D), and both have a gradient.  PyTorch's order is ``(first, second,
    y_true)``, and there a label of 0 costs nothing.  A vector of zeros has the cosine 0 and the slope 0.

    A model of Keras returns the two in one array (N, 2, D), ``keras.ops.stack([first, second], axis=-2)``.

    >>> import lossary
    >>> print(lossary.cosine_embedding([1, -1], [[1.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [3.0, 4.0]]).round(4))
    [0.4 0.6]
    """
    cosine, below_one = cosine_between(first, second)
    apart = where(cosine > 0.0, below_one, 1.0 - cosine)
    return where(y_true == 1.0, apart, maximum(_above(cosine, below_one, margin), 0.0))


def _similarity_slopes(y_true: Any, first: Any, second: Any) -> Any:
    factor = -2.0 * _above(*cosine_between(first, second), y_true)
    return factor * cosine_slope(second, first), factor * cosine_slope(first, second)


@loss(
    class_name="CosineSimilarityMSE",
    target=PerRow(Similarity()),
    predictions={"first": Real(), "second": Real()},
    slope=_similarity_slopes,
    definition="(cos(first, second) - y_true)**2",
    source="N. Reimers, I. Gurevych, Sentence-BERT (2019), section 3, regression objective",
    peers={
        "sentence_transformers.losses.CosineSimilarityLoss": "",
    },
    cases=(
        Case([0.0, 1.0], [[1.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [3.0, 4.0]], (0.36, 0.16), "(3/5)^2; (3/5 - 1)^2"),
        Case([-0.5], [[0.0, 0.0]], [[3.0, 4.0]], (0.25,), "a zero vector has the cosine 0"),
    ),
)
def cosine_similarity_mse(y_true: Any, first: Any, second: Any) -> Any:
    """Squared error of the cosine of two vectors, for pairs whose similarity was graded.

    For embeddings of sentences: ``y_true`` has one grade per pair in [-1, 1]; those from 0 to 5 are divided by 5 first.
    ``first`` and ``second`` are vectors (N, D), and both have a gradient.  Its slope vanishes where two vectors point
    in one direction or in opposite ones, whatever the grade.

    A model of Keras returns the two in one array (N, 2, D), ``keras.ops.stack([first, second], axis=-2)``.

    >>> import lossary
    >>> print(lossary.cosine_similarity_mse([0.0], [[1.0, 0.0]], [[3.0, 4.0]]).round(4))
    [0.36]
    """
    return square(_above(*cosine_between(first, second), y_true))
