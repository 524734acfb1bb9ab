"""Does a picture show its label? A classifier or CLIP says how likely, among the set's own classes.

Reads pictures of a set; the verdicts go through marks.py. Source of the default threshold, 1 / number of classes:
the probability that a picture of the class beats chance among the set's classes; strict filters cost variety.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ....evaluation.chunks import chunks
from ....evaluation.markdown import one_line
from ....evaluation.pictures.manifest import FAILED, PASSED, Record
from ....evaluation.pictures.tensors import to_image
from ....evaluation.progress import Progress
from ....evaluation.transformers_folders import FLOAT32, LOCAL, clip_tokenizer, plain_config
from ..load import read_picture
from ..store.store import DatasetStore
from ..store.writable_store import WritableStore
from .marks import Mark, MarkCounts, mark

BATCH = 16  # pictures that are judged at once: CLIP at 224 x 224 then needs less than 1 GB


class UnsoundModel(ValueError):
    """What judges gives probabilities that are no numbers."""


class Judge(Protocol):
    """Says how likely each of the set's classes is."""

    def judge(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """[B, classes of the set] float, rows that sum to 1, for pictures [H, W, 3] uint8 of any sizes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one picture: its label's probability, the likeliest of the set's classes, and what is against it."""

    record: Record
    probability: float
    predicted: str
    passed: bool
    reason: str = ""


def check_labels(
    store: DatasetStore, judge: Judge, threshold: float = 0.0, progress: Progress | None = None
) -> Iterator[Verdict]:
    """The verdict on every picture of the set, in the manifest's order; changes nothing.

    Args:
        threshold: least probability that passes, 0 takes 1 / number of classes.

    Raises:
        UnsoundModel: a probability is not a finite number.
        DamagedPicture, CorruptPicture: a picture is not there, or cannot be decoded.
    """
    labels = store.labels
    least = threshold or 1 / len(labels)
    total, finished = len(store), 0
    for batch in chunks(store.records(), BATCH):
        probabilities = judge.judge([read_picture(store, record) for record in batch])
        for record, row in zip(batch, probabilities, strict=True):  # row: one probability for each class of the set
            if not np.isfinite(row).all():
                raise UnsoundModel(
                    f"the check gives probabilities that are not finite for {record.file_name}; expected those of a "
                    "sound model; load its file again, or another one; no picture is marked"
                )
            probability = float(row[labels.index(record.label)])
            predicted, passed = labels[int(row.argmax())], probability >= least
            reason = "" if passed else f"looks like {predicted} ({probability:.2f})"
            yield Verdict(record, probability, predicted, passed, reason)
        finished += len(batch)
        if progress is not None:
            progress(finished, total)


def keep_best(verdicts: Sequence[Verdict], share: float) -> list[Verdict]:
    """The verdicts, with a reason against all but the best `share` of each class: by probability, of equal ones first.

    As many stay as `share` of the class's pictures is, rounded up, and none that did not pass. What others outrank
    shows its label all the same: it passed. A share a class keeps classes balanced, which one threshold for all does
    not.
    """
    of_classes: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        of_classes.setdefault(verdict.record.label, []).append(verdict)
    best: set[tuple[str, int]] = set()
    for of_class in of_classes.values():
        of_class.sort(key=lambda verdict: -verdict.probability)
        best.update(verdict.record.key for verdict in of_class[: math.ceil(round(share * len(of_class), 9))])
    outranked = f"not of the best {100 * share:g} % of its class"
    return [
        verdict
        if verdict.record.key in best or not verdict.passed
        else replace(verdict, reason=f"{outranked} ({verdict.probability:.2f})")
        for verdict in verdicts
    ]


def mark_labels(
    store: WritableStore,
    judge: Judge,
    threshold: float,
    attempts: int,
    *,
    reject: bool,
    best_share: float = 1.0,
    progress: Progress | None = None,
) -> tuple[list[Verdict], MarkCounts]:
    """Check every picture and record what is found; see `check_labels` and `mark`.

    What stops it halfway, an interrupt or a picture that cannot be read, leaves the verdicts so far recorded; nothing
    is rejected then.

    Args:
        reject: pictures that failed, and those that are not of the best share, leave the set.
        best_share: see `keep_best`; 1 keeps all that reach the threshold.
    """
    verdicts: list[Verdict] = []
    try:
        for verdict in check_labels(store, judge, threshold, progress):
            verdicts.append(verdict)
    except UnsoundModel:
        raise
    except BaseException:  # newer servers' interrupt is no Exception
        mark(store, marks_of(verdicts, reject=False), attempts)
        raise
    verdicts = keep_best(verdicts, best_share) if best_share < 1 else verdicts
    return verdicts, mark(store, marks_of(verdicts, reject), attempts)


def marks_of(verdicts: Sequence[Verdict], reject: bool) -> dict[tuple[str, int], Mark]:
    """The marks to record; with `reject`, pictures with something against them leave the set."""
    return {
        verdict.record.key: Mark(
            verdict.reason if reject else "",
            check=PASSED if verdict.passed else FAILED,
            probability=verdict.probability,
            predicted=verdict.predicted,
        )
        for verdict in verdicts
    }


def report(verdicts: Sequence[Verdict], labels: Sequence[str]) -> str:
    """Markdown: for each class, how many passed and what the others were taken for."""
    rows = ["| class | pictures | passed | mean probability | taken for |", "|---|---|---|---|---|"]
    of_classes: dict[str, list[Verdict]] = {label: [] for label in labels}
    for verdict in verdicts:
        of_classes[verdict.record.label].append(verdict)
    for label, of_class in of_classes.items():
        mistakes = Counter(verdict.predicted for verdict in of_class if verdict.predicted != label)
        mean = sum(verdict.probability for verdict in of_class) / max(1, len(of_class))
        taken_for = ", ".join(f"{one_line(name)} {count}" for name, count in mistakes.most_common(3))
        passed = sum(verdict.passed for verdict in of_class)
        rows.append(f"| {one_line(label)} | {len(of_class)} | {passed} | {mean:.3f} | {taken_for} |")
    outranked = sum(verdict.passed and bool(verdict.reason) for verdict in verdicts)
    if outranked:
        rows += ["", f"{outranked} pictures pass and are not of the best of their class."]
    return "\n".join(rows)


class ClassifierJudge:
    """A loaded classifier's probabilities, gathered by the set's classes.

    A class of the model counts for a class of the set when its synset lies under that class's synset, or, where one
    has no synset, when the names are equal.

    Args:
        classifier: has `class_names`, `synsets` and `probabilities([B, H, W, C] float 0..1) -> [B, classes]`.
        synsets: label -> WordNet id of the set's class, "" when unknown, in the set's order.
        is_under: whether one synset id lies under (or is) another.

    Raises:
        ValueError: the model has no class for one of the set's.
    """

    def __init__(
        self, classifier: ImageClassifier, synsets: Mapping[str, str], is_under: Callable[[str, str], bool]
    ) -> None:
        self._classifier = classifier
        self._belongs = np.zeros((len(classifier.class_names), len(synsets)), dtype=np.float64)
        for column, (label, synset) in enumerate(synsets.items()):
            for row, (name, wnid) in enumerate(zip(classifier.class_names, classifier.synsets, strict=True)):
                same = name.strip().casefold() == label.strip().casefold()
                self._belongs[row, column] = is_under(wnid, synset) if wnid and synset else same
        lacking = [label for column, label in enumerate(synsets) if not self._belongs[:, column].any()]
        if lacking:
            raise ValueError(
                f"classifier has no class for {', '.join(repr(label) for label in lacking[:5])}; expected one under "
                "each class's synset or of the same name; take one trained on this set's classes, or CLIP"
            )

    def judge(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """[pictures, classes of the set]: shares of the probability that these classes have in all; rows sum to 1."""
        alike = len({picture.shape for picture in pictures}) == 1
        groups = [np.stack(pictures)] if alike else [picture[None] for picture in pictures]
        rows = [self._classifier.probabilities(to_image(group)) for group in groups]
        mass = torch.cat(rows).double().cpu().numpy() @ self._belongs
        shares: np.ndarray = mass / np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
        return shares


class ImageClassifier(Protocol):
    """What ClassifierJudge needs of nodes/hyponyms/classifier.py's."""

    @property
    def class_names(self) -> Sequence[str]:
        """Of every class of the model, in the order of `probabilities`."""
        ...

    @property
    def synsets(self) -> Sequence[str]:
        """The WordNet id of every class of the model; "" where it has none."""
        ...

    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """[B, classes of the model], rows summing to 1, of `images`: [B, H, W, C] float in 0..1."""
        ...


class ClipJudge:
    """CLIP's probabilities over the set's class names, from a local Hugging Face folder.

    Args:
        folder: with config.json, weights (safetensors), tokenizer and preprocessor files.
        labels: the set's classes.
        template: a caption with {} where the class name goes.
        device: where the model runs.

    Raises:
        ImportError: transformers is not installed.
        ValueError: the folder holds no CLIP.
    """

    def __init__(self, folder: Path, labels: Sequence[str], template: str, device: torch.device) -> None:
        if "{}" not in template:
            raise ValueError(f"caption is {template!r}; expected {{}} where the class name goes: a photo of a {{}}")
        try:
            from transformers import CLIPImageProcessor, CLIPModel, CLIPProcessor
        except ImportError:
            raise ImportError("CLIP needs transformers; install it by: pip install transformers") from None
        try:
            config = plain_config(folder, "clip")
            model: Any = CLIPModel.from_pretrained(
                folder, config=config, torch_dtype=FLOAT32, use_safetensors=True, **LOCAL
            )
            self._model = model.train(False).to(device)
            processor_class: Any = CLIPProcessor
            self._processor = processor_class(
                CLIPImageProcessor.from_pretrained(folder, **LOCAL),
                clip_tokenizer(folder, int(config.text_config.vocab_size)),
            )
        except MemoryError:
            raise
        except Exception as error:  # transformers raises whatever its file formats raise
            raise ValueError(f"{folder} is no CLIP that transformers reads ({error}); expected its folder") from error
        self._captions = [template.replace("{}", label) for label in labels]

    def judge(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities [pictures, labels], rows summing to 1: the softmax of CLIP's scores of the captions."""
        inputs = self._processor(
            text=self._captions, images=list(pictures), return_tensors="pt", padding=True, truncation=True
        ).to(self._model.device)
        with torch.no_grad():
            probabilities: np.ndarray = self._model(**inputs).logits_per_image.softmax(dim=1).double().cpu().numpy()
        return probabilities
