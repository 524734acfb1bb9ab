"""Random Inception v3 weights in the published file formats, so that every tool can be run on the same ones.

Results say that they are not the published ones. `python -m tools.stand_ins.inception FOLDER` writes them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

FID_FILE = "pt_inception-2015-12-05-6726825d.pth"
TORCHVISION_FILE = "inception_v3_google-0cc3c7bd.pth"


def random_state(classes: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """A state dict as published: scaled so that features neither vanish nor explode, batch-norm far from identity."""
    from torchvision.models import Inception3

    draw = torch.Generator().manual_seed(seed)
    network = Inception3(num_classes=classes, aux_logits=classes == 1000, init_weights=False)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                spread = (2 / module.weight[0].numel()) ** 0.5
                module.weight.copy_(torch.randn(module.weight.shape, generator=draw) * spread)
                if module.bias is not None:
                    module.bias.copy_(torch.randn(module.bias.shape, generator=draw) * 0.1)
            elif isinstance(module, nn.BatchNorm2d):
                for part, low, high in (("weight", 0.5, 1.5), ("bias", -0.2, 0.2)):
                    getattr(module, part).copy_(torch.empty(module.num_features).uniform_(low, high, generator=draw))
                module.running_mean.copy_(torch.randn(module.num_features, generator=draw) * 0.1)
                module.running_var.copy_(torch.empty(module.num_features).uniform_(0.5, 1.5, generator=draw))
    return dict(network.state_dict())


def write_random_weights(folder: Path) -> tuple[Path, Path]:
    """Both files below `folder`, made once: the FID network's and torchvision's."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / FID_FILE, folder / TORCHVISION_FILE
    for path, classes in zip(paths, (1008, 1000), strict=True):
        if not path.exists():
            part = path.with_suffix(".part")
            torch.save(random_state(classes), part)
            part.replace(path)
    return paths


if __name__ == "__main__":
    for written in write_random_weights(Path(sys.argv[1])):
        print(written)
