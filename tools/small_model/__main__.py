"""The commands: prepare the text side, train the autoencoder and the UNet, draw samples, pack the result.

Reads and writes the folder named by --folder; see the README beside this.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import numpy as arrays
from safetensors.torch import load_file, save_file
from torch import nn

from . import engine
from .captions import PAIRS, clear_captions, colour_of, encoded_captions, product_prompts
from .data import CLASSES, middle_colours, read_pictures
from .expand import in_8_bits, read_arrays
from .samples import draw, sheet
from .state import load_state, stop_on_signals, write_whole
from .text_table import Context, Words, encode, new_directions, read_table, words_of
from .unet import Examples, Trainer, UnetSettings, train_unet
from .vae import VaeSettings, decode, read_latents, read_vae, train_vae
from .vocabulary import COLOURS, read_vocabulary

PER_CLASS = 16  # pictures of a sheet


def prepare(options: argparse.Namespace) -> None:
    """Directions, the words of classes and colours, and captions as tokens."""
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, tokenizer = read_vocabulary(), engine.tokenizer()
    directions = new_directions(torch.Generator().manual_seed(options.seed))
    write_whole(folder / "directions.safetensors", lambda half: save_file(directions, half))
    write_words(folder, words_of(vocabulary, tokenizer))
    captions = clear_captions(vocabulary, tokenizer, read_table(folder))
    tokens, weights = encoded_captions(captions, tokenizer, options.captions, options.seed)
    parts = {"tokens": tokens, "weights": weights}
    write_whole(folder / "captions.safetensors", lambda half: save_file(parts, half))


def words(options: argparse.Namespace) -> None:
    """The words of --folder anew, from the lists and the WordNet of this clone."""
    write_words(options.folder, words_of(read_vocabulary(), engine.tokenizer()))


def write_words(folder: Path, several: Words) -> None:
    text = json.dumps(several, indent=0) + "\n"
    write_whole(folder / "words.json", lambda half: half.write_text(text, "utf-8"))


def vae(options: argparse.Namespace) -> None:
    settings = VaeSettings(options.steps, options.batch, seed=options.seed)
    pictures = read_pictures(options.pictures, "train", options.source)
    train_vae(pictures, options.folder, settings, options.device, stop_on_signals())


def train(options: argparse.Namespace) -> None:
    """Train the UNet from where it stands to the last step, then draw."""
    settings = UnetSettings(options.steps, options.batch, seed=options.seed)
    trainer = Trainer(options.folder / "state.pt", settings, options.device)
    context = Context(read_table(options.folder), options.device)
    if train_unet(trainer, examples(options), context, stop_on_signals()):
        sheets(trainer.mean, options)


def examples(options: argparse.Namespace) -> Examples:
    """Everything that a step gathers from, on the device."""
    pictures = read_pictures(options.pictures, "train", options.source)
    autoencoder, std = read_vae(options.folder / "vae.safetensors", options.device)
    images = pictures.images.to(options.device)
    latents = read_latents(autoencoder, images, options.folder / "latents.safetensors").to(options.device)
    labels = [CLASSES[number] for number in pictures.labels.tolist()]
    means = middle_colours(pictures.images).tolist()
    pairs = [
        PAIRS.index((label, colour_of((red, green, blue))))
        for label, (red, green, blue) in zip(labels, means, strict=True)
    ]
    captions = load_file(options.folder / "captions.safetensors", options.device)
    return Examples(latents / std, torch.tensor(pairs, device=options.device), captions["tokens"], captions["weights"])


def sample(options: argparse.Namespace) -> None:
    sheets(mean_unet(options).to(options.device), options)


def sheets(unet: nn.Module, options: argparse.Namespace) -> None:
    """Two sheets, a row a class: the class words alone, and the product's prompts with the thesis's negative."""
    vocabulary, tokenizer = read_vocabulary(), engine.tokenizer()
    context = Context(read_table(options.folder), options.device)
    autoencoder, std = read_vae(options.folder / "vae.safetensors", options.device)
    short = [f"a photo of a {label}" for label in CLASSES for _ in range(PER_CLASS)]
    pairs = product_prompts(vocabulary, PER_CLASS, seed=1)
    planned = [text for label in CLASSES for row_label, text in pairs if row_label == label]
    colours = [f"a photo of a {colour} {label}" for label in CLASSES for colour in COLOURS]
    thesis = max(vocabulary.negatives, key=len)
    for name, prompts, negative in (("short", short, ""), ("product", planned, thesis), ("colours", colours, "")):
        with_words, without = (embedded(texts, context, tokenizer, options.device) for texts in (prompts, [negative]))
        images = decode(autoencoder, draw(unet, with_words, without) * std)
        sheet(images, options.folder / "samples" / f"{name}.png", len(prompts) // len(CLASSES))


def embedded(texts: list[str], context: Context, tokenizer: Any, device: str) -> torch.Tensor:
    tokens, weights = encode(texts, tokenizer)
    return context(tokens.to(device), weights.to(device))


def mean_unet(options: argparse.Namespace) -> nn.Module:
    unet = engine.new_unet(torch.Generator()).eval().requires_grad_(False)
    unet.load_state_dict(load_state(options.folder / "state.pt")["mean"])
    return unet.to(memory_format=torch.channels_last)


def pack(options: argparse.Namespace) -> None:
    """The model in 8 bits a weight, as data/small_model holds it."""
    target: Path = options.target
    unet = {name: weight.half().numpy() for name, weight in mean_unet(options).state_dict().items()}
    autoencoder, about = read_arrays(options.folder / "vae.safetensors")
    for name, weights, metadata in (("unet", unet, None), ("vae", autoencoder, about)):
        packed = in_8_bits({key: weight.astype("float16") for key, weight in weights.items()})
        arrays.save_file(packed, target / f"{name}.safetensors", metadata)
    for name in ("directions.safetensors", "words.json"):
        content = (options.folder / name).read_bytes()
        write_whole(target / name, lambda half, content=content: half.write_bytes(content))


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser("python -m tools.small_model", description=__doc__)
    whole.add_argument("--comfyui", type=Path, default=os.environ.get("HYPONET_COMFYUI"), help="ComfyUI's folder")
    whole.add_argument("--folder", type=Path, required=True, help="where all parts and the state lie")
    whole.add_argument("--seed", type=int, default=0)
    whole.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    commands = whole.add_subparsers(required=True)

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        options = commands.add_parser(name, help=text)
        options.set_defaults(run=run)
        return options

    options = command("prepare", prepare, "directions, words, captions")
    options.add_argument("--captions", type=int, default=5000, help="for each pair of class and colour")
    for name, run, defaults in (("vae", vae, VaeSettings()), ("train", train, UnetSettings())):
        options = command(name, run, f"train the {'autoencoder' if name == 'vae' else 'UNet'}, or go on")
        options.add_argument("--pictures", type=Path, required=True, help="CIFAR-10, any form that is read")
        options.add_argument("--source", default="image folder", help="as Load Labelled Images names it")
        options.add_argument("--steps", type=int, default=defaults.steps)
        options.add_argument("--batch", type=int, default=defaults.batch)
    command("sample", sample, "contact sheets of the mean weights")
    options = command("pack", pack, "write the model in 8 bits")
    options.add_argument("target", type=Path)
    command("words", words, "write the words anew, after lists or WordNet changed")
    return whole


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = parser().parse_args()
    if options.comfyui is None:
        raise SystemExit("ComfyUI's folder is missing; name it by --comfyui or HYPONET_COMFYUI")
    engine.use_comfyui(options.comfyui)
    torch.set_flush_denormal(True)  # zero-initialised layers make the first steps crawl otherwise
    options.run(options)


if __name__ == "__main__":
    main()
