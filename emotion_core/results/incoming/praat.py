"""Praat: the interval tiers of a TextGrid, in its long or its short form."""

import re
from pathlib import Path

from emotion_core.results.bounded import check_rows
from emotion_core.results.incoming.base import Found, Head, Tool, coded

_TOKEN = re.compile(r'"(?:[^"]|"")*"|<[^>]*>|(?<![^\s\[=])[-+]?\d[\d.eE+-]*(?=\s|$)')


def _knows(head: Head) -> bool:
    return "ooTextFile" in head.text and "TextGrid" in head.text


def read(path: Path) -> Found:
    """Read the spans; intervals without a label are left out, a tier is a person."""
    try:
        return _read(path)
    except StopIteration as error:
        raise ValueError("it ends before its last tier does") from error


def _read(path: Path) -> Found:
    raw = path.read_bytes()
    letters = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = raw.decode(letters)
    # Both forms are the same sequence of numbers and texts; the long one only names them.
    body = re.sub(r"\[\d*\]\s*:?", " ", text)
    tokens = iter(_TOKEN.findall(body))
    head = [next(tokens) for _ in range(6)]  # the kinds, two times, <exists>, the number of tiers
    lines, points = [], 0
    for _ in range(int(head[5])):
        kind, whom = _words(next(tokens)), _words(next(tokens))
        next(tokens), next(tokens)  # from when to when the tier goes
        for _ in range(int(next(tokens))):
            if kind != "IntervalTier":
                next(tokens), next(tokens)
                points += 1
                continue
            start, end, label = float(next(tokens)), float(next(tokens)), _words(next(tokens))
            if label.strip():
                lines.append((start, end, whom, label))
    check_rows(path.name, len(lines))
    return coded(lines, [f"{points} points without duration were left out"] if points else [])


def _words(token: str) -> str:
    return token[1:-1].replace('""', '"')


TOOL = Tool("praat", "Praat", "its format TextGrid", (".textgrid",), _knows, read)
