"""The upload box of the video and picture tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.utils import NamedString

if TYPE_CHECKING:
    from gradio.data_classes import FileData

VIDEOS = (
    *(
        ".mp4",
        ".mov",
        ".m4v",
        ".mkv",
        ".webm",
        ".avi",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".wmv",
        ".flv",
    ),
    *(".3gp", ".3g2", ".ogv", ".mxf", ".vob", ".gif", ".webp", ".png", ".apng", ".avif", ".heic", ".heif"),
)
"""What the chooser of videos offers: containers, and pictures that move."""
PICTURES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic"),
    *(".heif", ".mpo"),
)
"""What the chooser of pictures offers."""
KINDS = {"video-files": VIDEOS, "picture-files": PICTURES}
"""The endings that each box takes, by its id."""


def upload_box(*, elem_id: str, **options: Any) -> gr.File:
    """Return Gradio's file box for the files of `KINDS`, in whose name it is found on the page.

    It lacks Gradio's habit of leaving an empty temporary file behind at every event. A subclass would do that
    too, but Gradio writes a stub file beside the module of each subclass.
    """
    box = gr.File(
        file_count="multiple",
        type="filepath",
        file_types=list(KINDS[elem_id]),
        elem_id=elem_id,
        **options,
    )

    def path_of(file: FileData) -> NamedString:
        return NamedString(file.path)

    box._process_single_file = path_of  # type: ignore[method-assign, assignment]
    return box
