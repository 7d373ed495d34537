"""An upload of the dashboard on its way to disk instead of into the dashboard's memory."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from webapp.shared.uploads import Uploads, park

if TYPE_CHECKING:
    from starlette.types import Receive, Scope


async def parked_upload(
    scope: Scope, receive: Receive, uploads: Uploads, owner: str
) -> tuple[str, bytes] | None:
    """Write the one file of a multipart body to disk; gives the type and body of a request with its stand-in.

    None stands for a body that does not hold one file.
    """
    try:
        form = await Request(scope, receive).form(max_files=1, max_fields=4)
    except HTTPException:
        return None
    try:
        files = [value for value in form.values() if isinstance(value, UploadFile)]
        if len(files) != 1:
            return None
        upload = files[0]
        stand_in = await asyncio.to_thread(_write, upload, uploads, owner)
        name = "".join(c for c in upload.filename or "file" if c not in '"\\\r\n')[:200]
        kind = "".join(c for c in upload.content_type or "" if c.isprintable()) or "application/octet-stream"
    finally:
        await form.close()
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += f"Content-Type: {kind}\r\n\r\n"
    body = head.encode("utf-8") + stand_in + f"\r\n--{mark}--\r\n".encode()
    return f"multipart/form-data; boundary={mark}", body


def _write(upload: UploadFile, uploads: Uploads, owner: str) -> bytes:
    suffix = Path(upload.filename or "").suffix.lower()
    folder = uploads.folder / uuid.uuid4().hex
    folder.mkdir(mode=0o700)
    path = folder / f"table{suffix if suffix.isascii() and suffix[1:].isalnum() and len(suffix) <= 8 else ''}"
    with path.open("wb") as target:
        shutil.copyfileobj(upload.file, target, 1 << 20)
    uploads.arrived(owner, path)
    return park(path)
