"""A registry of things of one kind: a file for each, loaded when it is first asked for.

The names are known without loading anything, so a command line that offers them starts at once.
"""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(MutableMapping[str, T], Generic[T]):
    """Things by their names, in the order in which they are offered.

    Args:
        package: the package that has a module of each name.
        attribute: what the thing is called in its module.
        names: the modules.
    """

    def __init__(self, package: str, attribute: str, *names: str) -> None:
        self._package, self._attribute = package, attribute
        self._things: dict[str, T | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> T:
        thing = self._things[name]
        if thing is None:
            thing = self._things[name] = getattr(import_module(f"{self._package}.{name}"), self._attribute)
        return thing

    def __setitem__(self, name: str, thing: T) -> None:
        self._things[name] = thing

    def __delitem__(self, name: str) -> None:
        del self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, name: object) -> bool:
        return name in self._things
