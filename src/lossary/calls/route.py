"""By which way a call is computed: in words, or by whatever is faster for the arrays of one library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import texts
from .._marks import untraced
from ..backends import Array, Backend, by_name, imported, owner, ready
from ..facts.axes import Axis
from ..facts.record import Record
from . import parts
from .evaluate import Batch, Call, Offer, prepare
from .plan import Setting

if TYPE_CHECKING:
    from ..looks.modes import Mode
    from .linear import Arguments, Settings

# Lines up and checks the arguments of one call.
Prepare = Callable[..., Batch]


class Route:
    """The way of the calls on one library's arrays: here, in its words.

    A library whose arrays something else computes faster has a route of its own in `lossary.routes`.
    """

    # Elements of y_pred from which on a kernel may take any call; None for those of `kernels.THRESHOLD`.
    smallest: int | None = None

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def refusal(self, arrays: Sequence[Array] = (), predictions: Sequence[int] = ()) -> str:
        """Why fused kernels, which are NumPy's, cannot take these arrays, or nothing.

        ``predictions`` are the places of those whose gradients kernels compute.
        """
        return f"{self.backend.name} compiles the formula itself"

    def at_once(
        self, setting: Setting, arguments: Sequence[Any], axis: Axis, check: Mode | None, reduction: str, *,
        batched: bool = True,
    ) -> Array | None:  # fmt: skip
        """The loss of a small plain call, differentiable where arrays are; None where there is more to it."""
        return None

    def at_once_with_gradient(
        self, setting: Setting, arguments: Sequence[Any], axis: Axis, check: Mode | None, reduction: str
    ) -> tuple[Array, Any] | None:
        """The loss of a small plain call and its gradient, in the structure of the predictions; None likewise."""
        return None

    def origin(self, setting: Setting, arguments: Sequence[Any], axis: Axis, reduction: str) -> str:
        """Where the kernel comes from that computes a small plain call at once, or nothing."""
        return ""

    def call(
        self,
        setting: Setting,
        arguments: Sequence[Any],
        sample_weight: Any,
        where: Any,
        axis: Axis,
        check: Mode | None,
        *,
        batched: bool = False,
    ) -> Call:
        """Any call, checked and ready to be computed by what is fastest."""

        def prepared(
            given: Sequence[Any], weights: Any = None, mask: Any = None, *, kernel: Offer | None = None
        ) -> Batch:
            call = setting, given, weights, mask
            return prepare(*call, axis=axis, check=check, batched=batched, kernel=kernel)

        y_pred = parts.lead(setting.record, arguments)
        # What cannot be read now reports later, from the words.
        reporting = check == "async" and self.backend.host(y_pred, wait=False) is None
        if setting.is_constant and not reporting:
            found = self.shortcut(prepared, setting.record, arguments, sample_weight, where)
            if found is not None:
                return found
        return prepared(arguments, sample_weight, where)

    def shortcut(
        self, prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
    ) -> Call | None:
        """The call computed otherwise than in words, or None where words do better."""
        return None

    def curvature(self, batch: Batch) -> tuple[Array, Array] | None:
        """The slope and the diagonal of the Hessian of every output, where something is faster than words."""
        return None

    def curvature_at_once(
        self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None
    ) -> tuple[Array, Array] | None:
        """The same of a small call without weights; None where there is more to it."""
        return None

    def hessian_of_row(self, batch: Batch) -> Callable[[Any, Any], tuple[Array, Array] | None] | None:
        """What computes the slope and the whole Hessian of rows like the batch's one; None where words are to."""
        return None

    @property
    def is_followed(self) -> bool:
        """Whether a compiler follows what Python does now."""
        return False

    def compiles(self, given: Arguments) -> bool:
        """Whether a program is being compiled that is to call a loss of these instead of looking into it."""
        return False

    def linear_compiled(self, spelling: str, reduction: str, given: Arguments) -> Array:
        """The same as `linear` there, of the loss whose configuration is spelled so."""
        raise NotImplementedError

    def linear(self, settings: Settings, given: Arguments) -> Array:
        """The loss of scores that are not held at once, differentiable where arrays are."""
        raise texts.linear_library(settings.record.name, self.backend.name)

    def linear_and_gradients(self, settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
        """The same with its gradients for hidden, weight and, if there is one, the bias."""
        raise texts.linear_library(settings.record.name, self.backend.name)


_homes: dict[str, str] = {}
_routes: dict[str, Route] = {}
_by_type: dict[type, Route] = {}


def settle(library: str, module: str) -> None:
    """Says in which module the route of a library stands, which is imported with the first call that takes it."""
    _homes[library] = module


def to(record: Record, arguments: Sequence[Any]) -> Route:
    """The route of a call with these arguments."""
    _ready()
    y_pred = arguments[1] if record.is_pair else parts.lead(record, arguments)
    return _by_type.get(type(y_pred)) or of(owner(y_pred))


def of(backend: Backend) -> Route:
    """The route of the calls on a backend's arrays."""
    if backend.name not in _routes:
        ready()
        home = _homes.get(backend.name)
        route = Route(backend) if home is None else imported(home).ROUTE
        _routes[backend.name] = route
        _by_type.update(dict.fromkeys(backend.plain, route))
    return _routes[backend.name]


def seen(backend: Backend) -> Route:
    """As `of`, where torch.compile may be looking on."""
    _ready()
    return of(backend)


@untraced
def _ready() -> bool:
    """Makes PyTorch's route known before the first look at them; torch.compile traces no import."""
    if sys.modules.get("torch") and "torch" not in _routes:
        of(by_name("torch"))
    return True
