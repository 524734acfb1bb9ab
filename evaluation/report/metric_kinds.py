"""What a table of each kind of metric is called and shows, and what its figures may claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FID_NOTE = (
    "No interval: resampling pictures with repeats is biased upward. FID compares only at equal numbers of pictures."
)
DISTANCE_CLAIM = (
    "It says how far a set is from this reference as this network sees both, and nothing of a single picture or of the "
    "use for training."
)
SPLITS = "\u00b1: standard deviation over the splits."


@dataclass(frozen=True)
class PlainTable:
    """A table of one kind of metric without a counterpart in the thesis.

    Args:
        kind: of the results.
        title: on features of Inception, or of any network.
        columns: key of a figure -> its heading.
        notes: what the figures may claim.
        by_transformer: title and headings on features of DINOv2 and CLIP, where they have other names there.
        spread: what follows a figure's key in the key of its spread; "" without.
        unit: what the spread is over.
        scale: the table shows so many times the figure.
    """

    kind: str
    title: str
    columns: Mapping[str, str]
    decimals: int
    notes: tuple[str, ...]
    by_transformer: tuple[str, Mapping[str, str]] | None = None
    spread: str = ""
    unit: str = ""
    scale: float = 1


DISTANCE = PlainTable(
    "fid",
    "Frechet Inception Distance (lower is better)",
    {"fid": "FID"},
    2,
    (FID_NOTE, DISTANCE_CLAIM),
    by_transformer=("Frechet distance, FD, by another network than Inception (lower is better)", {"fid": "FD"}),
)
SCORE = PlainTable(
    "inception_score",
    "Inception Score (higher is better)",
    {"inception_score": "IS"},
    2,
    (SPLITS, "It knows no real pictures and none of the set's classes: copies of one good picture a class score high."),
    spread="_sd",
    unit="splits",
)
KID = PlainTable(
    "kid",
    "Kernel Inception Distance (lower is better)",
    {"kid": "KID x 1000"},
    2,
    ("\u00b1: spread over subsets, which is no standard error.", f"Without bias at few pictures. {DISTANCE_CLAIM}"),
    by_transformer=("Kernel distance, KD, by another network than Inception (lower is better)", {"kid": "KD x 1000"}),
    spread="_sd_over_subsets",
    unit="subsets",
    scale=1000,
)
CMMD = PlainTable(
    "cmmd",
    "CMMD: maximum mean discrepancy of CLIP features, times 1,000 (lower is better)",
    {"cmmd": "CMMD"},
    3,
    (f"Biased upward at few pictures: compare at equal numbers. {DISTANCE_CLAIM}",),
)
PRECISION_RECALL = PlainTable(
    "precision_recall",
    "Precision, recall, density and coverage",
    {
        "precision": "precision (closed)",
        "recall": "recall (closed)",
        "prdc_precision": "precision (prdc)",
        "prdc_recall": "recall (prdc)",
        "density": "density",
        "coverage": "coverage",
    },
    4,
    (
        "closed: a picture on the edge of a neighbourhood is inside (torch-fidelity); prdc: outside.",
        "Precision and density: how many pictures lie among the reference's; recall and coverage: how much of the "
        "reference is reached. All depend on k and on both numbers of pictures.",
    ),
)
DIVERSITY = PlainTable(
    "diversity",
    "Diversity within classes (mean over classes)",
    {
        "vendi": "Vendi score",
        "mean_pairwise_distance": "mean pairwise distance",
        "median_nearest_distance": "median distance to the nearest",
    },
    3,
    (
        "Compare only between sets with equal numbers of pictures a class.",
        "Unlike pictures raise it, wrong and broken ones too.",
    ),
)
SAMENESS = PlainTable(
    "sameness",
    "Sameness: pictures of one prompt beside pictures of one class",
    {
        "within_prompt": "mean distance within a prompt",
        "within_class": "mean distance within a class",
        "ratio": "ratio",
        "different_prompts": "different prompts a picture",
    },
    3,
    (
        "A ratio near 1: the seed varies pictures as the prompts do; near 0: one prompt is one picture.",
        "Distilled models hardly vary by seed: there the prompts have to.",
    ),
)
CLIP_SCORE = PlainTable(
    "clip_score",
    "CLIP score: agreement of pictures with their prompts (higher is better)",
    {"clip_score": "CLIP score"},
    2,
    (
        "100 times the mean cosine of picture and prompt, as this CLIP reads both: nothing of how real or varied the "
        "pictures are. Sets with other prompts do not compare.",
    ),
)
PLAIN = (DISTANCE, SCORE, KID, CMMD, PRECISION_RECALL, DIVERSITY, SAMENESS, CLIP_SCORE)
