"""Keras with losses of several inputs: the suite on each of its backends, in a process of its own."""

from __future__ import annotations

import pytest

from test_keras import HERE, run


def _suite(backend: str, *options: str) -> None:
    options = ("-x", "-W", "ignore", "-p", "no:cacheprovider", "-o", "addopts=", *options)
    done = run("-m", "pytest", *options, str(HERE / "keras_arguments_suite.py"), KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.slow
def test_several_inputs_where_steps_run_eagerly() -> None:
    _suite("torch")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_several_inputs_where_steps_are_compiled(backend: str) -> None:
    _suite(backend, "-m", "compiled")


@pytest.mark.exhaustive
@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_all_of_it_where_steps_are_compiled(backend: str) -> None:
    _suite(backend)
