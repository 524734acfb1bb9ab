"""Whether a word is fit for a prompt, by the pack's own list."""

from __future__ import annotations

from .shipped_data import unfit_words

# why what is unfit stays out: reasons whose words are counted in reports, not named
UNFIT_WORD = "it is on the pack's list of unfit words"
UNFIT_SUBJECT = "it is on the pack's list of unfit subjects"
MARKED = "a noun sense of it is "


def is_unfit(word: str) -> bool:
    """Whether a word or a part of it is on the pack's list of unfit words."""
    return unfit_words().fullmatch(" ".join(word.lower().replace("-", " ").replace("_", " ").split())) is not None
