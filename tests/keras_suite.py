"""What holds on every Keras backend; `test_keras.py` runs this file once with each of them."""

from __future__ import annotations

import collections
import json
import os
import sys
import zipfile

import keras
import numpy as np
import pytest

import lossary
import lossary.keras as lk

RNG = np.random.default_rng(7)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = RNG.normal(size=(24, 1)).astype("float32") * 2
W = RNG.uniform(0.1, 3.0, size=24).astype("float32")


def linear(base=lk.Sequential, units=1):
    """Predicts 1 for every output, whatever the input, until it is trained."""
    layer = keras.layers.Dense(units, kernel_initializer="zeros", bias_initializer="ones")
    return base([keras.Input((3,)), layer])


def fitted_loss(model, x, y, **settings):
    return model.fit(x, y, verbose=0, shuffle=False, **settings).history["loss"][0]


def huber(error, delta):
    return np.where(abs(error) <= delta, error**2 / 2, delta * (abs(error) - delta / 2))


def test_the_backend_is_the_one_asked_for():
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"]


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("mean_squared_error", "mean_squared_error"),
        ("MSE", "mean_squared_error"),
        ("logcosh", "log_cosh"),
        ("huber_loss", "huber"),
        ("kullback_leibler_divergence", "kl_divergence"),
        ("cosine_proximity", "cosine_similarity"),
        ("CategoricalCrossentropy", "categorical_crossentropy"),
    ],
)
def test_names_of_every_generation_compile(name, canonical):
    model = linear()
    model.compile(loss=name, optimizer="sgd")
    assert isinstance(model.loss, lk.KerasLoss)
    assert lossary.get(model.loss) == lossary.get(canonical)


def test_unknown_name_fails_at_compile_with_the_nearest():
    with pytest.raises(lossary.UnknownLossError, match="did you mean mean_squared_error"):
        linear().compile(loss="mean_square_error")


@pytest.mark.parametrize("loss", ["dice", "crossentropy", keras.losses.huber, keras.losses.Dice(), None])
def test_what_is_kerass_stays_kerass(loss):
    assert lk.resolve(loss) is loss


def test_kerass_configuration_of_its_own_class_makes_that_class():
    config = {"class_name": "Dice", "config": {"axis": None}}
    assert isinstance(lk.resolve(config), keras.losses.Dice)


def test_a_serialized_loss_of_kerass_is_kerass():
    assert isinstance(lk.resolve(keras.losses.serialize(keras.losses.Huber())), keras.losses.Huber)


def test_structures_are_resolved_inside():
    found = lk.resolve({"a": "mse", "b": [lossary.huber, None], "c": lossary.Huber(delta=2.0).get_config()})
    assert lossary.get(found["a"]) == lossary.MeanSquaredError()
    assert lossary.get(found["b"][0]) == lossary.Huber()
    assert found["b"][1] is None
    assert lossary.get(found["c"]) == lossary.Huber(delta=2.0)


def test_a_named_tuple_of_losses_stays_one():
    pair = collections.namedtuple("pair", ["x", "y"])
    x, y = lk.resolve({"a": pair("mse", "logcosh")})["a"]
    assert (x.loss, y.loss) == (lossary.MeanSquaredError(), lossary.LogCosh())


def test_the_classic_predicate_understands_a_compiled_loss():
    model = linear(units=4)
    model.compile(loss="softmax_cross_entropy")
    assert lossary.is_categorical_crossentropy(model.loss)
    model.compile(loss="mse")
    assert not lossary.is_categorical_crossentropy(model.loss)


# --- the objective ----------------------------------------------------------------------------------------------------


@pytest.mark.compiled
def test_one_step_is_the_hand_computed_one():
    model = linear()
    model.compile(loss="mean_squared_error", optimizer=keras.optimizers.SGD(0.1))
    error = 1.0 - Y.astype("float64")
    assert fitted_loss(model, X, Y, batch_size=24) == pytest.approx((error**2).mean(), rel=1e-6)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel, -0.1 * (2 * error * X).mean(0)[:, None], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(bias, 1 - 0.1 * (2 * error).mean(0), rtol=1e-5)


def test_the_epochs_loss_is_the_mean_over_data_points_also_with_a_short_last_batch():
    model = linear()
    model.compile(loss="mean_absolute_error", optimizer=keras.optimizers.SGD(0.0))
    assert fitted_loss(model, X, Y, batch_size=10) == pytest.approx(abs(1 - Y).mean(), rel=1e-6)


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize("loss", [lossary.huber, lossary.Huber(), lossary.Huber])
def test_weights_count_as_they_do_for_kerass_own_loss(base, loss):
    def figures(base, loss):
        model = linear(base)
        model.compile(loss=loss, optimizer="sgd")
        first = fitted_loss(model, X, Y, sample_weight=W, batch_size=24)
        return [first, model.evaluate(X, Y, sample_weight=W, verbose=0, batch_size=24)]

    expected = figures(keras.Sequential, keras.losses.Huber())
    assert expected[0] == pytest.approx((W * huber(1 - Y[:, 0], 1.0)).mean(), rel=1e-6)
    assert figures(base, loss) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
@pytest.mark.parametrize(
    ("reduction", "denominator"),
    [
        ("sum", 1.0),
        pytest.param("mean_with_sample_weight", W.sum(), marks=pytest.mark.compiled),
        ("sum_over_batch_size", 24.0),
    ],
)
def test_every_reduction_keeps_its_denominator(base, reduction, denominator):
    model = linear(base)
    model.compile(loss=lossary.Huber(delta=2.0, reduction=reduction), optimizer="sgd")
    found = model.evaluate(X, Y, sample_weight=W, batch_size=24, verbose=0)
    assert found == pytest.approx((W * huber(1 - Y[:, 0], 2.0)).sum() / denominator, rel=1e-5)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_class_weights(loss):
    labels = np.arange(24) % 3
    model = lk.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="zeros", activation="softmax")])
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(0.0))
    y = labels if loss.startswith("sparse") else np.eye(3)[labels]
    found = fitted_loss(model, X, y, class_weight={0: 1.0, 1: 4.0, 2: 0.5})
    assert found == pytest.approx(np.log(3) * (1.0 + 4.0 + 0.5) / 3, rel=1e-6)


def test_labels_and_predictions_of_one_rank_less_are_lined_up_not_broadcast():
    for loss in ("mse", lossary.mean_squared_error, lambda y_true, y_pred: keras.ops.mean((y_true - y_pred) ** 2, -1)):
        model = linear()
        model.compile(loss=loss, optimizer="sgd")
        assert model.evaluate(X, Y[:, 0], verbose=0) == pytest.approx(((1 - Y) ** 2).mean(), rel=1e-6)


@pytest.mark.compiled
def test_wrong_shape_fails_naming_the_remedy():
    model = linear(units=2)
    model.compile(loss="mse", optimizer="sgd")
    with pytest.raises(lossary.ShapeError, match="Nothing is broadcast"):
        model.fit(X, np.zeros((24, 3)), verbose=0)


def test_integer_labels_into_categorical_are_recognised():
    model = linear(units=4)
    model.compile(loss="categorical_crossentropy", optimizer="sgd")
    with pytest.raises(lossary.ShapeError, match="sparse_categorical_crossentropy"):
        model.fit(X, np.arange(24) % 4, verbose=0)


def test_a_label_out_of_range_is_named_when_run_eagerly():
    model = linear(units=4)
    model.compile(loss=lossary.SparseCategoricalCrossentropy(from_logits=True), optimizer="sgd", run_eagerly=True)
    with pytest.raises(lossary.DomainError, match="accepted are labels 0 to 3"):
        model.fit(X, np.arange(24) % 5, verbose=0, shuffle=False)


def distance(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), -1)


@pytest.mark.parametrize(
    ("base", "loss"),
    [(lk.Sequential, distance), (lk.Sequential, lossary.get(distance)), (keras.Sequential, lossary.get(distance))],
)
def test_an_own_function_of_backend_tensors(base, loss):
    model = linear(base)
    model.compile(loss=loss, optimizer="sgd")
    expected = (W * abs(1 - Y[:, 0])).mean()
    assert fitted_loss(model, X, Y, sample_weight=W) == pytest.approx(expected, rel=1e-6)
    values = lk.KerasLoss(loss).call(Y, np.ones((24, 1)))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(values), abs(1 - Y[:, 0]), rtol=1e-5)


def test_an_own_function_that_reduces_too_much_is_told_so_when_weighted():
    model = linear()
    model.compile(loss=lambda y_true, y_pred: keras.ops.mean(keras.ops.abs(y_true - y_pred)), optimizer="sgd")
    with pytest.raises(lossary.ShapeError, match="one value per data point"):
        model.fit(X, Y, sample_weight=W, verbose=0)


def test_a_traced_formula_of_the_users():
    @lossary.loss(name="suite_quartic")
    def quartic(y_true, y_pred, *, scale=1.0):
        return lossary.words.mean(scale * (y_pred - y_true) ** 4)

    for base in (lk.Sequential, keras.Sequential):
        for loss, factor in ((quartic, 1.0), (lossary.get("suite_quartic", scale=0.5), 0.5)):
            model = linear(base)
            model.compile(loss=loss, optimizer="sgd")
            found = model.evaluate(X, Y, sample_weight=W, batch_size=24, verbose=0)
            assert found == pytest.approx(factor * (W * (1 - Y[:, 0]) ** 4).mean(), rel=1e-5)


def test_metrics():
    model = linear()
    metrics = ["mae", lossary.huber, lossary.Huber(delta=2.0, name="wide")]
    model.compile(loss="mse", optimizer="sgd", metrics=metrics, weighted_metrics=[lossary.Huber(name="weighted")])
    found = model.evaluate(X, Y, sample_weight=W, verbose=0, return_dict=True)
    error = 1 - Y[:, 0]
    assert found["mae"] == pytest.approx(abs(error).mean(), rel=1e-5)
    assert found["huber"] == pytest.approx(huber(error, 1.0).mean(), rel=1e-5)
    assert found["wide"] == pytest.approx(huber(error, 2.0).mean(), rel=1e-5)
    assert found["weighted"] == pytest.approx((W * huber(error, 1.0)).sum() / W.sum(), rel=1e-5)


# --- outputs ----------------------------------------------------------------------------------------------------------


def two_outputs(base=lk.Model):
    inputs = keras.Input((3,))
    layers = [keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones", name=n) for n in "ab"]
    return base(inputs, [layer(inputs) for layer in layers])


A = float(((1 - Y) ** 2).mean())
B = float(abs(1 - 2 * Y).mean())


@pytest.mark.parametrize(
    ("loss", "weights", "expected"),
    [
        (["mse", lossary.mean_absolute_error], None, A + B),
        ({"a": "MSE", "b": lossary.MeanAbsoluteError()}, {"a": 2.0, "b": 0.5}, 2 * A + B / 2),
        (["mse", None], None, A),
        ({"a": None, "b": "mae"}, None, B),
        ("mse", None, A + float(((1 - 2 * Y) ** 2).mean())),
    ],
)
def test_losses_per_output(loss, weights, expected):
    model = two_outputs()
    model.compile(loss=loss, loss_weights=weights, optimizer="sgd")
    found = model.evaluate(X, [Y, 2 * Y], verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(expected, rel=1e-5)


def test_sample_weights_per_output():
    model = two_outputs()
    model.compile(loss=["mse", "mae"], optimizer="sgd")
    found = model.evaluate(X, [Y, 2 * Y], sample_weight=[W, np.ones(24)], verbose=0, return_dict=True, batch_size=24)
    assert found["loss"] == pytest.approx((W * (1 - Y[:, 0]) ** 2).mean() + B, rel=1e-5)


# --- masks ------------------------------------------------------------------------------------------------------------

TOKENS = np.array([[1, 2, 0, 0], [3, 1, 2, 0], [2, 0, 0, 0], [1, 1, 1, 1]])
STEPS = np.where(TOKENS > 0, np.arange(16.0).reshape(4, 4) / 4, np.nan).astype("float32")


def sequence_model(base):
    layer = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")
    return base([keras.Input((4,)), keras.layers.Embedding(4, 2, mask_zero=True), keras.layers.TimeDistributed(layer)])


@pytest.mark.compiled
@pytest.mark.parametrize("base", [lk.Sequential, keras.Sequential])
def test_nan_under_a_mask_touches_neither_value_nor_gradient(base):
    model = sequence_model(base)
    model.compile(loss=lossary.Huber(), optimizer="sgd")
    kept = TOKENS > 0
    found = fitted_loss(model, TOKENS, STEPS[..., None], batch_size=4)
    assert found == pytest.approx(huber(1 - STEPS[kept], 1.0).mean(), rel=1e-6)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    slope = np.clip(1 - STEPS[kept], -1, 1).mean()
    assert model.get_weights()[-1] == pytest.approx(1 - 0.01 * slope, rel=1e-6)


def test_masked_steps_with_weights_and_without_the_last_axis():
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    for target, weight in ((STEPS[..., None], weights), (STEPS, weights[:, None]), (STEPS, np.tile(weights, (4, 1)).T)):
        model = sequence_model(lk.Sequential)
        model.compile(loss="mse", optimizer="sgd")
        kept = TOKENS > 0
        spread = np.broadcast_to(weights[:, None], (4, 4))[kept]
        found = model.evaluate(TOKENS, target, sample_weight=weight, batch_size=4, verbose=0)
        assert found == pytest.approx((spread * (1 - STEPS[kept]) ** 2).mean(), rel=1e-6)


def test_recurrent_layers_hand_their_mask_on():
    layers = [keras.layers.Embedding(4, 2, mask_zero=True), keras.layers.LSTM(2, return_sequences=True)]
    model = lk.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    predicted = model.predict(TOKENS, verbose=0)[..., 0]
    expected = ((predicted - STEPS)[TOKENS > 0] ** 2).mean()
    assert model.evaluate(TOKENS, STEPS[..., None], verbose=0, batch_size=4) == pytest.approx(expected, rel=1e-5)


def test_ignored_class_leaves_the_mean():
    labels = np.where(np.arange(24) < 6, 255, np.arange(24) % 3)
    model = lk.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    scores = model.predict(X, verbose=0).astype("float64")
    model.compile(loss=lossary.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255), optimizer="sgd")
    log_shares = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    expected = -log_shares[np.arange(24), np.arange(24) % 3][6:].mean()
    assert model.evaluate(X, labels, verbose=0) == pytest.approx(expected, rel=1e-5)


# --- dtypes -----------------------------------------------------------------------------------------------------------


def test_half_precision_models_are_judged_in_float32():
    layer = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones", dtype="mixed_float16")
    model = lk.Sequential([keras.Input((3,)), layer])
    model.compile(loss="mse", optimizer="sgd")
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(((1 - Y) ** 2).mean(), rel=1e-6)


def test_kerasloss_is_a_loss_on_its_own():
    loss = lk.KerasLoss(lossary.Huber(delta=2.0), dtype="float32")
    found = loss(Y, np.ones((24, 1)), W)
    assert float(found) == pytest.approx((W * huber(1 - Y[:, 0], 2.0)).mean(), rel=1e-6)
    values = keras.ops.convert_to_numpy(loss.call(Y, np.ones((24, 1))))
    np.testing.assert_allclose(values, huber(1 - Y[:, 0], 2.0), rtol=1e-5)


# --- saving -----------------------------------------------------------------------------------------------------------


def functional(base):
    inputs = keras.Input((3,))
    return base(inputs, keras.layers.Dense(1)(inputs))


@lossary.loss(name="suite_cubic")
def cubic(y_true, y_pred, *, scale=1.0):
    return lossary.words.mean(scale * abs(y_pred - y_true) ** 3)


@keras.saving.register_keras_serializable("suite")
def own_error(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), -1)


@pytest.mark.parametrize("loss", [lossary.huber, lossary.Huber(delta=0.5), cubic, cubic.cls(scale=3.0), own_error])
@pytest.mark.parametrize("base", [lk.Model, keras.Model])
def test_a_saved_model_comes_back_with_its_loss(base, loss, tmp_path):
    model = functional(base)
    metrics = [lossary.huber, lossary.Huber(delta=2.0, name="wide")]
    model.compile(loss=loss, optimizer="sgd", metrics=metrics)
    model.fit(X, Y, sample_weight=W, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert type(loaded) is type(functional(keras.Model))
    assert lossary.get(loaded.loss) == lossary.get(loss)
    expected = model.evaluate(X, Y, sample_weight=W, verbose=0)
    assert loaded.evaluate(X, Y, sample_weight=W, verbose=0) == pytest.approx(expected, rel=1e-6)
    assert fitted_loss(loaded, X, Y) == pytest.approx(fitted_loss(model, X, Y), rel=1e-6)


@pytest.mark.parametrize(
    "changed",
    [
        {"module": "hostile_module", "class_name": "Huber", "registered_name": "Huber"},
        {"module": "hostile_module", "registered_name": None},
        {
            "module": "os",
            "class_name": "system",
            "config": {"command": "touch hostile_mark"},
            "registered_name": "system",
        },
        {"module": "builtins", "class_name": "function", "config": "system", "registered_name": "function"},
        {"config": {"class_name": "hostile_module>Loss", "config": {}}},
        {"config": {"class_name": "lossary>Huber", "config": {"delta": {"class_name": "system", "module": "os"}}}},
        {"config": {"class_name": "lossary>Huber", "config": {"name": "__import__('hostile_module')", "axis": "0"}}},
    ],
)
def test_a_hostile_file_runs_and_imports_nothing(changed, tmp_path, monkeypatch):
    (tmp_path / "hostile_module.py").write_text("open('hostile_mark', 'w').close()\nHuber = Loss = open\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    model = functional(keras.Model)
    model.compile(loss=lossary.Huber(), optimizer="sgd")
    model.save("good.keras")
    with zipfile.ZipFile("good.keras") as good, zipfile.ZipFile("bad.keras", "w") as bad:
        for member in good.namelist():
            held = good.read(member)
            if member == "config.json":
                config = json.loads(held)
                config["compile_config"]["loss"] |= changed
                held = json.dumps(config).encode()
            bad.writestr(member, held)
    with pytest.raises((TypeError, ValueError)):
        keras.models.load_model("bad.keras").evaluate(X, Y, verbose=0)
    assert "hostile_module" not in sys.modules
    assert not (tmp_path / "hostile_mark").exists()


def test_losses_per_output_come_back(tmp_path):
    model = two_outputs()
    model.compile(loss={"a": "logcosh", "b": lossary.Huber(delta=3.0)}, loss_weights={"a": 1.0, "b": 2.0})
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert lossary.get(loaded.loss["a"]) == lossary.LogCosh()
    assert lossary.get(loaded.loss["b"]) == lossary.Huber(delta=3.0)


def test_a_loss_of_kerass_inside_our_model_comes_back(tmp_path):
    model = functional(lk.Model)
    model.compile(loss=keras.losses.Huber(), optimizer="sgd")
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert isinstance(loaded.loss, keras.losses.Huber)
    error = model.predict(X, verbose=0) - Y
    assert loaded.evaluate(X, Y, verbose=0) == pytest.approx(huber(error, 1.0).mean(), rel=1e-6)


# --- model classes ---------------------------------------------------------------------------------------------------


class Own(lk.Model):
    def __init__(self):
        super().__init__()
        self.layer = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")

    def call(self, inputs):
        return self.layer(inputs)


class OwnFunctional(lk.Model):
    def __init__(self):
        inputs = keras.Input((3,))
        layer = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")
        super().__init__(inputs=inputs, outputs=layer(inputs))


@pytest.mark.parametrize("make", [OwnFunctional, Own, lambda: functional(lk.Model)])
def test_models_made_in_every_way(make):
    OwnFunctional()  # Leaves `Model` as it was, for classes that are no functional models.
    model = make()
    assert isinstance(model, lk.Model)
    assert isinstance(model, keras.Model)
    model.compile(loss="logcosh", optimizer="sgd")
    expected = np.log(np.cosh(model.predict(X, verbose=0).astype("float64") - Y)).mean()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(expected, rel=1e-6)
    assert fitted_loss(model, X, Y) == pytest.approx(expected, rel=1e-6)


def test_a_functional_model_shows_its_layers_and_can_be_cloned():
    model = functional(lk.Model)
    kinds = [keras.layers.InputLayer, keras.layers.Dense]
    assert [type(layer) for layer in model.layers] == kinds
    assert [type(layer) for layer in keras.models.clone_model(model).layers] == kinds


def test_jax_takes_losses_apart_and_leaves_layers_alone():
    jax = pytest.importorskip("jax")
    layer, delta = keras.layers.Dense(1), jax.numpy.array(2.0)
    assert jax.tree.leaves([layer, lossary.Huber(delta=delta)]) == [layer, delta]


def test_a_variable_is_the_array_that_it_holds():
    class Small(keras.layers.Layer):
        """Wants its weight to be small."""

        def build(self, _):
            self.weight = self.add_weight(shape=(1, 1), initializer=keras.initializers.Constant(3.0))

        def call(self, x):
            self.add_loss(lossary.Huber()(np.zeros((1, 1), "float32"), self.weight))
            return x

    layer = Small()
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(loss=None, optimizer=keras.optimizers.SGD(0.25))
    assert fitted_loss(model, X, None, batch_size=24) == 2.5  # 3 - 1/2, where the slope is 1
    assert float(keras.ops.convert_to_numpy(layer.weight)[0, 0]) == 2.75
