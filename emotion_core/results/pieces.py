"""A list of records in JSON, piece by piece: whole, or as far as it can be read."""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from emotion_core.results.formats.base import UNFINISHED
from emotion_core.types import EmotionError

_PIECE = 1 << 20  # bytes of JSON that are unpacked at a time


_BETWEEN = re.compile(rb"\}\s*,\s*(?=\{)")


_TRIED = 4096  # bytes of a torn record up to which each cut is tried: longer ones must have as many } as {


def pieces(stream: BinaryIO, name: str, notes: list[str]) -> Iterator[list[Any]]:
    """Yield the records of a JSON list, some thousand at a time."""
    text = stream.read(_PIECE).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        raise EmotionError(f"{name} is empty: analyse the video again or choose another file")
    if text[:1] != b"[":
        raise EmotionError(f"{name} is no results file: it should hold a list of records")
    text = text[1:]
    while True:
        more = stream.read(_PIECE)
        if not more:
            break
        rows, text = _first_part(text)
        if rows:
            yield rows
        text += more
    tail = text.rstrip()
    if not tail.endswith(b"]"):
        notes.append(UNFINISHED)
        yield from _torn(tail)
        return
    tail = tail[:-1].rstrip().rstrip(b",")
    try:
        yield _parse(tail)
    except ValueError:
        rows = [row for part in _torn(tail) for row in part]
        # Where nothing is cut off, what can't be read is no results file; else it is a first record's half.
        yield rows or [None] * (tail.count(b"{") == tail.count(b"}"))


def _first_part(text: bytes) -> tuple[list[Any], bytes]:
    """Parse as much of `text` as ends with a whole record; return the rest."""
    cuts = [m for m in _BETWEEN.finditer(text, max(0, len(text) - 65536))]
    # The last cut may lie inside a list of objects, where what comes before it does not parse.
    depth = text.count(b"{") - text.count(b"}")
    end, tried = len(text), 0
    for cut in reversed(cuts[-50:]):
        depth -= text.count(b"{", cut.start() + 1, end) - text.count(b"}", cut.start() + 1, end)
        end = cut.start() + 1
        if depth and tried >= 3:  # braces inside words may upset the count, so a few are tried all the same
            continue
        tried += 1
        try:
            return _parse(text[: cut.start() + 1]), text[cut.end() :]
        except ValueError:
            continue
    if len(text) < 2 * _PIECE:
        return [], text
    rows = [row for part in _torn(text) for row in part]
    return rows, b""


def _torn(text: bytes) -> Iterator[list[Any]]:
    """Parse what can be parsed of a broken list, record by record."""
    rows: list[Any] = []
    start = seen = depth = 0
    for cut in [*_BETWEEN.finditer(text), None]:
        end = cut.start() + 1 if cut else len(text)
        depth += text.count(b"{", seen, end) - text.count(b"}", seen, end)
        seen = end
        if cut is not None and depth > 0 and end - start > _TRIED:
            continue
        try:
            rows += _parse(text[start:end].strip().rstrip(b","))
        except ValueError:
            if cut is not None and depth > 0:
                continue  # a cut inside a list of objects: the record goes on
            if cut is not None:
                rows.append(None)  # unreadable, and counted as such
        start = seen = cut.end() if cut else len(text)
        depth = 0
    yield rows


def _parse(text: bytes) -> list[Any]:
    if not text.strip():
        return []
    try:
        return list(orjson.loads(b"[" + text + b"]"))
    except orjson.JSONDecodeError:
        # NaN and Infinity are no JSON, but Python writes them; the check below names such rows.
        if not re.search(rb"NaN|Infinity", text):
            raise
        try:
            return list(json.loads(b"[" + text + b"]"))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
