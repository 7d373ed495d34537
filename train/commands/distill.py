"""What a face-recognition network knows, for `--init`."""

from functools import partial

from train.commands.faces import from_faces

run = partial(from_faces, "distill")
