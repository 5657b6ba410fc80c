"""TensorFlow's tensors: words compute their losses; the heads alone have a loop of their own."""

from __future__ import annotations

from ..backends import Array
from ..backends.tensorflow import BACKEND
from ..calls.linear import Arguments, Settings
from ..calls.route import Route
from . import linear_tensorflow


class TensorflowRoute(Route):
    """Calls in words."""

    def linear(self, settings: Settings, given: Arguments) -> Array:
        return linear_tensorflow.value(settings, given)

    def linear_and_gradients(self, settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
        return linear_tensorflow.value_and_gradients(settings, given)


ROUTE = TensorflowRoute(BACKEND)
