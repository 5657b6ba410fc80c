"""Settings of all tests: quiet frameworks on the CPU, one thread each, float64 in JAX where a test asks for it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("MPLBACKEND", "agg")
# Threads of OpenMP that wait leave the processor to the other tests.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What XLA has compiled is kept between runs, for all processes; most of what JAX costs here is compiling.
if os.access(Path.home(), os.W_OK):
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path.home() / ".cache" / "lossary-tests" / "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import numpy as np
import pytest

import inputs
from lossary import kernels
from lossary.facts.record import Record


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long starts first, so that the others fill the other workers meanwhile; most losses wait for long."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        left = item.get_closest_marker("exhaustive") is not None and item.get_closest_marker("costly") is None
        if left and not _losses_of(item) <= inputs.PROVEN:
            item.add_marker("everything")


def pytest_collection() -> None:
    """Frameworks and tests make millions of objects that live as long as the process: nobody need look at them."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on the collector looks at what tests make."""
    gc.freeze()
    gc.enable()


def _losses_of(item: pytest.Item) -> set[str]:
    """The built-in losses that a test is about."""
    given = getattr(item, "callspec", None)
    found = {_name(value) for value in (given.params.values() if given is not None else ())}
    return {name for name in found if name in inputs.NAMES}


def _name(value: Any) -> Any:
    """The name of the loss that a parameter of a test stands for, if it stands for one."""
    first = value[0] if isinstance(value, tuple) and value else value
    record = getattr(first, "record", first)
    return getattr(record, "name", None) if isinstance(record, Record) else first if isinstance(first, str) else None


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(20)


@pytest.fixture
def x64() -> Iterator[None]:
    """JAX with float64."""
    with inputs.jax_with(x64=True):
        yield


@pytest.fixture(params=inputs.few("words".__eq__, ["words", "kernel"]))
def formula_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain calls are computed in words, and in the proof by kernels: compiling one per loss is most of what laws cost.

    That what kernels are made of computes each loss is seen without a compiler in `test_kernels_lowering`.
    """
    monkeypatch.setattr(kernels, "PLAIN", 1 if request.param == "kernel" else kernels.THRESHOLD)


@pytest.fixture(params=["long", "short"])
def row_length(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels for long rows take all rows, or short ones go side by side."""
    if request.param == "long":
        monkeypatch.setattr("lossary.kernels.cpu.target.NARROW", 0)
