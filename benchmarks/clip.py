"""Clips made on the spot from one picture: a face that drifts and breathes, so that tracking works."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

AUDIO_RATE = 44_100


def drift(picture: np.ndarray, width: int, height: int, count: int, rate: float) -> Iterator[np.ndarray]:
    """Yield `count` frames RGB uint8 (height, width, 3) that look at `picture` through a moving window.

    The window travels a slow Lissajous path and zooms by 10 %; it covers the whole height at most, and
    what lies beside the picture repeats its edge, so that there is one face.
    """
    import cv2

    side = min(picture.shape[0], picture.shape[1])
    for index in range(count):
        t = index / rate
        zoom = height / side * (1.1 + 0.1 * math.sin(2 * math.pi * t / 5))
        centre_x = picture.shape[1] / 2 + 0.06 * side * math.sin(2 * math.pi * t / 7)
        centre_y = picture.shape[0] / 2 + 0.04 * side * math.sin(2 * math.pi * t / 4)
        matrix = np.array(
            [[zoom, 0, width / 2 - zoom * centre_x], [0, zoom, height / 2 - zoom * centre_y]], np.float64
        )
        yield cv2.warpAffine(
            picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )


def crowd(picture: np.ndarray, width: int, height: int, faces: int, count: int) -> Iterator[np.ndarray]:
    """Yield `count` frames RGB uint8 (height, width, 3), 30 a second: `faces` that drift, in rows of ten."""
    side = width // 10 - 2
    for image in drift(picture, side, side, count, 30):
        whole = np.full((height, width, 3), 96, np.uint8)
        for i in range(faces):
            y, x = i // 10 * (side + 20), i % 10 * side
            whole[y : y + side, x : x + side] = image
        yield whole


def write_clip(
    path: Path,
    picture: np.ndarray,
    *,
    width: int = 1280,
    height: int = 720,
    seconds: float = 10.0,
    rate: int = 30,
    tone: bool = False,
) -> None:
    """Write an H.264 mp4 of `picture` in motion, with a 440 Hz tone (AAC, mono) where `tone` is set."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "23"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if tone else None
        count = round(seconds * rate)
        for index, image in enumerate(drift(picture, width, height, count, rate)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            phase = 2 * np.pi * 440 / AUDIO_RATE * np.arange(round(seconds * AUDIO_RATE))
            wave = (0.2 * np.sin(phase)).astype(np.float32)[None, :]  # (1, samples)
            sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = AUDIO_RATE, 0, Fraction(1, AUDIO_RATE)
            container.mux(audio.encode(sound))
            container.mux(audio.encode(None))


def repeat_clip(source: Path, target: Path, times: int) -> None:
    """Write `source` one after the other `times` times, without encoding anew."""
    import av

    with av.open(str(target), "w") as out:
        copies: dict[int, Any] = {}
        shift = 0.0
        for _ in range(times):
            with av.open(str(source)) as container:
                for stream in container.streams:
                    if stream.index not in copies:
                        copies[stream.index] = out.add_stream_from_template(stream)
                begin = end = 0.0
                for packet in container.demux():
                    if packet.pts is None or packet.dts is None:
                        continue
                    # Reordered pictures and the encoder's lead-in of sound are stored before zero.
                    begin = min(begin, float(packet.dts * packet.time_base))
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                    offset = round(shift / packet.time_base)
                    packet.pts += offset
                    packet.dts += offset
                    packet.stream = copies[packet.stream.index]
                    out.mux(packet)
                shift += end - begin
