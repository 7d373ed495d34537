"""A part of a source, and not all of its pictures: numbers, times and weights stay those of the source."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from emotion_core.analysis import Part, analyze
from emotion_core.command.options import moment
from emotion_core.recognizer import Recognizer
from emotion_core.types import EmotionError
from emotion_core.video.reader import VideoWriter, frames
from main import main


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained()


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """Pictures at 0, 0.1, 0.5, 0.6, 1.4 and 1.5 s, until 2 s."""
    path = tmp_path / "uneven.mp4"
    with VideoWriter(path, fps=10) as writer:
        for level, time in enumerate((0.0, 0.1, 0.5, 0.6, 1.4, 1.5)):
            writer.write(np.full((64, 64, 3), 40 * level, np.uint8), time)
        writer.close(2.0)
    return path


@pytest.mark.parametrize(
    ("part", "numbers", "end"),
    [
        ({}, [0, 1, 2, 3, 4, 5], 2.0),
        ({"start": 0.5}, [2, 3, 4, 5], 2.0),
        ({"end": 0.6}, [0, 1, 2], 0.6),
        ({"start": 0.3, "end": 1.45}, [2, 3, 4], 1.45),
        ({"end": 9.0}, [0, 1, 2, 3, 4, 5], 2.0),
        ({"every": 2}, [0, 2, 4], 2.0),
        ({"start": 0.1, "every": 3}, [1, 4], 2.0),
        ({"rate": 2.0}, [0, 2, 4, 5], 2.0),  # the first in each half second
        ({"rate": 1.0, "start": 0.1}, [1, 4], 2.0),
        ({"rate": 100.0}, [0, 1, 2, 3, 4, 5], 2.0),
    ],
)
def test_numbers_and_times_are_the_source_s(
    uneven: Path, part: dict[str, float], numbers: list[int], end: float
) -> None:
    times = (0.0, 0.1, 0.5, 0.6, 1.4, 1.5)
    with frames(uneven, **part) as reader:  # type: ignore[arg-type]
        found = [(f.index, round(f.time, 3), round(float(f.image.mean()) / 40)) for f in reader]
        assert found == [(n, times[n], n) for n in numbers]
        assert reader.problem is None and reader.end == pytest.approx(end, abs=0.002)


@pytest.mark.parametrize(
    ("part", "setting"),
    [
        ({"start": -1.0}, "start"),
        ({"start": 5.0, "end": 5.0}, "end"),
        ({"every": 0}, "every"),
        ({"rate": 0.0}, "rate"),
        ({"rate": 5.0, "every": 2}, "every"),
    ],
)
def test_what_is_no_part_is_refused(part: dict[str, float], setting: str) -> None:
    with pytest.raises(EmotionError) as raised:
        Part(**part)  # type: ignore[arg-type]
    assert setting in raised.value.settings


@pytest.mark.parametrize("part", [Part(0.5, 1.5), Part(0.5, 1.5, rate=5), Part(every=10)])
def test_an_analysis_of_a_part(
    talking_clip: Path, tmp_path: Path, recognizer: Recognizer, part: Part
) -> None:
    result = analyze(talking_clip, recognizer=recognizer, output_dir=tmp_path, part=part)
    assert result.complete and result.summary["source"]["part"] == part.facts()
    records = json.loads(result.paths["json"].read_text())
    until = 2.0 if part.end is None else part.end
    times = [r["time"] for r in records]
    assert [r["duration"] for r in records] == pytest.approx(np.diff([*times, until]).tolist(), abs=1e-3)
    assert all(r["frame"] == round(r["time"] * 25) for r in records)
    assert result.summary["seconds"] == pytest.approx(until - times[0], abs=1e-3)
    with av.open(str(result.paths["video"])) as video:
        stream, sound = video.streams.video[0], video.streams.audio[0]
        assert video.duration is not None and sound.duration is not None and sound.time_base is not None
        assert video.duration / av.time_base == pytest.approx(until - part.start, abs=0.05)
        assert float(sound.duration * sound.time_base) == pytest.approx(until - part.start, abs=0.05)
        shown = [float(f.time or 0) for f in video.decode(stream)]
    assert shown == pytest.approx([t - part.start for t in times], abs=1e-3)


def test_the_sound_of_a_part_is_that_of_the_part(tmp_path: Path) -> None:
    """A second of a low tone, then one of a high one: of the second half the video has the high one."""
    source = tmp_path / "tones.mkv"
    with VideoWriter(tmp_path / "silent.mp4", fps=25) as silent_writer:
        for number in range(50):
            silent_writer.write(np.full((64, 64, 3), 90, np.uint8), number / 25)
    with av.open(str(source), "w") as out, av.open(str(tmp_path / "silent.mp4")) as silent:
        pictures = out.add_stream_from_template(silent.streams.video[0])
        tone = out.add_stream("pcm_s16le", rate=16000)
        tone.codec_context.layout = "mono"
        at = np.arange(32000) / 16000
        wave = np.sin(2 * np.pi * np.where(at < 1, 200, 2000) * at) * 9000
        for packet in silent.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                out.mux(packet)
        for start in range(0, 32000, 800):
            piece = wave[start : start + 800].astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, start
            out.mux(tone.encode(frame))
        out.mux(tone.encode(None))
    with VideoWriter(tmp_path / "part.mp4", source=source, fps=25, part=Part(1.0, 1.8)) as writer:
        for one in frames(source, start=1.0, end=1.8):
            writer.write(one.image, one.time)
        writer.close(1.8)
    with av.open(str(tmp_path / "part.mp4")) as made:
        heard = np.concatenate([f.to_ndarray()[0] for f in made.decode(audio=0)])
        rate = made.streams.audio[0].rate
    assert len(heard) / rate == pytest.approx(0.8, abs=0.1)
    middle = heard[rate // 10 : rate * 7 // 10]
    strongest = np.abs(np.fft.rfft(middle)).argmax() / (len(middle) / rate)
    assert strongest == pytest.approx(2000, abs=20)


def test_a_part_that_holds_nothing_is_one_line(
    talking_clip: Path, tmp_path: Path, recognizer: Recognizer
) -> None:
    with pytest.raises(EmotionError, match=r"lasts 2.0 s: nothing of it lies from 7 s on"):
        analyze(talking_clip, recognizer=recognizer, output_dir=tmp_path, part=Part(7))
    with pytest.raises(EmotionError, match="no picture lies in that part"):
        analyze(talking_clip, recognizer=recognizer, output_dir=tmp_path, part=Part(0.05, 0.06))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("1:30", 90.0), ("0:01:30.5", 90.5), (".5", 0.5), ("1:02:03", 3723.0)]
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert moment(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:75", "1:2:3:4", "a", "1:", ":30", "nan", "1e3"])
def test_what_is_no_time_is_wrong_use(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--video", "x.mp4", f"--start={text}"])
    assert ended.value.code == 2 and "give seconds" in capsys.readouterr().err


def test_the_command_line_reads_a_part(
    talking_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--video", str(talking_clip), "--output", str(tmp_path), "--no-objects", "--no-video"]
    assert main([*words, "--start", "0:01", "--rate", "5"]) == 0
    records = json.loads((tmp_path / "talking_results.json").read_text())
    assert [r["frame"] for r in records] == [25, 30, 35, 40, 45]
    assert main([*words, "--start", "3", "--end", "2"]) == 1
    assert "(--end)" in capsys.readouterr().err
