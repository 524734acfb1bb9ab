"""A custom node pack without nodes: ComfyUI takes the sizes of a model from its file where it has them in its code.

The stand-ins of today's families need it, whose text encoders have billions of numbers. Loaders, detection by names,
tokenizers and forward passes stay ComfyUI's own, and a real file gets the sizes that it has anyway. Tests load this
pack, and `dev.py serve` does; it is no part of HypoNet.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

NOMINAL_WIDTH = "stand_in_for_width"  # a tensor of one number in a stand-in: the width by which its kind is known
HEAD = 128  # features of an attention head in Llama's descendants, Flux, Z-Image and Qwen-Image
SMALL_DIM = "small_dim"  # between the two steps of detection
Z_IMAGE_WIDTH = 3840  # by which ComfyUI knows a Z-Image

_files: list[Sequence[Mapping[str, Any]]] = []  # of the text encoders that are being loaded


def install() -> None:
    """Change the loaded ComfyUI; once."""
    import comfy.clip_model
    import comfy.model_detection
    import comfy.sd
    import comfy.text_encoders.flux
    import comfy.text_encoders.llama
    import comfy.text_encoders.qwen_vl
    import comfy.text_encoders.t5

    if getattr(comfy.sd, "reads_sizes_from_files", False):
        return
    comfy.sd.reads_sizes_from_files = True
    _wrap(comfy.sd, "load_text_encoder_state_dicts", _remember_files)
    _wrap(comfy.sd, "detect_te_model", _detect_text_encoder)
    _wrap(comfy.model_detection, "detect_unet_config", _detect_model)
    _wrap(comfy.model_detection, "model_config_from_unet_config", _model_config)
    _wrap(comfy.clip_model.CLIPTextModel, "__init__", _init_clip)
    _wrap(comfy.text_encoders.t5.T5, "__init__", _init_t5)
    _wrap(comfy.text_encoders.qwen_vl.Qwen2VLVisionTransformer, "__init__", _init_vision)
    for name in ("Qwen3_4BConfig", "Qwen25_7BVLI_Config", "Mistral3Small24BConfig"):
        _wrap(comfy.text_encoders.llama, name, _llama_config)
    if hasattr(comfy.text_encoders.flux, "load_mistral_tokenizer"):  # up to 0.3.75, written for transformers 4
        _wrap(comfy.text_encoders.flux, "load_mistral_tokenizer", _load_mistral_tokenizer)
        comfy.text_encoders.flux.LlamaTokenizerFast = _mistral_tokenizer


def _wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*values: Any, **named: Any) -> Any:
        return around(original, *values, **named)

    setattr(owner, name, wrapped)


def _count(names: Iterable[str], prefix: str) -> int:
    """How many blocks there are, numbered without a gap from 0."""
    blocks = {name[len(prefix) :].split(".")[0] for name in names if name.startswith(prefix)}
    return next(i for i in itertools.count() if str(i) not in blocks)


def _rows(file: Mapping[str, Any], name: str, axis: int = 0) -> int:
    return int(file[name].shape[axis])


def _find(name: str) -> Mapping[str, Any] | None:
    """The file being loaded that holds a tensor of that name."""
    return next((file for file in (_files[-1] if _files else ()) if name in file), None)


def _remember_files(load: Callable[..., Any], state_dicts: Sequence[Any] = (), *values: Any, **named: Any) -> Any:
    _files.append(state_dicts)
    try:
        return load(state_dicts, *values, **named)
    finally:
        _files.pop()


def _detect_text_encoder(detect: Callable[..., Any], file: Mapping[str, Any]) -> Any:
    if NOMINAL_WIDTH not in file:
        return detect(file)
    width = int(file[NOMINAL_WIDTH])
    names = ("model.layers.0.post_attention_layernorm.weight",)
    return detect({**file, **{name: file[name].new_empty(width) for name in names if name in file}})


def _detect_model(detect: Callable[..., Any], file: Mapping[str, Any], prefix: str, *values: Any, **named: Any) -> Any:
    caption = f"{prefix}cap_embedder.1.weight"
    is_small_z = f"{prefix}cap_pad_token" in file and _rows(file, caption) < Z_IMAGE_WIDTH
    nominal = {caption: file[caption].new_empty(Z_IMAGE_WIDTH, _rows(file, caption, 1))} if is_small_z else {}
    config = detect({**file, **nominal}, prefix, *values, **named)
    kind = (config or {}).get("image_model")
    if kind in ("flux", "flux2"):
        config["num_heads"] = config["hidden_size"] // sum(config["axes_dim"])
    elif is_small_z:
        config[SMALL_DIM] = _rows(file, caption)
    elif kind == "qwen_image":
        config["num_attention_heads"] = _rows(file, f"{prefix}img_in.weight") // HEAD
        config["joint_attention_dim"] = _rows(file, f"{prefix}txt_in.weight", 1)
    return config


def _model_config(choose: Callable[..., Any], sizes: dict[str, Any], *values: Any, **named: Any) -> Any:
    """The family by its nominal sizes, with those of the file."""
    small = sizes.pop(SMALL_DIM, 0)
    config = choose(sizes, *values, **named)
    if small:
        config.unet_config |= {"dim": small, "n_heads": small // HEAD, "n_kv_heads": small // HEAD}
    return config


def _init_clip(init: Callable[..., Any], self: Any, config: dict[str, Any], *values: Any, **named: Any) -> None:
    table = "text_model.embeddings.token_embedding.weight"
    for file in _files[-1] if _files else ():
        if table in file and _rows(file, table, 1) == config["hidden_size"]:
            config["num_hidden_layers"] = _count(file, "text_model.encoder.layers.")
    init(self, config, *values, **named)


def _init_t5(init: Callable[..., Any], self: Any, config: dict[str, Any], *values: Any, **named: Any) -> None:
    file = _find("encoder.block.0.layer.1.DenseReluDense.wi_0.weight")
    if file is not None:
        config["num_layers"] = _count(file, "encoder.block.")
        config["d_ff"] = _rows(file, "encoder.block.0.layer.1.DenseReluDense.wi_0.weight")
        config["num_heads"] = _rows(file, "encoder.block.0.layer.0.SelfAttention.q.weight") // config["d_kv"]
    init(self, config, *values, **named)


def _init_vision(init: Callable[..., Any], self: Any, *values: Any, **named: Any) -> None:
    file = _find("visual.patch_embed.proj.weight")
    if file is not None:
        named["hidden_size"] = _rows(file, "visual.patch_embed.proj.weight")
        named["num_layers"] = _count(file, "visual.blocks.")
    init(self, *values, **named)


def _llama_config(make: Callable[..., Any], **settings: Any) -> Any:
    file = _find("model.embed_tokens.weight")
    if file is not None:
        layer = "model.layers.0"
        settings["vocab_size"], settings["hidden_size"] = file["model.embed_tokens.weight"].shape
        settings["num_hidden_layers"] = _count(file, "model.layers.")
        settings["intermediate_size"] = _rows(file, f"{layer}.mlp.gate_proj.weight")
        settings["num_attention_heads"] = _rows(file, f"{layer}.self_attn.q_proj.weight") // HEAD
        settings["num_key_value_heads"] = _rows(file, f"{layer}.self_attn.k_proj.weight") // HEAD
    return make(**settings)


def _load_mistral_tokenizer(load: Callable[..., Any], data: Any) -> dict[str, Any]:
    """As ComfyUI's own where transformers still converts a table; since version 5 it wants the table's file."""
    try:
        return load(data)  # type: ignore[no-any-return]
    except TypeError:
        from transformers.integrations.mistral.tokenizer import MistralConverter

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "tekken.json")
            file.write_bytes(data.numpy().tobytes())
            return {"tokenizer_object": MistralConverter(str(file)).converted()}


def _mistral_tokenizer(tokenizer_object: Any, **_: Any) -> Any:
    """In the place of Llama's, which no longer takes a finished table either."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    start = tokenizer_object.token_to_id("<s>")
    tokenizer_object.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", start)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer_object)


async def comfy_entrypoint() -> Any:
    """What ComfyUI calls: the change, and no node."""
    from comfy_api.latest import ComfyExtension

    class NoNodes(ComfyExtension):
        async def get_node_list(self) -> list[Any]:
            return []

    install()
    return NoNodes()
