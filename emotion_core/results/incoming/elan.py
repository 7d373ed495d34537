"""ELAN: the annotations of all tiers that have times of their own."""

from pathlib import Path
from xml.etree import ElementTree

from emotion_core.results.bounded import check_rows
from emotion_core.results.incoming.base import Found, Head, Tool, coded


def _knows(head: Head) -> bool:
    return "<ANNOTATION_DOCUMENT" in head.text


def read(path: Path) -> Found:
    """Read the spans; a tier is a person, by its participant where it has one.

    Tiers below others, and annotations at times that were left open, are left out.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"it is no whole XML: {error}") from error
    slots = {
        slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iterfind("TIME_ORDER/TIME_SLOT")
    }
    lines, left, open_ends = [], 0, 0
    for tier in root.iterfind("TIER"):
        whom = tier.get("PARTICIPANT") or tier.get("TIER_ID") or ""
        left += tier.find("ANNOTATION/REF_ANNOTATION") is not None
        for one in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            start, end = (slots.get(one.get(f"TIME_SLOT_REF{side}")) for side in "12")
            if start is None or end is None:
                open_ends += 1
                continue
            value = one.findtext("ANNOTATION_VALUE") or ""
            if value.strip():
                lines.append((int(start) / 1000, int(end) / 1000, whom, value))
    check_rows(path.name, len(lines))
    notes = [f"{left} tiers below others were left out"] if left else []
    notes += [f"{open_ends} annotations without times of their own were left out"] if open_ends else []
    return coded(lines, notes)


TOOL = Tool("elan", "ELAN", "its format EAF 3.0", (".eaf",), _knows, read)
