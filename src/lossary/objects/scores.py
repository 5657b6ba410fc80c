"""A loss of scores that are capped first, or whose log-sum is pulled towards 0: a record made of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..calls.plan import Setting
from ..facts import registry
from ..facts.record import Parameter, Record
from ..facts.settings import Interval
from ..graph import scores
from ..graph.words import is_off

SOFTCAP = Parameter(
    "softcap", 0.0, Interval("Bound that scores approach: softcap * tanh(score / softcap)", 0.0, off=0.0), False
)
Z_LOSS = Parameter("z_loss", 0.0, Interval("Weight of the square of the log-sum of the scores", 0.0, off=0.0), False)


def setting(record: Record, parameters: Mapping[str, Any], softcap: float | None, z_loss: float) -> Setting:
    """The loss of one row of scores, without what it does to whole rows: those to leave out, weights of classes."""
    around = {p.name for p in record.parameters if p.is_around}
    if softcap is None and z_loss == 0.0:
        return Setting(record, {name: None if name in around else value for name, value in parameters.items()})
    own = {name: value for name, value in parameters.items() if name not in around}
    return Setting(_around(record), {**own, "softcap": softcap or 0.0, "z_loss": z_loss})


@lru_cache(maxsize=128)
def _around(record: Record) -> Record:
    """The record whose formula sees the capped scores and adds the square of their log-sum."""

    def formula(y_true: Any, y_pred: Any, *, softcap: Any = 0.0, z_loss: Any = 0.0, **own: Any) -> Any:
        given = scores.capped(y_pred, softcap)
        value = record.value_of((y_true, given), own)
        if is_off(z_loss):
            return value
        size, _ = scores.log_sum(given)
        return value + z_loss * size * size

    def slope(y_true: Any, y_pred: Any, *, softcap: Any = 0.0, z_loss: Any = 0.0, **own: Any) -> Any:
        given = scores.capped(y_pred, softcap)
        (found,) = record.slopes_of((y_true, given), own)
        if not is_off(z_loss):
            size, share = scores.log_sum(given)
            found = found + 2.0 * z_loss * size * share
        return found * scores.steepness(y_pred, softcap)

    own = tuple(replace(p, shared=False) for p in record.parameters if not p.is_around)
    made = Record(
        name=f"linear_{record.name}",
        formula=formula,
        slope=None if record.slope is None else slope,
        aliases=(),
        class_name=record.class_name,
        arguments=record.arguments,
        parameters=(*own, SOFTCAP, Z_LOSS),
        definition="",
        source="",
        cases=(),
        builtin=False,
        regions=record.regions,
    )
    return registry.kept(made)
