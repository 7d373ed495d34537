"""A brake on wrong passwords: a few at once, then slowly, for each address and for all together."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

ADDRESSES = 4096
"""Addresses that are remembered; the one not heard of for longest is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    """Tries that are left; they come back with time."""

    most: float
    seconds: float  # until one try comes back
    left: float
    at: float

    def wait(self, now: float) -> float:
        """Return the seconds until there is a try; 0 where there is one."""
        self.left = min(self.most, self.left + (now - self.at) / self.seconds)
        self.at = now
        return 0.0 if self.left >= 1 else (1 - self.left) * self.seconds


class Brake:
    """Counts wrong passwords.

    An address has five tries, and one more every ten seconds; all together have a hundred, and one more
    every second. An address from which somebody has logged in before is not held up by what others do.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._addresses: OrderedDict[str, _Bucket] = OrderedDict()
        self._good: OrderedDict[str, None] = OrderedDict()
        self._all = _Bucket(100, 1.0, 100, time.monotonic())

    def take(self, address: str) -> float:
        """Use up a try of `address`; gives 0, or the seconds (above 0) until it may try again."""
        now = time.monotonic()
        key = _network(address)
        with self._lock:
            own = self._addresses.setdefault(key, _Bucket(5, 10.0, 5, now))
            self._addresses.move_to_end(key)
            while len(self._addresses) > ADDRESSES:
                self._addresses.popitem(last=False)
            wait = own.wait(now)
            if key not in self._good:
                wait = max(wait, self._all.wait(now))
            if wait == 0:
                own.left -= 1
                self._all.left = max(0.0, self._all.left - 1)
            return wait

    def right(self, address: str) -> None:
        """Give the tries of `address` back: the password was right."""
        key = _network(address)
        with self._lock:
            self._addresses.pop(key, None)
            self._all.left = min(self._all.most, self._all.left + 1)
            self._good[key] = None
            self._good.move_to_end(key)
            while len(self._good) > ADDRESSES:
                self._good.popitem(last=False)


def _network(address: str) -> str:
    """Return what one person holds of addresses: a whole /64 in IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
