"""EmotionML 1.0 of the W3C: an emotion for each span of each person, with its category and mean dimensions.

The categories are the model's own, listed in the file: the W3C's six have no neutral one. The dimensions are
two of its list by Fontaine, Scherer, Roesch and Ellsworth; all values lie in [0, 1] there, so valence is
written as (valence + 1) / 2.
"""

from pathlib import Path
from urllib.parse import quote

from emotion_core.labels import DISCLAIMER
from emotion_core.results.formats.base import exported
from emotion_core.results.markup import text, tokens
from emotion_core.results.spans import Span, spans
from emotion_core.results.whole import Whole

_NAMESPACE = "http://www.w3.org/2009/10/emotionml"
_OWN = "urn:emotion-recognition"  # of what stands in <info>
_DIMENSIONS = "http://www.w3.org/TR/emotion-voc/xml#fsre-dimensions"


def write(whole: Whole, path: Path) -> None:
    """Write the document; times are milliseconds from the beginning of the source."""
    names = tokens(whole.labels)
    place = whole.media or whole.source.get("name") or whole.name
    items = "".join(
        f'  <item name="{name}"><info><own:label>{text(label)}</own:label></info></item>\n'
        for name, label in zip(names, whole.labels, strict=True)
    )
    categories = 'category-set="#categories" ' if items else ""
    lines = sorted(
        ((span.start, face, span) for face, line in spans(whole).items() for span in line),
        key=lambda one: one[:2],
    )
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<emotionml version="1.0" xmlns="{_NAMESPACE}" xmlns:own="{_OWN}" '
            f'{categories}dimension-set="{_DIMENSIONS}">\n'
            f" <info><own:about>{text(DISCLAIMER)}</own:about>"
            f"<own:software>{text(whole.software)}</own:software></info>\n"
        )
        if items:
            file.write(f' <vocabulary type="category" id="categories">\n{items} </vocabulary>\n')
        file.writelines(_emotion(face, span, names, text(_uri(str(place)))) for _, face, span in lines)
        file.write("</emotionml>\n")


def _emotion(face: int, span: Span, names: list[str], place: str) -> str:
    sure = f' confidence="{span.confidence:.4f}"' if span.confidence == span.confidence else ""
    dimensions = "".join(
        f'<dimension name="{name}" value="{min(1.0, max(0.0, value)):.4f}"/>'
        for name, value in (("valence", (span.valence + 1) / 2), ("arousal", span.arousal))
        if value == value
    )
    return (
        f' <emotion expressed-through="face" time-ref-uri="{place}" time-ref-anchor-point="start" '
        f'offset-to-start="{span.start}" duration="{span.end - span.start}">'
        f'<info><own:person number="{face}"/></info>'
        f'<category name="{names[span.label]}"{sure}/>{dimensions}</emotion>\n'
    )


def _uri(place: str) -> str:
    return place if "://" in place else quote(place, safe="/:@+~!$&'()*;=")


FORMAT = exported(
    "emotionml",
    "EmotionML",
    "the W3C's EmotionML 1.0: an emotion for each span of each person",
    write,
    ".emotionml",
)
