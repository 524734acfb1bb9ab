"""What models of a family usually want: steps, cfg, scheduler, and whether a seed varies what they draw.

Facts about a loaded model in, sentences out; knows nothing of ComfyUI. The figures are those of the models' own pages
and of ComfyUI's templates for them; whose seed varies little is what users and authors of Z-Image-Turbo and Qwen-Image
say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .settings import SamplingSettings

_LOOKED_AT = 200  # prompts of a plan; bounds the time
_WEIGHT = re.compile(r"(?<!\\)\([^()]*:\s*\d*\.?\d+\s*\)")  # (red:1.4), which encoders with weights read
# schedules over the noise levels of SD, which run to 14; models of flow matching begin at 1
_OF_SD = frozenset({"karras", "exponential"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a loaded model says of itself.

    Args:
        classes: names of its model config's class and of those that this is made of, nearest first.
        sampling: the same of its model sampling.
        has_guidance: whether guidance is an input of the network, as in FLUX.1 dev.
        files: names of the model files behind it, LoRAs among them.
        ignores_weights: whether the text encoder takes `(red:1.4)` for plain text.
    """

    classes: tuple[str, ...]
    sampling: tuple[str, ...]
    has_guidance: bool = False
    files: tuple[str, ...] = ()
    ignores_weights: bool = False


@dataclass(frozen=True, slots=True)
class Usual:
    """How one kind of model is usually run.

    Args:
        kind: model config or model sampling.
        name: for people.
        steps, cfg: from, to.
        others: sampler and scheduler, for people.
        word: a word in file names that only this kind has.
        needs_word: only by that word, since a plain model of the family looks the same.
        has_guidance: what the network must have, None where either will do.
        seed_varies: whether another seed makes another picture, and not nearly the same.
        flow: a model of flow matching.
    """

    kind: str
    name: str
    steps: tuple[int, int]
    cfg: tuple[float, float]
    others: str
    word: str = ""
    needs_word: bool = False
    has_guidance: bool | None = None
    seed_varies: bool = True
    flow: bool = True

    def fits(self, settings: SamplingSettings) -> bool:
        """Whether the settings are among the usual ones."""
        steps = self.steps[0] <= settings.steps <= self.steps[1]
        cfg = self.cfg[0] <= settings.cfg <= self.cfg[1]
        return steps and cfg and not (self.flow and settings.scheduler in _OF_SD)

    def text(self) -> str:
        """Such as "Z-Image Turbo: 8 to 9 steps, cfg 1, res_multistep or euler with simple"."""
        low, high = self.steps
        cfg = f"{self.cfg[0]:g}" if self.cfg[0] == self.cfg[1] else f"{self.cfg[0]:g} to {self.cfg[1]:g}"
        steps = f"{low}" if low == high else f"{low} to {high}"
        return f"{self.name}: {steps} steps, cfg {cfg}, {self.others}"


USUAL: tuple[Usual, ...] = (
    Usual("LCM", "LCM", (2, 8), (1, 2), "lcm with sgm_uniform", flow=False),
    Usual("SDXL", "SDXL Turbo", (1, 4), (1, 1), "euler_ancestral with normal", "turbo", needs_word=True, flow=False),
    Usual("SDXL", "SDXL Lightning", (2, 8), (1, 1), "euler with sgm_uniform", "lightning", needs_word=True, flow=False),
    Usual("SDXL", "SDXL Hyper", (1, 8), (1, 1), "euler with sgm_uniform", "hyper", needs_word=True, flow=False),
    Usual("SD3", "SD 3.5 Turbo", (4, 8), (1, 1.5), "euler with sgm_uniform", word="turbo", needs_word=True),
    Usual("SD3", "SD 3 and 3.5", (20, 50), (3, 7), "euler or dpmpp_2m with sgm_uniform"),
    Usual("Flux", "FLUX.1 dev", (20, 50), (1, 1), "euler with simple; its guidance, 3.5, by Sampling Options"),
    Usual("FluxSchnell", "FLUX.1 schnell", (1, 8), (1, 1), "euler with simple"),
    Usual(
        "Flux2",
        "FLUX.2 dev",
        (20, 50),
        (1, 1),
        "euler with simple; its guidance, 4, by Sampling Options",
        has_guidance=True,
    ),
    Usual("Flux2", "FLUX.2 Klein", (4, 8), (1, 1), "euler with simple", has_guidance=False),
    Usual("Flux2", "FLUX.2 Klein base", (20, 50), (3, 6), "euler with simple", word="base", has_guidance=False),
    Usual(
        *("ZImage", "Z-Image Turbo", (8, 9), (1, 1), "res_multistep or euler with simple"),
        word="turbo",
        seed_varies=False,
    ),
    Usual("ZImage", "Z-Image", (25, 50), (3, 5), "res_multistep or euler with simple", word="base"),
    Usual(
        *("QwenImage", "Qwen-Image with a Lightning LoRA", (4, 8), (1, 1), "euler with simple"),
        word="lightning",
        seed_varies=False,
    ),
    Usual("QwenImage", "Qwen-Image", (20, 50), (2.5, 4.5), "euler or res_multistep with simple", seed_varies=False),
    Usual("Chroma", "Chroma", (20, 50), (3, 5), "euler with beta"),
    Usual("Krea2", "Krea 2 Turbo", (8, 8), (1, 1), "euler with simple", word="turbo"),
    Usual("Krea2", "Krea 2", (20, 50), (3, 5), "euler with simple", word="base"),
)


def advise(facts: Facts, settings: SamplingSettings | None, prompts: Sequence[str]) -> tuple[str, ...]:
    """What is worth saying of a set's settings and prompts, each once.

    Args:
        settings: None where nodes of a graph take their place, and know better.
        prompts: the first ones of a plan.
    """
    return tuple(_sentences(candidates(facts), facts, settings, prompts))


def candidates(facts: Facts) -> tuple[Usual, ...]:
    """The kinds that the model may be, by its class; by the names of its files where they tell."""
    for name in (*facts.sampling, *facts.classes):
        rows = [row for row in USUAL if row.kind == name and row.has_guidance in (None, facts.has_guidance)]
        files = " ".join(facts.files).casefold()
        named = [row for row in rows if row.word and re.search(rf"(?<![a-z]){row.word}(?![a-z])", files)]
        if rows:
            return tuple(named or [row for row in rows if not row.needs_word])
    return ()


def hardly_varies_by_seed(files: Iterable[str]) -> str:
    """The first model file whose name is of a family that draws nearly the same for every seed; "" for none."""
    for file in files:
        name = re.sub(r"[^a-z0-9]", "", file.casefold())  # z_image_turbo_bf16.safetensors, Qwen-Image-Lightning
        if any(not usual.seed_varies and usual.kind.casefold() in name and usual.word in name for usual in USUAL):
            return file
    return ""


def first_prompts(prompts: Iterable[str]) -> list[str]:
    """As many as `advise` looks at."""
    return [prompt for prompt, _ in zip(prompts, range(_LOOKED_AT), strict=False)]


def _sentences(
    kinds: Sequence[Usual], facts: Facts, settings: SamplingSettings | None, prompts: Sequence[str]
) -> Iterator[str]:
    if kinds and settings and not any(kind.fits(settings) for kind in kinds):
        set_to = f"{settings.steps} steps, cfg {settings.cfg:g}, {settings.sampler} with {settings.scheduler}"
        yield f"usual for this model is {'; or '.join(kind.text() for kind in kinds)}; this set has {set_to}."
    if kinds and settings and settings.cfg > 1 and all(kind.cfg[1] <= 1 for kind in kinds):
        yield f"cfg {settings.cfg:g} runs this distilled model twice a step and changes its pictures; set it to 1."
    if kinds and not any(kind.seed_varies for kind in kinds):
        different = len(set(prompts))
        if different < len(prompts):
            yield (
                f"the seed hardly varies what this model draws, and {len(prompts) - different} of the first "
                f"{len(prompts)} prompts repeat another; let the plan vary the prompt: more slots, longer lists."
            )
    weighted = next((match[0] for match in map(_WEIGHT.search, prompts) if match), "")
    if weighted and facts.ignores_weights:
        yield f"this text encoder has no weights and reads {weighted} letter by letter; say it in words instead."
