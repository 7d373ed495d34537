"""The framework's reader of uploads, with an end to what it keeps in memory and leaves on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gradio import route_utils
from starlette.formparsers import MultiPartException

if TYPE_CHECKING:
    from starlette.datastructures import FormData

MOST_FILES = 100
MOST_FIELD_BYTES = 10_000


class BoundedParts(route_utils.GradioMultiPartParser):
    """Refuses endless text fields, which its parent would gather; removes what a broken upload left."""

    async def parse(self) -> FormData:
        """Read the body; where that fails or is cut off, nothing of it stays on disk."""
        self.max_files = self.max_fields = MOST_FILES
        try:
            form: FormData = await super().parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)
            raise
        return form

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take in a piece of a part."""
        if self._current_part.file is None and len(self._current_part.data) + end - start > MOST_FIELD_BYTES:
            raise MultiPartException("A text field of the upload is too long.")
        super().on_part_data(data, start, end)


def install() -> None:
    """Let the framework read uploads this way."""
    route_utils.GradioMultiPartParser = BoundedParts  # type: ignore[misc]
