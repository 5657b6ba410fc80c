"""Calls with any arguments on every backend: structures taken apart, programs run as a backend's users would."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from inputs import EVERY_SETTING, Setting, is_separable, program
from lossary.backends import by_name
from lossary.facts.domain import Classes
from lossary.facts.settings import Flag
from lossary.graph.node import walk

BACKENDS = ("numpy", "torch", "jax", "tensorflow", "pytensor")
OTHERS = BACKENDS[1:]


def flagged(settings: Sequence[Setting]) -> list[Setting]:
    """The settings, and each once more with every further switch of its loss turned on."""
    found = list(settings)
    for setting in settings:
        switches = [p.name for p in setting.record.parameters if isinstance(p.allowed, Flag)]
        found += [Setting(setting.record, {**setting.parameters, s: True}) for s in switches if not setting.parameters]
    return list({str(setting): setting for setting in found}.values())


def makeup(setting: Setting) -> Any:
    """What machinery tells losses of any arguments apart by: arguments, rows, regions, and words that see the row."""
    arguments = tuple((a.role, a.axes, bool(a.parts), isinstance(a.domain, Classes)) for a in setting.record.arguments)
    ops = {node.op for node in walk([program(setting).output])}
    seen = frozenset(ops & {"other", "sum_other", "position", "detach", "first_max", "mean_square"})
    return arguments, is_separable(setting), setting.record.regions, seen


def examples(settings: Sequence[Setting]) -> list[Setting]:
    """The first setting of each makeup."""
    found: dict[Any, Setting] = {}
    for setting in settings:
        found.setdefault(makeup(setting), setting)
    return list(found.values())


# Losses of other arguments than a target and a prediction per output, with each of their switches.
SEVERAL = flagged([setting for setting in EVERY_SETTING if not setting.record.is_pair])
# One value per row that is no mean over its elements; the outputs of such a row may be left out one by one.
ALL = flagged(EVERY_SETTING)
# What `make test` sees of a mechanism that is the same for all losses of a makeup; `make proof` sees all.
EXAMPLES = examples(ALL)


# What these make of a formula of more nodes, or of matrices, takes long to trace, or to run even as it is.
_LONG = {"jax": 30, "pytensor": 12}


def marks(setting: Setting, backend: str, all_on: Sequence[str]) -> Any:
    """What `make test` leaves to others of a setting on a backend."""
    if setting not in EXAMPLES and backend not in all_on:
        return pytest.mark.exhaustive
    if setting not in EXAMPLES and backend == "jax":
        return pytest.mark.costly
    is_long = setting.record.depth > 1 or len(walk([program(setting).output])) > _LONG.get(backend, math.inf)
    return pytest.mark.costly if backend in _LONG and is_long else ()


def elsewhere(settings: Sequence[Setting], *, all_on: Sequence[str] = ()) -> list[Any]:
    """Settings with each backend but NumPy: the examples, and on some backends all."""
    return [
        pytest.param(setting, backend, marks=marks(setting, backend, all_on))
        for setting in settings
        for backend in OTHERS
    ]


def flat(structure: Any) -> list[Any]:
    """The arrays of a gradient, whatever its structure."""
    return [x for each in structure for x in flat(each)] if isinstance(structure, tuple) else [structure]


def there(backend: str, structure: Any) -> Any:
    """Arrays of NumPy, alone or in tuples, as those of a backend."""
    if isinstance(structure, tuple):
        return tuple(there(backend, each) for each in structure)
    return by_name(backend).asarray(structure)


def run(backend: str, program: Callable[..., list[Any]], *arrays: Any, eager: bool = False) -> list[Any]:
    """The answers as NumPy arrays; compiled on JAX and PyTensor, which compile what they are given.

    JAX's operations one by one are compiled once for all losses, where that is all that is asked.
    """
    given = [there(backend, x) for x in arrays]
    if backend == "jax":
        import jax

        return list(map(np.asarray, (program if eager else jax.jit(program))(*given)))
    if backend == "pytensor":
        return computed(program(*given))
    return [x.detach().numpy() if backend == "torch" else np.asarray(x) for x in program(*given)]


def computed(variables: Sequence[Any]) -> list[Any]:
    """The values of PyTensor's variables, whose graphs are run as they are: what takes the time is its rewriting.

    `test_backends_pytensor` has them rewritten.
    """
    import pytensor
    from pytensor.compile.mode import Mode
    from pytensor.graph.rewriting.db import RewriteDatabaseQuery
    from pytensor.link.vm import VMLinker

    # Custom derivatives are graphs in the graph, which would be compiled one by one, rewriting and all.
    inlined = RewriteDatabaseQuery(include=["inline_ofg_expansion"])
    mode = Mode(VMLinker(use_cloop=False, c_thunks=False), inlined)
    return list(pytensor.function([], list(variables), mode=mode)())


def differentiated(backend: str, function: Callable[..., Any], arrays: Sequence[Any], places: Sequence[int]) -> Any:
    """The gradients of a scalar function by the backend's own machinery; arrays are the backend's."""
    if backend == "torch":
        import torch

        given = [x.detach().clone().requires_grad_(i in places) for i, x in enumerate(arrays)]
        return list(torch.autograd.grad(function(*given), [given[i] for i in places]))
    if backend == "jax":
        import jax

        return list(jax.grad(function, argnums=tuple(places))(*arrays))
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            watched = [arrays[i] for i in places]
            tape.watch(watched)
            value = function(*arrays)
        return tape.gradient(value, watched)
    import pytensor

    return pytensor.grad(function(*arrays), [arrays[i] for i in places])


def predicted(setting: Setting) -> list[int]:
    """The places of the arguments that are predictions."""
    return [place for place, a in enumerate(setting.record.arguments) if a.role.value == "prediction"]
