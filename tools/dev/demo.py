"""What `dev.py demo` does once a server runs: queue a shipped workflow over real photos and say what came out."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headless.client import Client, Rejected, RunFailed
from headless.run import outcome
from headless.workflow import read_workflow, with_overrides

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows" / "api"
PHOTOS = {"cat": "chelsea.png", "coffee": "coffee.png", "motorcycle": "motorcycle_left.png"}
STAND_IN = "tiny_sd15.ckpt"
CLASSIFIER = "tf_efficientnet_lite0.safetensors"
Say = Callable[[str], None]


def model_folder(path: Path, place: Path, kind: str) -> Path:
    """A folder that looks like ComfyUI's `models` and holds the user's file `path` as a `kind` of model."""
    folder = place / f"{path.stem}-{kind}"
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


def run(client: Client, python: Path, inputs: Path, output: Path, options: Namespace, say: Say) -> int:
    """Queue the demo, show how it goes, print what came out; the exit code."""
    name, graph = own_pictures(inputs, options) if options.image else sample_photos(python, inputs, options)
    graph = with_overrides(graph, settings(options, name, graph))
    say(f"Queueing the workflow over {client.url} ...")
    start = time.monotonic()
    folder = output / "datasets" / name
    try:
        prompt_id = client.queue(graph)
        entry = client.wait(prompt_id, tick=progress(folder / "metadata.jsonl", say))
    except (Rejected, RunFailed) as problem:
        say(f"\nThe workflow failed: {problem}\n  What to do: the message names the node; the server's log says more.")
        return 1
    show(outcome(graph, entry).texts, folder, time.monotonic() - start, options, say)
    return 0


def sample_photos(python: Path, inputs: Path, options: Namespace) -> tuple[str, dict[str, Any]]:
    """The set's name and the workflow over scikit-image's photos, which are copied into ComfyUI's input folder."""
    ask = "import pathlib, skimage.data; print(pathlib.Path(skimage.data.__file__).parent)"
    found = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    for label, photo in PHOTOS.items():
        shutil.copyfile(Path(found) / photo, inputs / f"{label}.png")
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
    return max(1, round(count / classes))


def suffix(options: Namespace) -> str:
    """Another model makes another set: a set never mixes models."""
    return "".join(f"_{Path(name).stem}" for name in (options.checkpoint, options.classifier) if name)


def settings(options: Namespace, name: str, graph: dict[str, Any]) -> dict[str, Any]:
    real = bool(options.checkpoint)
    size, steps = (512, 30) if real else (128, 2)
    return {
        "HypoNetLoadClassifier.model_name": Path(options.classifier).name if options.classifier else CLASSIFIER,
        "CheckpointLoaderSimple.ckpt_name": Path(options.checkpoint).name if real else STAND_IN,
        "HypoNetGenerateDataset.name": name,
        "HypoNetGenerateDataset.width": size,
        "HypoNetGenerateDataset.height": size,
        "HypoNetGenerateDataset.steps": steps,
    }


def progress(manifest: Path, say: Say) -> Callable[[], None]:
    """Says how many pictures stand, whenever that number has grown and some seconds have passed."""
    state = {"shown": 0, "at": time.monotonic()}

    def tick() -> None:
        if time.monotonic() - state["at"] < 5 or not manifest.is_file():
            return
        state["at"] = time.monotonic()
        with manifest.open("rb") as lines:
            made = sum(1 for _ in lines)
        if made != state["shown"]:
            state["shown"] = made
            say(f"  {made} pictures made")

    return tick


def show(texts: list[tuple[str, str]], folder: Path, seconds: float, options: Namespace, say: Say) -> None:
    plan = json.loads((folder / "dataset.json").read_text("utf-8"))["plan"]
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    say("")
    for each in plan["classes"]:
        made = sum(line.get("label") == each["name"] for line in lines)
        words = list(each["hyponyms"])
        shown = ", ".join(words[:8]) + (f", ... ({len(words)} in all)" if len(words) > 8 else "")
        say(f"{each['name']}: {made} pictures; hyponyms of {each['hypernym']}: {shown}")
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
