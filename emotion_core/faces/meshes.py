"""The mesh readers by name; each loads its package when it is asked for."""

from collections.abc import Callable
from pathlib import Path

from emotion_core.faces.mesh import Mesh, MeshMissingError
from emotion_core.types import EmotionError


def _litert(bundle: Path, blendshapes: bool, copies: int) -> Mesh:
    from emotion_core.faces.mesh_litert import LiteMesh

    return LiteMesh(bundle, blendshapes=blendshapes, copies=copies)


def _mediapipe(bundle: Path, blendshapes: bool, copies: int) -> Mesh:
    from emotion_core.faces.mesh_mediapipe import MediaPipeMesh

    return MediaPipeMesh(bundle, blendshapes=blendshapes, copies=copies)


MESHES: dict[str, tuple[Callable[[Path, bool, int], Mesh], str]] = {
    "litert": (_litert, "ai-edge-litert"),
    "mediapipe": (_mediapipe, "mediapipe"),
}
"""The readers by name, each with the package that it needs."""


def load_mesh(name: str, bundle: Path, *, blendshapes: bool = False, copies: int = 1) -> Mesh:
    """Load the mesh reader of this name.

    Args:
        name: one of `MESHES`.
        bundle: a `face_landmarker.task` file.
        blendshapes: whether to read the 52 blendshapes too.
        copies: how many faces may be read at once.

    Raises:
        EmotionError: where there is no such reader, its package can't be loaded, or the file is no bundle.
    """
    if name not in MESHES:
        raise EmotionError(f"mesh is one of {', '.join(MESHES)}, not {name!r}")
    load, package = MESHES[name]
    try:
        return load(bundle, blendshapes, copies)
    except ImportError as e:
        raise MeshMissingError(
            f"{package} can't be loaded ({e}); install it with: pip install {package}"
        ) from e
