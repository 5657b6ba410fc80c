"""The lowered form of every loss, run as the plain Python it can be printed as; and what kernels refuse to lower."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kernel_interpreter
import lossary
from inputs import BUILTIN, EVERY_SETTING, FUSED, Setting, program
from kernel_edges import edges
from lossary import kernels, words
from lossary.domains import Real
from lossary.facts.arguments import Argument, Role
from lossary.facts.record import Record
from lossary.graph.emit import INFIX
from lossary.graph.program import Program
from lossary.kernels.cpu.emit import source
from lossary.kernels.cpu.spell import REDUCE
from lossary.kernels.cpu.target import LONG, SHORT, Use
from lossary.kernels.lowering.form import SLOPES, WORDS, Lowered, Target
from lossary.kernels.lowering.lower import lower
from lossary.kernels.plain import PLAIN

ROOT = Path(kernels.__file__).parent


def printed(setting: Setting, use: str = "gradient") -> Callable[..., Any]:
    """The printed function with the numbers of the loss, quiet about what it computes where nobody looks."""
    loss, scope = setting.configured(), {}
    exec(kernels.source(loss, use, readable=True), scope)
    numbers = {name: loss.parameters[name] for name in program(setting).numbers}

    def run(y_true: Any, y_pred: Any) -> Any:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return scope[setting.record.name](y_true, y_pred, **numbers)

    return run


def batches(setting: Setting) -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(3)
    ordinary = [setting.draw(rng, (5, columns)) for columns in (1, 3, 40)]
    mild = [(t, p) for t, p in edges(setting) if not isinstance(t[0], np.ndarray) or np.abs(t).max() < 1e6]
    return [(t, p.astype("float64")) for t, p in ordinary + mild]


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_what_is_printed_for_people_computes_the_loss(setting: Setting) -> None:
    run, alone = printed(setting), printed(setting, "value")
    for y_true, y_pred in batches(setting):
        t = y_true.astype("float64") if setting.has_float_targets else y_true
        values, slopes = setting.configured(reduction="none").batch(t, y_pred, fusible=False).value_and_gradient("none")
        for row in range(len(y_pred)):
            value, slope, inside = run(t[row], y_pred[row])
            assert inside
            assert alone(t[row], y_pred[row]) == (value, inside)
            scale = np.abs(slopes[row]).max()
            np.testing.assert_allclose(value, values[row], rtol=1e-11, atol=1e-15)
            np.testing.assert_allclose(slope, slopes[row], rtol=1e-11, atol=1e-14 * scale + 1e-15)


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_what_is_printed_for_people_sees_values_outside(setting: Setting) -> None:
    run = printed(setting)
    y_true, y_pred = setting.draw(np.random.default_rng(4), (1, 4))
    assert run(y_true[0], y_pred[0])[-1]
    for place in range(4):
        assert not run(y_true[0], np.where(np.arange(4) == place, np.nan, y_pred[0]))[-1]
    wrong = np.where(np.arange(4) == 2, np.nan, y_true[0]) if setting.has_float_targets else 4
    assert not run(wrong, y_pred[0])[-1]


def costly(form: Lowered, target: Target) -> list[int]:
    """How many costly functions each loop computes."""
    loops = [loop for stage in form.stages for loop in stage.loops]
    return [sum(node.op in target.costly for node in loop.body.computes) for loop in loops]


def test_the_policy_of_a_target_decides_about_loops() -> None:
    found = program(Setting(next(r for r in BUILTIN if r.name == "categorical_crossentropy"), {"from_logits": True}))
    forms = {name: lower(found, each, gradient=True, rows=True) for name, each in POLICIES.items()}
    # The exponentials of a row are computed once where they are costly, and again in each loop where they are not.
    assert sum(costly(forms["long"], LONG)) == 1
    assert sum(costly(forms["plain"], LONG)) > 1
    assert [kept.store for stage in forms["plain"].stages for loop in stage.loops for kept in loop.kept] == []
    # Only the target with places of their own has them, and it alone writes something else there.
    assert [any(loop.places for stage in form.stages for loop in stage.loops) for form in forms.values()] == [
        True,
        False,
        False,
    ]
    # A quotient is made of the inverse of the row's divisor where a target asks for it.
    assert [uses_word(form, "quotient") for form in forms.values()] == [True, True, False]


POLICIES = {"long": LONG, "short": SHORT, "plain": PLAIN}


def uses_word(form: Lowered, op: str) -> bool:
    return any(node.op == op for stage in form.stages for loop in stage.loops for node in loop.body.computes)


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_a_loop_reads_only_what_earlier_ones_have_kept(setting: Setting) -> None:
    for target in POLICIES.values():
        assert_nothing_is_read_too_early(setting, target)


def assert_nothing_is_read_too_early(setting: Setting, target: Target) -> None:
    form = lower(program(setting), target, gradient=True, rows=True)
    memory: dict[str, int] = {}
    slopes = 0
    for loop in (loop for stage in form.stages for loop in stage.loops):
        assert {kept.store: id(kept.node) for kept in loop.kept} == memory
        for write in loop.writes:
            slopes += write.is_slope
            assert not write.node.is_bool  # Arrays hold numbers.
            memory[write.store] = id(write.node)
            if write.is_slope:
                del memory[SLOPES]
    assert slopes == 1
    assert set(memory) <= {SLOPES, *form.stores}


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_arguments_are_those_of_the_text(setting: Setting) -> None:
    made = source(program(setting), Use(rows=True, points=False, gradient=True, mask=True))
    function = ast.parse(made.text).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert [argument.arg for argument in function.args.args] == [each.name for each in made.arguments]
    assigned = {
        node.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
    }
    assert {"gradient", "values"} == {each.name for each in made.arguments if each.is_written} <= assigned
    # Numbers of the row are computed before the loops that read them: no reduction is left inside an expression.
    called = {
        node.func.id for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called.isdisjoint(REDUCE)


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_short_rows_have_a_text_too(setting: Setting) -> None:
    made = source(program(setting), Use(rows=True, points=False, gradient=True, mask=False, narrow=True))
    assert isinstance(ast.parse(made.text).body[0], ast.FunctionDef)


# --- what kernels do not take ---------------------------------------------------------------------------------------


def record(formula: Any, *arguments: Argument) -> Record:
    return Record(
        name="probe", formula=formula, slope=None, aliases=(), class_name="Probe", arguments=arguments, parameters=(),
        definition="", source="", cases=(), builtin=False,
    )  # fmt: skip


Y_TRUE, Y_PRED = Argument("y_true", Real(), Role.TARGET), Argument("y_pred", Real(), Role.PREDICTION)


def ranked(y_true: Any, y_pred: Any) -> Any:
    return words.mean(words.sum(words.square(y_pred - words.other(y_pred)) * y_true, over="other"))


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (record(ranked, Y_TRUE, Y_PRED), "it compares all pairs of outputs"),
        (record(lambda y_true, y_pred: words.sparsemax(y_pred) * y_true, Y_TRUE, Y_PRED), "sparsemax"),
    ],
    ids=["pairs", "words"],
)  # fmt: skip
def test_kernels_say_what_they_do_not_take(one: Record, why: str) -> None:
    assert kernels.unfit(Program(one, ())) == f"{why}: no kernel yet"


def test_every_word_of_a_kernel_has_a_function() -> None:
    """Or is spelled as an operator, a reduction or other words."""
    known = kernel_interpreter.known() | set(INFIX) | set(REDUCE) | {"negative", "count", "spread", "is_label", "take"}
    known |= {"detach", "first_max", "guard", "lead", "position", "sigmoid", "softplus", "weighted", "xlogy"}
    assert known >= WORDS
    assert set(words.__all__) >= WORDS


@pytest.mark.parametrize("setting", EVERY_SETTING, ids=str)
def test_every_loss_has_a_loop_or_a_reason_why_not(setting: Setting) -> None:
    loss = setting.configured()
    told = kernels.explain(loss)
    if told.endswith(": no kernel yet"):
        with pytest.raises(lossary.LossError, match="there is no loop to show"):
            kernels.source(loss)
        kernels.load(loss)
        assert not program(setting).kernels_at_hand
    else:
        assert "runs in a fused kernel on numpy" in told
        assert kernels.source(loss).startswith(f"def {setting.record.name}_")
        for use in uses(setting):
            source(program(setting), use)


def uses(setting: Setting) -> list[Use]:
    """Every kernel that a call may take."""
    rows = [(True, False), *([(False, False), (False, True)] if program(setting).separable else [])]
    found = [Use(*each, gradient, mask) for each in rows for gradient in (False, True) for mask in (False, True)]
    return [*found, *(Use(True, False, gradient, mask=False, narrow=True) for gradient in (False, True))]


def mean_square_of_row(y_true: Any, y_pred: Any) -> Any:
    return words.mean(words.square(y_pred - y_true))


def slope_times_mean(y_true: Any, y_pred: Any) -> Any:
    return 4.0 * mean_square_of_row(y_true, y_pred) * ((y_pred - y_true) / words.count(y_pred))


def slope_over_root_twice(y_true: Any, y_pred: Any) -> Any:
    largest = words.max(words.abs(y_pred - y_true))
    return (y_pred - y_true) / largest / largest


@pytest.mark.parametrize(
    ("slope", "size", "wanted"),
    [
        (slope_times_mean, 1.0, [5.0, 10.0]),  # 4 (1 + 4)/2 d/2
        (slope_over_root_twice, 1e-30, [2.5e29, 5e29]),  # d/4 of a unit, but 1/4 of its square is too large
    ],
)
def test_a_slope_is_scaled_once_its_row_is_known(
    slope: Any, size: float, wanted: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    name = f"probe_{slope.__name__}"
    probe = lossary.loss(name=name, slope=slope)(mean_square_of_row).cls(reduction="none")
    y_pred = np.array([[size, 2.0 * size]] * 2, "float32")
    assert "runs in a fused kernel" in kernels.explain(probe, 0.0 * y_pred, y_pred)
    call = probe.batch(0.0 * y_pred, y_pred, fusible=True)
    assert call.fused is not None
    np.testing.assert_allclose(call.fused.reduced("none", gradient=True)[1], [[wanted] * 2], rtol=1e-6)


def test_a_loss_that_compares_pairs_runs_in_words_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    probe = lossary.loss(name="ranked_probe")(ranked).cls()
    y_true, y_pred = np.ones((2, 3)), np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 0.0]])
    kernels.load(probe)
    # (0 1 9 + 1 0 4 + 9 4 0) / 3 = 28 / 3, and 0; the mean of both.
    np.testing.assert_allclose(probe(y_true, y_pred), 28 / 6, rtol=1e-12)
    assert probe.batch(y_true, y_pred, fusible=True).fused is None
    wanted = "ranked_probe runs in the words of numpy: it compares all pairs of outputs: no kernel yet"
    assert kernels.explain(probe) == kernels.explain(probe, y_true, y_pred) == wanted
    with pytest.raises(lossary.LossError, match="no loop to show: it compares all pairs"):
        kernels.source(probe)


# --- rooms ------------------------------------------------------------------------------------------------------------


def imported(path: Path) -> set[str]:
    """The modules that a file of the kernels imports from above them, lazily or for types too."""
    found = {
        f"{node.module or ''}.{alias.name}".lstrip(".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level == len(path.relative_to(ROOT).parts) + 1
        for alias in node.names
    }
    return {name.rsplit(".", 1)[0] if "." in name else name for name in found}


def test_lowering_knows_the_graph_and_facts_alone() -> None:
    for path in (ROOT / "lowering").glob("*.py"):
        assert imported(path) <= {"facts.domain", "facts.settings", "graph", "graph.emit", "graph.program"}, path


def test_nobody_but_the_public_face_looks_up_to_calls_and_objects() -> None:
    above = {"evaluate", "batch", "plan", "route"}
    for path in ROOT.rglob("*.py"):
        rooms = {name.split(".")[0] for name in imported(path)} & {"objects", "routes"}
        calls = {name.removeprefix("calls.") for name in imported(path)} & above
        assert path == ROOT / "__init__.py" or not rooms | calls, path


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_what_stands_at_one_place_is_read_there_and_computed_with_the_numbers_of_its_row(setting: Setting) -> None:
    """Where it is computed for many rows at a time."""
    for target in (LONG, SHORT):
        form = lower(program(setting), target, gradient=True, rows=True)
        taken = [number.node for stage in form.stages for number in stage.numbers if number.node.op == "take"]
        assert all(node.args[0].op == "input" for node in taken)


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_no_place_is_compared_with_itself_and_no_number_with_another(setting: Setting) -> None:
    """What stands at a place is known when the source is written."""
    text = kernels.source(setting.configured(), "gradient")
    assert not re.search(r"\bat\((\w+(\[k\])?), \1\)", text)
    assert not re.search(r"\b(equal|less|less_equal)\(F\([^()]*\), F\([^()]*\)\)", text)


def emitted(formula: Any) -> str:
    """The kernel of a formula of targets and predictions."""
    return source(Program(record(formula, Y_TRUE, Y_PRED), ()), Use(True, False, gradient=False, mask=False)).text


@pytest.mark.parametrize(("gap", "word"), [(2.0**-24, "log1p_of_normal"), (2.0**-26, "log1p")])
def test_ranges_hold_in_single_precision(gap: float, word: str) -> None:
    """Where 1 - 2**-26 is 1, and the logarithm that of 0."""
    text = emitted(lambda y_true, y_pred: words.log1p(-words.minimum(y_pred, 1.0 - gap)) * y_true)
    assert re.findall(r"log\w*", text) == [word]


@pytest.mark.parametrize(("least", "is_guarded"), [(0.5, False), (0.0, True)])
def test_a_product_is_guarded_unless_the_other_factor_is_finite(least: float, is_guarded: bool) -> None:
    def formula(y_true: Any, y_pred: Any) -> Any:
        return words.weighted(y_true, words.minimum(words.log(words.maximum(y_pred, least)), 9.0))

    assert ("equal(t, F(0.0))" in emitted(formula)) == is_guarded


@pytest.mark.parametrize("epsilon", [1e-7, 0.0])
def test_what_cannot_happen_at_the_usual_epsilon_is_left_out(epsilon: float) -> None:
    text = kernels.source(lossary.KLDivergence(epsilon=epsilon), "gradient")
    special = re.findall(r"equal\(v\d+, F\(0\.0\)\)|INFINITY|1e-37", text)
    assert bool(special) == (epsilon == 0.0)


def test_a_label_outside_is_nan_whatever_is_computed_with_what_it_names() -> None:
    y_pred = np.full((70_000, 3), 0.25, "float32")
    labels = np.zeros(len(y_pred), int)
    labels[[1, -1]] = 3, -1
    for name in ("sparse_categorical_crossentropy", "sparse_categorical_focal_crossentropy"):
        loss = lossary.get({"class_name": name, "config": {"check": "off", "reduction": "none"}})
        values = loss(labels, y_pred)
        assert [bool(np.isnan(values[i])) for i in (0, 1, 2, -1)] == [False, True, False, True]
