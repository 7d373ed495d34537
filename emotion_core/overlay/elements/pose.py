"""The pose of a head as three axes: forward (blue), up (green) and to the person's own left (red)."""

import cv2
import numpy as np

from emotion_core.overlay.elements.base import DARK, Element, Scene
from emotion_core.types import Pose

_COLORS = ((232, 72, 85), (96, 200, 110), (74, 144, 255))  # of the axes to the person's left, up and forward
_LENGTH = 0.55  # of an axis, in units of the face's shorter side


def axes(pose: Pose) -> np.ndarray:
    """Return the directions (3, 3) of a head's own axes, a row each: to the person's left, up, forward.

    The columns are x (right in the picture), y (down) and z (towards the viewer). It is the rotation
    Rz Ry Rx that yaw, pitch and roll were read from.

    >>> axes(Pose(90, 0, 0)).round(3).tolist()[2]  # a face turned to its own left looks to our right
    [1.0, 0.0, 0.0]
    """
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    own = (tilt @ turn @ nod).T * (1, -1, 1)  # pixels count downwards
    return own + 0.0  # no negative zero


def mark(scene: Scene) -> None:
    """Draw the axes of every face whose pose is known, the nearest tip last."""
    line = scene.metrics.line
    for face, (left, top, right, bottom) in zip(scene.faces, scene.boxes, strict=True):
        if face.pose is None:
            continue
        middle = np.array([(left + right) / 2, (top + bottom) / 2])
        tips = axes(face.pose)
        reach = _LENGTH * min(right - left, bottom - top)
        start = round(middle[0]), round(middle[1])
        for i in np.argsort(tips[:, 2], kind="stable"):
            x, y = middle + reach * tips[i, :2]
            end = round(x), round(y)
            cv2.arrowedLine(scene.canvas, start, end, DARK, line + 2, cv2.LINE_AA, 0, 0.2)
            cv2.arrowedLine(scene.canvas, start, end, _COLORS[i], line, cv2.LINE_AA, 0, 0.2)


ELEMENT = Element("pose", "yaw, pitch and roll of each head as three axes", mark=mark, key="p")
