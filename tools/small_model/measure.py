"""What data/small_model/README.md says of the pictures: whether they show their label, are copies, have their colour.

    python -m tools.small_model.measure sets SET ... --pictures CIFAR   sets of Generate Dataset by the small model
    python -m tools.small_model.measure colours                         draws pairs with and without a colour word

CIFAR is what Load Labelled Images reads; see the README beside this. Both need HYPONET_MODELS, the second
HYPONET_COMFYUI as well. `sets` writes data/small_model/nearest.png: the ten pictures that lie nearest to a training
picture, each above that one.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..dev.places import ROOT
from ..dev.server import Server, scratch_server
from .data import CLASSES, Pictures, middle_colours, read_pictures  # makes the clone the package `hyponet`
from .expand import DATA

from hyponet.evaluation.intervals import wilson  # isort: skip
from hyponet.evaluation.training.checkpoint import load_checkpoint  # isort: skip

WORKFLOW = ROOT / "workflows" / "api" / "hyponet_thesis_table_5_9_sd15_none.json"
NEAREST = DATA / "nearest.png"
PAIRS = 10  # shown in NEAREST
TILE = 64
RGB = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (255, 0, 0),
    "orange": (255, 165, 0),
    "yellow": (255, 255, 0),
    "brown": (150, 75, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255),
}
SAMPLING = {"width": 64, "height": 64, "steps": 8, "cfg": 3.0, "batch_size": 25}


class Judge:
    """The judge of data/small_model: probabilities and features of pictures.

    Args:
        folder: the models that set-up wrote.
    """

    def __init__(self, folder: Path) -> None:
        checkpoint = load_checkpoint(folder / "classifiers" / "hyponet-small-judge.safetensors")
        assert checkpoint.class_names == CLASSES
        self.preprocessing, self.network = checkpoint.preprocessing, checkpoint.model().train(False)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, of length 1.  # (N, 32, 32, 3) uint8 -> (N, 512)"""
        rows: list[Tensor] = []
        handle = self.network.fc.register_forward_pre_hook(lambda _, inputs: rows.append(inputs[0]))
        for some in images.split(250):
            self.network(self.preprocessing.inputs(some))
        handle.remove()
        return torch.nn.functional.normalize(torch.cat(rows))

    @torch.no_grad()
    def called(self, images: Tensor) -> Tensor:
        """The likeliest class of each picture.  # (N,)"""
        return torch.cat([self.network(self.preprocessing.inputs(some)).argmax(1) for some in images.split(250)])


def nearest(features: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest of `among`, and which that is.  # (N,), (N,)"""
    parts = [torch.cdist(some, among).min(1) for some in features.split(250)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])


def measure_sets(options: argparse.Namespace) -> None:
    """Agreement with the judge, and how many pictures lie as near to a training picture as few real ones do."""
    judge = Judge(Path(os.environ["HYPONET_MODELS"]))
    read = [read_set(folder, options.per_class) for folder in options.sets]
    made = Pictures(torch.cat([one.images for one in read]), torch.cat([one.labels for one in read]))
    right = judge.called(made.images) == made.labels
    low, high = wilson(int(right.sum()), len(right))
    print(f"{int(right.sum())} of {len(right)} show their label: {100 * float(right.float().mean()):.1f} %", end=" ")
    print(f"({100 * low:.1f} to {100 * high:.1f}); by class:", end=" ")
    print(*(f"{name} {100 * float(right[made.labels == k].float().mean()):.1f}" for k, name in enumerate(CLASSES)))
    train = read_pictures(options.pictures, "train", options.source)
    test = read_pictures(options.pictures, "test", options.source)
    known = judge.features(train.images)
    usual, _ = nearest(judge.features(test.images), known)
    distances, places = nearest(judge.features(made.images), known)
    limit = float(usual.quantile(0.01))
    print(
        f"{int((distances < limit).sum())} of {len(distances)} lie nearer to a training picture than the first", end=" "
    )
    print(f"percentile of {len(usual)} real test pictures ({limit:.4f})")
    closest = distances.argsort()[:PAIRS]
    show_pairs(made.images[closest], train.images[places[closest]], NEAREST)


def read_set(folder: Path, per_class: int) -> Pictures:
    """The first pictures of each class of a set, at 32 px as the judge sees them."""
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    lines = sorted((line for line in lines if line["rank"] < per_class), key=lambda line: (line["label"], line["rank"]))
    images = []
    for line in lines:
        with Image.open(folder / line["file_name"]) as picture:
            small = picture.convert("RGB").resize((32, 32), Image.Resampling.BICUBIC)
            images.append(torch.from_numpy(np.array(small)))
    return Pictures(torch.stack(images), torch.tensor([CLASSES.index(line["label"]) for line in lines]))


def show_pairs(made: Tensor, known: Tensor, path: Path) -> None:
    """Write one picture: `made` in the upper row, what lies nearest below each."""
    page = Image.new("RGB", (len(made) * (TILE + 4) - 4, 2 * TILE + 4), "white")
    for column, pair in enumerate(zip(made, known, strict=True)):
        for row, pixels in enumerate(pair):
            tile = Image.fromarray(pixels.numpy()).resize((TILE, TILE), Image.Resampling.BICUBIC)
            page.paste(tile, (column * (TILE + 4), row * (TILE + 4)))
    page.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} kB")


def measure_colours(options: argparse.Namespace) -> None:
    """How each colour word changes the middle's mean colour, seed by seed, and whether that is the right way."""
    with tempfile.TemporaryDirectory() as scratch, scratch_server(Path(scratch)) as server:
        plain = middles(server, "", options.per_class)
        for name, colour in RGB.items():
            coloured = middles(server, name, options.per_class)
            change = " ".join(f"{value:+.0f}" for value in (coloured - plain).mean(0))
            verdict = "right" if moves_right(name, np.array(colour), plain, coloured) else "WRONG"
            print(f"{name}: {change} of 255 in R, G, B over {len(plain)} pairs: {verdict}", flush=True)


def middles(server: Server, colour: str, per_class: int) -> np.ndarray:
    """The mean colours of the middles of pictures with that word, or with none.  # (5 per_class, 3) in 0..255"""
    graph = copy.deepcopy(json.loads(WORKFLOW.read_text("utf-8")))
    name = f"colour-{colour or 'none'}"
    widgets = {
        "CheckpointLoaderSimple": {"ckpt_name": "hyponet-small.safetensors"},
        "HypoNetPlanDataset": {"template": f"a photo of a {colour} __class__", "images_per_class": per_class},
        "HypoNetGenerateDataset": {"name": name, **SAMPLING},
    }
    for node in graph.values():
        node["inputs"].update(widgets.get(node["class_type"], {}))
    server.client.wait(server.client.queue(graph), 3600)
    return middle_colours(read_set(server.output / "datasets" / name, per_class).images).numpy()


def moves_right(name: str, colour: np.ndarray, plain: np.ndarray, coloured: np.ndarray) -> bool:
    """Black is darker, white lighter, grey less colourful; the others go towards their hue.

    Args:
        colour: of that name.  # (3,) in 0..255
        plain, coloured: mean colours without and with the word.  # (N, 3) in 0..255
    """
    if name in ("black", "white"):
        return bool((coloured.mean() > plain.mean()) == (name == "white"))
    before, after = (means - means.mean(1, keepdims=True) for means in (plain, coloured))
    if name == "grey":
        return bool(np.abs(after).mean() < np.abs(before).mean())
    return bool((after - before).mean(0) @ (colour - colour.mean()) > 0)


def main() -> None:
    """Run the command line."""
    whole = argparse.ArgumentParser("python -m tools.small_model.measure", description=__doc__)
    commands = whole.add_subparsers(required=True)
    options = commands.add_parser("sets", help="do they show their label, and are they copies")
    options.add_argument("sets", type=Path, nargs="+", help="folders of sets")
    options.add_argument("--pictures", type=Path, required=True, help="CIFAR-10, any form that is read")
    options.add_argument("--source", default="image folder", help="as Load Labelled Images names it")
    options.add_argument("--per-class", type=int, default=200, help="the first so many of each class, of each set")
    options.set_defaults(run=measure_sets)
    options = commands.add_parser("colours", help="do colour words act")
    options.add_argument("--per-class", type=int, default=5, help="pairs of each colour and class; the card has 40")
    options.set_defaults(run=measure_colours)
    arguments = whole.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
