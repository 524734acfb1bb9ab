"""Plan Preview under ComfyUI: the report with CLIP's own count of tokens, and the node's progress bar."""

from __future__ import annotations

import functools
from typing import Any

from ...engine import progress_bar
from ...hyponyms.taxonomy import taxonomy
from ..plan import Plan
from . import report


def preview(plan: Plan, samples: int, cfg: float, size: tuple[int, int]) -> report.Preview:
    """What a plan will give, as Plan Preview shows it; the arguments are those of report.preview."""
    return report.preview(
        plan,
        samples=samples,
        cfg=cfg,
        size=size,
        tokens=count_tokens,
        tree=taxonomy(),
        progress=progress_bar(len(plan.labels)),
    )


def count_tokens(prompt: str) -> int:
    """Tokens of a prompt in CLIP's own count, start and end included, weights taken off."""
    rows = _tokenizer().tokenize_with_weights(prompt)
    pad = _tokenizer().end_token
    return 2 + sum(token != pad for row in rows for token, *_ in row[1:])


@functools.lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from comfy.sd1_clip import SDTokenizer  # ships with its vocabulary

    return SDTokenizer()
