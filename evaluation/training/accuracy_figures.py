"""The figures of a test: the contract between who measures a classifier and the report.

Each class has one form in a result file, written by `to_json` and read by `from_json`. What follows from other figures
(an accuracy from its confusion matrix) is written too, for readers without this code, and is never read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..intervals import wilson
from ..pictures.pixels import overlap_text

UNKNOWN_OVERLAP = "whether its pictures are of the classifier's training set is not known: its file does not name them"


@dataclass(frozen=True, eq=False)
class SetAccuracy:
    """One classifier on one test set. Everything but the calibration error follows from the confusion matrix.

    Args:
        name: of the test set.
        classes: the classifier's, in its order; rows and columns of `confusion`.
        confusion: int64 [K,K], true class by predicted class.
        calibration_error: expected calibration error in 0..1.
        synthetic: whether the test set has a generated picture.
        shared: test pictures that are of the training set, trained on or held out; None where the classifier's file
            does not name its pictures.
        restricted_right: of a set that lacks classes: pictures that are right where only its own can be answered.
        steered: name of a top-up -> test pictures by which it was decided; those it is not reported on.
        entropy: class -> mean and standard deviation, over its pictures, of the answer's entropy in shares of log K.
    """

    name: str
    classes: tuple[str, ...]
    confusion: np.ndarray
    calibration_error: float
    synthetic: bool
    restricted_right: int | None = None
    shared: int | None = None
    steered: Mapping[str, int] = field(default_factory=dict)
    entropy: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def right(self) -> int:
        """Pictures whose class was predicted."""
        return int(np.trace(self.confusion))

    @property
    def count(self) -> int:
        """Pictures tested."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """right / count, in 0..1."""
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % Wilson interval."""
        return wilson(self.right, self.count)

    @property
    def absent(self) -> tuple[str, ...]:
        """The classifier's classes of which the test set has no picture."""
        return tuple(name for name, count in zip(self.classes, self.confusion.sum(axis=1), strict=True) if not count)

    def absence(self) -> str:
        """What a reader has to know of a set that lacks classes, with the figure among those that it has."""
        if not self.absent:
            return ""
        lacks = f"lacks {len(self.absent)} of the classifier's classes ({', '.join(self.absent[:10])})"
        if self.restricted_right is None:
            return lacks
        share = 100 * self.restricted_right / self.count
        return f"{lacks}; {share:.2f} % where only the {len(self.classes) - len(self.absent)} that are there count"

    def remarks(self) -> tuple[str, ...]:
        """What stands beside the figure wherever it is shown: what was learned, what lacks, and what steered."""
        overlap = overlap_text(self.shared, self.count, "test pictures", "are of its training set")
        return tuple(filter(None, (overlap, self.absence(), *steered_texts(self.steered, self.count))))

    def per_class(self) -> dict[str, tuple[int, int]]:
        """class -> (right, count), of the classes that the test set has."""
        counts = self.confusion.sum(axis=1)  # (K,)
        return {
            name: (int(self.confusion[label, label]), int(counts[label]))
            for label, name in enumerate(self.classes)
            if counts[label]
        }

    def to_json(self) -> dict[str, Any]:
        """The object in a result file, with what follows from the confusion matrix."""
        return {
            "name": self.name,
            "synthetic": self.synthetic,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "right": self.right,
            "count": self.count,
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "per_class": {
                name: {"accuracy": right / count, "right": right, "count": count}
                for name, (right, count) in self.per_class().items()
            },
            "confusion": self.confusion.tolist(),
            "shared": self.shared,
            "steered": dict(self.steered),
            "entropy": {name: {"mean": mean, "sd": sd} for name, (mean, sd) in self.entropy.items()},
            "absent": list(self.absent),
            "restricted_right": self.restricted_right,
            "restricted_accuracy": None if self.restricted_right is None else self.restricted_right / self.count,
        }

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> SetAccuracy:
        """Raises ValueError where the matrix does not fit the classes or holds no picture."""
        classes = tuple(str(name) for name in figures["classes"])
        confusion = np.asarray(figures["confusion"], dtype=np.int64)
        restricted, shared = figures.get("restricted_right"), figures.get("shared")
        if confusion.shape != (len(classes), len(classes)) or (confusion < 0).any() or not confusion.any():
            raise ValueError(f"the confusion matrix is {confusion.shape}; expected counts of {len(classes)} classes")
        return cls(
            name=str(figures["name"]),
            classes=classes,
            confusion=confusion,
            calibration_error=float(figures["calibration_error"]),
            synthetic=bool(figures["synthetic"]),
            restricted_right=None if restricted is None else int(restricted),
            shared=None if shared is None else int(shared),
            steered=read_counts(figures.get("steered")),
            entropy={
                str(name): (float(stated["mean"]), float(stated["sd"])) for name, stated in figures["entropy"].items()
            },
        )


def steered_texts(steered: Mapping[str, int], count: int) -> tuple[str, ...]:
    """The mark of a figure for each top-up that `steered` of its `count` test pictures decided."""
    texts = (
        overlap_text(shared, count, "test pictures", f"steered the top-up {name}") for name, shared in steered.items()
    )
    return tuple(f"not to be reported: {text}" for text in texts if text)


def read_counts(stated: Any) -> dict[str, int]:
    """Name -> number of a result file's object; empty where it is missing."""
    return {str(name): int(number) for name, number in (stated or {}).items()}
