"""Parts of a file by `Range`: what can't be read is passed over, and what lies behind the end is a problem.

The answer that sends the file says both in a form of its own, and without taking away what it was made from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from starlette.requests import Request

_BYTES = re.compile(r"\s*bytes\s*=(?P<parts>[\d\s,-]+)", re.IGNORECASE | re.ASCII)
_PART = re.compile(r"\s*(?:(?P<first>\d{1,18})\s*-\s*(?P<last>\d{0,18})|-\s*(?P<tail>\d{1,18}))\s*", re.ASCII)


def settle(request: Request, size: int) -> None:
    """Leave in a request for a file of `size` bytes only the ranges that it has.

    A range that is malformed, or counts in anything but bytes, is as good as none (RFC 9110, 14.2).

    Raises:
        ProblemError: 416 where the file has none of them.
    """
    given = request.headers.get("range")
    if given is None:
        return
    asked = _read(given)
    there = [text for text, begin in asked if 0 <= begin < size or (begin < 0 and size)]
    # With `If-Range` the whole file is asked for where the part can't be had.
    if asked and not there and "if-range" not in request.headers:
        line = f"The file has {size} bytes: ask for a range of those, or for all of it."
        raise ProblemError(416, line, {"Content-Range": f"bytes */{size}"})
    headers = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
    if there:
        headers.append((b"range", f"bytes={','.join(there)}".encode("ascii")))
    request.scope["headers"] = headers


def whole(request: Request) -> None:
    """Have a request answered with all of a file, whichever part it asks for."""
    request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]


def _read(given: str) -> list[tuple[str, int]]:
    """Return each range and where it begins, from the end where that is negative; none of a malformed one."""
    found = _BYTES.fullmatch(given)
    read: list[tuple[str, int]] = []
    for part in found["parts"].split(",") if found else ():
        one = _PART.fullmatch(part)
        if one is None or (one["last"] and int(one["last"]) < int(one["first"])):
            return []
        if one["tail"] is not None:
            # The last 0 bytes are none that a file has.
            read.append((f"-{int(one['tail'])}", -int(one["tail"]) or 2**60))
        else:
            read.append((f"{int(one['first'])}-{one['last'] and int(one['last'])}", int(one["first"])))
    return read
