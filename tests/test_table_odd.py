"""Results tables of others, and of nobody: what makes no sense is named in a line."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emotion_core.analytics import loading
from emotion_core.results.recording import read, read_results, summarize
from emotion_core.types import EmotionError
from tests.tables import records_of, rows_of


@pytest.fixture
def records() -> list[dict[str, Any]]:
    return records_of(rows_of("HHNNSA"))


def write(path: Path, records: list[Any]) -> Path:
    path.write_text(json.dumps(records))
    return path


@pytest.mark.parametrize(
    "key, value, reason",
    [
        ("face", 1.5, "face id is not a whole number"),
        ("face", 2**64, "face id is not a whole number"),
        ("face", 1e30, "face id is not a whole number"),
        ("face", "1e999", "face id is not a number"),
        ("frame", 2.5, "no frame number"),
        ("frame", 10**400, "no frame number"),
        ("time", 1e30, "no usable time"),
        ("time", float("inf"), "no usable time"),
        ("confidence", float("nan"), "confidence is not a number"),
        ("valence", [1], "valence is not a number"),
        ("arousal", 1e308, "arousal"),
        ("probabilities", {"Happy": 1e30}, "probability"),
        ("probabilities", {"Happy": 1e308}, "probability"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_value_out_of_place_costs_its_record(
    tmp_path: Path, records: list[dict[str, Any]], key: str, value: Any, reason: str
) -> None:
    records[2][key] = value
    path = write(tmp_path / "a_results.json", records)
    table = read_results(path)
    assert len(table) == 5 and reason in table.attrs["reason"]
    assert loading.read(path).skipped == 1
    for record in records:
        record[key] = value
    with pytest.raises(EmotionError, match=reason) as refused:
        read_results(write(path, records))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [[1e30] * 4, [[]] * 4, ["a", 1, 2, 3], {"x": 1}, "box", [float("nan")] * 4])
def test_a_box_that_is_none_is_left_out(tmp_path: Path, records: list[dict[str, Any]], value: Any) -> None:
    for record in records:
        record["box"] = value
    path = write(tmp_path / "a_results.json", records)
    assert len(read_results(path)) == len(read(path)) == 6


@pytest.mark.parametrize("depth", [500, 5000, 200_000])
def test_deep_nesting(tmp_path: Path, records: list[dict[str, Any]], depth: int) -> None:
    path = tmp_path / "a_results.json"
    path.write_text("[" * depth + "NaN" + "]" * depth)
    with pytest.raises(EmotionError):
        read_results(path)
    whole = json.dumps(records)[:-1]
    path.write_text(f'{whole},\n{{"frame": 9, "objects": {"[" * depth}NaN{"]" * depth}}}]')
    assert len(read_results(path)) >= 5


@pytest.mark.parametrize("objects", ["plain text", "[1, 2]", "3", '{"a": 1}', "["])
def test_objects_that_another_program_wrote(tmp_path: Path, objects: str) -> None:
    path = tmp_path / "a_results.csv"
    table = rows_of("HHN")
    table["objects"] = objects
    table.to_csv(path, index=False)
    assert [record.face for record in read(path)] == [1, 1, 1]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1252"])
def test_text_that_is_not_utf8(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a_results.csv"
    table = rows_of("HHN")
    table["objects"] = "größer"
    path.write_bytes(table.to_csv(index=False).encode(encoding))
    assert list(read_results(path)["emotion"]) == list(table["emotion"])


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_column_twice(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a_results{ending}"
    table = rows_of("HHN")
    if ending == ".csv":
        table.insert(2, "frame", [7, 8, 9], allow_duplicates=True)
        table.to_csv(path, index=False)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        made = pa.Table.from_pandas(table)
        pq.write_table(made.append_column("frame", pa.array([7, 8, 9])), path)
    read_back = read_results(path)
    assert read_back["frame"].tolist() == [0, 1, 2] and read_back.attrs["complete"]
    assert any("frame stands there twice" in note for note in read_back.attrs["notes"])
    json.dumps(summarize(read_back))


@pytest.mark.parametrize("column", ["emotion", "face", "time", "confidence"])
def test_columns_of_another_kind(tmp_path: Path, column: str) -> None:
    path = tmp_path / "a_results.parquet"
    table = rows_of("HHN")
    for values in ([[1], [2], [3]], pd.Categorical(["a", "b", "a"]), pd.to_datetime(["2026-01-01"] * 3)):
        table[column] = values
        table.to_parquet(path)
        try:
            assert set(read_results(path).columns) >= {"frame", column}
        except EmotionError as refused:
            assert "\n" not in str(refused)
