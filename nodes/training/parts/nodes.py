"""The nodes that make one labelled set of two, and two of one."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.pictures.draws import take
from ....evaluation.pictures.labelled_images import LabelledImages, merged
from ....evaluation.pictures.pixels import count_shared
from ....evaluation.pictures.split import split
from ... import sockets
from ...checks import checked
from ...engine import answer, progress_bar
from ...widgets import name_input, schema, seed_input
from .. import widgets
from ..data import engine

DRAWS = ("first (thesis)", "random")


class HypoNetMergeImages(io.ComfyNode):
    """Two labelled sets as one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMergeImages",
            display_name="Merge Labelled Images (augmentation)",
            category=widgets.CATEGORY,
            description=(
                "Adds N synthetic pictures a class to a real set (thesis: Table 5-10), or joins two sets. Says how "
                "many of the added pictures the first set has already."
            ),
            search_aliases=["augment dataset", "concat datasets", "real plus synthetic"],
            inputs=[
                widgets.images_input("images", "The first set, e.g. CIFAR-10 train. Its class order is kept."),
                widgets.images_input("added", "The second set, with the same classes."),
                io.Int.Input(
                    "per_class",
                    default=-1,
                    min=-1,
                    max=10_000_000,
                    tooltip="Pictures of each class taken from the second set; -1 takes all, 0 none.",
                ),
                io.Combo.Input(
                    "draw",
                    options=list(DRAWS),
                    default=DRAWS[0],
                    tooltip="The first N of each class, as the thesis did, or N drawn by the seed.",
                ),
                name_input("", "How tables name it; empty: the first's name + N, as Table 5-10 has it."),
                seed_input("Draws the pictures when the draw is random."),
            ],
            outputs=[
                widgets.images_output("Both sets as one."),
                io.String.Output("counts", display_name="counts", tooltip=widgets.COUNTS),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(
        cls, images: LabelledImages, added: LabelledImages, per_class: int, draw: str, name: str, seed: int
    ) -> io.NodeOutput:
        title = name.strip()
        chosen = take(added, per_class, seed if draw == DRAWS[1] else None)
        if chosen is None:
            images = images.named(title or images.name)
            text = engine.counts_text(images)
            return io.NodeOutput(images, text, ui=answer(text))
        plus = f"{images.name} + {per_class if per_class > 0 else added.name}"
        shared = count_shared(
            chosen.pixel_digests(progress_bar(len(chosen))), images.pixel_digests(progress_bar(len(images)))
        )
        said = f"in {images.name} already, pixel by pixel: {shared:,} of the {len(chosen):,} added"
        joined = merged([images, chosen], title or plus)
        text = engine.counts_text(joined, said)
        return io.NodeOutput(joined, text, ui=answer(text))


class HypoNetSplitImages(io.ComfyNode):
    """A labelled set in two parts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSplitImages",
            display_name="Split Labelled Images",
            category=widgets.CATEGORY,
            description=(
                "Divides a set in two, class by class, e.g. into a part to train on and a part to test on. Equal "
                "pictures stay in one part."
            ),
            search_aliases=["train test split", "validation split"],
            inputs=[
                widgets.images_input("images", "The set to divide."),
                io.Float.Input(
                    "share", default=0.8, min=0.0, max=1.0, step=0.01, tooltip="Share of each class in the first part."
                ),
                seed_input("Draws which pictures go where."),
            ],
            outputs=[
                sockets.LabelledImages.Output("first", display_name="first", tooltip="The share."),
                sockets.LabelledImages.Output("rest", display_name="rest", tooltip="Everything else."),
                io.String.Output("counts", display_name="counts", tooltip="The counts of both parts."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(cls, images: LabelledImages, share: float, seed: int) -> io.NodeOutput:
        first, second = split(images, share, seed, progress_bar(len(images)))
        first, second = first.named(f"{images.name}, {share:g} of it"), second.named(f"{images.name}, the rest")
        shared = count_shared(first.pixel_digests(), second.pixel_digests())
        text = (
            f"{engine.counts_text(first)}\n\n{engine.counts_text(second)}\n\nin both parts, pixel by pixel: {shared:,}"
        )
        return io.NodeOutput(first, second, text, ui=answer(text))


NODES: list[type[io.ComfyNode]] = [HypoNetMergeImages, HypoNetSplitImages]
