"""The nodes of the dataset room: save, load, and see a whole set; parts, culling and export have faces of their own."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ...evaluation.pictures.tensors import check_pixels, to_image, to_uint8
from .. import sockets
from ..checks import checked
from ..engine import answer, last_line, metadata_is_off, nothing_chosen, progress_bar
from ..prompts.item import Item
from ..prompts.plan import Plan
from ..widgets import FileCombo, names_found_when_opened, schema
from . import engine, widgets
from .contact_sheet import CAPTIONS, ORDERS, SheetSettings, contact_sheet, save_sheet
from .culling.nodes import NODES as CULLING
from .export.nodes import NODES as EXPORT
from .load import load_batch, table_of
from .parts.nodes import HypoNetMergeDatasets, HypoNetSplitDataset
from .save import save_items
from .store.description import Copies, parse_sizes
from .store.encode import Encoding
from .store.store import DatasetRef, DatasetStore
from .summary import plot, summarize


class HypoNetSaveToDataset(io.ComfyNode):
    """Pictures of a batch, written into a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSaveToDataset",
            display_name="Save to Dataset",
            category=widgets.CATEGORY,
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
            category=widgets.CATEGORY,
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
            category=widgets.CATEGORY,
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


class HypoNetSummarizeDataset(io.ComfyNode):
    """How many pictures each class and each option has."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSummarizeDataset",
            display_name="Dataset Summary",
            category=widgets.CATEGORY,
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


class HypoNetMakeContactSheet(io.ComfyNode):
    """Many pictures of a set on one sheet."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMakeContactSheet",
            display_name="Contact Sheet (grid, thumbnails)",
            category=widgets.CATEGORY,
            description="Shows many pictures of a set on one sheet, with the numbers that Reject Items takes.",
            search_aliases=["grid", "overview", "thumbnails", "index print"],
            is_output_node=True,
            inputs=[
                widgets.dataset_input(tooltip="The set to look at."),
                io.Int.Input("columns", default=10, min=1, max=100, tooltip="Pictures in a row."),
                io.Int.Input("rows", default=10, min=1, max=100, tooltip="Rows on a sheet."),
                io.Int.Input("page", default=0, min=0, max=1_000_000, tooltip="Which sheet, from 0."),
                io.Int.Input("cell", default=128, min=16, max=1024, tooltip="Side of a picture in pixels."),
                io.Combo.Input(
                    "caption", options=list(CAPTIONS), default=CAPTIONS[0], tooltip="What stands below each picture."
                ),
                io.Combo.Input(
                    "order",
                    options=list(ORDERS),
                    default=ORDERS[0],
                    tooltip="One class after the other, or a picture of each class in turn.",
                ),
                io.String.Input("only_class", default="", tooltip="Show this class only; empty shows all."),
            ],
            outputs=[
                io.Image.Output("sheet", display_name="sheet", tooltip="The sheet; also saved beside the set."),
                io.Int.Output("pages", display_name="pages", tooltip="How many sheets the whole set fills."),
            ],
        )

    @classmethod
    @checked
    def execute(cls, dataset: DatasetRef, **widgets: Any) -> io.NodeOutput:
        settings = SheetSettings(**widgets)
        store = DatasetStore.open(dataset.path)
        sheet = contact_sheet(store, settings)
        path, text = "", "Not saved: the set is only read."
        if engine.is_own(store.ref()):
            path, text = save_sheet(store, settings, sheet)
        image, text = to_image(sheet.image), f"{text} {store.left_out()}".rstrip()
        return io.NodeOutput(image, sheet.pages, ui=answer(text, image, facts={"path": path}))


NODES: list[type[io.ComfyNode]] = [
    HypoNetSaveToDataset,
    HypoNetLoadDataset,
    HypoNetLoadDatasetPictures,
    HypoNetMergeDatasets,
    HypoNetSplitDataset,
    HypoNetSummarizeDataset,
    HypoNetMakeContactSheet,
    *CULLING,
    *EXPORT,
]
