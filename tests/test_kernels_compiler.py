"""The compiler of kernels: compiled sources compute what Python computes, and what it does not know is an error."""

from __future__ import annotations

import platform
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from llvmlite import binding

import lossary
from lossary import kernels
from lossary.kernels.compiler import code, link, memory, python
from lossary.kernels.compiler.typed import Typed
from lossary.kernels.compiler.unit import Unit
from lossary.kernels.compiler.values import LONG, Value, builder, value
from lossary.kernels.compiler.walk import Routine, routine
from lossary.kernels.cpu import alone, store

WORD, WORDS, RESULTS = Typed("int64"), Typed("int64", 1), Typed("int64", 1, is_written=True)
FLOATS, WRITTEN = Typed("float32", 1), Typed("float32", 1, is_written=True)


def compiled(source: str, parameters: Sequence[Typed], **scope: Any) -> Callable[..., int]:
    with alone.compiling():
        unit = Unit()
        python.add_entry(unit, unit.function("inside", Routine.of(source, scope), parameters, result=LONG))
        return link.function(code.machine_code(unit), "named")


def interpreted(source: str, **scope: Any) -> Callable[..., int]:
    exec(source, scope)
    function: Callable[..., int] = scope["f"]
    return function


STATEMENTS = """
def f(x, out, n):
    def put(place, number):
        out[place] += number << 1
    i, total = 0, 7
    while i < n:
        if x[i] == 5 or i > 20 and x[i] < 0:
            i += 3
        elif not x[i] > 3:
            total = total * 3 ^ x[i]
            i += 1
        else:
            for j in range(i, n, 2):
                if j == 4:
                    continue
                if x[j] == 99:
                    return -j if j > 100 else j
                larger = max(x[j], i)
                put(min(j, 3), larger & 1023 | 64)
            i += 2
    out[n // 4] -= total >> 1
    return len(x) + 1
"""


def test_statements_do_what_python_does() -> None:
    function, plain = compiled(STATEMENTS, [WORDS, RESULTS, WORD]), interpreted(STATEMENTS)
    rng = np.random.default_rng(0)
    for turn in range(200):
        x = rng.integers(-9, 9, 30)
        x[rng.integers(0, 30)] = 99 if turn % 2 else 5
        got, wanted = np.zeros(30, np.int64), np.zeros(30, np.int64)
        assert function(x, got, 30 - turn % 7) == plain(x, wanted, 30 - turn % 7)
        np.testing.assert_array_equal(got, wanted)


OPERATORS = ["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "//", "&", "|", "^"]


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_between_numbers_and_constants(sign: str) -> None:
    kind: Any = np.int64 if sign in ("//", "&", "|", "^") else np.float32
    dtype = np.dtype(kind).name
    sides = ("a[i]", "b[i]"), ("a[i]", "3"), ("3", "b[i]"), ("a[i]", "F(3.0)"), ("F(3.0)", "b[i]")
    lines = [f"        out[{row}, i] = F({left} {sign} {right})" for row, (left, right) in enumerate(sides)]
    source = "\n".join(["def f(a, b, out):", "    for i in range(len(a)):", *lines, "    return 0", ""])
    a, b = np.array([3, 8, 5, 1], kind), np.array([2, 8, 7, 4], kind)
    got, wanted = np.zeros((5, 4), kind), np.zeros((5, 4), kind)
    compiled(source, [Typed(dtype, 1), Typed(dtype, 1), Typed(dtype, 2, is_written=True)], F=kind)(a, b, got)
    interpreted(source, F=kind)(a, b, wanted)
    np.testing.assert_array_equal(got, wanted)


def test_numpy_scalars_on_the_left_leave_the_operator_to_the_value() -> None:
    source = "def f(x, out):\n    out[0] = HALF * x[0] - x[1]\n    return 0\n"
    out = np.zeros(1, "float32")
    compiled(source, [FLOATS, WRITTEN], HALF=np.float32(0.5))(np.array([3.0, 1.0], "float32"), out)
    assert out == [0.5]


def test_only_the_side_that_is_taken_is_computed() -> None:
    source = """
def f(x, n):
    one = x[n] if n >= 0 else 5
    if n >= 0 and x[n] == 4 or n < -9:
        one += 100
    return one
"""
    function, x = compiled(source, [WORDS, WORD]), np.array([4, 6])
    assert [function(x, n) for n in (0, 1, -(2**40))] == [104, 6, 105]


def test_elements_of_every_dtype() -> None:
    for dtype in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"):
        kind = np.dtype(dtype)
        last = 1 if dtype == "bool" else np.iinfo(kind).max
        x = np.array([0, 1, last], kind)
        source = "def f(x, out):\n    for i in range(3):\n        out[i] = 1 if x[i] else 0\n    return 0\n"
        source = source if dtype == "bool" else source.replace("1 if x[i] else 0", "x[i]")
        out = np.zeros(3, np.int64)
        compiled(source, [Typed(dtype, 1), RESULTS])(x, out)
        assert out.tolist() == [0, 1, last]


def test_rows_are_indexed_by_two_numbers() -> None:
    source = "def f(x, out):\n    out[x.shape[1] - 1] = x[1, 2] + x.size\n    return x.shape[0]\n"
    out, x = np.zeros(3, np.int64), np.arange(6).reshape(2, 3)
    assert compiled(source, [Typed("int64", 2), RESULTS])(x, out) == 2
    assert out.tolist() == [0, 0, 11]


@routine
def cubed(x: Any) -> Any:
    """With a loop."""
    found: Any = 1
    for _ in range(3):
        found = found * x
    if found > 100:
        return 100, True
    return found, False


def test_routines_are_written_where_they_are_called() -> None:
    source = "def f(x):\n    a, cut = cubed(x)\n    return twice(a) + (1 if cut else 0)\n"
    function = compiled(source, [WORD], cubed=cubed, twice=lambda a: a * 2)
    assert [function(x) for x in (2, 4, 5)] == [16, 128, 201]


BROKEN = {
    "line 3: Try is not compiled": "try:\n        pass\n    finally:\n        pass",
    "line 3: ListComp is not compiled": "y = [j for j in range(3)]",
    "float and double do not mix": "y = x[0] * LARGE",
    "i64 where float belongs": "y = x[0]\n    y = n",
    "i1 where i64 belongs": "y = n\n    y = n > 0",
    "double where float belongs": "x[0] = LARGE",
    "2 indices of an array with 1 axes": "y = x[n, n]",
    "a number that is known at run time decides nothing": "y = KNOWN(n)",
}


@pytest.mark.parametrize("said", BROKEN)
def test_what_the_compiler_does_not_know_is_an_error(said: str) -> None:
    source = f"def f(x, n):\n    m = n\n    {BROKEN[said]}\n    return m\n"
    with pytest.raises(TypeError, match=said):
        compiled(source, [WRITTEN, WORD], LARGE=np.float64(2.0), KNOWN=lambda n: 1 if n else 0)


def test_a_variable_of_a_loop_ends_with_it() -> None:
    kept = "def f(n):\n    y = 1\n    for j in range(n):\n        y = y + j\n        z = y\n    return y\n"
    assert compiled(kept, [WORD])(4) == 7
    with pytest.raises(KeyError, match="z"):
        compiled(kept.replace("return y", "return z"), [WORD])
    again = kept.replace("return y", "for j in range(n):\n        z = 1.5\n    return y")
    assert compiled(again, [WORD])(4) == 7


def test_arguments_of_another_kind_are_refused() -> None:
    function = compiled("def f(x, n):\n    return n\n", [FLOATS, WORD])
    x = np.zeros(3, "float32")
    assert (function(x, np.int32(5)), function.__name__) == (5, "named")
    with pytest.raises(TypeError):
        function(x)
    with pytest.raises(TypeError, match="float"):
        function(x, 1.5)


def test_rows_of_scratch_are_aligned_and_too_many_are_a_memory_error() -> None:
    source = """
def f(n):
    one, two = empty((n, 3), np.float32), empty((n,), np.int64)
    one[n - 1, 2] = 2.0
    two[n - 1] = 3
    return two[n - 1] + place(one) + place(two)
"""

    def place(of: Any) -> Any:
        return Value(builder().ptrtoint(of.address, LONG)) & 63

    function = compiled(source, [WORD], np=np, place=place)
    assert [function(n) for n in (1, 5, 1000)] == [3, 3, 3]
    with pytest.raises(MemoryError):
        function(2**58)


def test_two_of_one_name_are_two() -> None:
    """What another process compiled is loaded beside what this one has."""
    one, two = (compiled(f"def f(n):\n    return n + {number}\n", [WORD]) for number in (1, 2))
    assert (one(1), two(1), one(5)) == (2, 3, 6)


def test_calls_of_c_functions_by_address() -> None:
    double = code.machine_code(_doubling())
    (address,) = link.linked(double, ["doubling"]).values()
    function = compiled("def f(n):\n    return call(ADDRESS, n) + 1\n", [WORD], call=memory.call, ADDRESS=address)
    assert function(20) == 41


def _doubling() -> Unit:
    unit = Unit()
    tree = Routine.of("def doubling(n):\n    return n * 2\n", {})
    unit.function("doubling", tree, [WORD], result=LONG, public=True)
    return unit


def test_values_are_no_keys_and_have_no_truth() -> None:
    with pytest.raises(TypeError):
        hash(Value(None))
    with pytest.raises(TypeError, match="'text' is no number"):
        value("text")


# Addresses of 64 bits in the ABI of x86-64: absolute, and relative to their place.
_FAR = {1, 24}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of its relocations")
def test_parts_of_an_object_may_be_loaded_far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are in a process that has mapped much memory between."""
    objects: list[bytes] = []
    real = link.function
    monkeypatch.setattr(store.link, "function", lambda code, name: objects.append(code) or real(code, name))

    @lossary.loss(name="far_apart")
    def far_apart(y_true: Any, y_pred: Any) -> Any:
        scores = lossary.words.exp(y_pred - lossary.words.max(y_pred))
        return lossary.words.sum(lossary.words.log1p(scores) * abs(y_true))

    rows = np.ones((64, 40), np.float32)
    kernels.load(far_apart.cls())
    far_apart.cls().value_and_grad(rows, rows)
    kinds = {
        info & 0xFFFFFFFF
        for code in objects
        for section in binding.ObjectFileRef.from_data(code).sections()
        if (section.name() or b"").startswith(b".rela")
        for _, info, _ in struct.iter_unpack("<QQq", section.data())
    }
    assert objects
    assert kinds == _FAR
