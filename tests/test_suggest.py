"""The adviser: right on the obvious, honest about the rest, and in agreement with the doctor."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

import lossary
from inputs import few
from lossary.readers.heads import Head

R = np.random.default_rng(4)
N = 400
UNIT = R.normal(size=(N, 4))
UNIT /= np.linalg.norm(UNIT, axis=1, keepdims=True)

OTHER = np.random.default_rng(9)
CLAIMS = np.where(OTHER.random(N) < 0.7, 0.0, OTHER.gamma(1.0, 50.0, N))
CORNERS = OTHER.uniform(0.0, 400.0, (N, 2))
BOXES = np.concatenate([CORNERS, CORNERS + OTHER.uniform(5.0, 90.0, (N, 2))], 1)
TIMES = np.stack([OTHER.exponential(10.0, N), OTHER.integers(0, 2, N)], 1)

# name -> targets, loss, units, activation
OBVIOUS: dict[str, tuple[Any, str, int, str]] = {
    "bits": (R.integers(0, 2, N), "binary_crossentropy", 1, "sigmoid"),
    "float bits in a column": (R.integers(0, 2, (N, 1)) * 1.0, "binary_crossentropy", 1, "sigmoid"),
    "booleans": (R.random(N) > 0.4, "binary_crossentropy", 1, "sigmoid"),
    "signs": (R.choice([-1, 1], N), "binary_crossentropy", 1, "sigmoid"),
    "rare bits": ((R.random(N) < 0.03) * 1, "binary_crossentropy", 1, "sigmoid"),
    "one-hot": (np.eye(7)[R.integers(0, 7, N)], "categorical_crossentropy", 7, "softmax"),
    "soft labels": (R.dirichlet(np.ones(4), N), "categorical_crossentropy", 4, "softmax"),
    "integers": (R.integers(0, 10, N), "sparse_categorical_crossentropy", 10, "softmax"),
    "three classes": (R.integers(0, 3, 150), "sparse_categorical_crossentropy", 3, "softmax"),
    "integers as floats": (R.integers(0, 10, N) * 1.0, "sparse_categorical_crossentropy", 10, "softmax"),
    "text": (["cat", "dog", "bird"] * 40, "sparse_categorical_crossentropy", 3, "softmax"),
    "two words": (["no", "yes"] * 40, "binary_crossentropy", 1, "sigmoid"),
    "counts": (R.poisson(3.0, N), "poisson", 1, "softplus"),
    "large counts": (R.poisson(60.0, N), "poisson", 1, "softplus"),
    "overdispersed counts": (R.negative_binomial(2, 0.2, N), "poisson", 1, "softplus"),
    "lognormal amounts": (R.lognormal(3.0, 1.0, N), "mean_squared_logarithmic_error", 1, "softplus"),
    "exponential amounts": (R.exponential(5.0, N) + 0.01, "mean_squared_logarithmic_error", 1, "softplus"),
    "prices": (R.lognormal(12.0, 0.6, N).round(), "mean_squared_logarithmic_error", 1, "softplus"),
    "proportions": (R.beta(2.0, 3.0, N), "binary_crossentropy", 1, "sigmoid"),
    "normal": (R.normal(size=N), "mean_squared_error", 1, "linear"),
    "far from zero": (R.normal(1e4, 10.0, N), "mean_squared_error", 1, "linear"),
    "uniform": (R.uniform(10.0, 20.0, N), "mean_squared_error", 1, "linear"),
    "three outputs": (R.normal(size=(N, 3)), "mean_squared_error", 3, "linear"),
    "outliers": (np.r_[R.normal(size=N), 80.0, -100.0, 60.0], "huber", 1, "linear"),
    "heavy tails": (R.standard_t(1.5, N), "huber", 1, "linear"),
    "multi-label": (R.integers(0, 2, (N, 6)), "binary_crossentropy", 6, "sigmoid"),
    "ratings": (R.choice([1, 2, 3, 4, 5], N, p=[0.05, 0.1, 0.2, 0.4, 0.25]), "mean_absolute_error", 1, "linear"),
    "8-bit masks": ((R.random((20, 16, 16)) > 0.7).astype("uint8") * 255, "binary_crossentropy", 1, "sigmoid"),
    "masks": ((R.random((20, 16, 16, 1)) > 0.7) * 1.0, "binary_crossentropy", 1, "sigmoid"),
    "class maps": (R.integers(0, 5, (10, 32, 32)), "sparse_categorical_crossentropy", 5, "softmax"),
    "directions": (UNIT, "cosine_similarity", 4, "linear"),
    "amounts with zeros": (CLAIMS, "tweedie_deviance", 1, "softplus"),
    "boxes": (BOXES, "generalized_iou", 4, "linear"),
}  # fmt: skip

UNSURE: dict[str, Any] = {
    "cut off above": np.minimum(R.exponential(2.0, N), 5.0),
    "cut off below": np.maximum(R.normal(size=N), 0.0),
    "uneven small integers": R.choice(4, N, p=[0.7, 0.2, 0.07, 0.03]),
    "even grades or classes from 1": R.integers(1, 6, N),
    "images": R.random((10, 8, 8, 3)),
    "times and events": TIMES,
    "token ids": R.integers(0, 100, (50, 30)),
    "constant": np.ones(50),
    "too few": [1.5, 2.5, 0.5],
}


@pytest.mark.parametrize("name", OBVIOUS)
def test_obvious(name: str) -> None:
    y_true, loss, units, activation = OBVIOUS[name]
    advice = lossary.suggest(y_true)
    assert (advice.name, advice.units, advice.activation) == (loss, units, activation), str(advice)
    assert advice.confident, str(advice)
    assert advice.reasons
    assert advice.loss == lossary.get(advice.loss.get_config())


@pytest.mark.parametrize("name", UNSURE)
def test_it_says_when_it_cannot_tell(name: str) -> None:
    advice = lossary.suggest(UNSURE[name])
    assert not advice.confident, str(advice)
    assert "not sure" in str(advice)


def prepared(advice: lossary.Advice, y_true: Any) -> Any:
    scope = {"np": np, "y_true": np.asarray(y_true)}
    exec(advice.preparation, scope)
    return scope["y_true"]


@pytest.mark.parametrize("name", OBVIOUS)
def test_the_doctor_agrees(name: str) -> None:
    """The advised loss and output layer pass the doctor's examination, on the targets as the advice prepares them."""
    advice = lossary.suggest(OBVIOUS[name][0])
    head = Head(advice.activation, advice.units, "output", "keras")
    y_true = prepared(advice, OBVIOUS[name][0])
    if advice.spatial and y_true.ndim == 3 and advice.units == 1:
        y_true = y_true[..., None]
    report = lossary.diagnose(advice.loss, y_true, model=head, metrics=[advice.metric])
    findings = [finding for finding in report.at_least("warning") if finding.code != "LS221"]
    assert not findings, str(report)


@pytest.mark.parametrize("name", OBVIOUS)
def test_metrics_exist_in_keras(name: str) -> None:
    import keras

    assert keras.metrics.get(lossary.suggest(OBVIOUS[name][0]).metric) is not None


KERAS_CODE = ["bits", "integers", "three outputs", "counts", "text", "signs", "far from zero"]


# A step is compiled for each: as the targets are, and after a preparation.
@pytest.mark.parametrize("name", few({"bits", "text"}.__contains__, KERAS_CODE))
def test_keras_code_runs(name: str) -> None:
    import keras

    y_true = OBVIOUS[name][0]
    advice = lossary.suggest(y_true)
    code = advice.code("keras").replace("[...,", "[keras.Input((3,)),").replace("model.fit(x, y_true)", "")
    scope: dict[str, Any] = {"y_true": np.asarray(y_true)}
    exec(code, scope)
    model = scope["model"]
    assert model.output_shape[-1] == advice.units
    history = model.fit(np.zeros((len(scope["y_true"]), 3)), scope["y_true"], verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert isinstance(model, keras.Sequential)


@pytest.mark.parametrize("name", ["bits", "integers", "three outputs", "counts", "multi-label", "class maps"])
def test_torch_code_runs(name: str) -> None:
    import torch

    y_true = torch.as_tensor(np.asarray(OBVIOUS[name][0]))
    advice = lossary.suggest(y_true)
    code = advice.code("torch").replace("(..., ", "(").replace("features", "3")
    x = torch.zeros(len(y_true), 3, *y_true.shape[1:]) if advice.spatial else torch.zeros(len(y_true), 3)
    scope: dict[str, Any] = {"y_true": y_true, "x": x}
    exec(code, scope)
    gradients = [parameter.grad for parameter in scope["model"].parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("framework", ["pandas", "polars", "torch", "jax", "tensorflow", "list"])
def test_columns_of_every_kind(framework: str) -> None:
    values = R.integers(0, 6, N)
    column: Any = values.tolist()
    if framework == "pandas":
        import pandas as pd

        column = pd.Series(values)
    elif framework == "polars":
        import polars as pl

        column = pl.Series(values)
    elif framework == "torch":
        import torch

        column = torch.as_tensor(values)
    elif framework == "jax":
        import jax.numpy as jnp

        column = jnp.asarray(values)
    elif framework == "tensorflow":
        import tensorflow as tf

        column = tf.constant(values)
    assert lossary.suggest(column).name == "sparse_categorical_crossentropy"


def test_text_columns_of_tables() -> None:
    import pandas as pd
    import polars as pl

    words = ["a", "b", "c", "d"] * 30
    for column in (pd.Series(words), pd.Series(words, dtype="category"), pl.Series(words)):
        advice = lossary.suggest(column)
        assert (advice.name, advice.units) == ("sparse_categorical_crossentropy", 4)
        assert "a, b, c, d" in advice.reasons[0]
    numbers = pd.Series([1, 2, 3] * 40, dtype="category")
    assert lossary.suggest(numbers).units == 3


def test_missing_values_are_counted_and_left_out() -> None:
    advice = lossary.suggest([*R.normal(size=N), np.nan, np.nan])
    assert advice.name == "mean_squared_error"
    assert any(reason.startswith("2 targets are missing or infinite") for reason in advice.reasons)
    assert any("1 targets are missing" in reason for reason in lossary.suggest([*(["x", "y"] * 20), None]).reasons)


def test_a_goal_settles_it() -> None:
    assert lossary.suggest(UNSURE["uneven small integers"], goal="classes").name == "sparse_categorical_crossentropy"
    assert lossary.suggest(UNSURE["uneven small integers"], goal="counts").name == "poisson"
    assert lossary.suggest(UNSURE["even grades or classes from 1"], goal="ordinal").confident
    classes = lossary.suggest(UNSURE["even grades or classes from 1"], goal="classes")
    assert (classes.units, classes.preparation.split("  ")[0]) == (5, "y_true = y_true - 1")


@pytest.mark.parametrize(
    ("y_true", "loss"),
    [
        (OBVIOUS["lognormal amounts"][0], "gamma_deviance"),
        (OBVIOUS["prices"][0], "gamma_deviance"),
        (CLAIMS, "tweedie_deviance"),
        (BOXES, "mean_squared_error"),
        (OBVIOUS["normal"][0], "mean_squared_error"),
    ],
)
def test_what_is_advised_for_the_mean_of_numbers_has_it_as_its_best_constant(y_true: Any, loss: str) -> None:
    """No logarithms, whose best constant is the geometric mean."""
    advice = lossary.suggest(y_true, goal="numbers")
    assert (advice.name, advice.confident) == (loss, True)
    y_true, mean = np.asarray(y_true, float).ravel(), np.mean(y_true)
    costs = [
        np.mean(lossary.get(advice.name)(y_true[:, None], np.full((y_true.size, 1), c * mean))) for c in (0.97, 1, 1.03)
    ]
    assert costs[1] < min(costs[0], costs[2])


def test_times_become_bounds() -> None:
    advice = lossary.suggest(TIMES)
    bounds = prepared(advice, TIMES)
    assert advice.name == "aft_nll"
    assert bounds.shape == (N, 1, 2)
    np.testing.assert_array_equal(np.isinf(bounds[:, 0, 1]), TIMES[:, 1] == 0)
    assert np.isfinite(advice.loss(bounds, np.zeros((N, 1))))


@pytest.mark.parametrize("shape", [(N, 2), (N, 1, 2)])
def test_bounds_are_times_too(shape: tuple[int, ...]) -> None:
    given = prepared(lossary.suggest(TIMES), TIMES).reshape(shape)
    advice = lossary.suggest(given)
    assert (advice.name, advice.units, advice.confident) == ("aft_nll", 1, True)
    assert not any("missing" in reason for reason in advice.reasons)
    assert f"{100 * TIMES[:, 1].mean():.4g}% of which have an end" in advice.reasons[0]
    np.testing.assert_array_equal(prepared(advice, given), prepared(lossary.suggest(TIMES), TIMES))
    # An infinity among other pairs is none of them.
    assert lossary.suggest([[1.0, np.inf], [3.0, 2.0], *R.normal(size=(20, 2)).tolist()]).name == "mean_squared_error"


def test_four_numbers_in_order_are_no_boxes() -> None:
    assert lossary.suggest(np.sort(R.normal(size=(N, 4)), 1)).name == "mean_squared_error"
    assert lossary.suggest(R.normal(size=(N, 4))).name == "mean_squared_error"


def test_every_alternative_is_a_loss() -> None:
    rng = np.random.default_rng(3)
    shapes = [y_true for y_true, *_ in OBVIOUS.values()] + list(UNSURE.values())
    shapes += [rng.negative_binomial(1, 0.3, N) * (rng.random(N) < 0.4), (rng.random((9, 8, 8, 1)) < 0.02) * 1.0]
    for goal in (None, "numbers"):
        named = {name.split()[0] for y_true in shapes for name in lossary.suggest(y_true, goal=goal).alternatives}
        assert named <= set(lossary.names())


def test_a_goal_that_the_targets_contradict() -> None:
    advice = lossary.suggest(R.normal(size=N), goal="counts")
    assert not advice.confident
    assert any("numbers >= 0" in reason for reason in advice.reasons)


def test_losses_of_other_questions_are_mentioned_where_targets_speak_for_them() -> None:
    rng = np.random.default_rng(0)
    assert {"gaussian_nll", "interval_score"} <= set(lossary.suggest(rng.normal(size=300)).alternatives)
    little, much = (lossary.suggest((rng.random((6, 16, 16, 1)) < share) * 1.0) for share in (0.03, 0.4))
    assert {"dice", "tversky"} <= set(little.alternatives)
    assert not {"dice", "tversky"} & set(much.alternatives)
    graded, counted = (lossary.suggest(rng.integers(0, high, (80, 8))) for high in (4, 60))
    assert "pairwise_logistic" in graded.alternatives
    assert "pairwise_logistic" not in counted.alternatives


def test_misuse() -> None:
    with pytest.raises(lossary.ParameterError, match="accepted are 'classes'"):
        lossary.suggest([0, 1], goal="guess")  # type: ignore[arg-type]
    with pytest.raises(lossary.ShapeError, match="at least one target"):
        lossary.suggest([])
    with pytest.raises(lossary.ShapeError, match="no finite number"):
        lossary.suggest([np.nan, np.nan])
    with pytest.raises(lossary.DTypeError, match="complex"):
        lossary.suggest(np.array([1j, 2.0]))
    with pytest.raises(lossary.ParameterError, match="accepted are 'keras' and 'torch'"):
        lossary.suggest([0, 1] * 20).code("jax")  # type: ignore[arg-type]


def test_advice_as_data_and_text() -> None:
    advice = lossary.suggest(OBVIOUS["outliers"][0])
    data = json.loads(advice.to_json())
    assert (data["name"], data["units"], data["confident"]) == ("huber", 1, True)
    assert set(data["code"]) == {"keras", "torch"}
    text = str(advice)
    assert "because" in text
    assert "instead" in text
    assert "log_cosh" in text
    assert "3 of 403" in text
    assert advice._repr_html_().startswith("<pre>")


def test_grades_name_the_shift_to_labels() -> None:
    advice = lossary.suggest([1, 2, 3, 4, 5] * 30)
    assert advice.alternatives["sparse_categorical_crossentropy"] == (
        "the grades are mere names, or you want a probability for each: y_true - 1, 5 softmax units"
    )


def test_a_file_name_is_no_targets() -> None:
    with pytest.raises(lossary.DTypeError) as caught:
        lossary.suggest("data.csv")
    assert str(caught.value) == (
        "suggest: y_true is the text 'data.csv'; accepted are the targets themselves. For a column of a file: "
        "lossary suggest FILE --target COLUMN, in a shell"
    )


@pytest.mark.parametrize("unit", [2.0**-1040, 2.0**1000])
def test_what_is_said_of_a_spread_holds_in_any_unit(unit: float) -> None:
    numbers = np.sin(np.arange(50.0))
    scaled = numbers * unit
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advice = lossary.suggest(scaled, goal="numbers")
        lossary.suggest([1e300, -1e300, 1])
        lossary.suggest(np.stack([scaled, -scaled], -1))
    assert advice.name == lossary.suggest(numbers, goal="numbers").name
    scope = {"y_true": scaled}
    exec(advice.preparation, scope)
    np.testing.assert_allclose(scope["y_true"], (numbers - numbers.mean()) / numbers.std(), atol=1e-4)
