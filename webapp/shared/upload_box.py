"""The upload box of the video and picture tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.utils import NamedString

if TYPE_CHECKING:
    from gradio.data_classes import FileData


def upload_box(**options: Any) -> gr.File:
    """Return Gradio's file box without its habit of leaving an empty temporary file behind at every event.

    A subclass would do it too, but Gradio writes a stub file beside the module of each subclass.
    """
    box = gr.File(file_count="multiple", type="filepath", **options)

    def path_of(file: FileData) -> NamedString:
        return NamedString(file.path)

    box._process_single_file = path_of  # type: ignore[method-assign, assignment]
    return box
