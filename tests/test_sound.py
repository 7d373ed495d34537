"""The sound of a source never ends an analysis: it is kept as far as it goes, and what is lost is said."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from emotion_core.analysis import analyze
from emotion_core.recognizer import Recognizer
from emotion_core.results.recording import read_results
from emotion_core.video.reader import VideoWriter, frames
from tests.broadcast import Piece, loudness, record
from tests.made import encode, greys

CHANGES = [
    Piece("mp2"),
    Piece("mp2", "mono"),
    Piece("ac3", "5.1"),
    Piece("aac", "stereo", 44_100),
    Piece("ac3"),
    Piece("aac", "mono", 32_000),
]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained(threads=1)


def copied(path: Path, out: Path) -> tuple[int, VideoWriter]:
    """Write the frames of a source and its sound into `out`; give their number and the writer."""
    with frames(path) as reader:
        writer = VideoWriter(out, source=path, preset="ultrafast")
        count = 0
        for frame in reader:
            writer.write(frame.image, frame.time)
            count += 1
        writer.close(reader.end, complete=reader.problem is None)
    return count, writer


def in_turn(pieces: list[Piece], *, falls: bool = False) -> list[Piece]:
    """Set the pieces one after the other, or all at one time, as where a recorder's clock is set back."""
    start, placed = 10.0, []
    for piece in pieces:
        placed.append(Piece(piece.codec, piece.layout, piece.rate, piece.seconds, start, piece.number))
        start += 0 if falls else piece.seconds
    return placed


@pytest.mark.parametrize("falls", [False, True], ids=["rising", "falling"])
def test_a_broadcast_keeps_its_sound_through_five_changes(tmp_path: Path, falls: bool) -> None:
    path = record(tmp_path / "tv.ts", in_turn(CHANGES, falls=falls))
    count, writer = copied(path, tmp_path / "out.mp4")
    assert count == 300 and writer.notes == []
    heard = loudness(tmp_path / "out.mp4")
    assert len(heard) in (24, 25) and min(heard[:24]) > 0.1


def test_a_pause_is_silent_and_what_follows_in_time(tmp_path: Path) -> None:
    path = record(tmp_path / "tv.ts", in_turn([Piece("aac"), Piece(None), Piece("mp2")]))
    count, writer = copied(path, tmp_path / "out.mp4")
    assert count == 150 and writer.sound == "AAC"
    heard = loudness(tmp_path / "out.mp4")
    assert min(heard[:4] + heard[8:12]) > 0.1 and max(heard[5:7]) < 0.01
    with av.open(str(tmp_path / "out.mp4")) as box:
        times = [f.time for f in box.decode(audio=0)]
    assert np.diff(times).max() < 0.05  # filled, not left out


def test_pictures_and_sound_go_on_under_other_numbers(tmp_path: Path) -> None:
    pieces = in_turn([Piece("mp2", seconds=4), Piece("aac", "mono", seconds=4, number=0x200)])
    with frames(record(tmp_path / "tv.ts", pieces)) as reader:
        assert len(list(reader)) >= 197  # a broadcast does not end its last pictures before the next program
    assert any("goes on in video stream" in note for note in reader.notes)
    copied(tmp_path / "tv.ts", tmp_path / "out.mp4")
    assert min(loudness(tmp_path / "out.mp4")[:15]) > 0.1


@pytest.mark.weights
@pytest.mark.parametrize("minutes", [0.5, pytest.param(3, marks=pytest.mark.slow)])
def test_a_recording_has_results_for_every_frame(
    tmp_path: Path, recognizer: Recognizer, minutes: float
) -> None:
    pieces = [Piece(p.codec, p.layout, p.rate, minutes * 10) for p in CHANGES]
    path = record(tmp_path / "tv.ts", in_turn(pieces))
    result = analyze(path, recognizer=recognizer)
    assert result.complete and result.summary["remarks"] == []
    table = read_results(result.paths["json"])
    assert table["frame"].tolist() == list(range(round(minutes * 1500)))
    assert result.summary["seconds"] == pytest.approx(minutes * 60, abs=0.1)
    heard = loudness(result.paths["video"])
    assert len(heard) >= minutes * 120 - 1 and min(heard[: round(minutes * 120) - 1]) > 0.1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.weights
def test_twenty_minutes_of_television_are_analysed_whole(
    tmp_path: Path, recognizer: Recognizer, astronaut: np.ndarray
) -> None:
    """Six pieces of 200 s, five changes of the sound between them, and somebody who is back each minute."""
    pieces = [Piece(p.codec, p.layout, p.rate, 200) for p in CHANGES]
    face = np.ascontiguousarray(astronaut[0:240, 60:380])
    path = record(tmp_path / "tv.ts", in_turn(pieces), face)
    result = analyze(path, recognizer=recognizer)
    assert result.complete and result.summary["remarks"] == []
    table = read_results(result.paths["json"])
    assert table["frame"].unique().tolist() == list(range(30_000))
    assert result.summary["seconds"] == pytest.approx(1200, abs=0.2)
    assert result.summary["people"] == 1 and table["face"].notna().sum() > 0.9 * 24 * 250
    heard = loudness(result.paths["video"])
    assert len(heard) >= 2399 and min(heard[:2399]) > 0.1


def test_a_track_that_is_declared_but_empty_is_left_out(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        out.add_stream("aac", rate=48000)
        for index, grey in enumerate(greys(25)):
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    count, writer = copied(tmp_path / "a.mkv", tmp_path / "out.mp4")
    assert count == 25 and writer.sound == "none"
    assert writer.notes == ["the sound is left out: its track is empty"]
    with av.open(str(tmp_path / "out.mp4")) as box:
        assert not box.streams.audio


@pytest.mark.weights
def test_a_codec_that_nobody_knows_is_named(tmp_path: Path, recognizer: Recognizer) -> None:
    path = encode(tmp_path / "a.mov", greys(25), tone="aac")
    data = path.read_bytes()
    assert data.count(b"mp4a") >= 1
    path.write_bytes(data.replace(b"mp4a", b"xyzq").replace(b"esds", b"skip"))
    result = analyze(path, recognizer=recognizer)
    assert result.complete and len(read_results(result.paths["json"])) == 25
    assert result.paths["video"].is_file()
    assert result.summary["remarks"] == [
        "the sound is left out: it is of a kind (xyzq) that can't be decoded here"
    ]


def test_damaged_sound_is_silent_and_counted(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", greys(50), tone="ac3")
    with av.open(str(path)) as box:
        places = [(p.pos, p.size) for p in box.demux(audio=0) if p.size]
    data = bytearray(path.read_bytes())
    for place, size in places[20:30]:
        at = data.find(b"\x0b\x77", place)  # after the header of its block
        data[at : at + size - 16] = bytes(size - 16)
    path.write_bytes(data)
    count, writer = copied(path, tmp_path / "out.mp4")
    assert count == 50 and writer.sound == "AAC"
    assert len(writer.notes) == 1 and "damaged parts of the sound are silent" in writer.notes[0]
    heard = loudness(tmp_path / "out.mp4", 0.1)
    assert heard[3] > 0.1 and heard[-3] > 0.1 and heard[8] < 0.05


def test_the_default_track_of_sound_is_taken(tmp_path: Path) -> None:
    from av.stream import Disposition

    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sounds = [out.add_stream("aac", rate=48000, layout="mono") for _ in range(2)]
        sounds[0].disposition, sounds[1].disposition = Disposition(0), Disposition.default
        for index, grey in enumerate(greys(25)):
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(video.encode(frame))
        for loud, sound in enumerate(sounds):
            for index in range(46):
                wave = np.full((1, 1024), 0.0, np.float32)
                wave += loud * 0.4 * np.sin(np.arange(1024) * 0.1 + index * 102.4).astype(np.float32)
                tone = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                tone.sample_rate, tone.pts, tone.time_base = 48000, index * 1024, Fraction(1, 48000)
                out.mux(sound.encode(tone))
            out.mux(sound.encode(None))
        out.mux(video.encode(None))
    copied(tmp_path / "a.mkv", tmp_path / "out.mp4")
    assert max(loudness(tmp_path / "out.mp4")) > 0.1
