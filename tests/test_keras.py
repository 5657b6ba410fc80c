"""Keras: the suite on each of its backends, the choice of a backend, and what needs a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lossary.adapters import keras_choice

HERE = Path(__file__).parent


def run(*command, **environment):
    settings = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", **environment}
    kept = {key: value for key, value in os.environ.items() if key not in ("KERAS_BACKEND", "KERAS_HOME")}
    return subprocess.run(
        [sys.executable, *command], env=kept | settings, capture_output=True, text=True, timeout=900, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
@pytest.mark.parametrize("suite", ["keras_suite.py", "keras_rules_suite.py", "keras_doctor_suite.py"])
def test_suite(suite, backend, tmp_path):
    options = ("-x", "-W", "ignore", "-p", "no:cacheprovider", "-o", "addopts=")
    done = run("-m", "pytest", *options, str(HERE / suite), KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


# --- the choice of a backend ------------------------------------------------------------------------------------------


@pytest.fixture
def undecided(monkeypatch, tmp_path):
    """No Keras yet, no choice made, and only JAX and PyTorch to be found."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras_choice, "find_spec", lambda name: None if name == "tensorflow" else object())
    # Whatever choose() writes is taken back afterwards.
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return tmp_path / "keras.json"


def chosen():
    keras_choice.choose()
    return os.environ.get("KERAS_BACKEND")


def test_without_a_choice_an_installed_backend_is_taken(undecided):
    assert chosen() == "jax"


def test_tensorflow_in_the_file_that_keras_writes_is_no_choice(undecided):
    undecided.write_text(json.dumps({"backend": "tensorflow"}))
    assert chosen() == "jax"


def test_the_files_choice_stays(undecided):
    undecided.write_text(json.dumps({"backend": "torch"}))
    assert chosen() is None


def test_the_environments_choice_stays(undecided):
    os.environ["KERAS_BACKEND"] = "torch"
    assert chosen() == "torch"


def test_a_loaded_keras_stays_as_it_is(undecided, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", object())
    assert chosen() is None


def test_a_broken_file_counts_as_none(undecided):
    undecided.write_text("{")
    assert chosen() == "jax"


def test_import_with_tensorflow_absent(tmp_path):
    code = "import sys; sys.modules['tensorflow'] = None; import lossary.keras, keras; print(keras.backend.backend())"
    done = run("-c", code, KERAS_HOME=str(tmp_path))
    assert done.stdout.strip() == "jax", done.stderr


# --- between processes ------------------------------------------------------------------------------------------------

SAVE = """
import numpy as np, keras, lossary
@lossary.loss
def cubic(y_true, y_pred, *, scale=1.0):
    return lossary.words.mean(scale * abs(y_pred - y_true) ** 3)
for name, loss in dict(function=lossary.huber, custom=cubic, object=cubic.cls(scale=3.0)).items():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(loss=loss, optimizer="sgd")
    model.evaluate(np.zeros((2, 1)), np.full((2, 1), 2.0), verbose=0)
    model.save(f"{name}.keras")
"""
LOAD = """
import numpy as np, lossary, lossary.keras, keras
@lossary.loss
def cubic(y_true, y_pred, *, scale=1.0):
    return lossary.words.mean(scale * abs(y_pred - y_true) ** 3)
for name in ("function", "custom", "object"):
    model = keras.models.load_model(f"{name}.keras")
    print(model.evaluate(np.zeros((2, 1)), np.full((2, 1), 2.0), verbose=0))
"""


def test_a_plain_keras_model_is_loaded_in_another_process(tmp_path, monkeypatch):
    """Saved without lossary.keras; the custom loss is defined only after lossary.keras was imported."""
    monkeypatch.chdir(tmp_path)
    saved = run("-c", SAVE, KERAS_BACKEND="jax")
    assert saved.returncode == 0, saved.stderr
    loaded = run("-c", LOAD, KERAS_BACKEND="jax")
    # Huber at distance 2 is 2 - 1/2; |2|^3 = 8, times scale 3.
    assert [float(line) for line in loaded.stdout.split()] == [1.5, 8.0, 24.0], loaded.stderr


OURS = """
import numpy as np, keras, lossary, lossary.keras as lk
x = keras.Input((1,))
layer = lambda: keras.layers.Dense(1, kernel_initializer="zeros")
for name, model, loss in (
    ("name", lk.Sequential([x, layer()]), "mse"),
    ("functional", lk.Model(x, layer()(x)), "huber"),
    ("object", lk.Sequential([x, layer()]), lossary.Huber(delta=3.0)),
):
    model.compile(loss=loss, optimizer="sgd", metrics=["mae"])
    model.evaluate(np.zeros((2, 1)), np.full((2, 1), 2.0), verbose=0)
    model.save(f"{name}.keras")
"""
ELSEWHERE = """
import {0}, keras, numpy as np
for name in {1}:
    model = keras.models.load_model(f"{{name}}.keras")
    assert type(model).__module__.startswith("keras.src.models"), type(model)
    print(*model.evaluate(np.zeros((2, 1)), np.full((2, 1), 2.0), verbose=0))
"""


def test_our_models_are_loaded_by_lossary_alone_and_those_with_kerass_names_by_keras_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("-c", OURS, KERAS_BACKEND="jax").returncode == 0
    # |2|^2, 2 - 1/2, and 2^2 / 2 below delta = 3.
    for known, names, expected in (
        ("lossary", ["name", "functional", "object"], [4.0, 2.0, 1.5, 2.0, 2.0, 2.0]),
        ("sys", ["name", "functional"], [4.0, 2.0, 1.5, 2.0]),
    ):
        loaded = run("-c", ELSEWHERE.format(known, names), KERAS_BACKEND="jax")
        assert [float(number) for number in loaded.stdout.split()] == expected, loaded.stderr


EARLY = """
import sys, lossary
class Ten(lossary.Huber):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return 10 * super().__call__(y_true, y_pred, sample_weight)
early = lossary.Huber(), Ten()
assert "keras" not in sys.modules
import keras, numpy as np
for loss in early:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(loss=loss, optimizer="sgd")
    y, w = np.array([[2.0], [4.0]]), np.array([3.0, 1.0])
    print(model.evaluate(np.zeros((2, 1)), y, sample_weight=w, verbose=0))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
def test_losses_made_before_keras_was_imported_get_its_weights(backend):
    done = run("-c", EARLY, KERAS_BACKEND=backend)
    # (3 * 1.5 + 1 * 3.5) / 2, and ten times that.
    assert [float(line) for line in done.stdout.split()[-2:]] == [4.0, 40.0], done.stderr[-3000:]


COMPILED = """
import numpy as np, keras, lossary
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
model.compile(loss=lossary.Huber(), optimizer="sgd", jit_compile=True)
y, w = np.array([[2.0], [4.0]]), np.array([3.0, 1.0])
print(model.evaluate(np.zeros((2, 1)), y, sample_weight=w, verbose=0))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_weights_count_in_compiled_plain_models(backend, tmp_path):
    done = run("-c", COMPILED, KERAS_BACKEND=backend)
    # (3 * 1.5 + 1 * 3.5) / 2
    assert float(done.stdout.split()[-1]) == 4.0, done.stderr[-3000:]


REPLICAS = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, lossary, lossary.keras
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
x, y, w = np.ones((4, 1)), np.array([[1.0], [2.0], [3.0], [6.0]]), np.array([3.0, 1.0, 2.0, 2.0])
weighted = {"reduction": "mean_with_sample_weight"}
for base in (keras.Sequential, lossary.keras.Sequential):
    for loss, weight in (
        (keras.losses.MeanSquaredError(), None),
        (lossary.MeanSquaredError(), None),
        (keras.losses.MeanSquaredError(**weighted), w),
        (lossary.MeanSquaredError(**weighted), w),
        ("mse", None),
    ):
        with strategy.scope():
            layer = keras.layers.Dense(1, kernel_initializer="zeros")
            model = base([keras.Input((1,)), layer])
            model.compile(loss=loss, optimizer=keras.optimizers.SGD(0.5), jit_compile=False)
        model.fit(x, y, batch_size=4, verbose=0, sample_weight=weight, shuffle=False)
        print(model.get_weights()[1][0])
for loss in (keras.losses.MeanSquaredError(), lossary.MeanSquaredError(), lossary.get(keras.ops.subtract)):
    step = tf.function(lambda: loss(tf.zeros((2, 1)), tf.ones((2, 1))))
    print(float(strategy.reduce("SUM", strategy.run(step), axis=None)))
"""


@pytest.mark.slow
def test_replicas_share_one_step(tmp_path):
    done = run("-c", REPLICAS, KERAS_BACKEND="tensorflow")
    found = [float(line) for line in done.stdout.split()[-13:]]
    # One step on the mean over all four points: 0.5 * 2 * mean(y) = 3.  Two replicas with two points each weight theirs
    # by themselves, as in Keras: the mean of (3 * 1 + 1 * 2) / 4 and (2 * 3 + 2 * 6) / 4 is 2.875.
    assert found[:10] == [3.0, 3.0, 2.875, 2.875, 3.0] * 2, done.stderr[-3000:]
    # A loop of one's own adds up what the replicas say: the mean, once.
    assert [abs(x) for x in found[10:]] == [1.0, 1.0, 1.0], done.stderr[-3000:]
