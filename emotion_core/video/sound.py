"""The sound of a source on its way into the annotated video."""

import os
from collections import deque
from collections.abc import Iterator
from itertools import chain

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from emotion_core.types import EmotionError
from emotion_core.video import choice
from emotion_core.video.clock import SET_BACK, Clock, mean_rate
from emotion_core.video.heard import Decoder, Steady, frame_times, is_usable, usual_rate
from emotion_core.video.source import Source, clock_start, identify, open_container

# What mp4 holds and browsers play; AC-3 fits in, but Chromium is mute on it.
_COPIED = ("aac", "mp3", "opus", "flac")
# Containers that say once what their sound is like; in others it may change at any moment.
_STEADY = ("mov", "matroska")
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_AAC_LAYOUTS = ("mono", "stereo", "5.1")
_AHEAD = (
    500  # packets of sound that are looked through for the moment at which the picture's clock was set back
)
_FIRST = 2000  # packets of an address that are looked through for the first sound; a file is, to its end


class SoundError(EmotionError):
    """The sound of a source can't be taken over; the text says why, in a few words."""


class Sound:
    """The sound of a source on its way into another file, packet by packet, never far ahead.

    `how` is "copied" or "AAC"; `notes` say what was lost, in a line each.
    """

    def __init__(
        self, place: Source, source: InputContainer, output: OutputContainer, begin: float = 0.0
    ) -> None:
        self.notes: list[str] = []
        self._input, self._begin = source, begin
        self._output = output
        streams = choice.sound_streams(source)
        if not streams:
            raise SoundError(f"it is of a kind{choice.unknown_sound(source)} that can't be decoded here")
        self._zero = clock_start(source, place.kind) or 0.0
        self._packets = _Timed(source, streams, self._zero, begin)
        usual = streams[0]
        name = usual.codec_context.name.removesuffix("float")
        steady = source.format.name.startswith(_STEADY) and is_usable(usual)
        copies = (
            name in _COPIED and steady and not (name == "mp3" and usual.codec_context.sample_rate < 16000)
        )
        self.how = "copied" if copies else "AAC"
        most = None if place.kind == "file" else _FIRST
        self._made = self._copy(usual, output) if copies else self._encode(output, most)
        self._next: Packet | None = None

    @staticmethod
    def of(
        source: str | os.PathLike[str] | Source, output: OutputContainer, begin: float = 0.0
    ) -> "Sound | None":
        """Open the sound of `source` from `begin` seconds on, its time 0; None where it has none.

        Raises:
            SoundError: where it has one that can't be taken over.
        """
        place = identify(source)
        if place.kind not in ("file", "url") or place.moving:
            return None
        container = open_container(place)
        try:
            if not container.streams.audio:
                container.close()
                return None
            return Sound(place, container, output, begin)
        except BaseException:
            container.close()
            raise

    def pump(self, until: float | None) -> None:
        """Pass on what sounds before `until` seconds, or all that is left."""
        while True:
            if self._next is None:
                self._next = next(self._made, None)
            packet = self._next
            if packet is None:
                return
            start = float((packet.pts or 0) * (packet.time_base or 0))
            if until is not None and start >= until:
                return
            self._next = None
            self._output.mux(packet)

    def close(self) -> None:
        """Let go of the source."""
        self._made = iter(())
        self._input.close()

    def _copy(self, stream: AudioStream, output: OutputContainer) -> Iterator[Packet]:
        packets = iter(self._packets)
        first = next(packets, None)
        if first is None:
            raise SoundError("its track is empty")
        return self._copied(first, packets, output.add_stream_from_template(stream))

    def _copied(
        self, first: tuple[Packet, float, float], rest: Iterator[tuple[Packet, float, float]], target: Stream
    ) -> Iterator[Packet]:
        last: int | None = None
        known = False
        for packet, time, offset in chain([first], rest):
            if packet.time_base is None or packet.pts is None:
                continue
            if packet.has_sidedata("new_extradata") and known:
                self.notes.append(f"the sound ends at {time:.1f} s, where it changes its kind")
                return
            known = True
            shift = round(offset / packet.time_base)
            packet.pts += shift
            packet.dts = packet.pts if packet.dts is None else packet.dts + shift
            if self._begin and packet.pts < 0:
                continue  # before the part that is read
            if last is not None and packet.dts <= last:
                continue  # mp4 refuses a clock that stands still or runs back
            last = packet.dts
            packet.stream = target
            yield packet
        self._tell_end()

    def _encode(self, output: OutputContainer, most: int | None) -> Iterator[Packet]:
        decoder = Decoder(changing=choice.is_broadcast(self._input))
        heard = self._heard(decoder, most)
        first = next(heard, None)
        if first is None:
            raise SoundError("its track holds nothing that can be decoded")
        rate = usual_rate(first[0].sample_rate, _AAC_RATES)
        layout = first[0].layout.name
        target = output.add_stream("aac", rate=rate)
        target.codec_context.layout = layout if layout in _AAC_LAYOUTS else "stereo"
        target.codec_context.bit_rate = 160_000
        steady = Steady(rate, target.codec_context.layout.name)
        return self._encoded(first, heard, decoder, steady, target)

    def _encoded(
        self,
        first: tuple[AudioFrame, float],
        rest: Iterator[tuple[AudioFrame, float]],
        decoder: Decoder,
        steady: Steady,
        target: AudioStream,
    ) -> Iterator[Packet]:
        for frame, time in chain([first], rest):
            for piece in steady.put(frame, time):
                yield from target.encode(piece)
        for piece in steady.finish():
            yield from target.encode(piece)
        yield from target.encode(None)
        if damaged := decoder.damaged + steady.damaged:
            self.notes.append(f"{damaged} damaged parts of the sound are silent")
        self._tell_end()

    def _heard(self, decoder: Decoder, most: int | None) -> Iterator[tuple[AudioFrame, float]]:
        heard = False
        for number, (packet, time, offset) in enumerate(self._packets):
            for frame, moment in frame_times(decoder.decode(packet), time, offset):
                heard = True
                yield frame, moment
            if not heard and most is not None and number > most:
                return

    def _tell_end(self) -> None:
        if self._packets.problem:
            self.notes.append(f"the sound ends at {self._packets.end:.1f} s ({self._packets.problem})")


class _Timed:
    """The packets of sound with their times: iterate for (packet, time, offset) in seconds.

    `begin` is the time in the source that counts as zero here. `offset` is what was added to the stored time:
    a clock that is set back in mid-stream goes on as that of the pictures does, whose packets are looked at
    for this. In a broadcast another stream takes over where the one before falls silent.
    """

    def __init__(self, source: InputContainer, streams: list[AudioStream], zero: float, begin: float) -> None:
        self.problem = ""
        self.end = 0.0
        self._moved = -zero - begin  # what is added where the clock was not set back
        self._offset = self._moved
        self._begun = False
        sounds = list(streams) if choice.is_broadcast(source) else streams[:1]
        self._sounds = choice.Following(source, streams[0])
        pictures = [s for s in source.streams.video if getattr(s, "codec_context", None) is not None]
        first = max(pictures, key=lambda s: s.width or 0, default=None)
        self._pictures = None if first is None else choice.Following(source, first)
        self._clock = Clock(zero, mean_rate(first) if first is not None else 25.0)
        self._packets = source.demux([*sounds, *pictures])
        self._waiting: deque[Packet] = deque()

    def __iter__(self) -> Iterator[tuple[Packet, float, float]]:
        while self._waiting or self._read():
            packet = self._waiting.popleft()
            if packet.pts is None or packet.time_base is None or not packet.size:
                if packet.size and self._begun:  # without a stamp it follows the one before
                    yield packet, self.end, self._offset
                continue
            stored = float(packet.pts * packet.time_base)
            time = self._placed(stored)
            self.end = time + float((packet.duration or 0) * packet.time_base)
            self._begun = True
            yield packet, time, self._offset

    def _placed(self, stored: float) -> float:
        """Return the time of a stored one; where it falls, the clock was set back, and goes on."""
        if self._begun and stored + self._offset < self.end - SET_BACK:
            best = self._best(stored)
            while abs(stored + best - self.end) > SET_BACK and len(self._waiting) < _AHEAD and self._read():
                best = self._best(stored)
            good = abs(stored + best - self.end) <= SET_BACK
            self._offset = best if good else self.end - stored
        return stored + self._offset

    def _best(self, stored: float) -> float:
        """Return the offset among those of the picture's clock that goes on most smoothly."""
        offsets = (shift + self._moved for shift in self._clock.shifts)
        return min(offsets, key=lambda offset: abs(stored + offset - self.end))

    def _read(self) -> bool:
        """Take in the next packets of sound, False at the end; those of pictures only move the clock."""
        while True:
            try:
                packet = next(self._packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self.problem = str(getattr(error, "strerror", None) or error).partition("\n")[0]
                return False
            if packet is None:
                return False
            if packet.stream.type == "video":
                for one in self._pictures.packets(packet) if self._pictures is not None else ():
                    if one.dts is not None and one.time_base is not None:
                        self._clock.at(float(one.dts * one.time_base))
            elif packet.size and (ready := self._sounds.packets(packet)):
                self._waiting += ready
                return True
