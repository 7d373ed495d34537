"""What can be a host's name, an address, a network, the path of an address."""

import ipaddress
import re

_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


def is_name(text: str) -> bool:
    """Return whether `text` can be a host's name, or `*.name` for all below one."""
    return bool(_NAME.fullmatch(text))


def is_address(text: str) -> bool:
    """Return whether `text` is an IP address, with or without brackets."""
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """Return whether `text` is an IP address, a network such as 10.0.0.0/8, or `*` for all."""
    try:
        return text == "*" or bool(ipaddress.ip_network(text))
    except ValueError:
        return False


def is_path(text: str) -> bool:
    """Return whether `text` is the path of an address in plain characters, such as `/lab/emotion`."""
    return bool(_PATH.fullmatch(text))
