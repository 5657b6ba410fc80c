"""Teeth for losses with several inputs: each is sabotaged, term by term and slope by slope, and must be noticed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from accuracy_arguments import HURT, answers
from dropped_terms import terms, without
from everywhere import EXAMPLES
from families.hurt import Hurt
from inputs import few
from lossary.calls.programs import Program
from lossary.facts.record import Record
from lossary.objects.define import Loss, function, loss_class

# Far beyond what rounding can do.
NOTICED = 1e3
SHORT = 20
# Terms that count only where a parameter is 0 or a quotient is no number; `test_saturated` has the right values there.
OF_LIMITS = {"beta_nll": 14, "gamma_nll": 4, "negative_binomial_nll": 12, "student_t_nll": 8}
EXAMPLE_NAMES = {setting.record.name for setting in EXAMPLES}


@cache
def groups() -> dict[str, list[Hurt]]:
    """The inputs that hurt, by loss and switches: a term that is gone shows in some of them."""
    found: dict[str, list[Hurt]] = {}
    for hurt in HURT:
        found.setdefault("-".join([hurt.name, *map(str, switches(hurt).items())]), []).append(hurt)
    return found


def switches(hurt: Hurt) -> dict[str, Any]:
    record = function(hurt.name).record
    settings = record.defaults() | hurt.parameters
    return {p.name: settings[p.name] for p in record.parameters if not p.is_number}


def is_noticed(record: Record, hurts: list[Hurt]) -> bool:
    """Whether a reference tells the record from the loss that it was."""
    base = Loss if record.names == ("y_true", "y_pred") else loss_class(record.name).__bases__[0]
    with np.errstate(all="ignore"):
        return any(
            answer.error > NOTICED
            for hurt in hurts
            for answer in answers(
                hurt,
                "numpy",
                type(record.class_name, (base,), {"record": record})(
                    reduction="none", axis=(-1,) if record.regions else -1, **hurt.parameters
                ),
            )
        )


def dropped(record: Record, chosen: dict[str, Any]) -> Iterator[Record]:
    """The record with one term of its formula missing, term by term."""
    for position in range(len(terms(Program(record, tuple(chosen.items())).output))):

        def formula(*arguments: Any, position: int = position, **parameters: Any) -> Any:
            return without(record.formula(*arguments, **parameters), position)

        yield dataclasses.replace(record, formula=formula)


def is_short(group: str) -> bool:
    """Whether `make test` has time for every term of the formula, for the first switches of a loss."""
    hurt = groups()[group][0]
    first = next(name for name, hurts in groups().items() if hurts[0].name == hurt.name)
    if hurt.name not in EXAMPLE_NAMES or group != first:
        return False
    return len(list(dropped(function(hurt.name).record, switches(hurt)))) <= SHORT


@pytest.mark.parametrize("group", few(is_short, groups()))
def test_a_dropped_term_is_noticed(group: str) -> None:
    hurts = groups()[group]
    record = function(hurts[0].name).record
    terms = enumerate(dropped(record, switches(hurts[0])))
    unnoticed = [number for number, sabotaged in terms if not is_noticed(sabotaged, hurts)]
    assert len(unnoticed) == OF_LIMITS.get(group, 0), unnoticed


@pytest.mark.parametrize("group", groups())
def test_a_wrong_slope_is_noticed(group: str) -> None:
    hurts = groups()[group]
    record = function(hurts[0].name).record
    if record.slope is None:
        return  # It is derived from the formula, whose terms are dropped above.
    for place in range(len(record.predictions)):

        def slope(*arguments: Any, place: int = place, **parameters: Any) -> Any:
            found = record.slope(*arguments, **parameters)  # type: ignore[misc]
            several = found if isinstance(found, tuple) else (found,)
            return tuple(1.01 * each if i == place else each for i, each in enumerate(several))

        assert is_noticed(dataclasses.replace(record, slope=slope), hurts), f"slope {place}"
