"""How one loss is written in each library: the lines of a page's tabs."""

from __future__ import annotations

from lossary.facts.domain import Real
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

lossary.{name}({arguments})                                     # one value per data point
value, slope = lossary.value_and_grad({object})({named})        # one number, and its derivative"""
_SKLEARN = """\
import lossary
from sklearn.model_selection import cross_val_score

cross_val_score(model, x, y, scoring=lossary.sklearn.scorer({object}))"""
_XGBOOST = """\
import lossary, xgboost

objective = lossary.xgboost.objective({object})
booster = xgboost.train({{**objective.params(y)}}, xgboost.DMatrix(x, y), obj=objective)"""


def snippets(record: Record) -> dict[str, str]:
    """Tab -> code."""
    usual, logits = record.has_usual_names, "from_logits" in record.defaults()
    made = f"lossary.{record.class_name}()"
    arguments = ", ".join(record.names)
    named = arguments if usual else ", ".join(f"{name}={name}" for name in record.names)
    first = record.names[record.first_prediction]
    others = ", ".join(name if usual else f"{name}={name}" for name in record.names if name != first)
    function = f"lambda {first}: loss({others}{', ' if others else ''}{first if usual else f'{first}={first}'})"
    words = {"name": record.name, "object": made, "arguments": arguments, "named": named, "function": function}
    words["traced"] = first
    raw = made.replace("()", "(from_logits=True)") if logits else made
    found = {
        "Keras": (_KERAS if usual else _KERAS_NAMED).format(**words),
        "PyTorch": (_TORCH if usual else _TORCH_NAMED).format(**{**words, "object": raw}),
        "JAX": _JAX.format(**{**words, "object": raw}),
        "NumPy": _NUMPY.format(**words),
    }
    if record.is_pair and not record.regions and isinstance(record.prediction_domain({"from_logits": logits}), Real):
        found["scikit-learn"] = _SKLEARN.format(**words)
        found["XGBoost"] = _XGBOOST.format(**{**words, "object": raw})
    return found
