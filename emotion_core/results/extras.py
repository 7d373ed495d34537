"""What a record can hold beyond the usual on request, and the columns that this takes in a table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emotion_core.labels import BLENDSHAPES
from emotion_core.types import EmotionError, Face

KEY_POINTS = 50

COLUMNS: dict[str, tuple[str, ...]] = {
    "pose": ("pose_yaw", "pose_pitch", "pose_roll"),
    "blendshapes": tuple(f"blend_{name}" for name in BLENDSHAPES),
    "landmarks": tuple(f"landmark_{axis}_{at}" for at in range(KEY_POINTS) for axis in "xy"),
    "gaze": ("gaze_yaw",),
}
"""The columns of each: head pose and gaze in degrees, blendshapes in [0, 1], 50 key points in pixels."""

EXTRAS = tuple(COLUMNS)
"""The names by which they are asked for, which are also their keys in a record."""

NAME = "name"
"""The key and the column of what somebody called a person: text, there only where somebody did."""

NAMES = frozenset(name for names in COLUMNS.values() for name in names)

_KEYS: dict[str, tuple[str, ...]] = {
    "pose": ("yaw", "pitch", "roll"),
    "blendshapes": BLENDSHAPES,
    "gaze": ("yaw",),
}
"""What an extra's value in a record is called inside, in the order of its columns."""
_SIDES = {
    "pose_yaw": "Head turned to the viewer's right, degrees",
    "pose_pitch": "Head turned up, degrees",
    "pose_roll": "Head tilted clockwise, degrees",
    "gaze_yaw": "Eyes turned to the viewer's right in the head, degrees",
}


def check(names: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order of `EXTRAS`, each once; raises EmotionError for one that is none of them."""
    asked = set(names)
    if unknown := sorted(asked - set(EXTRAS)):
        raise EmotionError(
            f"{unknown[0]!r} is nothing that results can hold besides: choose from {', '.join(EXTRAS)}"
        )
    return tuple(name for name in EXTRAS if name in asked)


def columns(extras: Iterable[str]) -> list[str]:
    """Return the columns of extras, in order."""
    return [column for name in extras for column in COLUMNS.get(name, (name,))]


def of(face: Face, extras: Iterable[str]) -> dict[str, Any]:
    """Return what was asked for of a face, by key, ready for JSON; what it doesn't have is None."""
    found: dict[str, Any] = {}
    for name in extras:
        value: Any = getattr(face, name)
        if value is None:
            found[name] = None
        elif name in ("pose", "gaze"):
            found[name] = {turn: round(float(getattr(value, turn)), 2) for turn in _KEYS[name]}
        elif name == "blendshapes":
            found[name] = {shape: round(float(share), 4) for shape, share in value.items()}
        else:
            found[name] = tuple((round(float(x), 2), round(float(y), 2)) for x, y in value)
    return found


def flat(name: str, value: Any) -> Sequence[Any]:
    """Return the values of an extra's columns from what stands in a record; None for what is not there."""
    if name == NAME:
        return [value]
    nothing = (None,) * len(COLUMNS[name])
    if name == "landmarks":
        if not isinstance(value, (list, tuple)) or len(value) != KEY_POINTS:
            return nothing
        if not all(isinstance(point, (list, tuple)) and len(point) == 2 for point in value):
            return nothing
        return [number for point in value for number in point]
    return [value.get(key) for key in _KEYS[name]] if isinstance(value, Mapping) else nothing


def whole(name: str, numbers: Sequence[Any]) -> Any:
    """Return what stands in a record from the cells of its columns, or None where a number is missing."""
    if any(number is None or number != number for number in numbers):
        return None
    values = [float(number) for number in numbers if number is not None]
    if name == "landmarks":
        return tuple(zip(values[::2], values[1::2], strict=True))
    return dict(zip(_KEYS[name], values, strict=True))


def spoken(column: str) -> str | None:
    """Say in words what a column holds, in which unit; None for one that belongs to no extra."""
    if column not in NAMES:
        return None
    if column in _SIDES:
        return _SIDES[column]
    if column.startswith("blend_"):
        return f"Blendshape {column.removeprefix('blend_')}, 0 to 1"
    _, axis, at = column.split("_")
    return f"Key point {at}, {axis}, pixels"
