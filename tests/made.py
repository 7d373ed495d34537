"""Videos made with PyAV alone, so that the reader is not tested with its own writer."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 30), (30, 30, 200), (230, 230, 230)


def corners(width: int = 96, height: int = 64) -> np.ndarray:
    """A picture whose corners are red, green (right), blue (below) and white."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2], image[: height // 2, width // 2 :] = RED, GREEN
    image[height // 2 :, : width // 2], image[height // 2 :, width // 2 :] = BLUE, WHITE
    return image


def corner_names(image: np.ndarray) -> str:
    """The colours of the corners: top left, top right, bottom left, bottom right."""
    h, w = image.shape[:2]
    spots = [image[y, x] for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]
    known = {"R": RED, "G": GREEN, "B": BLUE, "W": WHITE}
    return "".join(min(known, key=lambda n: np.abs(s.astype(int) - known[n]).sum()) for s in spots)


def encode(
    path: Path,
    images: Sequence[np.ndarray],
    *,
    ticks: Sequence[int] | None = None,
    clock: int = 1000,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    full: bool = False,
    space: int = Colorspace.ITU709,
    aspect: Fraction | None = None,
    matrix: list[int] | None = None,
    tone: str | None = None,
) -> Path:
    """Write a video with PyAV alone, so that the reader is not tested with its own writer."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        context = stream.codec_context
        context.time_base = Fraction(1, clock)
        context.color_range = ColorRange.JPEG if full else ColorRange.MPEG
        context.colorspace = space
        if codec == "libx264":
            context.options = {"crf": "10", "preset": "ultrafast"}
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if matrix is not None:
            stream.set_display_matrix(matrix)
        sound = out.add_stream(tone, rate=48000, layout="mono") if tone else None
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                format=pix_fmt,
                dst_colorspace=space,
                dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            )
            frame.pts = ticks[i] if ticks else i * clock // 25
            frame.time_base = Fraction(1, clock)
            out.mux(stream.encode(frame))
        if sound is not None:
            resample = av.AudioResampler(sound.codec_context.format, "mono", 48000, frame_size=960)
            for k in range(len(images) * 2):
                wave = np.sin(np.arange(960) * 0.06 + k * 57.6)[None].astype(np.float32)
                piece = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                piece.sample_rate, piece.pts = 48000, k * 960
                for part in resample.resample(piece):
                    out.mux(sound.encode(part))
            out.mux(sound.encode(None))
        out.mux(stream.encode(None))
    return path


def greys(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Pictures that get brighter, so that each can be told from its neighbours."""
    return [np.full((height, width, 3), 20 + 200 * i // count, np.uint8) for i in range(count)]
