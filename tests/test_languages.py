"""Charts, report and dashboard in every language: nothing is left in English, numbers are of the place."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from emotion_core.analytics import MEASURES, agreement, figures, loading, moments, sample
from emotion_core.analytics import compare as comparing
from emotion_core.analytics.agreeing import agree
from emotion_core.analytics.events import events_of
from emotion_core.analytics.study_responses import study_responses
from emotion_core.labels import EMOTIONS
from tests.dashboards import opener
from tests.tables import write_json
from webapp.dashboard.pages import PAGES
from webapp.shared import i18n, speech
from webapp.shared.report import report_html

OTHERS = [code for code in i18n.LANGUAGES if code != "en"]
NAMES = re.compile(r"\{\w+\}")


def english(language: str) -> list[str]:
    """Give the English texts that no text of `language` is the same as."""
    own = i18n.words(language)
    texts = {
        text for key, text in i18n.words("en").items() if own[key] != text and not key.startswith("form.")
    }
    spoken = set(own.values())
    return [text for text in texts if text not in spoken]


def left_in_english(said: list[str], language: str) -> list[str]:
    """Give what of `said` is an English text, or holds a whole English sentence."""
    whole = english(language)
    forms = [re.compile(".+?".join(map(re.escape, NAMES.split(text)))) for text in whole]
    long = [form for form, text in zip(forms, whole, strict=True) if len(NAMES.sub("", text).split()) > 3]
    found = [text for text in said if any(form.fullmatch(text.strip(" *.")) for form in forms)]
    return found + [text for text in said if any(form.search(text) for form in long)]


SETTINGS = {
    "meta",
    "legendgroup",
    "type",
    "mode",
    "anchor",
    "xanchor",
    "yanchor",
    "align",
    "side",
    "textposition",
    "bdata",
}


def strings(value: Any) -> Iterator[str]:
    """Give every string inside a figure, but not the names of its settings."""
    if isinstance(value, str):
        yield from re.split(r"<[^>]+>", value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in SETTINGS:
                yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def texts_of(app: Any) -> list[str]:
    """Give what a page of the dashboard says: texts, labels, helps, headings of tables, charts."""
    said = []
    for element in [*app.main, *app.sidebar]:
        proto = element.proto
        said += [str(getattr(proto, name, "") or "") for name in ("body", "label", "help", "placeholder")]
        said += [str(option) for option in getattr(proto, "options", ()) if isinstance(option, str)]
        if element.type == "arrow_data_frame":
            said += map(str, element.value.columns)
        if element.type == "plotly_chart":
            said += strings(json.loads(proto.spec))
    return [text for text in said if text.strip()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("spoken")
    for number in (1, 2):
        write_json(sample.make_recording(40, fps=15, seed=number), place / f"talk_{number}_results.json")
    return place


def test_the_search_finds_what_is_english() -> None:
    assert left_in_english(["Faces found", "Gesichter gefunden", "No file at hand?"], "de") == [
        "Faces found",
        "No file at hand?",
        "No file at hand?",
    ]


@pytest.mark.parametrize(
    ("page", "language"), [(name, ("hi", "de")[place % 2]) for place, name in enumerate(PAGES)]
)
def test_no_page_is_left_in_english(
    page: str, language: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [path.name for path in sorted(folder.glob("*_results.json"))]
    app = opener(monkeypatch)(page, folder=folder, open=names, language=language, marks="1")
    said = texts_of(app)
    assert len(said) > 10, "the search looks past the page"
    assert left_in_english(said, language) == []


@pytest.mark.parametrize("language", ["de", "hi"])
def test_responses_are_not_left_in_english(
    language: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [path.name for path in sorted(folder.glob("*_results.json"))]
    app = opener(monkeypatch)(
        "events", folder=folder, open=names, language=language, event_groups="talk_{tag}_*"
    )
    rows = b"onset,name\n0.5,a1\n9,b1\n17,a1\n25,b1\n33,b1\n"
    app.file_uploader(key="events_file").upload("events.csv", rows, "text/csv").run()
    assert not app.exception and len(app.get("plotly_chart")) == 2 and len(app.dataframe) == 2
    assert left_in_english(texts_of(app), language) == []


def test_the_search_finds_a_page_in_english(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opener(monkeypatch)("people", folder=folder, open="talk_1_results.json")
    found = set(left_in_english(texts_of(app), "de"))
    assert found >= {
        "In figures",
        "Best lag",
        "Time (s)",
        "Happy",
        "**Apparent expression, not what a person feels.**",
    }


@pytest.mark.parametrize("language", OTHERS)
def test_the_report_is_in_its_language(language: str) -> None:
    frame = sample.make_recording(60, fps=15)
    with speech.speaking(language):
        page = report_html(frame, {"model": "m"}, title="talk")
    assert f'<html lang="{language}">' in page
    text = page.split("<main>")[1].split("</main>")[0]
    figures_in = [
        json.loads(part) for part in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text)
    ]
    assert len(figures_in) >= 4
    said = re.split(r"<[^>]+>|\n", re.sub(r"<script.*?</script>", "", text))
    said = [part.strip() for part in said if part.strip()] + [
        t for figure in figures_in for t in strings(figure)
    ]
    assert left_in_english([part for part in said if part.strip()], language) == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_library_says_is_translated(language: str) -> None:
    names = [*figures.QUADRANTS, figures.CENTRE, moments.FLASH_CAUTION]
    names += [text for m in MEASURES for text in (m.name, m.label, m.about)]
    names += [comparing.size_in_words(g) for g in (0.1, 0.3, 0.6, 2.0, float("nan"))]
    names += [note for n in (1, 3, 9) for note in comparing.cautions({"A": n})]
    found = moments.moments(loading.check(sample.make_recording(), name="made").frame)
    assert set(found["kind"]) >= {"Peak", "Change"}
    names += list(found["what"])
    own = set(i18n.words(language).values())
    with speech.speaking(language):
        # A word may be the same in two languages: then it stands in their file as well.
        kept = [name for name in names if speech.library(name) == name and name not in own]
    assert kept == []


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    """What the library writes about agreement and responses, with and without intervals and groups."""
    tables = {
        f"r{n}": loading.check(sample.make_recording(30, 1, 15, seed=n), name="r").table for n in range(4)
    }
    said = [f"{one.figure.sentence}" for one in agree({name: tables[name] for name in ("r0", "r1")})]
    said += [one.figure.sentence for one in agree({"r0": tables["r0"], "r1": tables["r0"]})]
    said.append(agreement.krippendorff_alpha(np.array([[1.0, 1.0], [1.0, 1.0]])).sentence)
    events = events_of(pd.DataFrame({"onset": [0.2, 5, 11, 17, 23], "name": list("abaab")}))
    for some, method in ((4, "permutation"), (4, "mixed"), (2, "permutation"), (1, "permutation")):
        few = dict(list(tables.items())[:some])
        groups = {name: "xy"[place % 2] for place, name in enumerate(few)} if some == 4 else None
        found = study_responses(few, events, groups=groups, method=method)
        said += [*found.sentences, *(note.partition(": ")[2] for note in found.notes)]
    one = study_responses({"r0": tables["r0"]}, events[2:3])
    assert any("too few" in text for text in one.sentences)
    return list(dict.fromkeys([*said, *one.sentences]))


@pytest.mark.parametrize("language", OTHERS)
def test_generated_sentences_are_translated(language: str, sentences: list[str]) -> None:
    assert any("can't be told from" in text for text in sentences)
    assert any("in group" in text for text in sentences) and any("Holm" in text for text in sentences)
    english_words = re.compile(
        r"\b(interval \d|the|is|of|people|agreement|group|trials|less|after|perfect)\b"
    )
    with speech.speaking(language):
        spoken = [speech.library(text) for text in sentences]
    assert [text for text in spoken if english_words.search(text)] == []


@pytest.mark.parametrize(
    ("language", "written"),
    [
        *(("en", "1,234,567.5"), ("de", "1.234.567,5"), ("es", "1.234.567,5"), ("zh", "1,234,567.5")),
        *(("fr", "1\u202f234\u202f567,5"), ("hi", "12,34,567.5")),
    ],
)
def test_numbers_are_written_as_in_the_language(language: str, written: str) -> None:
    with speech.speaking(language):
        assert speech.number(1234567.5, ",.1f") == written
        assert speech.number(999) == "999"


def test_the_language_is_that_of_the_block_alone() -> None:
    with speech.speaking("fr"):
        assert speech.label("Happy") == "Joie" and speech.person(2) == "Personne 2"
        with speech.speaking("zh"):
            assert speech.label("Valence") == "效价"
        assert speech.language() == "fr"
    assert speech.language() == "en" and speech.label("Bored") == "Bored"
    with pytest.raises(KeyError):
        speech.speak("tlh")


def test_a_measure_inside_a_text_is_written_as_there() -> None:
    said = {}
    for language in ("en", "de", "es"):
        with speech.speaking(language):
            said[language] = [speech.measure(name) for name in ("valence", "Happy", "AU12_r", "events")]
    assert said == {
        "en": ["valence", "Happy", "AU12_r", "events"],
        "de": ["Valenz", "Freude", "AU12_r", "Ereignisse"],
        "es": ["valencia", "Alegría", "AU12_r", "eventos"],
    }


def test_a_table_below_a_head_speaks_as_the_moment_does() -> None:
    texts = speech.Texts("dash.sync")
    assert set(texts) >= {"lag", "chance.about"} and len(texts) == len(list(texts))
    with speech.speaking("es"):
        assert texts["lag"] == "Mejor desfase"
    assert texts["lag"] == "Best lag"


def test_emotions_are_the_same_words_everywhere() -> None:
    for language in i18n.LANGUAGES:
        with speech.speaking(language):
            assert [speech.label(name) for name in EMOTIONS] == [
                i18n.words(language)[f"emotion.{name}"] for name in EMOTIONS
            ]


def test_numbers_of_a_table_sort_as_numbers() -> None:
    from webapp.dashboard.shown import numbers

    table = pd.DataFrame({"a": [1.5, 1234.25]})
    assert numbers(table) is table
    with speech.speaking("de"):
        shown = numbers(table)
    assert "1.234,25" in shown.to_html() and list(shown.data["a"]) == [1.5, 1234.25]
