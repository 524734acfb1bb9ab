"""Passes of DINOv2 ViT-S/14 and CLIP ViT-B/32 over a folder of PNGs, beside torch-fidelity's extractors.

Random weights of the published shapes. torch-fidelity loads DINOv2 from torch.hub, which needs the web: its network
here is transformers' with plain attention, as DINOv2's own code computes it without xFormers; its resize, its loader
and its CLIP are its own. Prints wall and processor time (workers included), their ratio at torch-fidelity's better
batch, and how far the features are apart.
python benchmarks/vision_networks.py [--count 64] [--side 256] [--rounds 1] [--batches 8,64]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from metrics import processor_seconds, write_pictures
from pack import load_pack
from torch_fidelity.datasets import ImagesPathDataset
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP, build_model
from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2
from torch_fidelity.utils import get_featuresdict_from_dataset
from transformers import CLIPConfig, CLIPModel, Dinov2Config, Dinov2Model

load_pack()
from hyponet.evaluation.metrics.conventions import Preparation  # noqa: E402
from hyponet.evaluation.metrics.features import extract_features  # noqa: E402
from hyponet.evaluation.metrics.vision_transformers import load_vision_transformer, resampled_positions  # noqa: E402
from hyponet.evaluation.pictures.sources.folders import read_folder  # noqa: E402
from hyponet.tests.evaluation.metrics.vision_fixtures import openais_names  # noqa: E402

NETWORKS = {"dinov2": "DINOv2 ViT-S/14", "clip": "CLIP ViT-B/32"}


def write_network(kind: str, folder: Path) -> Path:
    """Random weights of the published shape; CLIP's are halves, as its own code keeps them."""
    torch.manual_seed(0)
    if kind == "dinov2":
        model: Any = Dinov2Model(Dinov2Config(hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14))
        torch.nn.init.normal_(model.embeddings.position_embeddings, std=0.02)
    else:
        model = CLIPModel(CLIPConfig())  # its defaults are ViT-B/32
        for parameter in model.parameters():
            parameter.data = parameter.data.half().float()
    model.save_pretrained(folder)
    return folder


class Plain(torch.nn.Module):
    """DINOv2 with plain attention, at 224 pixels."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.model: Any = Dinov2Model.from_pretrained(folder, attn_implementation="eager")
        embeddings = self.model.embeddings
        positions = resampled_positions(embeddings.position_embeddings.detach(), 16)
        embeddings.position_embeddings = torch.nn.Parameter(positions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The class token."""
        return self.model(x).pooler_output  # type: ignore[no-any-return]


def torch_fidelitys(kind: str, folder: Path) -> FeatureExtractorBase:
    """torch-fidelity's extractor with the weights in `folder`."""
    base: Any = FeatureExtractorDinoV2 if kind == "dinov2" else FeatureExtractorCLIP

    class Extractor(base):  # type: ignore[misc]
        def __init__(self) -> None:
            FeatureExtractorBase.__init__(self, kind, [kind])
            self.feature_extractor_internal_dtype = torch.float32
            if kind == "dinov2":
                self.model = Plain(folder)
            else:
                self.model = build_model(openais_names(CLIPModel.from_pretrained(folder)), torch.float32)
                self.resolution = self.model.visual.input_resolution
            self.requires_grad_(False)
            self.eval()

    return Extractor()  # type: ignore[no-any-return]


def timed(run: Callable[[], torch.Tensor]) -> tuple[float, float, torch.Tensor]:
    """Wall and processor seconds, and the features."""
    wall, used = time.perf_counter(), processor_seconds()
    features = run()
    return time.perf_counter() - wall, processor_seconds() - used, features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batches", default="8,64", help="of torch-fidelity, separated by commas; 64 is its default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        pictures = write_pictures(Path(scratch) / "pictures", options.count, options.side, 0)
        dataset = ImagesPathDataset([str(path) for path in sorted(pictures.iterdir())])
        for kind, name in NETWORKS.items():
            folder = write_network(kind, Path(scratch) / kind)
            opened, peer = load_vision_transformer(folder, name, "torch-fidelity"), torch_fidelitys(kind, folder)

            def ours() -> torch.Tensor:
                data = read_folder(pictures.parent)
                return torch.from_numpy(extract_features(data, opened, Preparation()).features)  # noqa: B023

            runs: dict[str, Callable[[], torch.Tensor]] = {"ours": ours}
            for batch in map(int, options.batches.split(",")):
                runs[f"torch-fidelity, batch {batch}"] = lambda batch=batch: get_featuresdict_from_dataset(  # type: ignore[misc]
                    dataset,
                    peer,  # noqa: B023
                    batch,
                    False,
                    False,
                    False,
                )[kind]  # noqa: B023
            seconds: dict[str, list[tuple[float, float]]] = {tool: [] for tool in runs}
            found = {}
            for _ in range(options.rounds):
                for tool, run in runs.items():
                    wall, used, found[tool] = timed(run)
                    seconds[tool].append((wall, used))
            medians = {
                tool: [statistics.median(part) for part in zip(*times, strict=True)] for tool, times in seconds.items()
            }
            for tool, (wall, used) in medians.items():
                apart = (found[tool] - found["ours"]).abs().max() / found["ours"].abs().max()
                print(f"{name}, {tool}: {wall:.2f} s, processor {used:.2f} s, features apart {apart:.1e}")
            best = min((times for tool, times in medians.items() if tool != "ours"), key=lambda times: times[0])
            print(
                f"{name}: torch-fidelity's {best[0] / medians['ours'][0]:.2f} times ours, processor time "
                f"{best[1] / medians['ours'][1]:.2f}"
            )


if __name__ == "__main__":
    main()
