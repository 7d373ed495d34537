"""The overlay: where it may be, what it must show, at every size, and that it is quick enough to matter."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emotion_core.labels import EMOTIONS
from emotion_core.overlay import panels, sprites
from emotion_core.overlay.draw import DrawStyle, draw, hide, mirrored, scaled
from emotion_core.overlay.elements import ELEMENTS
from emotion_core.overlay.placement import Memory, Planner, overlap, spot
from emotion_core.palette import ACCENT, UNCERTAIN, color_of, rgb
from emotion_core.types import Box, DetectedObject, EmotionError, Face, Frame, Pose

SIZES = [(320, 240), (640, 480), (1280, 720), (3840, 2160), (480, 853)]


def face(
    box: Box,
    emotion: str = "Happy",
    *,
    id: int = 1,
    share: float = 0.7,
    labels: tuple[str, ...] = EMOTIONS,
    uncertain: bool = False,
    **more: object,
) -> Face:
    rest = (1 - share) / (len(labels) - 1) if len(labels) > 1 else 0.0
    shares = tuple(share if label == emotion else rest for label in labels)
    return Face(id, box, emotion, share, shares, 0.62, 0.4, labels, uncertain, **more)  # type: ignore[arg-type]


def grid(width: int, height: int, count: int) -> list[Face]:
    """Faces in rows of four, with free room around each."""
    rows = -(-count // 4)
    side = height / 8
    return [
        face(
            Box((i % 4 + 0.3) * width / 4, (i // 4 + 0.35) * height / rows, side, side * 1.2),
            EMOTIONS[i % 7],
            id=i + 1,
        )
        for i in range(count)
    ]


def inner(f: Face, share: float = 0.2) -> tuple[slice, slice]:
    """The part of the picture that holds the face itself, without the box's own lines."""
    b = f.box
    dx, dy = b.width * share, b.height * share
    return slice(int(b.y + dy), int(b.y + b.height - dy)), slice(int(b.x + dx), int(b.x + b.width - dx))


def count_color(image: np.ndarray, color: str) -> int:
    return int((np.abs(image.astype(int) - rgb(color)).max(-1) <= 3).sum())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("tone", "count"), [(0, 1), (255, 3), (128, 12), (255, 0)])
def test_makes_a_new_picture_and_covers_no_face(size: tuple[int, int], tone: int, count: int) -> None:
    width, height = size
    image = np.full((height, width, 3), tone, np.uint8)
    before = image.copy()
    faces = grid(width, height, count)
    shown = draw(Frame(image), faces, fps=30.0)
    assert shown.shape == image.shape and shown.dtype == np.uint8 and shown.flags.c_contiguous
    assert np.array_equal(image, before)
    assert np.any(shown != image)
    crowded = count == 12 and width < 500  # there is no room beside some of them
    for f in faces[: 4 if crowded else count]:
        assert np.all(shown[inner(f)] == tone), "a panel lies over a face"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tone", [0, 255])
def test_text_reads_on_dark_and_on_bright(size: tuple[int, int], tone: int) -> None:
    width, height = size
    one = face(Box(width * 0.3, height * 0.3, width * 0.15, height * 0.3))
    shown = draw(np.full((height, width, 3), tone, np.uint8), [one])
    metrics = panels.Metrics.of(width, height)
    plate, ink = _plate_and_ink(shown, one, metrics)
    assert metrics.row >= 10, "letters of less than ten pixels can't be read"
    assert _contrast(plate, ink) >= 4.5  # WCAG AA for text


def _plate_and_ink(
    shown: np.ndarray, one: Face, metrics: panels.Metrics
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    right = int(one.box.x + one.box.width + metrics.gap + 2)
    top = int(one.box.y + 2)
    region = shown[top : top + 4 * metrics.row, right : right + 4 * metrics.row].reshape(-1, 3)
    light = region.sum(1)
    return tuple(np.median(region, 0).astype(int)), tuple(region[light.argmax()])


def _contrast(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    def luminance(color: tuple[int, ...]) -> float:
        c = np.asarray(color) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_shows_each_probability_as_a_bar_in_its_colour() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    seven = face(Box(100, 100, 150, 200), share=0.4)
    shown = draw(image, [seven])
    for label in EMOTIONS:
        assert count_color(shown, color_of(label)) > 8, f"no bar for {label}"
    happy, angry = (count_color(shown[:, 260:], color_of(label)) for label in ("Happy", "Angry"))
    assert happy > 2 * angry
    without = draw(image, [seven], style=DrawStyle(bars=False))
    assert count_color(without, color_of("Angry")) == 0


def test_a_wider_share_is_a_longer_bar() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    lengths = [
        count_color(draw(image, [face(Box(100, 100, 150, 200), share=s)])[140:, 260:], color_of("Happy"))
        for s in (0.2, 0.5, 0.9)
    ]
    assert lengths[0] < lengths[1] < lengths[2]


@pytest.mark.parametrize(
    "labels",
    [
        ("Calm",),
        ("yes", "no"),
        tuple(f"state {i}" for i in range(12)),
        tuple(f"very long category name number {i}" for i in range(40)),
        ("enojado", "niño", "Страх", "高兴", "खुश", ""),
    ],
)
def test_any_labels(labels: tuple[str, ...]) -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    custom = face(Box(40, 100, 150, 200), labels[0], labels=labels, share=1.0 if len(labels) == 1 else 0.6)
    assert np.any(draw(image, [custom]) != image)


def test_an_uncertain_answer_says_so_in_a_colour_of_its_own() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    sure = face(Box(100, 100, 150, 200))
    unsure = replace(sure, uncertain=True)
    style = DrawStyle(bars=False)
    assert count_color(draw(image, [sure], style=style), color_of("Happy")) > 50
    shown = draw(image, [unsure], style=style)
    assert count_color(shown, color_of("Happy")) == 0 and count_color(shown, UNCERTAIN) > 50
    metrics = panels.Metrics.of(640, 480)
    choosers = [panels.Chooser([one], [metrics], False, False, False) for one in (sure, unsure)]
    tags = [chooser.size(0, panels.LEVELS - 1) for chooser in choosers]
    names = [
        sprites.text_width(f"{name} {sure.confidence:.0%}", metrics.row) for name in ("Happy", "Uncertain")
    ]
    assert tags[0] and tags[1] and tags[1][0] - tags[0][0] == names[1] - names[0] > 0


def test_switches_do_what_they_say() -> None:
    image = np.full((480, 640, 3), 60, np.uint8)
    image[100:300, 100:250] = np.random.default_rng(2).integers(0, 60, (200, 150, 3))
    points = np.stack([np.linspace(130, 220, 50), np.linspace(150, 280, 50)], 1)
    one = face(Box(100, 100, 150, 200), landmarks=points, pose=Pose(20, 5, 3))
    thing = [
        DetectedObject("bus", 0.8, Box(300, 30, 300, 60)),
        DetectedObject("person", 0.8, Box(5, 5, 90, 400)),
    ]
    full = draw(image, [one], thing, fps=30, latency_ms=12)
    changes: dict[str, Any] = {
        "bars": False,
        "va": False,
        "hide_faces": True,
        "people": False,
        "mirror": True,
        "scale": 1.5,
    }
    pictures = {
        name: draw(image, [one], thing, fps=30, latency_ms=12, style=replace(DrawStyle(), **{name: value}))
        for name, value in changes.items()
    }
    pictures |= {
        name: draw(image, [one], thing, fps=30, latency_ms=12, style=DrawStyle().switched(name))
        for name in set(ELEMENTS) - {"name"}
    }
    for name, picture in pictures.items():
        assert np.any(picture != full), f"{name} changes nothing"
    assert count_color(pictures["objects"], ACCENT) == 0 < count_color(pictures["people"], ACCENT)
    assert np.any(draw(image, [one]) != draw(image, [one], fps=30))
    with pytest.raises(ValueError, match="scale"):
        DrawStyle(scale=0)
    with pytest.raises(EmotionError, match="'halo' is no element of the overlay: choose from objects, "):
        DrawStyle({"halo", "box"})


def test_hidden_faces_keep_nothing_that_identifies(zidane_path: Path) -> None:
    from emotion_core.faces.finder import FaceFinder

    image = np.asarray(Image.open(zidane_path).convert("RGB"))
    finder = FaceFinder(mesh=False)
    found = finder.detect(image)
    assert len(found) == 2
    faces = [face(f.box, id=i) for i, f in enumerate(found)]
    hidden = draw(image, faces, style=DrawStyle({"box", "name"}, hide_faces=True))
    assert finder.detect(hidden) == []
    for f in faces:
        part = hidden[inner(f, 0.25)].reshape(-1, 3)
        assert len(np.unique(part, axis=0)) <= 20, "more than a few blocks are left of a face"
    # The overlay stays.
    assert count_color(hidden, color_of("Happy")) > 100


def test_hidden_faces_leave_their_landmarks_out() -> None:
    image = np.full((480, 640, 3), 60, np.uint8)
    points = np.stack([np.linspace(130, 220, 50), np.linspace(150, 280, 50)], 1)
    one = face(Box(100, 100, 150, 200), landmarks=points)
    style = DrawStyle(hide_faces=True)
    assert np.array_equal(
        draw(image, [one], style=style.switched("landmarks")), draw(image, [one], style=style)
    )


@pytest.mark.parametrize("mirror", [False, True])
def test_a_face_that_is_lost_stays_hidden_for_a_second(mirror: bool) -> None:
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    one = face(Box(40, 50, 100, 80))
    style = DrawStyle((), hide_faces=True, mirror=mirror)
    plain = draw(image, [], style=style)
    memory = Memory()
    first = draw(Frame(image, 0, 5.0), [one], style=style, memory=memory)
    assert (first != plain).any()
    lost = draw(Frame(image, 1, 5.9), [], style=style, memory=memory)
    assert np.array_equal(lost, first)
    assert np.array_equal(draw(Frame(image, 1, 6.1), [], style=style, memory=memory), plain)
    # A window that has become larger, and a clock that was set back.
    draw(Frame(image, 2, 9.0), [one], style=style, memory=memory)
    large = draw(Frame(np.repeat(image, 2, 0).repeat(2, 1), 3, 9.1), [], style=style, memory=memory)
    assert (large[::2, ::2] == first).mean() > 0.99 > (large[::2, ::2] == plain).mean()
    assert np.array_equal(draw(Frame(image, 4, 1.0), [], style=style, memory=memory), plain)


@pytest.mark.parametrize("box", [(-50, -50, 30, 30), (0, 0, 1, 1), (5, 5, 500, 500), (63, 47, 10, 10)])
def test_hide_stays_inside_the_picture(box: tuple[int, int, int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    hide(image, box)
    assert image.shape == (48, 64, 3)


def test_mirror_turns_the_picture_and_not_the_text() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[:, :320] = 40
    one = face(Box(50, 100, 150, 200), pose=Pose(20, 0, 5))
    (turned,), _ = mirrored([one], [], 640)
    assert turned.box == Box(440, 100, 150, 200) and turned.pose == Pose(-20, 0, -5)
    flipped = np.ascontiguousarray(image[:, ::-1])
    assert np.array_equal(draw(image, [one], style=DrawStyle(mirror=True)), draw(flipped, [turned]))


def test_scaled_moves_everything_with_the_picture() -> None:
    one = face(Box(10, 20, 30, 40), landmarks=np.ones((50, 2)))
    faces, things = scaled([one], [DetectedObject("bus", 0.5, Box(1, 2, 3, 4))], 2, 3)
    assert faces[0].box == Box(20, 60, 60, 120) and things[0].box == Box(2, 6, 6, 12)
    assert faces[0].landmarks is not None and faces[0].landmarks[0].tolist() == [2, 3]


def test_nothing_breaks_at_the_edges() -> None:
    rng = np.random.default_rng(5)
    for _ in range(150):
        width, height = (int(v) for v in rng.integers(1, 300, 2))
        faces = [
            face(
                Box(*rng.uniform(-150, 300, 2), *rng.uniform(0.1, 400, 2)),
                str(rng.choice(EMOTIONS)),
                id=i,
                landmarks=rng.uniform(-1e6, 1e6, (50, 2)),
                pose=Pose(*rng.uniform(-90, 90, 3)),
            )
            for i in range(int(rng.integers(0, 9)))
        ]
        things = [
            DetectedObject("potted plant", 0.5, Box(*rng.uniform(-99, 300, 2), *rng.uniform(1, 400, 2)))
        ]
        chosen = rng.choice(list(ELEMENTS), int(rng.integers(len(ELEMENTS) + 1)), replace=False)
        style = DrawStyle(chosen.tolist(), hide_faces=bool(rng.integers(2)), scale=float(rng.uniform(0.5, 3)))
        image = np.zeros((height, width, 3), np.uint8)
        assert draw(image, faces, things, fps=9.9, style=style, memory={}).shape == image.shape


def test_refuses_what_is_no_rgb_picture() -> None:
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)):
        with pytest.raises(ValueError, match="RGB uint8"):
            draw(wrong, [])


def test_read_only_and_turned_views_are_fine() -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    image.flags.writeable = False
    one = face(Box(20, 20, 40, 50))
    assert np.array_equal(draw(image, [one]), draw(image[::-1, ::-1], [one]))


# Placement


def test_panels_meet_neither_faces_nor_one_another() -> None:
    rng = np.random.default_rng(1)
    sizes = [(220, 250), (100, 250), (330, 60), (180, 50), (120, 26), (70, 26)]
    offer = lambda i, level: sizes[level]  # noqa: E731
    clean = 0
    for _ in range(200):
        boxes = [
            (int(x), int(y), int(x) + 70, int(y) + 90) for x, y in rng.uniform((0, 0), (1200, 620), (4, 2))
        ]
        if any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i]):
            continue
        plan = Planner((1280, 720), boxes, offer, 6, 6, [(0, 0, 80, 30)]).solve(range(4))
        rects = [place.rect for place in plan]
        for i, rect in enumerate(rects):
            assert rect[0] >= 0 and rect[1] >= 0 and rect[2] <= 1280 and rect[3] <= 720
            assert not any(overlap(rect, other) for other in rects[:i])
            assert not any(overlap(rect, box) for box in boxes)
        clean += 1
    assert clean > 100


def test_memory_keeps_a_panel_on_its_side() -> None:
    """A face that sways about the width at which its panel still fits must not make the panel jump."""
    size, frame = (200, 200), (640, 480)
    offer = lambda i, level: (size, (90, 24))[level]  # noqa: E731

    def slots(memory: dict[int, tuple[int, str]] | None) -> list[str]:
        out = []
        for k in range(40):
            x = 310 + (3 if k % 2 else -3)  # right of it: 640 - 6 - 200 - 6 - 120 = 308
            box = (x, 100, x + 120, 250)
            out.append(Planner(frame, [box], offer, 2, 6).solve([7], memory)[0].slot)
        return out

    jumps = [sum(a != b for a, b in zip(s, s[1:], strict=False)) for s in (slots(None), slots({}))]
    assert jumps[0] > 10 and jumps[1] <= 1


def test_spot_gives_up_where_the_frame_ends() -> None:
    assert spot("right", (500, 10, 630, 100), (50, 50), (640, 480), 4) is None
    assert spot("left", (500, 10, 630, 100), (50, 50), (640, 480), 4) == (446, 10, 496, 60)


# Text


def test_text_is_as_wide_as_it_says_and_not_empty() -> None:
    for line in ("Happy", "93%", "+0.62", "-1.00", "31 fps · 24 ms", "Überraschung", "Страх"):
        sprite = sprites.text(line, 20, (255, 255, 255))
        assert sprite.width == sprites.text_width(line, 20)
        assert sprite.add.max() > 200
        assert not sprite.add[:, -1].max() > 250  # nothing is cut off at the right


def test_blend_at_the_edges_equals_a_cut() -> None:
    sprite = sprites.plate(20, 10, 3, (10, 20, 30), 0.7, 1)
    large, small = np.full((40, 60, 3), 200, np.uint8), np.full((20, 30, 3), 200, np.uint8)
    for x, y in ((-5, -4), (25, 15), (20, -3), (99, 99)):
        big = large.copy()
        sprites.blend(big, sprite, x + 10, y + 10)
        cut = small.copy()
        sprites.blend(cut, sprite, x, y)
        assert np.array_equal(cut, big[10:30, 10:40])


def test_a_picture_that_nobody_needs_any_more_is_drawn_onto(astronaut):
    face = Face(1, Box(180, 60, 90, 120), "Happy", 0.7, (0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05), 0.5, 0.6)
    image, kept = astronaut.copy(), astronaut.copy()
    expected = draw(image, [face])
    assert np.array_equal(image, kept)
    assert draw(image, [face], in_place=True) is image and np.array_equal(image, expected)
    kept.flags.writeable = False
    assert np.array_equal(draw(kept, [face], in_place=True), expected)
