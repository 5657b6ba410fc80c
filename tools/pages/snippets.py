"""How one loss is written in each library: the lines of a page's tabs."""

from __future__ import annotations

from typing import Any

import numpy as np

import lossary
import lossary.xgboost
from lossary.facts.domain import OneHot, Probabilities
from lossary.facts.record import Record

_KERAS = """\
import lossary
from lossary.keras import Sequential

model.compile(loss={object}, optimizer="adam")   # a model of lossary.keras knows the name "{name}" too"""
_KERAS_NAMED = """\
import lossary

loss = {object}   # in a model of lossary.keras: inputs without targets are stacked in the output
value = loss({named})"""
_TORCH = """\
import lossary

loss = {object}
loss({arguments}).backward()   # tensors; or lossary.torch.Loss("{name}")(input, target) in PyTorch's order"""
_TORCH_NAMED = """\
import lossary

loss = {object}
loss({named}).backward()   # tensors"""
_JAX = """\
import jax, lossary

loss = {object}
value, slope = jax.value_and_grad({function})({traced})"""
_NUMPY = """\
import lossary

lossary.{name}({arguments}{axis})   # one value per data point
value, slope = lossary.value_and_grad({object})({named})   # one number, and its derivative"""
_SKLEARN = """\
import lossary.sklearn
from sklearn.model_selection import cross_val_score

cross_val_score(model, x, y, scoring=lossary.sklearn.scorer({object}))"""
_XGBOOST = """\
import lossary.xgboost, xgboost

objective = lossary.xgboost.objective({object})
booster = xgboost.train({params}, xgboost.DMatrix(x, y), obj=objective)"""


def snippets(record: Record) -> dict[str, str]:
    """Tab -> code."""
    usual, logits = record.has_usual_names, "from_logits" in record.defaults()
    region = "axis=(1, 2)" if record.regions else ""
    arguments = ", ".join(record.names)
    named = arguments if usual else ", ".join(f"{name}={name}" for name in record.names)
    first = record.names[record.first_prediction]
    others = ", ".join(name if usual else f"{name}={name}" for name in record.names if name != first)
    function = f"lambda {first}: loss({others}{', ' if others else ''}{first if usual else f'{first}={first}'})"
    words = {"name": record.name, "arguments": arguments, "named": named, "function": function, "traced": first}
    words |= {"object": f"lossary.{record.class_name}({region})", "axis": f", {region}" if region else ""}
    raw = ", ".join(filter(None, ["from_logits=True" if logits else "", region]))
    of_scores = {**words, "object": f"lossary.{record.class_name}({raw})"}
    found = {
        "Keras": (_KERAS if usual else _KERAS_NAMED).format(**words),
        "PyTorch": (_TORCH if usual else _TORCH_NAMED).format(**of_scores),
        "JAX": _JAX.format(**of_scores),
        "NumPy": _NUMPY.format(**words),
    }
    if _is_learnt_from_columns(record):
        params = "objective.params(y)" if logits or not _has_classes(record) else _CLASSES
        found["scikit-learn"] = _SKLEARN.format(**words)
        found["XGBoost"] = _XGBOOST.format(**of_scores, params=params)
    return found


_CLASSES = '{**objective.params(y), "num_class": 3}'
# Losses of pictures, of whole distributions, of pairs, and of two networks that play against each other.
_NOT_OF_TABLES = ("boundaries", "detection", "distributions", "embedding")
_OF_GAMES = ("gan_hinge", "wasserstein_gan")
# Models of tables say probabilities, not logarithms of them.
_OF_LOGARITHMS = ("negative_log_likelihood",)


def _has_classes(record: Record) -> bool:
    return record.labels_are_integers or isinstance(record.target, OneHot | Probabilities)


def _is_learnt_from_columns(record: Record) -> bool:
    """Whether each row has one target, a number or a class, as models of tables have."""
    others = (*_OF_GAMES, *_OF_LOGARITHMS)
    if not record.is_pair or record.regions or record.family in _NOT_OF_TABLES or record.name in others:
        return False
    try:
        lossary.xgboost.objective(record.name)
    except lossary.LossError:
        return False
    return _has_classes(record) or _is_mean(record)


def _is_mean(record: Record) -> bool:
    """Whether the value of a row is the mean of those of its outputs."""
    whole, parts = _values(record, slice(None)), [_values(record, [column]) for column in range(3)]
    return bool(np.allclose(whole, np.mean(parts, axis=0)))


def _values(record: Record, columns: Any) -> Any:
    rng = np.random.default_rng(0)
    drawn = [argument.sample(rng, (4, 3)) for argument in record.arguments]
    loss = lossary.get(record.name).replaced(reduction="none", check="off")
    return loss(*(each[:, columns] for each in drawn))
