"""Folders of Hugging Face for transformers: a config without what steers how it runs, and whole vocabularies.

Reads config.json and the tokenizer's files. A config may name an attention whose code transformers fetches from the
hub, another file of weights, a shorter number format or a backbone to download: nothing of that is followed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from .files import read_file
from .json_text import parse_json

LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}  # of every from_pretrained
FLOAT32 = torch.float32  # of every model: else a config's "dtype": "bfloat16" rounds whole weights
STEERING = frozenset(
    {
        "attn_implementation",
        "experts_implementation",
        "auto_map",
        "custom_pipelines",
        "dtype",
        "torch_dtype",
        "torchscript",
        "return_dict",
        "use_return_dict",
        "output_attentions",
        "output_hidden_states",
        "kernel_config",
        "use_kernels",
        "fusion_config",
        "compile_config",
        "distributed_config",
        "transformers_weights",
        "use_pretrained_backbone",
    }
)
QUANTIZED = ("quantization_config", "compression_config")  # their weights mean something else without it
_NAMES = frozenset({"id2label", "label2id"})  # a class may be called as a setting is
_LEAST = 0.99  # of the words that a model has: BLIP's published tokenizer lacks two of 30,524
_WORDS = 64  # that are tried of a vocabulary


def plain_config(folder: Path, model_type: str) -> Any:
    """transformers' config of a folder, without STEERING and names that begin with _, at any depth.

    Args:
        model_type: what config.json has to say, "clip"; "" takes any that transformers has.

    Raises:
        ImportError: transformers is missing.
        OSError: there is no config.json.
        ValueError: config.json is damaged, of another kind, or of quantized weights.
    """
    from transformers import AutoConfig

    stated = parse_json(read_file(folder / "config.json").decode("utf-8"))
    kind = stated.get("model_type") if isinstance(stated, dict) else None
    if not isinstance(kind, str) or model_type not in ("", kind):
        raise ValueError(f"{folder / 'config.json'} is of the type {kind!r}; expected {model_type or 'a model type'}")
    quantized = next((name for name in QUANTIZED if name in stated), "")
    if quantized:
        raise ValueError(f"{folder / 'config.json'} has a {quantized}; expected weights that are not quantized")
    auto: Any = AutoConfig
    return type(auto.for_model(kind)).from_dict(_without_steering(stated))


def clip_tokenizer(folder: Path, words: int) -> Any:
    """transformers' tokenizer of a CLIP.

    Args:
        words: of the model's table, config.text_config.vocab_size.

    Raises:
        ValueError: its vocabulary or its merges are missing, damaged, or another model's.
    """
    from transformers import CLIPTokenizer

    files = "vocab.json and merges.txt"
    try:
        tokenizer: Any = CLIPTokenizer.from_pretrained(folder, **LOCAL)
    except MemoryError:
        raise
    except Exception as error:  # transformers and tokenizers raise whatever their file formats raise
        raise ValueError(f"{folder} has no tokenizer ({error}); expected {files}; get them again") from error
    check_vocabulary(tokenizer, words, words, folder, files)
    numbers: dict[str, int] = tokenizer.get_vocab()
    entries = [name.removesuffix("</w>") for name in sorted(numbers, key=lambda name: -numbers[name]) if "</w>" in name]
    whole = [entry for entry in entries if entry.isascii() and entry.isalpha()][:_WORDS]
    split = [entry for entry in whole if len(tokenizer(entry)["input_ids"]) > 3]  # its start, the word, its end
    if 2 * len(split) > len(whole):
        raise ValueError(
            f"{folder} has no tokenizer of its model (it takes {split[0]!r} apart, which is one word of the "
            f"vocabulary); expected {files} that belong together; get them again"
        )
    return tokenizer


def check_vocabulary(tokenizer: Any, words: int, most: int | None, folder: Path, files: str) -> None:
    """Refuse a tokenizer without the words of its model: transformers makes up one of a few where the files lack.

    Args:
        words: of the model's table.
        most: that it may have; None where it only spells what the model says.
        files: what the folder has to hold.

    Raises:
        ValueError: it has fewer or more words than the model.
    """
    vocabulary = len(tokenizer)
    if vocabulary < _LEAST * words or (most is not None and vocabulary > most):
        raise ValueError(
            f"{folder} has no tokenizer of its model ({vocabulary:,} words, where the model knows {words:,}); "
            f"expected {files}; get them again"
        )


def _without_steering(stated: dict[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in stated.items() if name not in STEERING and not name.startswith("_")}
    return {
        name: _without_steering(value) if isinstance(value, dict) and name not in _NAMES else value
        for name, value in options.items()
    }
