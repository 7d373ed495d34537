"""A whole source at once: what is written where, and what is left after a stop, a failure or a bad file."""

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from emotion_core import analysis
from emotion_core.analysis import analyze, plan
from emotion_core.recognizer import Recognizer
from emotion_core.results.recording import read_results
from emotion_core.types import Box, DetectedObject, EmotionError
from emotion_core.video.reader import frames


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    """Shared weights, as any program has them."""
    return Recognizer.from_pretrained()


@pytest.fixture
def clip(talking_clip: Path, tmp_path: Path) -> Path:
    """Two seconds of one face with a tone, alone in a folder."""
    return shutil.copy(talking_clip, tmp_path / "talk.mp4")


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_a_clip_gives_video_results_and_summary(clip: Path, recognizer: Recognizer) -> None:
    told: list[tuple[int, int | None]] = []
    result = analyze(
        clip,
        recognizer=recognizer,
        formats=("json", "csv", "parquet"),
        on_progress=lambda done, total, rate, left: told.append((done, total)),
    )
    assert result.complete and result.message == ""
    assert names(clip.parent) == {
        "talk.mp4",
        "talk_emotions.mp4",
        "talk_results.json",
        "talk_results.csv",
        "talk_results.parquet",
        "talk_summary.json",
    }
    assert told[-1] == (50, 50)
    times = [f.time for f in frames(clip)]
    for kind in ("json", "csv", "parquet"):
        table = read_results(result.paths[kind])
        assert table["frame"].tolist() == list(range(50))
        assert table["time"].to_numpy() == pytest.approx(times, abs=1e-6)
        assert (table["face"] == 1).mean() > 0.9
    assert [f.time for f in frames(result.paths["video"])] == pytest.approx(times, abs=2e-5)
    with av.open(str(result.paths["video"])) as made, av.open(str(clip)) as source:
        assert abs(made.duration - source.duration) / av.time_base < 0.04
        assert made.streams.audio[0].codec_context.name == "aac"
    before, after = next(frames(clip)).image, next(frames(result.paths["video"])).image
    assert np.abs(before.astype(int) - after).max() > 60  # something is drawn
    summary = json.loads(result.paths["summary"].read_text())
    assert summary == json.loads(json.dumps(result.summary, default=str))
    assert summary["source"]["name"] == "talk.mp4" and summary["source"]["fps"] == 25
    assert summary["settings"] == {"smoothing": 5, "threshold": 0.0, "objects": False}
    assert summary["model"]["labels"] == list(recognizer.labels)


@pytest.mark.parametrize("queue", [analysis._QUEUE_BYTES, 1], ids=["usual", "as for 4K"])
def test_streamed_by_hand_gives_the_same_records(
    clip: Path, recognizer: Recognizer, queue: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emotion_core.recognizer import Session

    monkeypatch.setattr(analysis, "_QUEUE_BYTES", queue)
    table = read_results(analyze(clip, recognizer=recognizer, write_video=False).paths["json"])
    session = Session(smoothing=5)
    for frame, (_, row) in zip(frames(clip), table.iterrows(), strict=True):
        [face] = recognizer(frame, session)
        assert [row[f"p_{name}"] for name in face.labels] == pytest.approx(face.probabilities, abs=1e-4)


def test_names_follow_the_output(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    made = plan(clip)
    assert (made.results.name, made.video and made.video.name) == ("talk_results.json", "talk_emotions.mp4")
    made = plan(clip, output=out)
    assert made.results == out / "talk_results.json" and made.video == out / "talk_emotions.mp4"
    made = plan(clip, output=out / "x.mp4")
    assert made.results == out / "x_results.json" and made.video == out / "x.mp4"
    made = plan(clip, output=out / "x_emotions.mp4")
    assert made.results == out / "x_results.json"
    made = plan(clip, output_dir=out, write_video=False)
    assert made.results == out / "talk_results.json" and made.video is None
    many = clip.rename(clip.with_name("many_emotions.mp4"))
    assert plan(many, output=out / many.name).results == out / "many_emotions_results.json"
    assert plan(many, output=out / "many.mp4").results == out / "many_results.json"
    assert plan(many, output_dir=out).results == out / "many_emotions_results.json"


@pytest.mark.parametrize("name", ['it\'s "mine" %d.mp4', "张伟 的 视频.mp4", "two.dots.mp4"])
def test_odd_names(clip: Path, recognizer: Recognizer, name: str) -> None:
    path = clip.rename(clip.with_name(name))
    result = analyze(path, recognizer=recognizer)
    assert result.paths["json"].name == f"{path.stem}_results.json"
    assert names(clip.parent) == {
        name,
        f"{path.stem}_emotions.mp4",
        f"{path.stem}_results.json",
        f"{path.stem}_summary.json",
    }


def test_a_photo_gives_a_photo(astronaut_path: Path, tmp_path: Path, recognizer: Recognizer) -> None:
    result = analyze(astronaut_path, recognizer=recognizer, output_dir=tmp_path)
    assert names(tmp_path) == {"astronaut_emotions.jpg", "astronaut_results.json", "astronaut_summary.json"}
    assert Image.open(result.paths["picture"]).size == (512, 512)
    assert len(read_results(result.paths["json"])) == 1
    analyze(astronaut_path, recognizer=recognizer, output=tmp_path / "as.mp4")
    assert len(list(frames(tmp_path / "as.mp4"))) == 1


def test_objects_are_searched_now_and_then(clip: Path, recognizer: Recognizer) -> None:
    looked: list[int] = []

    def find(image: np.ndarray) -> list[DetectedObject]:
        looked.append(threading.get_ident())
        return [DetectedObject("cup", 0.8, Box(5, 5, 40, 40))]

    result = analyze(clip, recognizer=recognizer, objects=find, objects_every=0.5)
    table = read_results(result.paths["json"])
    marked = table[table["objects"].notna()]
    assert len(looked) == 4
    assert marked["time"].to_numpy() == pytest.approx([0, 0.52, 1.0, 1.52], abs=0.045)
    assert json.loads(marked["objects"].iloc[0])[0]["label"] == "cup"


@pytest.mark.parametrize("with_video", [False, True])
def test_a_source_is_planned_once_and_opened_once(
    clip: Path, recognizer: Recognizer, with_video: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = av.open

    def counted(file: str, *given: Any, **named: Any) -> Any:
        if "w" not in given and named.get("mode") != "w":
            opened.append(str(file).removeprefix("file:"))
        return real(file, *given, **named)

    monkeypatch.setattr(av, "open", counted)
    with plan(clip, write_video=with_video) as made:
        result = analyze(made, recognizer=recognizer)
        assert result.complete and made.info.frames == result.summary["frames"] == 50
    sound = with_video  # which the writer takes over, at its own pace
    assert opened == [str(clip)] * (1 + sound)
    with pytest.raises(ValueError, match="plan"):
        analyze(made, recognizer=recognizer, output=clip.parent)


def test_a_photo_is_opened_once_to_look_what_it_is_and_once_to_be_read(
    astronaut_path: Path, tmp_path: Path, recognizer: Recognizer
) -> None:
    """By what Python itself tells of the files that are opened."""
    counting, opened = True, 0

    def hear(event: str, given: tuple[Any, ...]) -> None:
        nonlocal opened
        opened += counting and event == "open" and str(given[0]) == str(astronaut_path)

    sys.addaudithook(hear)  # a hook can't be taken away again
    analyze(astronaut_path, recognizer=recognizer, output_dir=tmp_path)
    counting = False
    assert opened == 2


def test_a_plan_that_comes_to_nothing_leaves_nothing_open(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(EmotionError, match="does not exist"):
        plan(reader := frames(clip), output=tmp_path / "none" / "x.mp4")
    assert next(reader, None) is None
    with plan(clip) as made:
        pass
    assert next(made.reader, None) is None


def test_a_stop_keeps_what_there_is(clip: Path, recognizer: Recognizer) -> None:
    seen: list[int] = []
    result = analyze(
        clip,
        recognizer=recognizer,
        on_progress=lambda done, *_: seen.append(done),
        should_stop=lambda: bool(seen) and len(seen) >= 2,
    )
    assert not result.complete
    assert "stopped at" in result.message and "talk_results.json" in result.message
    table = read_results(result.paths["json"])
    assert 0 < len(table) < 50
    assert len(list(frames(result.paths["video"]))) == len(table)
    assert result.summary["complete"] is False
    assert not [n for n in names(clip.parent) if "partial" in n or n.endswith(".part")]


def test_a_stop_before_the_first_frame_leaves_nothing(clip: Path, recognizer: Recognizer) -> None:
    with pytest.raises(EmotionError, match="before its first frame"):
        analyze(clip, recognizer=recognizer, should_stop=lambda: True)
    assert names(clip.parent) == {"talk.mp4"}


def test_an_earlier_good_result_survives_a_stop(clip: Path, recognizer: Recognizer) -> None:
    whole = analyze(clip, recognizer=recognizer)
    before = {kind: path.read_bytes() for kind, path in whole.paths.items()}
    seen: list[int] = []
    half = analyze(
        clip,
        recognizer=recognizer,
        on_progress=lambda done, *_: seen.append(done),
        should_stop=lambda: len(seen) >= 2,
    )
    assert {kind: path.read_bytes() for kind, path in whole.paths.items()} == before
    assert half.paths["json"].name == "talk_results.partial.json"
    assert half.paths["video"].name == "talk_emotions.partial.mp4"
    assert str(half.paths["json"]) in half.message


class _Breaks:
    """A recognizer that is real up to a frame, and then fails at one half of its work."""

    def __init__(self, recognizer: Recognizer, half: str, at: int, error: BaseException) -> None:
        self._recognizer, self._half, self._at, self._error = recognizer, half, at, error
        self.labels, self.metadata = recognizer.labels, recognizer.metadata

    def find(self, frame, session):  # type: ignore[no-untyped-def]
        if self._half == "find" and frame.index == self._at:
            raise self._error
        return self._recognizer.find(frame, session)

    def read(self, sighting, session):  # type: ignore[no-untyped-def]
        if self._half == "read" and sighting.frame.index == self._at:
            raise self._error
        return self._recognizer.read(sighting, session)


@pytest.mark.parametrize("half", ["find", "read"])
def test_a_failure_leaves_nothing(clip: Path, recognizer: Recognizer, half: str) -> None:
    breaks = _Breaks(recognizer, half, 20, EmotionError("out of luck"))
    with pytest.raises(EmotionError, match="out of luck"):
        analyze(clip, recognizer=breaks, formats=("csv", "parquet"))  # type: ignore[arg-type]
    assert names(clip.parent) == {"talk.mp4"}
    assert not [t for t in threading.enumerate() if t.name.startswith(("ahead", "annotate"))]


@pytest.mark.parametrize("half", ["find", "read"])
def test_ctrl_c_in_a_program_of_ones_own_keeps_the_results(
    clip: Path, recognizer: Recognizer, half: str
) -> None:
    breaks = _Breaks(recognizer, half, 20, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        analyze(clip, recognizer=breaks)  # type: ignore[arg-type]
    assert len(read_results(clip.with_name("talk_results.json"))) == 20


def test_a_cut_source_is_analysed_to_the_cut(clip: Path, recognizer: Recognizer) -> None:
    whole = analyze(clip, recognizer=recognizer)  # its video has the index in front
    cut = clip.with_name("cut.mp4")
    data = whole.paths["video"].read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    result = analyze(cut, recognizer=recognizer)
    assert not result.complete
    assert "cut.mp4: reading stopped at" in result.message and "of 2." in result.message
    table = read_results(result.paths["json"])
    assert 10 < len(table) < 45
    assert len(list(frames(result.paths["video"]))) == len(table)
    assert result.summary["message"].startswith("cut.mp4: reading stopped")


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file grow beyond 8 kB: what a full disk looks like to a program."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("write_video", [True, False])
def test_no_room_for_the_output(
    clip: Path, recognizer: Recognizer, small_files: None, write_video: bool
) -> None:
    clip.with_name("talk_results.json").write_text("[]")
    with pytest.raises(EmotionError, match="size that is allowed") as caught:
        analyze(clip, recognizer=recognizer, write_video=write_video, formats=("csv",))
    assert "\n" not in str(caught.value)
    assert names(clip.parent) == {"talk.mp4", "talk_results.json"}
    assert clip.with_name("talk_results.json").read_text() == "[]"


def test_outputs_that_cannot_be(clip: Path, tmp_path: Path, recognizer: Recognizer) -> None:
    before = names(tmp_path)
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    cases = [
        ({"output": clip}, "would replace the input"),
        ({"output": link}, "would replace the input"),
        ({"output": tmp_path / "none" / "x.mp4"}, "create it first"),
        ({"output": tmp_path / "x.avi"}, "can be written as .mp4"),
        ({"output_dir": "/proc"}, "nothing can be written to /proc"),
        ({"formats": ("xml",)}, "no format"),
        ({"smoothing": 0}, "starts at 1"),
        ({"smoothing": -3}, "starts at 1"),
    ]
    for arguments, says in cases:
        with pytest.raises(EmotionError, match=says):
            analyze(clip, recognizer=recognizer, **arguments)  # type: ignore[arg-type]
    assert names(tmp_path) == before | {"link.mp4"}


@pytest.mark.slow
def test_memory_does_not_grow_with_length(talking_clip: Path, tmp_path: Path) -> None:
    code = """
import resource, sys
from emotion_core.analysis import analyze
from emotion_core.recognizer import Recognizer
analyze(sys.argv[1], recognizer=Recognizer.from_pretrained())
assert "torch" not in sys.modules
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = []
    for times in (5, 50):
        path = tmp_path / f"{times}.mp4"
        images = list(frames(talking_clip))
        from emotion_core.video.reader import VideoWriter

        with VideoWriter(path, fps=25) as writer:
            for i in range(times):
                for frame in images:
                    writer.write(frame.image, frame.time + 2 * i)
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            check=True,
            capture_output=True,
            text=True,
            cwd=os.getcwd(),
        )
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] < 1.05 * peaks[0]
