"""Captions by BLIP (Li et al. 2022, arXiv:2201.12086), through transformers.

Reads the model from a folder below models/captioners or from the Hugging Face cache; downloads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...evaluation.transformers_folders import FLOAT32, LOCAL, check_vocabulary, plain_config
from .captioning.folder import Captioner

DEFAULT_MODEL = "Salesforce/blip-image-captioning-base"
MAX_TOKENS = 75  # of a caption: what fits one CLIP window of 77 beside its start and end
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def hub_snapshot(name: str, searched: Sequence[Path]) -> Path:
    """The folder of `name` in the Hugging Face cache.

    Args:
        name: as on the hub, such as Salesforce/blip-image-captioning-base.
        searched: folders that were looked through before, for the message.

    Raises:
        ValueError: `name` is not of that form.
        FileNotFoundError: it is not in the cache; the message lists where it was looked for.
    """
    if not _HUB_NAME.fullmatch(name) or ".." in name:
        raise ValueError(
            f"blip_model is {repr(name)[:80]}; expected a folder below models/captioners or a name such as "
            f"{DEFAULT_MODEL}"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError):
        folders = ", ".join(str(folder) for folder in [*searched, HF_HUB_CACHE])
        raise FileNotFoundError(
            f"blip_model is {name}; it is in none of the folders searched: {folders}; download the model there (its "
            "config, tokenizer, preprocessor and weights), or choose the template captioner"
        ) from None


def blip_captioner(folder: Path, device: str) -> Captioner:
    """A captioner that runs the BLIP model in `folder` on `device`, with greedy decoding: same picture, same caption.

    Raises:
        ImportError: transformers is missing.
        ValueError: the folder holds no BLIP captioning model.
    """
    try:
        import torch
        from transformers import BlipForConditionalGeneration, BlipProcessor
    except ImportError as error:
        raise ImportError(
            f"captioning by BLIP needs transformers ({error}); install it with: pip install 'transformers>=4.50'"
        ) from error
    try:
        config = plain_config(folder, "blip")
        processor = BlipProcessor.from_pretrained(folder, **LOCAL)
        words = int(config.text_config.vocab_size)
        check_vocabulary(processor.tokenizer, words, None, folder, "vocab.txt or tokenizer.json")
        model = BlipForConditionalGeneration.from_pretrained(folder, config=config, torch_dtype=FLOAT32, **LOCAL)
    except MemoryError:
        raise
    except Exception as error:  # transformers raises whatever its file formats raise
        raise ValueError(
            f"{folder.name} cannot be opened as a BLIP captioning model ({error}); expected config.json, tokenizer, "
            "preprocessor_config.json and model.safetensors; download them again"
        ) from error
    model.train(False).to(device)

    def caption(pictures: Sequence[np.ndarray], labels: Sequence[str]) -> list[str]:
        with torch.inference_mode():
            inputs = processor(images=list(pictures), return_tensors="pt").to(device)
            tokens = model.generate(**inputs, max_new_tokens=MAX_TOKENS, do_sample=False, num_beams=1)
        texts: list[str] = processor.batch_decode(tokens, skip_special_tokens=True)  # type: ignore[no-untyped-call]
        return [" ".join(text.split()) for text in texts]

    return caption
