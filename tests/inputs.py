"""Inputs drawn from the declared domains, which losses stand for all, and the frameworks they are handed to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from lossary import domains, kernels
from lossary.backends import NUMPY
from lossary.calls.programs import Program, program_for
from lossary.facts.arguments import Role
from lossary.facts.record import Record
from lossary.graph.node import walk
from lossary.objects.define import function, loss_class, records

# The dtype of a reduced loss, by that of the predictions.
REDUCED = {"float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float64"}
BUILTIN = [record for record in records() if record.builtin]
PAIRS = [record for record in BUILTIN if record.is_pair]
# Other tests register losses of their own in the same process.
NAMES = sorted(record.name for record in BUILTIN)


def arguments(
    record: Record, rng: np.random.Generator, shape: tuple[int, ...], parameters: Mapping[str, Any] | None = None
) -> tuple[Any, ...]:
    """Ordinary arguments: the one place where a test asks a record for what its loss takes."""
    found = []
    for argument in record.arguments:
        alone = argument.name == "y_pred" and not argument.parts
        domain = record.prediction_domain(parameters or {}) if alone else None
        scores = argument.role is Role.PREDICTION and (parameters or {}).get("from_logits")
        found.append(argument.sample(rng, shape, domains.Real() if scores else domain))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Setting:
    """A built-in loss with the parameters that matter for its machinery."""

    record: Record
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.record.name, *self.parameters])

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """The per-sample values."""
        return function(self.record.name)(*arguments, **self.parameters, **options)

    def configured(self, **options: Any) -> Any:
        """The object; one over regions is told that a region lies along the last axis, whatever the rank is."""
        axis = {"axis": (-1,)} if self.record.regions else {}
        return loss_class(self.record.name)(**{**axis, **self.parameters, **options})

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...] = (4, 5)) -> tuple[Any, ...]:
        """Ordinary arguments."""
        return arguments(self.record, rng, shape, self.parameters)

    def draw_inside(self, rng: np.random.Generator, shape: tuple[int, ...] = (4, 5)) -> tuple[Any, Any]:
        """Targets and predictions away from the borders of their domains, so that both can be moved a little."""
        y_true, y_pred = self.draw(rng, shape)
        if isinstance(self.record.target, domains.Unit):
            y_true = domains.Probabilities().sample(rng, shape)
        return (y_true + 0.5 if isinstance(self.record.target, domains.NonNegative) else y_true), y_pred

    @property
    def has_float_targets(self) -> bool:
        return not self.record.labels_are_integers


def program(setting: Setting) -> Program:
    """What the loss is traced to."""
    return program_for(setting.record, setting.record.defaults() | dict(setting.parameters), NUMPY)


def _settings(known: Sequence[Record]) -> list[Setting]:
    plain = [Setting(record) for record in known]
    return plain + [Setting(r, {"from_logits": True}) for r in known if "from_logits" in r.defaults()]


def _proven() -> frozenset[str]:
    first: dict[Any, str] = {}
    for record in BUILTIN:
        arguments = tuple((each.role, each.axes, bool(each.parts)) for each in record.arguments)
        first.setdefault((arguments, record.regions, record.compared), record.name)
    keras = {record.name for record in BUILTIN if any(peer.startswith("keras.losses.") for peer in record.peers)}
    return frozenset(keras | set(first.values()))


# Losses that `make proof` takes through every mechanism: those of Keras, and one of each structure of arguments.
# `make everything` does that with all of them, for hours.
PROVEN = _proven()

# All losses, whatever their arguments are; and those of targets and predictions, one number per output.
EVERY_SETTING = _settings(BUILTIN)
SETTINGS = [setting for setting in EVERY_SETTING if setting.record.is_pair]
# Those that kernels take.
EVERY_FUSED = [setting for setting in EVERY_SETTING if not kernels.unfit(program(setting))]
FUSED = [setting for setting in EVERY_FUSED if setting.record.is_pair]
FLOAT_TARGETS = [setting for setting in SETTINGS if setting.has_float_targets]


def is_separable(setting: Setting) -> bool:
    """Whether the value is a mean over elements that do not see each other."""
    return program(setting).separable


def has_constants(setting: Setting) -> bool:
    """Whether a part of the formula counts as a constant, so that slopes are not those of the value."""
    return any(node.op == "detach" for node in walk([program(setting).output]))


def kind(setting: Setting) -> tuple[bool, bool, bool]:
    """What machinery tells losses apart by: rows or elements, labels or numbers, numeric parameters or none."""
    record = setting.record
    return is_separable(setting), record.labels_are_integers, any(p.is_number for p in record.parameters)


def _witnesses() -> list[Setting]:
    """The smallest of each kind, rather with a slope by hand and with predictions that may be any number."""
    found: dict[Any, Setting] = {}
    for setting in sorted(FUSED, key=lambda s: (s.record.slope is None, _prediction(s) != "Real", _size(s))):
        found.setdefault(kind(setting), setting)
    return list(found.values())


def _size(setting: Setting) -> int:
    """How many operations the value and the slope take, which is what compilers take their time for."""
    return len(list(walk(program(setting).outputs("value_and_slope"))))


def _prediction(setting: Setting) -> str:
    return setting.record.prediction_domain(setting.parameters).name


WITNESSES = _witnesses()
# For what takes a second per loss: one whose elements are independent, and one of labels.
FEWEST = [setting for setting in WITNESSES if kind(setting) in ((True, False, False), (False, True, True))]


def _kind_of_several(setting: Setting) -> tuple[Any, ...]:
    inputs, several = setting.record.inputs, setting.record.predictions[1:] != ()
    of_inputs = (any(getattr(each, how) for each in inputs) for how in ("is_label", "is_whole", "has_outputs"))
    return is_separable(setting), several, *of_inputs


# Those that kernels take of losses with several predictions, arguments of other names, or numbers of data points; one
# of each kind; and two predictions, and labels beside numbers of data points.
SEVERAL = [setting for setting in EVERY_FUSED if not setting.record.is_pair]
WITNESSES_OF_SEVERAL = list({_kind_of_several(setting): setting for setting in reversed(SEVERAL)}.values())
FEWEST_OF_SEVERAL = [
    *[s for s in WITNESSES_OF_SEVERAL if len(s.record.predictions) == 2][:1],
    *[s for s in WITNESSES_OF_SEVERAL if any(each.is_label for each in s.record.inputs)][:1],
]


def every(settings: Sequence[Setting], chosen: Sequence[Setting] = WITNESSES) -> list[Any]:
    """For machinery that is slow: `make test` sees what is chosen, `make proof` other witnesses and proven losses."""

    def marks(setting: Setting) -> Any:
        return pytest.mark.costly if setting in WITNESSES else pytest.mark.exhaustive

    if set(chosen).isdisjoint(settings):
        raise ValueError("`make test` would see none of these settings")
    return [s if s in chosen else pytest.param(s, marks=marks(s)) for s in settings]


def few(chosen: Callable[[Any], bool], values: Iterable[Any]) -> list[Any]:
    """Values of a parameter of which `make test` takes those that are chosen, and `make proof` the others."""
    return [each if chosen(each) else _costly(each) for each in values]


def _costly(value: Any) -> Any:
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.costly)


@contextmanager
def jax_with(*, x64: bool) -> Iterator[None]:
    """JAX with float64 or without, by the setting that every version has."""
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", x64)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def central_difference(value: Callable[[Any], Any], at: Any, step: float = 1e-6) -> Any:
    """The slope of a sum of values with respect to every element of ``at``."""
    slope = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        above, below = at.copy(), at.copy()
        above[index] += step
        below[index] -= step
        slope[index] = (np.sum(value(above)) - np.sum(value(below))) / (2 * step)
    return slope


def assert_ulps(got: Any, expected: Any, *, ulps: float, dtype: str = "float32") -> None:
    """Equal to within units in the last place of the largest magnitude in the row."""
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    size = np.maximum(np.abs(expected), np.abs(got))
    size = np.max(size, axis=-1, keepdims=True) if size.ndim > 1 else size
    spacing = np.maximum(size, 1.0) * float(np.finfo(dtype).eps)
    assert np.all(np.abs(got - expected) <= ulps * spacing), f"off by {np.max(np.abs(got - expected) / spacing)} ULP"
