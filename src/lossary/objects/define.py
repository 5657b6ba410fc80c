"""The `@loss` decorator, and the functions and classes it makes."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any, Protocol, cast, overload

from .. import texts
from .._marks import unconverted
from ..backends import Array
from ..calls import route
from ..calls.parts import from_two
from ..calls.plan import Setting
from ..calls.programs import holds_rows
from ..facts import registry
from ..facts.arguments import Argument, Declared, declared
from ..facts.document import class_doc, function_doc
from ..facts.domain import Domain, Real
from ..facts.record import Case, Formula, Parameter, Record
from ..facts.registry import folded, records
from ..facts.shared import shared
from ..facts.spelling import camel, other_names
from ..looks import modes
from .loss import Loss
from .parameters import FUNCTION_SETTINGS, OBJECT_SETTINGS, validated
from .several import ArgumentsLoss

__all__ = [
    "FUNCTION_SETTINGS",
    "OBJECT_SETTINGS",
    "Loss",
    "LossFunction",
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

    def __call__(self, *args: Any, **kwargs: Any) -> Array:
        """One value per data point, in the framework and dtype of the predictions."""


def _make_function(record: Record, cls: type[Loss]) -> LossFunction:
    signature = _public_signature(record)
    positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    name, defaults, arguments = record.name, Setting(record, record.defaults()), record.names
    first, usual = record.first_prediction, record.has_usual_names

    @wraps(record.formula)
    def function(*args: Any, **kwargs: Any) -> Array:
        # Of the (N,) targets of a pair Keras makes (N, 1); of all else that a model has, each entry is a data point.
        points, mask = not record.is_pair and Loss.in_keras(), None
        if points and not usual and len(args) == 2:
            mask = Loss.mask_of(args[1])
            args = from_two(record, *args, rows=holds_rows(record, record.defaults()))
        if len(args) != len(arguments):
            named = dict(zip(positional, args, strict=False))
            if len(args) > len(positional) or named.keys() & kwargs.keys():
                raise texts.too_many_arguments(name, signature)
            kwargs |= named
            missing = [argument for argument in arguments if argument not in kwargs]
            if missing:
                raise texts.missing_arguments(name, missing, signature)
            args = tuple(kwargs.pop(argument) for argument in arguments)
        axis = kwargs.pop("axis", -1)
        mode = modes.mode_of(name, kwargs.pop("check", None)) or Loss.unasked_check()
        setting = defaults
        if kwargs:
            setting = Setting(record, validated(record, kwargs, FUNCTION_SETTINGS))
        way = route.to(record, args)
        if mask is None:
            mask = Loss.mask_of(args[first])
        if mask is None:
            found = way.at_once(setting, args, axis, mode, "none", batched=points)
            if found is not None:
                return found
        call = way.call(setting, args, None, mask, axis, mode, batched=points)
        values = call.reduced("none") if setting.weighting else call.result(call.values())
        # Labels to ignore and points without a relative leave the mean, too.
        return values if setting.ignored is None and not record.compared else Loss.marked(values, call.batch.mask)

    made = cast(Any, function)
    del made.__wrapped__
    made.__signature__ = signature
    made.__name__ = name
    made.__doc__ = function_doc(record)
    made.record = record
    made.setting = defaults
    made.cls = cls
    return cast(LossFunction, unconverted(made))


# Each formula is asked three times in a row while it becomes a loss.
_signature = lru_cache(maxsize=1)(inspect.signature)


def _public_signature(record: Record) -> inspect.Signature:
    """The formula's signature with ``axis`` after the positional parameters, as in Keras, and ``check`` last."""
    kinds = inspect.Parameter
    own = list(_signature(record.formula).parameters.values())
    positional = [p for p in own if p.kind is kinds.POSITIONAL_OR_KEYWORD]
    keyword = [p for p in own if p.kind is kinds.KEYWORD_ONLY]
    keyword += [kinds(p.name, kinds.KEYWORD_ONLY, default=p.default) for p in record.parameters if p.shared]
    axis = kinds("axis", kinds.POSITIONAL_OR_KEYWORD, default=-1, annotation="int")
    check = kinds("check", kinds.KEYWORD_ONLY, default=None, annotation="str | None")
    plain = [p.replace(annotation=kinds.empty) if p.name in record.names else p for p in positional]
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
    target: Declared | None = ...,
    prediction: Declared = ...,
    predictions: Mapping[str, Domain] | None = None,
    given: Mapping[str, Declared] | None = None,
    regions: bool = False,
    parameters: Mapping[str, Domain] | None = None,
    slope: Formula | None = None,
    best: Formula | None = None,
    compared: str = "",
    definition: str = "",
    source: str = "",
    peers: Mapping[str, str] | None = None,
    cases: tuple[Case, ...] = (),
) -> Callable[[Formula], LossFunction]: ...


def loss(
    formula: Formula | None = None,
    *,
    name: str | None = None,
    class_name: str | None = None,
    aliases: tuple[str, ...] = (),
    target: Declared | None = Real(),
    prediction: Declared = Real(),
    predictions: Mapping[str, Domain] | None = None,
    given: Mapping[str, Declared] | None = None,
    regions: bool = False,
    parameters: Mapping[str, Domain] | None = None,
    slope: Formula | None = None,
    best: Formula | None = None,
    compared: str = "",
    definition: str = "",
    source: str = "",
    peers: Mapping[str, str] | None = None,
    cases: tuple[Case, ...] = (),
) -> Any:
    """Makes a loss of a formula: a function of ``(y_true, y_pred)`` in the words of `lossary.words`.

    The formula is traced once with symbolic arguments; from the trace come values on every array library, the
    derivative, the configured object, names and Keras use.  It returns one value per data point (``mean``, ``sum``
    over the row); a formula that returns elements means their mean.  Parameters beyond the arrays have defaults.

    Args:
        formula: The function, when the decorator is used without arguments.
        name: Canonical name; the function's own name by default.
        class_name: Name of the class of configured objects; the name in camel case by default.
        aliases: Other names `lossary.get` understands.
        target: The set of valid targets (see `lossary.domains`), ``PerRow(...)`` for one number per row,
            ``Matrix(...)`` where a data point is a matrix; None if the formula has no y_true.
        prediction: The set of valid predictions; ``Parts(...)`` for several per output, which the formula unpacks.
        predictions: Names and sets of several predictions, in the place of y_pred.
        given: Names and sets of arrays without a gradient, besides targets and predictions; ``PerRow(...)`` for one
            number per row.
        regions: Whether a row is a region of an image, so that objects ask for its axes.
        parameters: Ranges of parameters by name.
        slope: A hand-written derivative with respect to the prediction, element by element, for when the derived one
            loses digits, or a tuple of one for each; `lossary.verify` compares the two.
        best: The best predictions for an array of targets, where those are not the targets themselves: probabilities
            where ``from_logits`` may be.
        compared: ``"cosine"`` where the formula sees of each data point how near all others are: then y_true, labels,
            comes as a row of 1 for those with the same label and 0 for others, and y_pred, embeddings, as their
            cosines.
        definition: The formula as one line of text, for documentation.
        source: Where the definition comes from.
        peers: What other libraries have for it, ``{"torch.nn.HuberLoss": "", "optax.l2_loss": "0.5 * Loss()"}``: the
            line that gives their values, where ``Loss`` is this loss; nothing where it is ``Loss()`` itself, and then
            `lossary.get` understands their name too.
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
                raise texts.no_identifier(each)
        arguments = _arguments(own, formula, target, prediction, predictions, given or {})
        own_parameters = _parameters(own, formula, parameters or {})
        common = shared(arguments, [p.name for p in own_parameters], regions=regions)
        record = Record(
            name=own,
            formula=formula,
            slope=slope,
            aliases=other_names((own, class_name or camel(own)), aliases, peers or {}),
            class_name=class_name or camel(own),
            arguments=arguments,
            parameters=(*own_parameters, *common),
            definition=definition,
            source=source,
            cases=cases,
            builtin=(formula.__module__ or "").startswith("lossary.losses."),
            peers=peers or {},
            regions=regions,
            best=best,
            compared=compared,
        )
        return register(record)

    return decorate if formula is None else decorate(formula)


def _arguments(
    name: str,
    formula: Formula,
    target: Declared | None,
    prediction: Declared,
    predictions: Mapping[str, Domain] | None,
    given: Mapping[str, Declared],
) -> tuple[Argument, ...]:
    """The arguments of a formula: what has no default."""
    signature = _signature(formula)
    own = list(signature.parameters.values())
    names = [p.name for p in own if p.default is p.empty]
    arguments = declared(names, target, prediction, predictions, given)
    variadic = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in own)
    pair = predictions is None and target is not None and not given
    if arguments is None or variadic or (pair and names != ["y_true", "y_pred"]):
        expected = ["y_true", "y_pred"] if pair else [*(predictions or ("y_pred",)), *given]
        raise texts.formula_signature(name, signature, expected)
    return arguments


def _parameters(name: str, formula: Formula, ranges: Mapping[str, Domain]) -> tuple[Parameter, ...]:
    signature = _signature(formula)
    rest = [p for p in signature.parameters.values() if p.default is not p.empty]
    for parameter in rest:
        if parameter.name in _RESERVED or hasattr(Loss, parameter.name):
            raise texts.reserved_parameter(name, parameter.name)
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
    taken = registry.taken(record)
    if taken is not None:
        raise texts.name_taken(*taken)
    home = {"__module__": "lossary"}
    if not record.builtin:  # Pickles find the class where the function stands.
        home = {"__module__": record.formula.__module__ or "__main__"}
        home["__qualname__"] = f"{record.formula.__qualname__}.cls"
    attributes = {"record": record, **home, "__doc__": _DocOfClass(record)}
    attributes["__signature__"] = _OfClass(record)
    registry.enrol(record)
    if registry.is_entered(record.name):
        function(record.name).setting.forget()
    kind = Loss if record.has_usual_names else ArgumentsLoss
    cls = type(record.class_name, (kind,), attributes)
    made = _make_function(record, cls)
    registry.enter(record, cls, made)
    return made


class _DocOfClass:
    """The docstring of a class and its objects, made when it is read."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def __get__(self, instance: Any, owner: type) -> str:
        return class_doc(self.record)


class _OfClass:
    """The constructor's signature, made when the class is asked; its objects have that of their ``__call__``."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        return _class_signature(self.record)


def _class_signature(record: Record) -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    common = {"axis": -1, "reduction": "sum_over_batch_size", "name": None, "check": None}
    defaults = record.defaults() | common
    return inspect.Signature([inspect.Parameter(k, keyword, default=v) for k, v in defaults.items()])


def function(name: str) -> LossFunction:
    """The function of a registered loss."""
    found: LossFunction = registry.function(name)
    return found


def loss_class(name: str) -> type[Loss]:
    """The class of a registered loss."""
    found: type[Loss] = registry.loss_class(name)
    return found
