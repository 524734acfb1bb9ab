"""The published vision transformers of metrics: what their folders are called, where they are found and fetched.

Reads: the folders where they lie. Writes: the Hugging Face hub's own cache, when a download was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that a folder has is read
_BESIDE = ("config.json", "vocab.json", "merges.txt", "tokenizer*.json", "special_tokens_map.json")


@dataclass(frozen=True)
class VisionNetwork:
    """One published vision transformer.

    Args:
        key: short name that goes into results and cache keys.
        repository: on the Hugging Face hub; its last part is the name of the folder.
        width: features of a picture.
        image_size, patch_size: pixels of a side that its config.json states.
    """

    key: str
    repository: str
    width: int
    image_size: int
    patch_size: int

    @property
    def folder(self) -> str:
        """What its folder is called."""
        return self.repository.rpartition("/")[2]

    @property
    def url(self) -> str:
        """Where it is published."""
        return f"https://huggingface.co/{self.repository}"

    @property
    def is_clip(self) -> bool:
        """Whether it is CLIP, and not DINOv2."""
        return self.key.startswith("clip-")


VISION_NETWORKS: dict[str, VisionNetwork] = {
    "DINOv2 ViT-S/14": VisionNetwork("dinov2-vit-s-14", "facebook/dinov2-small", 384, 518, 14),
    "DINOv2 ViT-B/14": VisionNetwork("dinov2-vit-b-14", "facebook/dinov2-base", 768, 518, 14),
    "DINOv2 ViT-L/14": VisionNetwork("dinov2-vit-l-14", "facebook/dinov2-large", 1024, 518, 14),
    "CLIP ViT-B/32": VisionNetwork("clip-vit-b-32", "openai/clip-vit-base-patch32", 512, 224, 32),
    "CLIP ViT-L/14": VisionNetwork("clip-vit-l-14", "openai/clip-vit-large-patch14", 768, 224, 14),
    "CLIP ViT-L/14 at 336 px": VisionNetwork("clip-vit-l-14-336", "openai/clip-vit-large-patch14-336", 768, 336, 14),
}


def find_vision_folder(network: str, folders: Sequence[Path], *, download: bool = False) -> Path:
    """The folder of a network: the first of `folders` that holds it, else the hub's cache, into which it is fetched.

    Args:
        network: one of VISION_NETWORKS.
        folders: where it may lie; each is called as `VisionNetwork.folder` says.
        download: fetch it from the hub if it lies in none of them.

    Raises:
        FileNotFoundError: it is in none, and `download` is off or failed.
        ImportError: huggingface_hub is missing.
    """
    published = VISION_NETWORKS[network]
    for folder in folders:
        if (folder / "config.json").is_file():
            return folder
    if not download:
        raise FileNotFoundError(
            f"{network} is missing; expected the folder {published.folder} with config.json and {WEIGHTS[0]} as one "
            f"of: {', '.join(map(str, folders)) or 'no folder'}; get its files from {published.url} or choose to "
            "download it"
        )
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError("downloads need huggingface_hub; install it: pip install huggingface_hub") from error
    try:
        for weights in WEIGHTS:  # an older repository has the second alone
            snapshot = Path(snapshot_download(published.repository, allow_patterns=[*_BESIDE, weights]))
            if (snapshot / weights).is_file():
                break
    except (OSError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise FileNotFoundError(
            f"{published.url} could not be downloaded ({first}); expected {network}; put its files into "
            f"{folders[-1] if folders else published.folder} yourself"
        ) from error
    return snapshot


def shape_warnings(key: str, width: int, sides: tuple[int, int] | None) -> tuple[str, ...]:
    """What is said of features by a network of another shape than the published one's: its folder holds another one.

    Args:
        width: features of a picture.
        sides: its image_size and patch_size; None where nobody knows them.
    """
    published = next((network for network in VISION_NETWORKS.values() if network.key == key), None)
    if published is None:
        return ()
    unlike = []
    if width != published.width:
        unlike.append(f"the network has {width} features and {key} has {published.width}")
    if sides is not None and sides != _sides(published):
        ours, theirs = (f"{image} pixels in patches of {patch}" for image, patch in (sides, _sides(published)))
        unlike.append(f"the network is made for {ours} and {key} for {theirs}")
    return (f"{'; '.join(unlike)}: compare only with figures from the same file",) if unlike else ()


def _sides(network: VisionNetwork) -> tuple[int, int]:
    return network.image_size, network.patch_size
