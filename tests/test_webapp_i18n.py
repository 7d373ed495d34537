"""Six languages: no key missing, none unused, the same blanks in each, chosen as the browser asks."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from emotion_core.labels import DISCLAIMER, EMOTIONS, VALENCE_AROUSAL_SOURCE
from webapp.shared import i18n

BLANK = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_key_is_missing_empty_or_left_over(language: str) -> None:
    table = i18n.words(language)
    assert set(table) == set(i18n.words("en"))
    assert all(text.strip() for text in table.values())


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_blanks_are_the_same_in_each_language(language: str) -> None:
    for key, english in i18n.words("en").items():
        assert sorted(BLANK.findall(english)) == sorted(BLANK.findall(i18n.words(language)[key])), key


@pytest.mark.parametrize("language", [code for code in i18n.LANGUAGES if code != "en"])
def test_texts_are_translated(language: str) -> None:
    """Names and file formats may be the same in two languages; sentences may not."""
    english = i18n.words("en")
    same = [k for k, text in i18n.words(language).items() if text == english[k] and len(text) > 20]
    assert same == []


def used_keys(root: Path) -> tuple[set[str], set[str]]:
    """Every key that Python or JavaScript asks for: whole ones, and beginnings that code completes."""
    whole: set[str] = set()
    beginnings: set[str] = set()
    heads = "|".join(sorted({key.split(".")[0] for key in i18n.words("en") if "." in key}))
    literal = re.compile(rf"""["'`]((?:{heads})\.[a-zA-Z0-9.]*)""")
    for path in [*root.glob("webapp/**/*.py"), *root.glob("webapp/**/*.js")]:
        code = path.read_text(encoding="utf-8")
        for head in re.findall(r'Texts\("([a-z.]+)"\)', code):
            asked = re.findall(r"""\bTEXTS\[["']([\w.]+)["']""", code)
            whole |= {f"{head}.{key}" for key in asked}
            code = code.replace(f'Texts("{head}")', "")
        for key in literal.findall(code):
            (beginnings if key.endswith(".") else whole).add(key)
    return whole, beginnings


def test_every_key_that_code_asks_for_exists(root: Path) -> None:
    whole, beginnings = used_keys(root)
    assert len(whole) > 100, "the search looks past the code"
    known = i18n.words("en")
    # A file name such as "app.css" looks like a key.
    missing = {k for k in whole if k not in known and Path(k).suffix not in {".css", ".py", ".js"}}
    assert missing == set()
    assert [b for b in beginnings if not any(key.startswith(b) for key in known)] == []


def test_the_app_says_what_the_core_says() -> None:
    assert i18n.words("en")["app.disclaimer"] == DISCLAIMER
    assert i18n.words("en")["app.source"] == VALENCE_AROUSAL_SOURCE


def test_each_category_has_a_name() -> None:
    for language in i18n.LANGUAGES:
        names = [i18n.Text(language).label(emotion) for emotion in EMOTIONS]
        assert len(set(names)) == len(EMOTIONS)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("pt-BR,pt;q=0.9,es;q=0.5,en;q=0.4", "es"),
        ("zh-CN,zh;q=0.9", "zh"),
        ("en;q=0.3, hi;q=0.9", "hi"),
        ("ja", "en"),
        ("fr;q=nonsense, de", "de"),
    ],
)
def test_language_is_the_browsers_own(header: str | None, language: str) -> None:
    assert i18n.choose(header) == language
    headers = {} if header is None else {"accept-language": header}
    assert i18n.Text.for_request(SimpleNamespace(headers=headers)).language == language


def test_blanks_are_filled_once_and_custom_categories_keep_their_names() -> None:
    text = i18n.Text("en")
    assert text("error.empty", name="{limit} <b>") == (
        "{limit} <b> is empty (0 bytes). Save or export it again, then upload it."
    )
    assert text.label("Contempt") == "Contempt"
    with pytest.raises(KeyError):
        text("no.such.key")


def test_gradio_gets_keys_without_dots() -> None:
    tables = i18n.gradio_tables(["tab.picture", "tab.video"])
    assert set(tables) == set(i18n.LANGUAGES)
    assert tables["de"]["app_tab_picture"] == "Bilder"
    assert not any("." in key for key in tables["en"])
