"""The elementary functions of kernels: error bounds over all float32 arguments, special values, vector code."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from lossary.kernels.compiler import code, link
from lossary.kernels.compiler.typed import Typed
from lossary.kernels.cpu import alone, compiled, functions, threads

# Largest error in units in the last place of float32, over all 2**32 arguments.
BOUNDS = {"exp": 1.1, "expm1": 1.7, "log": 1.0, "log1p": 1.5, "tanh": 2.6, "sinh": 2.3, "sigmoid": 2.5}
BOUNDS |= {"log1pmx": 4.0, "expm1mx": 2.7, "log1mexp": 2.5, "hypot1": 1.1, "arctan": 2.0, "logcosh": 2.3}
BOUNDS |= {"softplus": 2.1, "exp_decaying": 1.1, "log_of_normal": 1.0, "log1p_of_normal": 1.5, "log1p_unit": 1.5}
# Variants for part of the arguments: the function they stand for, and where.
VARIANTS = {
    "exp_decaying": ("exp", -math.inf, 0.0),
    "log_of_normal": ("log", 2.0**-126, math.inf),
    "log1p_of_normal": ("log1p", -1.0 + 2.0**-24, math.inf),
    "log1p_unit": ("log1p", 0.0, 1.0),
}
WIDE_BOUNDS = {name: bound + 0.6 for name, bound in BOUNDS.items()}
# The spacing of float32 by biased exponent.
SPACING = np.ldexp(1.0, np.maximum(np.arange(256), 1) - 127 - 23)


# Numbers looked at at a time.
BLOCK = 1 << 15


def loop(name: str, kinds: Sequence[str]) -> tuple[str, list[Typed]]:
    """A loop that computes a word of arrays, the first of the word's own dtype, and what it takes."""
    given = ["x", "y"][: len(kinds)]
    of = ", ".join(f"{each}[i]" for each in given)
    source = f"def loop(out, {', '.join(given)}):\n    for i in range(out.size):\n        out[i] = {name}({of})\n"
    return source, [Typed(kinds[0], 1, is_written=True), *(Typed(kind, 1) for kind in kinds)]


@cache
def function(name: str, kinds: tuple[str, ...]) -> Callable[..., int]:
    source, parameters = loop(name, kinds)
    with alone.compiling():
        return link.function(compiled.machine_code("loop", source, kinds[0], parameters, {}), name)


def applied(name: str, dtype: str, *arrays: Any) -> Any:
    """A word over whole arrays."""
    given = [np.ascontiguousarray(x if np.asarray(x).dtype == bool else np.asarray(x, dtype)) for x in arrays]
    out = np.empty_like(given[0])
    function(name, tuple(each.dtype.name for each in given))(out, *given)
    return out


JUDGE = """
def judge(x, low, high, got, exact, rounded, bits, spacing, most):
    wrong = 0
    for i in range(x.size):
        if not (x[i] < low or x[i] > high):
            if abs(got[i]) < INFINITY and abs(rounded[i]) < INFINITY:
                error = abs(np.float64(got[i]) - exact[i]) / spacing[(bits[i] >> 23) & 255]
                if error > most[0]:
                    most[0] = error
            elif not (got[i] == rounded[i] or got[i] != got[i] and rounded[i] != rounded[i]):
                wrong += 1
    return wrong
"""


@cache
def judge() -> Callable[..., int]:
    """Keeps the largest error against double precision, and returns the number of wrong kinds."""
    single, double, number = Typed("float32", 1), Typed("float64", 1), Typed("float32")
    parameters = [single, number, number, single, double, single, Typed("uint32", 1), double]
    parameters.append(Typed("float64", 1, is_written=True))
    with alone.compiling():
        return link.function(compiled.machine_code("judge", JUDGE, "float32", parameters, {}), "judge")


def errors(name: str, x: Any) -> tuple[float, int]:
    """The largest error of a function, and the number of wrong kinds."""
    whole, low, high = VARIANTS.get(name, (name, -math.inf, math.inf))
    got, exact, most = applied(name, "float32", x), applied(whole, "float64", x), np.zeros(1)
    rounded = exact.astype("float32")
    wrong = judge()(x, low, high, got, exact, rounded, rounded.view("uint32"), SPACING, most)
    return float(most[0]), wrong


def over(name: str, step: int) -> tuple[float, int]:
    """The largest error over every step-th bit pattern."""
    results = [errors(name, np.ones(1, "float32"))]

    def task(first: int) -> int:
        with np.errstate(all="ignore"):
            for start in range(first, first + 2**27, step * BLOCK):
                bits = np.arange(start, min(start + step * BLOCK, first + 2**27), step, dtype="uint32")
                results.append(errors(name, bits.view("float32")))
        return 0

    threads.run(task, range(0, 2**32, 2**27))
    return max(most for most, _ in results), sum(wrong for _, wrong in results)


@pytest.mark.parametrize("name", BOUNDS)
def test_float32_error_over_every_1021st_argument(name: str) -> None:
    most, wrong = over(name, 1021)
    assert wrong == 0
    assert 0.5 <= most <= BOUNDS[name]


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", BOUNDS)
def test_float32_error_over_all_arguments(name: str) -> None:
    most, wrong = over(name, 1)
    assert wrong == 0
    assert 0.5 <= most <= BOUNDS[name]


def test_selected_logarithms_are_the_two_functions() -> None:
    x = np.concatenate([np.geomspace(1e-45, 3e38, 4001), [0.0, -0.5, -1.0, -2.0, math.inf, math.nan]])
    x = np.concatenate([x, -np.geomspace(1e-45, 0.999, 1001)]).astype("float32")
    for which in ("log", "log1p"):
        condition = np.full(x.size, which == "log1p")
        np.testing.assert_array_equal(applied("log_or_log1p", "float32", x, condition), applied(which, "float32", x))
        _, low, _ = VARIANTS[f"{which}_of_normal"]
        normal, condition = x[~(x < low)], condition[~(x < low)]
        for variant in (applied("log_or_log1p_of_normal", "float32", normal, condition),
                        applied(f"{which}_of_normal", "float32", normal)):  # fmt: skip
            np.testing.assert_array_equal(variant, applied(which, "float32", normal))


def _atanh_rest(z: Any) -> Any:
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / (s * z)


def _exponential_rest(x: Any) -> Any:
    return (mp.expm1(x) - x) / x**2


POLYNOMIALS: dict[str, tuple[Callable[[Any], Any], float, float, float]] = {
    "EXPM1": (_exponential_rest, -math.log(2) / 2, math.log(2) / 2, (math.log(2) / 2) ** 2),
    "ATANH": (_atanh_rest, 0.0, (3 - 2 * math.sqrt(2)) ** 2, (3 - 2 * math.sqrt(2)) ** 2 / 2),
    "WIDE_ATANH": (_atanh_rest, 0.0, 1 / 9, 1 / 18),
    "ARCTAN": (lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, 0.0, 1.0, 1.0),
    "SINH": (lambda z: (mp.sinh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, 0.0, 1.0, 1.0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_are_far_more_accurate_than_the_dtype(name: str, dtype: str) -> None:
    """Less than an eighth of a unit in the last place of what they are part of."""
    exact, low, high, weight = POLYNOMIALS[name]
    coefficients = getattr(functions, name)[dtype]
    with mp.workdps(60):
        for x in np.linspace(low, high, 402)[1:-1]:
            error = mp.polyval([mp.mpf(c) for c in reversed(coefficients)], mp.mpf(x)) - exact(mp.mpf(x))
            assert abs(error) * weight < float(np.finfo(dtype).eps) / 8, x


EXACT = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "tanh": mp.tanh,
    "sinh": mp.sinh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "log1pmx": lambda x: mp.log1p(x) - x,
    "expm1mx": lambda x: mp.expm1(x) - x,
    "log1mexp": lambda x: mp.log(-mp.expm1(x)) if x > -1 else mp.log1p(-mp.exp(x)),
    "hypot1": lambda x: mp.sqrt(1 + x * x),
    "logcosh": lambda x: mp.log(mp.cosh(x)),
    "arctan": mp.atan,
    "exp_decaying": mp.exp,
    "log_of_normal": mp.log,
    "log1p_of_normal": mp.log1p,
    "log1p_unit": mp.log1p,
}


@pytest.mark.parametrize("name", EXACT)
def test_float64_error_against_sixty_digits(name: str) -> None:
    rng = np.random.default_rng(3)
    scales = np.repeat([1e-300, 1e-20, 1e-8, 1e-3, 0.1, 0.4, 1.0, 3.0, 20.0, 300.0], 120)
    x = rng.normal(size=scales.size) * scales
    x = np.abs(x) if name == "log" else x[x > -1] if name.startswith("log1p") else x
    x = -np.abs(x) if name == "log1mexp" else x
    _, low, high = VARIANTS.get(name, (name, -math.inf, math.inf))
    x = x[(low <= x) & (x <= high)]
    got = applied(name, "float64", x)
    with mp.workdps(60):
        for a, b in zip(x, got, strict=True):
            exact = EXACT[name](mp.mpf(float(a)))
            if 1e-300 < abs(exact) < 1e308:
                assert abs(mp.mpf(float(b)) - exact) <= WIDE_BOUNDS[name] * math.ulp(float(exact)), (a, b)


INF, NAN = math.inf, math.nan
SPECIAL = {
    "exp": [(-INF, 0.0), (INF, INF), (NAN, NAN), (0.0, 1.0), (1e4, INF), (-1e4, 0.0)],
    "expm1": [(-INF, -1.0), (INF, INF), (NAN, NAN), (0.0, 0.0)],
    "log": [(0.0, -INF), (-1.0, NAN), (INF, INF), (NAN, NAN), (1.0, 0.0)],
    "log1p": [(-1.0, -INF), (-2.0, NAN), (INF, INF), (NAN, NAN), (0.0, 0.0)],
    "tanh": [(-INF, -1.0), (INF, 1.0), (NAN, NAN), (0.0, 0.0)],
    "sinh": [(-INF, -INF), (INF, INF), (NAN, NAN), (0.0, 0.0)],
    "sigmoid": [(-INF, 0.0), (INF, 1.0), (NAN, NAN), (0.0, 0.5)],
    "softplus": [(-INF, 0.0), (INF, INF), (NAN, NAN), (0.0, math.log(2.0))],
    "exp_decaying": [(-INF, 0.0), (NAN, NAN), (0.0, 1.0), (-1e4, 0.0)],
    "log_of_normal": [(INF, INF), (NAN, NAN), (1.0, 0.0)],
    "log1p_of_normal": [(INF, INF), (NAN, NAN), (0.0, 0.0)],
    "log1p_unit": [(NAN, NAN), (0.0, 0.0), (1.0, math.log(2.0))],
    "log1pmx": [(-1.0, -INF), (-2.0, NAN), (NAN, NAN), (0.0, 0.0), (1e4, math.log1p(1e4) - 1e4)],
    "expm1mx": [(-1e4, 9999.0), (1e4, INF), (NAN, NAN), (0.0, 0.0)],
    "log1mexp": [(0.0, -INF), (1.0, NAN), (-INF, 0.0), (NAN, NAN), (-1e4, 0.0)],
    "hypot1": [(-INF, INF), (INF, INF), (NAN, NAN), (0.0, 1.0), (-1e30, 1e30)],
    "logcosh": [(-INF, INF), (INF, INF), (NAN, NAN), (0.0, 0.0), (-1e4, 1e4 - math.log(2.0)), (3e38, 3e38)],
    "arctan": [(-INF, -math.pi / 2), (INF, math.pi / 2), (NAN, NAN), (0.0, 0.0), (1.0, math.pi / 4)],
    "sign": [(-3.0, -1.0), (0.0, 0.0), (2.0, 1.0), (NAN, NAN)],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, dtype: str) -> None:
    x, expected = zip(*SPECIAL[name], strict=True)
    np.testing.assert_allclose(applied(name, dtype, np.array(x)), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_and_choices_follow_numpy(dtype: str) -> None:
    x = np.array([0.0, 0.5, 2.0, -2.0, 3.0, NAN, 7.0])
    k = np.array([3.0, 2.0, -1.5, 3.0, 0.0, 2.0, 2.5])
    expected = [0.0, 0.25, 2.0**-1.5, -8.0, 1.0, NAN, 7.0**2.5]
    np.testing.assert_allclose(applied("power", dtype, x, k), expected, rtol=1e-6)
    a, b = np.array([1.0, NAN, 2.0, 3.0]), np.array([2.0, 1.0, NAN, -1.0])
    np.testing.assert_array_equal(applied("maximum", dtype, a, b), [2.0, NAN, NAN, 3.0])
    np.testing.assert_array_equal(applied("minimum", dtype, a, b), [1.0, NAN, NAN, -1.0])
    y = np.array([0.0, 1.0, INF, math.e])
    np.testing.assert_allclose(
        applied("xlogy", dtype, [0.0, 2.0, 0.0, 3.0], y), [0.0, 0.0, 0.0, 3.0], rtol=1e-6, atol=1e-12
    )


def test_small_sinh_within_its_range() -> None:
    x = np.linspace(-1.0, 1.0, 2001, dtype="float32")
    np.testing.assert_allclose(applied("small_sinh", "float32", x), np.sinh(x.astype("float64")), rtol=2e-7)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86 machine code")
@pytest.mark.parametrize("name", sorted(BOUNDS.keys() - {"sigmoid", "softplus", "hypot1"}))
def test_loops_are_vector_code_without_calls(name: str) -> None:
    unit = compiled.new_unit()
    source, parameters = loop(name, ["float32"])
    compiled.add(unit, "loop", source, "float32", parameters, {}).of.linkage = ""
    assembly = code.assembly(unit)
    packed = re.findall(r"\tv?(?:mul|add|sub|fn?m\w*)ps\t", assembly)
    assert len(packed) >= 10
    assert not re.search(rf"call\w*\t.*(_|@){name}f?\b", assembly)
    assert "svml" not in assembly
