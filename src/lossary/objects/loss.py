"""The loss object: a loss with its parameters and settings, which stay as they are."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

from .. import backends, texts
from .._marks import unconverted
from ..backends import Array
from ..calls import evaluate, route
from ..calls.plan import Setting
from ..facts import registry
from ..facts.axes import Axis
from ..facts.record import Record
from ..facts.spelling import fold
from ..looks import modes
from . import kin, own_call, pickles
from .parameters import OBJECT_SETTINGS, valid_settings, validated
from .total import Total, of_call


@unconverted
class Loss(kin.Kin):
    """A configured loss: hyperparameters, a reduction, and how much is checked.

    Calling it reduces the values of all data points to one number.  The first axis of the inputs is the data points;
    one-dimensional inputs are N points with one output each.

    Reductions and their denominators: ``"sum_over_batch_size"`` (alias ``"mean"``) divides the weighted sum by the
    number of unmasked data points, ``"mean_with_sample_weight"`` by the sum of their weights, ``"sum"`` by nothing;
    ``"none"`` or ``None`` returns the weighted values.  With ``axis=None`` the batch is one data point, whose weight is
    the mean of those given.

    ``check`` says how much is checked, as in `lossary.check`: ``SparseCategoricalCrossentropy(check="async")`` finds
    wrong labels inside ``jit`` too.

    Parameters and settings stay as they are: `replaced` gives the same loss but for some, and ``0.5 * one + other`` is
    a loss too.  Copies and pickles keep the class, attributes of yours and the formula; ``torch.load`` with
    ``weights_only=True`` reads them inside ``torch.serialization.safe_globals([lossary.Huber])``.
    """

    record: Record
    parameters: Mapping[str, Any]
    axis: Axis
    reduction: str
    name: str
    check: modes.Mode | None
    _setting: Setting
    # NumPy's numbers leave arithmetic with a loss to it.
    __array_ufunc__: ClassVar[None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own_call.follow(cls)

    def __init__(
        self,
        *unnamed: Any,
        axis: Axis = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        check: modes.Mode | None = None,
        **parameters: Any,
    ) -> None:
        if not hasattr(self, "record"):
            raise texts.no_formula(type(self))
        if unnamed:
            raise texts.unnamed_parameters(self.record, unnamed)
        settings = {"axis": axis, "reduction": reduction, "name": name, "check": check}
        self._configure(settings, validated(self.record, parameters, OBJECT_SETTINGS))

    def _configure(self, settings: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> None:
        vars(self).update(valid_settings(self.record.name, settings))
        if parameters is not None:
            own = dict(parameters)
            vars(self).update(parameters=MappingProxyType(own), _setting=Setting(self.record, own))
        kin.configured(type(self))

    def replaced(self, **changes: Any) -> Self:
        """The same loss but for these parameters and settings; what is not named stays, attributes of yours too.

        >>> import lossary
        >>> lossary.Huber(delta=2.0).replaced(reduction="none")
        Huber(delta=2.0, reduction='none')
        """
        made = copy.copy(self)
        vars(made).update(_setting=self._setting)
        parameters = {name: value for name, value in changes.items() if name not in OBJECT_SETTINGS}
        settings = {name: value for name, value in changes.items() if name in OBJECT_SETTINGS}
        valid = validated(self.record, {**self.parameters, **parameters}, OBJECT_SETTINGS) if parameters else None
        made._configure(settings, valid)
        return made

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> Array:
        """The reduced loss of a batch, in the framework and dtype of the predictions."""
        y_true, y_pred, sample_weight, where = self.arranged(y_true, y_pred, sample_weight, where)
        return self.reduced((y_true, y_pred), sample_weight, where)

    def value_and_grad(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None
    ) -> tuple[Array, Any]:
        """The reduced loss and its gradient with respect to y_pred, in the structure of y_pred."""
        return self.reduced_and_gradient((y_true, y_pred), sample_weight, where)

    def total(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> Total:
        """The sum of the loss and its weight, a `lossary.Total`: totals of parts of a batch add up to that of all."""
        y_true, y_pred, sample_weight, where = self.arranged(y_true, y_pred, sample_weight, where)
        return of_call(self.ready((y_true, y_pred), sample_weight, where), self.reduction)

    def best_constant(self, y_true: Any, sample_weight: Any = None) -> Any:
        """The prediction with the least loss if it is made for every data point: a number, or one per output.

        The mean for squared differences, the median for absolute ones, shares for probabilities.  It is where boosting
        starts (base score, initial score), and what a model has to beat.

        >>> import lossary
        >>> lossary.Pinball(quantile=0.9).best_constant([1.0, 2.0, 3.0, 4.0])
        4.0
        """
        return registry.answer("best_constant")(self, y_true, sample_weight)

    def reduced(self, arguments: Sequence[Any], sample_weight: Any = None, where: Any = None) -> Array:
        """The reduced loss of any call."""
        way, check = route.to(self.record, arguments), self._mode()
        if sample_weight is None and where is None:
            found = way.at_once(self._setting, arguments, self.axis, check, self.reduction)
            if found is not None:
                return found
        return self.ready(arguments, sample_weight, where).reduced(self.reduction)

    def reduced_and_gradient(
        self, arguments: Sequence[Any], sample_weight: Any = None, where: Any = None
    ) -> tuple[Array, Any]:
        """The same with its gradient, in the structure of the predictions."""
        way, check = route.to(self.record, arguments), self._mode()
        if sample_weight is None and where is None:
            both = way.at_once_with_gradient(self._setting, arguments, self.axis, check, self.reduction)
            if both is not None:
                return both
        return self.ready(arguments, sample_weight, where).value_and_gradient(self.reduction)

    def ready(self, arguments: Sequence[Any], sample_weight: Any = None, where: Any = None) -> evaluate.Call:
        """A call, checked and handed to whatever computes it fastest."""
        way = route.to(self.record, arguments)
        return way.call(self._setting, arguments, sample_weight, where, self.axis, self._mode(), batched=True)

    def batch(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None, *, fusible: bool = False
    ) -> evaluate.Batch:
        """The arguments of a call, lined up and checked; with ``fusible`` a kernel may check while it computes."""
        if fusible:
            return self.ready((y_true, y_pred), sample_weight, where).batch
        return self.lined_up((y_true, y_pred), sample_weight, where)

    def given(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments in the order of the record."""
        names = self.record.names
        places = dict(zip(names, arguments, strict=False))
        if len(arguments) > len(names) or set(named) != set(names) - set(places):
            raise texts.arguments_named(self.record, len(arguments), list(named))
        return tuple({**places, **named}[name] for name in names)

    def lined_up(self, arguments: Sequence[Any], sample_weight: Any = None, where: Any = None) -> evaluate.Batch:
        """A call, checked and ready to be computed in words."""
        given = arguments, sample_weight, where
        return evaluate.prepare(self._setting, *given, axis=self.axis, check=self._mode(), batched=True)

    def curvature_at_once(self, y_true: Any, y_pred: Any) -> tuple[Array, Array] | None:
        """The slope and the diagonal of the Hessian of every output, or None where `lined_up` has to come before."""
        way = route.to(self.record, (y_true, y_pred))
        return way.curvature_at_once(self._setting, y_true, y_pred, self.axis, self._mode())

    @property
    def weighting(self) -> bool:
        """Whether classes or positive targets have weights."""
        return self._setting.weighting

    def _mode(self) -> modes.Mode | None:
        return self.check or modes.of_block() or self.unasked_check()

    def get_config(self) -> dict[str, Any]:
        """Plain data from which `lossary.get` makes an equal object, and ``keras.losses.get`` too."""
        numbers = {name: plain(value) for name, value in self.parameters.items()}
        config = {"name": self.name, "reduction": self.reduction, "axis": self.axis, **numbers}
        if self.check is not None:
            config["check"] = self.check
        own = "record" in vars(type(self)) or type(self).__module__.startswith("lossary.")
        # A configuration of a user's class is no plain loss's; it is for the class's own `from_config`.
        return {"class_name": f"lossary>{self.record.class_name}" if own else type(self).__name__, "config": config}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """The object of a configuration, with or without its ``class_name`` envelope."""
        settings, own = settings_of(config), _name_of(cls)
        named = config.get("class_name", own)
        if fold(named.rsplit(">", 1)[-1]) not in map(fold, (own, *cls.record.spellings())):
            raise texts.configuration_of_another(own, named)
        return cls(**settings)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters and settings by name, as scikit-learn asks for them."""
        return {**self.parameters, **{name: getattr(self, name) for name in OBJECT_SETTINGS}}

    @property
    def __name__(self) -> str:
        """The name, where other libraries expect a function."""
        return self.name

    def __getattr__(self, name: str) -> Any:
        parameters = self.__dict__.get("parameters", {})
        if name in parameters:
            return parameters[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        parameters = vars(self).get("parameters")
        if parameters is not None and (name in parameters or name in _FIXED):
            raise self._fixed(name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in _FIXED:
            raise self._fixed(name, getattr(self, name))
        super().__delattr__(name)

    def _fixed(self, name: str, value: Any) -> AttributeError:
        replaceable = name in OBJECT_SETTINGS or (name in self.parameters and name not in _FIXED)
        return texts.fixed_parameter(self.record.name, name, value, replaceable)

    def parts(self) -> dict[str, Any]:
        """Parameters that are arrays of a framework, by name."""
        return {name: value for name, value in self.parameters.items() if backends.of(value) is not None}

    def with_parts(self, parts: Mapping[str, Any]) -> Self:
        """The same loss with these in the place of `parts`; they may be whatever a framework puts there."""
        made = copy.copy(self)
        made._configure({}, {**self.parameters, **parts})
        return made

    # --- sums ---------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return registry.composed("WeightedSum").added(self, other)

    __radd__ = __add__

    def __mul__(self, weight: Any) -> Any:
        return registry.composed("WeightedSum").weighted(self, weight)

    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return -1.0 * self

    def __sub__(self, other: Any) -> Any:
        return self + -1.0 * other if isinstance(other, Loss) else NotImplemented

    def __truediv__(self, divisor: Any) -> Any:
        return self * (1.0 / divisor)

    # --- equality and copies --------------------------------------------------------------------------------------

    def _key(self) -> tuple[Any, ...]:
        parameters = tuple(sorted(self.parameters.items()))
        return (type(self), self.record, self.name, self.reduction, self.axis, self.check, parameters)

    def _own(self) -> dict[str, Any]:
        """Attributes that a user added."""
        return {name: value for name, value in vars(self).items() if name not in _FIXED}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and self._key() == other._key() and _same(self._own(), other._own())

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        defaults = self.record.defaults()
        changed = {k: v for k, v in self.parameters.items() if not (type(v) is type(defaults[k]) and v == defaults[k])}
        if self.axis != -1:
            changed["axis"] = self.axis
        if self.reduction != "sum_over_batch_size":
            changed["reduction"] = self.reduction
        if self.name != self.record.name:
            changed["name"] = self.name
        known = self.record.class_name if "record" in vars(type(self)) else type(self).__name__
        return f"{known}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def _repr_html_(self) -> str:
        import html

        return f"<code>{html.escape(repr(self))}</code>"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "parameters": dict(self.parameters), "_setting": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._configure({}, state["parameters"])

    def __copy__(self) -> Self:
        return self._restored(self.__getstate__())

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._restored(copy.deepcopy(self.__getstate__(), memo))

    def __sklearn_clone__(self) -> Self:
        return copy.deepcopy(self)

    def _restored(self, state: Mapping[str, Any]) -> Self:
        made = object.__new__(type(self))
        made.__setstate__(state)
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        if pickles.is_found(type(self)):
            return super().__reduce_ex__(protocol)
        # A loss that was defined inside a function is found by its name alone.
        if "record" not in vars(type(self)) or registry.enrolled(self.record.name) is not self.record:
            raise texts.not_found_again(self.record.name, type(self))
        return pickles.blank, (self.record.name,), self.__getstate__()


# What Keras writes around the parameters of a configuration.
ENVELOPE = frozenset({"class_name", "config", "module", "registered_name", "build_config", "shared_object_id"})
# What an object is made of; it stays as it is.
_FIXED = frozenset({*OBJECT_SETTINGS, "parameters", "record", "function", "weights", "terms", "_setting", "_spelling"})


def plain(value: Any) -> Any:
    """A parameter as plain data: the number in a framework's array, several numbers as a list."""
    if isinstance(value, tuple):
        return list(value)
    return float(backends.bare(value)) if backends.of(backends.bare(value)) is not None else value


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    try:
        return one.keys() == other.keys() and all(one[k] is other[k] or bool(one[k] == other[k]) for k in one)
    except (TypeError, ValueError, RuntimeError):
        return False  # Arrays, which compare element by element.


def _name_of(cls: type) -> str:
    """The class's name, not that of its objects."""
    return cls.__name__


def settings_of(config: Any) -> dict[str, Any]:
    """The keyword arguments in a configuration, with or without its ``class_name`` envelope."""
    inner = config
    if isinstance(config, Mapping) and "class_name" in config and "config" in config:
        stray = config.keys() - ENVELOPE
        if stray:
            raise texts.stray_configuration(sorted(map(str, stray)))
        inner = config["config"] if isinstance(config["class_name"], str) else config
    if not isinstance(inner, Mapping) or "class_name" in inner or not all(isinstance(key, str) for key in inner):
        raise texts.not_a_configuration(inner)
    return dict(inner)
