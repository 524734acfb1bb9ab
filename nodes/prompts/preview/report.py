"""A plan as people read it: markdown tables, warnings, and a chart of how often options come."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from ....evaluation import plots
from ....evaluation.pictures.tensors import to_image
from ....evaluation.progress import Progress
from ...hyponyms.taxonomy import Taxonomy
from ..plan import Plan
from ..wildcards.usable import told
from .advice import advise
from .usage import ClassUse, use_of

TOKENS = 77  # of one CLIP window, start and end included
BYTES_PER_PIXEL = 1.4  # measured: PNGs of 512 px photos as ComfyUI saves them
NO_SLOT = "No slot: every prompt of a class is the same."
_MAX_BARS = 24  # slots in the chart, so that it stays a page; a judgement
_MAX_WARNINGS = 300  # a judgement, as the next: the page is for people
_MAX_CLASSES = 60  # whose slots, pairs and samples are listed
_MAX_TOKENIZED = 20  # of the longest prompts of a class: the one of most characters has not always most tokens


@dataclass(frozen=True, slots=True)
class Preview:
    """The report in markdown, the chart [1,H,W,3] in 0..1, and the number of warnings.

    Of a plan without a slot the chart is a note that says so, and `has_chart` is False.
    """

    report: str
    chart: torch.Tensor
    has_chart: bool
    warnings: int


def preview(
    plan: Plan,
    *,
    samples: int,
    cfg: float,
    size: tuple[int, int],
    tokens: Callable[[str], int],
    tree: Taxonomy | None,
    progress: Progress,
) -> Preview:
    """What `plan` will give.

    Args:
        samples: prompts shown of each class.
        cfg: the sampler's, for the warnings.
        size: width and height of an image in pixels, for the disk.
        tokens: how many tokens a prompt has, start and end included.
        tree: WordNet, None where it is not there.
        progress: told after each class; it raises when the user stops the run.
    """
    uses = []
    for number, label in enumerate(plan.labels, start=1):
        uses.append(use_of(plan, label))
        progress(number, len(plan.labels))
    longest = {use.label: _longest(use.prompts, tokens) for use in uses}
    advice = advise(plan, uses, cfg, tree)
    remarks = [*advice.warnings, *told(plan.left_out()).split("\n- ")[1:]]
    for label, (count, prompt) in longest.items():
        if count > TOKENS:
            remarks.append(f"**{label}**: the longest prompt has {count} tokens, over CLIP's {TOKENS}: {prompt}")
    parts = [
        _summary(plan, uses, size),
        _classes(uses, {label: count for label, (count, _) in longest.items()}),
        _options(uses),
        _pairs(uses),
        _rules(plan),
        _samples(plan, samples),
        _warnings(remarks),
        "\n".join(["## Notes", "", *(f"- {note}" for note in advice.notes)]) if advice.notes else "",
    ]
    has_chart = any(use.slots for use in uses)
    return Preview("\n\n".join(filter(None, parts)) + "\n", _chart(uses), has_chart, len(remarks))


def _longest(prompts: Iterable[str], tokens: Callable[[str], int]) -> tuple[int, str]:
    """The tokens of the prompt that has most, and that prompt, of prompts sorted by their characters."""
    counts = ((tokens(prompt), prompt) for prompt in itertools.islice(prompts, _MAX_TOKENIZED))
    return max(counts, default=(0, ""))


def _summary(plan: Plan, uses: Sequence[ClassUse], size: tuple[int, int]) -> str:
    images = sum(use.images for use in uses)
    disk = len(plan) * size[0] * size[1] * BYTES_PER_PIXEL
    shard = f", of which shard {plan.shard[0]} of {plan.shard[1]} makes {len(plan)}" if plan.shard[1] > 1 else ""
    lines = [
        "## Plan",
        "",
        f"{len(uses)} classes, {images} images{shard}; coverage {plan.coverage}, order {plan.order}, seed {plan.seed}.",
        f"About {_bytes(disk)} on disk for {size[0]} x {size[1]} PNGs.",
    ]
    strayed = sum(plan.cut(label).strayed for label in plan.labels) if plan.shard[1] > 1 else 0
    if strayed:
        lines.append(f"In the shards {strayed} options stray by more than 1, and less than 2, from their even share.")
    if any(use.counted < use.images for use in uses):
        lines.append(f"Counted over the first {max(use.counted for use in uses)} images of each class at most.")
    return "\n".join(lines)


def _classes(uses: Sequence[ClassUse], tokens: dict[str, int]) -> str:
    rows = ["| class | images | combinations | repeated prompts | most tokens |", "|---|---:|---:|---:|---:|"]
    for use in uses:
        combinations = str(use.combinations) if use.combinations < 10**15 else scientific(use.combinations)
        rows.append(f"| {use.label} | {use.images} | {combinations} | {use.repeated} | {tokens[use.label]} |")
    return "\n".join(["## Classes", "", *rows])


def _options(uses: Sequence[ClassUse]) -> str:
    if not any(use.slots for use in uses):
        return f"## Options\n\n{NO_SLOT}"
    rows = ["| class | slot | options | visits | fewest | most | never |", "|---|---|---:|---:|---:|---:|---:|"]
    for use in uses[:_MAX_CLASSES]:
        for slot in use.slots:
            never = slot.options - len(slot.counts)
            counts = f"{slot.options} | {slot.visits} | {slot.fewest} | {slot.most} | {never}"
            rows.append(f"| {use.label} | {slot.slot} | {counts} |")
    return "\n".join(["## Options", "", *rows]) if len(rows) > 2 else ""


def _pairs(uses: Sequence[ClassUse]) -> str:
    rows = ["| class | slots | pairs met | of all | of what is possible |", "|---|---|---:|---:|---:|"]
    for use in uses[:_MAX_CLASSES]:
        for pair in use.pairs:
            name = " x ".join(pair.slots)
            of_all, of_possible = pair.met / pair.pairs, pair.met / max(1, pair.possible)
            rows.append(f"| {use.label} | {name} | {pair.met} of {pair.pairs} | {of_all:.1%} | {of_possible:.1%} |")
    return "\n".join(["## Pairs", "", *rows]) if len(rows) > 2 else ""


def _rules(plan: Plan) -> str:
    rows = []
    for label in plan.labels[:_MAX_CLASSES]:
        rules = plan.programs(label).positive.rules
        rows += [f"- **{label}**: {note}" for note in rules.notes] if rules else []
    return "\n".join(["## Rules", "", *rows]) if rows else ""


def _samples(plan: Plan, samples: int) -> str:
    rows = []
    for label in plan.labels[:_MAX_CLASSES] if samples else ():
        items = [plan.item(label, rank) for rank in range(min(samples, plan.count(label)))]
        rows += [f"- **{label}** {item.rank}: {item.prompt}" for item in items]
        negatives = dict.fromkeys(item.negative for item in items if item.negative)
        rows += [f"  - negative: {negative}" for negative in negatives]
    return "\n".join(["## Samples", "", *rows]) if rows else ""


def _warnings(remarks: Sequence[str]) -> str:
    lines = [f"- {text}" for text in remarks[:_MAX_WARNINGS]]
    if len(remarks) > _MAX_WARNINGS:
        lines.append(f"- and {len(remarks) - _MAX_WARNINGS} more.")
    return "## Warnings\n\n" + ("\n".join(lines) or "None.")


def _chart(uses: Sequence[ClassUse]) -> torch.Tensor:
    slots = [slot for use in uses for slot in use.slots]
    if not slots:
        return to_image(plots.to_pixels(plots.note(NO_SLOT)))
    bars = slots[:_MAX_BARS]
    names = [f"{slot.label}: {slot.slot}" for slot in bars]
    series = {"fewest": [float(slot.fewest) for slot in bars], "most": [float(slot.most) for slot in bars]}
    title = "how often the options of each slot come"
    if len(slots) > len(bars):
        title += f" (first {len(bars)} of {len(slots)} slots)"
    width = max(700, 90 + 60 * len(bars))  # pixels
    return to_image(plots.to_pixels(plots.bar_chart(names, series, title, "images", (width, 480))))


def scientific(count: int) -> str:
    """A huge whole number in scientific notation, whatever its size."""
    if count < 10**4000:  # Python refuses to write out numbers of more than 4300 digits
        digits = str(count)
        return f"{digits[0]}.{digits[1:3]}e{len(digits) - 1}"
    return f"about 2^{count.bit_length() - 1}"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
