"""The whole text of every kind of message."""

from __future__ import annotations

import inspect
import math
import pickle
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
import torch
from matplotlib.figure import Figure

import lossary
import lossary.hf
import lossary.optax
import lossary.torch
from inputs import BUILTIN
from lossary import demo, words
from lossary.calls.parts import from_two
from lossary.objects.pickles import blank
from lossary.show import javascript
from lossary.texts import arguments, calls, names, objects, seams, values


def _formula(y_true: Any, y_pred: Any) -> Any:
    return y_pred


def _twice() -> list[Any]:
    return [lossary.loss(name="tests_twice")(lambda y_true, y_pred: y_pred - y_true) for _ in range(2)]


def _of_rows() -> Any:
    return lossary.loss(name="tests_of_rows", target=lossary.domains.Bits())(lambda y_true, y_pred: words.max(y_pred))


LIBRARIES = sorted({peer.split(".")[0] for record in BUILTIN for peer in record.peers})


# Function of `lossary.texts` that writes the text, kind of error, a call that runs into it, the text.
MESSAGES: list[tuple[str, type[Exception], Callable[[], Any], str]] = [
    (
        "check_mode",
        lossary.ParameterError,
        lambda: lossary.check("none").__enter__(),
        "check: check is 'none'; accepted are 'full', 'async', 'shapes' and 'off'. To leave values unread write "
        "check='shapes'; without check= they are read where that costs no wait",
    ),
    (
        "mixed_frameworks",
        lossary.BackendError,
        lambda: lossary.huber(jnp.zeros(2), torch.zeros(2)),
        "huber: y_true is a JAX array and y_pred is a PyTorch tensor; all arrays of a call come from one framework, "
        "with arrays of NumPy and lists beside them. Convert one of them: y_true = numpy.asarray(y_true)",
    ),
    (
        "strange_array",
        lossary.DTypeError,
        lambda: lossary.huber(torch.eye(2).to_sparse(), torch.eye(2)),
        "huber: y_true is a sparse tensor (torch.sparse_coo); accepted are dense arrays. "
        "Write y_true = y_true.to_dense()",
    ),
    (
        "devices_differ",
        lossary.BackendError,
        lambda: lossary.huber(torch.zeros(2), torch.zeros(2, device="meta")),
        "huber: y_true is on cpu and y_pred on meta; accepted are tensors on one device. Move it there: "
        "y_true = y_true.to(y_pred.device)",
    ),
    (
        "unsupported",
        lossary.DTypeError,
        lambda: lossary.huber(np.asarray(["cat", "dog"]), [1.0, 2.0]),
        "huber: y_true (ndarray) has dtype str; accepted are bool, integers, float16, bfloat16, float32 and "
        "float64. Encode class names as integers: y_true = numpy.unique(y_true, return_inverse=True)[1]",
    ),
    (
        "unsupported",
        lossary.DTypeError,
        lambda: lossary.huber(np.asarray(["1.5", "2"]), [1.0, 2.0]),
        "huber: y_true (ndarray) has dtype str; accepted are bool, integers, float16, bfloat16, float32 and "
        "float64. Write y_true = numpy.asarray(y_true, dtype='float32')",
    ),
    (
        "unsupported",
        lossary.DTypeError,
        lambda: lossary.huber([1.0], np.asarray([1j])),
        "huber: y_pred (ndarray) has dtype complex128; accepted are bool, integers, float16, bfloat16, "
        "float32 and float64. To go on, take its real part or magnitude: abs(y_pred)",
    ),
    (
        "unsupported",
        lossary.DTypeError,
        lambda: lossary.huber([1.0], np.asarray(["2020-01-01"], "M8[D]")),
        "huber: y_pred (ndarray) has dtype datetime64[D]; accepted are bool, integers, float16, bfloat16, "
        "float32 and float64. Measure from a day on: y_pred = (numpy.asarray(y_pred, 'datetime64[s]') - "
        "numpy.datetime64('2000-01-01')) / numpy.timedelta64(1, 'D')",
    ),
    (
        "masked_array",
        lossary.DTypeError,
        lambda: lossary.huber(np.ma.masked_array([1.0], [True]), [1.0]),
        "huber: y_true is a masked array; accepted are plain arrays, with the mask as an argument of the loss"
        " object. Write y_true.data, and where=~numpy.ma.getmaskarray(y_true)",
    ),
    (
        "nothing",
        lossary.DTypeError,
        lambda: lossary.huber([1.0], None),
        "huber: y_pred is None; accepted are arrays of numbers. Check what was meant to produce it, for "
        "example a function without a return: print(y_pred)",
    ),
    (
        "not_numbers",
        lossary.DTypeError,
        lambda: lossary.huber([[1.0], [2.0, 3.0]], [1.0]),
        "huber: y_true (list) is not an array of numbers; accepted are arrays of NumPy, PyTorch, JAX, "
        "TensorFlow or PyTensor and nested lists with rows of equal length. To see what it holds, write "
        "print({numpy.shape(row) for row in y_true})",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.huber(np.zeros((3, 2)), np.zeros((3, 4))),
        "huber: y_true has shape (3, 2) and y_pred (3, 4); accepted are equal shapes, or (N,) with (N, 1). "
        "Nothing is broadcast: the last layer needs one unit per column of y_true, 2 in all",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.huber(np.zeros((2, 3)), np.zeros((3, 2))),
        "huber: y_true has shape (2, 3) and y_pred (3, 2); accepted are equal shapes, or (N,) with (N, 1). "
        "Nothing is broadcast: if its axes stand in another order, write y_true = numpy.transpose(y_true, (1, 0))",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.huber(np.zeros(6), np.zeros((3, 2))),
        "huber: y_true has shape (6,) and y_pred (3, 2); accepted are equal shapes, or (N,) with (N, 1). "
        "Nothing is broadcast: write y_true = y_true.reshape((3, 2)) if both hold the same elements in the same order",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.huber(np.zeros(3), np.zeros((3, 2))),
        "huber: y_true has shape (3,) and y_pred (3, 2); accepted are equal shapes, or (N,) with (N, 1). "
        "Nothing is broadcast: y_true needs one column per output, or the last layer a single unit",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.huber(np.zeros((1, 2)), np.zeros((3, 2))),
        "huber: y_true has shape (1, 2) and y_pred (3, 2); accepted are equal shapes, or (N,) with (N, 1). "
        "Nothing is broadcast: if y_true is to be repeated, write numpy.broadcast_to(y_true, (3, 2))",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.huber(np.zeros((3, 2)), np.zeros((5, 2))),
        "huber: y_true has shape (3, 2) and y_pred (5, 2); accepted are equal shapes, or (N,) with (N, 1). "
        "Nothing is broadcast: take both from the same data points, for example y_pred = model(x[:n]) with "
        "y_true = y[:n]",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.categorical_crossentropy([0, 1], [[0.2, 0.8], [0.5, 0.5]]),
        "categorical_crossentropy: y_true has shape (2,) and y_pred (2, 2); accepted are targets with one "
        "column per class. Integer labels need lossary.sparse_categorical_crossentropy(y_true, y_pred), or "
        "lossary.to_categorical(y_true, 2) first",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.categorical_hinge([0, 1], [[0.2, 0.8], [0.5, 0.5]]),
        "categorical_hinge: y_true has shape (2,) and y_pred (2, 2); accepted are targets with one column per"
        " class. Integer labels need lossary.to_categorical(y_true, 2) first",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.sparse_categorical_crossentropy([[0, 1]], [[0.2, 0.8]]),
        "sparse_categorical_crossentropy: y_true has shape (1, 2) and y_pred (1, 2); accepted is one integer "
        "label per row, shape (1,). One-hot rows need lossary.categorical_crossentropy(y_true, y_pred), or "
        "labels = y_true.argmax(-1)",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.sparse_categorical_crossentropy([0, 1, 1], [[0.2, 0.8]]),
        "sparse_categorical_crossentropy: y_true has shape (3,) and y_pred (1, 2); accepted is one integer "
        "label per row of scores: y_true (1,) or (1, 1). Scores for one data point need a batch axis: "
        "y_pred[None]",
    ),
    (
        "empty",
        lossary.ShapeError,
        lambda: lossary.huber([], []),
        "huber: y_pred has shape (0,), which holds no elements; a mean over nothing is undefined. Skip empty "
        "batches: if len(y_pred): ...",
    ),
    (
        "empty",
        lossary.ShapeError,
        lambda: lossary.huber([[], []], [[], []]),
        "huber: y_pred has shape (2, 0), which holds no elements; a mean over nothing is undefined. Skip rows without "
        "outputs: if 0 not in numpy.shape(y_pred): ...",
    ),
    (
        "scalar",
        lossary.ShapeError,
        lambda: lossary.sparse_categorical_crossentropy(0, 0.5),
        "sparse_categorical_crossentropy: y_pred is a single number; accepted are rows of C outputs, shape "
        "(N, C). For one data point write y_pred = [[...]]",
    ),
    (
        "axis_several",
        lossary.ParameterError,
        lambda: lossary.sparse_categorical_crossentropy(np.zeros(2, int), np.zeros((2, 3, 4)), axis=(1, 2)),
        "sparse_categorical_crossentropy: axis is (1, 2); accepted is one whole number, the axis along which the "
        "classes lie: axis=1 for (N, C, H, W). All other axes are data points, over which the object takes the mean",
    ),
    (
        "axis_out_of_range",
        lossary.ParameterError,
        lambda: lossary.huber([[1.0]], [[1.0]], axis=2),
        "huber: axis is 2; accepted are whole numbers from -2 to 1 for y_pred with 2 axes. The outputs "
        "usually lie along axis=-1",
    ),
    (
        "axis_out_of_range",
        lossary.ParameterError,
        lambda: lossary.Dice(axis=(1, -2))([[[1.0]]], [[[1.0]]]),
        "dice: axis is (1, -2); accepted are whole numbers from -3 to 2, each axis once, for y_pred with 3 axes. The "
        "outputs usually lie along axis=-1",
    ),
    (
        "per_point_shape",
        lossary.ShapeError,
        lambda: lossary.Huber()([[1.0]], [[1.0]], sample_weight=[1.0, 2.0]),
        "huber: sample_weight has shape (2,); accepted is one entry per data point, (1,), or its leading "
        "axes, or (1, 1) for one per element. Write sample_weight = numpy.ones((1,)) with entries of yours",
    ),
    (
        "per_point_shape",
        lossary.ShapeError,
        lambda: lossary.Huber()([[1.0], [2.0]], [[1.0], [2.0]], where=np.ones((3, 1), bool)),
        "huber: where has shape (3, 1); accepted is one entry per data point, (2,), or its leading axes, or (2, 1) for "
        "one per element. To drop an axis of length 1: where[..., 0]",
    ),
    (
        "per_point_shape",
        lossary.ShapeError,
        lambda: lossary.RootMeanSquaredError()(np.ones(3), np.ones(3), sample_weight=np.ones(3)),
        "root_mean_squared_error: sample_weight has shape (3,); accepted is one entry per data point, (), or its "
        "leading axes. Arrays of one axis are one data point here: y_true[:, None] and y_pred[:, None] hold one for "
        "each entry",
    ),
    (
        "per_point_shape",
        lossary.ShapeError,
        lambda: lossary.PPOClip()(np.ones(3), np.ones(3), np.ones(3), sample_weight=np.ones(3)),
        "ppo_clip: sample_weight has shape (3,); accepted is one entry per data point, (), or its leading axes. Arrays "
        "of one axis are one data point here: log_probability[:, None] and old_log_probability[:, None] and "
        "advantage[:, None] hold one for each entry",
    ),
    (
        "mask_dtype",
        lossary.DTypeError,
        lambda: lossary.Huber()([[1.0]], [[1.0]], where=[1]),
        "huber: where has dtype int64; accepted is bool, True where a position counts. Write where != 0",
    ),
    (
        "rounded",
        lossary.DomainError,
        lambda: lossary.mean_absolute_error([[2**60 + 1]], [[2**60]]),
        "mean_absolute_error: y_true[0, 0] is 1152921504606846977, which float64 rounds; accepted are whole numbers "
        "that it holds, where both arguments have such, which are subtracted exactly. Subtract a start from both, or, "
        "if rounding does no harm, write y_true = numpy.asarray(y_true).astype('float64')",
    ),
    (
        "weight_value",
        lossary.DomainError,
        lambda: lossary.Huber()([[1.0], [1.0]], [[1.0], [1.0]], sample_weight=[1.0, math.inf]),
        "huber: sample_weight[1] is inf; accepted are finite weights. To leave a position out, give it weight 0 "
        "or pass where=",
    ),
    (
        "weight_sum",
        lossary.DomainError,
        lambda: lossary.Huber(reduction="mean_with_sample_weight")([1.0, 1.0], [1.0, 1.0], sample_weight=[1.0, -2.0]),
        "huber: sample_weight sums to -1, by which reduction='mean_with_sample_weight' would divide; accepted are "
        "weights with a positive sum. To divide by the number of data points: reduction='sum_over_batch_size'",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.huber([1.0, np.nan], [1.0, 2.0]),
        "huber: y_true[1] is nan; accepted are real numbers. A NaN entered here; leave such positions out "
        "with where=, or look for what produced it upstream",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.categorical_crossentropy([[0.0, 1.0]], [[-1.0, 3.0]]),
        "categorical_crossentropy: y_pred[0, 0] is -1; accepted are probabilities in [0, 1]. Raw scores (no "
        "softmax in the last layer) need lossary.categorical_crossentropy(y_true, y_pred, from_logits=True)",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.kl_divergence([[0.5, 0.5]], [[-1.0, 3.0]]),
        "kl_divergence: y_pred[0, 0] is -1; accepted are probabilities in [0, 1]. Raw scores need a softmax "
        "output layer in front of this loss",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.hinge([3.0], [1.0]),
        "hinge: y_true[0] is 3; accepted are labels -1 or 1 (0 is read as -1). Recode the two classes to -1 "
        "and 1, for example 2 * y_true - 1 from 0/1",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.categorical_crossentropy([[0, 7]], [[0.5, 0.5]]),
        "categorical_crossentropy: y_true[0, 1] is 7; accepted are rows that are distributions: one-hot, or "
        "probabilities that sum to 1. Integer labels need lossary.sparse_categorical_crossentropy, or "
        "lossary.to_categorical(y_true, C) first",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.categorical_crossentropy([[1, 1]], [[0.5, 0.5]]),
        "categorical_crossentropy: y_true[0] sums to 2; accepted are rows that are distributions: one-hot, or"
        " probabilities that sum to 1. Several classes at once (multi-label) need sigmoid outputs and "
        "lossary.binary_crossentropy(y_true, y_pred)",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.categorical_crossentropy([[0, 0]], [[0.5, 0.5]]),
        "categorical_crossentropy: y_true[0] sums to 0; accepted are rows that are distributions: one-hot, or"
        " probabilities that sum to 1. Rows without any class are left out with where=y_true.sum(-1) > 0",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.categorical_crossentropy([[0.5, 0.25]], [[0.5, 0.5]]),
        "categorical_crossentropy: y_true[0] sums to 0.75; accepted are rows that are distributions: one-hot,"
        " or probabilities that sum to 1. Divide each row by its sum: y_true / y_true.sum(-1, keepdims=True)",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.binary_crossentropy([255.0], [0.5]),
        "binary_crossentropy: y_true[0] is 255; accepted are 0 or 1, or a probability between them. Recode "
        "the two classes to 0 and 1 (a 0/255 mask: y_true / 255)",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.kl_divergence([[3.0, 0.5]], [[0.5, 0.5]]),
        "kl_divergence: y_true[0, 0] is 3; accepted are probabilities in [0, 1]. Turn scores into "
        "probabilities first, with a softmax",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.poisson([1.0], [-1.0]),
        "poisson: y_pred[0] is -1; accepted are numbers >= 0. Use a softplus output layer in front of this loss",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.ranking_softmax([[-1.0, 2.0]], [[1.0, 3.0]]),
        "ranking_softmax: y_true[0, 0] is -1; accepted are numbers >= 0. Shift or recode the targets, or leave such "
        "positions out with where=",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.poisson([-1.0], [1.0]),
        "poisson: y_true[0] is -1; accepted are numbers >= 0. Shift or recode the targets, or choose a loss "
        "for real numbers such as lossary.huber",
    ),
    (
        "label",
        lossary.DomainError,
        lambda: lossary.sparse_categorical_crossentropy([-1], [[0.5, 0.5]]),
        "sparse_categorical_crossentropy: y_true[0] is -1; accepted are labels 0 to 1 (2 classes). A label "
        "that marks positions to leave out is named with ignore_class=-1",
    ),
    (
        "label",
        lossary.DomainError,
        lambda: lossary.sparse_categorical_crossentropy([2], [[0.5, 0.5]]),
        "sparse_categorical_crossentropy: y_true[0] is 2; accepted are labels 0 to 1 (2 classes). Labels "
        "start at 0 (labels 1..C need y_true - 1), and the output layer needs one unit per class: 3 units for"
        " this label",
    ),
    (
        "shapes_differ",
        lossary.ShapeError,
        lambda: lossary.sparsemax([[0.0, 1.0]], [[0.5, 0.5]]),
        "sparsemax: y_true has shape (1, 2) and y_pred (1, 2); accepted is one integer label per row, shape (1,). "
        "One-hot rows need labels = y_true.argmax(-1)",
    ),
    (
        "label",
        lossary.DomainError,
        lambda: lossary.sparse_categorical_crossentropy([np.inf], [[0.5, 0.5]]),
        "sparse_categorical_crossentropy: y_true[0] is inf; accepted are labels 0 to 1 (2 classes). Drop those rows, "
        "or pass where= with False at them",
    ),
    (
        "label",
        lossary.DomainError,
        lambda: lossary.multi_margin([0.5], [[0.5, 0.5]]),
        "multi_margin: y_true[0] is 0.5; accepted are labels 0 to 1 (2 classes). Round or recode the labels to whole "
        "numbers",
    ),
    (
        "number",
        lossary.DomainError,
        lambda: lossary.logistic_hazard([[np.inf, 1.0]], [[0.5, 0.5]]),
        "logistic_hazard: y_true's interval[0] is inf; accepted are whole numbers 0 to 1. Leave such positions out "
        "with where=",
    ),
    (
        "label",
        lossary.DomainError,
        lambda: lossary.sparse_categorical_crossentropy([0.5], [[0.5, 0.5]]),
        "sparse_categorical_crossentropy: y_true[0] is 0.5; accepted are labels 0 to 1 (2 classes). Round or "
        "recode the labels to whole numbers; for probabilities use lossary.categorical_crossentropy(y_true, "
        "y_pred)",
    ),
    (
        "label",
        lossary.DomainError,
        lambda: lossary.sparse_categorical_crossentropy([np.nan], [[0.5, 0.5]]),
        "sparse_categorical_crossentropy: y_true[0] is nan; accepted are labels 0 to 1 (2 classes). Drop "
        "those rows, or pass where= with False at them",
    ),
    (
        "parameter_value",
        lossary.ParameterError,
        lambda: lossary.Huber(delta=0.0),
        "huber: delta is 0.0; accepted is a number > 0. The default is delta=1.0",
    ),
    (
        "parameter_value",
        lossary.ParameterError,
        lambda: lossary.BinaryCrossentropy(label_smoothing=2.0),
        "binary_crossentropy: label_smoothing is 2.0; accepted is a number in [0, 1]. The default is "
        "label_smoothing=0.0",
    ),
    (
        "parameter_value",
        lossary.ParameterError,
        lambda: lossary.CategoricalFocalCrossentropy(alpha=np.array([0.25, 0.75])),
        "categorical_focal_crossentropy: alpha is array([0.25, 0.75]); accepted is a number >= 0. Weights of classes "
        "are lossary.CategoricalFocalCrossentropy(alpha=1.0, class_weight=[0.25, 0.75])",
    ),
    (
        "parameter_value",
        lossary.ParameterError,
        lambda: lossary.BinaryCrossentropy(from_logits="yes"),
        "binary_crossentropy: from_logits is 'yes'; accepted is True or False. The default is from_logits=False",
    ),
    (
        "blank",
        lossary.ParameterError,
        lambda: lossary.CTC(blank=3)([[1]], np.zeros((1, 2, 3))),
        "ctc: blank is 3, and y_pred has 3 classes; accepted are 0 to 2, and -1 for the last. Write "
        "lossary.CTC(blank=-1)",
    ),
    (
        "number",
        lossary.DomainError,
        lambda: lossary.logistic_hazard([[2, 1]], [[0.0, 0.0]]),
        "logistic_hazard: y_true's interval[0] is 2; accepted are whole numbers 0 to 1. They start at 0, and the "
        "output layer needs one unit for each: 3 units for this one",
    ),
    (
        "number",
        lossary.DomainError,
        lambda: lossary.logistic_hazard([[0.5, 1]], [[0.0, 0.0]]),
        "logistic_hazard: y_true's interval[0] is 0.5; accepted are whole numbers 0 to 1. Round or recode them to "
        "whole numbers",
    ),
    (
        "parameter_value",
        lossary.ParameterError,
        lambda: lossary.AFTNLL(distribution="gumbel"),
        "aft_nll: distribution is 'gumbel'; accepted is 'normal', 'logistic' or 'extreme'. The default is "
        "distribution='normal'",
    ),
    (
        "parameter_value",
        lossary.ParameterError,
        lambda: lossary.SparseCategoricalCrossentropy(ignore_class=0.5),
        "sparse_categorical_crossentropy: ignore_class is 0.5; accepted is a whole number or None. The "
        "default is ignore_class=None",
    ),
    (
        "not_axes",
        lossary.DTypeError,
        lambda: lossary.plot("huber", ax=3),
        "lossary.plot: ax is 3; accepted are one matplotlib Axes for the value, or two for value and slope. For "
        "example lossary.plot('huber', ax=matplotlib.pyplot.subplots(1, 2)[1])",
    ),
    (
        "axes_differ",
        lossary.ShapeError,
        lambda: lossary.plot("poisson", "dpo", ax=Figure().subplots()),
        "lossary.plot: these losses are drawn over 'prediction $\\hat{y}$ for the target $y = 1$' and 'chosen, "
        "where all the others are 0'; accepted with ax are losses over one of them. Leave ax out for a row of panels "
        "each, or give each its own: lossary.plot('huber', ax=left), lossary.plot('hinge', ax=right)",
    ),
    (
        "unknown_parameter",
        lossary.ParameterError,
        lambda: lossary.Huber(dleta=2.0),
        "huber: unknown parameter 'dleta'; accepted are delta, axis, reduction, name, check. Did you mean delta=?",
    ),
    (
        "unknown_parameter",
        lossary.ParameterError,
        lambda: lossary.Huber(dtype="float64"),
        "huber: there is no dtype=, because a loss computes in the dtype of y_pred, half precision in float32; "
        "accepted are delta, axis, reduction, name, check. Cast y_pred for another one; in Keras write "
        "lossary.keras.KerasLoss('huber', dtype='float64')",
    ),
    (
        "belongs_to_object",
        lossary.ParameterError,
        lambda: lossary.huber([1.0], [1.0], reduction="sum"),
        "huber: the function returns one value per data point and takes no reduction=; the object does: "
        "lossary.Huber(reduction='sum')(y_true, y_pred)",
    ),
    (
        "belongs_to_object",
        lossary.ParameterError,
        lambda: lossary.huber([1.0], [1.0], sample_weight=[1.0]),
        "huber: the function returns one value per data point and takes no sample_weight=; the object does: "
        "lossary.Huber()(y_true, y_pred, sample_weight=sample_weight)",
    ),
    (
        "unnamed_parameters",
        lossary.ParameterError,
        lambda: lossary.Huber(2.0),
        "huber: Huber got 2.0 without a name; accepted are its parameters by name. Write lossary.Huber(delta=2.0)",
    ),
    (
        "too_many_arguments",
        lossary.ParameterError,
        lambda: lossary.mean_squared_error([1.0], [1.0], -1, 2),
        "mean_squared_error: too many positional arguments; accepted are mean_squared_error(y_true, y_pred, "
        "axis: 'int' = -1, *, check: 'str | None' = None)",
    ),
    (
        "reduction_name",
        lossary.ParameterError,
        lambda: lossary.Huber(reduction="average"),
        "huber: reduction is 'average'; accepted are 'sum_over_batch_size', 'mean', "
        "'mean_with_sample_weight', 'sum', 'none', None. The mean over data points is "
        "reduction='sum_over_batch_size'",
    ),
    (
        "unknown_loss",
        lossary.UnknownLossError,
        lambda: lossary.get("mean_square_error"),
        "unknown loss 'mean_square_error'; did you mean mean_squared_error? All names: lossary.names()",
    ),
    (
        "no_scores",
        lossary.ParameterError,
        lambda: lossary.BinaryCrossentropy(temperature=2.0),
        "binary_crossentropy: temperature is 2.0 with from_logits=False; accepted is a temperature for raw scores. "
        "Write lossary.BinaryCrossentropy(from_logits=True, temperature=2.0)",
    ),
    (
        "weights_count",
        lossary.ParameterError,
        lambda: lossary.CategoricalCrossentropy(class_weight=[1.0, 2.0])(np.eye(3), np.full((3, 3), 1 / 3)),
        "categorical_crossentropy: class_weight has 2 weights; accepted is one per class, of which there are 3. Write "
        "lossary.CategoricalCrossentropy(class_weight=[1.0] * 3) with weights of yours",
    ),
    (
        "weights_of_rows",
        lossary.ParameterError,
        lambda: _of_rows().cls(pos_weight=2.0)(np.ones((2, 3)), np.ones((2, 3))),
        "tests_of_rows: class_weight and pos_weight are one weight per output, and this loss has one value for all "
        "outputs of a data point; accepted is one weight per data point. Write lossary.TestsOfRows()(y_true, y_pred, "
        "sample_weight=weights)",
    ),
    (
        "unknown_library",
        lossary.ParameterError,
        lambda: lossary.names(peer="theano"),
        "lossary.names: peer='theano'; accepted are " + ", ".join(map(repr, LIBRARIES)) + ". Write "
        "lossary.names(peer='torch')",
    ),
    (
        "unknown_library",
        lossary.ParameterError,
        lambda: lossary.names(peer="pytorch"),
        "lossary.names: peer='pytorch'; did you mean 'torch'? Write lossary.names(peer='torch')",
    ),
    (
        "not_a_loss",
        lossary.UnknownLossError,
        lambda: lossary.get(3),
        "cannot make a loss of 3 (int); accepted are a name, a function of (y_true, y_pred), a loss object, a"
        " loss class, or the dict of get_config(). For example lossary.get('mean_squared_error')",
    ),
    (
        "name_taken",
        lossary.ParameterError,
        lambda: lossary.loss(name="mse")(_formula),
        "the name 'mse' belongs to the loss mean_squared_error; choose another: @lossary.loss(name='my_mse')",
    ),
    (
        "formula_signature",
        lossary.ParameterError,
        lambda: lossary.loss(name="tests_messages")(lambda a, b: a - b),
        "tests_messages: a loss starts with (y_true, y_pred) and its further parameters have defaults; got "
        "tests_messages(a, b). Write def tests_messages(y_true, y_pred, *, alpha=0.5): ...",
    ),
    (
        "callable_shape",
        lossary.ShapeError,
        lambda: lossary.get(lambda y_true, y_pred: y_pred.mean(0))(np.zeros((3, 2)), np.zeros((3, 2))),
        "custom_loss: the function returned shape (2,); accepted is one value per data point, (3,). Reduce "
        "over the outputs only, for example mean(..., axis=-1)",
    ),
    (
        "not_an_array",
        lossary.DTypeError,
        lambda: lossary.get(lambda y_true, y_pred: None)([[1.0]], [[1.0]]),
        "custom_loss: the function returned NoneType; accepted is an array of the inputs' framework with one "
        "value per data point. Check that the function ends in a return",
    ),
    (
        "no_config",
        lossary.ParameterError,
        lambda: lossary.get(lambda y_true, y_pred: y_pred).get_config(),
        "custom_loss: a plain function has no name to be found by again, so it cannot be saved; give it one: "
        "decorate it with @lossary.loss, or keep the function and pass it again after loading",
    ),
    (
        "categorical_label",
        lossary.DomainError,
        lambda: lossary.to_categorical([0, -1]),
        "to_categorical: labels[1] is -1; accepted are integers >= 0. To go on, shift the labels so that the "
        "smallest is 0: labels - labels.min()",
    ),
    (
        "categorical_label",
        lossary.DomainError,
        lambda: lossary.to_categorical([0, 3], 3),
        "to_categorical: labels[1] is 3; accepted are integers 0 to 2 (num_classes=3). To go on, pass "
        "num_classes=4 or more, or labels - 1 if they count from 1",
    ),
    (
        "categorical_label",
        lossary.DomainError,
        lambda: lossary.to_categorical([0.5]),
        "to_categorical: labels[0] is 0.5; accepted are integers >= 0. To go on, labels are whole numbers; "
        "one-hot or soft rows need no conversion",
    ),
    (
        "categorical_classes",
        lossary.ParameterError,
        lambda: lossary.to_categorical([0], 0),
        "to_categorical: num_classes is 0; accepted is a whole number >= 1, or None for labels.max() + 1. For"
        " ten classes write num_classes=10",
    ),
    (
        "kernel_dtype",
        lossary.ParameterError,
        lambda: lossary.kernels.load("mse", dtype="float16"),
        "mean_squared_error: dtype is 'float16'; accepted are 'float32', also for half precision, and 'float64'. Write "
        "lossary.kernels.load(loss, dtype='float32')",
    ),
    (
        "cannot_report",
        lossary.ParameterError,
        lambda: lossary.huber(pt.vector(), pt.vector(), check="async"),
        "huber: check='async' looks at values inside compiled programs, and those of pytensor cannot report; accepted "
        "are arrays of PyTorch, JAX and TensorFlow. To leave values unread write check='shapes'",
    ),
    (
        "unnamed_classes",
        lossary.ParameterError,
        lambda: lossary.to_categorical(pt.lvector()),
        "to_categorical: the labels are symbolic, so their largest value is not known; write "
        "to_categorical(labels, num_classes=10)",
    ),
    (
        "fixed_parameter",
        AttributeError,
        lambda: setattr(lossary.Huber(), "delta", 2.0),
        "huber: delta of an object is fixed, because objects are compared, hashed and saved by their "
        "parameters; make a new one: loss = loss.replaced(delta=2.0)",
    ),
    (
        "fixed_parameter",
        AttributeError,
        lambda: setattr(lossary.Huber(), "reduction", "sum"),
        "huber: reduction of an object is fixed, because objects are compared, hashed and saved by their "
        "parameters; make a new one: loss = loss.replaced(reduction='sum')",
    ),
    (
        "own_call",
        lossary.ParameterError,
        lambda: type("Ten", (lossary.Huber,), {"__call__": lambda *_: 0.0})().total([0.0], [1.0]),
        "huber: Ten has a __call__ of its own, of which total knows nothing; accepted are losses by their formula. "
        "Define it with @lossary.loss, or as a sum: 10.0 * lossary.Huber()",
    ),
    (
        "setting_name",
        lossary.ParameterError,
        lambda: lossary.Huber(name=3),
        "huber: name is 3; accepted is a text, or None for the loss's own. Write name='my_huber'",
    ),
    (
        "axis_kind",
        lossary.ParameterError,
        lambda: lossary.Huber(axis=1.5),
        "huber: axis is 1.5; accepted are a whole number, the axis of the outputs of a data point, usually axis=-1, a "
        "tuple of them where the outputs lie along several axes, such as axis=(1, 2), or None for all axes",
    ),
    (
        "no_identifier",
        lossary.ParameterError,
        lambda: lossary.loss(name="my-loss")(_formula),
        "a loss cannot be called 'my-loss'; accepted are names as Python has them, of letters, digits and "
        "underscores. Write @lossary.loss(name='my_loss')",
    ),
    (
        "reserved_parameter",
        lossary.ParameterError,
        lambda: lossary.loss(name="tests_messages")(lambda y_true, y_pred, batch=1.0: y_pred),
        "tests_messages: a parameter cannot be called 'batch', which every loss has already; choose another, "
        "for example batch_",
    ),
    (
        "not_a_configuration",
        lossary.ParameterError,
        lambda: lossary.get({"class_name": "Huber", "config": None}),
        "a configuration holds None (NoneType); accepted is a dict of parameters by name, as get_config() "
        "gives it: {'class_name': 'Huber', 'config': {'delta': 2.0}}",
    ),
    (
        "configuration_of_another",
        lossary.ParameterError,
        lambda: lossary.Huber.from_config(lossary.MeanSquaredError().get_config()),
        "Huber.from_config was given a configuration of 'lossary>MeanSquaredError'; accepted is one of Huber. Write"
        " lossary.get(config), which finds the class by its name",
    ),
    (
        "stray_configuration",
        lossary.ParameterError,
        lambda: lossary.get({"class_name": "Huber", "config": {}, "delta": 2.0}),
        "a configuration holds 'delta' beside its 'config'; accepted are parameters inside it: {'class_name':"
        " 'Huber', 'config': {'delta': 2.0}}",
    ),
    (
        "not_found_again",
        lossary.ParameterError,
        lambda: pickle.dumps([made.cls() for made in _twice()]),
        "tests_twice: an object of _twice.<locals>.<listcomp>.<lambda>.cls cannot be pickled, because "
        "'tests_twice' has been defined again or was defined where no import finds it; accepted are losses at"
        " the top of a module. Write loss.get_config() to keep its settings alone",
    ),
    (
        "not_defined_here",
        lossary.UnknownLossError,
        lambda: blank("tests_elsewhere"),
        "tests_elsewhere: this pickle holds a loss of your own that is not defined here; accepted are losses "
        "that are known by name when it is loaded. Write import my_losses first, the module that defines it",
    ),
    (
        "terms_differ",
        lossary.ParameterError,
        lambda: lossary.Huber() + lossary.LogCosh(reduction="sum"),
        "weighted_sum: the terms have the reductions 'sum_over_batch_size', 'sum'; accepted is one for all. "
        "Write loss.replaced(reduction='sum_over_batch_size') for those that differ",
    ),
    (
        "terms_targets",
        lossary.ParameterError,
        lambda: lossary.Huber() + lossary.SparseCategoricalCrossentropy(),
        "weighted_sum: huber reads real numbers, sparse_categorical_crossentropy reads integer labels 0, 1, "
        "..., C - 1; accepted are terms that read the same targets. Write lossary.CategoricalCrossentropy() "
        "for the one with integer labels, and lossary.to_categorical(y_true)",
    ),
    (
        "terms_arguments",
        lossary.ParameterError,
        lambda: lossary.Huber() + lossary.TripletMargin(),
        "weighted_sum: huber takes (y_true, y_pred), triplet_margin takes (anchor, positive, negative); accepted are "
        "terms that take the same arguments. Add up what they return: total = first(y_true, y_pred) + second(anchor, "
        "positive, negative)",
    ),
    (
        "terms_shapes",
        lossary.ShapeError,
        lambda: (lossary.Huber() + lossary.LogCosh(axis=0)).replaced(reduction="none")(
            np.ones((2, 3)), np.ones((2, 3))
        ),
        "weighted_sum: the terms have values of shapes (2,), (3,); accepted is one shape where nothing is "
        "reduced. Write loss.replaced(reduction='sum_over_batch_size')",
    ),
    (
        "foreign_setting",
        lossary.ParameterError,
        lambda: lossary.get(torch.nn.MSELoss(reduction="sum")),
        "lossary.get: MSELoss has reduction='sum' over elements, which no setting here stands for; accepted "
        "are losses without it. Write lossary.MeanSquaredError(reduction='sum')(y_true.reshape(-1), "
        "y_pred.reshape(-1))",
    ),
    (
        "foreign_order",
        lossary.ParameterError,
        lambda: lossary.get(torch.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2])),
        "lossary.get: AdaptiveLogSoftmaxWithLoss takes (prediction, target); accepted are losses of other libraries "
        "with settings that one of ours has, and its arguments stand in another order here. Write "
        "lossary.NegativeLogLikelihood()   # of layer.log_prob(hidden); the layer itself, which computes fewer "
        "scores, is lossary.torch.AdaptiveLogSoftmaxWithLoss",
    ),
    (
        "foreign_order",
        lossary.ParameterError,
        lambda: lossary.get(torch.nn.NLLLoss()),
        "lossary.get: NLLLoss takes (prediction, target); accepted are losses of other libraries with settings that "
        "one of ours has, and its arguments stand in another order here. Write lossary.NegativeLogLikelihood()",
    ),
    (
        "foreign_order",
        lossary.ParameterError,
        lambda: lossary.get(torch.nn.CTCLoss()),
        "lossary.get: CTCLoss takes (prediction, target); accepted are losses of other libraries with settings that "
        "one of ours has, and its arguments stand in another order here. Write lossary.CTC()   # of scores (N, T, C) "
        "instead of logarithms (T, N, C), labels padded with the blank, where=arange(T) < input_lengths[:, None]; its "
        "mean divides each value by the number of labels",
    ),
    (
        "foreign_order",
        lossary.ParameterError,
        lambda: lossary.get(lambda input, target: input),
        "lossary.get: <lambda> takes (prediction, target); accepted are functions of (y_true, y_pred), and "
        "losses of other libraries that are among ours. Write lossary.get(lambda y_true, y_pred: loss(y_pred,"
        " y_true)), where loss is it",
    ),
    (
        "unknown_loss",
        lossary.UnknownLossError,
        lambda: lossary.get("reg:quantileerror"),
        "unknown loss 'reg:quantileerror'; another library calls a loss so. Write lossary.Pinball(quantile=alpha)   "
        "# quantile_alpha",
    ),
    (
        "parameter_beyond",
        lossary.ParameterError,
        lambda: lossary.Cauchy(c=1e-300)(np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")),
        "cauchy: c is 1e-300, and 0 in float32; accepted is a number > 0. Write lossary.Cauchy(c=1e-300)"
        "(numpy.asarray(y_true, 'float64'), numpy.asarray(y_pred, 'float64'))",
    ),
    (
        "unknown_loss",
        lossary.UnknownLossError,
        lambda: lossary.get("focl_loss"),
        "unknown loss 'focl_loss'; did you mean focal_loss? Another library calls a loss so. Write "
        "lossary.BinaryFocalCrossentropy(from_logits=True)   # of 0/1; "
        "lossary.CategoricalFocalCrossentropy(alpha=1.0, from_logits=True) of one-hot rows",
    ),
    (
        "unknown_loss",
        lossary.UnknownLossError,
        lambda: lossary.get("mean_absolute_error_loss"),
        "unknown loss 'mean_absolute_error_loss'; did you mean mean_absolute_error? All names: lossary.names()",
    ),
    (
        "reduction_name",
        lossary.ParameterError,
        lambda: lossary.KLDivergence(reduction="batchmean"),
        "kl_divergence: reduction is 'batchmean'; accepted are 'sum_over_batch_size', 'mean', "
        "'mean_with_sample_weight', 'sum', 'none', None. PyTorch's batchmean is the mean over data points, "
        "the default reduction='sum_over_batch_size'",
    ),
    (
        "labels_differ",
        lossary.ShapeError,
        lambda: lossary.huber(pd.Series([1.0, 2.0], ["a", "b"]), pd.Series([2.0, 1.0], ["b", "a"])),
        "huber: the labels of y_true and y_pred differ: 'a' at position 0 in y_true, 'b' in y_pred; values "
        "are read by position, so accepted are arguments whose labels agree. Write y_pred = "
        "y_pred.loc[y_true.index]",
    ),
    (
        "not_of_classes",
        lossary.ParameterError,
        lambda: demo.run(["triplet_margin"]),
        "demo: triplet_margin takes (anchor, positive, negative); accepted are losses of (y_true, y_pred) with one "
        "number per class. Write lossary demo huber",
    ),
    (
        "swapped",
        lossary.BackendError,
        lambda: lossary.poisson(torch.ones(2, requires_grad=True), torch.ones(2)),
        "poisson: y_true requires a gradient and y_pred does not; accepted is the order (y_true, y_pred), "
        "where the prediction is trained. Write loss(y_true, y_pred); where the target is differentiated on "
        "purpose, check='off', or let y_pred require a gradient too",
    ),
    (
        "not_dense",
        lossary.DTypeError,
        lambda: lossary.huber({"out": [1.0]}, [1.0]),
        "huber: y_true (dict) is not an array of numbers; accepted are arrays and nested lists with rows of "
        "equal length. Write y_true = y_true['out']",
    ),
    (
        "several",
        lossary.DTypeError,
        lambda: lossary.huber([1.0], (torch.ones(1), torch.ones(1))),
        "huber: y_pred is a tuple of 2 arrays; accepted is one array. If a model returned several outputs, "
        "write y_pred = y_pred[0], or a loss for each; for rows of one array y_pred = torch.stack(y_pred)",
    ),
    (
        "callable_total",
        lossary.ShapeError,
        lambda: lossary.get(lambda y_true, y_pred: y_pred.mean())([1.0], [1.0], where=[True]),
        "custom_loss: the function returned one number for the whole batch, which where= (or Keras's mask or "
        "weights) cannot reach; accepted with where is one value per data point, (1,). Reduce over the "
        "outputs only, for example mean(..., axis=-1)",
    ),
    (
        "exchanged",
        lossary.DomainError,
        lambda: lossary.hinge([0.5], [1.0]),
        "hinge: y_true[0] is 0.5; accepted are labels -1 or 1 (0 is read as -1). y_pred holds such targets: "
        "the order is (y_true, y_pred). Write lossary.hinge(y_true, y_pred)",
    ),
    (
        "along_one",
        lossary.DomainError,
        lambda: lossary.categorical_crossentropy(np.full((1, 2, 3), 0.5), np.full((1, 2, 3), 0.5)),
        "categorical_crossentropy: y_true[0, 0] sums to 1.5; accepted are rows that are distributions: one-"
        "hot, or probabilities that sum to 1. Along axis 1 they are; write "
        "lossary.categorical_crossentropy(y_true, y_pred, axis=1) for classes there",
    ),
    (
        "which_region",
        lossary.ParameterError,
        lambda: lossary.Dice()(np.ones((1, 2, 2, 1)), np.ones((1, 2, 2, 1))),
        "dice: axis is not given, and y_pred has 4 axes; accepted are the axes of one region. Write "
        "lossary.Dice(axis=(1, 2)) for channels last, axis=(2, 3) for channels first, axis=(1, 2, 3) for an image as "
        "one region, axis=None for the whole batch, or axis=(-1,) for the last axis alone",
    ),
    (
        "beyond_steps",
        lossary.DomainError,
        lambda: lossary.coral([1, 3], np.zeros((2, 2))),
        "coral: y_true[1] is 3; accepted are places 0 to 2 with 2 outputs, each of which is a step. For so many places "
        "the output layer needs 3 units",
    ),
    (
        "no_density",
        lossary.DomainError,
        lambda: lossary.aft_nll(np.array([[[1.0, 1.0], [0.0, 0.0]]]), np.zeros((1, 2))),
        "aft_nll: y_true's lower[0, 1] is 0, and so is upper; accepted are equal bounds between 0 and infinity, for "
        "what is known. For what came before the first look write upper = the time of it, for what is still to come "
        "lower = the time of the last",
    ),
    (
        "nothing_to_compare",
        lossary.ShapeError,
        lambda: lossary.ntxent(0, np.ones(3)),
        "ntxent: y_pred has shape (3,), one data point; accepted are embeddings (N, D), which are compared with each "
        "other. Write y_pred.reshape(-1, D) for embeddings of length D, and no vmap over them",
    ),
    (
        "no_axis_left",
        lossary.ParameterError,
        lambda: lossary.generalized_dice(np.ones((2, 2, 3)), np.ones((2, 2, 3)), axis=None),
        "generalized_dice: axis is None, which leaves none of the 3 axes of y_pred; accepted are axes beside which one "
        "is left, as that of the classes. Write lossary.GeneralizedDice(axis=(0, 1)) if that is the last",
    ),
    (
        "no_matrix",
        lossary.ShapeError,
        lambda: lossary.generalized_dice(np.ones(3), np.ones(3)),
        "generalized_dice: y_pred has shape (3,); accepted are data points with two axes each, shape (N, D, C). For "
        "one data point write y_pred = y_pred[None]",
    ),
    (
        "arguments_differ",
        lossary.ShapeError,
        lambda: lossary.gaussian_nll(np.zeros((3, 2)), np.ones((3, 4, 2))),
        "gaussian_nll: the shapes are y_true (3, 2), y_pred's mean (3, 4), y_pred's variance (3, 4); accepted are "
        "equal shapes, or (N,) with (N, 1). Nothing is broadcast: each part has the shape of the targets: y_pred = "
        "numpy.stack([mean, variance], -1)",
    ),
    (
        "arguments_differ",
        lossary.ShapeError,
        lambda: lossary.crps_ensemble(np.zeros(2), np.ones((3, 4))),
        "crps_ensemble: the shapes are y_true (2,), y_pred (3, 4); accepted are equal shapes, but for one number per "
        "row of y_true, or (N,) with (N, 1). Nothing is broadcast: print([x.shape for x in (y_true, y_pred)])",
    ),
    (
        "parts_count",
        lossary.ShapeError,
        lambda: lossary.gaussian_nll(np.zeros((3, 2)), np.ones((3, 2, 3))),
        "gaussian_nll: y_pred has shape (3, 2, 3); accepted are (mean, variance) along the last axis, of length 2, or "
        "a tuple of 2 arrays: y_pred = (mean, variance)",
    ),
    (
        "tuple_length",
        lossary.ShapeError,
        lambda: lossary.interval_score([1.0], ([0.0],)),
        "interval_score: y_pred is a tuple of 1; accepted are 2 arrays: y_pred = (lower, upper)",
    ),
    (
        "arguments_named",
        lossary.ParameterError,
        lambda: lossary.TripletMargin()([[1.0]], [[1.0]], other=[[1.0]]),
        "triplet_margin: 2 arguments came and other=; accepted are (anchor, positive, negative), and sample_weight= "
        "and where= by name. Write loss(anchor, positive, negative)",
    ),
    (
        "stacked",
        lossary.ShapeError,
        lambda: from_two(lossary.dpo.record, np.zeros((8, 3)), np.zeros((8, 2)), rows=False),
        "dpo: y_true has shape (8, 3); accepted are reference_chosen, reference_rejected along axis -1, of length 2. "
        "Write y_true = keras.ops.stack([reference_chosen, reference_rejected], axis=-1)",
    ),
    (
        "packed_shapes",
        lossary.ShapeError,
        lambda: lossary.pack(mean=[1.0], variance=[[1.0]]),
        "pack: the shapes are mean (1,), variance (1, 1); accepted are arrays of one shape. Write "
        "lossary.pack(mean=x, variance=y) with x.shape == y.shape",
    ),
    (
        "packed_shapes",
        lossary.ShapeError,
        lossary.pack,
        "pack: no arrays came; accepted are arrays of one shape. Write lossary.pack(mean=x, variance=y) with "
        "x.shape == y.shape",
    ),
    (
        "crossed",
        lossary.DomainError,
        lambda: lossary.generalized_iou([[[2.0, 0.0, 1.0, 1.0]]], [[[0.0, 0.0, 1.0, 1.0]]]),
        "generalized_iou: y_true's x1[0, 0] is 2, above x2, 1; accepted are x1 <= x2. Sort the two: x1, x2 = "
        "numpy.minimum(x1, x2), numpy.maximum(x1, x2)",
    ),
    (
        "outside",
        lossary.DomainError,
        lambda: lossary.gaussian_nll([1.0, 1.0], ([1.0, 1.0], [1.0, -1.0])),
        "gaussian_nll: y_pred's variance[1] is -1; accepted are numbers >= 0. Use a softplus output layer in front of "
        "this loss",
    ),
    (
        "no_kernel",
        lossary.LossError,
        lambda: lossary.kernels.source("ctc"),
        "ctc: there is no loop to show: its data points are matrices: no kernel yet. How a call is computed says "
        "lossary.kernels.explain('ctc')",
    ),
    (
        "no_script",
        lossary.LossError,
        lambda: javascript.source("ctc"),
        "ctc: it cannot be printed as JavaScript: its data points are matrices. In Python write "
        "lossary.get('ctc').value_and_grad(...)",
    ),
    (
        "missing_arguments",
        TypeError,
        lambda: lossary.crps_ensemble([1.0]),
        "crps_ensemble: missing y_pred; accepted are crps_ensemble(y_true, y_pred, fair: 'bool' = False, axis: 'int' = "
        "-1, *, check: 'str | None' = None). Write lossary.crps_ensemble(y_true, y_pred)",
    ),
    (
        "not_a_total",
        TypeError,
        lambda: lossary.Huber().total([0.0], [1.0]) + 1.0,
        "a total cannot be added to 1.0 (float); accepted are totals of the same loss. Write loss.total(y_true, "
        "y_pred) for "
        "the other, and .mean() once all are added up",
    ),
    (
        "no_others",
        lossary.BackendError,
        lambda: lossary.Huber().total(jnp.zeros(2), jnp.ones(2)).sync(),
        "total.sync: arrays of jax have no processes or devices to sum over in this way; accepted are tensors of "
        "PyTorch "
        "and TensorFlow with sync(), arrays of JAX with psum(axis_name). Write total.psum('batch'), with the axis_name "
        "of the devices",
    ),
    (
        "no_others",
        lossary.BackendError,
        lambda: lossary.Huber().total([0.0], [1.0]).psum("batch"),
        "total.psum: arrays of numpy have no processes or devices to sum over in this way; accepted are tensors of "
        "PyTorch and TensorFlow with sync(), arrays of JAX with psum(axis_name). Write sum(totals) over what the "
        "processes return",
    ),
    (
        "no_total",
        lossary.ShapeError,
        lambda: lossary.get(lambda y_true, y_pred: (y_true - y_pred).mean()).total(torch.zeros(4), torch.ones(4)),
        "custom_loss: the function returned one number for the whole batch, of which nothing says how much it weighs; "
        "accepted for total() is one value per data point, (4,). Reduce over the outputs only, for example mean(..., "
        "axis=-1)",
    ),
    (
        "in_torch_words",
        lossary.DomainError,
        lambda: lossary.torch.BCELoss()(torch.tensor([2.0]), torch.tensor([1.0])),
        "binary_crossentropy: input[0] is 2; accepted are probabilities in [0, 1]. Raw scores (no sigmoid in the "
        "last layer) "
        "need lossary.torch.BCEWithLogitsLoss()",
    ),
    (
        "module_shapes",
        lossary.ShapeError,
        lambda: lossary.torch.MSELoss()(torch.zeros(3, 2), torch.zeros(2)),
        "MSELoss: input has shape (3, 2) and target (2,); accepted are equal shapes. Nothing is broadcast: if target "
        "is to be repeated, write torch.broadcast_to(target, input.shape)",
    ),
    (
        "module_shapes",
        lossary.ShapeError,
        lambda: lossary.torch.MSELoss()(torch.zeros(2, 3, 4, 5), torch.zeros(2, 4, 5, 3)),
        "MSELoss: input has shape (2, 3, 4, 5) and target (2, 4, 5, 3); accepted are equal shapes. Nothing is "
        "broadcast: if its axes stand in another order, write target = torch.permute(target, (0, 3, 1, 2))",
    ),
    (
        "module_shapes",
        lossary.ShapeError,
        lambda: lossary.torch.TripletMarginLoss()(torch.zeros(2, 3), torch.zeros(2, 4), torch.zeros(2, 3)),
        "TripletMarginLoss: anchor has shape (2, 3) and positive (2, 4); accepted are equal shapes. Nothing is "
        "broadcast: take both from the same data points, anchor[:n] with positive[:n]",
    ),
    (
        "module_target_trained",
        lossary.BackendError,
        lambda: lossary.torch.BCELoss()(torch.ones(1), torch.ones(1, requires_grad=True)),
        "BCELoss: target requires a gradient and input does not; accepted is the order (input, target), where the "
        "input is trained. Write loss(input, target); where the target is trained on purpose, "
        "loss(input.detach().requires_grad_(), target)",
    ),
    (
        "module_swapped",
        lossary.ShapeError,
        lambda: lossary.torch.BCELoss()(torch.ones(1), torch.ones(2, requires_grad=True)),
        "BCELoss: target requires a gradient and input does not, and they do not fit; accepted is the order (input, "
        "target). Write loss(input, target)",
    ),
    (
        "module_classes",
        lossary.ShapeError,
        lambda: lossary.torch.CrossEntropyLoss()(torch.zeros(2, 3, 5), torch.zeros(2, 3, dtype=torch.long)),
        "CrossEntropyLoss: input has shape (2, 3, 5) and target (2, 3); accepted are the classes along axis 1, as in "
        "PyTorch. Write loss(input.movedim(-1, 1), target)",
    ),
    *(
        (
            "module_classes",
            lossary.ShapeError,
            lambda target=target: lossary.torch.CrossEntropyLoss()(torch.zeros(2, 3, 4, 5), target),
            f"CrossEntropyLoss: input has shape (2, 3, 4, 5) and target {tuple(target.shape)}; accepted are input (N, "
            f"C, ...) with a target (N, ...) of class indices, or (N, C, ...) of probabilities. {line}",
        )
        for target, line in (
            (
                torch.zeros(2, 4, 5, 3),
                "If its axes stand in another order, write target = torch.permute(target, (0, 3, 1, 2))",
            ),
            (torch.zeros(2, 3, 4, 5).long(), "Write target.float() of probabilities and rows of 0 and 1"),
            (torch.zeros(2, 1, 4, 5).long(), "Write target = target.reshape((2, 4, 5))"),
        )
    ),
    (
        "module_number",
        lossary.ShapeError,
        lambda: lossary.torch.MultiMarginLoss()(torch.tensor(0.5), torch.tensor(0)),
        "MultiMarginLoss: input has shape (); accepted are vectors, (C,) for one data point and (N, C) for a batch. "
        "Write input.reshape(1) if its vector has one entry",
    ),
    (
        "module_hidden",
        lossary.ShapeError,
        lambda: lossary.torch.AdaptiveLogSoftmaxWithLoss(4, 6, [2])(torch.zeros(2, 3, 4), torch.zeros(2, 3)),
        "AdaptiveLogSoftmaxWithLoss: input_ has shape (2, 3, 4) and target_ (2, 3); accepted are vectors (N, F) with "
        "one label each, (N,), or one vector and its label. Write layer(input_.reshape(-1, input_.shape[-1]), "
        "target_.reshape(-1))",
    ),
    (
        "module_label",
        lossary.DomainError,
        lambda: lossary.torch.AdaptiveLogSoftmaxWithLoss(4, 6, [2])(torch.zeros(2, 4), torch.tensor([1, -100])),
        "AdaptiveLogSoftmaxWithLoss: target_ holds -100; accepted are labels 0 to 5. Write rows = (target_ >= 0) & "
        "(target_ < 6) and layer(input_[rows], target_[rows]) to leave such rows out",
    ),
    *(
        (
            "no_formula",
            lossary.LossError,
            cls,
            f"{cls.__name__}: lossary.Loss has no formula; accepted are functions of (y_true, y_pred). Write "
            "lossary.get(lambda y_true, y_pred: abs(y_pred - y_true).mean(-1)) with a formula of yours, or one with "
            "@lossary.loss",
        )
        for cls in (lossary.Loss, type("MyLoss", (lossary.Loss,), {"call": _formula}))
    ),
    (
        "module_negative",
        lossary.DomainError,
        lambda: lossary.torch.KLDivLoss()(torch.full((2, 2), -0.7), torch.tensor([[0.5, 0.5], [-0.7, 0.0]])),
        "KLDivLoss: target[1, 0] is -0.7; accepted are probabilities, >= 0. Of logarithms of probabilities write "
        "log_target=True",
    ),
    (
        "module_steps",
        lossary.ShapeError,
        lambda: lossary.torch.CTCLoss()(torch.zeros(3), torch.zeros(1, dtype=torch.long), 1, 1),
        "CTCLoss: log_probs has shape (3,); accepted are (T, N, C), the classes' logarithms at each of T steps of N "
        "sequences, and (T, C) for one sequence. Write log_probs.reshape(1, -1) if it holds one step of one sequence",
    ),
    (
        "module_weight",
        lossary.ShapeError,
        lambda: lossary.torch.NLLLoss(torch.ones(2))(torch.zeros(1, 3), torch.zeros(1, dtype=torch.long)),
        "NLLLoss: weight has shape (2,); accepted is one weight per class, (3,). Write weight=torch.ones(3) with "
        "weights "
        "of yours",
    ),
    (
        "module_setting",
        lossary.ParameterError,
        lambda: lossary.torch.HuberLoss(reduction="average"),
        "HuberLoss: reduction='average'; accepted are 'mean', 'sum', 'none'. Write reduction='mean'",
    ),
    (
        "module_fixed",
        lossary.ParameterError,
        lambda: setattr(lossary.torch.HuberLoss(), "delta", 2.0),
        "HuberLoss: delta of a module is fixed, as the loss that computes is made with it; accepted are reduction and "
        "sync. Write loss = lossary.torch.HuberLoss(delta=2.0)",
    ),
    (
        "element_shapes",
        lossary.ShapeError,
        lambda: lossary.optax.huber_loss(jnp.zeros(2), jnp.zeros((2, 2))),
        "huber: the predictions have shape (2,) and the targets (2, 2); accepted are equal shapes. Nothing is "
        "broadcast: the last layer needs one unit per column of targets, 2 in all",
    ),
    (
        "element_shapes",
        lossary.ShapeError,
        lambda: lossary.optax.kl_divergence(jnp.zeros((2, 3)), jnp.zeros((3, 2))),
        "kl_divergence: the predictions have shape (2, 3) and the targets (3, 2); accepted are equal shapes. Nothing "
        "is broadcast: if its axes stand in another order, write targets = jax.numpy.transpose(targets, (1, 0))",
    ),
    (
        "labels_to_smooth",
        lossary.DTypeError,
        lambda: lossary.optax.smooth_labels(jnp.asarray([0, 1]), 0.1),
        "smooth_labels: labels has dtype int32; accepted are floats, one per class. Write jax.nn.one_hot(labels, "
        "num_classes) of integer labels, labels.astype(float) of rows of 0 and 1",
    ),
    (
        "of_one_prediction",
        lossary.LossError,
        lambda: lossary.hf.compute_loss_func("triplet_margin"),
        "triplet_margin: takes anchor, positive, negative, and a Trainer has (y_true, y_pred); accepted are losses of "
        "these. Write lossary.TripletMargin()(anchor, positive, negative)",
    ),
    (
        "no_labels",
        lossary.ParameterError,
        lambda: lossary.hf.compute_loss_func("mse")({"logits": torch.zeros(1, 1)}, None),
        "compute_loss_func: labels is None; accepted are the labels of the batch, which the Trainer hands over where "
        "the "
        "data set has a column of that name. Write dataset.rename_column('target', 'labels')",
    ),
    (
        "no_logits",
        lossary.ParameterError,
        lambda: lossary.hf.compute_loss_func("mse")({}, torch.zeros(1)),
        "compute_loss_func: the model returned dict without logits; accepted are outputs with logits, a dict with "
        "'logits', or a tuple that begins with them. Write return {'logits': scores} in the model's forward",
    ),
]
# Functions that write no text of their own, and those of compiled graphs, which the TensorFlow tests read.
# Functions that write no text of their own, those of compiled graphs, which the TensorFlow tests read, and those that
# only Keras meets, which its suites read.
OTHERS = {"class_weight_of_batches", "class_weight_per_row", "keras_tensor", "no_targets"}
OTHERS |= {"several_losses", "targets_by_name"}
OTHERS |= {"placed", "shape_text", "short", "shown", "shapes_at_run_time", "sibling", "unreported"}


@pytest.mark.parametrize(("builder", "kind", "call", "text"), MESSAGES, ids=lambda x: x if isinstance(x, str) else "")
def test_text(builder: str, kind: type[Exception], call: Callable[[], Any], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == text


def test_every_text_is_tested() -> None:
    own = {
        name
        for module in (arguments, calls, names, objects, seams, values)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and name[0] != "_" and value.__module__ == module.__name__
    }
    assert own - OTHERS == {builder for builder, *_ in MESSAGES}


REMEDIES = (
    "accepted",
    "did you mean",
    "make a new",
    "rite ",
    "How a call is computed",
    "choose",
    "Skip",
    "the object does",
    "Convert one",
    "the call is",
    "give it one",
)


def test_every_text_names_what_is_accepted_or_what_to_do() -> None:
    for _, kind, _, text in MESSAGES:
        assert issubclass(kind, lossary.LossError | AttributeError | TypeError)
        assert any(remedy in text for remedy in REMEDIES), text
        assert len(text) < 420 or "peer='theano'" in text  # All libraries are listed.
