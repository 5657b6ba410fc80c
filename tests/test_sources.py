"""Where rows come from: packed files, globs, folders, addresses, streams and frames give one score to the last bit."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from inputs import few
from lossary import LossError
from lossary.scoring import ColumnError, FileError, Scores, _score, score
from test_cli import LOSSARY, SCORE, refused, run, told
from test_cli_hostile import shell

ROWS = 1000
LOSSES = ["mse", "log_cosh"]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(5)
    columns = {name: rng.normal(size=ROWS) * 10.0 ** rng.integers(-9, 9, ROWS) for name in "yp"}
    return pa.table(columns | {"w": rng.uniform(size=ROWS), "shop": rng.choice(["a", "b"], ROWS)})


@pytest.fixture(scope="module")
def right(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    file = tmp_path_factory.mktemp("one") / "preds.parquet"
    pq.write_table(table, file)
    return bits(scored(file))


def scored(source: Any, **options: Any) -> Scores:
    return score(source, LOSSES, target="y", prediction="p", weight="w", by="shop", **options)


def bits(found: Scores) -> tuple[Any, ...]:
    return tuple((one.group, one.rows, one.weight, *one.means.values()) for one in (*found.groups, found.overall))


def csv_of(table: pa.Table) -> bytes:
    return table.to_pandas().to_csv(index=False, float_format="%.17g").encode()


def lines_of(table: pa.Table) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode()


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return sink.getvalue().to_pybytes()


def arrow_of(table: pa.Table, opened: Callable[..., Any]) -> bytes:
    sink = pa.BufferOutputStream()
    with opened(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=77)
    return sink.getvalue().to_pybytes()


def parquet_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=99)
    return sink.getvalue().to_pybytes()


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {
    "csv.gz": lambda table: gzip.compress(csv_of(table)),
    "csv.zst": lambda table: zstd(csv_of(table)),
    "tsv.bz2": lambda table: bz2.compress(csv_of(table).replace(b",", b"\t")),
    "csv.xz": lambda table: lzma.compress(csv_of(table)),
    "jsonl": lines_of,
    "ndjson.gz": lambda table: gzip.compress(lines_of(table.slice(0, 300))) + gzip.compress(lines_of(table.slice(300))),
    "arrow": lambda table: arrow_of(table, pa.ipc.new_file),
    "arrows": lambda table: arrow_of(table, pa.ipc.new_stream),
    "parquet": parquet_of,
    "parquet.gz": lambda table: gzip.compress(parquet_of(table)),
}


@pytest.mark.parametrize("ending", few({"csv.gz", "jsonl", "parquet"}.__contains__, WRITERS))
def test_every_format_packed_or_not(table: pa.Table, right: Any, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"preds.{ending}"
    file.write_bytes(WRITERS[ending](table))
    assert bits(scored(file, rows=64)) == right
    # Nothing but the bytes tells what a stream is.
    piped = shell('cat "$1" | lossary score - -l mse -l log_cosh -t y -p p -w w --by shop --json', file)
    found = json.loads(piped.stdout)
    assert [*found["all"]["means"].values()] == list(right[-1][3:])
    assert (found["file"], found["files"], found["rows_read"]) == ("the standard input", 1, ROWS)


def test_feather_as_pyarrow_writes_it(table: pa.Table, right: Any, tmp_path: Path) -> None:
    feather.write_feather(table, tmp_path / "preds.feather", compression="zstd", chunksize=100)
    assert bits(scored(tmp_path / "preds.feather")) == right


@pytest.fixture(scope="module")
def parts(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in files of many kinds, orders of columns, and types, some without rows."""
    folder = tmp_path_factory.mktemp("parts")
    pq.write_table(table.slice(0, 300), folder / "part-0.parquet")
    (folder / "part-1.csv").write_bytes(b"\xef\xbb\xbf" + csv_of(table.slice(300, 200).select(["shop", "w", "p", "y"])))
    (folder / "part-2.jsonl").write_bytes(lines_of(table.slice(500, 500)))
    pq.write_table(table.slice(0, 0), folder / "part-3.parquet")
    (folder / "part-4.csv").write_bytes(b"")
    (folder / "_SUCCESS").write_bytes(b"")
    return folder


def test_many_files_however_they_are_named(parts: Path, right: Any) -> None:
    names = sorted(parts.glob("part-*"))
    for source in (str(parts / "part-*"), names, [*names[::-1], names[0]], str(parts / "*")):
        found = scored(source, rows=77)
        assert (bits(found), found.files, found.rows_read) == (right, 5, ROWS)
    text = told("score", *names, *SCORE)
    assert text.splitlines()[-1] == "1000 rows of 5 files"
    with pytest.raises(FileError, match=r"several kinds: parquet, csv, jsonl; .*\*\*/\*\.parquet"):
        scored(parts)


def test_an_address_of_fsspec(parts: Path, table: pa.Table, right: Any) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe({f"/preds/{path.name}": path.read_bytes() for path in parts.iterdir()})
    assert bits(scored("memory://preds/part-*")) == right
    assert bits(scored([f"memory://preds/part-{i}" for i in ("0.parquet", "1.csv", "2.jsonl")])) == right
    memory.pipe("/packed/preds.csv.gz", gzip.compress(csv_of(table)))
    assert bits(scored("memory://packed/preds.csv.gz")) == bits(scored("memory://packed")) == right
    for missing in ("memory://preds/none.csv", "memory://preds/x*.csv", "nosuch://x/y.csv"):
        with pytest.raises(LossError, match=missing.replace("*", r"\*")):
            scored(missing)


def test_a_web_server_that_lists_nothing(parts: Path, right: Any, tmp_path: Path) -> None:
    whole = [parts / f"part-{i}" for i in ("0.parquet", "1.csv", "2.jsonl")]
    for path in whole:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    handler = partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}"
        assert bits(scored([f"{at}/{path.name}" for path in whole])) == right
        with pytest.raises(FileError, match=f"{at}/none.csv"):
            scored(f"{at}/none.csv")
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def list_directory(self, path: Any) -> None:
        self.send_error(403)

    def log_message(self, *said: Any) -> None:
        """Says nothing."""


def test_folders_name_columns(table: pa.Table, right: Any, tmp_path: Path) -> None:
    fold = pa.array(np.arange(ROWS) % 3)
    ds.write_dataset(
        table.append_column("fold", fold),
        tmp_path / "hive",
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("shop", pa.string()), ("fold", pa.int64())]), flavor="hive"),
    )
    found = scored(tmp_path / "hive")
    assert (bits(found), found.files) == (right, 6)
    folds = score(tmp_path / "hive", ["mse"], target="y", prediction="p", by="fold")
    assert [(one.group, one.rows) for one in folds.groups] == [(0, 334), (1, 333), (2, 333)]
    # A folder may name the class.
    named = score(tmp_path / "hive/**/*.parquet", ["mse"], target="shop", prediction="fold", positive="b")
    labels = np.array(table["shop"].to_pylist()) == "b"
    assert named.overall.means["mean_squared_error"] == np.mean((labels * 1.0 - fold.to_numpy()) ** 2)


def test_frames_stream(table: pa.Table, right: Any, tmp_path: Path) -> None:
    import polars

    file = tmp_path / "preds.parquet"
    pq.write_table(table, file)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=33))
    frames = [
        polars.scan_parquet(file),
        polars.read_parquet(file),
        ds.dataset(file),
        reader,
        table,
        table.to_pandas(),
    ]
    for frame in frames:
        found = scored(frame)
        assert (bits(found), found.rows_read) == (right, ROWS), type(frame)
    assert found.source == "the pandas DataFrame"
    lazy = polars.scan_parquet(file).with_columns(polars.col("p") * 2)
    with pytest.raises(ColumnError, match=r"the polars LazyFrame has no column 'q'"):
        score(lazy, ["mse"], target="y", prediction="q")
    with pytest.raises(FileError, match=r"the builtins dict cannot be read; accepted are paths, globs"):
        scored({"y": [1.0]})


def test_a_relation_of_duckdb_streams(table: pa.Table, right: Any, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pq.write_table(table, tmp_path / "preds.parquet")
    relation = duckdb.sql(f"""select * rename (y as "y ""1""\") from '{tmp_path}/preds.parquet'""")
    found = score(relation, LOSSES, target='y "1"', prediction="p", weight="w", by="shop")
    assert bits(found) == right


def test_kernels_are_a_question_of_the_rows_alone(
    table: pa.Table, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_score, "FUSED_FROM", 800)
    fused = {bits(scored(source, rows=rows)) for source in (table, parts / "part-*") for rows in (50, 1 << 16)}
    assert len(fused) == 1
    monkeypatch.setattr(_score, "FUSED_FROM", ROWS + 1)
    assert bits(scored(table))[-1][3] == next(iter(fused))[-1][3]


# --- classes --------------------------------------------------------------------------------------------------------

CATS = "y,p_dog,p_cat\ncat,0.25,0.75\ndog,0.5,0.5\n cat ,0.5,0.5\n"
CROSS = (-np.log(0.75) - 2 * np.log(0.5)) / 3


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "dictionary", "npz"])
def test_classes_are_named_by_the_columns_or_by_hand(tmp_path: Path, form: str) -> None:
    frame = pd.read_csv(io.StringIO(CATS))
    file = tmp_path / f"preds.{'parquet' if form == 'dictionary' else form}"
    if form == "csv":
        file.write_text(CATS)
    elif form == "jsonl":
        frame.to_json(file, orient="records", lines=True)
    elif form == "npz":
        np.savez(file, **{name: frame[name].to_numpy(str if name == "y" else float) for name in frame})
    else:
        found = pa.Table.from_pandas(frame)
        pq.write_table(found if form == "parquet" else found.set_column(0, "y", found["y"].dictionary_encode()), file)
    loss = ["sparse_categorical_crossentropy"]
    for options in (
        {"prediction": "p_*"},
        {"prediction": "p_dog,p_cat"},
        {"prediction": "p_cat,p_dog"},
        {"prediction": "p_*", "classes": ["cat", "dog"]},
        {"prediction": ["p_cat", "p_dog"], "classes": ["cat", "dog"]},
        {"prediction": "p_cat,p_dog", "classes": ["cat", "dog"]},
    ):
        (mean,) = score(file, loss, target="y", **options).overall.means.values()
        assert mean == pytest.approx(CROSS, rel=1e-12), options
    (mean,) = score(file, ["bce"], target="y", prediction="p_dog", positive="dog").overall.means.values()
    assert mean == pytest.approx(CROSS, rel=1e-12)


def test_text_that_names_nothing_is_told_by_every_command(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from lossary.cli._app import app

    (tmp_path / "preds.csv").write_text("y,p\nyes,0.5\nno,0.25\n")
    for command in ("check", "score"):
        given = [command, str(tmp_path / "preds.csv"), "--loss", "bce", "--target", "y", "--prediction", "p"]
        done = CliRunner().invoke(app, given, env={"COLUMNS": "300"})
        assert done.exit_code == 2
        assert "Name the one that counts as 1: --positive yes" in done.output
        assert CliRunner().invoke(app, [*given, "--positive", "yes"]).exit_code == 0


def test_numbered_columns_go_by_their_numbers(tmp_path: Path) -> None:
    p = np.eye(12)[[11, 2]] * 0.5 + 0.5 / 12
    columns = {f"p_{i}": p[:, i] for i in sorted(range(12), key=str)}
    pq.write_table(pa.table({"y": [11, 2], "text": ["11", "2"]} | columns), tmp_path / "preds.parquet")
    shifted = {f"p_{i + 1}": p[:, i] for i in range(12)}
    pq.write_table(pa.table({"y": [12, 3], "text": ["12", "3"]} | shifted), tmp_path / "shifted.parquet")
    for name in ("preds", "shifted"):
        for target in ("y", "text"):
            (mean,) = score(
                tmp_path / f"{name}.parquet", ["scce"], target=target, prediction="p_*"
            ).overall.means.values()
            assert mean == pytest.approx(-np.log(0.5 + 0.5 / 12))


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("y,p\nyes,1\nno,0\n", {}, r"holds the text 'no', 'yes'; .*--positive yes"),
        ("y,p\na,1\nb,0\nc,0\n", {}, r"Name the classes .*--classes a,b,c"),
        ("y,p\nyes,1\nno,0\nYes,1\n", {"positive": "yes"}, r"'Yes' in row 2 .*did you mean yes\?"),
        ("y,p\ncat,1\ndgo,0\n", {"classes": ["cat", "dog"]}, r"'dgo' in row 1 .*did you mean dog\?"),
        ("y,p\n0,1\n7,0\n", {"classes": ["0", "1"]}, r"'?7.*' in row 1 .*classes are 0, 1|7.0 in row 1"),
        ("y,p\nham,1\nham,0\n", {"positive": "spam"}, r"no row of column 'y' holds 'spam'.*--classes OTHER,spam"),
        ("y,p\n1,cat\n0,dog\n", {}, r"column 'p' holds the text 'cat'.*column of numbers"),
        ("y,p\n2024-01-31,1\n2/1/2024,0\n", {}, r"'y' holds dates such as '2/1/2024'; .*Save them as days"),
        ("y,p\n1,2024-01-31T10:00Z\n", {}, r"'p' holds the text '2024-01-31T10:00Z'; .*Save them as days.*utc=True"),
        ("y,p\n1.2.3,1\n1.2.4,0\n", {}, r"Name the one that counts as 1"),
        ("y,p\n1,1\n", {"classes": "cat,dog"}, r"accepted is a list: classes=\['cat', 'dog'\]"),
        ("y,p\n1,1\n", {"classes": ["cat"]}, r"accepted are two or more"),
        ("y,p\n1,1\n", {"classes": ["a", "b"], "positive": "c"}, r"none of the classes a, b"),
        ("y,p\n1,1\n", {"prediction": "q_*"}, r"no column 'q_\*'"),
        ("y,p\n1,1\n", {"encoding": "gbkk"}, r"encoding 'gbkk' is not known"),
        ("y,p\n1,1\n", {"format": "cvs"}, r"format 'cvs' is not known; did you mean csv\?"),
    ],
)
def test_what_is_wrong_with_classes_is_told(tmp_path: Path, text: str, options: dict[str, Any], said: str) -> None:
    (tmp_path / "preds.csv").write_text(text)
    with pytest.raises(LossError, match=said):
        score(tmp_path / "preds.csv", ["bce"], **{"target": "y", "prediction": "p"} | options)


@pytest.mark.parametrize(
    ("times", "days"),
    [
        (["2000-01-02", "2000-01-03"], 1 + 4),
        ([datetime(2000, 1, 2), datetime(2000, 1, 3)], 1 + 4),
        ([date(2000, 1, 2), date(2000, 1, 3)], 1 + 4),
        ([datetime(2000, 1, 2, tzinfo=UTC), datetime(2000, 1, 3, tzinfo=UTC)], 1 + 4),
        ([timedelta(seconds=1), timedelta(seconds=2)], 1 + 4),
        ([clock(0, 0, 1), clock(0, 0, 2)], 1 + 4),
    ],
)
def test_dates_and_times_become_numbers_by_the_line_that_is_told(times: list[Any], days: float) -> None:
    df = pd.DataFrame({"y": times, "p": [0.0, 0.0]})
    with pytest.raises(LossError, match=r"'y' holds (dates|timestamp|date32|duration|time64).*Save them as") as told:
        score(df, ["mse"], target="y", prediction="p")
    exec(str(told.value).partition("Save them as ")[2].partition(": ")[2], {"pandas": pd, "df": df})
    assert score(df, ["mse"], target="y", prediction="p").overall.means == {"mean_squared_error": days / 2}


@pytest.mark.parametrize("cells", ["True,False", "true,false", "TRUE,FALSE", "yes,no", "1,0", "1.0,0.0", '"1","0"'])
def test_two_classes_in_any_words(tmp_path: Path, cells: str) -> None:
    one, zero = cells.split(",")
    (tmp_path / "preds.csv").write_text(f"y,p\n{one},0.5\n{zero},0.25\n,0.5\n")
    options: dict[str, Any] = {"positive": "yes"} if one == "yes" else {}
    found = score(tmp_path / "preds.csv", ["mse"], target="y", prediction="p", skip_missing=True, **options)
    assert found.overall.means == {"mean_squared_error": (0.25 + 0.0625) / 2}
    assert (found.skipped, found.rows_read) == (1, 3)


# --- what can be wrong ----------------------------------------------------------------------------------------------


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "preds.jsonl"
    good = '{"y": 1, "p": 2}\n' * 150_000
    for bad, said in (
        ('{"y": 1, "p": \n', r"preds\.jsonl, line 150001, is no JSON object"),
        ("7\n", r"line 150001, is no JSON object: it is no object"),
        ('{"y": "cat", "p": 1}\n', r"'y' is a number in line \d+ and text in line 150001"),
    ):
        file.write_text(good + bad + good)
        with pytest.raises(LossError, match=said):
            score(file, ["mse"], target="y", prediction="p")
    for first in ('\n{"y": 1, "p": \n', '{"y": 1, "p": 2} {"y": 1, "p": 2}\n'):
        file.write_text(first + '{"y": 1, "p": 2}\n')
        with pytest.raises(FileError, match=rf"preds\.jsonl, line {first.count(chr(10))}, is no JSON object"):
            score(file, ["mse"], target="y", prediction="p")
    file.write_text('[{"y": 1, "p": 2}]')
    with pytest.raises(FileError, match=r"one JSON array; .*jq -c '\.\[\]'"):
        score(file, ["mse"], target="y", prediction="p")


def test_lines_of_json_are_forgiving_where_nothing_is_lost(tmp_path: Path) -> None:
    rows = [
        {"y": 1, "p": [0.5, 0.5], "d": "2024-01-01", "junk": 1},
        {"y": 0, "p": [1, 0], "d": "soon", "junk": "text"},
        {"y": None, "p": [0.5, 0.5], "d": "2024-01-01", "junk": []},
        {"y": 1, "p": None, "d": None},
        {"p": [0.5, 0.5], "y": 1.0, "d": "2024-01-01"},
    ]
    file = tmp_path / "preds.jsonl"
    file.write_text("\n\n".join(map(json.dumps, rows)))
    found = score(file, ["scce"], target="y", prediction="p", by="d", skip_missing=True)
    assert [(one.group, one.rows) for one in found.groups] == [("2024-01-01", 2), ("soon", 1)]
    assert (found.skipped, found.overall.rows) == (2, 3)


def test_lists_of_lists_are_rows(tmp_path: Path) -> None:
    (tmp_path / "preds.jsonl").write_text('{"y": [[1, 2], [3, 4]], "p": [[1, 2], [3, 6]]}\n')
    assert score(tmp_path / "preds.jsonl", ["mse"], target="y", prediction="p").overall.means == {
        "mean_squared_error": 1.0
    }


def test_a_mask_covers_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "preds.csv").write_text("y,p,m\n1,,False\n1,3,True\n1,,\n2,2,True\n")
    found = score(tmp_path / "preds.csv", ["mse"], target="y", prediction="p", where="m")
    assert (found.overall.means["mean_squared_error"], found.overall.rows, found.masked) == (2.0, 2, 2)
    (tmp_path / "none.csv").write_text("y,p,m\n1,1,0\n")
    with pytest.raises(FileError, match=r"the mask .* is not true in 1 rows"):
        score(tmp_path / "none.csv", ["mse"], target="y", prediction="p", where="m")


def test_the_file_at_fault_is_named(parts: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,p\n1,1\n2,2\n")
    (tmp_path / "b.csv").write_text("y,pred\n1,1\n")
    with pytest.raises(ColumnError, match=r"b\.csv has no column 'p'"):
        score(tmp_path / "*.csv", ["mse"], target="y", prediction="p")
    (tmp_path / "b.csv").write_text("y,p\n1,1\n2,-3\n")
    with pytest.raises(LossError, match=r"y_pred\[1, 0\] is -3; .*b\.csv"):
        score(tmp_path / "*.csv", ["poisson"], target="y", prediction="p")
    message = refused("score", tmp_path / "x-*.csv", *SCORE)
    assert "no file matches" in message
    assert "beside it lie" in message


def test_chinese_headers(tmp_path: Path) -> None:
    text = "真实,预测,城市\n1,3,北京\n2,2,上海\n"
    (tmp_path / "p.csv").write_bytes(text.encode("gbk"))
    with pytest.raises(FileError, match=r"add --encoding gb18030"):
        score(tmp_path / "p.csv", ["mse"], target="真实", prediction="预测")
    options = ["-l", "mse", "-t", "真实", "-p", "预测", "--by", "城市", "--encoding", "gbk", "--json"]
    found = json.loads(told("score", "p.csv", *options, cwd=tmp_path))
    assert [(one["group"], one["means"]["mean_squared_error"]) for one in found["groups"]] == [("上海", 0), ("北京", 4)]


def test_check_and_suggest_read_the_same_sources(tmp_path: Path) -> None:
    rows = [{"y": "cat" if i % 2 else "dog", "p": 0.25 + i % 2 / 2} for i in range(40)]
    data = "".join(json.dumps(row) + "\n" for row in rows)
    for i in range(2):
        (tmp_path / f"part-{i}.jsonl.gz").write_bytes(gzip.compress(data.encode()))
    found = json.loads(told("suggest", tmp_path / "part-*", "-t", "y", "--json"))
    assert (found["rows"], found["files"], found["whole_file"]) == (80, 2, True)
    assert found["task"] == "two classes"
    done = run("check", tmp_path / "part-*", "-l", "bce", "-t", "y", "-p", "p", "--positive", "cat", "--json")
    checked = json.loads(done.stdout)
    assert (checked["rows"], checked["files"], checked["ok"]) == (80, 2, True)
    part = json.loads(told("suggest", tmp_path / "part-*", "-t", "y", "--rows", "50", "--json"))
    assert (part["rows"], part["whole_file"]) == (50, False)


@pytest.mark.parametrize("line", [b"%d,%d", b'{"y": %d, "p": %d}'], ids=["csv", "jsonl"])
def test_lines_that_end_in_carriage_returns(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / ("old.csv" if line[:1] == b"%" else "old.jsonl")
    header = [b"y,p"] if file.suffix == ".csv" else []
    file.write_bytes(b"\r".join([*header, line % (1, 2), line % (3, 5), line % (4, 4), b""]))
    found = score(file, ["mse"], target="y", prediction="p").overall
    assert (found.rows, found.means["mean_squared_error"]) == (3, 5 / 3)


@pytest.mark.parametrize(
    "source", [io.StringIO("y,p\n1,2\n3,5\n"), io.BytesIO(b"y,p\n1,2\n3,5\n")], ids=["text", "bytes"]
)
def test_a_standard_input_that_is_no_file(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", source)
    found = score("-", ["mse"], target="y", prediction="p").overall
    assert (found.rows, found.means["mean_squared_error"]) == (2, 2.5)


@pytest.mark.costly
def test_an_interrupted_stream_is_left_behind() -> None:
    command = [str(LOSSARY), "score", "-", "-l", "mse", "-t", "y", "-p", "p"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin is not None
        # More than what is looked at first; then the input stays open, and nothing comes.
        running.stdin.write(b"y,p\n" + b"1,2\n" * 500_000)
        running.stdin.flush()
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
        assert running.stderr is not None
        assert b"Traceback" not in running.stderr.read()
