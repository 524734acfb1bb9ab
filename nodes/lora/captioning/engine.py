"""Captions of pictures, by a template or by a model on ComfyUI's device. Writes folders of captioned pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import comfy.model_management
import torch

from ....evaluation.pictures.sheets import sheet
from ....evaluation.pictures.tensors import check_pixels, to_image, to_uint8
from ...engine import progress_bar
from ..blip import blip_captioner
from ..paths import blip_folder, captions_dir
from .folder import Captioner, edits_fingerprint, template_captioner, write_folder

CAPTIONERS = ("template", "BLIP")
MAX_SHOWN = 64  # captioned pictures on the node's sheet
_BLIP_BYTES = 3 * 2**30  # the large model in fp32 (1.9 GB) and a batch of pictures


@dataclass(frozen=True)
class Captioning:
    """How Caption Images describes a picture.

    Args:
        captioner: one of CAPTIONERS.
        template: for "template".
        blip_model: for "BLIP": a folder below models/captioners, or a name in the Hugging Face cache.
    """

    captioner: str
    template: str
    blip_model: str

    def name(self) -> str:
        """What is noted beside each caption: another one captions anew."""
        return f"BLIP {self.blip_model}" if self.captioner == "BLIP" else f"template {self.template}"


def caption_images(
    images: Sequence[torch.Tensor], labels: Sequence[str], name: str, captioning: Captioning
) -> list[str]:
    """Write pictures and captions to output/hyponet/lora/<name>; the captions that lie there then.

    Args:
        images: IMAGEs [B,H,W,C], of any sizes.
        labels: one a picture, or one for all.

    Raises:
        ValueError: see `folder.write_folder` and `paths`.
    """
    folder = captions_dir(name)
    for batch in images:
        check_pixels(batch)
    pictures = [to_uint8(picture) for batch in images for picture in batch]
    if len(labels) == 1:
        labels = list(labels) * len(pictures)
    captioner = _captioner(captioning)
    return write_folder(folder, pictures, labels, captioner, captioning.name(), progress=progress_bar(len(pictures)))


def captioned_sheet(images: Sequence[torch.Tensor], captions: Sequence[str]) -> torch.Tensor:
    """The first pictures over their captions, at most MAX_SHOWN, [1,H,W,3]."""
    pictures = (to_uint8(picture) for batch in images for picture in batch)
    sheet_items = list(islice(zip(pictures, captions, strict=False), MAX_SHOWN))
    lines = ["\n".join(textwrap.wrap(caption, 16)[:3]) for _, caption in sheet_items]
    return to_image(sheet([picture for picture, _ in sheet_items], lines))


def _captioner(captioning: Captioning) -> Captioner:
    if captioning.captioner != "BLIP":
        return template_captioner(captioning.template)
    folder = blip_folder(captioning.blip_model)
    device = comfy.model_management.get_torch_device()
    comfy.model_management.free_memory(_BLIP_BYTES, device)  # ComfyUI makes room for its own models only
    return blip_captioner(folder, str(device))


def captions_fingerprint(name: str | None) -> str | float:
    """Changes when somebody edits a caption of the folder, not when the node itself writes one. Never raises.

    NaN, which never equals itself, when the name comes through a link.
    """
    if not isinstance(name, str):
        return float("nan")
    try:
        return edits_fingerprint(captions_dir(name))
    except (ValueError, OSError):
        return ""
