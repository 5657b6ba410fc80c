"""Losses of the scores of a last layer, ``hidden @ weight.T + bias``, that never hold all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from .. import texts
from .._marks import unconverted
from ..backends import Array
from ..calls import route
from ..calls.linear import Arguments, Settings, library
from ..facts import registry
from ..facts.arguments import Role, argument
from ..facts.domain import OneHot, Real
from ..facts.record import Record
from . import kin, scores
from .combined import WeightedSum
from .function import FunctionLoss
from .linear_settings import DEFAULTS, OWN, checked, generic, plain_numbers
from .loss import Loss, plain, settings_of
from .own_call import check_followed
from .parameters import valid_settings
from .restore import known


@registry.compose
@unconverted
class LinearLoss(Loss):
    """A loss of scores that a last linear layer makes of hidden vectors, without ever holding all scores.

    What `lossary.linear` returns.  Called with ``(y_true, hidden, weight, bias=None)``; ``sample_weight`` and ``where``
    have one entry per label.  ``value_and_grad`` returns the gradients for hidden, weight and, if there is one, bias.
    """

    record: Record
    is_named: ClassVar[bool] = False  # Whether `lossary.get` makes one of its name alone.

    def __init__(
        self,
        loss: Any,
        *,
        softcap: float | None = None,
        z_loss: float = 0.0,
        shift: int = 0,
        chunk: int | None = None,
        parallel: str | None = None,
        **settings: Any,
    ) -> None:
        inner = _of_scores(loss)
        parameters = {"loss": inner, **checked(self.record.name, softcap, z_loss, shift, chunk, parallel)}
        kept = {"reduction": inner.reduction, "check": inner.check}
        self._begin(parameters, {**kept, **generic(self.record.name, settings, parameters)})

    def _begin(self, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self._configure({"axis": -1, "name": None, "check": None, **settings}, parameters)

    def _configure(self, settings: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> None:
        vars(self).update(valid_settings(self.record.name, settings))
        if parameters is not None:
            # By whether targets are rows, what calls are made with; each is found out once.
            vars(self).update(parameters=MappingProxyType(dict(parameters)), _setting={})
        vars(self)["_spelling"] = self._spelled()
        kin.configured(type(self))

    def __call__(  # type: ignore[override]
        self,
        y_true: Any,
        hidden: Any,
        weight: Any = None,
        bias: Any = None,
        sample_weight: Any = None,
        where: Any = None,
        *,
        group: Any = None,
    ) -> Array:
        """The reduced loss; with ``reduction="none"`` one value per token.

        ``group`` are the processes that ``parallel`` means, by default all.
        """
        given = Arguments(y_true, hidden, weight, bias, sample_weight, where)
        way = route.seen(library(self.record.name, given))
        if self._spelling is not None and way.compiles(given):
            return way.linear_compiled(self._spelling, self.reduction, given)
        return way.linear(*self.prepared(given, group))

    def value_and_grad(  # type: ignore[override]
        self,
        y_true: Any,
        hidden: Any,
        weight: Any = None,
        bias: Any = None,
        sample_weight: Any = None,
        where: Any = None,
        *,
        group: Any = None,
    ) -> tuple[Array, tuple[Array, ...]]:
        """The reduced loss and its gradients for hidden, weight and, if there is one, bias."""
        given = Arguments(y_true, hidden, weight, bias, sample_weight, where)
        return route.of(library(self.record.name, given)).linear_and_gradients(*self.prepared(given, group))

    def _spelled(self) -> str | None:
        """The configuration as text, which says to a compiled program which loss this is; None where it cannot."""
        if self.parameters["parallel"] is not None:
            return None
        try:
            return json.dumps(self.get_config())
        except (TypeError, ValueError):
            return None

    def loss_of(self, *, rows: bool) -> Loss:
        """The loss of the scores, of integer labels or of rows of targets."""
        found: Loss = self.parameters["loss"]
        return found

    def prepared(self, given: Arguments, group: Any = None) -> tuple[Settings, Arguments]:
        """How the call is made whose arguments these are."""
        if self.in_keras():
            raise texts.linear_in_keras(self.record.name)
        if given.weight is None:
            raise texts.nothing(self.record.name, "weight")
        shape = _shape(given.y_true)
        rows = len(shape) == len(_shape(given.hidden)) and shape[-1:] != (1,)
        known_rows: dict[bool, Settings] = self._setting  # type: ignore[assignment]
        if rows not in known_rows:
            known_rows[rows] = self._settings(self.loss_of(rows=rows))
        spread = None if self.parameters["parallel"] is None else (self.parameters["parallel"], group)
        settings = known_rows[rows]._replace(reduction=self.reduction, check=self._mode(), spread=spread)
        return settings, given

    def _settings(self, loss: Loss) -> Settings:
        own = self.parameters
        row = scores.setting(loss.record, loss.parameters, own["softcap"], own["z_loss"])
        record = replace(loss.record, name=self.record.name, class_name=self.record.class_name)
        return Settings(record, loss.parameters, row, self.reduction, own["shift"], own["chunk"], None)

    # --- what other losses have and this one has not ---------------------------------------------------------------

    def lined_up(self, *_: Any, **__: Any) -> NoReturn:
        raise texts.linear_function(self.record.name)

    ready = batch = lined_up

    @property
    def weighting(self) -> bool:
        return False

    # --- copies ------------------------------------------------------------------------------------------------------

    def replaced(self, **changes: Any) -> Self:
        """The same loss but for these parameters and settings."""
        made = type(self)(**{**self.get_params(), **changes})
        vars(made).update(self._own())
        return made

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters and settings by name."""
        return {**self.parameters, **{name: getattr(self, name) for name in OWN}}

    def get_config(self) -> dict[str, Any]:
        """Plain data from which `lossary.get` makes an equal object."""
        config = {name: _plain(value) for name, value in self.get_params().items()}
        if self.check is None:
            del config["check"]
        return {"class_name": f"lossary>{type(self).__name__}", "config": config}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LinearLoss:
        """The loss of a configuration."""
        settings = settings_of(config)
        return cls(**{name: _object(value) if name == "loss" else value for name, value in settings.items()})

    def __repr__(self) -> str:
        loss = [repr(self.parameters["loss"])] if "loss" in self.parameters else []
        defaults = {**DEFAULTS, "ignore_class": None, "label_smoothing": 0.0}
        changed = {name: v for name, v in self.parameters.items() if name != "loss" and v != defaults[name]}
        if self.reduction != (self.parameters["loss"].reduction if loss else "sum_over_batch_size"):
            changed["reduction"] = self.reduction
        if self.name != self.record.name:
            changed["name"] = self.name
        return f"{self._called}({', '.join([*loss, *(f'{name}={v!r}' for name, v in changed.items())])})"

    _called: ClassVar[str] = "linear"


@registry.compose
@unconverted
class LinearCrossEntropy(LinearLoss):
    """A language model's head without its logits, as an object: see `lossary.linear_cross_entropy`.

    Called with ``(y_true, hidden, weight, bias=None)``; the default reduction is the mean over the tokens that count.

    >>> import lossary, numpy as np
    >>> loss = lossary.LinearCrossEntropy(ignore_class=-100)
    >>> print(loss([1, -100], np.eye(2), np.zeros((4, 2))).round(4))  # log 4, of the first token alone
    1.3863
    """

    is_named = True
    _called = "LinearCrossEntropy"

    def __init__(
        self,
        *,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
        shift: int = 0,
        chunk: int | None = None,
        parallel: str | None = None,
        **settings: Any,
    ) -> None:
        own: dict[str, Any] = {"ignore_class": ignore_class, "label_smoothing": label_smoothing}
        inner = _cross_entropy(**own)
        plain_numbers(self.record.name, inner)
        own = {name: inner.parameters[name] for name in own}
        parameters = {**own, **checked(self.record.name, softcap, z_loss, shift, chunk, parallel)}
        self._begin(parameters, {"reduction": "sum_over_batch_size", **generic(self.record.name, settings, parameters)})

    def loss_of(self, *, rows: bool) -> Loss:
        own: dict[str, Any] = {name: self.parameters[name] for name in ("ignore_class", "label_smoothing")}
        if not rows:
            return _cross_entropy(**own)
        if own.pop("ignore_class") is not None:
            raise texts.linear_ignored(self.record.name, self.ignore_class)
        return _cross_entropy("categorical_crossentropy", **own)


@unconverted
def linear(loss: Any, **settings: Any) -> LinearLoss:
    """A loss of the scores ``hidden @ weight.T + bias`` of a last layer, which never holds all of them.

    Any loss of rows of raw scores, with integer labels or rows of targets: cross-entropy, distillation from rows of a
    teacher's probabilities, a loss of your own.  Tokens are taken in chunks: their scores, the value and its slope in
    one pass, and what that adds to the gradients of hidden, weight and bias.

    Args:
        loss: Anything `lossary.get` understands that takes raw scores, such as
            ``lossary.CategoricalCrossentropy(from_logits=True, temperature=2.0)``.
        **settings: ``softcap``, ``z_loss``, ``shift``, ``chunk``, ``reduction``, ``name`` and ``check``, as for
            `linear_cross_entropy`; the reduction is the loss's own by default.

    Returns:
        The loss, called with ``(y_true, hidden, weight, bias=None, sample_weight=None, where=None)``.

    >>> import lossary, numpy as np
    >>> loss = lossary.linear(lossary.CategoricalCrossentropy(from_logits=True))
    >>> print(loss(np.full((1, 4), 0.25), np.ones((1, 2)), np.zeros((4, 2))).round(4))
    1.3863
    """
    return LinearLoss(loss, **settings)


# --- what is accepted ----------------------------------------------------------------------------------------------


def _cross_entropy(name: str = "sparse_categorical_crossentropy", **parameters: Any) -> Loss:
    found: Loss = registry.loss_class(name)(from_logits=True, **parameters)
    return found


def _of_scores(loss: Any) -> Loss:
    """The loss, if it is one of rows of raw scores."""
    found = known(loss, {})
    if found is None or isinstance(found, FunctionLoss):
        raise texts.linear_loss(getattr(loss, "__name__", type(loss).__name__), "a function of arrays")
    if isinstance(found, LinearLoss) or not found.record.is_pair:
        raise texts.linear_loss(found.record.class_name, _unlike_rows(found.record))
    check_followed(found, "linear")
    if isinstance(found, WeightedSum) and any(_acts_around(term) for term in found.terms):
        raise texts.linear_loss("WeightedSum", "of which a term leaves classes out or has weights for them")
    domain = found.record.prediction_domain(found.parameters)
    if not (isinstance(domain, Real) and domain.activation == "linear"):
        raise texts.linear_probabilities(found.record)
    if found.weighting and not (found.record.labels_are_integers or isinstance(found.record.target, OneHot)):
        raise texts.linear_around(found.record)
    plain_numbers("linear", found)
    return found


def _unlike_rows(record: Record) -> str:
    if record.compared:
        return "which compares data points with each other"
    if record.depth > 1:
        return "whose data points are matrices"
    return f"which takes ({', '.join(each.shown for each in record.inputs)})"


def _acts_around(loss: Loss) -> bool:
    return loss.weighting or loss.parameters.get("ignore_class") is not None


def _shape(x: Any) -> tuple[Any, ...]:
    found = getattr(x, "shape", None)
    return tuple(np.shape(x) if found is None else found)


def _plain(value: Any) -> Any:
    return value.get_config() if isinstance(value, Loss) else plain(value)


def _object(described: Any) -> Any:
    found = known(described, {})
    if found is None:
        raise texts.not_a_loss(described)
    return found


def _record(name: str, class_name: str) -> Record:
    """What messages, equality and sums of losses ask of a record; the formula is that of the loss of the scores."""

    def formula(*_: Any, **__: Any) -> NoReturn:
        raise texts.linear_function(name)

    return Record(
        name=name,
        formula=formula,
        slope=None,
        aliases=(),
        class_name=class_name,
        arguments=(
            argument("y_true", Real(), Role.TARGET),
            argument("hidden", Real(), Role.PREDICTION),
            argument("weight", Real(), Role.PREDICTION),
        ),
        parameters=(),
        definition="",
        source="",
        cases=(),
        builtin=False,
    )


LinearLoss.record = _record("linear", "LinearLoss")
LinearCrossEntropy.record = _record("linear_cross_entropy", "LinearCrossEntropy")
