"""`python -m train push`: weights, their ONNX files and the model card to the Hugging Face hub."""

from pathlib import Path

from emotion_core.files import card_path
from emotion_core.network.checkpoint import WEIGHTS, onnx_files, read_metadata
from emotion_core.types import EmotionError

CARD = card_path()


def push(repo: str, folder: Path | None = None, *, public: bool = False, dry_run: bool = False) -> list[str]:
    """Upload to the hub's model repository `repo` ("name/model"), made private unless `public`.

    The card becomes the repository's README. The weights are for research and non-commercial use, as the
    card says set by set.

    Raises:
        EmotionError: where weights, card, package or login are missing, or the hub refuses.
    """
    found = [] if folder is None else sorted(folder.glob("*.safetensors"))
    whole = [path for path in found if not path.stem.endswith(".partial")]  # what a killed run left
    weights = WEIGHTS if folder is None else next(iter(whole), None)
    if weights is None:
        raise EmotionError(f"{folder} holds no .safetensors file: name the folder that training wrote")
    if not read_metadata(weights).trained:
        raise EmotionError(f"{weights} is untrained: train it before it is pushed")
    if not CARD.is_file():
        raise EmotionError(f"{CARD.name} is missing: weights are not pushed without their card")
    files = [(weights, weights.name)]
    files += [(f, f.name) for f in onnx_files(weights) if f.is_file()]
    files += [(CARD, "README.md")]
    lines = [f"{local} -> {repo}/{name}" for local, name in files]
    if dry_run:
        return ["nothing was sent; these files would be:", *lines]
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
    except ImportError:
        raise EmotionError("pushing needs huggingface_hub: pip install huggingface_hub") from None
    api = HfApi()
    try:
        api.create_repo(repo, private=not public, exist_ok=True)
        commit = api.create_commit(
            repo,
            [CommitOperationAdd(name, str(local)) for local, name in files],
            commit_message=f"Weights {read_metadata(weights).sha256[:12]}",
        )
    except LocalTokenNotFoundError:
        raise EmotionError("you are not logged in to the hub: run `hf auth login` first") from None
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise EmotionError(f"the hub refused {repo}: {' '.join(str(error).split())[:200]}") from None
    return [*lines, f"sent: {commit.commit_url}"]
