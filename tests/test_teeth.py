"""Teeth: every loss is sabotaged in every way listed, and the checks must notice.

The battery is what guards the library: hand-worked cases, the 60-digit references and the laws.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

import accuracy
import oracle
from dropped_terms import terms, without
from everywhere import EXAMPLES
from inputs import EVERY_SETTING, PAIRS, Setting, arguments, central_difference, few, has_constants
from laws import LAWS
from lossary.calls.programs import Program
from lossary.facts.arguments import Role
from lossary.facts.record import Record
from lossary.objects.define import Loss
from lossary.objects.several import ArgumentsLoss

BUILTIN = PAIRS
EXAMPLE_RECORDS = {setting.record.name: setting.record for setting in EXAMPLES}.values()
OTHERS = [setting.record for setting in EVERY_SETTING if not setting.record.is_pair]


def loss_of(record: Record, **settings: Any) -> Loss:
    """A loss object of a record that is not registered."""
    kind = Loss if record.names == ("y_true", "y_pred") else ArgumentsLoss
    made: Loss = type(record.class_name, (kind,), {"record": record})(**settings)
    return made


def battery(record: Record) -> None:
    """Everything that must fail for a sabotaged record."""
    _cases(record)
    if not record.is_pair:
        parameters = _without_constants(record)
        if parameters is not None:
            _slopes(record, parameters)
        return
    _references(record)
    for law in LAWS:
        law(loss_of(record), "numpy")


def _cases(record: Record) -> None:
    for case in record.cases:
        loss = loss_of(record, reduction="none", **case.parameters)
        values = loss(*map(np.asarray, case.arrays))
        np.testing.assert_allclose(values, case.value, rtol=1e-6, atol=1e-12)


def _without_constants(record: Record) -> dict[str, Any] | None:
    """Parameters for which no part of the formula counts as a constant, if there are such."""
    turned = ({p.name: not p.default} for p in record.parameters if isinstance(p.default, bool))
    return next((each for each in ({}, *turned) if not has_constants(Setting(record, each))), None)


def _slopes(record: Record, parameters: dict[str, Any]) -> None:
    """Every gradient is the central difference of the value, at ordinary arguments."""
    rows = 6 if record.compared else 3  # Of which some are to be relatives and some strangers.
    axis = {"axis": (-1,)} if record.regions else {}
    loss = loss_of(record, reduction="sum", **axis, **parameters)
    drawn = arguments(record, np.random.default_rng(5), (rows, 4), parameters)
    places = [place for place, argument in enumerate(record.arguments) if argument.role is Role.PREDICTION]
    _, found = loss.value_and_grad(*drawn)
    for place, gradient in zip(places, found if len(places) > 1 else (found,), strict=True):

        def value(moved: Any, place: int = place) -> Any:
            return loss(*drawn[:place], moved, *drawn[place + 1 :])

        np.testing.assert_allclose(gradient, central_difference(value, drawn[place]), rtol=2e-4, atol=1e-6)


def _references(record: Record) -> None:
    for parameters in accuracy.variants(record):
        loss = loss_of(record, reduction="none", **parameters)
        for kind in accuracy.KINDS:
            for t, p, *exact in _known(record.name, tuple(parameters.items()), kind):
                for got, (wanted, slack) in zip(loss.value_and_grad(t, p), exact, strict=True):
                    assert np.all(np.abs(got - wanted)[slack >= 0] <= slack[slack >= 0]), (parameters, kind, t, p)


@cache
def _known(name: str, parameters: tuple[tuple[str, Any], ...], kind: str) -> list[tuple[Any, ...]]:
    """Arguments with the 60-digit values and slopes of their rows and how near answers must be.

    No sabotage changes these.
    """
    record, settings = next(each for each in BUILTIN if each.name == name), dict(parameters)

    def near(exact: Any, t: Any, p: Any, index: int | None) -> tuple[float, float]:
        if abs(exact) >= accuracy.LARGEST / 2:
            return 0.0, -1.0
        unit = accuracy.unit(record, t, p, settings, exact, index)
        return float(exact), 1e-3 * abs(float(exact)) + 10.0 * float(unit)

    def answers(t: Any, p: Any) -> tuple[Any, Any]:
        slopes = enumerate(oracle.slope(name, t, p, **settings))
        return near(oracle.value(name, t, p, **settings), t, p, None), [near(x, t, p, at) for at, x in slopes]

    found = []
    for t, p in ((t[:4], p[:4]) for t, p in accuracy.inputs(record, settings, kind)):
        values, slopes = zip(*(answers(*row) for row in zip(t, p, strict=True)), strict=True)
        found.append((t, p, np.moveaxis(np.array(values), -1, 0), np.moveaxis(np.array(slopes), -1, 0)))
    return found


@pytest.mark.costly
def test_the_battery_passes_for_losses_as_they_are() -> None:
    """Of each makeup; what it consists of is run on every loss elsewhere."""
    for record in EXAMPLE_RECORDS:
        battery(record)


def sabotages(record: Record) -> dict[str, Callable[[], Record]]:
    """Name of a sabotage -> the sabotaged record."""
    formula, slope = record.formula, record.slope

    def wrapped(change: Callable[[Any], Any], function: Any) -> Any:
        def sabotaged(*arrays: Any, **kw: Any) -> Any:
            found = function(*arrays, **kw)
            return tuple(map(change, found)) if isinstance(found, tuple) else change(found)

        return sabotaged

    def changed(change: Callable[[Any], Any]) -> Record:
        return dataclasses.replace(
            record, formula=wrapped(change, formula), slope=None if slope is None else wrapped(change, slope)
        )

    found: dict[str, Callable[[], Record]] = {
        "sign": lambda: changed(lambda x: -x),
        "factor": lambda: changed(lambda x: 1.01 * x),
        "offset": lambda: dataclasses.replace(record, formula=wrapped(lambda x: x + 0.01, formula)),
        "value only": lambda: dataclasses.replace(record, formula=wrapped(lambda x: 1.01 * x, formula)),
    }
    if slope is not None:
        found["slope only"] = lambda: dataclasses.replace(record, slope=wrapped(lambda x: 1.01 * x, slope))
    if not record.is_pair:
        return found
    swapped = dataclasses.replace(record, formula=lambda t, p, **kw: formula(p, t, **kw), slope=None)
    if not record.labels_are_integers and not _same(record, swapped):
        found["swapped roles"] = lambda: swapped
    return found


def _same(one: Record, other: Record) -> bool:
    """Whether two formulas mean the same on any numbers, also outside their domains: then none is a sabotage."""
    y_true, y_pred = np.meshgrid([-1.5, -1.0, 0.0, 0.25, 1.0, 3.0], [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
    y_pred[:, 0] += 0.125  # No row of zeros, which has no direction.
    with np.errstate(all="ignore"):
        found = [loss_of(r, reduction="none", check="off").value_and_grad(y_true, y_pred) for r in (one, other)]
    return all(np.allclose(a, b, rtol=1e-9, equal_nan=True) for a, b in zip(*found, strict=True))


def is_noticed(record: Record) -> bool:
    """Whether the battery fails."""
    try:
        battery(record)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    "record", few(list(EXAMPLE_RECORDS).__contains__, [*BUILTIN, *OTHERS]), ids=lambda record: record.name
)
def test_sabotage_is_noticed(record: Record) -> None:
    assert [name for name, sabotaged in sabotages(record).items() if not is_noticed(sabotaged())] == []


def dropped(record: Record, switches: dict[str, Any]) -> Iterator[Record]:
    """The record with one term of its formula missing, term by term, where the switches lead."""
    program = Program(record, tuple(switches.items()))
    for position in range(len(terms(program.output))):

        def formula(*arrays: Any, position: int = position, **kw: Any) -> Any:
            output = record.formula(*arrays, **kw)
            return without(output, position) if all(kw.get(k, v) == v for k, v in switches.items()) else output

        yield dataclasses.replace(record, formula=formula, slope=None)


def _switches(record: Record) -> list[dict[str, Any]]:
    """What is no number among the parameters, in every variant."""
    names = [p.name for p in record.parameters if not p.is_number]
    settings = [record.defaults() | variant for variant in accuracy.variants(record)]
    found = [{name: each[name] for name in names} for each in settings]
    return [switches for place, switches in enumerate(found) if switches not in found[:place]]


@pytest.mark.parametrize(
    "record",
    [pytest.param(r, marks=() if r in EXAMPLE_RECORDS else pytest.mark.costly, id=r.name) for r in BUILTIN],
)
def test_dropped_term_is_noticed(record: Record) -> None:
    # Variants that differ in numbers have one formula, and the battery runs it with the numbers of all.
    for switches in _switches(record):
        for number, sabotaged in enumerate(dropped(record, switches)):
            assert is_noticed(sabotaged), f"dropping term {number} with {switches} went unnoticed"
