"""Who computes the loss, one module per process: our call and every peer of one framework.

``contenders(case, y_true, y_pred, compiled)`` gives functions without arguments.  Each computes the mean loss and its
gradient with respect to the predictions, waits for both, lets them go and returns the value, so that it can be
compared.  ``settle()`` starts the framework, so that nobody's first call pays for that.
"""

from __future__ import annotations

from collections.abc import Callable

Run = Callable[[], float]
NAMES = ("numpy", "torch", "jax", "tensorflow")
