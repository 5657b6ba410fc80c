"""The `@loss` decorator, the loss object and the registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, Protocol, cast, overload

import numpy as np

from . import _check, _check_values, _evaluate, _step
from ._document import class_doc, function_doc
from ._domain import Domain, Real
from ._plan import Setting
from ._record import Case, Formula, Parameter, Record, camel, fold
from ._reduce import standard
from .adapters import keras_caller
from .backends import Array, owner
from .program import enrol

_folded: dict[str, str] = {}
_classes: dict[str, type[Loss]] = {}
_functions: dict[str, LossFunction] = {}


class Loss(keras_caller.Kin):
    """A configured loss: hyperparameters, a reduction, and how much is checked.

    Calling it reduces the values of all data points to one number.  The first axis of the inputs is the data points;
    one-dimensional inputs are N points with one output each.

    Reductions and their denominators: ``"sum_over_batch_size"`` (alias ``"mean"``) divides the weighted sum by the
    number of unmasked data points, ``"mean_with_sample_weight"`` by the sum of their weights, ``"sum"`` by nothing;
    ``"none"`` or ``None`` returns the weighted values.

    ``check`` says how much is checked, as in `lossary.check`: ``SparseCategoricalCrossentropy(check="async")`` finds
    wrong labels inside ``jit`` too.
    """

    record: Record
    # TensorFlow's AutoGraph calls whatever carries this attribute as it is, instead of rewriting its source.
    autograph_info__: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        *unnamed: Any,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        check: _check_values.Mode | None = None,
        **parameters: Any,
    ) -> None:
        record = self.record
        if unnamed:
            raise _check.unnamed_parameters(record, unnamed)
        self.parameters: dict[str, Any] = validated(record, parameters, OBJECT_SETTINGS)
        self._setting = Setting(record, self.parameters)
        self.axis = axis
        self.reduction = standard(record.name, reduction)
        self.name = record.name if name is None else name
        self.check = None if check is None else _check_values.valid_mode(record.name, check)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> Array:
        """The reduced loss of a batch, in the framework and dtype of the predictions."""
        y_true, y_pred, sample_weight, where = self.arranged(y_true, y_pred, sample_weight, where)
        if sample_weight is None and where is None:
            total = owner(y_pred).stepped(self, y_true, y_pred)
            if total is not None:
                return total
        return self.ready(y_true, y_pred, sample_weight, where).reduced(self.reduction)

    def batch(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None, *, fusible: bool = False
    ) -> _evaluate.Batch:
        """The arguments of a call, lined up and checked; with ``fusible`` a kernel may check while it computes."""
        return _evaluate.prepare(
            self._setting,
            y_true,
            y_pred,
            axis=self.axis,
            check=self._mode(),
            sample_weight=sample_weight,
            where=where,
            batched=True,
            fusible=fusible,
        )

    def step(self, y_true: Any, y_pred: Any) -> _step.Step | None:
        """What computes the total and its gradient for NumPy arrays like these, where nothing else is asked."""
        return _step.find(self._setting, y_true, y_pred, self.axis, self._mode(), self.reduction)

    def ready(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> _evaluate.Call:
        """The arguments of a call, checked and handed to whatever computes it fastest."""
        return _evaluate.call(
            self._setting, y_true, y_pred, sample_weight, where, axis=self.axis, check=self._mode(), batched=True
        )

    def _mode(self) -> _check_values.Mode | None:
        return _check_values.mode_of(self.name, self.check) or self.unasked_check()

    def value_and_grad(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None
    ) -> tuple[Array, Array]:
        """The reduced loss and its gradient with respect to y_pred."""
        if sample_weight is None and where is None and type(y_true) is type(y_pred) is np.ndarray:
            step = self.step(y_true, y_pred)
            found = None if step is None else step(y_true, y_pred)
            if found is not None:
                return found
        return self.ready(y_true, y_pred, sample_weight, where).value_and_gradient(self.reduction)

    def get_config(self) -> dict[str, Any]:
        """Plain data from which `lossary.get` makes an equal object, and ``keras.losses.get`` too."""
        config = {"name": self.name, "reduction": self.reduction, "axis": self.axis, **self.parameters}
        if self.check is not None:
            config["check"] = self.check
        return {"class_name": f"lossary>{self.record.class_name}", "config": config}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """The object of a configuration, with or without its ``class_name`` envelope."""
        return cls(**dict(config.get("config", config)))

    def __getattr__(self, name: str) -> Any:
        parameters = self.__dict__.get("parameters", {})
        if name in parameters:
            return parameters[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__.get("parameters", {}):
            raise _check.fixed_parameter(self.record.name, name, value)
        super().__setattr__(name, value)

    def _key(self) -> tuple[Any, ...]:
        return (self.record, self.name, self.reduction, self.axis, self.check, tuple(sorted(self.parameters.items())))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        changed = {k: v for k, v in self.parameters.items() if v != self.record.defaults()[k]}
        if self.axis != -1:
            changed["axis"] = self.axis
        if self.reduction != "sum_over_batch_size":
            changed["reduction"] = self.reduction
        if self.name != self.record.name:
            changed["name"] = self.name
        return f"{self.record.class_name}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.get_config(),)


def _restore(config: dict[str, Any]) -> Loss:
    from ._get import get

    return get(config)


class LossFunction(Protocol):
    """A loss as a function of ``(y_true, y_pred)``: one value per data point, differentiable, unreduced."""

    __name__: str
    record: Record
    cls: type[Loss]

    def __call__(self, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Array:
        """One value per data point, in the framework and dtype of the predictions."""


def _make_function(record: Record, cls: type[Loss]) -> LossFunction:
    signature = _public_signature(record)
    positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][2:]
    name, defaults = record.name, Setting(record, record.defaults())

    @wraps(record.formula)
    def function(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Array:
        if args:
            named = dict(zip(positional, args, strict=False))
            if len(args) > len(positional) or named.keys() & kwargs.keys():
                raise _check.too_many_arguments(name, signature)
            kwargs |= named
        axis = kwargs.pop("axis", -1)
        mode = _check_values.mode_of(name, kwargs.pop("check", None)) or Loss.unasked_check()
        setting = defaults
        if kwargs:
            setting = Setting(record, validated(record, kwargs, FUNCTION_SETTINGS))
        call = _evaluate.call(setting, y_true, y_pred, where=Loss.mask_of(y_pred), axis=axis, check=mode)
        values = call.result(call.values())
        return values if setting.ignored is None else Loss.marked(values, call.batch.mask)

    made = cast(Any, function)
    del made.__wrapped__
    made.__signature__ = signature
    made.__name__ = name
    made.__doc__ = function_doc(record)
    made.record = record
    made.cls = cls
    made.autograph_info__ = Loss.autograph_info__
    return cast(LossFunction, made)


OBJECT_SETTINGS = ("axis", "reduction", "name", "check")
FUNCTION_SETTINGS = ("axis", "check")
_OF_OBJECTS = ("reduction", "name", "sample_weight", "where")


def validated(record: Record, given: Mapping[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    """All parameters of the loss, defaults filled in, each inside its range; ``settings`` are known besides them."""
    parameters = record.defaults()
    known = {p.name: p for p in record.parameters}
    for name, value in given.items():
        if name not in known:
            if name in _OF_OBJECTS and settings is FUNCTION_SETTINGS:
                raise _check.belongs_to_object(record, name, value)
            raise _check.unknown_parameter(record.name, name, [*known, *settings])
        parameters[name] = _valid(record.name, known[name], value)
    return parameters


def _valid(loss: str, parameter: Parameter, value: Any) -> Any:
    if parameter.is_number:
        if isinstance(value, bool) or not (isinstance(value, int | float | np.generic) or hasattr(value, "dtype")):
            raise _check.parameter_value(loss, parameter, value)
        if isinstance(value, np.ndarray) and value.shape != ():
            raise _check.parameter_value(loss, parameter, value)
        if isinstance(value, int | float | np.generic | np.ndarray):
            value = float(value)
            if parameter.allowed is not None and not parameter.allowed.contains(value):
                raise _check.parameter_value(loss, parameter, value)
        # An array of another framework is traced or differentiated, so its value is not looked at.
        return value
    if isinstance(value, (np.bool_, np.integer)):
        value = value.item()
    is_flag = isinstance(value, bool)
    wrong_flag = isinstance(parameter.default, bool) and not is_flag
    wrong_label = parameter.default is None and value is not None and (is_flag or not isinstance(value, int))
    if wrong_flag or wrong_label:
        raise _check.parameter_value(loss, parameter, value)
    return value


def _public_signature(record: Record) -> inspect.Signature:
    """The formula's signature with ``axis`` after the positional parameters, as in Keras, and ``check`` last."""
    kinds = inspect.Parameter
    own = list(inspect.signature(record.formula).parameters.values())
    positional = [p for p in own if p.kind is kinds.POSITIONAL_OR_KEYWORD]
    keyword = [p for p in own if p.kind is kinds.KEYWORD_ONLY]
    axis = kinds("axis", kinds.POSITIONAL_OR_KEYWORD, default=-1, annotation="int")
    check = kinds("check", kinds.KEYWORD_ONLY, default=None, annotation="str | None")
    plain = [p.replace(annotation=kinds.empty) if p.name in ("y_true", "y_pred") else p for p in positional]
    return inspect.Signature([*plain, axis, *keyword, check])


@overload
def loss(formula: Formula) -> LossFunction: ...
@overload
def loss(
    formula: None = None,
    *,
    name: str | None = None,
    class_name: str | None = None,
    aliases: tuple[str, ...] = (),
    target: Domain = ...,
    prediction: Domain = ...,
    parameters: Mapping[str, Domain] | None = None,
    slope: Formula | None = None,
    definition: str = "",
    source: str = "",
    cases: tuple[Case, ...] = (),
) -> Callable[[Formula], LossFunction]: ...


def loss(
    formula: Formula | None = None,
    *,
    name: str | None = None,
    class_name: str | None = None,
    aliases: tuple[str, ...] = (),
    target: Domain = Real(),
    prediction: Domain = Real(),
    parameters: Mapping[str, Domain] | None = None,
    slope: Formula | None = None,
    definition: str = "",
    source: str = "",
    cases: tuple[Case, ...] = (),
) -> Any:
    """Makes a loss of a formula: a function of ``(y_true, y_pred)`` in the words of `lossary.words`.

    The formula is traced once with symbolic arguments; from the trace come values on every array library, the
    derivative, the configured object, names and Keras use.  It returns one value per data point (``mean``, ``sum``
    over the row); a formula that returns elements means their mean.  Parameters beyond the two arrays have defaults.

    Args:
        formula: The function, when the decorator is used without arguments.
        name: Canonical name; the function's own name by default.
        class_name: Name of the class of configured objects; the name in camel case by default.
        aliases: Other names `lossary.get` understands.
        target: The set of valid targets (see `lossary.domains`).
        prediction: The set of valid predictions.
        parameters: Ranges of parameters by name.
        slope: A hand-written derivative with respect to y_pred, element by element, for when the derived one loses
            digits; `lossary.verify` compares the two.
        definition: The formula as one line of text, for documentation.
        source: Where the definition comes from.
        cases: Cases worked by hand.

    Returns:
        The function of one value per data point; ``.cls`` is the class of configured objects.

    Raises:
        ParameterError: The name belongs to a built-in loss, or the formula's signature is not understood.

    >>> import lossary
    >>> @lossary.loss
    ... def cubic(y_true, y_pred, *, scale=1.0):
    ...     return lossary.words.mean(scale * abs(y_pred - y_true) ** 3)
    >>> print(cubic([[1.0, 2.0]], [[1.0, 4.0]]))
    [4.]
    """

    def decorate(formula: Formula) -> LossFunction:
        own = formula.__name__ if name is None else name
        record = Record(
            name=own,
            formula=formula,
            slope=slope,
            aliases=aliases,
            class_name=class_name or camel(own),
            target=target,
            prediction=prediction,
            parameters=_parameters(own, formula, parameters or {}),
            definition=definition,
            source=source,
            cases=cases,
            builtin=formula.__module__.startswith("lossary.losses."),
        )
        return register(record)

    return decorate if formula is None else decorate(formula)


def _parameters(name: str, formula: Formula, ranges: Mapping[str, Domain]) -> tuple[Parameter, ...]:
    signature = inspect.signature(formula)
    inputs, rest = list(signature.parameters)[:2], list(signature.parameters.values())[2:]
    variadic = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in signature.parameters.values())
    if inputs != ["y_true", "y_pred"] or variadic or any(p.default is p.empty for p in rest):
        raise _check.formula_signature(name, signature)
    return tuple(
        Parameter(
            name=p.name,
            default=float(p.default) if type(p.default) is int else p.default,
            allowed=ranges.get(p.name),
            positional=p.kind is p.POSITIONAL_OR_KEYWORD,
        )
        for p in rest
    )


def register(record: Record) -> LossFunction:
    """Enters a record under all its spellings; a custom loss may replace a custom one, never a built-in."""
    for spelling in record.spellings():
        owner = _folded.get(fold(spelling))
        if owner is not None and (_classes[owner].record.builtin or owner != record.name):
            raise _check.name_taken(spelling, owner)
    module = record.formula.__module__
    attributes = {"record": record, "__module__": "lossary" if record.builtin else module, "__doc__": class_doc(record)}
    attributes["__signature__"] = _OfClass(_class_signature(record))
    enrol(record)
    _folded.update({fold(spelling): record.name for spelling in record.spellings()})
    _classes[record.name] = type(record.class_name, (Loss,), attributes)
    _functions[record.name] = _make_function(record, _classes[record.name])
    keras_caller.announce()
    return _functions[record.name]


class _OfClass:
    """The constructor's signature, seen on the class; its objects have the signature of their ``__call__``."""

    def __init__(self, signature: inspect.Signature) -> None:
        self.signature = signature

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        return self.signature


def _class_signature(record: Record) -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    common = {"axis": -1, "reduction": "sum_over_batch_size", "name": None, "check": None}
    defaults = record.defaults() | common
    return inspect.Signature([inspect.Parameter(k, keyword, default=v) for k, v in defaults.items()])


def function(name: str) -> LossFunction:
    """The function of a registered loss."""
    return _functions[name]


def loss_class(name: str) -> type[Loss]:
    """The class of a registered loss."""
    return _classes[name]


def records() -> list[Record]:
    """All records, built-in ones first, in the order of their definition."""
    return [made.record for made in _functions.values()]


def folded() -> Mapping[str, str]:
    """Folded spelling -> canonical name."""
    return _folded
