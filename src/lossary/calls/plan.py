"""What calls with arrays of the same types, dtypes and shapes have in common, found out once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import backends, texts
from ..backends import FLOATS, HALF, Array, Backend
from ..facts.record import Record
from ..facts.registry import is_enrolled
from ..facts.settings import Interval, Weights
from . import align, parts
from .programs import Program, program_at


class Setting:
    """A loss with all its parameters, and what earlier calls found out about arrays like theirs."""

    def __init__(self, record: Record, parameters: Mapping[str, Any]) -> None:
        self.record = record
        self.parameters = parameters
        self.ignored: int | None = parameters.get("ignore_class")
        given = [p for p in record.parameters if parameters[p.name] is not None]
        self.weighting = any(isinstance(p.allowed, Weights) for p in given)
        self.switches, self.symbols = record.switches(parameters), record.symbols(parameters)
        self.numbers: tuple[Any, ...] = tuple(parameters[name] for name in self.symbols)
        # A parameter that is an array is traced or differentiated by its framework.
        self.is_constant = all(isinstance(number, float) for number in self.numbers)
        # Nothing acts around the formula, and no parameter is an array.
        self.is_plain = self.is_constant and self.ignored is None and not self.weighting
        self.plans: dict[Hashable, Plan] = {}
        self.steps: dict[Hashable, Any] = {}

    def forget(self) -> None:
        """Drops what earlier calls found out; a later one finds it out again."""
        self.plans.clear()
        self.steps.clear()

    def __reduce__(self) -> tuple[Any, ...]:
        return Setting, (self.record, self.parameters)

    def check_range(self) -> None:
        """Raises where a numeric parameter is in its range, and what float32 makes of it is not: 0 instead of 1e-60."""
        for parameter in self.record.parameters:
            value, allowed = self.parameters[parameter.name], parameter.allowed
            # What is larger is no bound of a range there.
            if not (type(value) is float and 0.0 < abs(value) < 1e-37 and isinstance(allowed, Interval)):
                continue
            if allowed.contains(value) and not allowed.contains(float(np.float32(value))):
                raise texts.parameter_beyond(self.record, parameter, value)

    def numbers_in(self, backend: Backend, dtype: str) -> tuple[Any, ...]:
        """The numeric parameters for a call that computes in this dtype: arrays among them are cast to it."""
        if self.is_constant:
            return self.numbers
        return tuple(
            number if isinstance(number, float) else self._array(backend, name, number, dtype)
            for name, number in zip(self.symbols, self.numbers, strict=True)
        )

    def _array(self, backend: Backend, name: str, number: Any, dtype: str) -> Array:
        array = backends.bare(number)
        own = backends.find(self.record.name, {name: array})
        if own is not backend:
            raise backends.mixed(self.record.name, name, own, "y_pred", backend)
        return backend.cast(array, dtype)


# Plans and steps kept per setting; a training loop needs two or three.
_KEPT = 64


_WIDE = frozenset({"int64", "uint64"})


def keep(store: dict[Hashable, Any], key: Hashable, value: Any) -> None:
    """Remembers a value; programs that see ever new shapes start anew now and then."""
    if len(store) >= _KEPT:
        store.clear()
    store[key] = value


class Plan(NamedTuple):
    """What all calls have in common whose arrays agree in type, dtype and shape.

    ``dtype`` is that of the results and ``computing`` the one in which they are computed; ``ready`` says that such
    arrays, once lined up, are computed with as they are.  ``packed`` says of each argument whether it held all its
    parts in one array.  ``is_whole`` says that all hold whole numbers that float64 may round.
    """

    backend: Backend
    program: Program
    lines: align.Lines
    dtype: str
    computing: str
    ready: bool
    packed: tuple[bool, ...] = ()
    is_whole: bool = False


def planned(
    setting: Setting,
    arguments: Sequence[Any],
    sample_weight: Any,
    where: Any,
    *,
    axis: Any,
    batched: bool,
    strict: bool,
) -> tuple[Plan, tuple[Array, ...]]:
    """The plan of a call, and the arrays that the formula sees."""
    if not setting.record.is_pair:
        return _planned_parts(setting, arguments, sample_weight, where, axis=axis, batched=batched, strict=strict)
    record, (y_true, y_pred) = setting.record, arguments
    plain = backends.plain(y_true, y_pred) if sample_weight is None and where is None else None
    backend = plain or backends.find(
        record.name, {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "where": where}
    )
    key: Hashable = None
    if plain is not None or (type(y_true) in backend.plain and type(y_pred) in backend.plain):
        facts = backend.facts(y_true, y_pred)
        if facts is not None and _is_plain(axis):
            key = (backend.name, facts, axis, batched, strict)
            plan = setting.plans.get(key)
            if plan is not None:
                _in_order(plan, y_true, y_pred, strict=strict)
                return plan, (y_true, y_pred)
    given = y_true, y_pred
    beside = y_true if backend.owns(y_true) and not backend.owns(y_pred) else None
    y_pred = backends.array(backend, record.name, "y_pred", y_pred, beside)
    y_true = backends.array(backend, record.name, "y_true", y_true, y_pred)
    plan = _made(setting, backend, (y_true, y_pred), axis=axis, batched=batched, strict=strict)
    _in_order(plan, y_true, y_pred, strict=strict)
    # The formula of a plain function may mean something else at the next call; whole numbers become what the
    # framework's present default is.
    floats = plan.dtype in (backend.dtype(y_pred), backend.dtype(y_true))
    if key is not None and floats and y_true is given[0] and y_pred is given[1] and is_enrolled(record):
        keep(setting.plans, key, plan)
    return plan, (y_true, y_pred)


def _is_plain(axis: Any) -> bool:
    """Whether an axis is what it seems, and can be part of a key."""
    return type(axis) is int or axis is None or (type(axis) is tuple and all(type(one) is int for one in axis))


def _in_order(plan: Plan, y_true: Array, y_pred: Array, *, strict: bool) -> None:
    """Raises where y_true and y_pred can be seen to have been exchanged, and that matters."""
    if strict and plan.backend.looks_swapped(y_true, y_pred) and not plan.program.is_symmetric:
        raise texts.swapped(plan.program.record.name)


def _planned_parts(
    setting: Setting,
    arguments: Sequence[Any],
    sample_weight: Any,
    where: Any,
    *,
    axis: Any,
    batched: bool,
    strict: bool,
) -> tuple[Plan, tuple[Array, ...]]:
    """As `planned`, for arguments that are more than a pair or hold several parts."""
    record = setting.record
    named = parts.named(record, arguments)
    backend = backends.find(record.name, {**named, "sample_weight": sample_weight, "where": where})
    inputs, packed = parts.split(backend, record, arguments)
    # NumPy's arrays, on which small calls are computed, are all that their dtypes and shapes say.
    known = backend is backends.NUMPY and _is_plain(axis) and is_enrolled(record)
    key = (tuple((x.dtype, x.shape) for x in inputs), packed, axis, batched, strict) if known else None
    found = setting.plans.get(key) if known else None
    if found is None:
        made = _made(setting, backend, inputs, axis=axis, batched=batched, strict=strict)
        found = made._replace(packed=packed)
        if known:
            keep(setting.plans, key, found)
    return found, inputs


def _made(
    setting: Setting, backend: Backend, inputs: tuple[Array, ...], *, axis: Any, batched: bool, strict: bool
) -> Plan:
    record, dtypes = setting.record, [backend.dtype(x) for x in inputs]
    program = program_at(record, setting.switches, backend)
    shapes = [backend.shape(x) for x in inputs]
    lines = align.lines(program, shapes, dtypes[0], axis=axis, batched=batched, strict=strict, library=backend.name)
    main = record.main
    wanted = [
        backend.label_dtype(dtype) if each.is_label else dtypes[main]
        for each, dtype in zip(record.inputs, dtypes, strict=True)
    ]
    named = any(each.is_whole and not each.is_label for each in record.inputs)  # These become whole numbers.
    ready = dtypes[main] in FLOATS - HALF and dtypes == wanted and not named
    # The result is in the dtype of the first prediction, if that has one.
    in_order = [dtypes[main], *(dtypes[place] for place in record.predictions), *dtypes]
    dtype = next((dtype for dtype in in_order if dtype in FLOATS), backend.default_float())
    computing = "float32" if dtype in HALF else dtype
    # A list, because torch.compile finds nothing in a generator here.
    if FLOATS.isdisjoint([dtypes[place] for place in record.predictions]) and not record.labels_are_integers:
        computing = "float64"  # In which whole numbers on both sides are subtracted exactly.
    if computing == "float32":
        setting.check_range()
    is_whole = not record.labels_are_integers and _WIDE.issuperset(dtypes)
    return Plan(backend, program, lines, dtype, computing, ready, is_whole=is_whole)
