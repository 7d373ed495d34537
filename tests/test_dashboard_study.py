"""The dashboard opens the folder of a batch: every file in it, its table, and the comparison of all."""

from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from emotion_core.analytics import compare, loading, sample, studies
from emotion_core.batch import figures, tables
from emotion_core.batch.manifest import Manifest
from emotion_core.batch.messages import Outcome
from emotion_core.batch.study import Study
from emotion_core.results.recording import read_results, summarize
from emotion_core.types import EmotionError
from tests.dashboards import Open, opener, said
from tests.tables import write_json


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six made-up recordings in two groups that no name tells, and of a file that failed."""
    out = tmp_path_factory.mktemp("out")
    sources = tmp_path_factory.mktemp("videos")
    study = Study(out)
    recordings = list(sample.make_study(6, 8.0).values())
    paths = [sources / f"{number:03}.mp4" for number in range(7)]
    for path in paths:
        path.touch()
    listed = [(str(path), {"group": "AB"[number % 2]}) for number, path in enumerate(paths)]
    with study.written("run"), closing(Manifest(study.manifest, "s", "w")) as manifest:
        manifest.take_list(listed, study.has)
        for table in recordings:
            entry = manifest.take()
            assert entry is not None
            place = write_json(table, study.results / f"{entry.name}_results.json")
            records = read_results(place)
            partition = study.partition(entry.name)
            partition.parent.mkdir()
            records.to_parquet(partition)
            summary = summarize(records)
            people = tuple(figures.person(face) for face in summary["faces"])
            manifest.finish(entry.number, Outcome("done", whole=figures.whole(summary), people=people))
        bad = manifest.take()
        assert bad is not None
        manifest.finish(bad.number, Outcome("failed", "no video"))
        tables.write(study, manifest)
    return out


def test_every_file_is_listed_once_and_no_part_of_the_study(folder: Path, tmp_path: Path) -> None:
    names = loading.list_results(folder)
    assert names == [f"results/00{number}_results.json" for number in range(6)]
    (folder.parent / "other_results.json").write_text("[]")
    above = loading.list_results(folder.parent)
    assert [f"{folder.name}/{name}" for name in names] == [n for n in above if n.startswith(folder.name)]


def test_the_table_compares_as_the_files_themselves_do(folder: Path) -> None:
    study = studies.read(folder)
    loaded = {Path(n).name: loading.read(folder / n).frame for n in study.results}
    expected = compare.per_file(loaded)
    found = study.per_file()[expected.columns]
    pd.testing.assert_frame_equal(found, expected, atol=1e-3, rtol=0, check_like=True, check_names=False)
    assert study.groupings == ["group"] and set(study.tags("group").values()) == {"A", "B"}


def test_a_damaged_table_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.parquet").write_bytes(b"no table")
    with pytest.raises(EmotionError, match="call the batch again"):
        studies.read(tmp_path)


def test_opening_the_folder_shows_all_files_and_loads_them(folder: Path, page: Open) -> None:
    app = page(folder=folder)
    assert "7 files: 6 done, 1 failed" in said(app)
    table = next(frame.value for frame in app.dataframe if "Error" in frame.value)
    assert len(table) == 7 and list(table["Error"].dropna()) == ["no video"]
    app = app.button(key="load_all").click().run()
    assert not app.exception
    assert len(next(frame.value for frame in app.dataframe if "Records" in frame.value)) == 6


def test_compare_takes_the_groups_of_the_list_without_loading(folder: Path, page: Open) -> None:
    app = page("compare", folder=folder)
    text = said(app)
    assert "Load at least two files" not in text
    assert [box.value for box in app.selectbox if box.label in ("Group A", "Group B")] == ["A", "B"]
    table = next(frame.value for frame in app.dataframe if "Remark" in frame.value)
    assert len(table) == 6 and set(table["Remark"]) == {""}
