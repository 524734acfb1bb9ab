"""CLIP score: how well pictures agree with the prompts that they were made of, of a set and of each class.

Source: Hessel et al. 2021, arXiv 2104.08718, as torchmetrics 1.9.0 has it: 100 times the mean cosine between CLIP's
features of picture and text, and 0 where that is negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..progress import Progress
from ..results import Measurement
from ..transformers_folders import clip_tokenizer
from .features import ImageFeatures
from .networks import full_precision
from .vision_transformers import VisionTransformer

TEXTS = 64  # prompts that are read at once


def clip_score(pictures: np.ndarray | Tensor, texts: np.ndarray | Tensor) -> float:
    """100 times the mean cosine of pairs, at least 0.

    Args:
        pictures, texts: features [N,d] of both, a row a pair.
    """
    cosines = torch.nn.functional.cosine_similarity(
        torch.as_tensor(pictures).double(), torch.as_tensor(texts).double(), dim=1
    )
    return max(100 * float(cosines.mean()), 0.0)


def text_features(
    clip: VisionTransformer, texts: Sequence[str], progress: Progress | None = None
) -> tuple[Tensor, int]:
    """CLIP's projected texts float32 [len(texts),width], and how many of them it does not read to their end.

    Equal texts are read once.

    Args:
        progress: called with (done, total) of different texts; what it raises stops the work.

    Raises:
        ValueError: the folder holds no tokenizer, or not this CLIP's.
    """
    assert clip.folder is not None
    config = clip.model.config.text_config
    try:
        tokenizer = clip_tokenizer(clip.folder, int(config.vocab_size))
    except ValueError as error:
        raise ValueError(f"{error} from {clip.url}") from error
    longest = int(config.max_position_embeddings)
    distinct = list(dict.fromkeys(texts))
    features: dict[str, Tensor] = {}
    cut = set()
    with torch.inference_mode(), full_precision():
        for start in range(0, len(distinct), TEXTS):
            part = distinct[start : start + TEXTS]
            cut |= {text for text in part if len(tokenizer(text)["input_ids"]) > longest}
            tokens = tokenizer(part, return_tensors="pt", padding=True, truncation=True, max_length=longest)
            tokens = {name: tokens[name].to(clip.device) for name in ("input_ids", "attention_mask")}
            pooled = clip.model.text_model(**tokens).pooler_output
            features |= zip(part, clip.model.text_projection(pooled).float().cpu(), strict=True)
            if progress is not None:
                progress(len(features), len(distinct))
    return torch.stack([features[text] for text in texts]), sum(text in cut for text in texts)


def measure_clip_score(features: ImageFeatures, texts: Tensor, cut: int) -> Measurement:
    """The CLIP score of a set and of each of its classes.

    Args:
        features: of the pictures, by CLIP.
        texts: features of their prompts [N,d], by the same CLIP.
        cut: how many prompts were too long.
    """
    whole = clip_score(features.features, texts)
    by_class: dict[str, dict[str, float | int]] = {}
    for label, name in enumerate(features.class_names):
        members = np.flatnonzero(features.labels == label)
        if len(members):
            score = clip_score(features.features[members], texts[members])
            by_class[name] = {"clip_score": score, "count": len(members)}
    warnings = []
    if cut:
        warnings.append(f"{cut} of {len(features)} prompts are longer than CLIP reads: their ends do not count")
    return Measurement(
        name=features.name,
        kind="clip_score",
        figures={"clip_score": whole, "per_class": by_class},
        inputs={"features": features.describe()},
        settings={**features.settings(), "texts": "each picture's own prompt"},
        warnings=(*warnings, *features.warnings()),
    )
