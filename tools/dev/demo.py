"""What `dev.py demo` does once a server runs: queue a shipped workflow over real photos and say what came out.

From a photo and four words to a set, a classifier trained on it, its accuracy on real pictures, and the report; or from
the user's own pictures to a set.
"""

from __future__ import annotations

import json
import shutil
import time
import webbrowser
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluation.progress import duration
from headless.client import Client, NoAnswer, Rejected, RunFailed
from headless.run import Outcome, outcome
from headless.verdict import shortfall
from headless.workflow import read_workflow, with_overrides

from .console import Failure, say
from .places import ROOT
from .processes import answer
from .setup import SMALL_MODEL_DATA

API = ROOT / "workflows" / "api"
MISSION, OWN = "hyponet_11_demo.json", "hyponet_03_pictures_to_set.json"
TIMEOUT = 7 * 86400.0  # seconds; a real checkpoint on a CPU takes minutes a picture
PHOTO = "chelsea.png"  # scikit-image's photo of a cat
CLASSES = 5  # of the small model, its test pictures and the workflow
TEST_PICTURES = SMALL_MODEL_DATA / "test_pictures.zip"
SMALL = "hyponet-small.safetensors"
CLASSIFIER = "tf_efficientnet_lite0.safetensors"
REAL_SIZE, REAL_STEPS = 512, 30  # what Stable Diffusion 1.5 was trained at
SMALL_SIZE, SMALL_STEPS = 64, 8  # by the judge, 8 steps show their label as often as 16
CFG = 2.0  # higher guidance makes pictures that are alike, from which a classifier learns less
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
    """Queue the demo, show how it goes, print what came out; the exit code.

    Raises:
        Failure: the workflow was refused, failed or did not make all that it was to make.
    """
    name, graph = own_pictures(inputs, options) if options.image else mission(python, inputs, options)
    graph = with_overrides(graph, settings(options, name))
    say(f"Queueing the workflow over {client.url} ...")
    start = time.monotonic()
    folder = output / "datasets" / name
    classes = len(options.image) if options.image else CLASSES
    try:
        prompt_id = client.queue(graph)
        total = classes * per_class(options.count, classes)
        entry = client.wait(prompt_id, TIMEOUT, progress(folder / "metadata.jsonl", total))
        problem = shortfall(graph, entry, client)
    except (Rejected, RunFailed, NoAnswer, TimeoutError) as error:
        problem = str(error)
    if problem:
        advice = "What to do: the message names the node; the server's log says more."
        raise Failure(f"The workflow failed: {problem}\n  {advice}")
    show_set(folder)
    page = folder
    if not options.image:
        page = output / "hyponet" / "reports" / name / "report.html"
        show_accuracy(outcome(graph, entry))
        say(f"The report:        {page}")
    say(f"The workflow:      {ROOT / 'workflows' / (OWN if options.image else MISSION)} (opens in the editor)")
    say(f"Time taken: {time.monotonic() - start:.1f} s")
    say(ABOUT_REAL if options.checkpoint else ABOUT_SMALL)
    if options.open:
        webbrowser.open(page.as_uri())
    return 0


def mission(python: Path, inputs: Path, options: Namespace) -> tuple[str, dict[str, Any]]:
    """The set's name and the workflow from a photo and words to a report; its inputs go into ComfyUI's input folder."""
    code = "import pathlib, skimage.data; print(pathlib.Path(skimage.data.__file__).parent)"
    shutil.copyfile(Path(answer(python, code)) / PHOTO, inputs / "cat.png")
    shutil.copyfile(TEST_PICTURES, inputs / TEST_PICTURES.name)
    name = f"demo{suffix(options)}"
    overrides = {
        "HypoNetPlanDataset.images_per_class": per_class(options.count, CLASSES),
        "HypoNetTrainClassifier.name": name,
        "HypoNetTestClassifier.name": name,
        "HypoNetWriteReport.name": name,
    }
    return name, with_overrides(read_workflow(API / MISSION), overrides)


def own_pictures(inputs: Path, options: Namespace) -> tuple[str, dict[str, Any]]:
    """The set's name and the workflow over the user's own pictures, one class a picture, named by its file."""
    folder = inputs / "demo_pictures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in options.image:
        path = Path(name).expanduser()
        shutil.copyfile(path, folder / path.name)
    graph = read_workflow(API / OWN)
    count = per_class(options.count, len(options.image))
    overrides = {"HypoNetClassesFromPictures.folder": folder.name, "HypoNetPlanDataset.images_per_class": count}
    return f"demo_own{suffix(options)}", with_overrides(graph, overrides)


def per_class(count: int, classes: int) -> int:
    """Pictures of each class, so that there are about `count` in all; one of each at least."""
    return max(1, round(count / classes))


def suffix(options: Namespace) -> str:
    """Another model makes another set: a set never mixes models."""
    return "".join(f"_{Path(name).stem}" for name in (options.checkpoint, options.classifier) if name)


def settings(options: Namespace, name: str) -> dict[str, Any]:
    """The widgets that the demo sets: the user's models, or the small one at its size."""
    real = bool(options.checkpoint)
    size, steps = (REAL_SIZE, REAL_STEPS) if real else (SMALL_SIZE, SMALL_STEPS)
    return {
        "HypoNetLoadClassifier.model_name": Path(options.classifier).name if options.classifier else CLASSIFIER,
        "CheckpointLoaderSimple.ckpt_name": Path(options.checkpoint).name if real else SMALL,
        "HypoNetGenerateDataset.name": name,
        "HypoNetGenerateDataset.width": size,
        "HypoNetGenerateDataset.height": size,
        "HypoNetGenerateDataset.steps": steps,
        "HypoNetGenerateDataset.cfg": CFG,
    }


def progress(manifest: Path, total: int) -> Callable[[], None]:
    """A function that says how many of `total` pictures stand, and how long the rest takes at the pace so far, whenever
    that number has grown and some seconds have passed."""
    count, last_look = 0, time.monotonic()
    first: tuple[int, float] | None = None  # pictures that an earlier run has made, and when they were counted

    def tick() -> None:
        nonlocal count, last_look, first
        if time.monotonic() - last_look < PROGRESS_INTERVAL or not manifest.is_file():
            return
        last_look = time.monotonic()
        with manifest.open("rb") as lines:
            now = sum(1 for _ in lines)
        first = first or (now, last_look)
        if now == count:
            return
        count = now
        text = f"  {now} of {total} pictures made"
        if first[0] < now < total:
            text += f", about {duration((last_look - first[1]) / (now - first[0]) * (total - now))} left"
        say(text)

    return tick


def show_set(folder: Path) -> None:
    """Say what the set holds: pictures and words a class, and where it lies."""
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


def show_accuracy(shown: Outcome) -> None:
    """Say how well the classifier, which saw generated pictures alone, names real ones."""
    for result in shown.results:
        for test_set in result["figures"].get("test_sets", []):
            low, high = test_set["interval"]
            say(
                f"Accuracy on {test_set['count']} real pictures: {100 * test_set['accuracy']:.1f} % "
                f"(95 % Wilson interval {100 * low:.1f} to {100 * high:.1f} %; chance {100 / CLASSES:.0f} %)"
            )


ABOUT_SMALL = """
The pictures are by hyponet-small, a model of this project for bare machines: 64 x 64 px, five classes (automobile,
cat, horse, ship, truck), trained on CIFAR-10. It knows nothing else; its figures say nothing about Stable Diffusion.
With a real one:  python3 dev.py demo --checkpoint PATH/TO/v1-5-pruned-emaonly.safetensors
With your photos: python3 dev.py demo --checkpoint ... --image cat.jpg --image dog.jpg
                  (one class each, named by its file; ends with the set)"""
ABOUT_REAL = """
With your photos: add --image cat.jpg --image dog.jpg (one class each, named by its file; ends with the set)"""
