"""Where the overlay's panels go: beside, below or above their face, never over a face if that can be had.

Everything here is plain rectangles (left, top, right, bottom) in pixels; what is drawn in them is draw.py's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Rect = tuple[int, int, int, int]
Size = tuple[int, int]

SLOTS = ("right", "left", "below", "above", "right-low", "left-low", "below-end", "above-end")
EDGES = ("bottom-right", "bottom-left", "top-right", "top-left", "bottom", "top")
CLOSE = 0.15  # the share of a lone face's box, at each side, that a panel may cover where nothing is free
INSIDE = ("inside-bottom", "inside-top")
NOWHERE = "nowhere"
"""The slot of a face for which there is no room: nothing is drawn for it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One panel: which of the offered sizes it has, in which slot it lies, and its rectangle."""

    level: int
    slot: str
    rect: Rect


class Memory(dict[int, tuple[int, str]]):
    """Face id -> (level, slot) of the frame before, so that panels don't jump; plain data, one per stream.

    `seen` is face id -> (time in seconds; x, y, width and height as shares of the frame), so that a face
    which is lost for a moment stays hidden. `steps` is face id -> how large its letters are, a share of the
    frame's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[int, tuple[float, float, float, float, float]] = {}
        self.steps: dict[int, float] = {}


def area(rect: Rect) -> int:
    """Compute the area in square pixels; 0 for an empty rectangle."""
    return max(0, rect[2] - rect[0]) * max(0, rect[3] - rect[1])


def overlap(a: Rect, b: Rect) -> int:
    """Compute the area in square pixels that two rectangles share."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0


def _grow(rect: Rect, share: float) -> Rect:
    dx, dy = round((rect[2] - rect[0]) * share), round((rect[3] - rect[1]) * share)
    return rect[0] - dx, rect[1] - dy, rect[2] + dx, rect[3] + dy


def _free(rect: Rect, taken: Sequence[Rect]) -> bool:
    left, top, right, bottom = rect
    return all(right <= t[0] or t[2] <= left or bottom <= t[1] or t[3] <= top for t in taken)


def spot(slot: str, face: Rect, size: Size, frame: Size, gap: int) -> Rect | None:
    """Give the rectangle of `size` (w, h) in a slot of `face`, or None where the frame (w, h) ends before."""
    (w, h), (width, height) = size, frame
    left, top, right, bottom = face
    if w + 2 * gap > width or h + 2 * gap > height:
        return None
    side, _, end = slot.partition("-")
    if side == "right":
        x, y = right + gap, bottom - h if end else top
    elif side == "left":
        x, y = left - gap - w, bottom - h if end else top
    elif side == "below":
        x, y = right - w if end else (left + right - w) // 2, bottom + gap
    elif side == "above":
        x, y = right - w if end else (left + right - w) // 2, top - gap - h
    elif side == "inside":
        x = (left + right - w) // 2
        y = min(bottom, height - gap) - h - gap if end == "bottom" else max(top, gap) + gap
    else:
        x = {"left": gap, "right": width - gap - w}.get(end, (width - w) // 2)
        y = gap if side == "top" else height - gap - h
    # Beside a face a panel may slide up or down to stay in the frame, above and below it sideways.
    if side in ("right", "left"):
        y = min(max(y, gap), height - gap - h)
        if x < gap or x + w > width - gap or y >= bottom or y + h <= top:
            return None
    else:
        x = min(max(x, gap), width - gap - w)
        if side == "inside":
            y = min(max(y, gap), height - gap - h)
        elif y < gap or y + h > height - gap:
            return None
    return x, y, x + w, y + h


class Planner:
    """Places one panel per face in a frame of (w, h) pixels, `gap` pixels apart.

    `offer(i, level)` gives the size that face i's panel has at a level, or None where it has none; it is
    asked only for what is tried. Level 0 is the richest, `levels` - 1 a label of one line; `short` is the
    level of something smaller for a face that has no room for that. `reserved` rectangles are kept free.
    """

    def __init__(
        self,
        frame: Size,
        faces: Sequence[Rect],
        offer: Callable[[int, int], Size | None],
        levels: int,
        gap: int,
        reserved: Sequence[Rect] = (),
        *,
        short: int | None = None,
    ) -> None:
        self.frame, self.faces, self.offer, self.gap = frame, list(faces), offer, gap
        self.reserved = list(reserved)
        self.levels = levels
        self.least = [levels - 1] if short is None else [levels - 1, short]
        # Many faces get labels only: panels for some would read as if these were the ones meant.
        self.richest = 0 if len(faces) <= 6 else levels - 1
        # The largest faces choose first: they are the ones that a viewer looks at.
        self.order = sorted(range(len(faces)), key=lambda i: -area(self.faces[i]))

    def solve(self, ids: Sequence[int], memory: dict[int, tuple[int, str]] | None = None) -> list[Placed]:
        """Place every face; with a `memory`, keep last frame's layout while it is as good."""
        kept = self._remembered(ids, memory) if memory else None
        if kept is not None:
            # To move, a layout must be better with room to spare, or it would flip back at once; to cover a
            # part of a face counts as worse than anything that does not.
            covers = any(overlap(p.rect, _grow(face, -0.05)) for p in kept for face in self.faces)
            total = self.levels - 1 if covers else sum(p.level for p in kept)
            wide = self._uniform([_grow(face, 0.03) for face in self.faces]) if total else None
            if wide is None or sum(p.level for p in wide) >= total:
                return kept
        plan = self._uniform(self.faces)
        if len(self.faces) == 1 and (plan is None or plan[0].level >= self.levels - 1):
            # A face that fills the frame: bars over its hair or chin tell more than none.
            plan = self._uniform([_grow(self.faces[0], -CLOSE)]) or plan
        plan = plan or self._mixed()
        if memory is not None:
            memory.clear()
            memory.update({i: (p.level, p.slot) for i, p in zip(ids, plan, strict=True)})
        return plan

    def _slots(self) -> tuple[str, ...]:
        return SLOTS + EDGES if len(self.faces) == 1 else SLOTS

    def _try(self, i: int, level: int, taken: Sequence[Rect]) -> Placed | None:
        size = self.offer(i, level)
        if size is None:
            return None
        for slot in self._slots():
            rect = spot(slot, self.faces[i], size, self.frame, self.gap)
            if rect is not None and _free(rect, taken):
                return Placed(level, slot, rect)
        return None

    def _remembered(self, ids: Sequence[int], memory: dict[int, tuple[int, str]]) -> list[Placed] | None:
        lone = len(ids) == 1 and ids[0] in memory and memory[ids[0]][1] in EDGES
        keep_out = [_grow(face, -0.04 - CLOSE * lone) for face in self.faces]
        taken, plan = keep_out + self.reserved, []
        for i, identity in enumerate(ids):
            if identity not in memory:
                return None
            level, slot = memory[identity]
            if level >= self.levels or slot in INSIDE or slot == NOWHERE:
                return None
            size = self.offer(i, level)
            rect = spot(slot, keep_out[i], size, self.frame, self.gap) if size else None
            if rect is None or not _free(rect, taken):
                return None
            plan.append(Placed(level, slot, rect))
            taken.append(rect)
        return plan

    def _uniform(self, faces: Sequence[Rect]) -> list[Placed] | None:
        """One richness for every face, the richest for which all have room: a calm picture."""
        for level in range(self.richest, self.levels):
            taken, places = list(faces) + self.reserved, {}
            for i in self.order:
                place = self._try(i, level, taken)
                if place is None:
                    break
                places[i] = place
                taken.append(place.rect)
            else:
                return [places[i] for i in range(len(faces))]
        return None

    def _mixed(self) -> list[Placed]:
        """Labels for all first, then richer panels for the largest faces where room remains."""
        taken, places = self.faces + self.reserved, {}
        last = self.levels - 1
        for i in self.order:
            place = self._try(i, last, taken) or self._least_bad(i, taken)
            places[i] = place
            taken = [*taken, place.rect] if place.slot != NOWHERE else taken
        for i in self.order:
            if places[i].slot == NOWHERE:
                continue
            others = [rect for rect in taken if rect is not places[i].rect]
            tries = (self._try(i, level, others) for level in range(self.richest, last))
            better = next((place for place in tries if place is not None), None)
            if better is not None:
                places[i] = better
                taken = [*others, better.rect]
        return [places[i] for i in range(len(self.faces))]

    def _least_bad(self, i: int, taken: Sequence[Rect]) -> Placed:
        """No free room: over the own face, as little as can be; never over another's, nor over its label."""
        own = self.faces[i]
        others = [rect for rect in taken if rect is not own]
        for level in self.least:
            size = self.offer(i, level)
            assert size is not None  # the caller always offers a label
            found = [(slot, spot(slot, own, size, self.frame, self.gap)) for slot in INSIDE + SLOTS]
            free = [(slot, rect) for slot, rect in found if rect is not None and _free(rect, others)]
            if free:
                slot, rect = min(free, key=lambda place: overlap(place[1], own))
                return Placed(level, slot, rect)
        if others:
            return Placed(self.levels - 1, NOWHERE, (0, 0, 0, 0))
        # A frame smaller than one label: its corner.
        size = self.offer(i, self.levels - 1)
        assert size is not None
        return Placed(self.levels - 1, INSIDE[0], (0, 0, size[0], size[1]))
