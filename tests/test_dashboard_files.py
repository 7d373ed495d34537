"""Loading: what is accepted, what is left out and why; and who may open a result of the web app."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from emotion_core.analytics import loading, sample
from emotion_core.types import EmotionError
from tests.tables import checked, records_of, rows_of, write_json
from webapp.shared import owners, store
from webapp.shared.store import Workspace
from webapp.shared.visitor import NOBODY, Visitor


def test_reads_json_csv_and_parquet_alike(tmp_path: Path) -> None:
    table = rows_of("HHNN..SS", valence=0.25)
    read = [loading.read(write_json(table, tmp_path / "a_results.json"))]
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet", index=False)
    read += [loading.read(tmp_path / "a.csv"), loading.read(tmp_path / "a.parquet")]
    for results in read:
        assert results.skipped == 0 and results.notes == ()
        assert results.people == [1]
        assert results.frame["emotion"].astype(object).where(
            results.frame["emotion"].notna(), None
        ).tolist() == [
            *["Happy"] * 2,
            *["Neutral"] * 2,
            *[None] * 2,
            *["Sad"] * 2,
        ]
        assert results.frame["p_Happy"][0] == pytest.approx(0.8)


def test_the_bare_five_key_list(tmp_path: Path) -> None:
    records = [
        {"frame": i, "emotion": "Happy", "confidence": 0.9, "valence": 0.5, "arousal": 0.6} for i in range(50)
    ]
    (tmp_path / "old.json").write_text(json.dumps(records))
    results = loading.read(tmp_path / "old.json")
    assert results.people == [1]
    assert results.frame["time"].max() == pytest.approx(49 / 25)
    assert not [c for c in results.frame.columns if c.startswith("p_")]
    assert any("25 frames a second" in note for note in results.notes)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("{}", "list of records"),
        ('{"results": [1, 2]}', "list of records"),
        ("[1, 2, 3]", ""),
        ('[{"a": 1}]', ""),
        ("[]", "holds no record"),
        ("not json at all", "list of records"),
        (
            '[{"frame": 0, "emotion": "Happy", "confidence": NaN, "valence": 0, "arousal": 0.5}]',
            "not a number",
        ),
    ],
)
def test_another_shape_is_one_clear_line(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "odd_results.json"
    path.write_text(content)
    with pytest.raises(EmotionError) as problem:
        loading.read(path)
    text = str(problem.value)
    assert says in text and "odd_results.json" in text and "\n" not in text


def test_half_a_file_is_read_up_to_its_end(tmp_path: Path) -> None:
    path = write_json(rows_of("H" * 40), tmp_path / "half_results.json")
    text = path.read_bytes()
    path.write_bytes(text[: len(text) // 2])
    results = loading.read(path)
    assert 10 < len(results.frame) < 40
    assert any("not finished" in note for note in results.notes)


def test_numbers_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    records = records_of(rows_of("H" * 10))
    records[2]["valence"] = 7.3
    records[3]["arousal"] = math.nan
    records[4]["confidence"] = math.inf
    records[5]["time"] = -1
    records[6]["probabilities"]["Happy"] = 3.0
    path = tmp_path / "bad_results.json"
    path.write_text(json.dumps(records))
    results = loading.read(path)
    assert results.skipped == 5 and len(results.frame) == 5
    assert any("5 records could not be read" in note for note in results.notes)


def test_check_alone_names_every_reason() -> None:
    table = rows_of("H" * 8)
    table.loc[0, "valence"] = 7.3
    table.loc[1, "arousal"] = float("nan")
    table.loc[2, "p_Happy"] = 1.5
    results = loading.check(table, name="x")
    assert results.skipped == 3
    notes = "; ".join(results.notes)
    assert (
        "valence 7.3 is outside [-1, 1] (1)" in notes
        and "arousal is not a number" in notes
        and "[0, 1]" in notes
    )


def test_time_that_runs_backwards_is_put_in_order() -> None:
    table = rows_of("HHHNNN")
    table["time"] = [0.3, 0.2, 0.1, 0.0, 0.5, 0.4]
    results = loading.check(table, name="x")
    assert results.frame["time"].is_monotonic_increasing
    assert any("time runs backwards 4 times" in note for note in results.notes)


def test_the_same_face_twice_in_one_frame_counts_once() -> None:
    table = pd.concat([rows_of("HHH"), rows_of("NNN")]).sort_values("time", kind="stable")
    results = loading.check(table, name="x")
    assert len(results.frame) == 3
    assert any("same face twice" in note for note in results.notes)


def test_only_no_face_is_a_fact_and_no_error() -> None:
    results = loading.check(rows_of("....."), name="x")
    assert results.people == [] and "no face was found in any frame" in results.notes


def test_a_category_of_ones_own_is_kept() -> None:
    table = rows_of(["Happy", "Contempt", "Contempt"], chances=False)
    assert loading.check(table, name="x").labels[-1] == "Contempt"


def test_names_of_namesakes_differ() -> None:
    assert loading.unique_names(["a", "a", "b", "a"]) == ["a", "a (2)", "b", "a (3)"]


def test_list_results_leaves_out_what_is_none(tmp_path: Path) -> None:
    write_json(rows_of("HH"), tmp_path / "b_results.json")
    (tmp_path / "deep").mkdir()
    write_json(rows_of("HH"), tmp_path / "deep" / "a_results.json")
    for name in ("a_summary.json", "a_moments.csv", "a.mp4", ".hidden.json"):
        (tmp_path / name).write_text("x")
    outside = tmp_path.parent / "outside_results.json"
    outside.write_text("[]")
    (tmp_path / "link.json").symlink_to(outside)
    assert loading.list_results(tmp_path) == ["b_results.json", "deep/a_results.json"]


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "deep/../../secret.json", "link.json"])
def test_no_path_leads_outside_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret.json").write_text("[]")
    (tmp_path / "link.json").symlink_to(tmp_path.parent / "secret.json")
    with pytest.raises(EmotionError, match="outside the results folder"):
        loading.inside(tmp_path, name)
    with pytest.raises(EmotionError, match="not in the results folder"):
        loading.inside(tmp_path, "missing.json")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge_results.json"
    with path.open("wb") as file:
        file.truncate(500 * 1024 * 1024)
    with pytest.raises(EmotionError, match="524 MB.*Parquet"):
        loading.read(path)


def test_the_video_beside_the_results_is_found(tmp_path: Path) -> None:
    path = write_json(rows_of("HH"), tmp_path / "talk_results.json")
    assert loading.find_video(path) is None
    (tmp_path / "talk.mp4").write_bytes(b"x")
    (tmp_path / "talk_emotions.mp4").write_bytes(b"x")
    assert loading.find_video(path) == tmp_path / "talk_emotions.mp4"


def test_two_hundred_people() -> None:
    parts = [rows_of("HHNNSS", face=face) for face in range(1, 201)]
    table = checked(*parts)
    assert table["face"].nunique() == 200


def test_the_sample_is_repeatable_and_follows() -> None:
    pd.testing.assert_frame_equal(sample.make_recording(10), sample.make_recording(10))
    assert all(name.startswith(sample.MARK) for name in sample.make_study(4, 2))
    assert len(sample.make_recording(0.01, 1)) == 1


# -- results of the web app

MINE = Visitor.from_values("m" * 32)
ANOTHER = Visitor.from_values("a" * 32)


def test_only_the_browser_that_made_a_result_opens_it(workspace: Workspace) -> None:
    token, folder = owners.new_folder(MINE)
    assert owners.folder_of(token, MINE) == folder
    assert owners.folder_of(token, ANOTHER) is None
    assert owners.folder_of(token, NOBODY) is None
    assert owners.folder_of("guess", MINE) is None
    assert owners.folder_of("A" * 32, MINE) is None
    assert owners.folder_of(owners.new_folder(NOBODY)[0], NOBODY) is None


def test_a_result_can_be_handed_to_another_window_by_its_owner_only(workspace: Workspace) -> None:
    token, folder = owners.new_folder(MINE)
    assert not owners.share(token, owner=ANOTHER, to=ANOTHER)
    assert not owners.share(token, owner=NOBODY, to=ANOTHER)
    assert not owners.share("A" * 32, owner=MINE, to=ANOTHER)
    assert owners.folder_of(token, ANOTHER) is None
    assert owners.share(token, owner=MINE, to=ANOTHER)
    assert owners.folder_of(token, ANOTHER) == owners.folder_of(token, MINE) == folder
    assert owners.folder_of(token, NOBODY) is None


def test_tokens_are_long_and_never_the_same(workspace: Workspace) -> None:
    tokens = {owners.new_folder(MINE)[0] for _ in range(50)}
    assert len(tokens) == 50 and min(map(len, tokens)) >= 32


def test_a_result_that_is_gone_is_nobodys(workspace: Workspace) -> None:
    token, _ = owners.new_folder(MINE)
    store.discard(token)
    assert owners.folder_of(token, MINE) is None
    assert not owners.share(token, owner=MINE, to=ANOTHER)
