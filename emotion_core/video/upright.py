"""A decoded picture as a player shows it: RGB, upright, with square pixels, not interlaced."""

from typing import Any

import av
import av.error
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from emotion_core.video import hdr

_UNSPECIFIED_COLORSPACE = 2  # AVCOL_SPC_UNSPECIFIED
_PLANAR_RGB = ("gbr", "rgb", "bgr", "argb", "abgr", "pal8", "gray", "ya", "mono")
_NO_MORE = (av.error.BlockingIOError, av.error.EOFError)


class Upright:
    """Turns the pictures of one stream into images; `rotation` is their clockwise turn in degrees."""

    def __init__(self, stream: VideoStream) -> None:
        self.rotation = 0
        self._stream = stream
        self._to_rgb = VideoReformatter()
        self._turns: dict[int, tuple[int, int, int, int]] = {}

    def size(self, picture: VideoFrame) -> tuple[int, int]:
        """Return width and height in square pixels, before rotation."""
        width, height = picture.width, picture.height
        aspect = float(self._stream.sample_aspect_ratio or 1)
        if not 0.98 < aspect < 1.02 and 0.1 < aspect < 10:
            return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
        return width, height

    def image(self, picture: VideoFrame) -> np.ndarray:
        """Return RGB uint8 (H, W, 3)."""
        width, height = self.size(picture)
        space: int | None = None
        if picture.colorspace == _UNSPECIFIED_COLORSPACE and not picture.format.name.startswith(_PLANAR_RGB):
            # Untagged video follows the custom of its size, as players assume too.
            space = Colorspace.ITU709 if picture.height >= 720 else Colorspace.ITU601
        if hdr.is_hdr(picture):
            image = hdr.to_bt709(picture, width, height, self._to_rgb, space)
        else:
            converted = self._to_rgb.reformat(
                picture,
                width,
                height,
                "rgb24",
                src_colorspace=space,
                interpolation=Interpolation.BILINEAR,
                threads=1,  # more of them cost more than they save here
            )
            image = _pixels(converted)
        # Looking at side data ties a frame into a cycle that only the garbage collector undoes: look once.
        turn = self._turns.get(picture.rotation)
        if turn is None:
            turn = self._turns[picture.rotation] = _orientation(picture)
        if turn != (1, 0, 0, 1):
            self.rotation = {(0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}.get(turn, 0)
            image = _turned(image, turn)
        return image


class Deinterlacer:
    """Takes the combs out of pictures that say they are interlaced; others pass as they are.

    It needs a picture's successor, so it may give the picture before the one that it took: `take(None)` gives
    what is left.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._stream = stream
        self._graph: Graph | None = None
        self._kind: tuple[int, int, str] | None = None

    def take(self, picture: VideoFrame | None) -> list[VideoFrame]:
        """Take the next picture, None at the end, and give those that are ready, in order."""
        if picture is None:
            return self._flush()
        if self._graph is None and not picture.interlaced_frame:
            return [picture]
        kind = picture.width, picture.height, picture.format.name
        ready: list[VideoFrame] = []
        if self._graph is None or kind != self._kind:
            ready = self._flush()
            self._graph, self._kind = self._made(picture), kind
        self._graph.push(picture)
        return [*ready, *self._pulled()]

    def _made(self, picture: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=picture.width,
            height=picture.height,
            format=picture.format,
            time_base=picture.time_base or self._stream.time_base,
        )
        combed = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = graph.add("buffersink")
        source.link_to(combed)
        combed.link_to(sink)
        graph.configure()
        return graph

    def _pulled(self) -> list[VideoFrame]:
        ready: list[VideoFrame] = []
        while self._graph is not None:
            try:
                picture = self._graph.pull()
            except _NO_MORE:
                break
            assert isinstance(picture, VideoFrame)
            ready.append(picture)
        return ready

    def _flush(self) -> list[VideoFrame]:
        if self._graph is None:
            return []
        self._graph.push(None)
        ready = self._pulled()
        self._graph = None
        return ready


def _pixels(picture: VideoFrame) -> np.ndarray:
    """Give the pixels of an RGB picture, (H, W, 3) uint8, without a copy where its rows lie without gaps."""
    plane: Any = picture.planes[0]
    if plane.line_size != 3 * picture.width:
        image: np.ndarray = picture.to_ndarray()
        return image
    rows = np.frombuffer(plane, np.uint8, picture.height * plane.line_size)
    return rows.reshape(picture.height, picture.width, 3)


def _orientation(picture: VideoFrame) -> tuple[int, int, int, int]:
    """Return the signs (a, b, c, d) of the display matrix: x' = a x + c y, y' = b x + d y."""
    try:
        side_data: Any = picture.side_data
        found = side_data.get("DISPLAYMATRIX")
    except ValueError:  # side data of a kind that PyAV has no name for hides the rest
        quarter = round(picture.rotation / 90) % 4  # counter-clockwise
        return ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))[quarter]
    if found is None:
        return 1, 0, 0, 1
    matrix = np.frombuffer(found, np.int32)
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (1 if a >= 0 else -1), 0, 0, (1 if d >= 0 else -1)
    return 0, (1 if b >= 0 else -1), (1 if c >= 0 else -1), 0


def _turned(image: np.ndarray, turn: tuple[int, int, int, int]) -> np.ndarray:
    import cv2  # three times as fast as NumPy here, and most phone videos are turned

    across, b, c, down = turn
    if across == 0:
        image = cv2.transpose(image)
        across, down = c, b
    flip = {(-1, 1): 1, (1, -1): 0, (-1, -1): -1}.get((across, down))
    return image if flip is None else cv2.flip(image, flip)
