"""The upload box of the video and picture tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr
from gradio.utils import NamedString

if TYPE_CHECKING:
    from gradio.data_classes import FileData


class Upload(gr.File):
    """Gradio's file box without its habit of leaving an empty temporary file behind at every event."""

    is_template = True  # drawn in the browser as its parent is

    def _process_single_file(self, f: FileData) -> NamedString | bytes:
        return NamedString(f.path)
