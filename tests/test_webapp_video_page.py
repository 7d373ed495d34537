"""The result of a video as a page: it says what the files say, with a timeline, names and what is drawn."""

from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.labels import EMOTIONS
from emotion_core.results.recording import read_results, summarize
from emotion_core.types import Box, Face, Frame
from webapp.shared.i18n import Text
from webapp.shared.store import SavedFile
from webapp.video.batch import style_of
from webapp.video.result import result_html
from webapp.video.timeline import AWAY, columns_of, packed

EN = Text("en")


def table_of(folder: Path, labels: tuple[str, ...] = EMOTIONS, people: int = 1) -> pd.DataFrame:
    """Make results by hand: 100 frames at ten a second; each face is gone from 4 s to 6 s."""
    from emotion_core.results.recording import Recording

    path = folder / "made_results.json"
    with Recording.create(path, labels=labels) as recording:
        for i in range(100):
            best = labels[i // 50]
            rest = 0.2 / (len(labels) - 1)
            chances = tuple(0.8 if label == best else rest for label in labels)
            here = not 40 <= i < 60
            faces = [
                Face(k + 1, Box(5, 5, 20, 20), best, 0.8, chances, 0.25, 0.5, labels=labels)
                for k in range(people if here else 0)
            ]
            recording.append(Frame(np.zeros((30, 30, 3), np.uint8), i, i / 10), faces)
    return read_results(path)


def packed_of(held: list[list[float]], shares: list[float], duration: float) -> np.ndarray:
    count = len(held)
    return packed(np.array(held), np.array(shares)[:, None], np.tile([0.5, 0.2], (count, 1)), duration)


def test_columns_of_the_timeline_are_means_and_gaps_stay_gaps() -> None:
    rows = packed_of([[0.0, 0.1], [9.9, 0.1]], [1.0, 1.0], 10.0)
    seen = rows[:, 0] != AWAY
    assert rows.shape == (300, 3) and 6 <= seen.sum() <= 8 and seen[0] and seen[-1] and not seen[5:-5].any()
    assert (rows[~seen] == AWAY).all()
    slow = packed_of([[i / 2, 0.5] for i in range(20)], [1.0] * 20, 10.0)
    assert (slow[:, 0] == 250).all()  # a slow video has no stripes
    assert set(slow[:, 1]) <= {187, 188} and set(slow[:, 2]) == {50}  # valence 0.5 and arousal 0.2
    mixed = packed_of([[0.0, 0.5], [0.5, 1.5]], [1.0, 0.0], 2400.0)
    assert len(mixed) == 1200 and mixed[0, 0] == round(250 * 0.25)  # a column of 2 s, a quarter of it at 1


def test_a_short_clip_has_no_more_columns_than_pictures() -> None:
    assert (columns_of(0.0), columns_of(2.0), columns_of(3600.0)) == (1, 60, 1200)


def test_the_page_says_what_the_files_say(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    summary = summarize(table)
    files = [SavedFile("video", "made_emotions.mp4", "result/T/made_emotions.mp4")]
    html = result_html(table, summary, files, EN, dashboard="dashboard/?result=Q", problem=None)
    assert "Person 1" in html and "Time with a face" in html and "80 %" in html
    assert 'src="result/T/made_emotions.mp4"' in html and 'href="dashboard/?result=Q"' in html
    for moment in summary["faces"][0]["moments"]:
        assert f'data-seek="{moment["time"]}"' in html
    assert "Apparent expression, not what a person feels." in html and "people&#x27;s ratings" in html
    assert "+0.25" in html
    german = result_html(table, summary, files, Text("de"))
    assert "Wut" in german and "Der sichtbare Ausdruck" in german


def test_names_stand_wherever_a_person_does(tmp_path: Path) -> None:
    table = table_of(tmp_path, people=2)
    summary = summarize(table)
    summary["faces"][1]["name"] = "<Ada>"
    html = result_html(table, summary, [], EN, token="T" * 32)
    # Heading of the card, timeline, and each moment of hers.
    moments = sum(len(face["moments"]) for face in summary["faces"])
    assert html.count("&lt;Ada&gt;</span>") + html.count(">Person 1</span>") == 4 + min(10, moments)
    assert 'data-usual="Person 2">&lt;Ada&gt;' in html and "<Ada>" not in html
    assert 'value="&lt;Ada&gt;"' in html and 'aria-label="Name of person 1"' in html
    assert "data-name-of" not in result_html(table, summary, [], EN)  # a page without its files


def test_what_is_drawn_can_be_chosen() -> None:
    assert style_of("label", bars=True, va=True, points=False, pose=True).elements == {
        "objects", "box", "name", "pose",
    }  # fmt: skip
    style = style_of("nonsense", bars=False, va=False, points=True, pose=False)
    assert {"panel", "landmarks"} <= set(style.elements) and not style.bars and not style.va


def test_many_people_and_nobody(tmp_path: Path) -> None:
    table = table_of(tmp_path, people=12)
    html = result_html(table, summarize(table), [], EN)
    assert html.count('class="part person"') == 8 and "4 more faces" in html
    empty = table[table["face"].isna()]
    assert "No face was found" in result_html(empty, summarize(empty), [], EN)


def test_custom_categories_are_shown_by_their_own_names(tmp_path: Path) -> None:
    labels = ("Calm", "<Tense>", "Awe")
    table = table_of(tmp_path, labels=labels)
    html = result_html(table, summarize(table), [], EN)
    assert "Calm" in html and "&lt;Tense&gt;" in html and "<Tense>" not in html
