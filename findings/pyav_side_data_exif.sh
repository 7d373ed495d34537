#!/usr/bin/env bash
# PyAV 18.1.0: `frame.side_data` of a frame whose picture carries EXIF, as every photograph of a camera does, raises
# "ValueError: 31 is not a valid Type": the FFmpeg that its wheel brings hands EXIF out as side data of a kind that
# PyAV's list does not name, and one unknown kind hides all others, the display matrix among them. `frame.rotation`
# still works. Seen: the line "side_data raised ValueError: 31 is not a valid Type" for a plain JPEG.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q av==18.1.0 pillow==12.3.0
"$place/venv/bin/python" - "$place/photo.jpg" <<'PY'
import sys

import av
from PIL import Image

exif = Image.Exif()
exif[0x112] = 6  # held upright by the side: turn right by 90 degrees
Image.new("RGB", (64, 48), "grey").save(sys.argv[1], exif=exif)
with av.open(sys.argv[1]) as box:
    frame = next(box.decode(video=0))
print("PyAV", av.__version__, "- rotation", frame.rotation)
try:
    found = [one.type for one in frame.side_data]
except ValueError as error:
    print("side_data raised ValueError:", error)
else:
    sys.exit(f"changed: side_data is read, {found}")
PY
