"""Still pictures as they are meant to be seen."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def upright(picture: "Image") -> "Image":
    """Return a picture as RGB, turned as its camera noted; what is transparent becomes white."""
    from PIL import Image, ImageOps

    turned = ImageOps.exif_transpose(picture)
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        clear = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return turned.convert("RGB")
