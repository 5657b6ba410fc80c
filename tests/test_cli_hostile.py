"""The command line where the surroundings are hostile: closed and full streams, tiny terminals, damaged files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inputs import few
from lossary import LossError
from lossary.scoring import FileError, Wanted, _npz, open_table, score, steady
from test_cli import LOSSARY, SCORE, refused, told, without
from test_score import write


@pytest.fixture
def preds(tmp_path: Path) -> Path:
    """Squares 0, 1, 4 in groups of which one tries to colour the terminal and turn its writing."""
    (tmp_path / "preds.csv").write_text("y,p,shop\n1,1,b\n2,3,\x1b[31mred\n4,2,x\u202ey\n")
    return tmp_path / "preds.csv"


def shell(line: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash in which ``lossary`` is the command."""
    script = f'lossary() {{ "{LOSSARY}" "$@"; }}\n{line}'
    command = ["bash", "-c", script, "bash", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=os.environ | environment
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.mark.parametrize("columns", ["0", "1", "20", "nonsense"])
def test_numbers_are_never_cut(preds: Path, columns: str) -> None:
    words = told("score", preds, *SCORE, COLUMNS=columns).split()
    assert words[-4:] in (["all", "3", "1.66667", "1"], ["mean_squared_error", "1.66667", "mean_absolute_error", "1"])


def test_colours_that_are_forced_into_a_log_bring_no_bar_with_them(preds: Path) -> None:
    """Ten thousand columns of it, as a log has no width."""
    assert "1.66667" in told("score", preds, *SCORE, FORCE_COLOR="1")


ENDS = [
    # A reader that has seen enough changes no verdict.
    ("lossary score $1 -l mse -t y -p p | true; exit ${PIPESTATUS[0]}", 0, ""),
    ("lossary check $1 -l bce -t y -p p | true; exit ${PIPESTATUS[0]}", 1, ""),
    ("lossary --help | true; exit ${PIPESTATUS[0]}", 0, ""),
    # What cannot be written was not done.
    ("lossary score $1 -l mse -t y -p p > /dev/full", 2, "the output cannot be written: No space left on device"),
    ("lossary check $1 -l bce -t y -p p --json > /dev/full", 2, "the output cannot be written: No space left"),
    ("lossary --version > /dev/full", 2, "the output cannot be written: No space left on device"),
    ("lossary score $1 -l mse -t y -p p >&-", 2, "the output stream is closed"),
    ("lossary score $1 -l mse -t y -p p >&- 2>&-", 2, ""),
    ("lossary score - -l mse -t y -p p <&-", 2, "the standard input cannot be read: it is closed"),
    ("lossary score $1 -l mse -t y -p p 2>&- > /dev/null", 0, ""),
    ("lossary score nowhere.csv -l mse -t y -p p 2>&-", 2, ""),
]


@pytest.mark.parametrize(("line", "status", "said"), few(lambda end: end in ENDS[0:9:4], ENDS))
def test_the_status_tells_what_became_of_the_output(preds: Path, line: str, status: int, said: str) -> None:
    done = shell(line, preds)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"lossary: {said}" if said else "")
    assert done.stderr.count("\n") == bool(said)


@pytest.mark.parametrize("encoding", few("ascii".__eq__, ["ascii", "latin-1", "utf-8"]))
def test_labels_reach_any_terminal_and_command_none(preds: Path, encoding: str) -> None:
    done = shell('lossary score "$1" -l mse -t y -p p --by shop', preds, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    labels = [line.split()[0] for line in done.stdout.splitlines()]
    assert labels == ["shop", "\\x1b[31mred", "b", "x\\u202ey", "all"]


def test_names_that_are_no_utf8(preds: Path) -> None:
    line = 'cp "$1" "$2"/$\'\\xff.csv\'; lossary score "$2"/$\'\\xff.csv\' -l mse -t y -p p --json'
    done = shell(line, preds, preds.parent)
    assert done.returncode == 0
    assert "\\udcff.csv" in done.stdout
    missing = shell("lossary score $'\\xfe.csv' -l mse -t y -p p")
    assert missing.returncode == 2
    assert "there is no file \\udcfe.csv" in missing.stderr


def test_a_loss_of_ones_own_does_not_decide_the_status(preds: Path) -> None:
    (preds.parent / "own.py").write_text("import sys\ndef leaves(y_true, y_pred):\n    sys.exit(7)\n")
    said = refused("score", preds, "-l", "own.py:leaves", "-t", "y", "-p", "p", cwd=preds.parent)
    assert said == "lossary: SystemExit: 7 (own.py, line 3)"


def test_backends_that_are_not_installed_are_named() -> None:
    done = without("tensorflow", "list", "--backend", "tensorflow")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Install it with: pip install tensorflow" in " ".join(done.stderr.split())


# --- files ---------------------------------------------------------------------------------------------------------


def scored(path: Path) -> float:
    return score(path, ["mse"], target="y", prediction="p").overall.means["mean_squared_error"]


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_anywhere_in_an_npz_is_an_error_or_changes_nothing(
    tmp_path: Path, rng: np.random.Generator, compressed: bool
) -> None:
    file = tmp_path / "preds.npz"
    arrays = {"y": rng.normal(size=(40, 3)), "p": np.asfortranarray(rng.normal(size=(40, 3)))}
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    right, whole = scored(file), file.read_bytes()
    refusals = 0
    for at in range(0, len(whole), 11):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        try:
            assert scored(file) == right  # Dates and the like.
        except LossError:
            refusals += 1
    assert refusals > len(whole) / 11 / 2
    for size in range(0, len(whole), 37):
        file.write_bytes(whole[:size])
        with pytest.raises(FileError, match="cannot be read as NPZ"):
            scored(file)


def test_rows_without_numbers(tmp_path: Path) -> None:
    npz = write(tmp_path / "preds.npz", {"y": np.zeros((3, 0)), "p": np.zeros((3, 0))})
    empty = pa.array([[], []], pa.list_(pa.float64()))
    parquet = tmp_path / "preds.parquet"
    pq.write_table(pa.table({"y": empty, "p": empty}), parquet)
    fixed = tmp_path / "fixed.parquet"
    pq.write_table(pa.table(dict.fromkeys("yp", pa.array([[1.0, 3.0]], pa.list_(pa.float64(), 2)))), fixed)
    for file in (npz, parquet):
        with pytest.raises(ValueError, match="the rows of column 'y' hold no numbers at all"):
            scored(file)
        with pytest.raises(ValueError, match="the rows of column 'y' hold no numbers at all"):
            open_table(file).raw(Wanted(("y",)), 10)
    assert scored(fixed) == 0.0


def test_shapes_do_not_decide_how_much_memory_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y, p = np.arange(60.0).reshape(20, 3), np.asfortranarray(np.arange(60.0).reshape(20, 3) - 2.0)
    file = write(tmp_path / "preds.npz", {"y": y, "p": p})
    monkeypatch.setattr(_npz, "BLOCK_BYTES", 100)
    monkeypatch.setattr(_npz, "RAW_BYTES", 100)
    assert [len(block.columns["p"]) for block in open_table(file).blocks(Wanted(("y", "p")), 1000)] == [4] * 5
    assert scored(file) == 4.0
    part, whole = open_table(file).raw(Wanted(("p",)), 1000)
    assert (part["p"].tolist(), whole) == (p[:4].tolist(), False)
    monkeypatch.setattr(_npz, "WIDEST", 2)
    with pytest.raises(ValueError, match=r"rows of array 'y' hold 3 numbers each.*save them with numpy\.ravel"):
        scored(file)


@pytest.mark.parametrize("kind", ["csv", "npz", "parquet"])
def test_a_file_that_changes_while_it_is_read_is_no_whole(tmp_path: Path, kind: str) -> None:
    file = write(tmp_path / f"preds.{kind}", {"y": [0.0] * 300, "p": [1.0] * 300})
    with pytest.raises(FileError, match="changed while it was read, so what was read is no whole"), steady(file):
        os.truncate(file, file.stat().st_size - 40)


def test_a_csv_that_shrinks_is_not_scored_in_part(tmp_path: Path) -> None:
    file = tmp_path / "preds.csv"
    file.write_text("y,p\n" + "0,1\n" * 3_000_000)

    def shrink(done: float) -> None:
        os.truncate(file, 8_000_000)

    with pytest.raises(FileError, match="changed while it was read"):
        score(file, ["mse"], target="y", prediction="p", progress=shrink)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ('"1,234.5"', "Write numbers without signs between thousands, of percent or of money: 1234.5"),
        *((cell, "Write numbers without signs") for cell in ("1 234", "1_234", "50%", "€1.5", "-$1")),
        ("-", "Leave the cell of a missing value empty"),
        ("cat", "accepted are numbers, or names of classes. .*--positive"),
    ],
)
def test_what_keeps_a_number_from_being_one_is_named(tmp_path: Path, cell: str, remedy: str) -> None:
    (tmp_path / "preds.csv").write_text(f"y,p\n1,2\n{cell},3\n")
    with pytest.raises(ValueError, match=f"column 'y' holds the text .*{remedy}"):
        scored(tmp_path / "preds.csv")
    if cell != "cat":
        with pytest.raises(ValueError, match=remedy):
            open_table(tmp_path / "preds.csv").raw(Wanted(("y",)), 10)


def test_true_and_false_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "preds.csv").write_text("y,p\nTrue,0.5\nFalse,0.25\n,1\nTRUE,1\n")
    found = score(tmp_path / "preds.csv", ["mse"], target="y", prediction="p", skip_missing=True)
    assert found.overall.means == {"mean_squared_error": (0.25 + 0.0625) / 3}


@pytest.mark.parametrize(
    ("text", "encoding", "advice"),
    [
        ("北京市", "gbk", "gb18030"),
        ("上海", "gb18030", "gb18030"),
        ("K\u00f6ln", "latin1", "latin1"),
        ("\u00eele d'Ol\u00e9ron", "cp1252", "latin1"),
    ],
)
@pytest.mark.parametrize("before", [0, 900_000])
def test_the_encoding_that_is_advised_is_the_likely_one(
    tmp_path: Path, text: str, encoding: str, advice: str, before: int
) -> None:
    (tmp_path / "preds.csv").write_bytes(("y,p,city\n" + "1,1,x\n" * before + f"1,2,{text}\n").encode(encoding))
    with pytest.raises(FileError, match=f"If it is {advice}, add --encoding {advice}"):
        score(tmp_path / "preds.csv", ["mse"], target="y", prediction="p", by="city")


def test_packed_files_and_pipes_are_answered(tmp_path: Path) -> None:
    (tmp_path / "preds.csv.zip").write_bytes(b"PK")
    with pytest.raises(FileError, match=r"Unpack it first: unzip .*preds\.csv\.zip"):
        open_table(tmp_path / "preds.csv.zip")
    (tmp_path / "preds.csv.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(FileError, match=r"preds\.csv\.gz cannot be read as CSV: Truncated"):
        open_table(tmp_path / "preds.csv.gz")
    done = shell("lossary score <(echo y,p; echo 1,3) -l mse -t y -p p --json")
    assert json.loads(done.stdout)["all"]["means"] == {"mean_squared_error": 4.0}


def test_scoring_needs_no_import_of_its_own() -> None:
    script = "import sys, lossary; assert 'lossary.scoring' not in sys.modules; print(lossary.scoring.score.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "score\n"
