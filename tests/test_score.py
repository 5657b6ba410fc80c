"""Scoring files: exact means in any chunking, for every format, with weights, groups and missing values."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lossary
from lossary.kernels.cpu.sums import CompiledSums
from lossary.scoring import ColumnError, FileError, Wanted, open_table, score
from lossary.scoring._exact import ExactSums, exact_products, quotient

FORMATS = ("parquet", "csv", "npz")


def write(path: Path, columns: dict[str, Any], *, rows_per_group: int = 1 << 20) -> Path:
    """Writes columns in the format of the ending."""
    if path.suffix == ".npz":
        np.savez(path, **{name: np.asarray(column) for name, column in columns.items()})
    elif path.suffix == ".csv":
        pd.DataFrame(columns).to_csv(path, index=False, float_format="%.17g")
    else:
        pq.write_table(pa.table(columns), path, row_group_size=rows_per_group)
    return path


@pytest.fixture
def frame(rng: np.random.Generator) -> dict[str, Any]:
    n = 5000
    return {
        "y": rng.normal(size=n),
        "p": rng.normal(size=n),
        "w": rng.uniform(size=n),
        "shop": rng.choice(["north", "south", "east"], n),
    }


# --- exact sums ----------------------------------------------------------------------------------------------------

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


EITHER = pytest.mark.parametrize("kind", [ExactSums, CompiledSums])


@EITHER
@settings(deadline=None)
@given(x=arrays(np.float64, st.integers(1, 60), elements=FINITE))
def test_sums_are_exact(kind: type[ExactSums], x: np.ndarray) -> None:
    sums = kind()
    sums.add(x)
    assert sums.total() == sum(map(Fraction, x.tolist()))


@EITHER
@settings(deadline=None)
@given(x=arrays(np.float64, st.integers(2, 60), elements=FINITE), random=st.randoms(use_true_random=False))
def test_sums_of_groups_do_not_depend_on_order_or_chunks(kind: type[ExactSums], x: np.ndarray, random: Any) -> None:
    codes = np.array([random.randrange(3) for _ in x])
    expected = [
        sum((Fraction(v) for v, c in zip(x.tolist(), codes, strict=True) if c == g), Fraction()) for g in range(3)
    ]
    order = np.array(random.sample(range(len(x)), len(x)))
    sums, cut = kind(), random.randrange(len(x))
    for part in (order[:cut], order[cut:]):
        sums.add(x[part], codes[part], 3)
    assert [sums.total(g) for g in range(3)] == expected


@settings(deadline=None)
@given(x=arrays(np.float64, 20, elements=FINITE), y=arrays(np.float64, 20, elements=FINITE))
def test_compiled_sums_of_products_are_exact_over_the_whole_range(x: np.ndarray, y: np.ndarray) -> None:
    codes = np.arange(20) % 3
    sums = CompiledSums()
    # Groups turn up one after the other.
    for last in (1, 2, 3):
        part = codes < last
        sums.add(x[part], codes[part], last, weights=y[part])
    for group in range(3):
        pairs = zip(x[codes == group].tolist(), y[codes == group].tolist(), strict=True)
        assert sums.total(group) == (3 - group) * sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction())


def test_compiled_sums_carry_before_they_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.kernels.cpu.sums.CARRY_EVERY", 800)
    x = np.array([2.0**31 - 1, -1.5, 0.1, 3e-20, -1e12] * 100)
    sums = CompiledSums()
    for _ in range(5):
        sums.add(x, weights=x)
    assert sums.total() == 500 * sum(Fraction(v) ** 2 for v in x[:5].tolist())
    assert np.abs(sums._limbs).max() < 2**43
    carried = CompiledSums()
    carried._limbs, carried._base = np.full((1, 3), -(2**62)), 60
    before = carried.total()
    carried._carry()
    assert carried.total() == before
    assert (carried._limbs[0, :2] < 2**32).all()


def test_many_blocks_do_not_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.scoring._exact.BLOCK", 4)
    monkeypatch.setattr("lossary.scoring._exact.CARRY_EVERY", 2)
    sums = ExactSums()
    x = np.array([2.0**31 - 1, -1.5, 0.1, 3e-20] * 200)
    for _ in range(5):
        sums.add(x)
    assert sums.total() == 5 * sum(map(Fraction, x.tolist()))


@EITHER
def test_infinities_and_nan_stay_what_they_are(kind: type[ExactSums]) -> None:
    for values, expected in (
        ([1.0, math.inf], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
    ):
        sums = kind()
        sums.add(np.array(values))
        assert sums.total() == expected or (math.isnan(expected) and math.isnan(sums.total()))


def test_a_weight_of_zero_under_an_infinite_loss_is_undefined() -> None:
    for kind in (ExactSums, CompiledSums):
        sums = kind()
        with np.errstate(invalid="ignore"):
            sums.add(np.array([math.inf, 1.0]), weights=np.array([0.0, 1.0]))
        assert math.isnan(sums.total())


MODERATE = st.floats(-1e100, 1e100).filter(lambda v: v == 0 or abs(v) > 1e-100)


@given(arrays(np.float64, 20, elements=MODERATE), arrays(np.float64, 20, elements=MODERATE))
def test_products_lose_nothing(a: np.ndarray, b: np.ndarray) -> None:
    product, error = exact_products(a, b)
    for x, y, high, low in zip(*(array.tolist() for array in (a, b, product, error)), strict=True):
        assert Fraction(x) * Fraction(y) == Fraction(high) + Fraction(low)


def test_a_quotient_is_rounded_once() -> None:
    assert quotient(Fraction(1), Fraction(3)) == 1 / 3
    assert math.isnan(quotient(Fraction(0), Fraction(0)))


# --- means ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_a_case_worked_by_hand(tmp_path: Path, kind: str) -> None:
    columns = {"y": [1.0, 2.0, 4.0], "p": [1.0, 3.0, 2.0], "w": [1.0, 3.0, 0.5], "shop": ["b", "a", "a"]}
    file = write(tmp_path / f"preds.{kind}", columns)
    found = score(file, ["mse", "mae"], target="y", prediction="p", weight="w", by="shop")
    # Squares 0, 1, 4 and differences 0, 1, 2 with weights 1, 3, 1/2.
    assert found.overall.means == {"mean_squared_error": 5 / 4.5, "mean_absolute_error": 4 / 4.5}
    assert [(g.group, g.rows, g.weight) for g in found.groups] == [("a", 2, 3.5), ("b", 1, 1.0)]
    assert found.groups[0].means == {"mean_squared_error": 5 / 3.5, "mean_absolute_error": 4 / 3.5}
    assert found.groups[1].means == {"mean_squared_error": 0.0, "mean_absolute_error": 0.0}


@pytest.mark.costly
def test_neither_format_nor_block_nor_row_group_changes_a_bit(tmp_path: Path, frame: dict[str, Any]) -> None:
    seen = set()
    for kind in FORMATS:
        file = write(tmp_path / f"preds.{kind}", frame, rows_per_group=333)
        for rows in (7, 97, 1000, 1 << 16)[1 if kind != "parquet" else 0 :]:
            found = score(file, ["mse", "log_cosh"], target="y", prediction="p", weight="w", by="shop", rows=rows)
            seen.add(tuple(tuple(s.means.values()) for s in (found.overall, *found.groups)))
    assert len(seen) == 1
    ((overall, *_),) = seen
    squares = (frame["y"] - frame["p"]) ** 2
    exact = sum(Fraction(s) * Fraction(w) for s, w in zip(squares.tolist(), frame["w"].tolist(), strict=True))
    assert overall[0] == float(exact / sum(map(Fraction, frame["w"].tolist())))
    assert overall[1] == pytest.approx(
        np.average(np.log(np.cosh(frame["y"] - frame["p"])), weights=frame["w"]), rel=1e-12
    )


def test_kernels_give_the_same_bits_in_any_block(
    tmp_path: Path, frame: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "preds.parquet", frame)
    losses = ["log_cosh", "huber"]
    plain = score(file, losses, target="y", prediction="p").overall
    monkeypatch.setattr("lossary.scoring._score.FUSED_FROM", 0)
    fused = [score(file, losses, target="y", prediction="p", rows=rows).overall for rows in (37, 1000, 1 << 16)]
    assert fused[0] == fused[1] == fused[2]
    assert fused[0].means == pytest.approx(plain.means, rel=1e-14)


def test_the_mean_survives_cancellation(tmp_path: Path) -> None:
    # A plain running sum of these in float64 is 1.
    file = write(tmp_path / "preds.npz", {"y": [0.0] * 4, "p": [1e16, 1.0, -1e16, 1.0]})
    loss = lossary.loss(name="signed_for_score")(lambda y_true, y_pred: lossary.words.mean(y_pred - y_true))
    assert score(file, [loss], target="y", prediction="p").overall.means["signed_for_score"] == 0.5


def test_several_prediction_columns_and_a_list_column_are_the_same(tmp_path: Path, rng: np.random.Generator) -> None:
    p = rng.dirichlet([1.0, 1.0, 1.0], 500)
    labels = rng.integers(0, 3, 500)
    columns = {"y": labels, **{f"p{i}": p[:, i] for i in range(3)}, "p": list(p)}
    file = write(tmp_path / "preds.parquet", columns)
    loss = "sparse_categorical_crossentropy"
    wide = score(file, [loss], target="y", prediction=["p0", "p1", "p2"], rows=64)
    listed = score(file, [loss], target="y", prediction="p")
    matrix = score(write(tmp_path / "preds.npz", {"y": labels, "p": p}), [loss], target="y", prediction="p", rows=77)
    assert wide.overall == listed.overall == matrix.overall
    assert wide.overall.means[loss] == pytest.approx(-np.log(p[np.arange(500), labels]).mean(), rel=1e-6)


HALVES = {"y": [3.0, 0.0], "m": [1.0, 0.0], "v": [4.0, 1.0], "low": [-1.0, -1.0], "high": [1.0, 1.0]}
HALVES |= {"three": [[0.0, 0.0, 3.0, 4.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 3.0, 4.0]], "minus": [-1.0, -2.0]}
HALVES |= {"y2": [[3.0, 0.0], [0.0, 3.0]], "mv2": [[1.0, 4.0, 0.0, 1.0], [0.0, 1.0, 1.0, 4.0]]}
HALVES |= {"box": [[0.0, 0.0, 1.0, 1.0]] * 2, "other": [[0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 3.0, 1.0]]}


@pytest.mark.parametrize(
    ("loss", "target", "prediction", "mean"),
    [
        ("gaussian_nll", "y", ["m", "v"], (math.log(4) + 1.0) / 2 / 2),
        ("gaussian_nll", "y2", "mv2", (math.log(4) + 1.0) / 2 / 2),
        (lossary.IntervalScore(alpha=0.5), "y", ["low", "high"], ((2 + 4 * 2) + 2) / 2),
        ("generalized_iou", "box", "other", (0 + 4 / 3) / 2),
        ("crps_ensemble", "m", ["low", "high"], ((1 - 0.5) + (2 + 0) / 2 - 0.5) / 2),
        ("triplet_margin", "y", "three", ((5 - 1 + 1) + 0) / 2),
        ("dpo", ["low", "low"], ["m", "m"], math.log(2)),
    ],
    ids=str,
)
def test_columns_hold_parts_and_arguments(tmp_path: Path, loss: Any, target: Any, prediction: Any, mean: float) -> None:
    columns = {name: np.asarray(values) for name, values in HALVES.items()}
    found = score(write(tmp_path / "preds.npz", columns), [loss], target=target, prediction=prediction, rows=1)
    assert list(found.overall.means.values()) == [pytest.approx(mean, rel=1e-12)]


def test_an_error_in_a_part_names_the_row_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "preds.npz", {"y": [0.0] * 4, "m": [0.0] * 4, "v": [1.0, 1.0, 1.0, -1.0]})
    with pytest.raises(lossary.DomainError, match=r"y_pred's variance\[3\] is -1.*y_pred is m, v"):
        score(file, ["gaussian_nll"], target="y", prediction=["m", "v"], rows=2)


def test_rows_a_loss_ignores_do_not_count(tmp_path: Path) -> None:
    file = write(tmp_path / "preds.npz", {"y": [0, 9, 1], "p": [[0.5, 0.5], [0.9, 0.1], [0.75, 0.25]]})
    loss = lossary.SparseCategoricalCrossentropy(ignore_class=9)
    found = score(file, [loss], target="y", prediction="p")
    assert found.overall.means[loss.name] == pytest.approx((math.log(2) + math.log(4)) / 2, rel=1e-12)


def test_two_settings_of_one_loss_keep_their_names_apart(tmp_path: Path, frame: dict[str, Any]) -> None:
    file = write(tmp_path / "preds.npz", frame)
    found = score(file, [lossary.Huber(delta=0.5), lossary.Huber(delta=2.0)], target="y", prediction="p")
    assert list(found.overall.means) == ["Huber(delta=0.5)", "Huber(delta=2.0)"]


def test_progress_reaches_the_end(tmp_path: Path, frame: dict[str, Any]) -> None:
    for kind in FORMATS:
        steps: list[float] = []
        file = write(tmp_path / f"preds.{kind}", frame)
        score(file, ["mse"], target="y", prediction="p", rows=500, progress=steps.append)
        assert steps == sorted(steps)
        assert steps[-1] == 1.0
        assert len(steps) == 10


@pytest.mark.costly
def test_a_file_larger_than_its_memory(tmp_path: Path) -> None:
    script = (
        "import re, sys; from lossary.scoring import score; "
        "score(sys.argv[1], ['mse'], target='y', prediction='p'); "
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    ones = np.ones(1 << 25, np.float32)
    file = write(tmp_path / "preds.parquet", {"y": ones, "p": ones})
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True)
    # The two columns alone are 256 MiB, 512 as the float64 they are scored in.
    assert int(done.stdout) < 256 * 1024


# --- missing values and groups -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_missing_values_are_named_or_left_out(tmp_path: Path, kind: str) -> None:
    columns = {"y": [1.0, 2.0, 3.0, 4.0], "p": [1.0, 1.0, math.nan, 1.0], "w": [1.0, math.nan, 1.0, 1.0]}
    file = write(tmp_path / f"preds.{kind}", columns)
    with pytest.raises(ColumnError, match=r"column 'p' has no value in row 2 .*--skip-missing"):
        score(file, ["mse"], target="y", prediction="p", rows=2)
    found = score(file, ["mse"], target="y", prediction="p", weight="w", skip_missing=True, rows=3)
    assert (found.skipped, found.overall.rows, found.overall.means["mean_squared_error"]) == (2, 2, 4.5)


def test_groups_may_be_numbers_or_missing(tmp_path: Path) -> None:
    numbers = write(tmp_path / "n.npz", {"y": [1.0, 2.0, 3.0], "p": [0.0, 0.0, 0.0], "k": [10, 9, 10]})
    found = score(numbers, ["mae"], target="y", prediction="p", by="k", rows=1)
    assert [(g.group, g.means["mean_absolute_error"]) for g in found.groups] == [(9, 2.0), (10, 2.0)]
    missing = write(tmp_path / "m.parquet", {"y": [1.0, 2.0, 3.0], "p": [0.0, 0.0, 0.0], "k": ["a", None, "a"]})
    found = score(missing, ["mae"], target="y", prediction="p", by="k", rows=2)
    assert [(g.group, g.rows) for g in found.groups] == [("a", 2), (None, 1)]


def test_a_key_is_no_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.scoring._run.MAX_GROUPS", 3)
    file = write(tmp_path / "preds.npz", {"y": np.zeros(5), "p": np.zeros(5), "id": np.arange(5)})
    with pytest.raises(ColumnError, match=r"'id' has more than 3 different values.*coarser"):
        score(file, ["mae"], target="y", prediction="p", by="id")


# --- mistakes ------------------------------------------------------------------------------------------------------


def test_an_error_names_the_row_of_the_file(tmp_path: Path) -> None:
    rates = np.ones(100)
    rates[77] = -2.0
    file = write(tmp_path / "preds.parquet", {"y": np.ones(100), "rate": rates})
    with pytest.raises(lossary.DomainError, match=r"poisson: y_pred\[77, 0\] is -2.*y_pred is rate"):
        score(file, ["poisson"], target="y", prediction="rate", rows=10)
    with pytest.raises(lossary.DomainError, match=r"sample_weight\[77\] is -2.*sample_weight is rate"):
        score(file, ["mse"], target="y", prediction="y", weight="rate", rows=10)


@pytest.mark.parametrize("kind", FORMATS)
def test_wrong_columns_are_explained(tmp_path: Path, kind: str) -> None:
    file = write(tmp_path / f"preds.{kind}", {"price": [1.0, 2.0], "name": ["a", "b"]})
    with pytest.raises(ColumnError, match=r"no column 'Pricee'; did you mean price.*price, name"):
        score(file, ["mse"], target="Pricee", prediction="price")
    with pytest.raises(lossary.LossError, match="column 'name'"):
        score(file, ["mse"], target="name", prediction="price")


def test_wrong_files_are_explained(tmp_path: Path) -> None:
    write(tmp_path / "preds.npz", {"y": [1.0]})
    with pytest.raises(FileError, match=r"no file .*pred\.npz; did you mean preds\.npz"):
        open_table(tmp_path / "pred.npz")
    (tmp_path / "preds.xlsx").write_bytes(b"x")
    with pytest.raises(FileError, match=r"ends in \.xlsx; accepted are files in \.parquet, \.pq, \.csv, \.tsv"):
        open_table(tmp_path / "preds.xlsx")
    (tmp_path / "none").mkdir()
    with pytest.raises(FileError, match=r"none is a folder in which no file ends in \.parquet"):
        open_table(tmp_path / "none")
    for kind in ("parquet", "npz"):
        (tmp_path / f"broken.{kind}").write_bytes(b"not what it says")
        with pytest.raises(FileError, match=f"cannot be read as {kind.upper()}"):
            open_table(tmp_path / f"broken.{kind}")
    write(tmp_path / "uneven.npz", {"y": [1.0], "p": [1.0, 2.0]})
    with pytest.raises(FileError, match="y has 1, p has 2"):
        score(tmp_path / "uneven.npz", ["mse"], target="y", prediction="p")
    (tmp_path / "twice.csv").write_text("y,p,y\n1,2,3\n")
    with pytest.raises(ColumnError, match="several columns 'y'"):
        score(tmp_path / "twice.csv", ["mse"], target="y", prediction="p")
    (tmp_path / "ragged.csv").write_text("y,p\n1,2\n3\n")
    with pytest.raises(FileError, match="Expected 2 columns, got 1"):
        score(tmp_path / "ragged.csv", ["mse"], target="y", prediction="p")
    (tmp_path / "header.csv").write_text("y,p\n")
    with pytest.raises(FileError, match="holds no rows, at most the names of columns"):
        score(tmp_path / "header.csv", ["mse"], target="y", prediction="p")
    (tmp_path / "bare.csv").write_text("1,2\n3,4\n")
    with pytest.raises(
        ColumnError, match="no column 'y'; the first line seems to hold numbers, and must hold the names"
    ):
        score(tmp_path / "bare.csv", ["mse"], target="y", prediction="p")
    (tmp_path / "gaps.csv").write_text("y,p\n,1\n2,\n")
    with pytest.raises(FileError, match="each of the 2 rows has a missing value"):
        score(tmp_path / "gaps.csv", ["mse"], target="y", prediction="p", skip_missing=True)


def test_other_encodings_are_named_and_read(tmp_path: Path) -> None:
    text = "y,p,seg\n" + "1,2,a\n" * 19000 + "1,2,\xf6\n"
    (tmp_path / "late.csv").write_bytes(text.encode("latin1"))
    with pytest.raises(FileError, match=r"late\.csv is no text in UTF-8. If it is latin1, add --encoding latin1"):
        score(tmp_path / "late.csv", ["mse"], target="y", prediction="p", by="seg")
    # What the first two bytes of UTF-16 say leaves no doubt.
    (tmp_path / "wide.csv").write_bytes(text.encode("utf-16"))
    for name, encoding in (("late", "latin1"), ("wide", None)):
        found = score(tmp_path / f"{name}.csv", ["mse"], target="y", prediction="p", by="seg", encoding=encoding)
        assert [group.group for group in found.groups] == ["a", "\xf6"]


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        # Decimal commas, bare and quoted; with a decimal point somewhere a comma is no decimal sign.
        ("y;p\n1,5;2,5\n3;4\n", 1.0),
        ('y\tp\n"-,5"\t",5"\n', 1.0),
        ("y;p;note\n1.5;2.5;7,5\n3;4;8\n", 1.0),
        ("y,p\n1,5\n2,4\n", 10.0),
        # Blanks around names and numbers.
        ("y, p\n1, 3\n2, 2\n", 2.0),
    ],
)
def test_local_habits_of_csv_are_understood(tmp_path: Path, text: str, mean: float) -> None:
    (tmp_path / "preds.csv").write_text(text)
    assert score(tmp_path / "preds.csv", ["mse"], target="y", prediction="p").overall.means == {
        "mean_squared_error": mean
    }


def test_only_single_values_are_groups(tmp_path: Path) -> None:
    columns = {"y": [1.0, 2.0], "p": [1.0, 1.0]}
    parquet = write(tmp_path / "p.parquet", columns | {"k": [{"a": 1}, {"a": 2}]})
    with pytest.raises(
        ColumnError, match=r"'k' holds struct<a: int64>; accepted to group by are text, numbers and dates"
    ):
        score(parquet, ["mse"], target="y", prediction="p", by="k")
    matrix = write(tmp_path / "p.npz", columns | {"k": np.ones((2, 2))})
    with pytest.raises(ColumnError, match=r"'k' holds rows of shape \(2,\); accepted to group by"):
        score(matrix, ["mse"], target="y", prediction="p", by="k")


def test_missing_groups_come_last(tmp_path: Path) -> None:
    (tmp_path / "preds.csv").write_text("y,p,k\n1,1,b\n1,2,\n1,3,a\n")
    found = score(tmp_path / "preds.csv", ["mae"], target="y", prediction="p", by="k")
    assert [(group.group, group.means["mean_absolute_error"]) for group in found.groups] == [
        ("a", 2),
        ("b", 0),
        ("", 1),
    ]


def test_lists_of_different_length_are_explained(tmp_path: Path) -> None:
    file = write(tmp_path / "preds.parquet", {"y": [0, 1], "p": [[0.5, 0.5], [1.0]]})
    with pytest.raises(ColumnError, match="lists of column 'p' have 1 to 2 entries"):
        score(file, ["sparse_categorical_crossentropy"], target="y", prediction="p")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_other_delimiters_and_a_byte_order_mark_are_read(tmp_path: Path, delimiter: str) -> None:
    text = '"the y",p\n1,3\n2,2\n'.replace(",", delimiter)
    (tmp_path / "preds.csv").write_text(text, encoding="utf-8-sig")
    found = score(tmp_path / "preds.csv", ["mse"], target="the y", prediction="p")
    assert found.overall.means == {"mean_squared_error": 2.0}


def test_a_fortran_ordered_matrix_is_read_by_rows(tmp_path: Path, rng: np.random.Generator) -> None:
    p = rng.normal(size=(50, 3))
    c = write(tmp_path / "c.npz", {"y": p + 1.0, "p": p})
    f = write(tmp_path / "f.npz", {"y": np.asfortranarray(p + 1.0), "p": np.asfortranarray(p)})
    assert [score(x, ["mse"], target="y", prediction="p", rows=7).overall.means for x in (c, f)] == [
        {"mean_squared_error": pytest.approx(1.0)}
    ] * 2


def test_numbers_of_every_width_arrive_as_they_are(tmp_path: Path) -> None:
    columns = {
        "y": pa.array([1, 0, 1], pa.int8()),
        "p": pa.array([True, True, False]),
        "half": pa.array(np.array([0.5, 1.0, 2.0], np.float16)),
        "gap": pa.array([2**62, None, 3], pa.int64()),
    }
    file = write(tmp_path / "preds.parquet", columns)
    (block,) = open_table(file).blocks(Wanted(tuple(columns)), 10)
    found = {name: (str(column.dtype), column.tolist()) for name, column in block.columns.items()}
    assert found["y"] == ("int8", [1, 0, 1])
    assert found["p"] == ("float64", [1.0, 1.0, 0.0])
    assert found["half"] == ("float64", [0.5, 1.0, 2.0])
    assert found["gap"][1][::2] == [2.0**62, 3.0]
    assert math.isnan(found["gap"][1][1])


def test_reading_numbers_does_not_import_pandas(tmp_path: Path) -> None:
    columns = {"y": [1.0, 2.0], "p": [1, None], "k": ["a", None]}
    for kind in ("parquet", "csv"):
        file = write(tmp_path / f"preds.{kind}", columns)
        script = (
            "import sys; from lossary.scoring import score; "
            f"score({str(file)!r}, ['mse'], target='y', prediction='p', by='k', skip_missing=True); "
            "print('pandas' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"


def test_a_score_is_a_mean_of_each_loss_once(tmp_path: Path, frame: dict[str, Any]) -> None:
    file = write(tmp_path / "preds.npz", frame)
    found = score(file, ["mse", lossary.MeanSquaredError()], target="y", prediction="p")
    assert list(found.overall.means) == ["mean_squared_error"]
    with pytest.raises(
        lossary.ParameterError, match=r"huber: reduction is 'sum'; a score is sum\(w \* loss\) / sum\(w\)"
    ):
        score(file, [lossary.Huber(reduction="sum")], target="y", prediction="p")
