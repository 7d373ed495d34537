"""Whose face a picture shows, where its name tells, and which people training on looks is not shown."""

import hashlib
import re

_SHARE = 5  # one person in so many is held back


def person_of(name: str) -> str:
    """Name the person in a picture: NAME of a file called NAME_0001.jpg, else the file itself."""
    return re.sub(r"_\d{4}\.\w+$", "", name)


def is_held_back(person: str) -> bool:
    """Tell whether a person is kept for judging: by the name alone, whatever else a data set holds."""
    return int(hashlib.sha256(person.encode()).hexdigest(), 16) % _SHARE == 0
