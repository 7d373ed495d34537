"""A face-recognition network taught expressions; its answers are labels."""

from functools import partial

from train.commands.faces import from_faces

run = partial(from_faces, "tutor")
