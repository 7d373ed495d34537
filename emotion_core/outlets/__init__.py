"""Where readings go while they are made: a file in this folder for each kind, and its name in `_FILES`.

An address names the kind and the place: `ndjson:-`, `tcp://host:port`, `udp://host:port`, `osc://host:port`
or `lsl:NAME`.
"""

from typing import TYPE_CHECKING

from emotion_core.registry import Registry

if TYPE_CHECKING:
    from emotion_core.outlets.base import Kind

_FILES = ("ndjson", "tcp", "udp", "osc", "lsl")

KINDS: "Registry[Kind]" = Registry(__name__, "KIND", *_FILES)
"""Every kind of receiver by its name, which begins its addresses."""


def kind_of(address: str) -> "Kind":
    """Return the kind of receiver that an address names, after a look at the rest of it; nothing is opened.

    Raises:
        EmotionError: for an address of no kind, one that lacks a part, and a kind whose package is missing.
    """
    from emotion_core.types import EmotionError

    name = address.partition(":")[0].lower()
    if name not in KINDS:
        ways = ", ".join(kind.example for kind in KINDS.values())
        raise EmotionError(f"{address!r} is no place to send readings to: give one such as {ways}", ("send",))
    kind = KINDS[name]
    kind.check(address)
    return kind
