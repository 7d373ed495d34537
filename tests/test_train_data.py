"""Every form of data set is read alike, and what is wrong with it is named and counted."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from emotion_core.labels import EMOTIONS
from emotion_core.types import EmotionError
from train.data.read import read
from train.data.readers import VOTES, from_votes, make_split
from train.data.samples import Samples, concatenate, derived_valence_arousal, load, read_all


def face_of(astronaut: np.ndarray, size: int = 160) -> Any:
    return cv2.resize(astronaut[30:220, 130:320], (size, size), interpolation=cv2.INTER_AREA)


def encoded(image: np.ndarray) -> Any:
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert ok
    return data.tobytes()


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(image))


def votes(**counts: int) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in VOTES}


def parquet(path: Path, rows: Any) -> Any:
    pd.DataFrame(rows).to_parquet(path)
    return path


@pytest.fixture
def face(astronaut: np.ndarray) -> Any:
    return face_of(astronaut)


# labels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "label"),
    [
        ({"happiness": 8, "neutral": 2}, "Happy"),
        ({"happiness": 5, "neutral": 5}, None),
        ({"contempt": 6, "anger": 4}, None),
        ({"NF": 6, "anger": 4}, None),
        ({"unknown": 4, "anger": 3, "sadness": 3}, None),
        ({"anger": 4, "unknown": 3, "sadness": 3}, "Angry"),
    ],
    ids=["clear", "tied", "contempt", "no face", "unknown", "clear of unknown"],
)
def test_majority_of_ten_votes(counts: dict[str, int], label: str | None) -> None:
    problems: list[str] = []
    got = from_votes(pd.DataFrame([votes(**counts)]), problems)
    assert got.majority[0] == (-1 if label is None else EMOTIONS.index(label))
    assert got.target.sum() == pytest.approx(1)
    inside = sum(v for k, v in counts.items() if k not in ("contempt", "unknown", "NF"))
    assert got.weight[0] == pytest.approx(inside / sum(counts.values()))
    assert not problems


def test_votes_out_of_range_are_counted_and_carry_no_label() -> None:
    rows = [
        votes(happiness=10),
        votes(happiness=-3, neutral=5),
        votes(),
        {**votes(anger=3), "sadness": np.nan},
    ]
    problems: list[str] = []
    got = from_votes(pd.DataFrame(rows), problems)
    assert got.majority.tolist() == [EMOTIONS.index("Happy"), -1, -1, -1]
    assert got.target.sum(1).tolist() == [1, 0, 0, 0]
    assert problems[0].startswith("3 of 4 rows have no valid votes")


def test_valence_and_arousal_follow_from_the_mean_ratings() -> None:
    target = np.zeros((3, 7), np.float32)
    target[0, EMOTIONS.index("Happy")] = 1
    target[1, EMOTIONS.index("Neutral")] = 1
    valence, arousal = derived_valence_arousal(target, EMOTIONS)
    assert (valence[0], arousal[0]) == (pytest.approx(0.68), pytest.approx(0.55))
    assert (valence[1], arousal[1]) == (pytest.approx(-0.04), pytest.approx(0.49))
    assert np.isnan(valence[2])
    custom, _ = derived_valence_arousal(np.eye(2, dtype=np.float32), ("bored", "focused"))
    assert np.isnan(custom).all()


def test_split_is_stable_stratified_and_keeps_groups_together() -> None:
    groups = np.repeat([f"photo{i}" for i in range(40)], 3)
    majority = np.repeat(np.arange(2), 60)
    split = make_split(groups, majority)
    for label in (0, 1):
        assert 0.05 < (split[majority == label] == "valid").mean() < 0.3
    assert all(len(set(split[groups == g])) == 1 for g in set(groups))
    more = make_split(np.concatenate([groups, ["photo99"]]), np.concatenate([majority, [0]]))
    assert (more[:-1] != split).mean() < 0.1  # one more picture moves hardly any other


# forms ----------------------------------------------------------------------------------------------------


def test_parquet_with_votes_label_or_attributes(tmp_path: Path, face: np.ndarray) -> None:
    one = {"image": encoded(face), "id": "a", "split": "valid"}
    parquet(tmp_path / "votes.parquet", [{**one, **votes(happiness=10)}])
    parquet(
        tmp_path / "words.parquet",
        [{**one, "label": "sadness", "photo": "p1"}, {**one, "label": "contempt", "photo": "p1"}],
    )
    parquet(
        tmp_path / "people.parquet", [{"image": encoded(face), "age": 33.0, "gender": "female", "race": "x"}]
    )
    people, counted, words = sorted(read(tmp_path), key=lambda r: r.source)
    assert (people.source, counted.source, words.source) == ("people", "votes", "words")
    assert people.labels == counted.labels == words.labels == EMOTIONS
    assert people.attributes["age"][0] == 33
    assert (people.majority == -1).all()
    assert words.majority.tolist() == [EMOTIONS.index("Sad"), -1]
    assert words.group.tolist() == ["p1", "p1"]
    assert "1 of 2 rows are labelled contempt" in words.problems[0]
    assert [r.source for r in read_all(tmp_path, sets=["words"])] == ["words"]
    with pytest.raises(EmotionError, match="no data set 'nothing'"):
        read_all(tmp_path, sets=["nothing"])


def test_a_parquet_cell_that_holds_no_picture_is_unreadable(
    tmp_path: Path, face: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    cells: list[Any] = [{"bytes": encoded(face), "path": "a.png"}, {"bytes": None, "path": "b.png"}]
    parquet(tmp_path / "a.parquet", [{"image": cell, "label": "sad"} for cell in cells])
    samples = load(tmp_path / "a.parquet", cache=tmp_path / "cache")
    assert len(samples) == 1
    assert "1 of 2 pictures can't be read: left out (1)" in caplog.text
    parquet(tmp_path / "b.parquet", [{"image": cell, "label": "sad"} for cell in ("x.png", None)])
    with pytest.raises(EmotionError, match="none of the 2 pictures can be read"):
        load(tmp_path / "b.parquet", cache=tmp_path / "cache")


@pytest.mark.parametrize("missing", ["image", "disgust", "label"])
def test_a_wrong_column_stops_and_names_it(tmp_path: Path, face: np.ndarray, missing: str) -> None:
    row = {"image": encoded(face), **(votes(anger=2) if missing != "label" else {"emotion_name": "sad"})}
    row.pop(missing, None)
    with pytest.raises(EmotionError, match=f"lacks the column.* {missing}; it has"):
        read(parquet(tmp_path / "x.parquet", [row]))


def fer2013(folder: Path, n: int = 4, **extra: Any) -> None:
    rng = np.random.default_rng(0)
    pixels = [" ".join(map(str, rng.integers(0, 256, 48 * 48))) for _ in range(n)]
    usage = ["Training", "PublicTest", "PrivateTest", "Training", "Training"][:n]
    table = {"emotion": [0, 3, 6, 4, 0][:n], "pixels": pixels, "Usage": usage, **extra}
    pd.DataFrame(table).to_csv(folder / "fer2013.csv", index=False)


def test_fer2013_alone_and_with_ferplus(tmp_path: Path) -> None:
    fer2013(tmp_path)
    (plain,) = read(tmp_path)
    assert [EMOTIONS[m] for m in plain.majority] == ["Angry", "Happy", "Neutral", "Sad"]
    assert plain.split.tolist() == ["train", "valid", "test", "train"]
    first = plain.pictures[0]
    assert isinstance(first, np.ndarray)
    assert first.shape == (48, 48)
    rows = [votes(neutral=10), votes(happiness=9, neutral=1), votes(NF=10), votes(fear=6, surprise=4)]
    pd.DataFrame(rows).to_csv(tmp_path / "fer2013new.csv", index=False)
    (plus,) = read(tmp_path)
    assert [EMOTIONS[m] if m >= 0 else None for m in plus.majority] == ["Neutral", "Happy", None, "Fear"]
    assert plus.target[3, EMOTIONS.index("Surprise")] == pytest.approx(0.4)


def test_fer2013_rows_that_are_no_pictures_and_labels_out_of_range(tmp_path: Path) -> None:
    fer2013(tmp_path, 5)
    table = pd.read_csv(tmp_path / "fer2013.csv")
    table["emotion"] = table["emotion"].astype(object)
    table.loc[0, "pixels"] = "1 2 3"
    table.loc[4, "pixels"] = np.nan
    table.loc[1, "emotion"] = 9
    table.loc[2, "emotion"] = "?"
    table.to_csv(tmp_path / "fer2013.csv", index=False)
    (raw,) = read(tmp_path)
    assert len(raw) == 3
    assert (raw.majority >= 0).sum() == 1
    text = " ".join(raw.problems)
    assert "2 of 5 rows have no 48 x 48 grey values" in text
    assert "2 of 3 rows have a label outside 0..6" in text


def test_ferplus_csv_of_another_length_stops(tmp_path: Path) -> None:
    fer2013(tmp_path)
    pd.DataFrame([votes(neutral=10)]).to_csv(tmp_path / "fer2013new.csv", index=False)
    with pytest.raises(EmotionError, match="belong row by row"):
        read(tmp_path)


def test_rafdb(tmp_path: Path, face: np.ndarray) -> None:
    (tmp_path / "EmoLabel").mkdir()
    (tmp_path / "EmoLabel" / "list_patition_label.txt").write_text(
        "train_00001.jpg 4\ntrain_00002.jpg 8\ntest_0001.jpg 7\n"
    )
    for name in ("train_00001_aligned.jpg", "test_0001_aligned.jpg"):
        save(tmp_path / "Image" / "aligned" / name, face)
    (raw,) = read(tmp_path)
    assert [EMOTIONS[m] if m >= 0 else None for m in raw.majority] == ["Happy", None, "Neutral"]
    assert raw.split.tolist() == ["train", "train", "test"]
    text = " ".join(raw.problems)
    assert "1 of 3 rows have a label outside 0..7" in text
    assert "1 of 3 files are not there" in text


def test_affectnet(tmp_path: Path, face: np.ndarray) -> None:
    notes = {"train_set/0": (1, 0.8, 0.4), "train_set/1": (7, -2, -2), "val_set/0": (6, -0.5, 3.0)}
    for name, values in notes.items():
        folder, stem = name.split("/")
        save(tmp_path / folder / "images" / f"{stem}.jpg", face)
        (tmp_path / folder / "annotations").mkdir(exist_ok=True)
        for kind, value in zip(("exp", "val", "aro"), values, strict=True):
            np.save(
                tmp_path / folder / "annotations" / f"{stem}_{kind}.npy", np.array(str(value)).astype(float)
            )
    (raw,) = read(tmp_path)
    assert [EMOTIONS[m] if m >= 0 else None for m in raw.majority] == ["Happy", None, "Angry"]
    assert raw.valence[0] == pytest.approx(0.8)
    assert raw.arousal[0] == pytest.approx(0.7)
    assert np.isnan(raw.valence[1])
    assert np.isnan(raw.arousal[2])
    assert any("arousal outside" in p for p in raw.problems)


def test_folder_per_class_takes_any_names_and_own_splits(tmp_path: Path, face: np.ndarray) -> None:
    for name in ("focused", "bored", "confused"):
        for i in range(4):
            save(tmp_path / "a" / name / f"{i}.png", face)
    (raw,) = read(tmp_path / "a")
    assert raw.labels == ("bored", "confused", "focused")
    assert {(raw.split[raw.majority == k] == "valid").sum() for k in range(3)} == {1}
    for split in ("train", "val"):
        for name in ("happy", "Sadness"):
            save(tmp_path / "b" / split / name / "1.png", face)
    (raw,) = read(tmp_path / "b")
    assert raw.labels == EMOTIONS
    assert sorted(set(raw.split)) == ["train", "valid"]
    assert "no folder for Angry" in raw.problems[0]


def test_empty_class_stops_with_its_name(tmp_path: Path, face: np.ndarray) -> None:
    save(tmp_path / "focused" / "1.png", face)
    (tmp_path / "bored").mkdir()
    with pytest.raises(EmotionError, match="category 'bored' .* is empty"):
        read(tmp_path)


def test_list_of_files(tmp_path: Path, face: np.ndarray) -> None:
    save(tmp_path / "x.png", face)
    (tmp_path / "labels.csv").write_text(
        "file,label,split,valence,arousal\nx.png,happy,train,0.5,0.9\nx.png,sad,valid,-7,0.1\n"
    )
    (raw,) = read(tmp_path)
    assert raw.labels == EMOTIONS
    assert raw.valence[0] == pytest.approx(0.5)
    assert np.isnan(raw.valence[1])
    assert "1 of 2 rows have a valence outside [-1, 1]" in raw.problems[0]
    rows = "x.png,happy,train,much,\nx.png,sad,valid,inf,1.5\nx.png,,train,,\n"
    (tmp_path / "labels.csv").write_text("file,label,split,valence,arousal\n" + rows)
    (raw,) = read(tmp_path)
    assert np.isnan(raw.valence).all()
    assert np.isnan(raw.arousal).all()
    assert raw.problems == (
        "2 of 3 rows have a valence that is no number: taken as unknown",
        "1 of 3 rows have an arousal outside [0, 1]: taken as unknown",
        "1 of 3 rows are labelled an empty label: used without a label",
    )
    (tmp_path / "labels.csv").write_text("name,kind\nx.png,happy\n")
    with pytest.raises(EmotionError, match="lacks the columns file, label"):
        read(tmp_path)


@pytest.mark.parametrize("what", ["missing", "text", "empty folder", "broken parquet"])
def test_what_is_no_data_stops_with_one_line(tmp_path: Path, what: str) -> None:
    path = (
        tmp_path
        / {"missing": "no", "text": "a.txt", "empty folder": "e", "broken parquet": "b.parquet"}[what]
    )
    if what == "empty folder":
        path.mkdir()
    elif what != "missing":
        path.write_text("hello")
    with pytest.raises(EmotionError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


# pictures -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, face: np.ndarray, astronaut: np.ndarray) -> Any:
    for name, gain in (("focused", 1.0), ("bored", 0.6)):
        for i in range(3):
            save(tmp_path / "data" / name / f"{i}.png", (face * gain).astype(np.uint8))
    save(tmp_path / "data" / "bored" / "large.png", astronaut)  # a whole photograph with one face
    (tmp_path / "data" / "bored" / "broken.png").write_bytes(b"no picture")
    save(tmp_path / "data" / "focused" / "empty.png", np.full((400, 400, 3), 128, np.uint8))
    return tmp_path / "data"


def test_pictures_become_live_crops_and_the_cache_serves_again(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = load(folder, cache=tmp_path / "cache")
    assert len(samples) == 7
    assert samples.crops.shape == (7, 144, 144)
    assert samples.crops.dtype == np.uint8
    assert "can't be read: left out" in caplog.text
    assert "show no face: left out" in caplog.text
    assert samples.present.mean() > 0.8
    assert np.allclose(samples.landmarks[samples.present].mean(1), 0, atol=1e-4)  # centred on their mean
    assert not samples.landmarks[~samples.present].any()
    assert np.isfinite(samples.blendshapes[samples.present].astype(float)).all()
    whole, small = samples.id == "bored/large.png", samples.id == "bored/0.png"
    alike = np.corrcoef(samples.crops[whole].ravel(), samples.crops[small].ravel())[0, 1]
    assert alike > 0.9  # the crop does not depend on how the picture was framed
    again = load(folder, cache=tmp_path / "cache")
    assert again.digest() == samples.digest()
    (folder / "bored" / "broken.png").unlink()
    assert load(folder, cache=tmp_path / "cache").digest() == samples.digest()


def test_a_class_of_which_no_picture_can_be_read_stops(folder: Path, tmp_path: Path) -> None:
    for file in (folder / "bored").iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(EmotionError, match="no picture of 'bored' can be used"):
        load(folder, cache=tmp_path / "cache")


def test_clips_give_frames_that_stay_together(tmp_path: Path, talking_clip: Path) -> None:
    for name in ("focused", "bored"):
        (tmp_path / "c" / name).mkdir(parents=True)
        (tmp_path / "c" / name / "talk.mp4").write_bytes(talking_clip.read_bytes())
    (raw,) = read(tmp_path / "c")
    assert raw.clip.tolist() == [0] * 32 + [1] * 32
    assert [len(set(raw.split[raw.clip == clip])) for clip in (0, 1)] == [1, 1]
    samples = load(tmp_path / "c", cache=tmp_path / "cache")
    for clip in (0, 1):
        frames = samples.crops[samples.clip == clip].astype(int)
        assert len(frames) >= 24
        moved = np.abs(frames - frames[0]).mean((1, 2))
        assert moved.max() > 0  # other frames, not one many times


def test_samples_refuse_to_contradict_themselves(folder: Path, tmp_path: Path) -> None:
    samples = load(folder, cache=tmp_path / "cache")
    joined = concatenate([samples, samples])
    assert len(joined) == 2 * len(samples)
    assert joined.where("valid").split.tolist() == ["valid"] * len(joined.where("valid"))
    fields = {name: getattr(samples, name) for name in Samples.__dataclass_fields__}
    with pytest.raises(ValueError, match="weight has 1 rows"):
        Samples(**{**fields, "weight": samples.weight[:1]})
    with pytest.raises(ValueError, match="NaN"):
        Samples(**{**fields, "target": np.full_like(samples.target, np.nan)})
    other = Samples(**{**fields, "labels": ("x", "y")})
    with pytest.raises(EmotionError, match="different categories"):
        concatenate([samples, other])


def test_shared_sets_have_the_rows_that_their_notes_tell(data_dir: Path) -> None:
    raws = {raw.source: raw for raw in read_all(data_dir)}
    assert {name: len(raw) for name, raw in raws.items()} == {
        "affect": 38482,
        "ferplus": 32140,
        "expw": 3966,
        "muxspace": 13690,
        "utkface": 18674,
    }
    assert (raws["ferplus"].split == "valid").sum() == 3579
    affect = raws["affect"]
    assert (np.isfinite(affect.valence[affect.split == "train"])).sum() == 1399
    assert affect.attributes["masked"].sum() == 28958
    assert len(set(raws["expw"].group)) < len(raws["expw"])
    picture = raws["expw"].pictures[0]
    assert isinstance(picture, bytes)
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR) is not None
