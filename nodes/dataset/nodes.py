"""The nodes of the dataset room: save, load, merge, split and summarize; culling and export have faces of their own."""

from __future__ import annotations

import torch
from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker  # the module that custom nodes are to import it from

from ...evaluation.pictures.tensors import check_pixels, to_image, to_uint8
from .. import sockets
from ..checks import checked
from ..engine import answer, last_line, metadata_is_off, nothing_chosen, progress_bar
from ..prompts.item import Item
from ..prompts.plan import Plan
from ..widgets import FileCombo, names_found_when_opened, schema, seed_input
from . import engine, widgets
from .culling.nodes import NODES as CULLING
from .equal_pictures import count_repeated_in
from .export.nodes import NODES as EXPORT
from .load import load_batch, table_of
from .merge import merge
from .save import save_items
from .split import PARTS, Shares, split
from .store.description import Copies, parse_sizes
from .store.encode import Encoding
from .store.store import DatasetRef, DatasetStore
from .summary import plot, summarize

CATEGORY = "HypoNet/Dataset"


class HypoNetSaveToDataset(io.ComfyNode):
    """Pictures of a batch, written into a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSaveToDataset",
            display_name="Save to Dataset",
            category=CATEGORY,
            description=(
                "Writes the pictures of a plan's batch into a labelled set, whatever native graph made them. What the "
                "set has already is left as it is."
            ),
            search_aliases=["save images", "labelled images", "image folder"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            advanced=widgets.WRITING,
            inputs=[
                io.Image.Input("images", tooltip="One picture for each item, in the items' order."),
                sockets.Items.Input("items", tooltip="The batch's items from Plan Batch: labels, prompts and seeds."),
                sockets.Plan.Input("plan", tooltip="The whole plan; it is kept in dataset.json to make the set again."),
                io.String.Input(
                    "name",
                    default="my_set",
                    tooltip="Folder of the set below output/datasets; a set of that name is continued.",
                ),
                *widgets.writing_inputs(),
            ],
            outputs=[widgets.dataset_output("dataset")],
        )

    @classmethod
    def fingerprint_inputs(cls, name: str | None = None, **_: object) -> str | float:
        return engine.changes_fingerprint(name)

    @classmethod
    @checked
    def execute(
        cls,
        images: torch.Tensor,
        items: tuple[Item, ...],
        plan: Plan,
        name: str,
        image_format: str,
        quality: int,
        embed_metadata: bool,
        embed_parameters: bool,
        small_copies: str,
        copy_filter: str,
    ) -> io.NodeOutput:
        check_pixels(images)
        encoding = Encoding(
            image_format,
            quality,
            embed_metadata and not metadata_is_off(),
            embed_parameters and not metadata_is_off(),
        )
        upstream = engine.upstream(cls.hidden, "images")
        copies = Copies(parse_sizes(small_copies), copy_filter)
        with engine.create_or_open_set(name, plan, cls.hidden, encoding, copies, upstream) as store:
            with last_line(cls.hidden.unique_id, lambda: f"the set has {len(store):,} pictures"):
                added = save_items(store, items, to_uint8(images), progress_bar(len(items)))
            text = (
                f"{added} of {len(items)} pictures were new; the set has {len(store)}.\n{store.found_text()}".rstrip()
            )
            return io.NodeOutput(store.ref(), ui=answer(text, facts=engine.facts(store)))


class HypoNetLoadDataset(io.ComfyNode):
    """A set, whatever its pictures are like: none is read."""

    validate_inputs = names_found_when_opened("name")

    @classmethod
    def define_schema(cls) -> io.Schema:
        names = engine.names_of_sets()
        return schema(
            node_id="HypoNetLoadDataset",
            display_name="Load Dataset",
            category=CATEGORY,
            description=(
                "Opens a labelled set: the set for other nodes, a table of its pictures, and its plan. The pictures "
                "themselves are read by Load Dataset Pictures alone, so that a damaged set opens and can be mended."
            ),
            search_aliases=["open dataset", "image folder", "labels"],
            inputs=[
                FileCombo(
                    "name",
                    options=names,
                    default=names[0],
                    tooltip="A set in output/datasets or in one of extra_model_paths.yaml's hyponet_datasets.",
                ),
                widgets.include_marked_input(),
            ],
            outputs=[
                widgets.dataset_output("dataset"),
                io.String.Output(
                    "table",
                    display_name="table",
                    tooltip="The set as CSV, one picture a line; the first 10,000 of it.",
                ),
                io.Int.Output("count", display_name="count", tooltip="Pictures in the set."),
                sockets.Plan.Output(
                    "plan",
                    display_name="plan",
                    tooltip="The plan it was made by, out of dataset.json: makes the same set again, or more of it.",
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, name: str | None = None, **_: object) -> str | float:
        return engine.set_fingerprint(name)

    @classmethod
    @checked
    def execute(cls, name: str, include_marked: bool) -> io.NodeOutput:
        if name == engine.NO_SETS:
            return nothing_chosen(engine.NO_SET_CHOSEN)
        store = DatasetStore.open(engine.find_set(name).path)
        count = len(store.keys(include_fallbacks=include_marked))
        text = f"{store.name}: {count} pictures in {len(store.labels)} classes. {store.left_out()}".rstrip()
        values = (store.ref(), table_of(store, include_marked), count, engine.plan_of(store))
        return io.NodeOutput(*values, ui=answer(text, facts=engine.facts(store)))


class HypoNetLoadDatasetPictures(io.ComfyNode):
    """One batch of a set's pictures."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetLoadDatasetPictures",
            display_name="Load Dataset Pictures",
            category=CATEGORY,
            description="One batch of a set's pictures as images, classes in turn, with their labels.",
            search_aliases=["dataset batch", "thumbnails", "open pictures"],
            inputs=[
                widgets.dataset_input(tooltip="The set to read from."),
                io.Int.Input(
                    "batch_number", default=0, min=0, max=2**31, tooltip="Which batch: 0 the first, 1 the next."
                ),
                io.Int.Input("batch_size", default=16, min=1, max=64, tooltip="Pictures in a batch, 64 at most."),
                io.Int.Input(
                    "size",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="Side in pixels that pictures are resized to; 0 keeps their own (all must be alike).",
                ),
                widgets.include_marked_input(),
            ],
            outputs=[
                io.Image.Output("images", display_name="images", tooltip="The batch's pictures."),
                io.String.Output("labels", display_name="labels", tooltip="Their labels, one a line."),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls, dataset: DatasetRef, batch_number: int, batch_size: int, size: int, include_marked: bool
    ) -> io.NodeOutput:
        store = DatasetStore.open(dataset.path)
        batch = load_batch(store, batch_number, batch_size, size, include_marked)
        return io.NodeOutput(to_image(batch.images), "\n".join(record.label for record in batch.records))


class HypoNetMergeDatasets(io.ComfyNode):
    """Several sets as one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMergeDatasets",
            display_name="Merge Datasets",
            category=CATEGORY,
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
            display_name="Split Dataset",
            category=CATEGORY,
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
        made = {part: DatasetStore.open(ref.path) for part, ref in parts.items()}
        lines = [f"{part}: {len(store):,} pictures in {store.root}" for part, store in made.items()]
        in_several = count_repeated_in(list(made.values()))[1] - sum(
            count_repeated_in([store])[1] for store in made.values()
        )
        text = "\n".join([*lines, f"pictures in several parts, pixel by pixel: {in_several:,}", source.left_out()])
        return io.NodeOutput(*(parts.get(part, ExecutionBlocker(None)) for part in PARTS), ui=answer(text.rstrip()))


class HypoNetSummarizeDataset(io.ComfyNode):
    """How many pictures each class and each option has."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSummarizeDataset",
            display_name="Dataset Summary",
            category=CATEGORY,
            description="Counts a set's pictures a class and how evenly each slot's options were picked.",
            search_aliases=["statistics", "balance", "histogram", "counts"],
            is_output_node=True,
            inputs=[widgets.dataset_input(tooltip="The set to count.")],
            outputs=[
                io.Image.Output("plot", display_name="plot", tooltip="Bars for classes and for each slot's options."),
                io.String.Output("table", display_name="table", tooltip="The same numbers as Markdown."),
            ],
        )

    @classmethod
    @checked
    def execute(cls, dataset: DatasetRef) -> io.NodeOutput:
        summary = summarize(DatasetStore.open(dataset.path))
        image, table = to_image(plot(summary)), summary.markdown()
        return io.NodeOutput(image, table, ui=answer(table, image, facts={"report": table}))


NODES: list[type[io.ComfyNode]] = [
    HypoNetSaveToDataset,
    HypoNetLoadDataset,
    HypoNetLoadDatasetPictures,
    HypoNetMergeDatasets,
    HypoNetSplitDataset,
    HypoNetSummarizeDataset,
    *CULLING,
    *EXPORT,
]
