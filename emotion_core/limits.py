"""What is read at most, in one place: pixels of a frame, rows and size of a results table."""

MAX_PIXELS = 50_000_000
"""Pixels of a frame beyond which a picture or video is refused unread: 50 million take 150 MB unpacked."""

MAX_SIDE = 65_535
"""Pixels of a side beyond which a frame is refused, however narrow it is: what JPEG can hold."""

MAX_VIDEO_SIDE = 16_384
"""Pixels of a side of the annotated video: what H.264 can hold."""

MAX_RESULTS_BYTES = 450 * 1024 * 1024
"""Bytes of a results file beyond which it is refused, with the advice to convert it to Parquet."""

MAX_ROWS = 2_000_000
"""Records of a results file beyond which it is refused: six hours of three faces at 30 frames a second."""

MAX_LABELS = 100
"""Categories of a results file beyond which it is refused."""

MAX_TABLE_BYTES = 1_000_000_000
"""Bytes that a results table may take in memory."""
