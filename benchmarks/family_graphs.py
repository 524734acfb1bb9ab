"""Graphs of one stand-in model: our node over a plan, and the native nodes for one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pack import load_pack

load_pack()
from hyponet.tests.tools.families import FAMILIES, Family  # noqa: E402

SD15 = "SD 1.5"
NAMES = (SD15, *FAMILIES)

Graph = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One model and how it is sampled.

    Args:
        name: of NAMES.
        steps: of each picture.
        side: of the square pictures, pixels.
    """

    name: str
    steps: int
    side: int

    def ours(self, texts: Sequence[str], name: str, batch_size: int = 8) -> Graph:
        """Generate Dataset over a plan that draws each of `texts` once."""
        plan = {"template": "{" + "|".join(texts) + "}", "negative": "blurry", "coverage": "combinatorial", "seed": 1}
        plan |= {"images_per_class": len(texts), "order": "interleaved", "shard_index": 0, "shard_count": 1}
        values = {**self._settings(), "name": name, "width": self.side, "height": self.side, "batch_size": batch_size}
        inputs = {**self._links(), "plan": ["plan", 0], **values}
        return {
            **self._loaders(),
            "words": {"class_type": "HypoNetClassesFromText", "inputs": {"text": "horse", "kinds_of_words": False}},
            "plan": {"class_type": "HypoNetPlanDataset", "inputs": {"classes": ["words", 0], **plan}},
            "set": {"class_type": "HypoNetGenerateDataset", "inputs": inputs},
        }

    def native(self, text: str, seed: int) -> Graph:
        """CLIP Text Encode, KSampler, VAE Decode and Save Image for one picture."""
        links = self._links()
        empty = {"FLUX.2": "EmptyFlux2LatentImage", SD15: "EmptyLatentImage"}.get(self.name, "EmptySD3LatentImage")
        size = {"width": self.side, "height": self.side, "batch_size": 1}
        sampled = {"model": links["model"], "positive": ["yes", 0], "negative": ["no", 0], "latent_image": ["empty", 0]}
        sampled |= {**self._settings(), "seed": seed, "denoise": 1.0}
        return {
            **self._loaders(),
            "yes": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": links["clip"]}},
            "no": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": links["clip"]}},
            "empty": {"class_type": empty, "inputs": size},
            "sample": {"class_type": "KSampler", "inputs": sampled},
            "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sample", 0], "vae": links["vae"]}},
            "save": {"class_type": "SaveImage", "inputs": {"images": ["decode", 0], "filename_prefix": "native"}},
        }

    @property
    def _family(self) -> Family | None:
        return FAMILIES.get(self.name)

    def _settings(self) -> dict[str, Any]:
        if self._family is None:
            return {"steps": self.steps, "cfg": 7.5, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
        return {"steps": self.steps, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple"}

    def _links(self) -> dict[str, list[Any]]:
        if self._family is None:
            return {"model": ["model", 0], "clip": ["model", 1], "vae": ["model", 2]}
        return {"model": ["model", 0], "clip": ["clip", 0], "vae": ["vae", 0] if self._family.vae else ["model", 2]}

    def _loaders(self) -> Graph:
        family = self._family
        if family is None:
            return {"model": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny_sd15.ckpt"}}}
        count = len(family.clips)
        names = {f"clip_name{i if count > 1 else ''}": name for i, name in enumerate(family.clips, 1)}
        kind = "flux2" if self.name == "FLUX.2" else family.clip_type
        loader = {1: "CLIPLoader", 2: "DualCLIPLoader", 3: "TripleCLIPLoader"}[count]
        clip = {"class_type": loader, "inputs": {**names, **({"type": kind} if count < 3 else {})}}
        if not family.vae:
            model = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": family.model}}
            return {"model": model, "clip": clip}
        unet = {"unet_name": family.model, "weight_dtype": "default"}
        return {
            "model": {"class_type": "UNETLoader", "inputs": unet},
            "clip": clip,
            "vae": {"class_type": "VAELoader", "inputs": {"vae_name": family.vae}},
        }
