"""Classes from sample pictures: what a classifier sees in them names the hyponyms; the file or folder is the label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ....evaluation.pictures.decode import PICTURE_SUFFIXES, decode, is_picture
from ....evaluation.pictures.tensors import to_image
from ...hyponyms.classifier import Classifier
from ...hyponyms.hyponyms import Hyponyms, Settings, hyponyms_of_class
from ..item import ClassSpec
from .make import add_classes

_LOW = 0.3


def find_pictures(folder: Path) -> dict[str, list[Path]]:
    """From a label to its pictures: `cat.jpg` and what is in the folder `cat`, in the order of their names.

    Raises:
        ValueError: there is no picture.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            inside = [one for one in sorted(path.iterdir()) if is_picture(one)]
            if inside:
                found.setdefault(path.name, []).extend(inside)
        elif is_picture(path):
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise ValueError(
            f"pictures in {folder.name} are none; expected cat.jpg or cat/*.jpg for a class cat, of the kinds "
            f"{' '.join(PICTURE_SUFFIXES)}; put at least one there"
        )
    return found


def classes_from_pictures(
    classifier: Classifier,
    pictures: Mapping[str, Sequence[Path]],
    settings: Settings,
    climb_to_name: bool,
    progress: Callable[[int, int], None],
) -> tuple[tuple[ClassSpec, ...], str]:
    """A class for each label with the hyponyms of what its pictures show, and a report in markdown.

    Args:
        classifier: what names the pictures.
        pictures: from a label to its pictures; their probabilities are averaged.
        settings: how hyponyms are listed; its ancestor is not used.
        climb_to_name: climb to the hypernym that the label names, where what is seen lies under it.
        progress: told after each label; it raises when the user stops the run.

    Raises:
        ValueError: a picture cannot be read, or WordNet has no hyponyms for what it shows; the message names it.
    """
    classes: list[ClassSpec] = []
    rows = ["| class | pictures | seen | probability | hypernym | hyponyms | |", "|---|---:|---|---:|---|---:|---|"]
    details: list[str] = []
    for done, (label, files) in enumerate(pictures.items()):
        index, probability = _seen(classifier, files)
        seen = classifier.class_names[index]
        try:
            found, remark = _look_up(classifier.synsets[index], seen, label, settings, climb_to_name)
        except ValueError as error:
            raise ValueError(f"class {label!a}, whose pictures show {seen!a}: {error}") from None
        if probability < _LOW:
            remark = "; ".join(filter(None, [remark, "**low confidence**: try clearer pictures"]))
        counts = f"{found.hypernym} | {len(found.words)}"
        rows.append(f"| {label} | {len(files)} | {seen} | {probability:.1%} | {counts} | {remark} |")
        details.append(f"**{label}** ({found.hypernym}): {', '.join(found.words)}")
        classes.append(ClassSpec(label, hyponyms=found.words, hypernym=found.hypernym, synset=found.synset))
        progress(done + 1, len(pictures))
    return add_classes((), classes), "\n".join([*rows, "", *details])


def _seen(classifier: Classifier, files: Sequence[Path]) -> tuple[int, float]:
    total = torch.stack([classifier.probabilities(read_picture(path))[0] for path in files]).mean(dim=0)
    index = int(total.argmax())
    return index, float(total[index])


def _look_up(synset: str, seen: str, label: str, settings: Settings, climb_to_name: bool) -> tuple[Hyponyms, str]:
    if climb_to_name and settings.mode == "exact":
        try:
            return hyponyms_of_class(synset, seen, replace(settings, ancestor=label)), ""
        except ValueError:
            remark = f"{seen} is no kind of {label} in WordNet"
            return hyponyms_of_class(synset, seen, settings), remark
    return hyponyms_of_class(synset, seen, settings), ""


def read_picture(path: Path) -> torch.Tensor:
    """A picture [1,H,W,3], float32 in 0..1, turned as its camera says; transparent parts become white.

    Raises:
        ValueError: the file is no picture, is cut off, or has too many pixels.
    """
    return to_image(decode(path, f"{path.parent.name}/{path.name}", orientation="apply", alpha="white"))
