"""What a classifier says of pictures: the likeliest classes of each, the class of all together, and a table.

Reads a Classifier and images; returns rows and markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .classifier import Classifier

LOW_CONFIDENCE = 0.3  # a best probability below it is worth a warning; a judgement, not measured


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class with its WordNet id ("" when unknown), its probability, and a remark for reports."""

    label: str
    synset: str
    probability: float
    note: str = ""


def top_predictions(classifier: Classifier, images: torch.Tensor, count: int) -> list[list[Prediction]]:
    """The `count` likeliest classes of each picture of `images` [B,H,W,C], likeliest first."""
    return [_ranked(classifier, row, count) for row in classifier.probabilities(images)]


def average_class(classifier: Classifier, images: torch.Tensor, minimum: float = 0.0) -> Prediction:
    """The likeliest class of all pictures together: their probabilities averaged; the note is markdown for a report.

    Raises:
        ValueError: it is less probable than `minimum`; the message names the likeliest classes.
    """
    rows = classifier.probabilities(images)
    best = _ranked(classifier, rows.mean(dim=0), 3)
    likeliest = ", ".join(f"{prediction.label} {prediction.probability:.1%}" for prediction in best)
    check_confidence("the picture" if len(rows) == 1 else "the batch", likeliest, best[0].probability, minimum)
    pictures = "picture" if len(rows) == 1 else f"{len(rows)} pictures, averaged"
    note = f"Classified by {classifier.name} ({pictures}): {likeliest}."
    if best[0].probability < LOW_CONFIDENCE:
        note += f" **Low confidence**: below {LOW_CONFIDENCE:.0%}; try a clearer picture, or Hyponyms of Word."
    return Prediction(best[0].label, best[0].synset, best[0].probability, note)


def check_confidence(what: str, seen: str, probability: float, minimum: float) -> None:
    """Stop where a class is so uncertain that a set made from it would be of something else.

    Args:
        what: was classified.
        seen: what it was taken for, as text.
        probability: of the likeliest class.

    Raises:
        ValueError: `probability` is below `minimum`.
    """
    if probability < minimum:
        raise ValueError(
            f"{what} is taken for {seen}; expected a class of at least {minimum:.0%}; load a clear photo of one thing, "
            "or name it by a word (Hyponyms of Word), or set minimum_confidence to 0 to go on with this class"
        )


def predictions_report(rows: Sequence[Sequence[Prediction]], low: float) -> str:
    """Markdown: one table for all pictures, and a warning for each whose best probability is below `low`."""
    lines = ["| picture | rank | label | wnid | probability |", "|---:|---:|---|---|---:|"]
    for number, row in enumerate(rows, start=1):
        for rank, prediction in enumerate(row, start=1):
            label, synset, probability = prediction.label, prediction.synset, prediction.probability
            lines.append(f"| {number} | {rank} | {label} | {synset} | {probability:.3f} |")
    unsure = [(number, row[0]) for number, row in enumerate(rows, start=1) if row[0].probability < low]
    if unsure:
        lines.append("")
    for number, best in unsure:
        lines.append(
            f"Low confidence: picture {number} is most likely {best.label}, but with {best.probability:.1%} only; "
            f"it may show none of the model's classes."
        )
    return "\n".join(lines)


def _ranked(classifier: Classifier, row: torch.Tensor, count: int) -> list[Prediction]:
    values, indices = row.topk(min(count, len(row)))
    return [
        Prediction(classifier.class_names[index], classifier.synsets[index], value)
        for value, index in zip(values.tolist(), indices.tolist(), strict=True)
    ]
