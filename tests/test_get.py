"""Names: every spelling of every loss, configurations, copies, and the classic predicate."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import keras
import numpy as np
import pytest

import lossary
from inputs import BUILTIN
from lossary import losses
from lossary.objects.define import function, loss_class

# The catalogue: canonical name -> (class, names of the function besides the canonical one).
CATALOGUE: dict[str, tuple[str, tuple[str, ...]]] = {
    "mean_squared_error": ("MeanSquaredError", ("MSE", "mse", "squared_error")),
    "mean_absolute_error": ("MeanAbsoluteError", ("MAE", "mae", "l1")),
    "mean_absolute_percentage_error": ("MeanAbsolutePercentageError", ("MAPE", "mape")),
    "mean_squared_logarithmic_error": ("MeanSquaredLogarithmicError", ("MSLE", "msle")),
    "squared_hinge": ("SquaredHinge", ()),
    "hinge": ("Hinge", ()),
    "categorical_hinge": ("CategoricalHinge", ()),
    "log_cosh": ("LogCosh", ("logcosh",)),
    "huber": ("Huber", ("huber_loss",)),
    "categorical_crossentropy": ("CategoricalCrossentropy", ("softmax_cross_entropy",)),
    "sparse_categorical_crossentropy": ("SparseCategoricalCrossentropy", ()),
    "binary_crossentropy": ("BinaryCrossentropy", ("BCE", "bce")),
    "kl_divergence": ("KLDivergence", ("kullback_leibler_divergence", "KLD", "kld")),
    "poisson": ("Poisson", ()),
    "cosine_similarity": ("CosineSimilarity", ("cosine_proximity", "cosine")),
}
NAMES = [(name, spelling) for name, (cls, aliases) in CATALOGUE.items() for spelling in (name, cls, *aliases)]
# Parameters off their defaults, where a loss has any.
OFF_DEFAULT: dict[str, dict[str, Any]] = {
    "huber": {"delta": 2.5},
    "categorical_crossentropy": {"from_logits": True, "label_smoothing": 0.1, "epsilon": 0.0},
    "sparse_categorical_crossentropy": {"from_logits": True, "ignore_class": -1},
    "binary_crossentropy": {"label_smoothing": 0.2, "epsilon": 1e-5},
    "kl_divergence": {"epsilon": 0.0},
    "poisson": {"epsilon": 1e-3},
    "mean_absolute_percentage_error": {"epsilon": 1e-3},
    "mean_squared_logarithmic_error": {"epsilon": 1e-3},
}


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def test_the_catalogue_names_losses_that_are_there() -> None:
    assert set(CATALOGUE) <= {record.name for record in BUILTIN}
    assert set(CATALOGUE) <= set(lossary.names())
    assert lossary.names() == sorted(lossary.names())


@pytest.mark.parametrize(("name", "spelling"), NAMES, ids=lambda x: x)
def test_every_spelling_in_any_case_style(name: str, spelling: str) -> None:
    expected = loss_class(name)()
    styles = {spelling, spelling.lower(), spelling.upper(), camel(spelling), spelling.replace("_", "-"), name.title()}
    for style in styles | {f" {spelling} ", spelling.replace("_", " ")}:
        assert lossary.get(style) == expected, style


@pytest.mark.parametrize(("name", "spelling"), NAMES, ids=lambda x: x)
def test_functions_classes_and_strings_under_all_names(name: str, spelling: str) -> None:
    for module in (lossary, losses):
        found = getattr(module, spelling)
        assert found is (loss_class(name) if isinstance(found, type) else function(name))
        assert lossary.get(found) == loss_class(name)()
        assert spelling in module.__all__
        assert spelling in dir(module)


@pytest.mark.parametrize("name", CATALOGUE)
def test_round_trips(name: str) -> None:
    settings = OFF_DEFAULT.get(name, {}) | {"reduction": "sum", "axis": 0, "name": "mine", "check": "shapes"}
    for loss in (lossary.get(name), lossary.get(name, **settings)):
        config = loss.get_config()
        through_json = lossary.get(json.loads(json.dumps(config)))
        copies = [lossary.get(config), through_json, pickle.loads(pickle.dumps(loss)), copy.copy(loss)]
        copies += [copy.deepcopy(loss), type(loss).from_config(config), type(loss).from_config(config["config"])]
        for other in copies:
            assert other == loss
            assert hash(other) == hash(loss)
            assert type(other) is type(loss)
            assert other.get_config() == config
            assert repr(other) == repr(loss)


@pytest.mark.parametrize("spelling", ["lossary.huber", "lossary.Huber", "lossary.losses.huber"])
def test_names_with_that_of_the_library(spelling: str) -> None:
    assert lossary.get(spelling, delta=2.0) == lossary.Huber(delta=2.0)


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "Huber", "config": {}, "delta": 2.0},
        {"class_name": {"class_name": "Huber"}, "config": {}},
        {"class_name": "Huber", "config": None},
        {"class_name": "Huber", "config": {"class_name": "Huber", "config": {}}},
    ],
)
def test_nothing_of_a_configuration_is_dropped(config: Any) -> None:
    for read in (lossary.get, lossary.Huber.from_config):
        with pytest.raises(lossary.LossError):
            read(config)


def test_equality_sees_every_setting() -> None:
    base = lossary.Huber(delta=2.0)
    assert base == lossary.get("huber", delta=2)
    others = [
        lossary.Huber(),
        lossary.Huber(delta=2.0, reduction="sum"),
        lossary.Huber(delta=2.0, axis=0),
        lossary.Huber(delta=2.0, name="other"),
        lossary.Huber(delta=2.0, check="off"),
        lossary.MeanSquaredError(),
        "huber",
    ]
    assert all(base != other for other in others)
    assert len({base, lossary.Huber(delta=2.0), *others}) == len(others) + 1
    assert lossary.Huber(reduction="mean") == lossary.Huber()
    assert lossary.Huber(reduction=None) == lossary.Huber(reduction="none")


def test_parameters_are_attributes() -> None:
    loss = lossary.Huber(delta=2)
    assert loss.delta == 2.0
    assert isinstance(loss.delta, float)
    with pytest.raises(AttributeError, match="Huber has no attribute 'epsilon'"):
        _ = loss.epsilon
    assert repr(loss) == "Huber(delta=2.0)"
    with pytest.raises(AttributeError, match=r"huber: delta of an object is fixed.*loss\.replaced\(delta=3\.0\)"):
        loss.delta = 3.0
    assert loss.delta == 2.0


@pytest.mark.parametrize("name", CATALOGUE)
def test_keras_configurations(name: str) -> None:
    theirs = getattr(keras.losses, CATALOGUE[name][0])(reduction="sum")
    assert lossary.get(keras.losses.serialize(theirs)).record.name == name
    assert lossary.get({"class_name": CATALOGUE[name][0], "config": {"reduction": "sum"}}).reduction == "sum"
    assert lossary.get({"class_name": f"my_package>{CATALOGUE[name][0]}", "config": {}}) == lossary.get(name)
    assert lossary.get({"name": name}) == lossary.get(name)


def test_keras_parameters_are_kept() -> None:
    theirs = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.25)
    ours = lossary.get(keras.losses.serialize(theirs))
    assert (ours.from_logits, ours.label_smoothing) == (True, 0.25)


def test_parameters_given_to_get_win() -> None:
    base = lossary.Huber(delta=2.0, reduction="sum")
    assert lossary.get(base) is base
    assert lossary.get(base, delta=3.0) == lossary.Huber(delta=3.0, reduction="sum")
    assert lossary.get(base.get_config(), delta=3.0) == lossary.Huber(delta=3.0, reduction="sum")
    assert lossary.get(lossary.huber, delta=3.0) == lossary.get(lossary.Huber, delta=3.0) == lossary.Huber(delta=3.0)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("mean_square_error", "mean_squared_error"),
        ("MeanSquareError", "mean_squared_error"),
        ("categorical_crossentopy", "categorical_crossentropy"),
        ("hubber", "huber"),
        ("kl_divergance", "kl_divergence"),
        ("binary_cross_entropi", "binary_crossentropy"),
        ("cosine_similarty", "cosine_similarity"),
        ("bce_los", "binary_crossentropy"),
        ("focl_loss", "focal_loss"),
        ("focal_los", "focal_loss"),
        ("cross_entrpy", "cross_entropy"),
    ],
)
def test_misspelt_names_are_recognised(wrong: str, meant: str) -> None:
    with pytest.raises(lossary.UnknownLossError, match=rf"unknown loss '{wrong}'; did you mean {meant}\b.*\?"):
        lossary.get(wrong)


def test_unknown_names_and_other_things() -> None:
    with pytest.raises(lossary.UnknownLossError, match=r"unknown loss 'zzz'\. All names: lossary\.names\(\)"):
        lossary.get("zzz")
    for value in (None, 3, 3.5, dict, {}, [], object()):
        with pytest.raises(lossary.UnknownLossError, match="cannot make a loss of"):
            lossary.get(value)
    with pytest.raises(KeyError):
        lossary.get("zzz")
    with pytest.raises(ValueError, match="unknown loss"):
        lossary.get({"class_name": "zzz", "config": {}})


def test_is_categorical_crossentropy() -> None:
    cls, aliases = CATALOGUE["categorical_crossentropy"]
    forms: list[Any] = ["categorical_crossentropy", cls, *aliases, "CATEGORICAL_CROSSENTROPY"]
    forms += [lossary.categorical_crossentropy, lossary.CategoricalCrossentropy, losses.categorical_crossentropy]
    forms += [lossary.CategoricalCrossentropy(from_logits=True, name="mine"), lossary.get("softmax_cross_entropy")]
    forms += [lossary.CategoricalCrossentropy().get_config(), keras.losses.categorical_crossentropy]
    forms += [keras.losses.CategoricalCrossentropy(), keras.losses.CategoricalCrossentropy]
    for form in forms:
        assert lossary.is_categorical_crossentropy(form), form
    others: list[Any] = [name for name in CATALOGUE if name != "categorical_crossentropy"]
    others += [lossary.sparse_categorical_crossentropy, lossary.BinaryCrossentropy(), lossary.Huber, None, 3, "zzz", {}]
    others += [lambda y_true, y_pred: y_pred, keras.losses.SparseCategoricalCrossentropy(), np.zeros(3)]
    for other in others:
        assert not lossary.is_categorical_crossentropy(other), other


def test_functions_take_parameters_by_position_as_in_keras() -> None:
    y_true, y_pred = [[0.0, 1.0]], [[2.0, -1.0]]
    assert lossary.huber(y_true, y_pred, 0.5) == lossary.huber(y_true, y_pred, delta=0.5)
    by_name = lossary.categorical_crossentropy(y_true, y_pred, from_logits=True, label_smoothing=0.1)
    assert lossary.categorical_crossentropy(y_true, y_pred, True, 0.1, -1) == by_name
    with pytest.raises(TypeError):
        lossary.Huber(2.0)  # type: ignore[misc]
