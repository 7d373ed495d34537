"""The overlay among many and small faces: whose label lies where, how large it is, and which words it has."""

import numpy as np
import pytest

from emotion_core.command.options import elements
from emotion_core.labels import EMOTIONS
from emotion_core.overlay import panels, sprites
from emotion_core.overlay.draw import DrawStyle, Memory, draw
from emotion_core.overlay.elements import ELEMENTS, LOOKS, defaults, of_look
from emotion_core.overlay.placement import NOWHERE, Planner, Rect, overlap
from emotion_core.types import Box, Face


def one(box: Rect, id: int = 1, emotion: str = "Surprise") -> Face:
    shares = tuple(0.7 if label == emotion else 0.05 for label in EMOTIONS)
    left, top, right, bottom = box
    return Face(id, Box(left, top, right - left, bottom - top), emotion, 0.7, shares, 0.5, 0.4)


def plan_of(boxes: list[Rect], size: tuple[int, int]) -> list[tuple[str, Rect]]:
    """Place the real panels of faces in a frame of a size (w, h); gives slot and rectangle of each."""
    faces = [one(box, id) for id, box in enumerate(boxes, 1)]
    sizes = panels.sizes_beside(boxes, [face.id for face in faces], size, 1.0, None)
    card = panels.Chooser(faces, sizes, True, True, True)
    planner = Planner(size, boxes, card.size, panels.LEVELS, 6, short=panels.LEVELS)
    return [(place.slot, place.rect) for place in planner.solve(range(len(boxes)))]


def test_no_label_lies_over_a_neighbour_or_its_label() -> None:
    rng = np.random.default_rng(3)
    nowhere = drawn = 0
    for _ in range(150):
        size = (int(rng.integers(200, 900)), int(rng.integers(150, 600)))
        corners = rng.uniform(0, 0.8, (int(rng.integers(2, 30)), 2)) * size
        boxes = [(int(x), int(y), int(x) + 60, int(y) + 75) for x, y in corners]
        plan = plan_of(boxes, size)
        rects = [rect for slot, rect in plan if slot != NOWHERE]
        nowhere += len(plan) - len(rects)
        drawn += len(rects)
        for i, (slot, rect) in enumerate(plan):
            if slot != NOWHERE:
                others = [box for k, box in enumerate(boxes) if k != i]
                assert not any(overlap(rect, other) for other in others)
                assert not any(overlap(rect, other) for other in rects if other is not rect)
    assert nowhere and drawn > 3 * nowhere  # rows of overlapping heads have no room for every label


def test_two_faces_that_fill_the_frame_have_their_own_labels() -> None:
    (_, left), (_, right) = plan_of([(0, 0, 318, 478), (322, 0, 640, 478)], (640, 480))
    assert left[2] <= 322 and right[0] >= 318


def test_labels_are_smaller_beside_smaller_faces() -> None:
    boxes = [(100, 300, 400, 700), (1200, 400, 1260, 475)]
    large, small = panels.sizes_beside(boxes, [1, 2], (1920, 1080), 1.0, None)
    assert large == panels.Metrics.of(1920, 1080) and small.row < 0.7 * large.row
    assert small.row >= 10, "letters of less than ten pixels can't be read"
    (tiny,) = panels.sizes_beside([(5, 5, 25, 30)], [1], (320, 240), 1.0, None)
    assert tiny.row >= 10


def test_a_face_that_sways_in_size_keeps_the_size_of_its_letters() -> None:
    memory, seen = Memory(), set()
    edge = panels.STEPS[1] * panels._letter(1920, 1080) / panels._BESIDE  # height where two steps meet
    for i in range(60):
        high = round(edge * (1 + 0.05 * np.sin(i)))
        (sizes,) = panels.sizes_beside([(0, 0, 200, high)], [7], (1920, 1080), 1.0, memory.steps)
        seen.add(sizes.row)
    assert len(seen) == 1
    (near,) = panels.sizes_beside([(0, 0, 500, 900)], [7], (1920, 1080), 1.0, memory.steps)
    assert near.row > seen.pop()
    panels.sizes_beside([], [], (1920, 1080), 1.0, memory.steps)
    assert memory.steps == {}


@pytest.mark.parametrize("level", [0, 1])
def test_words_are_whole_in_every_panel(level: int) -> None:
    metrics = panels.Metrics.of(640, 480)
    panel = panels.Chooser([one((50, 50, 200, 250))], [metrics], True, True, True).panel(0, level)
    assert panel is not None
    pictures = [sprite for sprite, _, _ in panel.parts]
    for word in (*EMOTIONS, "Valence", "Arousal"):
        inks = (panels.PAPER, panels.DIM)
        assert any(
            sprites.text(word, metrics.row, ink, 0.0) is picture for ink in inks for picture in pictures
        ), word


def test_three_looks_show_ever_less(astronaut: np.ndarray) -> None:
    height, width = astronaut.shape[:2]
    face = one((width // 3, height // 6, width // 2, height // 2))
    changed = [
        int((draw(astronaut, [face], style=DrawStyle(of_look(look))) != astronaut).any(-1).sum())
        for look in LOOKS
    ]
    assert list(LOOKS) == ["full", "label", "frame"] and changed[0] > 2 * changed[1] > 2 * changed[2] > 0
    assert of_look("full") == defaults() and set(elements("full")) == defaults()
    assert elements("label,pose") == tuple(n for n in ELEMENTS if n in of_look("label") | {"pose"})
