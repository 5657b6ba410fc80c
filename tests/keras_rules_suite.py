"""Keras's own rules, with Keras's own losses beside ours; `test_keras.py` runs this file once with each backend."""

from __future__ import annotations

import copy
import math
import os
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import scipy.sparse
from keras.src.backend import set_keras_mask
from keras.src.backend.common import global_state

import lossary
import lossary.keras as lk
from lossary.adapters import keras_kin

RNG = np.random.default_rng(3)
ops = keras.ops


def constant(outputs, base=lk.Sequential, **settings):
    """A model of one input column that answers every row with these outputs."""
    outputs = np.asarray(outputs, "float32")
    model = base([keras.Input((1,)), Answers(outputs, **settings)])
    return model, np.zeros((len(outputs), 1), "float32")


@keras.saving.register_keras_serializable("rules")
class Answers(keras.layers.Layer):
    """Trainable outputs, one set for each row of the batch, with a mask if there is one."""

    def __init__(self, outputs, mask=None):
        super().__init__()
        self.outputs, self.keeps = outputs, mask
        self.supports_masking = True

    def build(self, shape):
        self.kernel = self.add_weight(shape=self.outputs.shape, initializer=lambda shape, dtype: self.outputs)

    def call(self, x):
        return self.kernel + 0.0 * ops.reshape(x, (-1,) + (1,) * (len(self.outputs.shape) - 1))

    def compute_mask(self, x, mask=None):
        return None if self.keeps is None else ops.convert_to_tensor(self.keeps)

    def compute_output_shape(self, shape):
        return (shape[0], *self.outputs.shape[1:])


def value(loss, y, outputs, *, base=lk.Sequential, mask=None, **settings):
    """What one step of training says, and the outputs after it."""
    model, x = constant(outputs, base, mask=mask)
    model.compile(
        loss=loss, optimizer=keras.optimizers.SGD(1.0), **({"doctor": "off"} if base is lk.Sequential else {})
    )
    history = model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0, **settings)
    return history.history["loss"][0], model.get_weights()[0]


def same(loss, reference, y, outputs, **settings):
    ours, after = value(loss, y, outputs, **settings)
    settings.pop("base", None)
    theirs, expected = value(reference, y, outputs, base=keras.Sequential, **settings)
    assert ours == pytest.approx(theirs, rel=1e-5)
    np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)


# --- shapes -----------------------------------------------------------------------------------------------------------

T = np.array([[1.0, 0.0, 0.0], [0.0, 0.25, 0.75]], "float32")
S = RNG.normal(size=(2, 3, 1)).astype("float32")
P = np.exp(S) / np.exp(S).sum(1, keepdims=True)


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize(
    ("loss", "reference", "outputs"),
    [
        (lossary.CategoricalCrossentropy(from_logits=True), keras.losses.CategoricalCrossentropy(from_logits=True), S),
        (lossary.KLDivergence(), keras.losses.KLDivergence(), P),
        (lossary.CosineSimilarity(), keras.losses.CosineSimilarity(), S),
        (lossary.CategoricalHinge(), keras.losses.CategoricalHinge(), S),
        (lossary.MeanSquaredError(), keras.losses.MeanSquaredError(), S),
        (lossary.cosine_similarity, keras.losses.cosine_similarity, S),
    ],
)
def test_predictions_with_a_trailing_one_are_squeezed(base, loss, reference, outputs):
    same(loss, reference, T, outputs, base=base)
    same(loss, reference, T, outputs, base=base, sample_weight=np.array([3.0, 1.0]))


def spread(y_true, y_pred):
    return ops.max(ops.abs(y_true - y_pred), -1)


def test_own_functions_see_squeezed_predictions():
    assert value(spread, T, S)[0] == pytest.approx(np.abs(T - S[..., 0]).max(1).mean(), rel=1e-5)


# --- plain models: weights, masks, subclasses -------------------------------------------------------------------------


class Ten(lossary.Huber):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return 10 * super().__call__(y_true, y_pred, sample_weight)


class Keyed(lossary.Huber):
    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **kwargs)


@pytest.mark.compiled
@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize(("loss", "factor"), [(Ten(), 10), (Keyed(), 1), (copy.copy(lossary.Huber()), 1)])
def test_weights_reach_subclasses(base, loss, factor):
    y, w = np.array([[2.0], [4.0]]), np.array([3.0, 1.0])
    # Huber at distances 2 and 4 is 1.5 and 3.5: (3 * 1.5 + 1 * 3.5) / 2.
    assert value(loss, y, np.zeros((2, 1)), base=base, sample_weight=w)[0] == pytest.approx(4.0 * factor)


def test_every_loss_is_one_of_kerass():
    assert isinstance(lossary.Huber(), keras.losses.Loss)
    assert issubclass(lossary.Huber, keras.losses.Loss)
    values = lossary.Huber().call(ops.zeros((2, 1)), ops.ones((2, 1)))
    np.testing.assert_allclose(ops.convert_to_numpy(values), [0.5, 0.5])


LABELS = np.array([[0, 1, 255, 255], [1, 0, 0, 1]])
SCORES = RNG.normal(size=(2, 4, 2)).astype("float32")
IGNORING = {"from_logits": True, "ignore_class": 255}


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize(
    "loss",
    [
        lossary.SparseCategoricalCrossentropy(**IGNORING),
        lambda y, p: lossary.sparse_categorical_crossentropy(y, p, **IGNORING),
        lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p, **IGNORING),
    ],
)
def test_ignored_labels_leave_the_denominator(base, loss):
    shares = SCORES - np.log(np.exp(SCORES).sum(-1, keepdims=True))
    kept = LABELS != 255
    expected = -np.take_along_axis(shares, np.where(kept, LABELS, 0)[..., None], -1)[..., 0][kept].mean()
    assert value(loss, LABELS, SCORES, base=base)[0] == pytest.approx(expected, rel=1e-5)


def test_calls_find_at_once_that_keras_has_neither_a_scope_nor_a_mask():
    def started():
        keras_kin._start()
        return vars(global_state.GLOBAL_STATE_TRACKER)

    with ThreadPoolExecutor(1) as fresh:  # Where Keras knows of nothing yet.
        assert fresh.submit(started).result() == {"name_scope_stack": [], "_keras_mask_dict": {}}
    assert keras_kin._MARK == "_keras_mask"


@pytest.mark.parametrize("convert", [np.asarray, ops.convert_to_tensor])
def test_masks_that_plain_calls_meet_after_a_session_was_cleared(convert):
    y_true, y_pred = convert(np.zeros((2, 1), "float32")), convert(np.array([[1.0], [3.0]], "float32"))
    assert float(lossary.MeanSquaredError()(y_true, y_pred)) == 5.0
    keras.utils.clear_session()
    set_keras_mask(y_pred, ops.convert_to_tensor([False, True]))
    assert float(lossary.MeanSquaredError()(y_true, y_pred)) == 9.0
    set_keras_mask(y_pred, None)
    assert float(lossary.MeanSquaredError()(y_true, y_pred)) == 5.0


@pytest.mark.costly
def test_symbols_of_torch_fx_are_named_whatever_keras_runs_on():
    torch = pytest.importorskip("torch")

    class Model(torch.nn.Module):
        def forward(self, y_true, y_pred):
            return lossary.MeanSquaredError()(y_true, y_pred)

    with pytest.raises(lossary.DTypeError, match=r"y_pred \(torch Proxy\).*Write torch\.export\.export"):
        torch.fx.symbolic_trace(Model())


@pytest.mark.costly
def test_functions_that_ignore_labels_are_compiled_by_torch_whatever_keras_runs_on():
    torch = pytest.importorskip("torch")
    step = torch.compile(lossary.sparse_categorical_crossentropy, fullgraph=True, backend="eager")
    found = step(torch.tensor([0, 1]), torch.tensor([[0.25, 0.75], [0.5, 0.5]]), ignore_class=1)
    np.testing.assert_allclose(found, [math.log(4), 0.0], rtol=1e-6)


MASK = np.array([[True, True, False, False], [True, True, True, True]])


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize(
    "loss",
    [
        lossary.SparseCategoricalCrossentropy(from_logits=True),
        lambda y, p: lossary.sparse_categorical_crossentropy(y, p, from_logits=True),
    ],
)
def test_labels_under_a_mask_are_never_looked_at(base, loss):
    labels = np.where(MASK, LABELS % 2, -1)
    reference = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ours, after = value(loss, labels, SCORES, base=base, mask=MASK)
    theirs, expected = value(reference, np.where(MASK, labels, 0), SCORES, base=keras.Sequential, mask=MASK)
    assert ours == pytest.approx(theirs, rel=1e-5)
    np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [
        (lossary.SparseCategoricalCrossentropy(), [0, -1], [[0.5, 0.5], [0.9, 0.1]]),
        (lossary.MeanSquaredLogarithmicError(), [[math.e - 1], [-5.0]], [[0.0], [1.0]]),
        (lossary.Huber(), [[1.5], [np.nan]], [[0.0], [1.0]]),
        (lossary.Huber(), [[1.5], [1.0]], [[0.0], [np.inf]]),
    ],
)
def test_points_of_weight_0_are_never_looked_at_but_counted(base, loss, y, outputs):
    expected = {"sparse_categorical_crossentropy": math.log(2), "huber": 1.0}.get(loss.name, 1.0) / 2
    for weights in ([1.0, 0.0], [[1.0], [0.0]]):
        found, after = value(loss, np.array(y), outputs, base=base, sample_weight=np.array(weights))
        assert found == pytest.approx(expected, rel=1e-6)
        np.testing.assert_array_equal(after[1], np.asarray(outputs, "float32")[1])
        assert np.isfinite(after[0]).all()


def total_step(y_true, y_pred):
    """Looks beyond its own step: the sum of all outputs of a row, at each of them."""
    return ops.abs(ops.sum(y_pred, (1, 2)))[:, None] + 0.0 * y_true[..., 0]


def test_own_functions_are_shown_what_lies_under_a_mask():
    outputs = np.ones((1, 3, 1))
    mask = np.array([[True, False, False]])
    assert value(total_step, np.zeros((1, 3, 1)), outputs, mask=mask)[0] == pytest.approx(3.0)


# --- own functions: what Keras takes ----------------------------------------------------------------------------------

Y2, P2 = RNG.normal(size=(3, 2)).astype("float32"), RNG.normal(size=(3, 2)).astype("float32")
IMAGE, OUT = RNG.normal(size=(2, 4, 3, 1)).astype("float32"), RNG.normal(size=(2, 4, 3, 1)).astype("float32")


def gradients(y, p):
    return ops.abs((p[:, 1:] - p[:, :-1]) - (y[:, 1:] - y[:, :-1]))


@pytest.mark.parametrize(
    ("function", "y", "outputs", "expected"),
    [
        (lambda y, p: ops.abs(y - p), Y2, P2, np.abs(Y2 - P2).mean()),
        (lambda y, p: ops.mean(ops.abs(y - p), 0), Y2, P2, np.abs(Y2 - P2).mean()),
        (lambda y, p: ops.max(ops.abs(y - p)), Y2, P2, np.abs(Y2 - P2).max()),
        (lambda y, p: ops.mean(ops.abs(y - p), (1, 2, 3), keepdims=True), IMAGE, OUT, np.abs(IMAGE - OUT).mean()),
        (gradients, IMAGE, OUT, np.abs(np.diff(OUT, axis=1) - np.diff(IMAGE, axis=1)).mean()),
        (
            lambda y, p: ops.cast(ops.sum(y < p, -1), "int32") + 0 * ops.cast(p[:, 0], "int32"),
            Y2,
            P2,
            (Y2 < P2).sum(1).mean(),
        ),
        (lambda y, p: 0.25 if p is not None else 0.0, Y2, P2, 0.25),
    ],
)
def test_own_functions_may_return_any_shape(function, y, outputs, expected):
    model, x = constant(outputs)
    model.compile(loss=function, optimizer="sgd")
    assert model.evaluate(x, y, batch_size=len(x), verbose=0) == pytest.approx(expected, rel=1e-5)


def test_weights_line_up_with_leading_axes_of_any_result():
    w = np.array([2.0, 0.5])
    expected = (w[:, None, None, None] * np.abs(np.diff(OUT, axis=1) - np.diff(IMAGE, axis=1))).mean()
    assert value(gradients, IMAGE, OUT, sample_weight=w)[0] == pytest.approx(expected, rel=1e-5)


def test_a_scalar_under_a_mask_is_told_that_the_mask_is_the_reason():
    with pytest.raises(lossary.ShapeError, match=r"which where= \(or Keras's mask or weights\) cannot reach"):
        value(lambda y, p: ops.mean(ops.abs(y - p)), np.zeros((2, 4, 2)), SCORES, mask=MASK)


# --- class weights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("trailing", [False, True])
def test_class_weights_of_sequences_and_images_weight_every_position(trailing, image):
    labels, by_class = LABELS % 2, {0: 10.0, 1: 0.5}
    scores = SCORES.reshape(2, 2, 2, 2) if image else SCORES
    labels = labels.reshape(scores.shape[:-1])
    y = labels[..., None] if trailing else labels
    weight = np.where(labels == 0, 10.0, 0.5)
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True)
    expected = value(
        keras.losses.get(keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        labels,
        scores,
        base=keras.Sequential,
        sample_weight=weight,
    )
    found = value(loss, y, scores, class_weight=by_class)
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-4, atol=1e-6)


def test_class_weights_of_one_batch_are_those_of_fit():
    labels = np.array([[0, 1], [1, 1]])
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True)
    model = lk.Sequential([keras.Input((2, 2)), keras.layers.Activation("linear")])
    model.compile(loss=loss, optimizer="sgd")
    found = model.train_on_batch(np.zeros((2, 2, 2)), labels, class_weight={0: 9.0})
    assert float(found) == pytest.approx(math.log(2) * (9 + 1 + 1 + 1) / 4, rel=1e-5)
    model.compile(loss="binary_crossentropy", optimizer="sgd")
    with pytest.raises(lossary.ParameterError, match=r"sample_weight=numpy.vectorize"):
        model.train_on_batch(np.full((2, 2, 2), 0.5), np.ones((2, 2, 2)), class_weight={0: 9.0})


@pytest.mark.parametrize("inputs", [np.asarray, scipy.sparse.coo_matrix])
def test_class_weights_leave_the_validation_split_alone(inputs):
    labels = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    model = lk.Sequential(
        [keras.Input((1,)), keras.layers.Dense(4, kernel_initializer="zeros"), keras.layers.Reshape((2, 2))]
    )
    model.compile(loss=lossary.SparseCategoricalCrossentropy(from_logits=True), optimizer=keras.optimizers.SGD(0.0))
    x = inputs(np.zeros((4, 1)))
    history = model.fit(x, labels, class_weight={0: 4.0}, validation_split=0.5, verbose=0).history
    assert history["loss"][0] == pytest.approx(math.log(2) * (4 + 1 + 1 + 1) / 4, rel=1e-5)
    assert history["val_loss"][0] == pytest.approx(math.log(2), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [
        ("binary_crossentropy", [[1.0, 1.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]),
        ("mse", [[1.0, 3.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]),
        ("binary_crossentropy", np.zeros((2, 3, 3, 1)), np.full((2, 3, 3, 1), 0.5)),
        ("categorical_crossentropy", np.eye(2)[[[0, 1], [1, 1]]], np.full((2, 2, 2), 0.5)),
    ],
)
def test_class_weights_without_one_class_per_point_name_the_way(loss, y, outputs):
    with pytest.raises(lossary.ParameterError, match=r"sample_weight=numpy.vectorize"):
        value(loss, np.array(y), outputs, class_weight={0: 1.0, 1: 5.0})


def test_class_weights_of_batches_of_sequences_name_the_way():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return np.zeros((2, 1), "float32"), LABELS % 2

    model, _ = constant(SCORES)
    model.compile(loss=lossary.SparseCategoricalCrossentropy(from_logits=True), optimizer="sgd", doctor="off")
    with pytest.raises(lossary.ParameterError, match=r"batches hold \(x, y, weight\)"):
        model.fit(Batches(), class_weight={0: 2.0}, verbose=0)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_several_losses_for_one_output_are_an_error():
    model, x = constant([[0.0], [1.0]])
    model.compile(loss=["mse", lossary.Huber(delta=2.0)], optimizer="sgd", doctor="off")
    with pytest.raises(lossary.ParameterError, match="one loss per output") as caught:
        model.fit(x, np.zeros((2, 1)), verbose=0)
    _, _, advice = str(caught.value).partition("is one loss: loss=")
    assert advice == "lossary.MeanSquaredError() + lossary.Huber(delta=2.0)"
    model.compile(loss=eval(advice), optimizer="sgd", doctor="off")
    model.fit(x, np.zeros((2, 1)), verbose=0)


def test_complex_outputs_are_an_error():
    y = np.array([[1.0 + 1.0j]], "complex64")
    with pytest.raises(lossary.DTypeError, match="complex"):
        lk.KerasLoss("mae")(ops.zeros((1, 1)), ops.convert_to_tensor(y))


def test_places_of_arrays_are_an_error():
    for loss in (lossary.Huber(), lk.KerasLoss("huber"), lossary.huber):
        with pytest.raises(lossary.DTypeError, match="KerasTensor"):
            loss(keras.Input((3,)), keras.Input((3,)))


@pytest.mark.parametrize(
    ("y", "loss", "settings", "text"),
    [
        (
            np.zeros((2, 1)),
            ["mse", "mae"],
            {},
            "mean_squared_error: the model has one output and loss is a list of 2, of which Keras would count the "
            "first; accepted is one loss per output. Their sum is one loss: loss="
            "lossary.MeanSquaredError() + lossary.MeanAbsoluteError()",
        ),
        *(
            (
                None,
                "mse",
                settings,
                "mean_squared_error: the model has a loss and no targets came (y is None); accepted are arrays x and "
                "y, or batches (x, y), also with steps=. Write model.fit(x, y)",
            )
            for settings in ({}, {"steps_per_epoch": 1})
        ),
        (
            {"out": np.zeros((2, 1))},
            "mse",
            {},
            "mean_squared_error: the targets are a dict with 'out' and the model has one output; accepted is an array. "
            "Write y = y['out']",
        ),
        (
            np.zeros((2, 3)),
            "mse",
            {"class_weight": {0: 1.0}},
            "mean_squared_error: class_weight with targets of shape (2, 3), of which Keras would take the largest "
            "entry along the last axis for the class; accepted are one class per data point: labels (N,) or (N, 1), or "
            "one-hot rows (N, C). For several labels or positions give every entry its weight: model.fit(x, y, "
            "sample_weight=numpy.vectorize(lambda each: class_weight.get(int(each), 1.0))(y))",
        ),
    ],
)
def test_texts(y, loss, settings, text):
    model, x = constant([[0.0], [1.0]])
    model.compile(loss=loss, optimizer="sgd", doctor="off")
    with pytest.raises(lossary.LossError) as caught:
        model.fit(x, y, verbose=0, **settings)
    assert str(caught.value).startswith(text)  # JAX adds a note of its own.


def test_the_text_about_places_of_arrays():
    with pytest.raises(lossary.DTypeError) as caught:
        lk.KerasLoss("huber")(np.zeros((1, 1)), keras.Input((1,)))
    assert str(caught.value) == (
        "huber: y_pred is a KerasTensor, the place of an array in a model; accepted are arrays with values. Hand the "
        "loss to the model: model.compile(loss='huber'); what joins the graph is a layer that calls self.add_loss(...)"
    )


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
def test_complex_outputs_of_a_model_are_an_error(base):
    model = base([keras.Input((1,)), keras.layers.Lambda(lambda x: ops.view_as_complex(ops.concatenate([x, x], -1)))])
    model.compile(loss=lossary.MeanAbsoluteError(), optimizer="sgd")
    with pytest.raises(lossary.DTypeError, match="complex"):
        model.evaluate(np.ones((2, 1)), np.zeros((2,)), verbose=0)


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize("check", [pytest.param(None, marks=pytest.mark.compiled), "full"])
def test_one_fit_has_one_answer(base, check):
    """What most steps cannot see, as they are compiled, no step looks at; asked for, every eager one does."""
    eager = keras.backend.backend() == "torch"
    loss = lossary.MeanSquaredLogarithmicError(check=check)
    if check and eager:
        with pytest.raises(lossary.DomainError, match="y_true"):
            value(loss, np.array([[-5.0], [1.0]]), np.ones((2, 1)), base=base)
    else:
        assert not math.isnan(value(loss, np.array([[-0.5], [1.0]]), np.ones((2, 1)), base=base)[0])
    for name, y, outputs in (
        ("hinge", [[0.3], [1.0]], [[0.1], [0.2]]),
        ("categorical_crossentropy", [[0.0, 0.0], [1.0, 1.0]], [[0.5, 0.5], [0.25, 0.75]]),
    ):
        same(lossary.get(name), getattr(keras.losses, name), np.array(y), outputs, base=base)


def test_wide_whole_numbers_keep_their_value():
    y = np.array([[3_000_000_000]])
    assert float(lk.KerasLoss("mae")(y, np.array([[3e9]], "float32"))) == 0.0
    assert value("mae", y, [[3e9]])[0] == 0.0


# --- names and files --------------------------------------------------------------------------------------------------


def test_the_configuration_of_a_loss_is_found_by_keras():
    loss = lossary.Huber(delta=2.0)
    assert keras.losses.get(loss.get_config()) == loss


@pytest.mark.parametrize("labels", [pytest.param(False, marks=pytest.mark.costly), True])
def test_every_name_is_a_metric(labels):
    names = [
        name for name in lossary.names() if (r := lossary.get(name).record).is_pair and r.labels_are_integers == labels
    ]
    names += [] if labels else ["logcosh", "huber_loss"]
    p = np.array([[0.75, 0.25], [0.5, 0.5]], "float32")
    y, w = np.array([0, 1]) if labels else np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([3.0, 1.0])
    model, x = constant(p)
    objects = [lossary.get(name, name=f"object_{name}") for name in names]
    model.compile(loss=names[0], optimizer="sgd", metrics=names, weighted_metrics=objects)
    found = model.evaluate(x, y, sample_weight=w, batch_size=2, verbose=0, return_dict=True)
    for name, loss in zip(names, objects, strict=True):
        values = lossary.get(name, reduction="none", check="off")(y, p)
        # Where both have the name it is Keras's: similarities and correlations reward, and a root is that of all means.
        if "correlation" not in name and not name.startswith("root"):
            assert abs(found[name]) == pytest.approx(abs(values.mean()), rel=1e-5), name
        assert found[loss.name] == pytest.approx((w * values).sum() / w.sum(), rel=1e-5)


@pytest.mark.compiled
def test_metrics_of_masked_and_weighted_points():
    metric = lk.KerasMetric(lossary.Huber(delta=2.0))
    y = np.where(MASK, LABELS % 2, np.nan)[..., None]
    w = np.array([1.0, 3.0])
    metric.update_state(y, _masked(SCORES[..., :1]), w)
    spread_w = np.broadcast_to(w[:, None], (2, 4))[MASK]
    error = np.abs(SCORES[..., 0] - LABELS % 2)[MASK]
    huber = np.where(error <= 2, error**2 / 2, 2 * error - 2)
    assert float(metric.result()) == pytest.approx((spread_w * huber).sum() / spread_w.sum(), rel=1e-5)
    again = lk.KerasMetric.from_config(metric.get_config())
    assert again.loss == metric.loss
    # A class to ignore is neither added nor counted: log 4 for each label that is left.
    metric = lk.KerasMetric(lossary.SparseCategoricalCrossentropy(ignore_class=255))
    metric.update_state(np.array([[0, 1, 255], [255, 2, 3]]), np.full((2, 3, 4), 0.25, np.float32), w)
    assert float(metric.result()) == pytest.approx(np.log(4.0), rel=1e-6)


def test_metrics_of_sums_count_for_each_term_what_counts_there():
    scce = lossary.SparseCategoricalCrossentropy
    metric = lk.KerasMetric(scce(ignore_class=2) + 2.0 * scce(ignore_class=0))
    shares = np.tile(np.array([0.25, 0.25, 0.5], np.float32), (2, 2, 1))
    for _ in range(2):  # The second time after a reset.
        metric.reset_state()
        metric.update_state(np.array([[0, 2], [1, 2]]), shares, np.array([1.0, 3.0]))
        metric.update_state(np.array([[0, 0], [0, 0]]), shares)
        # All labels but 2 have log 4; all but 0 are a 2 of weight 1, and a 1 and a 2 of weight 3.
        expected = np.log(4.0) + 2.0 * (np.log(2.0) + 3.0 * np.log(4.0) + 3.0 * np.log(2.0)) / 7.0
        assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    assert lk.KerasMetric.from_config(metric.get_config()).loss == metric.loss
    model, x = constant(shares, keras.Sequential)
    # On TensorFlow Keras begins with whatever a metric has seen before.
    metric = lk.KerasMetric(metric.loss)
    model.compile(loss="sparse_categorical_crossentropy", metrics=[metric], optimizer="sgd")
    found = model.evaluate(x, np.array([[0, 2], [1, 2]]), verbose=0, return_dict=True)
    expected = np.log(4.0) + 2.0 * (2.0 * np.log(2.0) + np.log(4.0)) / 3.0
    assert found[metric.name] == pytest.approx(expected, rel=1e-6)


def test_metrics_of_own_functions_count_what_these_leave():
    def own(y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, ignore_class=2)

    metric = lk.KerasMetric(own)
    metric.update_state(np.array([[0, 2], [1, 2]]), np.full((2, 2, 4), 0.25, np.float32), np.array([1.0, 3.0]))
    assert float(metric.result()) == pytest.approx(np.log(4.0), rel=1e-6)


def _masked(outputs):
    model, x = constant(outputs, keras.Sequential, mask=MASK)
    return model(x)


@pytest.mark.parametrize("names", [("class_name", "config"), ("class_name", "other"), ("config", "b")])
def test_outputs_may_have_any_name(names):
    x = keras.Input((1,))
    layers = [keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones", name=name) for name in names]
    model = lk.Model(x, {name: layer(x) for name, layer in zip(names, layers, strict=True)})
    model.compile(loss=dict(zip(names, ["mse", "mae"], strict=True)), optimizer="sgd", doctor="off")
    y = {names[0]: np.full((2, 1), 3.0), names[1]: np.full((2, 1), 4.0)}
    assert model.evaluate(np.zeros((2, 1)), y, verbose=0, return_dict=True)["loss"] == pytest.approx(4.0 + 3.0)


@keras.saving.register_keras_serializable("rules")
class Adversarial(lk.Model):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.layer = keras.layers.Dense(1)

    def call(self, x):
        return self.layer(x)

    def compile(self, g_optimizer, **settings):
        super().compile(optimizer=g_optimizer, loss="mse", **settings)


def test_a_model_with_its_own_compile_is_loaded(tmp_path):
    model = Adversarial()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(np.zeros((2, 1)), np.zeros((2, 1)), verbose=0)
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="compile"):
        loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


# --- the doctor -------------------------------------------------------------------------------------------------------


def test_the_backend_is_the_one_asked_for():
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"]


def clean(loss, y, outputs, *, mask=None, base=None, **settings):
    """Trains with a doctor that stops what it thinks wrong, on a model it can read the end of."""
    outputs = np.asarray(outputs, "float32")
    x = np.zeros((len(outputs), *outputs.shape[1:-1], 2), "float32")
    layers = [keras.layers.Masking()] if mask is not None else []
    if mask is not None:
        x[mask] = 1.0
    model = lk.Sequential([keras.Input(x.shape[1:]), *layers, keras.layers.Dense(outputs.shape[-1], **(base or {}))])
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(0.0), doctor="raise")
    return model.fit(x, y, verbose=0, **settings).history["loss"][0]


@pytest.mark.parametrize("shape", [(8, 4), (8, 4, 4)])
def test_the_doctor_lines_targets_up_as_keras_does(shape):
    bits = RNG.integers(0, 2, shape)
    outputs = np.zeros((*shape, 1))
    clean(lossary.BinaryCrossentropy(from_logits=True), bits, outputs)
    clean("binary_crossentropy", bits, outputs, base={"activation": "sigmoid"})
    clean("mse", bits.astype("float32")[..., None], outputs)
    model = keras.Sequential([keras.Input((*shape[1:], 2)), keras.layers.Dense(1, activation="sigmoid")])
    probabilities = RNG.uniform(0.2, 0.8, (*shape, 1))
    assert lossary.diagnose("binary_crossentropy", bits, probabilities, model=model).ok


def test_sequences_of_labels_with_one_1_each_are_no_one_hot_rows():
    labels = np.eye(4, dtype="int64")[[0, 1, 2, 3, 0, 1, 2, 3]]
    clean(lossary.SparseCategoricalCrossentropy(from_logits=True), labels, np.zeros((8, 4, 4)))
    clean(lossary.SparseCategoricalCrossentropy(from_logits=True), labels, np.zeros((8, 4, 2)))


def test_the_doctor_sees_what_the_loss_sees():
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True)
    labels = RNG.integers(0, 3, (8, 4))
    mask = RNG.integers(0, 2, (8, 4)) > 0
    mask[0] = True
    hidden = np.where(mask, labels, -1)
    assert math.isfinite(clean(loss, hidden, np.zeros((8, 4, 3)), mask=mask))
    assert math.isfinite(clean(loss, hidden, np.zeros((8, 4, 3)), sample_weight=mask.astype("float32")))
    every = np.where(np.arange(8) < 2, -1, labels[:, 0])
    assert math.isfinite(clean(loss, every, np.zeros((8, 3)), sample_weight=(every >= 0) * 1.0))
    with pytest.raises(lossary.doctor.DiagnosisError, match="LS203"):
        clean(loss, hidden, np.zeros((8, 4, 3)))
