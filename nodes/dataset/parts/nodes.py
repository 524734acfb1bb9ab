"""The nodes that make one set of several, and several of one."""

from __future__ import annotations

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker  # the module that custom nodes are to import it from

from ...checks import checked
from ...engine import answer, progress_bar
from ...widgets import schema, seed_input
from .. import engine, widgets
from ..equal_pictures import count_repeated_in
from ..merge import merge
from ..split import PARTS, Shares, split
from ..store.store import DatasetRef, DatasetStore


class HypoNetMergeDatasets(io.ComfyNode):
    """Several sets as one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMergeDatasets",
            display_name="Merge Datasets",
            category=widgets.CATEGORY,
            description=(
                "Joins the shards of one plan, or different sets, into a new set. Pictures are linked, so it takes no "
                "space; the sources stay as they are."
            ),
            search_aliases=["join", "combine", "shards"],
            is_output_node=True,
            inputs=[
                widgets.dataset_input("dataset_1", tooltip="Wins where two sets have the same item."),
                widgets.dataset_input("dataset_2", optional=True, tooltip="The second set."),
                widgets.dataset_input("dataset_3", optional=True, tooltip="A third set."),
                widgets.dataset_input("dataset_4", optional=True, tooltip="A fourth set."),
                io.String.Input(
                    "more_sets",
                    default="",
                    multiline=True,
                    dynamic_prompts=False,
                    tooltip="Names of further sets, one a line.",
                ),
                io.String.Input("name", default="merged", tooltip="Folder of the new set below output/datasets."),
            ],
            outputs=[widgets.dataset_output("dataset")],
        )

    @classmethod
    def fingerprint_inputs(cls, more_sets: str | None = None, name: str | None = None, **_: object) -> str | float:
        return engine.merge_fingerprint(more_sets, name)

    @classmethod
    @checked
    def execute(
        cls,
        dataset_1: DatasetRef,
        more_sets: str,
        name: str,
        dataset_2: DatasetRef | None = None,
        dataset_3: DatasetRef | None = None,
        dataset_4: DatasetRef | None = None,
    ) -> io.NodeOutput:
        linked = [ref for ref in (dataset_1, dataset_2, dataset_3, dataset_4) if ref is not None]
        named = engine.find_sets(more_sets)
        target = engine.set_path(name)
        sources = [DatasetStore.open(ref.path) for ref in (*linked, *named)]
        pictures = sum(map(len, sources))
        notes: list[str] = []
        with merge(sources, target.parent, target.name, progress_bar(pictures), notes) as store:
            pass
        total, repeated = count_repeated_in(sources, progress_bar(pictures))
        text = (
            f"{store.name}: {len(store)} pictures out of {len(sources)} sets. Of their {total:,} pictures "
            f"{repeated:,} are there before, pixel by pixel."
        )
        lines = [text, *notes, store.found_text(), *(source.left_out() for source in sources)]
        return io.NodeOutput(store.ref(), ui=answer("\n".join(filter(None, lines)), facts=engine.facts(store)))


class HypoNetSplitDataset(io.ComfyNode):
    """A set divided into train, validation and test sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSplitDataset",
            display_name="Split Dataset (train, test, validation)",
            category=widgets.CATEGORY,
            description=(
                "Divides a set into train, validation and test sets, each class alike, by a seed. Pictures that are "
                "equal pixel by pixel stay in one part."
            ),
            search_aliases=["train test split", "validation", "holdout"],
            is_output_node=True,
            inputs=[
                widgets.dataset_input(tooltip="The set to divide; it stays as it is."),
                io.String.Input(
                    "name",
                    default="",
                    tooltip="The parts are called <name>-train, -val and -test; empty takes the set's own name.",
                ),
                *(
                    io.Float.Input(
                        part,
                        default=share,
                        min=0.0,
                        max=1.0,
                        step=0.01,
                        display_name=f"share of {part}",
                        tooltip="Share of each class; only the ratio of the three counts, 0 makes no such set.",
                    )
                    for part, share in (("train", 0.8), ("val", 0.1), ("test", 0.1))
                ),
                widgets.include_marked_input(),
                seed_input("Which pictures go where; one seed, one split."),
            ],
            outputs=[
                widgets.dataset_output(
                    f"{part}_set", f"{part} set", tooltip=f"The {part} part; nothing for a share of 0."
                )
                for part in PARTS
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, name: str | None = None, **_: object) -> str | float:
        return engine.split_fingerprint(name)

    @classmethod
    @checked
    def execute(
        cls, dataset: DatasetRef, name: str, train: float, val: float, test: float, include_marked: bool, seed: int
    ) -> io.NodeOutput:
        source = DatasetStore.open(dataset.path)
        target = engine.set_path(name.strip() or source.name)
        parts = split(
            source,
            target.parent,
            target.name,
            Shares(train, val, test),
            seed,
            include_fallbacks=include_marked,
            progress=progress_bar(len(source)),
        )
        stores = {part: DatasetStore.open(ref.path) for part, ref in parts.items()}
        lines = [f"{part}: {len(store):,} pictures in {store.root}" for part, store in stores.items()]
        in_several = count_repeated_in(list(stores.values()))[1] - sum(
            count_repeated_in([store])[1] for store in stores.values()
        )
        text = "\n".join([*lines, f"pictures in several parts, pixel by pixel: {in_several:,}", source.left_out()])
        return io.NodeOutput(*(parts.get(part, ExecutionBlocker(None)) for part in PARTS), ui=answer(text.rstrip()))


NODES: list[type[io.ComfyNode]] = [HypoNetMergeDatasets, HypoNetSplitDataset]
