"""ELAN: a tier for each person, with means of valence and arousal below; EAF 3.0.

Times are whole milliseconds. Annotations of one tier never overlap, which ELAN asks for and libraries
let pass.
"""

from datetime import UTC, datetime
from itertools import count
from mimetypes import guess_type
from pathlib import Path
from typing import TextIO

from emotion_core.labels import DISCLAIMER
from emotion_core.results.formats.base import exported
from emotion_core.results.markup import text
from emotion_core.results.spans import Span, spans
from emotion_core.results.whole import Whole

_MEANS = ("valence", "arousal")
_WORDS = "apparent-expression"  # the type of a person's tier, and its list of words
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_UNDETERMINED = "http://cdb.iso.org/lg/CDB-00130975-001"  # ISO's entry for "no language in particular"


def write(whole: Whole, path: Path) -> None:
    """Write the file; a person's tier is called "Person 1" or by their name, the next "Person 1 valence"."""
    found = spans(whole)
    slots = sorted({time for line in found.values() for span in line for time in (span.start, span.end)})
    name = {time: f"ts{number}" for number, time in enumerate(slots, 1)}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_head(whole, len([s for line in found.values() for s in line]) * 3))
        file.write(" <TIME_ORDER>\n")
        file.writelines(f'  <TIME_SLOT TIME_SLOT_ID="{name[t]}" TIME_VALUE="{t}"/>\n' for t in slots)
        file.write(" </TIME_ORDER>\n")
        numbers = count(1)
        for face, line in found.items():
            _tiers(file, whole, text(whole.called(face)), line, name, numbers)
        file.write(_foot(whole))


def _tiers(
    file: TextIO, whole: Whole, tier: str, line: list[Span], name: dict[int, str], numbers: "count[int]"
) -> None:
    own = [next(numbers) for _ in line]
    file.write(f' <TIER LINGUISTIC_TYPE_REF="{_WORDS}" TIER_ID="{tier}" PARTICIPANT="{tier}">\n')
    for number, span in zip(own, line, strict=True):
        file.write(
            f'  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" '
            f'TIME_SLOT_REF1="{name[span.start]}" TIME_SLOT_REF2="{name[span.end]}" '
            f'CVE_REF="cve{span.label + 1}">'
            f"<ANNOTATION_VALUE>{text(whole.labels[span.label])}</ANNOTATION_VALUE>"
            "</ALIGNABLE_ANNOTATION></ANNOTATION>\n"
        )
    file.write(" </TIER>\n")
    for mean in _MEANS:
        file.write(
            f' <TIER LINGUISTIC_TYPE_REF="mean" PARENT_REF="{tier}" TIER_ID="{tier} {mean}" '
            f'PARTICIPANT="{tier}">\n'
        )
        for number, span in zip(own, line, strict=True):
            value = getattr(span, mean)
            if value == value:
                file.write(
                    f'  <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a{next(numbers)}" '
                    f'ANNOTATION_REF="a{number}"><ANNOTATION_VALUE>{value:.4f}</ANNOTATION_VALUE>'
                    "</REF_ANNOTATION></ANNOTATION>\n"
                )
        file.write(" </TIER>\n")


def _head(whole: Whole, annotations: int) -> str:
    media = ""
    if (place := whole.media) is not None:
        kind = guess_type(place)[0] or "unknown"
        media = (
            f'  <MEDIA_DESCRIPTOR MEDIA_URL="./{text(place)}" MIME_TYPE="{kind}" '
            f'RELATIVE_MEDIA_URL="./{text(place)}"/>\n'
        )
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ANNOTATION_DOCUMENT AUTHOR="{text(whole.software)}" DATE="{now}" FORMAT="3.0" VERSION="3.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:noNamespaceSchemaLocation="{_SCHEMA}">\n'
        f' <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\n{media}'
        f'  <PROPERTY NAME="lastUsedAnnotationId">{annotations}</PROPERTY>\n'
        f'  <PROPERTY NAME="about">{text(DISCLAIMER)}</PROPERTY>\n </HEADER>\n'
    )


def _foot(whole: Whole) -> str:
    entries = "".join(
        f'  <CV_ENTRY_ML CVE_ID="cve{code}"><CVE_VALUE DESCRIPTION="" LANG_REF="und">{text(label)}'
        "</CVE_VALUE></CV_ENTRY_ML>\n"
        for code, label in enumerate(whole.labels, 1)
    )
    return (
        f' <LINGUISTIC_TYPE CONTROLLED_VOCABULARY_REF="{_WORDS}" GRAPHIC_REFERENCES="false" '
        f'LINGUISTIC_TYPE_ID="{_WORDS}" TIME_ALIGNABLE="true"/>\n'
        ' <LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" GRAPHIC_REFERENCES="false" '
        'LINGUISTIC_TYPE_ID="mean" TIME_ALIGNABLE="false"/>\n'
        f' <LANGUAGE LANG_DEF="{_UNDETERMINED}" LANG_ID="und" LANG_LABEL="undetermined (und)"/>\n'
        ' <CONSTRAINT DESCRIPTION="1-1 association with a parent annotation" '
        'STEREOTYPE="Symbolic_Association"/>\n'
        f' <CONTROLLED_VOCABULARY CV_ID="{_WORDS}">\n  <DESCRIPTION LANG_REF="und">{text(DISCLAIMER)}'
        f"</DESCRIPTION>\n{entries} </CONTROLLED_VOCABULARY>\n</ANNOTATION_DOCUMENT>\n"
    )


FORMAT = exported(
    "eaf",
    "ELAN",
    "for ELAN: a tier of each person's emotions, with mean valence and arousal below; whole milliseconds",
    write,
    ".eaf",
)
