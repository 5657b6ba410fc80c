"""The `@loss` decorator, and the functions and classes it makes."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol, cast, overload

from . import _check_objects, _check_values, _registry, _route
from ._document import class_doc, function_doc
from ._domain import Domain, Real
from ._object import Loss
from ._parameters import FUNCTION_SETTINGS, OBJECT_SETTINGS, validated
from ._plan import Setting
from ._record import Case, Formula, Parameter, Record, camel
from ._registry import blank, folded, records
from .backends import Array

__all__ = [
    "FUNCTION_SETTINGS",
    "OBJECT_SETTINGS",
    "Loss",
    "LossFunction",
    "blank",
    "folded",
    "function",
    "loss",
    "loss_class",
    "records",
    "register",
    "validated",
]


class LossFunction(Protocol):
    """A loss as a function of ``(y_true, y_pred)``: one value per data point, differentiable, unreduced."""

    __name__: str
    record: Record
    cls: type[Loss]
    setting: Setting

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
                raise _check_objects.too_many_arguments(name, signature)
            kwargs |= named
        axis = kwargs.pop("axis", -1)
        mode = _check_values.mode_of(name, kwargs.pop("check", None)) or Loss.unasked_check()
        setting = defaults
        if kwargs:
            setting = Setting(record, validated(record, kwargs, FUNCTION_SETTINGS))
        call = _route.to(y_pred).call(setting, y_true, y_pred, None, Loss.mask_of(y_pred), axis, mode)
        values = call.result(call.values())
        return values if setting.ignored is None else Loss.marked(values, call.batch.mask)

    made = cast(Any, function)
    del made.__wrapped__
    made.__signature__ = signature
    made.__name__ = name
    made.__doc__ = function_doc(record)
    made.record = record
    made.setting = defaults
    made.cls = cls
    made.autograph_info__ = Loss.autograph_info__
    return cast(LossFunction, made)


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
        for each in (own, *([] if class_name is None else [class_name])):
            if not (isinstance(each, str) and each.isidentifier()) or keyword.iskeyword(each):
                raise _check_objects.no_identifier(each)
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
            builtin=(formula.__module__ or "").startswith("lossary.losses."),
        )
        return register(record)

    return decorate if formula is None else decorate(formula)


def _parameters(name: str, formula: Formula, ranges: Mapping[str, Domain]) -> tuple[Parameter, ...]:
    signature = inspect.signature(formula)
    inputs, rest = list(signature.parameters)[:2], list(signature.parameters.values())[2:]
    variadic = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in signature.parameters.values())
    if inputs != ["y_true", "y_pred"] or variadic or any(p.default is p.empty for p in rest):
        raise _check_objects.formula_signature(name, signature)
    for parameter in rest:
        if parameter.name in _RESERVED or hasattr(Loss, parameter.name):
            raise _check_objects.reserved_parameter(name, parameter.name)
    return tuple(
        Parameter(
            name=p.name,
            default=float(p.default) if type(p.default) is int else p.default,
            allowed=ranges.get(p.name),
            positional=p.kind is p.POSITIONAL_OR_KEYWORD,
        )
        for p in rest
    )


# Names that objects and calls use themselves, besides the attributes of `Loss`.
_RESERVED = frozenset({*OBJECT_SETTINGS, "record", "parameters", "function", "terms", "sample_weight", "where"})


def register(record: Record) -> LossFunction:
    """Enters a record under all its spellings; a custom loss may replace a custom one, never a built-in."""
    _registry.require_free(record)
    home = {"__module__": "lossary"}
    if not record.builtin:  # Pickles find the class where the function stands.
        home = {"__module__": record.formula.__module__ or "__main__"}
        home["__qualname__"] = f"{record.formula.__qualname__}.cls"
    attributes = {"record": record, **home, "__doc__": class_doc(record)}
    attributes["__signature__"] = _OfClass(_class_signature(record))
    _registry.enrol(record)
    if _registry.is_entered(record.name):
        function(record.name).setting.forget()
    cls = type(record.class_name, (Loss,), attributes)
    made = _make_function(record, cls)
    _registry.enter(record, cls, made)
    return made


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
    found: LossFunction = _registry.function(name)
    return found


def loss_class(name: str) -> type[Loss]:
    """The class of a registered loss."""
    found: type[Loss] = _registry.loss_class(name)
    return found
