"""Small figures as SVG, drawn by hand: they open in a page, in Markdown and in a paper, in light and dark."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emotion_core.palette import color_of
from emotion_core.results.markup import text as escaped

WIDTH = 720
_LEFT, _RIGHT, _ROW, _TOP, _FOOT = 150, 30, 46, 14, 44
_SIDE, _PANEL = 56, 210  # left of a panel, and its height with what stands around it
_INK, _SOFT = "#6b7280", "#9aa1ad"  # they can be read on white and on black
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7B61C4")


@dataclass(frozen=True, slots=True)
class Dots:
    """A row of a plot: its name, each person's value, mean and interval, and the number of its series."""

    name: str
    values: Sequence[float]
    mean: float
    low: float
    high: float
    series: int = 0


def _svg(height: float, parts: Iterable[str], label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" role="img" aria-label="{escaped(label)}" font-family="system-ui, sans-serif" '
        f'font-size="13">{"".join(parts)}</svg>\n'
    )


def _words(x: float, y: float, words: str, anchor: str = "start", color: str = _INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escaped(words)}</text>'


def means(rows: Sequence[Dots], label: str, series: Sequence[str] = ()) -> str:
    """Draw a row for each of `rows`: a dot for each person, a diamond and a bar for mean and 95 % interval.

    `label` names the axis. `series` names the colours where there are several.
    """
    ticks = _ticks([v for row in rows for v in (*row.values, row.low, row.high) if np.isfinite(v)])
    span = ticks[-1] - ticks[0]
    bottom = _TOP + _ROW * len(rows)

    def at(value: float) -> float:
        return _LEFT + (value - ticks[0]) / span * (WIDTH - _LEFT - _RIGHT)

    def line(x1: float, x2: float, y1: float, y2: float, more: str) -> str:
        return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" {more}/>'

    parts = []
    for tick in ticks:
        strong = 'stroke-width="1.5"' if abs(tick) < 1e-9 else 'stroke-opacity=".35"'
        parts.append(line(at(tick), at(tick), _TOP, bottom, f'stroke="{_SOFT}" {strong}'))
        named = f"{tick:+g}" if tick and ticks[0] < 0 else f"{tick:g}"
        parts.append(_words(at(tick), bottom + 16, named, "middle"))
    for number, row in enumerate(rows):
        y, color = _TOP + _ROW * (number + 0.5), _COLORS[row.series % len(_COLORS)]
        parts.append(_words(_LEFT - 12, y + 4, row.name, "end"))
        for place, value in enumerate(row.values):
            if np.isfinite(value):
                off = 6 * ((place * 0.618) % 1) - 3 + 8  # apart, and the same in every run
                place_of = f'cx="{at(value):.1f}" cy="{y + off:.1f}"'
                parts.append(f'<circle {place_of} r="3" fill="{color}" fill-opacity=".45"/>')
        if np.isfinite(row.low):
            strong = f'stroke="{color}" stroke-width="2.5"'
            parts.append(line(at(row.low), at(row.high), y - 6, y - 6, strong))
        if np.isfinite(row.mean):
            shape = f"M{at(row.mean) - 6:.1f} {y - 6:.1f}l6 -6 6 6 -6 6z"
            parts.append(f'<path d="{shape}" fill="{color}" stroke="#fff" stroke-width=".8"/>')
    parts.append(_words((_LEFT + WIDTH - _RIGHT) / 2, bottom + 36, label, "middle"))
    parts += _legend(series, [_COLORS[i % len(_COLORS)] for i in range(len(series))], bottom + _FOOT)
    return _svg(bottom + _FOOT + (24 if series else 0), parts, " ".join((label, *series)))


def shares(rows: Mapping[str, Mapping[str, float]], label: str) -> str:
    """Draw a bar for each of `rows`, cut by the share in [0, 1] of each category."""
    whole, bottom = WIDTH - _LEFT - _RIGHT, _TOP + 34 * len(rows)
    parts, names = [], list(dict.fromkeys(name for row in rows.values() for name in row))
    for number, (title, row) in enumerate(rows.items()):
        y, x = _TOP + 34 * number, float(_LEFT)
        parts.append(_words(_LEFT - 12, y + 17, title, "end"))
        for name, share in row.items():
            wide = whole * (share if np.isfinite(share) else 0.0)
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="24" fill="{color_of(name)}">'
                f"<title>{escaped(name)} {share:.0%}</title></rect>"
            )
            if share >= 0.08:
                parts.append(_words(x + wide / 2, y + 17, f"{share:.0%}", "middle", "#111"))
            x += wide
    parts += _legend(names, [color_of(name) for name in names], bottom + 12)
    return _svg(bottom + 36, parts, label)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a panel: `mean` with its band from `low` to `high` at `times` (s), and its series' number."""

    times: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    series: int = 0


@dataclass(frozen=True, slots=True)
class _Panel:
    """Where a panel lies: `left`, `top`, `wide` and `high` in pixels, and the values of its edges."""

    left: float
    top: float
    wide: float
    high: float
    times: tuple[float, float]
    values: tuple[float, float]

    def at(self, time: float, value: float) -> tuple[float, float]:
        (start, end), (low, high) = self.times, self.values
        x = self.left + (time - start) / (end - start) * self.wide
        return x, self.top + (high - value) / (high - low) * self.high

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        return "M" + "L".join("{:.1f} {:.1f}".format(*self.at(*point)) for point in points)


def curves(panels: Mapping[str, Sequence[Curve]], label: str, series: Sequence[str] = ()) -> str:
    """Draw a panel for each of `panels`, two side by side: lines over time, with bands; all have one scale.

    `label` names the axes. `series` names the colours where there are several.
    """
    lines = [line for panel in panels.values() for line in panel]
    up = _ticks([v for line in lines for v in (*line.mean, *line.low, *line.high) if np.isfinite(v)])
    times = np.concatenate([np.zeros(1), *(line.times for line in lines)])
    start, end = float(times.min()), max(float(times.max()), 0.1)
    along = [tick for tick in _ticks([start, end]) if start <= tick <= end]
    wide = (WIDTH - 2 * _SIDE - _RIGHT) / 2
    parts = []
    for number, (name, drawn) in enumerate(panels.items()):
        left, top = _SIDE + (number % 2) * (wide + _SIDE), _TOP + 20 + (number // 2) * _PANEL
        panel = _Panel(left, top, wide, _PANEL - 66, (start, end), (up[0], up[-1]))
        parts += [_words(left, top - 8, name), *_grid(panel, up, along)]
        for part in (_band, _line):  # no band lies over a line
            parts += [path for line in drawn for path in part(line, panel)]
    bottom = _TOP + -(-len(panels) // 2) * _PANEL
    parts.append(_words(WIDTH / 2, bottom, label, "middle"))
    parts += _legend(series, [_COLORS[i % len(_COLORS)] for i in range(len(series))], bottom + 14)
    return _svg(bottom + (38 if series else 14), parts, " ".join((label, *panels, *series)))


def _grid(panel: _Panel, up: Sequence[float], along: Sequence[float]) -> Iterator[str]:
    start, end = panel.times
    for tick in up:
        strong = 'stroke-width="1.5"' if abs(tick) < 1e-9 else 'stroke-opacity=".35"'
        yield f'<path d="{panel.path([(start, tick), (end, tick)])}" stroke="{_SOFT}" {strong}/>'
        named = f"{tick:+g}" if tick and up[0] < 0 else f"{tick:g}"
        yield _words(panel.left - 8, panel.at(start, tick)[1] + 4, named, "end")
    for tick in along:
        yield _words(panel.at(tick, 0.0)[0], panel.top + panel.high + 16, f"{tick:g}", "middle")
    onset = panel.path([(0.0, up[0]), (0.0, up[-1])])
    yield f'<path d="{onset}" stroke="{_INK}" stroke-dasharray="3 3"/>'


def _band(line: Curve, panel: _Panel) -> Iterator[str]:
    color, times = _COLORS[line.series % len(_COLORS)], line.times.tolist()
    for run in _runs(np.isfinite(line.low)):
        there = [(times[at], float(line.high[at])) for at in run]
        back = [(times[at], float(line.low[at])) for at in run[::-1]]
        yield f'<path d="{panel.path([*there, *back])}Z" fill="{color}" fill-opacity=".18"/>'


def _line(line: Curve, panel: _Panel) -> Iterator[str]:
    color, times = _COLORS[line.series % len(_COLORS)], line.times.tolist()
    for run in _runs(np.isfinite(line.mean)):
        path = panel.path([(times[at], float(line.mean[at])) for at in run])
        yield f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2"/>'


def _runs(known: np.ndarray) -> Iterator[list[int]]:
    """Yield the places of each stretch that is known: a curve is broken where nobody is seen."""
    for run in np.split(np.arange(len(known)), np.flatnonzero(np.diff(known)) + 1):
        if len(run) and known[run[0]]:
            yield run.tolist()


def _legend(names: Sequence[str], colors: Sequence[str], y: float) -> list[str]:
    parts, x = [], float(_LEFT)
    for name, color in zip(names, colors, strict=True):
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="11" height="11" rx="2" fill="{color}"/>')
        parts.append(_words(x + 16, y + 10, name))
        x += 30 + 7.4 * len(name)
    return parts


def _ticks(values: Sequence[float]) -> list[float]:
    """Return four to eight round numbers around all values."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    reach = max(high - low, 0.04)
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 1e9) if reach / s <= 7)
    first, last = np.floor(low / step), max(np.ceil(high / step), np.floor(low / step) + 1)
    return [round(float(n * step), 6) for n in np.arange(first, last + 1)]
