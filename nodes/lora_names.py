"""Which file a LoRA's name means: packs write it with or without its folders and its suffix.

Reads the names of files below the folders of LoRAs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

MODEL_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".sft", ".gguf", ".pkl", ".yaml")
TAG = re.compile(r"<lora:([^:<>]+)(?::[^<>]*)?>")  # how several packs name LoRAs inside a text


def the_lora(name: str, folders: Sequence[str]) -> str:
    """The one LoRA of that name, as ComfyUI lists it; the name itself where there is none.

    Raises:
        ValueError: several have it, so that it is each pack's own choice which one draws.
    """
    files = loras_called(name, folders)
    if len(files) > 1:
        raise ValueError(
            f"<lora:{name}> may be each of {len(files)} files: {', '.join(files)}; expected one of that name; write it "
            "with its folder and suffix, or rename all but one"
        )
    return files[0] if files else name


def loras_called(name: str, folders: Sequence[str]) -> list[str]:
    """The LoRAs that a name may mean, as ComfyUI lists them: as it stands, else without the suffix, else without the
    folders too."""
    name = name.replace("\\", "/")
    listed = sorted({file for folder in folders for file in _model_files(folder)})
    stems = {file: file.rpartition(".")[0] for file in listed}
    as_it_stands = [file for file in listed if file == name]
    without_suffix = [file for file in listed if stems[file] == name]
    ends = [file for file in listed if any(path.endswith(f"/{name}") for path in (file, stems[file]))]
    return as_it_stands or without_suffix or ends


def _model_files(folder: str) -> Iterator[str]:
    """The model files below a folder, by their paths from there, with slashes."""
    for path, _, names in os.walk(folder, followlinks=True):
        for name in names:
            if name.lower().endswith(MODEL_SUFFIXES):
                yield Path(path, name).relative_to(folder).as_posix()
