"""The commands of training: a file in this folder for each, with `run(words)`, and its name in `_FILES`."""

from collections.abc import Callable

from emotion_core.registry import Registry

_FILES = ("fit", "distill", "embed", "check", "evaluate", "calibrate", "temporal", "ablate", "export", "push")

COMMANDS: Registry[Callable[[list[str]], int]] = Registry("train.commands", "run", *_FILES)
"""Every command by its name; the first is the one that runs where none is named, also called `train`."""
