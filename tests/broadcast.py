"""Broadcasts made with PyAV alone: pieces of MPEG-TS that differ in their sound, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CLOCK = 90_000


@dataclass(frozen=True)
class Piece:
    """A part of a recording: its sound, None for none, length and start in seconds, and first number."""

    codec: str | None
    layout: str = "stereo"
    rate: int = 48_000
    seconds: float = 2.0
    start: float = 10.0
    number: int = 0x100


def record(path: Path, pieces: Sequence[Piece], face: np.ndarray | None = None) -> Path:
    """Write the pieces into one file, as a recorder does that is never told of a change.

    `face`, RGB (240, 320, 3), is shown for ten seconds of every minute, and grey for the rest of the time.
    """
    part = path.with_suffix(".part.ts")
    with path.open("wb") as whole:
        for piece in pieces:
            _write(part, piece, face)
            whole.write(part.read_bytes())
    part.unlink()
    return path


def _write(path: Path, piece: Piece, face: np.ndarray | None) -> None:
    options = {"mpegts_start_pid": str(piece.number)}
    with av.open(str(path), "w", format="mpegts", container_options=options) as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "25"})
        video.width, video.height = (160, 120) if face is None else (320, 240)
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, CLOCK)
        video.codec_context.max_b_frames = 0
        sound = None
        if piece.codec is not None:
            sound = out.add_stream(piece.codec, rate=piece.rate, layout=piece.layout)
            context = sound.codec_context
            size = context.frame_size or 1152
            resampler = av.AudioResampler(context.format.name, piece.layout, piece.rate, frame_size=size)
        samples = piece.rate // 25
        for index in range(round(piece.seconds * 25)):
            image = np.full((video.height, video.width, 3), 20 + index * 3 % 200, np.uint8)
            if face is not None and index // 25 % 60 < 10:
                image = np.roll(face, round(6 * np.sin(index / 15)), axis=1)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round((piece.start + index / 25) * CLOCK), Fraction(1, CLOCK)
            out.mux(video.encode(frame))
            if sound is None:
                continue
            time = (np.arange(samples) + index * samples) / piece.rate
            wave = np.tile(0.3 * np.sin(2 * np.pi * 440 * time), (context.layout.nb_channels, 1))
            tone = av.AudioFrame.from_ndarray(wave.astype(np.float32), format="fltp", layout=piece.layout)
            tone.sample_rate, tone.time_base = piece.rate, Fraction(1, piece.rate)
            tone.pts = round(piece.start * piece.rate) + index * samples
            for ready in resampler.resample(tone):
                out.mux(sound.encode(ready))
        for stream in (video, sound):
            if stream is not None:
                out.mux(stream.encode(None))


def loudness(path: Path, step: float = 0.5) -> list[float]:
    """Give the mean size of the sound's samples in steps of some seconds, by the times of its frames."""
    with av.open(str(path)) as box:
        sums: dict[int, list[float]] = {}
        for frame in box.decode(audio=0):
            sums.setdefault(int(frame.time // step), []).append(float(np.abs(frame.to_ndarray()).mean()))
    return [float(np.mean(sums[place])) if place in sums else 0.0 for place in range(max(sums) + 1)]
