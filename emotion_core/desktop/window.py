"""A small window on Tk, which comes with Python: headless OpenCV can't open one.

Tk was taken over pygame because it adds no dependency and no licence, and is there on Windows, macOS and
nearly every Linux; where it is not, the error says which package has it.
"""

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from emotion_core.types import EmotionError

WEB_APP = "use the web app instead: python app.py"
"""What to do without a window or a camera."""

_GROUND = "#12151C"


def _tk() -> ModuleType:
    try:
        import tkinter
    except ImportError as error:
        raise EmotionError(
            f"this Python has no Tk, so no window can open (on Debian: apt-get install python3-tk); {WEB_APP}"
        ) from error
    return tkinter


def _root(tk: ModuleType) -> Any:
    try:
        return tk.Tk(className="Emotion")
    except tk.TclError as error:
        raise EmotionError(f"no window can open, there is no display; {WEB_APP}") from error


def check_display() -> None:
    """Raise EmotionError, in one line that names the web app, where no window can be opened."""
    _root(_tk()).destroy()


def fitting(width: int, height: int, most: tuple[int, int], least: int = 1) -> tuple[int, int]:
    """Scale a size into `most` (w, h), its shape kept; small ones grow to `least` wide where that fits."""
    scale = min(most[0] / width, most[1] / height, max(1.0, least / width))
    return max(1, round(width * scale)), max(1, round(height * scale))


class Window:
    """One picture in a window that can be resized; made, used and closed in the main thread.

    `on_key` is called with the name of a pressed key ("q", "escape", ...). `open` turns False when the user
    closes the window; `size` is the room for a picture, (w, h).
    """

    def __init__(self, title: str, width: int, height: int, on_key: Callable[[str], None]) -> None:
        self._tk = _tk()
        self._root = _root(self._tk)
        self.open = True
        screen = self._root.winfo_screenwidth(), self._root.winfo_screenheight()
        self.size = fitting(width, height, (round(screen[0] * 0.85), round(screen[1] * 0.85)), least=640)
        self._root.title(title)
        self._root.configure(background=_GROUND)
        self._root.geometry(f"{self.size[0]}x{self.size[1]}")
        self._root.minsize(240, 180)
        self._label = self._tk.Label(
            self._root,
            background=_GROUND,
            foreground="#EDEFF5",
            text="Loading the model …",
            font=("TkDefaultFont", 14),
            borderwidth=0,
            highlightthickness=0,
        )
        self._label.place(relx=0, rely=0, relwidth=1, relheight=1)
        self._root.protocol("WM_DELETE_WINDOW", self._closed)
        self._root.bind("<Key>", lambda event: on_key((event.char or event.keysym).lower()))
        self._root.bind("<Escape>", lambda event: on_key("escape"))
        self._root.bind("<Configure>", self._resized)
        self._photo: Any = None
        self._root.update()
        # Without a window manager nobody else gives the window the keyboard.
        self._root.focus_force()

    def _closed(self) -> None:
        self.open = False

    def _resized(self, event: Any) -> None:
        if event.widget is self._root and event.width > 1 and event.height > 1:
            self.size = event.width, event.height

    def pump(self) -> None:
        """Handle what the user did; call it often."""
        if self.open:
            self._root.update()

    def show(self, image: np.ndarray) -> float:
        """Put an RGB uint8 picture on the screen; return the time.monotonic() at which it was there."""
        from PIL import Image, ImageTk

        picture = Image.fromarray(image)
        if self._photo is None or (self._photo.width(), self._photo.height()) != picture.size:
            self._photo = ImageTk.PhotoImage(picture, master=self._root)
            self._label.configure(image=self._photo, text="")
        else:
            self._photo.paste(picture)
        self._root.update_idletasks()
        return time.monotonic()

    def close(self) -> None:
        """Close it; nothing happens where it is closed already."""
        self.open = False
        # Tk frees a picture in whatever thread drops it last; here it is the one that made it.
        self._photo = None
        self._root.destroy()


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an RGB picture at `size` (w, h)."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    shrink = size[0] < image.shape[1]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
