"""What Schemathesis doesn't know by itself: how a part of an upload looks."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def bytes_of_a_part(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
