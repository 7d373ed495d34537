"""A newcomer's folder with other categories than the seven: one command, then the library and the results."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emotion_core.network.checkpoint import onnx_files, read_metadata
from emotion_core.recognizer import Recognizer, Session
from emotion_core.types import EmotionError, Face, Frame
from tests.newcomer import CUSTOM, three_faces, write_folder
from train.__main__ import main
from train.config import TrainConfig
from train.data.samples import load
from train.fit.run import adapt, say


@pytest.fixture(scope="module")
def faces() -> Any:
    return three_faces()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = write_folder(tmp_path_factory.mktemp("newcomer") / "my_folder")
    (root / "bored" / "broken.jpg").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run the one command, small enough for a test."""
    import torch

    out = tmp_path_factory.mktemp("run")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    sizes = {
        "epochs": 1,
        "epoch-pictures": 32,
        "batch": 8,
        "size": 56,
        "ema": 0.5,
        "workers": 0,
    }
    options = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    places = ["--out", str(out / "ck"), "--logs", str(out / "tb"), "--cache", str(out / "cache")]
    try:
        assert main(["--data", str(folder), *options, *places]) == 0
    finally:
        torch.set_num_threads(threads)
    return out / "ck" / "best.safetensors"


def test_the_command_leaves_a_model_with_its_own_categories(trained: Path) -> None:
    metadata = read_metadata(trained)
    assert metadata.labels == CUSTOM
    assert metadata.trained
    assert all(f.exists() for f in onnx_files(trained))
    assert metadata.facts["labels"] == list(CUSTOM)
    assert len(metadata.facts["data"]) == 64


def test_library_and_results_speak_of_the_categories(
    trained: Path, faces: dict[str, np.ndarray], tmp_path: Path
) -> None:
    from emotion_core.results.recording import Recording, read_results

    recognizer = Recognizer.from_pretrained(trained)
    assert recognizer.labels == CUSTOM
    probabilities, valence, arousal = recognizer.classify(list(faces.values()))
    assert probabilities.shape == (3, 3)
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(valence).all()
    assert np.isfinite(arousal).all()
    frame = Frame(
        np.ascontiguousarray(cv2.copyMakeBorder(faces["focused"], 80, 80, 80, 80, cv2.BORDER_REPLICATE))
    )
    found = recognizer(frame, Session())
    assert len(found) == 1
    assert isinstance(found[0], Face)
    assert found[0].labels == CUSTOM
    assert found[0].emotion in CUSTOM
    path = tmp_path / "talk_results.json"
    with Recording.create(path) as recording:
        recording.append(frame, found)
    (record,) = json.loads(path.read_text())
    assert record["emotion"] in CUSTOM
    table = read_results(path)
    assert {f"p_{name}" for name in CUSTOM} <= set(table.columns)


def test_the_program_and_the_app_show_the_categories(
    trained: Path, talking_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from emotion_core.analytics.loading import read
    from main import main as program
    from webapp.charts.shares import shares_bar
    from webapp.settings import Settings
    from webapp.shared.engine import Engine

    words = ["--video", str(talking_clip), "--output", str(tmp_path), "--weights", str(trained)]
    assert program([*words, "--format", "json,csv,parquet", "--no-objects"]) == 0
    records = json.loads((tmp_path / "talking_results.json").read_text())
    assert {r["emotion"] for r in records} <= {*CUSTOM, "Uncertain"}
    assert len(records) == 50  # two seconds, one face
    from emotion_core.results.recording import read_results
    from emotion_core.video.reader import frames

    tables = [read_results(tmp_path / f"talking_results.{kind}") for kind in ("json", "csv", "parquet")]
    for table in tables:
        assert {f"p_{name}" for name in CUSTOM} <= set(table.columns)
        assert not {"p_Happy", "p_Neutral"} & set(table.columns)
    summary = (tmp_path / "talking_summary.json").read_text()
    assert "Happy" not in summary
    assert any(name in summary for name in CUSTOM)
    assert next(frames(tmp_path / "talking_emotions.mp4")).image.shape == (240, 320, 3)
    loaded = read(tmp_path / "talking_results.json")  # as the dashboard and the app's charts do
    assert set(shares_bar(loaded.frame).data[0].y) <= {*CUSTOM, "Uncertain"}
    assert Engine(Settings(weights=trained)).recognizer.labels == CUSTOM


def test_evaluation_of_other_categories_needs_a_model_that_has_them(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--data",
        str(folder),
        "--out",
        str(tmp_path),
        "--cache",
        str(tmp_path / "cache"),
        "--no-slices",
    ]
    assert main(["evaluate", *options, "--weights", str(trained)]) == 0
    assert (tmp_path / "my_folder-valid.html").stat().st_size > 1e6
    figures = json.loads((tmp_path / "my_folder-valid.json").read_text())["sets"]["my_folder"]
    assert set(figures["recall"]) == set(CUSTOM)
    capsys.readouterr()
    assert main(["evaluate", *options]) == 1
    assert "my_folder has the categories bored, confused, focused" in capsys.readouterr().err


def test_training_says_in_one_line_what_is_wrong(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a" / "happy").mkdir(parents=True)
    (tmp_path / "a" / "happy" / "1.jpg").write_bytes((folder / "bored" / "1.jpg").read_bytes())
    (tmp_path / "b" / "bored").mkdir(parents=True)
    (tmp_path / "b" / "focused").symlink_to(folder / "focused")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "labels.csv").write_text("picture,label\n1.jpg,bored\n")
    for name in ("bored", "focused"):
        (tmp_path / "d" / name).mkdir(parents=True)
        (tmp_path / "d" / name / "1.jpg").write_bytes(b"no picture")
    cache = ["--cache", str(tmp_path / "cache")]
    for words, text in (
        (["--data", str(tmp_path / "b")], "the category 'bored'"),
        (["--data", str(tmp_path / "c")], "lacks the column file; it has picture, label"),
        (["--data", str(tmp_path / "d")], "none of the 2 pictures can be read"),
        (["--data", str(tmp_path / "nowhere")], "no such data"),
        (["--data", str(tmp_path / "a")], "two categories"),
        (["--data", str(folder), "--init", str(tmp_path / "no.pt")], "no weights to start from"),
    ):
        assert main([*words, *cache, "--out", str(tmp_path / "ck"), "--logs", str(tmp_path / "tb")]) == 1
        errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
        assert len(errors) == 1
        assert text in errors[0]


@pytest.mark.parametrize(
    "words", [["--epochs", "0"], ["--precision", "fp7"], ["--size", "20"], ["--epochs", "many"], ["--typo"]]
)
def test_wrong_settings_are_wrong_use(words: list[str], folder: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--data", str(folder), *words])
    assert caught.value.code == 2


@pytest.mark.weights
def test_a_small_folder_starts_from_the_shipped_weights(folder: Path, tmp_path: Path) -> None:
    from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
    from train.fit.start import start_from
    from train.fit.student import Student

    samples = load(folder, cache=tmp_path / "cache")
    say(samples)
    config = adapt(TrainConfig(data=(str(folder),)), samples, frozenset())
    if not config.init:
        pytest.skip("the shipped weights are untrained")
    assert config.learning_rate < TrainConfig().learning_rate
    assert adapt(TrainConfig(init="x.pt"), samples, frozenset({"init"})).init == "x.pt"
    student = Student(SpatioTemporalEmotionNet(NetConfig(classes=3)))
    before = {k: v.clone() for k, v in student.net.state_dict().items()}
    from pathlib import Path

    start_from(student, Path(config.init))
    after = student.net.state_dict()
    same = [k for k, v in after.items() if v.is_floating_point() and bool((v == before[k]).all())]
    assert any("category" in k for k in same)  # the answer is new
    assert len(same) < 0.2 * len(after)  # the eyes are not


def test_a_network_of_another_kind_is_no_start(tmp_path: Path, trained: Path) -> None:
    from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
    from train.fit.start import start_from
    from train.fit.student import Student

    narrow = Student(SpatioTemporalEmotionNet(NetConfig(widths=(16, 32, 64, 128))))
    with pytest.raises(EmotionError, match="of another network"):
        start_from(narrow, trained)
