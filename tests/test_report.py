import html
import json
import re

import pandas as pd
import pytest

from emotion_core.analytics import MEASURES, sample
from emotion_core.labels import DISCLAIMER, VALENCE_AROUSAL_SOURCE
from emotion_core.types import EmotionError
from tests.tables import checked, rows_of
from webapp.charts import shares
from webapp.shared import report

NASTY = '</script><script>alert("x")</script>'


def test_the_report_is_one_file_that_fetches_nothing() -> None:
    page = report.report_html(sample.make_recording(20), {"source": "talk.mp4"})
    assert page.count("plotly.js v") == 1
    markup = re.sub(r"<script>/\*\*\n\* plotly.js.*?</script>", "", page, count=1, flags=re.DOTALL)
    assert len(markup) < 1_500_000
    assert not re.search(r'(src|href)\s*=\s*"?https?:', markup)
    assert "default-src 'none'" in markup
    assert DISCLAIMER in markup and html.escape(VALENCE_AROUSAL_SOURCE) in markup
    assert "talk.mp4" in markup


def test_what_a_file_says_is_escaped() -> None:
    frame = checked(rows_of("HHNN" * 10))
    section = (NASTY, NASTY, shares.small_multiples({NASTY: frame}))
    table = (NASTY, "", pd.DataFrame({NASTY: [NASTY]}))
    page = report.report_html(
        frame, {"source": NASTY, NASTY: 1}, title=NASTY, sections=[section, table], notes=[NASTY]
    )
    assert NASTY not in page
    assert '<script>alert("x")' not in page


def test_the_figures_are_json_in_the_page() -> None:
    page = report.report_html(checked(rows_of("HHHNNNNNSA")))
    blocks = re.findall(r'<script type="application/json" id="figure(\d+)">(.*?)</script>', page, re.DOTALL)
    assert blocks
    first = json.loads(blocks[0][1].replace("<\\/", "</"))
    assert first["data"][0]["type"] == "bar"
    assert page.count('class="chart"') == len(blocks)


def test_the_cards_have_the_figures_of_the_table() -> None:
    page = report.report_html(checked(rows_of("HHHHHHHH..", valence=0.25, arousal=0.75)))
    cards = dict(re.findall(r'<div class="card"><span>(.*?)</span><b>(.*?)</b>', page))
    assert list(cards)[3:] == [measure.label for measure in MEASURES]
    assert (
        cards.items()
        >= {
            "Length": "1.0 s",
            "People": "1",
            "Time with a face": "80.0 %",
            "Mean valence": "+0.25",
            "Mean arousal": "0.75",
            "Changes / min": "0.0",
        }.items()
    )


def test_a_made_up_sample_is_marked() -> None:
    assert "Made-up sample data" in report.report_html(sample.make_recording(5), made=True)
    assert "Made-up" not in report.report_html(sample.make_recording(5))


def test_a_file_without_faces_has_a_report() -> None:
    page = report.report_html(checked(rows_of("....")))
    assert "0.0 %" in page and "–" in page


def test_no_record_is_an_error_in_one_line() -> None:
    with pytest.raises(EmotionError, match="holds no records"):
        report.report_html(checked(rows_of("HH")).iloc[:0])


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.23, "4.2 s"), (185, "3:05 min"), (3723, "1:02:03 h"), (0, "0.0 s")]
)
def test_clock(seconds: float, text: str) -> None:
    assert report.clock(seconds) == text
