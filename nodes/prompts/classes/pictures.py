"""Classes from sample pictures: what a classifier sees in them names the hyponyms; the file or folder is the label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ....evaluation.pictures.decode import PICTURE_SUFFIXES, decode, is_of_other_programs, is_picture
from ....evaluation.pictures.tensors import to_image
from ....evaluation.progress import Progress
from ....evaluation.unicode_names import composed
from ...hyponyms.classifier import Classifier
from ...hyponyms.hyponyms import Hyponyms, HyponymSettings, hyponyms_of_class, hyponyms_of_word
from ...hyponyms.predictions import LOW_CONFIDENCE, check_confidence
from ...hyponyms.senses import find_sense
from ...hyponyms.taxonomy import taxonomy
from ..item import ClassSpec
from .kinds import deep_enough
from .make import add_classes


def find_pictures(folder: Path) -> dict[str, list[Path]]:
    """From a label, composed, to its pictures: `cat.jpg` and what is in the folder `cat`, in the order of their names.

    Raises:
        ValueError: there is no picture.
        OSError: a folder cannot be listed.
    """
    pictures: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if is_of_other_programs(path.name):
            continue
        if path.is_dir():
            inside = [file for file in sorted(path.iterdir()) if is_picture(file)]
            if inside:
                pictures.setdefault(composed(path.name), []).extend(inside)
        elif is_picture(path):
            pictures.setdefault(composed(path.stem), []).append(path)
    if not pictures:
        raise ValueError(
            f"pictures in {folder.name} are none; expected cat.jpg or cat/*.jpg for a class cat, of the kinds "
            f"{' '.join(PICTURE_SUFFIXES)}; put at least one there"
        )
    return pictures


def classes_from_pictures(
    classifier: Classifier,
    pictures: Mapping[str, Sequence[Path]],
    settings: HyponymSettings,
    climb_to_name: bool,
    minimum: float,
    progress: Progress,
) -> tuple[tuple[ClassSpec, ...], str]:
    """A class for each label with the hyponyms of what its pictures show, and a report in markdown.

    Args:
        classifier: what names the pictures.
        pictures: from a label to its pictures; their probabilities are averaged.
        settings: how hyponyms are listed; its ancestor is not used.
        climb_to_name: climb to the hypernym that the label names, where what is seen lies under it.
        minimum: least probability of what is seen, where the list follows from it and not from the label alone; 0
            takes any.
        progress: told after each label; it raises when the user stops the run.

    Raises:
        ValueError: a picture cannot be read, what it shows is too uncertain, or WordNet has no hyponyms for that; the
            message names the class.
    """
    classes: list[ClassSpec] = []
    rows = ["| class | pictures | seen | probability | hypernym | hyponyms | |", "|---|---:|---|---:|---|---:|---|"]
    details: list[str] = []
    for number, (label, files) in enumerate(pictures.items(), start=1):
        index, probability = _classify(classifier, files)
        shows = classifier.class_names[index]
        synset = classifier.synsets[index]
        try:
            hyponyms, remark = None, ""
            if climb_to_name and settings.mode == "exact":
                hyponyms, remark = _kinds_of_label(synset, shows, label, settings)
            if hyponyms is None or not _is_usual_sense(hyponyms, label):  # it follows from what the pictures show
                check_confidence("the picture", f"{shows} {probability:.1%}", probability, minimum)
            hyponyms = hyponyms or hyponyms_of_class(synset, shows, settings)
        except ValueError as error:
            raise ValueError(f"class {label!r}, whose pictures show {shows!r}: {error}") from None
        if probability < LOW_CONFIDENCE:
            remark = "; ".join(filter(None, [remark, "**low confidence**: try clearer pictures"]))
        counts = f"{hyponyms.hypernym} | {len(hyponyms.words)}"
        rows.append(f"| {label} | {len(files)} | {shows} | {probability:.1%} | {counts} | {remark} |")
        details.append(f"**{label}** ({hyponyms.hypernym}): {', '.join(hyponyms.words)}")
        classes.append(ClassSpec(label, hyponyms=hyponyms.words, hypernym=hyponyms.hypernym, synset=hyponyms.synset))
        progress(number, len(pictures))
    return add_classes((), classes), "\n".join([*rows, "", *details])


def _classify(classifier: Classifier, files: Sequence[Path]) -> tuple[int, float]:
    """The class that the pictures show, and its probability, averaged over them."""
    mean = torch.stack([classifier.probabilities(read_picture(path))[0] for path in files]).mean(dim=0)
    index = int(mean.argmax())
    return index, float(mean[index])


def _kinds_of_label(synset: str, shows: str, label: str, settings: HyponymSettings) -> tuple[Hyponyms | None, str]:
    """The kinds of the label, in the sense of which what the pictures show is a kind where that can be; and a remark.

    A label that is another noun keeps its word: its own kinds are listed, not those of what the pictures show. None
    for a label that is no noun.
    """
    try:
        return deep_enough(
            lambda at_depth: hyponyms_of_class(synset, shows, replace(at_depth, ancestor=label)), settings
        ), ""
    except ValueError:
        remark = f"{shows} is no kind of {label} in WordNet"
    try:
        sense = find_sense(taxonomy(), label).synset.name
    except ValueError:
        return None, remark
    class_settings = replace(settings, ancestor=sense)
    return deep_enough(
        lambda at_depth: hyponyms_of_word(sense, at_depth), class_settings
    ), f"{remark}, so the kinds of {sense} are listed"


def _is_usual_sense(hyponyms: Hyponyms, label: str) -> bool:
    """Whether these are kinds of what the label means by itself: a `crane` may be a bird or a machine."""
    return hyponyms.synset == find_sense(taxonomy(), label).synset.id


def read_picture(path: Path) -> torch.Tensor:
    """A picture [1,H,W,3], float32 in 0..1, turned as its camera says; transparent parts become white.

    Raises:
        ValueError: the file is no picture, is cut off, or has too many pixels.
    """
    return to_image(decode(path, f"{path.parent.name}/{path.name}", orientation="apply", alpha="white"))
