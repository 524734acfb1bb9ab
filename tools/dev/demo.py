"""What `dev.py demo` does once a server runs: queue a shipped workflow over real photos and say what came out."""

from __future__ import annotations

import json
import shutil
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headless.client import Client, NoAnswer, Rejected, RunFailed
from headless.verdict import shortfall
from headless.workflow import read_workflow, with_overrides

from .console import say
from .places import ROOT
from .processes import answer

WORKFLOWS = ROOT / "workflows" / "api"
PHOTOS = {"cat": "chelsea.png", "coffee": "coffee.png", "motorcycle": "motorcycle_left.png"}
STAND_IN = "tiny_sd15.ckpt"
CLASSIFIER = "tf_efficientnet_lite0.safetensors"
REAL_SIZE, REAL_STEPS = 512, 30  # what Stable Diffusion 1.5 was trained at
STAND_IN_SIZE, STAND_IN_STEPS = 128, 2  # noise needs no more
PROGRESS_INTERVAL = 5.0  # seconds
WORDS_SHOWN = 8


def model_folder(path: Path, parent: Path, kind: str) -> Path:
    """A folder below `parent`, laid out like ComfyUI's `models`, that holds the user's file `path` as a `kind`."""
    folder = parent / f"{path.stem}-{kind}"
    target = folder / kind / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or (target.exists() and target.stat().st_size != path.stat().st_size):
        target.unlink()
    if not target.exists():
        try:
            target.symlink_to(path)
        except OSError:  # Windows without the right to make links
            shutil.copyfile(path, target)
    return folder


def run(client: Client, python: Path, inputs: Path, output: Path, options: Namespace) -> int:
    """Queue the demo, show how it goes, print what came out; the exit code."""
    name, graph = own_pictures(inputs, options) if options.image else sample_photos(python, inputs, options)
    graph = with_overrides(graph, settings(options, name))
    say(f"Queueing the workflow over {client.url} ...")
    start = time.monotonic()
    folder = output / "datasets" / name
    try:
        prompt_id = client.queue(graph)
        entry = client.wait(prompt_id, tick=progress(folder / "metadata.jsonl"))
        problem = shortfall(graph, entry, client)
    except (Rejected, RunFailed, NoAnswer, TimeoutError) as error:
        problem = str(error)
    if problem:
        say(f"\nThe workflow failed: {problem}\n  What to do: the message names the node; the server's log says more.")
        return 1
    show(folder, time.monotonic() - start, options)
    return 0


def sample_photos(python: Path, inputs: Path, options: Namespace) -> tuple[str, dict[str, Any]]:
    """The set's name and the workflow over scikit-image's photos, which are copied into ComfyUI's input folder."""
    code = "import pathlib, skimage.data; print(pathlib.Path(skimage.data.__file__).parent)"
    photos = Path(answer(python, code))
    for label, photo in PHOTOS.items():
        shutil.copyfile(photos / photo, inputs / f"{label}.png")
    graph = read_workflow(WORKFLOWS / "hyponet_demo.json")
    pictures = {f"Picture of {label}.image": f"{label}.png" for label in PHOTOS}
    count = {"HypoNetPlanDataset.images_per_class": per_class(options.count, len(PHOTOS))}
    return f"demo{suffix(options)}", with_overrides(graph, {**pictures, **count})


def own_pictures(inputs: Path, options: Namespace) -> tuple[str, dict[str, Any]]:
    """The set's name and the workflow over the user's own pictures, one class a picture, named by its file."""
    folder = inputs / "demo_pictures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in options.image:
        path = Path(name).expanduser()
        shutil.copyfile(path, folder / path.name)
    graph = read_workflow(WORKFLOWS / "hyponet_pictures_to_set.json")
    count = per_class(options.count, len(options.image))
    overrides = {"HypoNetClassesFromPictures.folder": folder.name, "HypoNetPlanDataset.images_per_class": count}
    return f"demo_own{suffix(options)}", with_overrides(graph, overrides)


def per_class(count: int, classes: int) -> int:
    """Pictures of each class, so that there are about `count` in all."""
    return max(1, round(count / classes))


def suffix(options: Namespace) -> str:
    """Another model makes another set: a set never mixes models."""
    return "".join(f"_{Path(name).stem}" for name in (options.checkpoint, options.classifier) if name)


def settings(options: Namespace, name: str) -> dict[str, Any]:
    """The widgets that the demo sets: the user's models, or small pictures in few steps with the stand-ins."""
    real = bool(options.checkpoint)
    size, steps = (REAL_SIZE, REAL_STEPS) if real else (STAND_IN_SIZE, STAND_IN_STEPS)
    return {
        "HypoNetLoadClassifier.model_name": Path(options.classifier).name if options.classifier else CLASSIFIER,
        "CheckpointLoaderSimple.ckpt_name": Path(options.checkpoint).name if real else STAND_IN,
        "HypoNetGenerateDataset.name": name,
        "HypoNetGenerateDataset.width": size,
        "HypoNetGenerateDataset.height": size,
        "HypoNetGenerateDataset.steps": steps,
    }


def progress(manifest: Path) -> Callable[[], None]:
    """A function that says how many pictures stand, whenever that number has grown and some seconds have passed."""
    count, last_look = 0, time.monotonic()

    def tick() -> None:
        nonlocal count, last_look
        if time.monotonic() - last_look < PROGRESS_INTERVAL or not manifest.is_file():
            return
        last_look = time.monotonic()
        with manifest.open("rb") as lines:
            now = sum(1 for _ in lines)
        if now != count:
            count = now
            say(f"  {count} pictures made")

    return tick


def show(folder: Path, seconds: float, options: Namespace) -> None:
    """Say what came out: pictures and words a class, and where the set lies."""
    plan = json.loads((folder / "dataset.json").read_text("utf-8"))["plan"]
    records = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    say("")
    for spec in plan["classes"]:
        count = sum(record.get("label") == spec["name"] for record in records)
        words = list(spec["hyponyms"])
        listing = ", ".join(words[:WORDS_SHOWN])
        listing += f", ... ({len(words)} in all)" if len(words) > WORDS_SHOWN else ""
        say(f"{spec['name']}: {count} pictures; hyponyms of {spec['hypernym']}: {listing}")
    say("")
    say(f"The labelled set:  {folder}")
    for sheet in sorted(folder.parent.glob(f"{folder.name}.sheets/*.png"))[:1]:
        say(f"Its contact sheet: {sheet}")
    say(f"Time taken: {seconds:.1f} s")
    if not options.checkpoint:
        say(
            "\nThe classifier is real; the diffusion model is a STAND-IN of random weights: it draws noise.\n"
            "With a real one:  python3 dev.py demo --checkpoint PATH/TO/v1-5-pruned-emaonly.safetensors\n"
            "With your photos: python3 dev.py demo --image cat.jpg --image dog.jpg (one class each, named by its file)"
        )
