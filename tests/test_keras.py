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


def run_suites(backend, *options, parts=("", "_rules", "_doctor", "_arguments")):
    """In one process, as most of the time goes into starting."""
    suites = [HERE / f"keras{part}_suite.py" for part in parts]
    options = ("-x", "-W", "ignore", "-p", "no:cacheprovider", "-o", "addopts=", *options)
    done = run("-m", "pytest", *options, *map(str, suites), KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.slow
def test_suites_where_steps_run_eagerly():
    run_suites("torch", "-m", "not costly", parts=("", "_rules", "_doctor"))


@pytest.mark.slow
def test_what_compiled_steps_may_change():
    """A choice, as compiling a step takes half a second; all of it, on two backends, is in the proof."""
    run_suites("jax", "-m", "compiled", parts=("", "_rules"))


@pytest.mark.costly
@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_suites_where_steps_are_compiled(backend):
    run_suites(backend)


@pytest.mark.costly
def test_what_costs_much_where_steps_run_eagerly():
    run_suites("torch", "-m", "costly", parts=("_rules",))
    run_suites("torch", parts=("_arguments",))


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


@pytest.mark.costly
def test_import_with_tensorflow_absent(tmp_path):
    code = "import sys; sys.modules['tensorflow'] = None; import lossary.keras, keras; print(keras.backend.backend())"
    done = run("-c", code, KERAS_HOME=str(tmp_path))
    assert done.stdout.strip() == "jax", done.stderr


# --- between processes ------------------------------------------------------------------------------------------------

CUBIC = """
@lossary.loss
def cubic(y_true, y_pred, *, scale=1.0):
    return lossary.words.mean(scale * abs(y_pred - y_true) ** 3)
"""
# With plain models, without lossary.keras; then with our models.
SAVE = f"""
import numpy as np, keras, lossary
{CUBIC}
x, layer = keras.Input((1,)), lambda: keras.layers.Dense(1, kernel_initializer="zeros")
def save(name, model, loss, **settings):
    model.compile(loss=loss, optimizer="sgd", **settings)
    model.evaluate(np.zeros((2, 1)), np.full((2, 1), 2.0), verbose=0)
    model.save(f"{{name}}.keras")
for name, loss in dict(function=lossary.huber, custom=cubic, customised=cubic.cls(scale=3.0)).items():
    save(name, keras.Sequential([x, layer()]), loss)
import lossary.keras as lk
save("name", lk.Sequential([x, layer()]), "mse", metrics=["mae"])
save("functional", lk.Model(x, layer()(x)), "huber", metrics=["mae"])
save("object", lk.Sequential([x, layer()]), lossary.Huber(delta=3.0), metrics=["mae"])
"""
# By Keras alone, then by lossary, then by lossary.keras; the custom loss is defined last.
LOAD = f"""
import sys, keras, numpy as np
def load(*names):
    for name in names:
        model = keras.models.load_model(f"{{name}}.keras")
        assert type(model).__module__.startswith("keras.src.models"), type(model)
        print(*np.ravel(model.evaluate(np.zeros((2, 1)), np.full((2, 1), 2.0), verbose=0)))
load("name", "functional")
assert "lossary" not in sys.modules
import lossary
load("name", "functional", "object")
import lossary.keras
{CUBIC}
load("function", "custom", "customised")
"""


@pytest.mark.slow
@pytest.mark.costly
def test_models_are_loaded_in_another_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = run("-c", SAVE, KERAS_BACKEND="torch")
    assert saved.returncode == 0, saved.stderr
    loaded = run("-c", LOAD, KERAS_BACKEND="torch")
    # |2|^2, 2 - 1/2, and 2^2 / 2 below delta = 3, each beside the mean of |2|; 2 - 1/2, |2|^3 = 8, times scale 3.
    names = [4.0, 2.0, 1.5, 2.0]
    expected = [*names, *names, 2.0, 2.0, 1.5, 8.0, 24.0]
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
@pytest.mark.costly
@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
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
@pytest.mark.costly
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
for loss, weight in [CASES]:
    with strategy.scope():
        layer = keras.layers.Dense(1, kernel_initializer="zeros")
        model = BASE([keras.Input((1,)), layer])
        model.compile(loss=loss, optimizer=keras.optimizers.SGD(0.5), jit_compile=False)
    model.fit(x, y, batch_size=4, verbose=0, sample_weight=weight, shuffle=False)
    print(model.get_weights()[1][0])
for loss in (keras.losses.MeanSquaredError(), lossary.MeanSquaredError(), lossary.get(keras.ops.subtract)):
    step = tf.function(lambda: loss(tf.zeros((2, 1)), tf.ones((2, 1))))
    print(float(strategy.reduce("SUM", strategy.run(step), axis=None)))
@tf.function
def synced():
    mine = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, "float32") + 1.0
    return lossary.MeanSquaredError(**weighted).total(tf.zeros((1,)), mine[None], mine[None]).sync().mean()
print(float(strategy.reduce("MEAN", strategy.run(synced), axis=None)))
"""


OURS = "(lossary.MeanSquaredError(), None), (lossary.MeanSquaredError(**weighted), w),"
THEIRS = OURS.replace("lossary.", "keras.losses.")
MSE = "('mse', None)"
# One step on the mean over all four points: 0.5 * 2 * mean(y) = 3.  Two replicas with two points each weight theirs
# by themselves, as in Keras: the mean of (3 * 1 + 1 * 2) / 4 and (2 * 3 + 2 * 6) / 4 is 2.875.
STEPS = [3.0, 2.875]


@pytest.mark.slow
@pytest.mark.costly
@pytest.mark.parametrize(
    ("base", "cases", "steps"),
    [
        ("lossary.keras.Sequential", OURS, STEPS),
        ("lossary.keras.Sequential", THEIRS + MSE, [*STEPS, 3.0]),
        ("keras.Sequential", OURS + THEIRS + "('mse', None)", [*STEPS * 2, 3.0]),
    ],
    ids=["ours in ours", "Keras's in ours", "all in Keras's"],
)
def test_replicas_share_one_step(base, cases, steps):
    done = run("-c", REPLICAS.replace("BASE", base).replace("CASES", cases), KERAS_BACKEND="tensorflow")
    *found, synced = [float(line) for line in done.stdout.split()[-len(steps) - 4 :]]
    assert found[:-3] == steps, done.stderr[-3000:]
    # A loop of one's own adds up what the replicas say: the mean, once.
    assert [abs(x) for x in found[-3:]] == [1.0, 1.0, 1.0], done.stderr[-3000:]
    # Squares 1 and 4 with the weights 1 and 2, over both.
    assert synced == 3.0, done.stderr[-3000:]
