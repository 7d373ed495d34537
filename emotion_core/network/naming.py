"""The name and version of a network, as screens, summaries and the API say it: made here and nowhere else."""

from collections.abc import Mapping
from typing import Any

NETWORK = "SpatioTemporalEmotionNet"
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
    *("eighteenth", "nineteenth", "twentieth"),
)


def title_of(facts: Mapping[str, Any]) -> str:
    """Return the name with its version, such as "SpatioTemporalEmotionNet 8", from a weights file's facts.

    The version is `version`, or the ordinal number in `name` ("eighth weights"). Weights of one's own keep
    the name that they were given, behind the network's; those that say nothing have the network's alone.
    """
    name = str(facts.get("name") or "")
    ordinal = name.removesuffix(" weights").lower()
    version = facts.get("version") or (_ORDINALS.index(ordinal) + 1 if ordinal in _ORDINALS else None)
    if version is not None:
        return f"{NETWORK} {version}"
    return f"{NETWORK}, {name}" if name else NETWORK
