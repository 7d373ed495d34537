"""What a batch remembers of its files, what a word stands for, and how tables are laid out."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from emotion_core.batch import tables
from emotion_core.batch.manifest import ASIDE, DONE, FAILED, PARTIAL, WAITING, Entry, Manifest
from emotion_core.batch.messages import Outcome
from emotion_core.batch.settings import Settings
from emotion_core.batch.study import Study, is_full, key_of
from emotion_core.batch.worker import work
from emotion_core.command.listing import listed
from emotion_core.types import EmotionError
from emotion_core.video.part import Part
from main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that nobody reads."""
    for name in ("a.mp4", "b.mp4", "deep/a.mp4", "deep/a.MP4", "deep/.hidden.mp4", "note.txt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "in"


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    study = Study(tmp_path / "out")
    with study.written("this"):
        yield study


def opened(study: Study, settings: str = "s", weights: str = "w") -> Manifest:
    return Manifest(study.manifest, settings, weights)


def files_of(folder: Path) -> list[tuple[str, dict[str, str]]]:
    return list(listed([str(folder)], folder.parent / "out"))


def ended(entry: Entry, state: str = DONE) -> Outcome:
    stat = os.stat(entry.path)
    people = ({"face": 1, "valence_mean": 0.5}, {"face": 2, "valence_mean": None})
    return Outcome(
        state,
        "it ends early" if state == PARTIAL else "",
        sha256=f"sha of {entry.name}",
        size=stat.st_size,
        mtime=stat.st_mtime_ns,
        frames=3,
        people=people if state in (DONE, PARTIAL) else (),
        whole={"people": 2, "share_Happy": 0.25},
    )


def finish_all(study: Study, manifest: Manifest, states: dict[str, str] | None = None) -> list[str]:
    """End every file that waits, with outputs where it has some; gives their NAMEs."""
    done = []
    while (entry := manifest.take()) is not None:
        outcome = ended(entry, (states or {}).get(entry.name, DONE))
        if outcome.people:
            for path in (study.results / f"{entry.name}_results.json", study.partition(entry.name)):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("")
        manifest.finish(entry.number, outcome)
        done.append(entry.name)
    return done


def left(
    study: Study, folder: Path, settings: str = "s", weights: str = "w", *, again: bool = False
) -> list[str]:
    """The NAMEs that one more call would read, and whether each is known to have results already."""
    with closing(opened(study, settings, weights)) as manifest:
        manifest.take_list(files_of(folder), study.has, again=again)
        found = []
        while (entry := manifest.take()) is not None:
            found.append(entry.name + (" known" if entry.known else ""))
        return found


def test_names_differ_whatever_their_endings_and_cases(study: Study, folder: Path) -> None:
    (folder / "12.mp4").touch()
    (folder / "12_file.mp4").touch()  # whose partition the other one would have
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder), study.has)
        names = finish_all(study, manifest)
    assert names == ["12", "12_file_mp4", "a", "b", "a_mp4", "a_mp4_2"]
    keys = {key_of(name).lower() for name in names}
    assert len(keys) == len(names)


def test_only_what_is_left_or_has_changed_is_read(study: Study, folder: Path) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder), study.has)
        assert finish_all(study, manifest) == ["a", "b", "a_mp4", "a_mp4_2"]
    assert left(study, folder) == []
    (folder / "b.mp4").write_text("other")
    (folder / "new.mp4").touch()
    assert left(study, folder) == ["b known", "new"]  # known by its content: if that is the same, no work
    (study.results / "a_results.json").unlink()
    assert "a" in left(study, folder)


@pytest.mark.parametrize("change", [{"settings": "other"}, {"weights": "other"}])
def test_other_settings_or_weights_have_all_read_again(
    study: Study, folder: Path, change: dict[str, str]
) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder), study.has)
        finish_all(study, manifest)
    assert left(study, folder, **change) == ["a", "b", "a_mp4", "a_mp4_2"]


def test_a_failure_waits_for_a_change_or_a_word(study: Study, folder: Path) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder), study.has)
        finish_all(study, manifest, {"a": FAILED, "b": ASIDE, "a_mp4": PARTIAL})
        assert manifest.counts().states == {DONE: 1, FAILED: 1, ASIDE: 1, PARTIAL: 1}
        assert [state for _, state, _ in manifest.troubled(9)] == [FAILED, ASIDE, PARTIAL]
    assert left(study, folder) == []
    assert left(study, folder, again=True) == ["a", "b"]


def test_a_partial_file_that_is_the_same_stays_partial(study: Study, folder: Path) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder), study.has)
        finish_all(study, manifest, {"b": PARTIAL})
    os.utime(folder / "b.mp4")
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder), study.has)
        entry = manifest.take()
        assert entry is not None and entry.known == "sha of b"
        manifest.still(entry.number, replace(ended(entry), state="same"))
        assert manifest.counts().states == {DONE: 3, PARTIAL: 1}
        assert manifest.troubled(9)[0][2] == "it ends early"
    assert left(study, folder) == []


def test_a_killed_call_blames_no_file_and_a_dead_worker_does(study: Study, folder: Path) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder), study.has)
        first = manifest.take()
        assert first is not None and first.tries == 1
        manifest.give_back(first.number, "a worker died", blame=True)
        order = [manifest.take() for _ in range(4)]
        assert [one.tries for one in order if one] == [1, 1, 1, 2], "what failed waits behind the others"
    with closing(opened(study)) as manifest:  # as after a kill: all of them were running
        manifest.take_list(files_of(folder), study.has)
        again = [manifest.take() for _ in range(4)]
        assert {one.name: one.tries for one in again if one} == {"a": 2, "b": 1, "a_mp4": 1, "a_mp4_2": 1}


def test_two_calls_do_not_write_one_study(study: Study) -> None:
    with pytest.raises(EmotionError, match="another run writes"), Study(study.out).written("other"):
        pass


def test_a_process_that_was_not_greeted_reads_nothing(tmp_path: Path) -> None:
    from emotion_core.batch.messages import Job

    job = Job(1, str(tmp_path / "a.mp4"), "a", str(tmp_path / "room"), home="of another process")
    assert work(job).state == "stranger" and not (tmp_path / "room").exists()


def test_settings_tell_what_matters_for_results() -> None:
    usual = Settings().digest()
    assert Settings(weights="/elsewhere/same.safetensors", device="cpu").digest() == usual
    for other in (Settings(smoothing=1), Settings(part=Part(start=1.0)), Settings(annotate=True)):
        assert other.digest() != usual


def test_a_study_that_is_read_again_with_fewer_outputs_keeps_no_old_ones(study: Study) -> None:
    def written(*names: str) -> Outcome:
        room = study.room("run", 1, 1)
        room.mkdir()
        for name in names:
            (room / name).write_text("new")
        return Outcome("done", files=names)

    outcome = written(
        "a_results.json", "a_results.csv", "a_results.parquet", "a_emotions.mp4", "a_summary.json"
    )
    study.take_in("a", study.room("run", 1, 1), outcome, ("json", "csv", "parquet"))
    assert {p.name for p in study.results.iterdir()} == set(outcome.files) and study.has("a")
    (study.results / "a_b_results.json").touch()  # of another file
    outcome = written("a_results.json", "a_results.parquet", "a_summary.json")
    study.take_in("a", study.room("run", 1, 1), outcome, ("json",))
    kept = {"a_results.json", "a_summary.json", "a_b_results.json"}
    assert {p.name for p in study.results.iterdir()} == kept
    study.forget("a")
    assert {p.name for p in study.results.iterdir()} == {"a_b_results.json"} and not list(
        study.dataset.iterdir()
    )


def test_tables_name_every_column_that_some_row_has(study: Study, folder: Path) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list([(path, {"group": "x"}) for path, _ in files_of(folder)], study.has)
        finish_all(study, manifest, {"b": FAILED})
        tables.write(study, manifest)
    people = pd.read_parquet(study.out / "summary.parquet")
    assert len(people) == 6 and people["valence_mean"].isna().sum() == 3
    assert set(people["list_group"]) == {"x"}
    rows = pd.read_csv(study.out / "manifest.csv").set_index("path")
    assert rows.loc[str(folder / "b.mp4"), "state"] == FAILED and len(rows) == 4


def test_a_file_without_a_face_has_a_row_too(study: Study, folder: Path) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list(files_of(folder)[:1], study.has)
        entry = manifest.take()
        assert entry is not None
        manifest.finish(entry.number, replace(ended(entry), people=(), whole={"people": 0}))
        tables.write(study, manifest)
    table = pd.read_parquet(study.out / "summary.parquet")
    assert len(table) == 1 and table["face"].isna().all() and table["people"].tolist() == [0]


# -- what words stand for


def test_a_folder_stands_for_all_below_it_but_the_study(folder: Path) -> None:
    (folder / "out" / "results").mkdir(parents=True)
    (folder / "out" / "results" / "a_emotions.mp4").touch()
    found = [path for path, _ in listed([str(folder)], folder / "out")]
    assert found == [
        str(folder / name) for name in ("a.mp4", "b.mp4", "deep/a.MP4", "deep/a.mp4")
    ] or found == [str(folder / name) for name in ("a.mp4", "b.mp4", "deep/a.mp4", "deep/a.MP4")]
    assert len(list(listed([str(folder / "**" / "*.mp4")], folder / "out"))) == 3


def test_a_list_names_files_as_seen_from_where_it_lies(folder: Path) -> None:
    table = folder / "list.csv"
    table.write_text("File;group\na.mp4;calm\ndeep/a.mp4;\n;\n", "utf-8-sig")
    found = list(listed([str(table)], folder / "out"))
    assert found == [
        (str(folder / "a.mp4"), {"group": "calm"}),
        (str(folder / "deep" / "a.mp4"), {"group": ""}),
    ]
    table.write_text("name\na.mp4\n")
    with pytest.raises(EmotionError, match="no column file"):
        list(listed([str(table)], folder / "out"))


def test_a_file_that_a_list_names_and_nobody_finds_is_said(study: Study, folder: Path) -> None:
    with closing(opened(study)) as manifest:
        manifest.take_list([(str(folder / "gone.mp4"), {})], study.has)
        assert manifest.counts().states == {FAILED: 1} and manifest.counts().left == 0
        assert "gone.mp4 can't be read" in manifest.troubled(1)[0][2]
    (folder / "gone.mp4").touch()
    with closing(opened(study)) as manifest:
        manifest.take_list([(str(folder / "gone.mp4"), {})], study.has)
        assert manifest.counts().states == {WAITING: 1}


@pytest.mark.parametrize(
    "word, said", [("none", "does not exist"), ("n*", "stands for no"), ("http://a/b", "address")]
)
def test_words_that_stand_for_nothing_are_one_line(folder: Path, word: str, said: str) -> None:
    name = word if "://" in word else str(folder / "deep" / word)
    with pytest.raises(EmotionError, match=said):
        list(listed([name], folder / "out"))


def test_a_full_disk_is_seen_behind_other_errors() -> None:
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise EmotionError("the disk is full") from error
    except EmotionError as error:
        assert is_full(error)
    assert not is_full(EmotionError("something else"))


@pytest.mark.parametrize(
    "words, said",
    [
        (["--batch", "x"], "--output OUT"),
        (["--batch", "x", "--output", "o", "--workers", "2", "--cluster", "tcp://h:1"], "give one of them"),
        (["--batch", "x", "--output", "o", "--workers", "0"], "no number from 1"),
        (["--batch", "x", "--video", "y"], "not allowed with"),
        (["--video", "x", "--workers", "2"], "--workers goes with --batch"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(words)
    except SystemExit as end:
        code = int(str(end.code))
    told = capsys.readouterr().err
    assert code == 2 and said in told and told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_dask_one_line_says_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    out = folder.parent / "out2"
    assert main(["--batch", str(folder), "--output", str(out)]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "emotion-recognition[cluster]" in told and not out.exists()


def test_a_manifest_of_another_version_is_refused(study: Study) -> None:
    import sqlite3

    with closing(sqlite3.connect(study.manifest)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(EmotionError, match="another version"):
        opened(study)
    study.manifest.write_bytes(b"this is no database" * 100)
    with pytest.raises(EmotionError, match="can't be opened"):
        opened(study)


def test_the_run_file_ends_with_its_call(tmp_path: Path) -> None:
    from emotion_core.batch.study import runs_on

    study = Study(tmp_path / "out")
    with study.written("this"):
        assert runs_on(study.out, "this") and not runs_on(study.out, "other")
        stale = study.room("this", 1, 1)
        stale.mkdir()
    assert not runs_on(study.out, "this") and not stale.exists()
    assert json.loads((study.out / ".batch").read_text()) == {}
    shutil.rmtree(study.out)
    assert not runs_on(study.out, "this")
