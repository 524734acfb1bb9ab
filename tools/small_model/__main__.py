"""The commands: make a folder of first parts, train the autoencoder and the UNet, anneal, sample, export.

Reads and writes the folder named by --folder: directions.safetensors, text_table.safetensors, vae.safetensors,
latents.safetensors, state.pt, curve.csv, samples/.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from . import engine
from .captions import Captions, colour_of, product_prompts
from .data import CLASSES, Pictures, middle_colours, read_pictures
from .export import export
from .samples import class_sheet
from .state import load_state
from .text_table import Context, TextTable, new_directions, new_table, read_directions, read_table, save_table, says
from .unet import Examples, Trainer, UnetSettings, train_unet
from .vae import VaeSettings, read_latents, read_vae, train_vae
from .vocabulary import Vocabulary, read_vocabulary

log = logging.getLogger("hyponet")


class Parts:
    """What all commands share, read from the folder when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vocabulary: Vocabulary = read_vocabulary()
        self.tokenizer = engine.tokenizer()
        self.table: TextTable = read_table(folder / "text_table.safetensors")
        self.context = Context(self.table, self.tokenizer)

    def captions(self) -> Captions:
        """Captions of the words whose tokens say their class."""

        def clear(label: str, words: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(word for word in words if says(word, self.tokenizer, self.table) == label)

        vocabulary = self.vocabulary
        words = {
            label: (clear(label, vocabulary.listed[label]), clear(label, vocabulary.wordnet[label]))
            for label in CLASSES
        }
        return Captions(words, vocabulary)

    def sample(self, unet: nn.Module, step: int) -> None:
        """Two sheets: the class words alone, and the product's prompts with the thesis's negative."""
        vae, std = read_vae(self.folder / "vae.safetensors")
        where = self.folder / "samples"
        short = {label: [f"a photo of a {label}"] * 16 for label in CLASSES}
        class_sheet(unet, vae, std, self.context, short, where / f"{step:06d}_short.png")
        pairs = product_prompts(self.vocabulary, 16, seed=1)
        planned = {label: [text for prompt_label, text in pairs if prompt_label == label] for label in CLASSES}
        negative = max(self.vocabulary.negatives, key=len)
        class_sheet(unet, vae, std, self.context, planned, where / f"{step:06d}_product.png", negative)


def prepare(options: argparse.Namespace) -> None:
    """Directions (given or new) and the text table."""
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(options.seed)
    if options.directions:
        directions = read_directions(options.directions)
    else:
        directions = new_directions(generator)
    table = new_table(read_vocabulary(), engine.tokenizer(), directions, generator)
    save_table(table, folder / "text_table.safetensors")
    if options.vae:
        shutil.copyfile(options.vae, folder / "vae.safetensors")


def vae(options: argparse.Namespace) -> None:
    settings = VaeSettings(options.steps, seed=options.seed, freeze_encoder=options.decoder_only)
    train_vae(read_pictures(options.pictures, "train"), options.folder, settings, options.start)


def train(options: argparse.Namespace) -> None:
    parts = Parts(options.folder)
    settings = settings_of(options, options.steps)
    trainer = Trainer(options.folder / "state.pt", settings, options.start, options.device)
    train_unet(trainer, examples(parts, options.pictures), parts.captions(), parts.context, parts.sample)


def anneal(options: argparse.Namespace) -> None:
    """A copy of the state, trained on for --steps with rates falling to 0; the state itself can go on later."""
    parts, target = Parts(options.folder), options.folder / "annealed" / "state.pt"
    marker = target.with_name("range.txt")
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(options.folder / "state.pt", target)
        first = load_state(target)["step"]
        marker.write_text(f"{first} {first + options.steps}", encoding="ascii")
    first, last = (int(number) for number in marker.read_text(encoding="ascii").split())
    settings = replace(settings_of(options, last), anneal=True, mean_decay=0.99)
    trainer = Trainer(target, settings, None, options.device)
    trainer.first_step = first
    train_unet(trainer, examples(parts, options.pictures), parts.captions(), parts.context, parts.sample)


def settings_of(options: argparse.Namespace, last: int) -> UnetSettings:
    rates = (options.muon_rate, options.adam_rate)
    return UnetSettings(
        last, options.batch, *rates, seed=options.seed, workers=options.workers, is_compiled=options.compile
    )


def sample(options: argparse.Namespace) -> None:
    unet, step = mean_unet(options.state or options.folder / "state.pt")
    Parts(options.folder).sample(unet, step)


def write_checkpoint(options: argparse.Namespace) -> None:
    unet, _ = mean_unet(options.state or options.folder / "state.pt")
    path = options.folder / "vae.safetensors"
    table = read_table(options.folder / "text_table.safetensors")
    export(unet.state_dict(), path, read_vae(path)[1], table, options.target)


def mean_unet(path: Path) -> tuple[nn.Module, int]:
    state = load_state(path)
    unet = engine.new_unet(torch.Generator()).eval().requires_grad_(False)
    unet.load_state_dict(state["mean"])
    return unet.to(memory_format=torch.channels_last), state["step"]


def examples(parts: Parts, source: Path) -> Examples:
    pictures: Pictures = read_pictures(source, "train")
    autoencoder, std = read_vae(parts.folder / "vae.safetensors")
    latents = read_latents(autoencoder, pictures, parts.folder / "latents.safetensors")
    means = middle_colours(pictures.images).tolist()
    colours = tuple(colour_of((red, green, blue)) for red, green, blue in means)
    return Examples(latents / std, tuple(CLASSES[number] for number in pictures.labels.tolist()), colours)


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser("python -m tools.small_model", description=__doc__)
    whole.add_argument("--comfyui", type=Path, default=os.environ.get("HYPONET_COMFYUI"), help="ComfyUI's folder")
    whole.add_argument("--folder", type=Path, required=True, help="where all parts and the state lie")
    whole.add_argument("--seed", type=int, default=0)
    whole.add_argument("--threads", type=int, default=1, help="threads in each operation")
    commands = whole.add_subparsers(required=True)

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        options = commands.add_parser(name, help=text)
        options.set_defaults(run=run)
        return options

    options = command("prepare", prepare, "the text table; directions and an autoencoder may be given")
    options.add_argument("--directions", type=Path)
    options.add_argument("--vae", type=Path)
    options = command("vae", vae, "train the autoencoder")
    options.add_argument("--pictures", type=Path, required=True)
    options.add_argument("--start", type=Path)
    options.add_argument("--steps", type=int, default=4000)
    options.add_argument("--decoder-only", action="store_true")
    for name, run, text in (
        ("train", train, "train the UNet at a constant rate, from the state, --start or nothing"),
        ("anneal", anneal, "train a copy of the state with rates falling to 0"),
    ):
        options = command(name, run, text)
        options.add_argument("--pictures", type=Path, required=True)
        options.add_argument("--start", type=Path)
        options.add_argument("--steps", type=int, default=0 if name == "train" else 1500)
        options.add_argument("--batch", type=int, default=64)
        options.add_argument("--muon-rate", type=float, default=0.02)
        options.add_argument("--adam-rate", type=float, default=1e-3)
        options.add_argument("--workers", type=int, default=2, help="threads that share each batch; 1 on a GPU")
        options.add_argument("--compile", action="store_true", help="fuse layers; needs a C++ compiler")
        options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = command("sample", sample, "two contact sheets")
    options.add_argument("--state", type=Path)
    options = command("export", write_checkpoint, "a checkpoint for ComfyUI")
    options.add_argument("--state", type=Path)
    options.add_argument("target", type=Path)
    return whole


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = parser().parse_args()
    if options.comfyui is None:
        raise SystemExit("ComfyUI's folder is missing; name it by --comfyui or HYPONET_COMFYUI")
    torch.set_num_threads(options.threads)
    engine.use_comfyui(options.comfyui)
    options.run(options)


if __name__ == "__main__":
    main()
