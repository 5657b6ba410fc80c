"""Losses with several inputs in models; `test_keras.py` runs this file once with each backend of Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import lossary
import lossary.keras as lk
from lossary import words
from lossary.domains import Real

RNG = np.random.default_rng(3)
X = RNG.normal(size=(8, 3)).astype("float32")
Y = RNG.normal(size=8).astype("float32")
W = RNG.uniform(0.1, 2.0, 8).astype("float32")
IMAGES = RNG.normal(size=(8, 6, 6, 1)).astype("float32")
MASKS = (IMAGES > 0).astype("float32")
BOXES = np.tile(np.array([0.0, 0.0, 1.0, 1.0], "float32"), (8, 1))
REFERENCE = lossary.pack(chosen=-np.abs(X[:, 0]), rejected=-np.abs(X[:, 1]))
LISTS = RNG.integers(0, 3, (8, 5)).astype("float32")


def dense(units, **settings):
    def layer(inputs):
        return keras.layers.Dense(units, **settings)(inputs)

    return layer


def mean_and_variance(i):
    return keras.layers.Concatenate()([keras.layers.Dense(1)(i), keras.layers.Dense(1, activation="softplus")(i)])


def embeddings(i):
    vectors = keras.layers.Dense(12)(i)
    return keras.layers.Lambda(lambda v: keras.ops.stack([v[:, :4], v[:, 4:8], v[:, 8:]], axis=-2))(vectors)


def pixels(i):
    return keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(i)


# The object, the layer in front of it, inputs, targets, and how predictions and targets become its arguments.
TASKS = {
    "gaussian_nll": (lossary.GaussianNLL(), mean_and_variance, X, Y, lambda t, p: (t, p)),
    "interval_score": (lossary.IntervalScore(), dense(2), X, Y[:, None], lambda t, p: (t, p)),
    "generalized_iou": (lossary.GeneralizedIoU(), dense(4), X, BOXES, lambda t, p: (t, p)),
    "crps_ensemble": (lossary.CRPSEnsemble(fair=True), dense(5), X, Y, lambda t, p: (t, p)),
    "triplet_margin": (
        lossary.TripletMargin(), embeddings, X, np.zeros(8, "float32"), lambda t, p: (p[:, 0], p[:, 1], p[:, 2]),
    ),
    "dpo": (
        lossary.DPO(beta=0.5), dense(2), X, REFERENCE, lambda t, p: (p[:, 0], p[:, 1], t[:, 0], t[:, 1]),
    ),
    "dice": (lossary.Dice(axis=(1, 2)), pixels, IMAGES, MASKS, lambda t, p: (t, p)),
    "tversky": (lossary.Tversky(axis=(1, 2), alpha=0.3, beta=0.7), pixels, IMAGES, MASKS, lambda t, p: (t, p)),
    "pairwise_logistic": (lossary.PairwiseLogistic(), dense(5), X, LISTS, lambda t, p: (t, p)),
}  # fmt: skip


def model_of(layer, x, cls=keras.Model):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(x.shape[1:])
    return cls(inputs, layer(inputs))


def step(model, loss, x, y, **settings):
    """The loss of one step, and whether it changed the model."""
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(0.05))
    before = [np.array(w) for w in model.get_weights()]
    found = model.fit(x, y, batch_size=8, shuffle=False, verbose=0, **settings).history["loss"][0]
    assert any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))
    return found


def expected(task, sample_weight=None):
    """The loss of the untrained model by a call of the object on arrays of NumPy."""
    loss, layer, x, y, arguments = TASKS[task]
    y_pred = model_of(layer, x).predict(x, verbose=0)
    return float(loss(*arguments(y, y_pred), sample_weight=sample_weight))


def masked(loss, y_pred, kept, y):
    inputs, mask = keras.Input(y_pred.shape[1:]), keras.Input(())
    model = keras.Model([inputs, mask], Masked()([inputs, mask]))
    model.compile(loss=loss)
    return model.evaluate([y_pred, kept.astype("float32")], y, verbose=0)


class Masked(keras.layers.Layer):
    """The first input, masked by the second."""

    def call(self, inputs):
        return inputs[0]

    def compute_mask(self, inputs, previous):
        return keras.ops.cast(inputs[1], "bool")


@pytest.mark.parametrize("task", TASKS)
def test_one_step_is_that_of_the_call(task):
    loss, layer, x, y, _ = TASKS[task]
    assert step(model_of(layer, x), loss, x, y) == pytest.approx(expected(task), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("base", [keras.Model, lk.Model])
@pytest.mark.parametrize("task", TASKS)
def test_weights_count(task, base):
    loss, layer, x, y, _ = TASKS[task]
    weights = W.reshape(8, *[1] * (2 if x is IMAGES else 0))[..., 0] if x is IMAGES else W
    found = step(model_of(layer, x, base), loss, x, y, sample_weight=W)
    assert found == pytest.approx(expected(task, np.reshape(weights, 8)), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("task", ["gaussian_nll", "interval_score", "generalized_iou", "crps_ensemble"])
def test_functions_and_names(task):
    _, layer, x, y, arguments = TASKS[task]
    y_pred = model_of(layer, x).predict(x, verbose=0)
    wanted = float(np.mean(lossary.get(task, reduction="none")(*arguments(y, y_pred))))
    for base, loss in ((keras.Model, getattr(lossary, task)), (lk.Model, getattr(lossary, task)), (lk.Model, task)):
        assert step(model_of(layer, x, base), loss, x, y) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("task", ["triplet_margin", "dpo"])
def test_functions_and_names_of_several_arguments(task):
    _, layer, x, y, arguments = TASKS[task]
    y_pred = model_of(layer, x).predict(x, verbose=0)
    wanted = float(lossary.get(task)(*arguments(y, y_pred)))
    for base, loss in ((keras.Model, getattr(lossary, task)), (lk.Model, getattr(lossary, task)), (lk.Model, task)):
        assert step(model_of(layer, x, base), loss, x, y) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("task", ["dpo", "gaussian_nll"])
def test_weights_of_points_with_one_number_each_reach_functions(task):
    _, layer, x, y, arguments = TASKS[task]
    y_pred = model_of(layer, x).predict(x, verbose=0)
    wanted = float(lossary.get(task)(*arguments(y, y_pred), sample_weight=W))
    assert step(model_of(layer, x), getattr(lossary, task), x, y, sample_weight=W) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("task", ["triplet_margin", "dpo"])
def test_nan_under_a_mask_is_not_looked_at_by_functions(task):
    """The mask is that of the array of which the arguments are parts."""
    _, _, x, y, arguments = TASKS[task]
    y_pred = keras.ops.convert_to_numpy(model_of(TASKS[task][1], x)(x))
    kept = np.arange(8) != 5
    wanted = float(lossary.get(task)(*arguments(y[kept], y_pred[kept])))
    y_pred = np.where(kept.reshape(8, *[1] * (y_pred.ndim - 1)), y_pred, np.nan)
    assert masked(getattr(lossary, task), y_pred, kept, y) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("loss", [lossary.ntxent, lossary.NTXent()])
def test_points_without_a_relative_leave_the_mean_of_a_model(loss):
    """All cosines are 0: log(1 + exp(0)) for each of two relatives beside one stranger, which has none."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Activation("linear")])
    model.compile(loss=loss)
    found = model.evaluate(np.eye(3, dtype="float32"), np.array([0, 0, 1]), verbose=0)
    assert found == pytest.approx(np.log(2.0), rel=1e-6)


@pytest.mark.parametrize("task", ["triplet_margin", "dpo"])
def test_a_loss_of_keras_and_a_metric_take_the_two_arrays_anywhere(task):
    loss, layer, x, y, _ = TASKS[task]
    y_pred = model_of(layer, x).predict(x, verbose=0)
    y_pred, y = keras.ops.convert_to_tensor(y_pred), keras.ops.convert_to_tensor(y)
    assert float(lk.KerasLoss(loss)(y, y_pred, W)) == pytest.approx(expected(task, W), rel=1e-5)
    metric = lk.KerasMetric(loss)
    metric.update_state(y, y_pred)
    assert float(metric.result()) == pytest.approx(expected(task), rel=1e-5)


@pytest.mark.parametrize("base", [keras.Model, lk.Model])
@pytest.mark.parametrize("task", ["gaussian_nll", "triplet_margin", "dpo", "dice"])
def test_compiled_models_are_saved_and_loaded(task, base, tmp_path):
    loss, layer, x, y, _ = TASKS[task]
    if layer is embeddings:  # Without a function of Python's, which Keras does not load unasked.
        layer = lambda i: keras.layers.Reshape((3, 4))(keras.layers.Dense(12)(i))  # noqa: E731
    model = model_of(layer, x, base)
    model.compile(loss=loss, optimizer="sgd")
    before = model.evaluate(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.evaluate(x, y, verbose=0) == pytest.approx(before, rel=1e-6)
    assert lossary.get(again.loss) == loss


def test_the_padding_of_a_list_is_left_out():
    """Keras's mask of an embedding of items reaches the loss of a list, item by item."""
    items = np.array([[3, 1, 2, 0], [2, 3, 0, 0]])
    relevance = np.array([[0.0, 2.0, 1.0, 9.0], [1.0, 0.0, 9.0, 9.0]], "float32")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,), dtype="int32")
    hidden = keras.layers.Embedding(5, 3, mask_zero=True)(inputs)
    scores = keras.layers.TimeDistributed(keras.layers.Dense(1))(hidden)
    model = keras.Model(inputs, scores)
    y_pred = model.predict(items, verbose=0)[..., 0]
    wanted = float(lossary.PairwiseLogistic()(relevance, y_pred, where=items > 0))
    loss = lossary.PairwiseLogistic(axis=1)
    assert step(model, loss, items, relevance[..., None]) == pytest.approx(wanted, rel=1e-5)


def test_predictions_that_are_not_stacked_are_told():
    model = model_of(dense(3), X)
    model.compile(loss=lossary.DPO(), optimizer="sgd", run_eagerly=True)
    with pytest.raises(lossary.ShapeError, match=r"accepted are chosen, rejected along axis -1, of length 2"):
        model.train_on_batch(X, REFERENCE)


def test_a_sum_of_a_region_loss_and_one_of_pixels_is_saved_and_loaded(tmp_path):
    loss = 0.5 * lossary.Dice(axis=(1, 2)) + lossary.BinaryCrossentropy()
    model = model_of(pixels, IMAGES)
    wanted = float(loss(MASKS, model.predict(IMAGES, verbose=0)))
    assert step(model, loss, IMAGES, MASKS) == pytest.approx(wanted, rel=1e-5)
    before = model.evaluate(IMAGES, MASKS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert lossary.get(again.loss) == loss
    assert again.evaluate(IMAGES, MASKS, verbose=0) == pytest.approx(before, rel=1e-6)


def test_a_sum_of_losses_of_the_same_arguments_gets_the_weights():
    loss = lossary.DPO() + 2.0 * lossary.DPO(beta=1.0)
    model = model_of(dense(2), X)
    p = model.predict(X, verbose=0)
    wanted = loss(p[:, 0], p[:, 1], REFERENCE[:, 0], REFERENCE[:, 1], sample_weight=W)
    assert step(model, loss, X, REFERENCE, sample_weight=W) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize("name", ["dice", "Dice", "tversky"])
def test_regions_by_a_name_of_kerass_are_kerass(name):
    """Whose regions are the whole batch, and whose alpha and beta are each other's."""
    assert lk.resolve(name) is name
    config = keras.losses.serialize(keras.losses.Tversky(alpha=0.3, beta=0.7))
    assert isinstance(lk.resolve({"class_name": "Tversky", "config": config["config"]}), keras.losses.Tversky)
    ours = lossary.Tversky(alpha=0.3, beta=0.7, axis=(1, 2))
    for form in (ours, ours.get_config()):
        assert lossary.get(lk.resolve(form)) == ours
    assert lossary.get(lk.resolve("dice_loss")) == lossary.Dice()


def test_a_loss_by_a_name_of_kerass_has_its_values_before_and_after_a_file(tmp_path):
    """Keras takes inner products for cosines: of vectors of length 1/2 they are a quarter."""
    rows, labels = 0.5 * np.eye(3, dtype="float32")[[0, 1, 0, 2]], np.array([0, 0, 1, 1])
    model = keras.Sequential([keras.Input((3,)), keras.layers.Activation("linear")])
    ours = lk.Sequential(model.layers)
    wanted = float(keras.ops.mean(keras.losses.circle(labels, rows)))
    for name in ("circle", "Circle"):
        ours.compile(loss=name, doctor="off")
        assert ours.evaluate(rows, labels, verbose=0) == pytest.approx(wanted, rel=1e-6)
    ours.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.evaluate(rows, labels, verbose=0) == pytest.approx(wanted, rel=1e-6)
    assert lossary.get(lk.resolve(lossary.Circle())) == lossary.Circle()


def test_two_predictions_without_targets_are_stacked_for_functions_too():
    """As many arguments as a model has, but others."""

    @lossary.loss(name="tests_two_predictions", target=None, predictions={"better": Real(), "worse": Real()})
    def two_predictions(better, worse):
        return words.softplus(worse - better)

    scores = np.array([[0.0, 0.0], [2.0, 2.0]], "float32")
    for loss in (two_predictions, two_predictions.cls()):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Activation("linear")])
        model.compile(loss=loss)
        found = model.evaluate(scores, np.zeros(2, "float32"), verbose=0)
        assert found == pytest.approx(np.log(2.0), rel=1e-6)
